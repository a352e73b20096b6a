//! `security` and `applications`: zones, address books, policies, screens, NAT, flow, log.

use super::table::range;
use super::{Shape, any, block, flag, keyed, own, value, values};

pub(super) static SECURITY: [Shape; 7] = [
    block("zones", &ZONES),
    block("address-book", &[any(&BOOK)]),
    block("policies", &POLICIES),
    block("screen", &[keyed("ids-option", &SCREEN), keyed("white-list", &[values("address")])]),
    block("nat", &NAT),
    block("flow", &FLOW),
    block("log", &LOG),
];

static ZONES: [Shape; 2] = [keyed("security-zone", &ZONE), keyed("functional-zone", &ZONE)];

static ZONE: [Shape; 6] = [
    value("screen"),
    flag("tcp-rst"),
    flag("application-tracking"),
    block("address-book", &BOOK),
    block("host-inbound-traffic", &HOST_INBOUND),
    block("interfaces", &[any(&[block("host-inbound-traffic", &HOST_INBOUND)])]),
];

static HOST_INBOUND: [Shape; 2] = [
    block("system-services", &[any(&[flag("except")]).line()]),
    block("protocols", &[any(&[flag("except")]).line()]),
];

static BOOK: [Shape; 3] = [
    keyed(
        "address",
        &[
            own(),
            keyed("dns-name", &[flag("ipv4-only"), flag("ipv6-only")]).choice(),
            keyed("range-address", &[block("to", &[own()])]).choice(),
            value("wildcard-address").choice(),
        ],
    )
    .line(),
    keyed("address-set", &[keyed("address", &[]), keyed("address-set", &[])]),
    block("attach", &[keyed("zone", &[])]),
];

static POLICIES: [Shape; 4] = [
    keyed("from-zone", &[keyed("to-zone", &[keyed("policy", &POLICY)]).inline()]),
    block("global", &[keyed("policy", &POLICY)]),
    block(
        "default-policy",
        &[flag("permit-all").choice(), flag("deny-all").choice(), flag("reject-all").choice()],
    ),
    block("policy-rematch", &[flag("extensive")]).line(),
];

static POLICY: [Shape; 3] = [
    block(
        "match",
        &[
            values("source-address"),
            values("destination-address"),
            values("application"),
            flag("source-address-excluded"),
            flag("destination-address-excluded"),
            values("from-zone"),
            values("to-zone"),
            values("source-identity"),
            values("dynamic-application"),
        ],
    ),
    block(
        "then",
        &[
            block("permit", &[]).choice(),
            block("deny", &[]).choice(),
            block("reject", &[value("profile")]).choice(),
            block("log", &[flag("session-init"), flag("session-close")]),
            block("count", &[]),
        ],
    ),
    value("scheduler-name"),
];

static SCREEN: [Shape; 6] = [
    flag("alarm-without-drop"),
    block(
        "icmp",
        &[
            block("flood", &THRESHOLD).line(),
            block("ip-sweep", &THRESHOLD).line(),
            flag("fragment"),
            flag("icmpv6-malformed"),
            flag("large"),
            flag("ping-death"),
        ],
    ),
    block("ip", &SCREEN_IP),
    block("tcp", &SCREEN_TCP),
    block(
        "udp",
        &[
            block("flood", &FLOOD).line(),
            block("port-scan", &THRESHOLD).line(),
            block("udp-sweep", &THRESHOLD).line(),
        ],
    ),
    block("limit-session", &[value("source-ip-based"), value("destination-ip-based")]),
];

static THRESHOLD: [Shape; 1] = [value("threshold")];

static FLOOD: [Shape; 2] = [value("threshold"), values("white-list")];

static SCREEN_IP: [Shape; 13] = [
    flag("bad-option"),
    flag("block-frag"),
    flag("loose-source-route-option"),
    flag("record-route-option"),
    flag("security-option"),
    flag("source-route-option"),
    flag("spoofing"),
    flag("stream-option"),
    flag("strict-source-route-option"),
    flag("tear-drop"),
    flag("timestamp-option"),
    flag("unknown-protocol"),
    value("ipv6-extension-header-limit"),
];

static SCREEN_TCP: [Shape; 10] = [
    flag("fin-no-ack"),
    flag("land"),
    flag("syn-fin"),
    flag("syn-frag"),
    flag("tcp-no-flag"),
    flag("winnuke"),
    block("port-scan", &THRESHOLD).line(),
    block("tcp-sweep", &THRESHOLD).line(),
    block("syn-ack-ack-proxy", &THRESHOLD).line(),
    block(
        "syn-flood",
        &[
            value("alarm-threshold"),
            value("attack-threshold"),
            value("source-threshold"),
            value("destination-threshold"),
            value("timeout"),
            keyed("white-list", &[values("source-address"), values("destination-address")]),
        ],
    ),
];

static NAT: [Shape; 5] = [
    block(
        "source",
        &[
            keyed("pool", &SOURCE_POOL),
            keyed("rule-set", &SOURCE_RULES),
            flag("address-persistent"),
            block("interface", &[value("port-overloading"), value("port-overloading-factor")]),
        ],
    ),
    block(
        "destination",
        &[
            keyed(
                "pool",
                &[
                    keyed("address", &[value("to"), value("port")]).line(),
                    value("routing-instance"),
                ],
            ),
            keyed("rule-set", &DESTINATION_RULES),
        ],
    ),
    block("static", &[keyed("rule-set", &STATIC_RULES)]),
    block("proxy-arp", &PROXY),
    block("proxy-ndp", &PROXY),
];

static PROXY: [Shape; 1] = [keyed("interface", &[block("address", &[range()])])];

static SOURCE_POOL: [Shape; 6] = [
    block("address", &[range()]),
    block(
        "port",
        &[
            flag("no-translation"),
            block("range", &[own(), block("to", &[own()])]),
            value("port-overloading-factor"),
            flag("preserve-parity"),
            flag("preserve-range"),
            block(
                "block-allocation",
                &[
                    value("block-size"),
                    value("maximum-blocks-per-host"),
                    value("active-block-timeout"),
                    value("interim-logging-interval"),
                ],
            ),
        ],
    ),
    keyed("overflow-pool", &[]),
    block("host-address-base", &[own()]),
    value("address-pooling"),
    value("routing-instance"),
];

static FROM_TO: [Shape; 3] = [values("zone"), values("interface"), values("routing-instance")];

static NAT_MATCH: [Shape; 8] = [
    values("source-address"),
    values("source-address-name"),
    values("destination-address"),
    values("destination-address-name"),
    block("source-port", &[range()]),
    block("destination-port", &[range()]),
    values("protocol"),
    values("application"),
];

static SOURCE_RULES: [Shape; 3] = [
    block("from", &FROM_TO).line(),
    block("to", &FROM_TO).line(),
    keyed(
        "rule",
        &[
            block("match", &NAT_MATCH),
            block(
                "then",
                &[block(
                    "source-nat",
                    &[
                        block("interface", &PERSISTENT).choice(),
                        block("pool", &POOL_NAME).choice(),
                        flag("off").choice(),
                    ],
                )],
            ),
        ],
    ),
];

const PERSISTENT_NAT: Shape = block(
    "persistent-nat",
    &[
        value("permit"),
        flag("address-mapping"),
        value("inactivity-timeout"),
        value("max-session-number"),
    ],
);

static PERSISTENT: [Shape; 1] = [PERSISTENT_NAT];

static POOL_NAME: [Shape; 2] = [own(), PERSISTENT_NAT];

static DESTINATION_RULES: [Shape; 2] = [
    block("from", &FROM_TO).line(),
    keyed(
        "rule",
        &[
            block("match", &NAT_MATCH),
            block(
                "then",
                &[block(
                    "destination-nat",
                    &[block("pool", &[own()]).choice(), flag("off").choice()],
                )],
            ),
        ],
    ),
];

static STATIC_RULES: [Shape; 2] = [
    block("from", &FROM_TO).line(),
    keyed(
        "rule",
        &[
            block("match", &NAT_MATCH),
            block(
                "then",
                &[block(
                    "static-nat",
                    &[
                        block("prefix", &MAPPED).choice(),
                        block("prefix-name", &MAPPED).choice(),
                        block("nptv6-prefix", &MAPPED).choice(),
                        block("nptv6-prefix-name", &MAPPED).choice(),
                        block("inet", &[]).choice(),
                    ],
                )],
            ),
        ],
    ),
];

static MAPPED: [Shape; 3] = [own(), block("mapped-port", &[range()]), value("routing-instance")];

static FLOW: [Shape; 6] = [
    block("aging", &AGING),
    value("syn-flood-protection-mode"),
    flag("allow-dns-reply"),
    flag("allow-embedded-icmp"),
    block(
        "tcp-mss",
        &[
            block("all-tcp", &[value("mss")]),
            block("ipsec-vpn", &[value("mss")]),
            block("gre-in", &[value("mss")]),
            block("gre-out", &[value("mss")]),
        ],
    ),
    block(
        "tcp-session",
        &[
            flag("no-syn-check"),
            flag("no-syn-check-in-tunnel"),
            flag("no-sequence-check"),
            flag("rst-invalidate-session"),
            flag("fin-invalidate-session"),
            flag("rst-sequence-check"),
            flag("strict-syn-check"),
            value("tcp-initial-timeout"),
            value("maximum-window"),
            block(
                "time-wait-state",
                &[
                    value("session-timeout"),
                    flag("session-ageout"),
                    flag("apply-to-half-close-state"),
                ],
            ),
        ],
    ),
];

static AGING: [Shape; 3] = [value("early-ageout"), value("low-watermark"), value("high-watermark")];

static LOG: [Shape; 9] = [
    value("mode"),
    value("format"),
    value("source-address"),
    value("source-interface"),
    value("rate-cap"),
    value("event-rate"),
    block("transport", &TRANSPORT),
    block("file", &[value("name"), value("path"), value("size"), value("files")]),
    keyed(
        "stream",
        &[
            value("severity"),
            value("format"),
            values("category"),
            value("facility-override"),
            block("rate-limit", &[own()]).line(),
            value("source-address"),
            block("transport", &TRANSPORT),
            block(
                "file",
                &[
                    value("localfilename"),
                    value("size"),
                    value("rotation"),
                    flag("allow-duplicates"),
                ],
            ),
            block("host", &[own(), value("port"), value("routing-instance")]),
        ],
    ),
];

static TRANSPORT: [Shape; 3] = [value("protocol"), value("tcp-connections"), value("tls-profile")];

pub(super) static APPLICATIONS: [Shape; 2] = [
    keyed("application", &APPLICATION),
    keyed("application-set", &[keyed("application", &[]), keyed("application-set", &[])]),
];

static APPLICATION: [Shape; 15] = [
    keyed("term", &TERM).line(),
    value("application-protocol"),
    value("protocol"),
    value("source-port"),
    value("destination-port"),
    value("icmp-type"),
    value("icmp-code"),
    value("icmp6-type"),
    value("icmp6-code"),
    value("inactivity-timeout"),
    value("rpc-program-number"),
    value("uuid"),
    value("ether-type"),
    flag("do-not-translate-A-query-to-AAAA-query"),
    flag("do-not-translate-AAAA-query-to-A-query"),
];

static TERM: [Shape; 11] = [
    value("alg"),
    value("protocol"),
    value("source-port"),
    value("destination-port"),
    value("icmp-type"),
    value("icmp-code"),
    value("icmp6-type"),
    value("icmp6-code"),
    value("inactivity-timeout"),
    value("rpc-program-number"),
    value("uuid"),
];
