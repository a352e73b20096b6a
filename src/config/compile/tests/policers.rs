//! Policers: rates, colours, instances, and what is wrong with them.

use components::world::policer::{LossPriority, Policer, PolicerRate};

use super::{found, office};

const SINGLE: &str = "
    set firewall policer p if-exceeding bandwidth-limit 10m
    set firewall policer p if-exceeding burst-size-limit 15k
    set firewall policer p then discard
";

#[test]
fn a_policer_stands_at_each_term_that_uses_it() {
    let at = "set firewall family inet filter";
    let world = office(&format!(
        "{SINGLE}
         {at} f term a from protocol udp
         {at} f term a then policer p
         {at} f term b then policer p
         {at} f term b then loss-priority medium-low
         {at} f term b then dscp af11
         {at} g term a then accept",
    ));
    let policer = Policer {
        rate: PolicerRate::Single { bits: 10_000_000, burst: 15_000 },
        color_aware: false,
        discard: true,
        mark: None,
    };
    assert_eq!(world.policers, [policer, policer]);
    let terms = world.filters.iter().flat_map(|filter| filter.terms());
    let read: Vec<_> = terms.map(|t| (t.policer.0, t.loss_priority, t.dscp)).collect();
    assert_eq!(
        read,
        [(1, None, None), (2, Some(LossPriority::MediumLow), Some(10)), (0, None, None)]
    );
    let names: Vec<_> = world.names.policers.iter().map(|(f, p)| format!("{f} {p}")).collect();
    assert_eq!(names, [" ", "f p-a", "f p-b"]);
}

#[test]
fn filter_specific_policers_are_shared_within_a_filter() {
    let at = "set firewall family inet filter";
    let world = office(&format!(
        "{SINGLE}
         set firewall policer p filter-specific
         {at} f term a from protocol udp
         {at} f term a then policer p
         {at} f term b then policer p
         {at} g term a then policer p",
    ));
    let terms = world.filters.iter().flat_map(|filter| filter.terms());
    assert_eq!(terms.map(|t| t.policer.0).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(world.names.policers[2], ("g".to_owned(), "p".to_owned()));
}

#[test]
fn three_colours_in_braces() {
    let world = office(
        "set firewall three-color-policer one action loss-priority high then discard
         set firewall three-color-policer one single-rate color-aware
         set firewall three-color-policer one single-rate committed-information-rate 40m
         set firewall three-color-policer one single-rate committed-burst-size 100k
         set firewall three-color-policer one single-rate excess-burst-size 200k
         set firewall three-color-policer two two-rate committed-information-rate 1g
         set firewall three-color-policer two two-rate committed-burst-size 1m
         set firewall three-color-policer two two-rate peak-information-rate 2g
         set firewall three-color-policer two two-rate peak-burst-size 2m
         set firewall family inet6 filter f term a from next-header udp
         set firewall family inet6 filter f term a then three-color-policer single-rate one
         set firewall family inet6 filter f term b then three-color-policer two-rate two",
    );
    let one = PolicerRate::SingleRateThreeColor {
        committed: 40_000_000,
        burst: 100_000,
        excess: 200_000,
    };
    let two = PolicerRate::TwoRateThreeColor {
        committed: 1_000_000_000,
        burst: 1_000_000,
        peak: 2_000_000_000,
        peak_burst: 2_000_000,
    };
    let read: Vec<_> =
        world.policers.iter().map(|p| (p.rate, p.color_aware, p.discard, p.mark)).collect();
    assert_eq!(read, [(one, true, true, None), (two, false, false, None)]);
}

#[test]
fn policers_that_would_not_police_are_errors() {
    let used = "set firewall filter f term t then policer p\n";
    let three = "set firewall filter f term t then three-color-policer two-rate t\n
        set firewall three-color-policer t two-rate committed-burst-size 2k
        set firewall three-color-policer t two-rate peak-burst-size 2k\n";
    let limit = "set firewall policer p if-exceeding bandwidth-limit";
    let burst = "set firewall policer p if-exceeding burst-size-limit 15k";
    let cir = "set firewall three-color-policer t two-rate committed-information-rate";
    let pir = "set firewall three-color-policer t two-rate peak-information-rate";
    let cases = [
        (format!("{used}{burst}"), "bad-policer"),
        (format!("{used}{limit} 10m"), "bad-policer"),
        (format!("{used}{limit} 10x\n{burst}"), "bad-number"),
        (format!("{used}{limit} 1\n{burst}"), "bad-number"),
        (format!("{used}{limit} 101g\n{burst}"), "bad-number"),
        (
            format!("{used}{burst}\nset firewall policer p if-exceeding bandwidth-percent 5"),
            "would-open",
        ),
        (format!("{three}{cir} 20k"), "bad-policer"),
        (format!("{three}{cir} 20k\n{pir} 19k"), "bad-policer"),
        (
            format!(
                "{three}{cir} 20k\n{pir} 20k
                 set firewall three-color-policer t action loss-priority low then discard"
            ),
            "would-open",
        ),
        (format!("{used}{limit}0k\n{burst}"), "unknown-statement"),
    ];
    for (lines, id) in cases {
        let ids = found(&lines);
        assert!(ids.contains(&id), "{lines}: {ids:?}");
    }
    assert_eq!(found(&format!("{three}{cir} 20k\n{pir} 20k")), [""; 0]);
}
