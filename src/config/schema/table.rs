//! The top of the hierarchy: system, interfaces, routing, schedulers, chassis.
//! Only statements whose words would be grouped wrongly without an entry need one.

use super::firewall::{FIREWALL, POLICY_OPTIONS};
use super::security::{APPLICATIONS, SECURITY};
use super::{Kind, Shape, any, block, flag, keyed, shape, value, values};

pub(super) static ROOT: Shape = block("", &TOP);

static TOP: [Shape; 12] = [
    block("groups", &[shape("", Kind::Hierarchy, &[])]),
    value("version"),
    block("system", &SYSTEM),
    block("chassis", &CHASSIS),
    block("interfaces", &[keyed("interface-range", &RANGE), any(&INTERFACE)]),
    block("routing-options", &ROUTING),
    block("routing-instances", &[any(&INSTANCE)]),
    block("security", &SECURITY),
    block("applications", &APPLICATIONS),
    block("firewall", &FIREWALL),
    block("policy-options", &POLICY_OPTIONS),
    block("schedulers", &[keyed("scheduler", &SCHEDULER)]),
];

static SYSTEM: [Shape; 7] = [
    value("host-name"),
    value("domain-name"),
    value("time-zone"),
    block("name-server", &[any(&[])]),
    block(
        "login",
        &[
            keyed("user", &[value("uid"), value("class"), value("full-name")]),
            keyed("class", &[]),
            value("message"),
        ],
    ),
    block(
        "syslog",
        &[
            keyed("user", &[any(&[])]),
            keyed("host", &[value("port"), value("source-address")]),
            keyed("file", &[]),
        ],
    ),
    block("ntp", &[keyed("server", &[]).line()]),
];

static INTERFACE: [Shape; 7] = [
    flag("disable"),
    flag("vlan-tagging"),
    flag("flexible-vlan-tagging"),
    value("mtu"),
    value("speed"),
    block("redundant-ether-options", &[value("redundancy-group")]),
    keyed("unit", &UNIT),
];

static RANGE: [Shape; 3] = [keyed("member", &[]), value("mtu"), keyed("unit", &UNIT)];

static UNIT: [Shape; 5] = [
    flag("disable"),
    value("vlan-id"),
    value("bandwidth"),
    value("proxy-arp"),
    keyed(
        "family",
        &[
            value("mtu"),
            flag("dhcp"),
            block(
                "filter",
                &[value("input"), value("output"), values("input-list"), values("output-list")],
            ),
            keyed("address", &[flag("primary"), flag("preferred"), flag("master-only")]),
            block("vlan", &[values("members")]),
            value("interface-mode"),
        ],
    ),
];

static ROUTING: [Shape; 4] = [
    value("router-id"),
    block("static", &STATIC),
    keyed("rib", &[block("static", &STATIC)]),
    block("graceful-restart", &[]),
];

static STATIC: [Shape; 1] = [keyed(
    "route",
    &[
        values("next-hop"),
        keyed("qualified-next-hop", &[value("preference"), value("metric")]),
        value("next-table"),
        flag("discard").choice(),
        flag("reject").choice(),
        flag("receive").choice(),
        value("preference"),
        value("metric"),
        value("tag"),
        flag("resolve"),
        flag("no-resolve"),
        flag("retain"),
        flag("no-retain"),
        flag("install"),
        flag("no-install"),
        flag("readvertise"),
        flag("no-readvertise"),
        flag("active"),
        flag("passive"),
    ],
)
.line()];

static INSTANCE: [Shape; 3] =
    [value("instance-type"), keyed("interface", &[]), block("routing-options", &ROUTING)];

static CHASSIS: [Shape; 1] = [block(
    "cluster",
    &[
        value("reth-count"),
        flag("control-link-recovery"),
        keyed(
            "redundancy-group",
            &[
                keyed("node", &[value("priority")]).line(),
                flag("preempt"),
                value("gratuitous-arp-count"),
                block("interface-monitor", &[any(&[value("weight")]).line()]),
            ],
        ),
    ],
)];

static SCHEDULER: [Shape; 9] = [
    keyed("start-date", &[value("stop-date")]).line(),
    block("daily", &DAY),
    block("monday", &DAY),
    block("tuesday", &DAY),
    block("wednesday", &DAY),
    block("thursday", &DAY),
    block("friday", &DAY),
    block("saturday", &DAY),
    block("sunday", &DAY),
];

static DAY: [Shape; 3] =
    [keyed("start-time", &[value("stop-time")]).line(), flag("all-day"), flag("exclude")];

/// A value of an address pool or list: `A`, or `A to B`.
pub(super) const fn range() -> Shape {
    any(&TO).line()
}

static TO: [Shape; 1] = [value("to").inline()];
