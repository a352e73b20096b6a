//! `firewall` and `policy-options`: filters, policers, prefix lists. In a filter's `from` nearly
//! every condition is a list; in its `then` one action excludes another.

use super::{Shape, any, block, flag, keyed, value, values};

pub(super) static FIREWALL: [Shape; 4] = [
    keyed("family", &[keyed("filter", &FILTER)]),
    keyed("filter", &FILTER),
    keyed("policer", &POLICER),
    keyed("three-color-policer", &THREE_COLOR),
];

pub(super) static POLICY_OPTIONS: [Shape; 1] = [keyed("prefix-list", &[any(&[])])];

static FILTER: [Shape; 2] = [
    flag("interface-specific"),
    keyed("term", &[block("from", &FROM), block("then", &THEN).line()]),
];

static FROM: [Shape; 48] = [
    block("address", &EXCEPT),
    block("source-address", &EXCEPT),
    block("destination-address", &EXCEPT),
    block("prefix-list", &EXCEPT),
    block("source-prefix-list", &EXCEPT),
    block("destination-prefix-list", &EXCEPT),
    block("interface", &EXCEPT),
    values("protocol"),
    values("protocol-except"),
    values("next-header"),
    values("next-header-except"),
    values("payload-protocol"),
    values("payload-protocol-except"),
    values("port"),
    values("port-except"),
    values("source-port"),
    values("source-port-except"),
    values("destination-port"),
    values("destination-port-except"),
    values("icmp-type"),
    values("icmp-type-except"),
    values("icmp-code"),
    values("icmp-code-except"),
    values("dscp"),
    values("dscp-except"),
    values("traffic-class"),
    values("traffic-class-except"),
    values("precedence"),
    values("precedence-except"),
    values("packet-length"),
    values("packet-length-except"),
    values("ttl"),
    values("ttl-except"),
    values("hop-limit"),
    values("ip-options"),
    values("ip-options-except"),
    values("fragment-offset"),
    values("fragment-offset-except"),
    values("forwarding-class"),
    values("loss-priority"),
    values("loss-priority-except"),
    value("ip-version"),
    flag("first-fragment"),
    value("fragment-flags"),
    value("tcp-flags"),
    flag("tcp-established"),
    flag("tcp-initial"),
    flag("is-fragment"),
];

/// Prefixes or names, each of them possibly excluded.
static EXCEPT: [Shape; 1] = [any(&[flag("except")]).line()];

static THEN: [Shape; 16] = [
    flag("accept").choice(),
    block("discard", &[]).choice(),
    block("reject", &[any(&[])]).choice().line(),
    value("next").choice(),
    value("routing-instance").choice(),
    value("count"),
    flag("log"),
    flag("syslog"),
    flag("sample"),
    flag("port-mirror"),
    value("policer"),
    block("three-color-policer", &[value("single-rate"), value("two-rate")]),
    value("forwarding-class"),
    value("loss-priority"),
    value("dscp"),
    value("traffic-class"),
];

static POLICER: [Shape; 5] = [
    flag("logical-interface-policer"),
    flag("physical-interface-policer"),
    flag("filter-specific"),
    block(
        "if-exceeding",
        &[value("bandwidth-limit"), value("bandwidth-percent"), value("burst-size-limit")],
    ),
    block("then", &[flag("discard"), value("loss-priority"), value("forwarding-class")]).line(),
];

static THREE_COLOR: [Shape; 4] = [
    flag("filter-specific"),
    block("action", &[block("loss-priority", &[any(&[value("then")]).line()]).line()]),
    block("single-rate", &RATE),
    block("two-rate", &RATE),
];

static RATE: [Shape; 7] = [
    flag("color-aware").choice(),
    flag("color-blind").choice(),
    value("committed-information-rate"),
    value("committed-burst-size"),
    value("excess-burst-size"),
    value("peak-information-rate"),
    value("peak-burst-size"),
];
