//! NAT pools, rules and their order.

use components::address::{AddressRange, Family};
use components::ids::{IfIndex, NatRuleId, PoolId, ZoneId};
use components::world::World;
use components::world::application::Service;
use components::world::nat::{
    DestinationHit, NatQuery, Overflow, Permit, PersistentNat, PortBlocks, SourceAction, SourceHit,
};

use super::{DMZ, TRUST, UNTRUST, found, office, v4};

fn query(
    from: (u16, ZoneId),
    to: (u16, ZoneId),
    source: &str,
    destination: &str,
    port: u16,
) -> NatQuery {
    NatQuery {
        ingress: IfIndex(from.0),
        from_zone: from.1,
        egress: IfIndex(to.0),
        to_zone: to.1,
        family: Family::Inet,
        destination_family: Family::Inet,
        source: v4(source),
        destination: v4(destination),
        service: Service {
            protocol: 6,
            source_port: 40_000,
            destination_port: port,
            ..Service::default()
        },
    }
}

fn outbound(world: &World, source: &str, port: u16) -> Option<SourceHit> {
    let query = query((2, TRUST), (1, UNTRUST), source, "8.8.8.8", port);
    world.nat.source_of(&query)
}

fn inbound(world: &World, destination: &str, port: u16) -> Option<DestinationHit> {
    let query = query((1, UNTRUST), (0, ZoneId::NONE), "8.8.8.8", destination, port);
    world.nat.destination_of(&query)
}

const SOURCE: &str = "set security nat source rule-set out from zone trust
    set security nat source rule-set out to zone untrust\n";

#[test]
fn source_rules_use_pools_the_interface_or_nothing() {
    let world = office(&format!(
        "{SOURCE}
         set security nat source pool p1 address 203.0.113.10 to 203.0.113.19
         set security nat source pool p1 address 203.0.113.32/28
         set security nat source pool p1 port range 2000 to 2999
         set security nat source pool p2 address 203.0.113.50/32
         set security nat source pool p2 port no-translation
         set security nat source rule-set out rule keep match destination-port 22
         set security nat source rule-set out rule keep then source-nat off
         set security nat source rule-set out rule pooled match source-address 10.1.1.0/25
         set security nat source rule-set out rule pooled then source-nat pool p1
         set security nat source rule-set out rule one match source-address-name one
         set security nat source rule-set out rule one then source-nat pool p2
         set security nat source rule-set out rule rest match protocol [ tcp udp ]
         set security nat source rule-set out rule rest then source-nat interface
         set security address-book global address one 10.1.1.200/32"
    ));
    let action = |source, port| match outbound(&world, source, port) {
        Some(SourceHit::Rule { rule, action }) => Some((rule.0, action)),
        _ => None,
    };
    assert_eq!(action("10.1.1.5", 22), Some((1, SourceAction::Off)));
    assert_eq!(action("10.1.1.5", 80), Some((2, SourceAction::Pool(PoolId(1)))));
    assert_eq!(action("10.1.1.200", 80), Some((3, SourceAction::Pool(PoolId(2)))));
    assert_eq!(action("10.1.1.201", 80), Some((4, SourceAction::Interface)));
    let pool = world.nat.pool(PoolId(1)).expect("exists");
    let key = |text: &str| v4(text).v4_key();
    assert_eq!(
        pool.ranges,
        [
            AddressRange::V4(key("203.0.113.10"), key("203.0.113.19")),
            AddressRange::V4(key("203.0.113.32"), key("203.0.113.47")),
        ]
    );
    assert_eq!((pool.ports, pool.no_translation), ((2000, 2999), false));
    let pool = world.nat.pool(PoolId(2)).expect("exists");
    assert_eq!((pool.ports, pool.no_translation), ((1024, 63_487), true));
    assert_eq!(world.nat.interface_ports, (1024, 63_487));
    assert_eq!(world.names.pool(PoolId(2)), "p2");
    let name = world.names.nat_rule(NatRuleId(3));
    assert_eq!((name.rule_set.as_str(), name.rule.as_str()), ("out", "one"));
}

#[test]
fn pools_have_options_and_their_defaults() {
    let pool = "set security nat source pool";
    let world = office(&format!(
        "{SOURCE}
         {pool} a address 203.0.113.10/32
         {pool} a port block-allocation block-size 256
         {pool} a port block-allocation maximum-blocks-per-host 4
         {pool} a port block-allocation active-block-timeout 120
         {pool} a address-pooling paired
         {pool} b address 203.0.113.11/32
         {pool} b port no-translation
         {pool} b overflow-pool a
         {pool} c address 203.0.113.16/28
         {pool} c host-address-base 10.1.1.0/28
         {pool} c overflow-pool interface
         {pool} d address 203.0.113.32/28
         {pool} d port range 20 to 4000
         {pool} d port preserve-parity
         {pool} d address-pooling no-paired
         set security nat source rule-set out rule r match source-address 10.0.0.0/8
         set security nat source rule-set out rule r then source-nat pool a"
    ));
    let pools = &world.nat.pools;
    let blocks = PortBlocks { size: 256, per_host_max: 4, active_s: 120 };
    assert_eq!((pools[0].blocks, pools[0].paired), (Some(blocks), true));
    assert_eq!((pools[1].overflow, pools[1].has_ports()), (Overflow::Pool(PoolId(1)), false));
    assert_eq!(
        (pools[2].overflow, pools[2].host_base),
        (Overflow::Interface, Some(v4("10.1.1.0")))
    );
    assert_eq!((pools[3].ports, pools[3].paired, pools[3].blocks), ((20, 4000), false, None));
    let ids = found(&format!(
        "{SOURCE}
         {pool} a address 203.0.113.10/32
         set security nat source address-persistent
         set security nat source interface port-overloading off
         set security nat source rule-set out rule r match source-address 10.0.0.0/8
         set security nat source rule-set out rule r then source-nat pool a"
    ));
    assert!(ids.is_empty(), "{ids:?}");
}

#[test]
fn persistent_nat_belongs_to_its_rule() {
    let r = "set security nat source rule-set out rule";
    let world = office(&format!(
        "{SOURCE}
         set security nat source pool p address 203.0.113.10/32
         {r} a match source-address 10.1.1.0/25
         {r} a then source-nat pool p
         {r} a then source-nat pool persistent-nat permit target-host-port
         {r} a then source-nat pool persistent-nat inactivity-timeout 60
         {r} a then source-nat pool persistent-nat max-session-number 8
         {r} b match source-address 10.1.1.0/24
         {r} b then source-nat interface persistent-nat permit target-host
         {r} c match source-address 10.0.0.0/8
         {r} c then source-nat interface"
    ));
    let (a, b) = (NatRuleId(1), NatRuleId(2));
    let expected = [
        PersistentNat {
            permit: Permit::TargetHostPort,
            inactivity_s: 60,
            sessions_max: 8,
            ..PersistentNat::of(a)
        },
        PersistentNat { permit: Permit::TargetHost, ..PersistentNat::of(b) },
    ];
    assert_eq!(world.nat.persistent, expected);
    assert_eq!((expected[1].inactivity_s, expected[1].sessions_max), (300, 30), "as Junos has it");
}

#[test]
fn faults_of_pools_and_persistent_nat_are_errors() {
    let pool = "set security nat source pool";
    let two = format!("{pool} a address 203.0.113.10/32\n{pool} b address 203.0.113.11/32\n");
    let r = "set security nat source rule-set out rule r";
    let rule =
        format!("{SOURCE}{r} match source-address 10.0.0.0/8\n{r} then source-nat interface");
    let cases = [
        (format!("{two}{pool} a overflow-pool nix"), "undefined-pool"),
        (
            format!("{two}{pool} b port no-translation\n{pool} a overflow-pool b"),
            "bad-overflow-pool",
        ),
        (format!("{two}{pool} a address-pooling both"), "bad-value"),
        (format!("{two}{pool} a port block-allocation block-size 0"), "bad-number"),
        (format!("{two}{pool} a port block-allocation active-block-timeout 119"), "bad-number"),
        (format!("{two}{pool} a port port-overloading-factor 2"), "not-honoured"),
        (format!("{rule} persistent-nat permit everyone"), "bad-value"),
        (format!("{rule} persistent-nat inactivity-timeout 59"), "bad-number"),
        (format!("{rule} persistent-nat max-session-number 7"), "bad-number"),
        (format!("{rule} persistent-nat address-mapping"), "not-honoured"),
    ];
    for (lines, id) in cases {
        assert!(found(&lines).contains(&id), "{lines}: {:?}", found(&lines));
    }
}

#[test]
fn rule_sets_of_interfaces_come_before_those_of_zones() {
    let world = office(&format!(
        "{SOURCE}
         set security nat source rule-set out rule zones match source-address 0.0.0.0/0
         set security nat source rule-set out rule zones then source-nat off
         set security nat source rule-set from-ifl from interface ge-0/0/1.0
         set security nat source rule-set from-ifl to zone untrust
         set security nat source rule-set from-ifl rule from-ifl match source-address 10.1.1.0/24
         set security nat source rule-set from-ifl rule from-ifl then source-nat interface
         set security nat source rule-set to-ifl from zone trust
         set security nat source rule-set to-ifl to interface ge-0/0/0.0
         set security nat source rule-set to-ifl rule to-ifl match destination-address 9.0.0.0/8
         set security nat source rule-set to-ifl rule to-ifl then source-nat off"
    ));
    let rules = world.nat.source.iter().map(|rule| world.names.nat_rule(rule.id));
    let names: Vec<&str> = rules.map(|name| name.rule.as_str()).collect();
    assert_eq!(names, ["to-ifl", "from-ifl", "zones"]);
}

#[test]
fn destination_rules_translate_address_and_port() {
    let world = office(
        "set security nat destination pool web address 10.1.2.80/32
         set security nat destination pool alt address 10.1.2.81/32 port 8080
         set security nat destination rule-set in from zone untrust
         set security nat destination rule-set in rule http match \
             destination-address 203.0.113.80/32
         set security nat destination rule-set in rule http match destination-port 80
         set security nat destination rule-set in rule http then destination-nat pool web
         set security nat destination rule-set in rule alt match destination-address 203.0.113.80/32
         set security nat destination rule-set in rule alt match destination-port 81 to 89
         set security nat destination rule-set in rule alt then destination-nat pool alt",
    );
    let hit = inbound(&world, "203.0.113.80", 80).expect("http");
    assert_eq!((hit.address, hit.port, hit.is_static), (v4("10.1.2.80"), 80, false));
    let hit = inbound(&world, "203.0.113.80", 85).expect("alt");
    assert_eq!((hit.address, hit.port), (v4("10.1.2.81"), 8080));
    assert_eq!(inbound(&world, "203.0.113.80", 90), None);
    assert_eq!(inbound(&world, "203.0.113.81", 80), None);
}

#[test]
fn static_rules_translate_both_ways() {
    let world = office(
        "set security nat static rule-set s from zone untrust
         set security nat static rule-set s rule net match destination-address 203.0.113.64/28
         set security nat static rule-set s rule net then static-nat prefix 10.1.2.64/28
         set security nat static rule-set s rule one match destination-address-name outside
         set security nat static rule-set s rule one match destination-port 2000 to 2009
         set security nat static rule-set s rule one then static-nat prefix-name inside
         set security nat static rule-set s rule one then static-nat prefix-name inside \
             mapped-port 3000 to 3009
         set security address-book global address outside 203.0.113.25/32
         set security address-book global address inside 10.1.2.25/32",
    );
    let hit = inbound(&world, "203.0.113.70", 80).expect("net");
    assert_eq!((hit.address, hit.port, hit.is_static), (v4("10.1.2.70"), 80, true));
    let hit = inbound(&world, "203.0.113.25", 2004).expect("one");
    assert_eq!((hit.address, hit.port), (v4("10.1.2.25"), 3004));
    assert_eq!(inbound(&world, "203.0.113.25", 2010), None);
    let back = query((3, DMZ), (1, UNTRUST), "10.1.2.70", "8.8.8.8", 80);
    let Some(SourceHit::Static { address, .. }) = world.nat.source_of(&back) else {
        panic!("the inside address goes out as the outside one");
    };
    assert_eq!(address, v4("203.0.113.70"));
}

#[test]
fn persistent_nat_does_not_replace_the_name_of_its_pool() {
    let then = "set security nat source rule-set out rule r then source-nat";
    let world = office(&format!(
        "{SOURCE}
         set security nat source pool p1 address 203.0.113.10/32
         set security nat source rule-set out rule r match source-address 10.0.0.0/8
         {then} pool p1
         {then} pool persistent-nat permit any-remote-host"
    ));
    let Some(SourceHit::Rule { action, .. }) = outbound(&world, "10.1.1.5", 80) else {
        panic!("the rule translates");
    };
    assert_eq!(action, SourceAction::Pool(PoolId(1)));
}

#[test]
fn prefixes_of_ipv6_are_translated_to_ipv4_and_to_one_another() {
    let world = office(
        "set security nat static rule-set s from zone trust
         set security nat static rule-set s rule six match destination-address 64:ff9b::/96
         set security nat static rule-set s rule six then static-nat inet
         set security nat static rule-set s rule net match destination-address 2001:db8:1::/48
         set security nat static rule-set s rule net then static-nat \
             nptv6-prefix fd01:203:405::/48
         set security nat static rule-set s rule book match destination-address 2001:db8:2::/48
         set security nat static rule-set s rule book then static-nat nptv6-prefix-name inside
         set security address-book global address inside fd01:203:405::/48",
    );
    let address = |text: &str| text.parse::<std::net::IpAddr>().expect("an address").into();
    let to = |destination| NatQuery {
        family: Family::Inet6,
        destination_family: Family::Inet6,
        source: address("2001:db8::5"),
        destination: address(destination),
        ..query((2, TRUST), (0, ZoneId::NONE), "0.0.0.0", "0.0.0.0", 80)
    };
    let hit = world.nat.destination_of(&to("64:ff9b::192.0.2.33")).expect("the prefix");
    assert_eq!((hit.family, hit.address, hit.port), (Family::Inet, v4("192.0.2.33"), 80));
    let hit = world.nat.destination_of(&to("2001:db8:1:d550::1234")).expect("the prefix");
    assert_eq!((hit.family, hit.address), (Family::Inet6, address("fd01:203:405:1::1234")));
    let hit = world.nat.destination_of(&to("2001:db8:2:d54f::1234")).expect("the prefix");
    assert_eq!((hit.family, hit.address), (Family::Inet6, address("fd01:203:405:1::1234")));
    assert_eq!(world.nat.destination_of(&to("64:ff9c::1")), None);
}

#[test]
fn faults_of_source_nat_are_errors() {
    let at = "set security nat source";
    let r = format!("{at} rule-set out rule r");
    let rule = format!("{SOURCE}{r} match source-address 10.0.0.0/8\n{r}");
    let pool = format!("{at} pool p");
    let set = format!("{at} rule-set x");
    let cases = [
        (format!("{rule} then source-nat pool nix"), "undefined-pool"),
        (format!("{rule} match application nix"), "undefined-application"),
        (format!("{rule} match application [ any nix ]"), "undefined-application"),
        (format!("{rule} description x"), "missing-action"),
        (format!("{rule} match source-adress 10.0.0.0/8"), "unknown-statement"),
        (format!("{pool} port no-translation"), "empty-pool"),
        (format!("{pool} address 10.0.0.0/24\n{pool} address ::/64"), "mixed-pool"),
        (format!("{pool} address 10.0.0.9 to 10.0.0.1"), "bad-range"),
        (format!("{pool} port range 3000 to 2000"), "bad-range"),
        (format!("{pool} routing-instance red"), "would-open"),
        (format!("{set} from zone nowhere\n{set} to zone trust"), "undefined-zone"),
        (format!("{set} from routing-instance red"), "would-open"),
        (format!("{set} from zone trust"), "bad-context"),
        (format!("{set} to zone trust"), "bad-context"),
    ];
    for (lines, id) in cases {
        assert!(found(&lines).contains(&id), "{lines}: {:?}", found(&lines));
    }
}

#[test]
fn faults_of_static_and_destination_nat_are_errors() {
    let at = "set security nat static rule-set s";
    let fixed = format!(
        "{at} from zone untrust
         {at} rule r match destination-address 203.0.113.64/28
         {at} rule r then static-nat"
    );
    let narrow = format!("{fixed} prefix 10.1.2.64/28\n{at} rule r match");
    let pool = "set security nat destination pool p address";
    let at = "set security nat destination rule-set d";
    let target = format!(
        "{at} from zone untrust
         {at} rule r match destination-address 203.0.113.64/28
         {at} rule r then destination-nat"
    );
    let unmatched = format!("{at} from zone untrust\n{at} rule r then destination-nat off");
    let proxy = "set security nat proxy-arp interface ge-9/9/9.0 address 203.0.113.1/32";
    let cases = [
        (format!("{fixed} prefix 10.1.2.64/27"), "bad-static-size"),
        (format!("{fixed} inet"), "bad-static-size"),
        (format!("{fixed} nptv6-prefix 2001:db8::/48"), "bad-static-size"),
        (format!("{fixed} prefix 2001:db8::/124"), "mixed-families"),
        (format!("{fixed} prefix-name nobody"), "undefined-address"),
        (format!("{narrow} protocol tcp"), "would-open"),
        (format!("{narrow} destination-address 9.9.9.9/32"), "bad-static-address"),
        (format!("{target} pool nix"), "undefined-pool"),
        (format!("{target} pool p\n{pool} 2001:db8::1/128"), "mixed-families"),
        (format!("{target} off\n{at} to zone trust"), "bad-context"),
        (unmatched, "missing-match"),
        (proxy.to_owned(), "undefined-interface"),
    ];
    for (lines, id) in cases {
        assert!(found(&lines).contains(&id), "{lines}: {:?}", found(&lines));
    }
}

#[test]
fn source_pools_that_overlap_are_found() {
    let pool = |name: &str, addresses: &str| {
        format!("set security nat source pool {name} address {addresses}\n")
    };
    let cases = [
        (pool("a", "203.0.113.0/28") + &pool("b", "203.0.113.8 to 203.0.113.20"), true),
        (pool("a", "203.0.113.0/28") + &pool("b", "203.0.113.16 to 203.0.113.20"), false),
        (
            pool("a", "203.0.113.0/24")
                + &pool("b", "203.0.113.1/32")
                + &pool("c", "203.0.112.0/23"),
            true,
        ),
        (pool("a", "203.0.113.1/32") + &pool("a", "203.0.113.0/24"), false),
    ];
    for (lines, overlap) in cases {
        let ids = found(&lines);
        assert_eq!(ids.contains(&"overlapping-pools"), overlap, "{lines}: {ids:?}");
    }
}

#[test]
fn rules_that_an_earlier_one_covers_are_found() {
    let r = "set security nat source rule-set out rule";
    let rule = |name: &str, matches: &str| {
        format!("{r} {name} match {matches}\n{r} {name} then source-nat interface\n")
    };
    let cases = [
        (rule("a", "source-address 10.0.0.0/8") + &rule("b", "source-address 10.1.0.0/16"), true),
        (rule("a", "source-address 10.1.0.0/16") + &rule("b", "source-address 10.0.0.0/8"), false),
        (rule("a", "protocol tcp") + &rule("b", "source-address 10.1.0.0/16"), false),
        (rule("a", "protocol [ tcp udp ]") + &rule("b", "protocol udp"), true),
        (rule("a", "destination-port 80 to 90") + &rule("b", "destination-port 85"), true),
        (rule("a", "application junos-smb") + &rule("b", "application junos-smb-session"), true),
        (rule("a", "application junos-http") + &rule("b", "application any"), false),
    ];
    for (lines, shadowed) in cases {
        let ids = found(&format!("{SOURCE}{lines}"));
        assert_eq!(ids.contains(&"shadowed-nat-rule"), shadowed, "{lines}: {ids:?}");
    }
}
