//! Address books.

use components::address::Family;
use components::kinds::Action;
use components::world::World;
use components::world::application::Service;
use components::world::policy::PolicyQuery;

use super::{DMZ, TRUST, found, office, v4};

/// A policy that permits trust to dmz for one source and one destination, after more lines.
fn with_policy(source: &str, destination: &str, more: &str) -> String {
    let at = "set security policies from-zone trust to-zone dmz policy p";
    format!(
        "{more}
         {at} match source-address {source}
         {at} match destination-address {destination}
         {at} match application any
         {at} then permit"
    )
}

fn permits(world: &World, source: &str, destination: &str) -> bool {
    let family = if source.contains(':') { Family::Inet6 } else { Family::Inet };
    let hit = world.policies.lookup(&PolicyQuery {
        from_zone: TRUST,
        to_zone: DMZ,
        family,
        destination_family: family,
        source: v4(source),
        destination: v4(destination),
        service: Service::default(),
        time_ns: 0,
    });
    hit.action == Action::Permit
}

#[test]
fn prefixes_ranges_and_nested_sets_are_what_policies_match() {
    let books = "set security address-book global address lan 10.1.1.0/24
         set security address-book global address some range-address 10.1.3.10 to 10.1.3.20
         set security address-book global address six 2001:db8::/32
         set security address-book global address-set inner address some
         set security address-book global address-set outer address-set inner
         set security address-book global address-set outer address six
         set security address-book global address-set outer address lan";
    let world = office(&with_policy("outer", "any", books));
    let cases = [
        ("10.1.1.5", true),
        ("10.1.2.5", false),
        ("10.1.3.9", false),
        ("10.1.3.10", true),
        ("10.1.3.20", true),
        ("10.1.3.21", false),
    ];
    for (source, expected) in cases {
        assert_eq!(permits(&world, source, "10.1.2.1"), expected, "{source}");
    }
    assert!(permits(&world, "2001:db8::7", "2001:db8:9::1"));
    assert!(!permits(&world, "2001:db9::7", "2001:db8:9::1"));
}

#[test]
fn the_book_of_the_zone_comes_before_the_global_one() {
    let own = "set security address-book global address host 10.1.1.1/32
         set security zones security-zone trust address-book address host 10.1.1.2/32";
    let attached = "set security address-book global address host 10.1.1.1/32
         set security address-book staff address host 10.1.1.2/32
         set security address-book staff attach zone trust";
    for books in [own, attached] {
        let world = office(&with_policy("host", "host", books));
        assert!(permits(&world, "10.1.1.2", "10.1.1.1"), "{books}");
        assert!(!permits(&world, "10.1.1.1", "10.1.1.1"), "{books}");
        assert!(!permits(&world, "10.1.1.2", "10.1.1.2"), "{books}");
    }
}

#[test]
fn excluded_addresses_are_all_others() {
    let more = "set security address-book global address lan 10.1.1.0/24
         set security policies from-zone trust to-zone dmz policy p match source-address-excluded";
    let world = office(&with_policy("lan", "any", more));
    assert!(!permits(&world, "10.1.1.5", "10.1.2.1"));
    assert!(permits(&world, "10.1.2.5", "10.1.2.1"));
}

#[test]
fn any_ipv4_is_no_ipv6() {
    let world = office(&with_policy("any-ipv4", "any", ""));
    assert!(permits(&world, "10.1.1.5", "10.1.2.1"));
    assert!(!permits(&world, "2001:db8::7", "2001:db8::8"));
}

#[test]
fn what_cannot_be_matched_is_an_error_only_where_it_is_used() {
    let books = "set security address-book global address web dns-name www.example.com
         set security address-book global address odd wildcard-address 10.0.0.1/255.0.0.255
         set security address-book global address-set both address web
         set security address-book global address-set both address odd";
    assert_eq!(found(books), Vec::<&str>::new());
    for name in ["web", "odd", "both"] {
        assert_eq!(found(&with_policy(name, "any", books)), ["unsupported-address"], "{name}");
    }
}

#[test]
fn faults_of_address_books_are_errors() {
    let set = "set security address-book global address-set";
    let address = "set security address-book global address";
    let cases = [
        (format!("{set} a address-set b\n{set} b address-set a"), "set-cycle"),
        (format!("{set} a address-set a"), "set-cycle"),
        (format!("{set} a address nobody"), "undefined-address"),
        (format!("{set} a description empty"), "empty-set"),
        (format!("{address} any 10.0.0.0/8"), "duplicate-name"),
        (format!("{address} a 10.0.0.0/8\n{set} a address a"), "duplicate-name"),
        (format!("{address} a 10.0.0.300/8"), "bad-prefix"),
        (format!("{address} a range-address 10.0.0.9 to 10.0.0.1"), "bad-range"),
        (format!("{address} a range-address 10.0.0.9 to ::1"), "bad-range"),
        (format!("{address} a description nothing"), "missing-value"),
        (with_policy("nobody", "any", ""), "undefined-address"),
        ("set security address-book x attach zone nowhere".to_owned(), "undefined-zone"),
    ];
    for (lines, id) in cases {
        assert!(found(&lines).contains(&id), "{lines}: {:?}", found(&lines));
    }
}

#[test]
fn chains_of_sets_are_bounded() {
    let chain: String = (0..100)
        .map(|n| {
            format!("set security address-book global address-set s{n} address-set s{}\n", n + 1)
        })
        .collect();
    let end = "set security address-book global address-set s100 address a
         set security address-book global address a 10.0.0.0/8";
    assert!(found(&format!("{chain}{end}")).contains(&"set-cycle"));
}
