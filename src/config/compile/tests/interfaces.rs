//! Interfaces, zones, what is let in for the firewall itself, and routes.

use components::address::Family;
use components::ids::{FilterId, IfIndex, ZoneId};
use components::world::route::RouteKind;

use super::{OFFICE, TRUST, UNTRUST, compiled, found, office, v4};

#[test]
fn units_get_ids_in_order_and_their_zone() {
    let world = office("");
    let names = ["N/A", "ge-0/0/0.0", "ge-0/0/1.0", "ge-0/0/2.0"];
    assert_eq!(world.names.interfaces, names);
    assert_eq!(world.names.zones, ["N/A", "junos-host", "untrust", "trust", "dmz"]);
    let trust = world.interfaces.get(IfIndex(2));
    assert_eq!(trust.zone, TRUST);
    assert_eq!(trust.primary(Family::Inet), Some(v4("10.1.1.1")));
    assert_eq!(trust.primary(Family::Inet6), Some(v4("2001:db8:1::1")));
    assert_eq!(world.interfaces.get(IfIndex(1)).primary(Family::Inet6), None);
}

#[test]
fn reth_interfaces_belong_to_the_groups_of_the_cluster() {
    let world = office(
        "set chassis cluster reth-count 1
         set chassis cluster redundancy-group 0 node 0 priority 100
         set chassis cluster redundancy-group 1 node 0 priority 100
         set chassis cluster redundancy-group 1 node 1 priority 200
         set interfaces ge-0/0/0 redundant-ether-options redundancy-group 1",
    );
    let cluster = world.cluster.expect("a cluster");
    let groups: Vec<_> = cluster.groups.iter().map(|group| (group.id, group.priorities)).collect();
    assert_eq!(groups, [(0, [100, 0]), (1, [100, 200])]);
    let group = |id| world.interfaces.get(IfIndex(id)).redundancy_group;
    assert_eq!([1, 2, 3].map(group), [1, 0, 0]);
}

#[test]
fn a_redundancy_group_must_be_one_of_the_cluster() {
    let group = "set interfaces ge-0/0/0 redundant-ether-options redundancy-group 2\n";
    let cluster = "set chassis cluster redundancy-group 1 node 0 priority 100\n";
    assert_eq!(found(group), [""; 0], "without a cluster it means nothing");
    assert_eq!(found(&format!("{group}{cluster}")), ["undefined-redundancy-group"]);
    let wrong = [
        "set chassis cluster redundancy-group 129 node 0 priority 100",
        "set chassis cluster redundancy-group 1 node 2 priority 100",
        "set chassis cluster redundancy-group 1 node 0 priority 255",
        "set interfaces ge-0/0/0 redundant-ether-options redundancy-group 0",
    ];
    for line in wrong {
        assert_eq!(found(line), ["bad-number"], "{line}");
    }
}

#[test]
fn mtu_of_the_wire_becomes_that_of_the_packet() {
    let world = office(
        "set interfaces ge-0/0/0 mtu 1514
         set interfaces ge-0/0/1 mtu 9018
         set interfaces ge-0/0/1 unit 0 vlan-id 100
         set interfaces ge-0/0/2 mtu 1514
         set interfaces ge-0/0/2 unit 0 family inet mtu 1400",
    );
    let read = [1, 2, 3].map(|id| {
        let interface = world.interfaces.get(IfIndex(id));
        (interface.mtu, interface.vlan)
    });
    assert_eq!(read, [(1500, 0), (9000, 100), (1400, 0)]);
}

#[test]
fn the_primary_address_comes_first() {
    let world = office("set interfaces ge-0/0/0 unit 0 family inet address 203.0.113.3/24 primary");
    let untrust = world.interfaces.get(IfIndex(1));
    assert_eq!(untrust.primary(Family::Inet), Some(v4("203.0.113.3")));
    assert_eq!(untrust.addresses.len(), 2);
}

#[test]
fn a_disabled_interface_has_no_zone_and_no_route() {
    let world = office("set interfaces ge-0/0/0 disable");
    let untrust = world.interfaces.get(IfIndex(1));
    assert_eq!((untrust.zone, untrust.addresses.len()), (ZoneId::NONE, 0));
    assert_eq!(world.routes.route(Family::Inet, v4("203.0.113.9")), None);
    assert_eq!(world.interfaces.get(IfIndex(2)).zone, TRUST);
}

#[test]
fn loopback_filters_judge_what_is_for_the_firewall() {
    let world = office(
        "set interfaces lo0 unit 0 family inet filter input protect
         set interfaces lo0 unit 0 family inet6 filter input protect6
         set interfaces ge-0/0/0 unit 0 family inet filter output protect
         set firewall family inet filter protect term all then accept
         set firewall family inet6 filter protect6 term all then accept",
    );
    assert_eq!(world.host_filters, [FilterId(1), FilterId(2)]);
    let untrust = world.interfaces.get(IfIndex(1));
    assert_eq!(untrust.filter_output, [FilterId(1), FilterId::NONE]);
    assert_eq!(untrust.filter_input, [FilterId::NONE; 2]);
}

#[test]
fn filters_of_a_list_become_one() {
    let world = office(
        "set interfaces ge-0/0/0 unit 0 family inet filter input-list [ a b ]
         set firewall filter a term first from protocol tcp
         set firewall filter a term first then discard
         set firewall filter b term second then accept",
    );
    let id = world.interfaces.get(IfIndex(1)).filter_input[0];
    assert_eq!(id, FilterId(3));
    let name = world.names.filter(id);
    assert_eq!(name.name, "ge-0/0/0.0-i");
    assert_eq!(name.terms, ["first", "second"]);
    assert_eq!(world.filter(id).expect("exists").terms().len(), 2);
}

#[test]
fn zones_may_take_all_interfaces_that_no_other_lists() {
    let world = office(
        "set interfaces ge-0/0/3 unit 7 family inet address 10.9.9.1/30
         set interfaces fxp0 unit 0 family inet address 192.168.1.1/24
         set security zones security-zone rest interfaces all",
    );
    let zones: Vec<u8> = world.interfaces.0.iter().map(|i| i.zone.0).collect();
    assert_eq!(zones, [0, 2, 3, 4, 5, 0]);
}

#[test]
fn interface_statements_replace_those_of_the_zone() {
    let world = office(
        "set security zones security-zone untrust host-inbound-traffic system-services ping
         set security zones security-zone untrust interfaces ge-0/0/0.0 \
             host-inbound-traffic system-services ssh
         set security zones security-zone trust host-inbound-traffic system-services all
         set security zones security-zone trust host-inbound-traffic system-services telnet except
         set security zones security-zone trust host-inbound-traffic protocols all
         set security zones security-zone dmz host-inbound-traffic system-services any-service
         set security zones security-zone dmz host-inbound-traffic protocols ospf",
    );
    let accepts = |id, protocol, port| {
        let interface = world.interfaces.get(IfIndex(id));
        interface.host_inbound.accepts(protocol, port)
    };
    let cases = [
        // (interface, protocol, port or type, let in)
        (1, 6, 22, true),
        (1, 1, 8, false),
        (2, 6, 22, true),
        (2, 6, 23, false),
        (2, 99, 0, true),
        (3, 17, 4711, true),
        (3, 89, 0, true),
        (3, 47, 0, false),
    ];
    for (id, protocol, port, expected) in cases {
        assert_eq!(accepts(id, protocol, port), expected, "{id} {protocol} {port}");
    }
}

#[test]
fn addresses_become_direct_local_and_broadcast_routes() {
    let world = office("set interfaces ge-0/0/3 unit 0 family inet address 10.3.0.0/31");
    let cases = [
        ("10.1.1.77", RouteKind::Forward, 2),
        ("10.1.1.1", RouteKind::Local, 2),
        ("10.1.1.255", RouteKind::Broadcast, 2),
        ("10.1.1.0", RouteKind::Broadcast, 2),
        ("10.3.0.0", RouteKind::Local, 4),
        ("10.3.0.1", RouteKind::Forward, 4),
        ("2001:db8:1::1", RouteKind::Local, 2),
        ("2001:db8:1::2", RouteKind::Forward, 2),
    ];
    for (address, kind, egress) in cases {
        let family = if address.contains(':') { Family::Inet6 } else { Family::Inet };
        let hop = world.routes.route(family, v4(address)).expect(address);
        assert_eq!((hop.kind, hop.egress), (kind, IfIndex(egress)), "{address}");
        assert_eq!(hop.gateway, v4("0.0.0.0"), "{address}");
    }
    assert_eq!(world.routes.route(Family::Inet, v4("8.8.8.8")), None);
}

#[test]
fn static_routes_resolve_over_direct_ones() {
    let world = office(
        "set routing-options static route 0.0.0.0/0 next-hop 203.0.113.1
         set routing-options static route 10.0.0.0/8 discard
         set routing-options static route 10.8.0.0/16 qualified-next-hop 10.1.2.9 preference 7
         set routing-options static route 10.8.0.0/16 qualified-next-hop 10.1.1.9 preference 6
         set routing-options rib inet6.0 static route ::/0 next-hop 2001:db8:1::9",
    );
    let route = |family, address| *world.routes.route(family, v4(address)).expect(address);
    let default = route(Family::Inet, "8.8.8.8");
    assert_eq!((default.egress, default.gateway), (IfIndex(1), v4("203.0.113.1")));
    assert_eq!(route(Family::Inet, "10.200.0.1").kind, RouteKind::Discard);
    let qualified = route(Family::Inet, "10.8.1.1");
    assert_eq!((qualified.egress, qualified.gateway), (IfIndex(2), v4("10.1.1.9")));
    let default = route(Family::Inet6, "2a00::1");
    assert_eq!((default.egress, default.gateway), (IfIndex(2), v4("2001:db8:1::9")));
}

#[test]
fn routes_without_a_reachable_next_hop_discard() {
    let text = format!(
        "{OFFICE}
         set routing-options static route 0.0.0.0/0 next-hop 203.0.113.1
         set routing-options static route 10.9.0.0/16 next-hop 192.168.77.1"
    );
    let world = compiled(&text).world;
    let hop = world.routes.route(Family::Inet, v4("10.9.1.1")).expect("a route");
    assert_eq!(hop.kind, RouteKind::Discard);
    let ids = found("set routing-options static route 10.9.0.0/16 next-hop 192.168.77.1");
    assert_eq!(ids, ["unresolved-next-hop"]);
}

#[test]
fn misplaced_interfaces_are_errors() {
    let cases = [
        ("set security zones security-zone dmz interfaces ge-0/0/0.0", "interface-in-two-zones"),
        ("set security zones security-zone dmz interfaces ge-0/0/9.0", "undefined-interface"),
        ("set interfaces ge-0/0/0 unit 0 family inet address 1.2.3.4/33", "bad-prefix"),
        ("set interfaces ge-0/0/0 unit 0 family inet address ::1/64", "bad-family"),
        ("set interfaces ge-0/0/0 unit 0 family inet rpf-check", "would-open"),
        ("set interfaces ge-0/0/0 unit 0 family inet filter input nix", "undefined-filter"),
        ("set interfaces ge-0/0/0 unti 0", "unknown-statement"),
        ("set routing-instances red interface ge-0/0/0.0", "would-open"),
        ("set security zones security-zone junos-host tcp-rst", "reserved-name"),
        ("set security zones security-zone dmz screen nix", "undefined-screen"),
    ];
    for (line, id) in cases {
        assert!(found(line).contains(&id), "{line}: {:?}", found(line));
    }
}

#[test]
fn the_wire_bounds_the_number_of_zones() {
    let zones = |count: usize| -> String {
        (0..count).map(|n| format!("set security zones security-zone z{n} tcp-rst\n")).collect()
    };
    assert!(!found(&zones(251)).contains(&"too-many"));
    assert!(found(&zones(252)).contains(&"too-many"));
    assert_eq!(office(&zones(251)).zones.len(), 256);
    assert_eq!(office("").interfaces.get(IfIndex(1)).zone, UNTRUST);
}

#[test]
fn link_local_addresses_may_repeat_and_others_may_not() {
    let unit = "set interfaces ge-0/0";
    let twice = |address: &str| {
        format!(
            "{unit}/0 unit 0 family inet6 address {address}
             {unit}/2 unit 0 family inet6 address {address}"
        )
    };
    assert_eq!(found(&twice("fe80::1/64")), Vec::<&str>::new());
    assert_eq!(found(&twice("2001:db8::1/64")), ["duplicate-address"]);
    let world = office(&twice("fe80::1/64"));
    assert_eq!(world.routes.route(Family::Inet6, v4("fe80::2")), None);
}

#[test]
fn tables_beyond_their_ids_are_errors() {
    let many = |line: &dyn Fn(u32) -> String| (0..65_600).map(line).collect::<String>();
    let rule = "set security nat source rule-set out";
    let texts = [
        many(&|n| format!("set applications application a{n} protocol tcp\n")),
        many(&|n| format!("set firewall filter f{n} term t then accept\n")),
        many(&|n| format!("set firewall filter f term t{n} then count c{n}\n")),
        many(&|n| format!("set interfaces irb unit {n} family inet\n")),
        many(&|n| format!("set security screen ids-option s{n} tcp land\n")),
        many(&|n| format!("set security nat source pool p{n} address 10.0.0.1/32\n")),
        many(&|n| format!("{rule} rule r{n} then source-nat off\n"))
            + &format!("{rule} from zone trust\n{rule} to zone untrust"),
        many(&|n| {
            let host = |net| format!("{net}.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255);
            let (route, via) = ("set routing-options static route", "interface ge-0/0/0.0");
            format!("{route} {}/32 qualified-next-hop {} {via}\n", host(10), host(20))
        }),
    ];
    for text in texts {
        let ids = found(&text);
        assert_eq!(ids.iter().filter(|id| **id == "too-many").count(), 1, "{}", &text[..60]);
    }
}
