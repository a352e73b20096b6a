//! Checks of a whole list: policies, NAT rules and filter terms that an earlier one covers, and
//! source NAT pools that overlap. "Covers" is judged rule by rule: a rule that only several earlier
//! ones together cover is not found.

use components::address::{AddressRange, AddressSet};
use components::world::application::AppTerm;
use components::world::filter::{FilterAction, FilterMatch, FilterTerm};
use components::world::nat::NatMatch;
use components::world::policy::{AddressMatch, AppMatch, Policy};

use super::diagnostic::Diagnostics;
use super::model::Word;
use super::model::filters::Term;
use super::model::nat_pools::NamedPool;
use super::model::policies::Policy as PolicyModel;

/// Pairs of one list that are compared; a list of 6,000 policies stays below.
const PAIRS_MAX: usize = 20_000_000;

/// Warns of policies that one earlier policy of the list covers, and of those that nothing matches.
pub(crate) fn shadowed_policies(
    policies: &[Option<Policy>],
    named: &[PolicyModel<'_>],
    diagnostics: &mut Diagnostics,
) {
    let mut pairs = 0;
    for (at, policy) in policies.iter().enumerate() {
        let Some(policy) = policy else { continue };
        let name = named[at].name;
        let (source, destination) = (Sets::of(&policy.source), Sets::of(&policy.destination));
        let v4 = source.v4.is_empty() || destination.v4.is_empty();
        let v6 = source.v6.is_empty() || destination.v6.is_empty();
        if v4 && v6 {
            let message = format!("no packet matches the policy `{}`", name.text);
            diagnostics
                .warning("never-matches", name.span, message)
                .expected("source and destination addresses of the same family");
            continue;
        }
        pairs += at;
        if pairs > PAIRS_MAX {
            let message = "shadowed policies are not looked for beyond this one: too many policies";
            diagnostics.note("unchecked-shadowing", name.span, message);
            return;
        }
        let earlier = policies[..at].iter().zip(named);
        let covering = earlier
            .filter_map(|(earlier, name)| Some((earlier.as_ref()?, name)))
            .find(|(earlier, _)| covers_policy(earlier, policy));
        if let Some((_, covering)) = covering {
            let message = format!(
                "the policy `{}` never matches: the earlier `{}` covers it",
                name.text, covering.name.text
            );
            diagnostics
                .warning("shadowed-policy", name.span, message)
                .suggest("move it up, or delete it");
        }
    }
}

fn covers_policy(outer: &Policy, inner: &Policy) -> bool {
    let zones = |outer: &[_], inner: &[_]| {
        outer.is_empty() || (!inner.is_empty() && inner.iter().all(|zone| outer.contains(zone)))
    };
    zones(&outer.from_zones, &inner.from_zones)
        && zones(&outer.to_zones, &inner.to_zones)
        && (outer.scheduler.is_none() || outer.scheduler == inner.scheduler)
        && covers_applications(&outer.application, &inner.application)
        && covers_match(&outer.source, &inner.source)
        && covers_match(&outer.destination, &inner.destination)
}

fn covers_applications(outer: &AppMatch, inner: &AppMatch) -> bool {
    match (outer, inner) {
        (AppMatch::Any, _) => true,
        (AppMatch::Terms(_), AppMatch::Any) => false,
        (AppMatch::Terms(outer), AppMatch::Terms(inner)) => {
            inner.iter().all(|(inner, _)| outer.iter().any(|(outer, _)| covers_term(outer, inner)))
        }
    }
}

fn covers_term(outer: &AppTerm, inner: &AppTerm) -> bool {
    let within = |outer: (u16, u16), inner: (u16, u16)| outer.0 <= inner.0 && inner.1 <= outer.1;
    let same = |outer: Option<u8>, inner| outer.is_none() || outer == inner;
    same(outer.protocol, inner.protocol)
        && within(outer.source_ports, inner.source_ports)
        && within(outer.destination_ports, inner.destination_ports)
        && same(outer.icmp_type, inner.icmp_type)
        && same(outer.icmp_code, inner.icmp_code)
}

fn covers_match(outer: &AddressMatch, inner: &AddressMatch) -> bool {
    match (outer.excluded, inner.excluded) {
        (false, false) => covers_set(&outer.set, &inner.set),
        (true, true) => covers_set(&inner.set, &outer.set),
        _ => {
            let (outer, inner) = (Sets::of(outer), Sets::of(inner));
            covers_ranges(&outer.v4, &inner.v4) && covers_ranges(&outer.v6, &inner.v6)
        }
    }
}

fn covers_set(outer: &AddressSet, inner: &AddressSet) -> bool {
    covers_ranges(outer.v4(), inner.v4()) && covers_ranges(outer.v6(), inner.v6())
}

/// Both sorted and disjoint, touching ranges merged.
fn covers_ranges<K: Ord + Copy>(outer: &[(K, K)], inner: &[(K, K)]) -> bool {
    inner.iter().all(|&(first, last)| {
        let after = outer.partition_point(|range| range.0 <= first);
        after > 0 && last <= outer[after - 1].1
    })
}

/// What an address match comes to, exclusion worked out.
struct Sets {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Sets {
    fn of(matches: &AddressMatch) -> Self {
        let (v4, v6) = (matches.set.v4(), matches.set.v6());
        if !matches.excluded {
            return Self { v4: v4.to_vec(), v6: v6.to_vec() };
        }
        Self {
            v4: complement(v4, 0, |key| key.checked_add(1), |key| key - 1, u32::MAX),
            v6: complement(v6, 0, |key| key.checked_add(1), |key| key - 1, u128::MAX),
        }
    }
}

fn complement<K: Ord + Copy>(
    ranges: &[(K, K)],
    zero: K,
    next: impl Fn(K) -> Option<K>,
    previous: impl Fn(K) -> K,
    max: K,
) -> Vec<(K, K)> {
    let mut rest = Vec::new();
    let mut start = Some(zero);
    for &(first, last) in ranges {
        if let Some(start) = start.filter(|&start| start < first) {
            rest.push((start, previous(first)));
        }
        start = next(last);
    }
    rest.extend(start.map(|start| (start, max)));
    rest
}

/// Warns of NAT rules of one rule set that an earlier one covers.
pub(crate) fn shadowed_nat(rules: &[&NatMatch], named: &[Word<'_>], diagnostics: &mut Diagnostics) {
    let mut pairs = 0;
    for (at, (rule, name)) in rules.iter().zip(named).enumerate() {
        pairs += at;
        if pairs > PAIRS_MAX {
            return;
        }
        let mut earlier = rules[..at].iter().zip(named);
        if let Some((_, covering)) = earlier.find(|(earlier, _)| covers_nat(earlier, rule)) {
            let message = format!(
                "the NAT rule `{}` never matches: the earlier `{}` covers it",
                name.text, covering.text
            );
            diagnostics
                .warning("shadowed-nat-rule", name.span, message)
                .suggest("move it up, or delete it");
        }
    }
}

fn covers_nat(outer: &NatMatch, inner: &NatMatch) -> bool {
    let terms = |outer: &[AppTerm], inner: &[AppTerm]| {
        let covered = |inner| outer.iter().any(|outer| covers_term(outer, inner));
        outer.is_empty() || (!inner.is_empty() && inner.iter().all(covered))
    };
    covers_list(&outer.source_ports, &inner.source_ports)
        && covers_list(&outer.destination_ports, &inner.destination_ports)
        && covers_values(&outer.protocols, &inner.protocols)
        && terms(&outer.applications, &inner.applications)
        && covers_match(&outer.source, &inner.source)
        && covers_match(&outer.destination, &inner.destination)
}

/// Warns of terms that one earlier term that ends the filter covers.
pub(crate) fn shadowed_terms(
    terms: &[FilterTerm],
    named: &[Term<'_>],
    diagnostics: &mut Diagnostics,
) {
    let mut pairs = 0;
    for (at, (term, name)) in terms.iter().zip(named).enumerate() {
        pairs += at;
        if pairs > PAIRS_MAX {
            return;
        }
        let covering = terms[..at].iter().zip(named).find(|(earlier, _)| {
            earlier.action != FilterAction::NextTerm
                && covers_filter(&earlier.matches, &term.matches)
        });
        if let Some((_, covering)) = covering {
            let message = format!(
                "the term `{}` never matches: the earlier `{}` covers it",
                name.name.text, covering.name.text
            );
            diagnostics
                .warning("shadowed-term", name.name.span, message)
                .suggest("move it up, or delete it");
        }
        let empty = [&term.matches.source, &term.matches.destination, &term.matches.either];
        if empty.iter().any(|set| set.as_ref().is_some_and(AddressSet::is_empty)) {
            let message = format!("no packet matches the term `{}`", name.name.text);
            diagnostics
                .warning("never-matches", name.name.span, message)
                .expected("at least one prefix of the filter's family that is no exception");
        }
    }
}

fn covers_filter(outer: &FilterMatch, inner: &FilterMatch) -> bool {
    let set = |outer: &Option<AddressSet>, inner: &Option<AddressSet>| match (outer, inner) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(outer), Some(inner)) => covers_set(outer, inner),
    };
    let flag = |outer: bool, inner: bool| !outer || inner;
    set(&outer.source, &inner.source)
        && set(&outer.destination, &inner.destination)
        && set(&outer.either, &inner.either)
        && covers_list(&outer.source_ports, &inner.source_ports)
        && covers_list(&outer.destination_ports, &inner.destination_ports)
        && covers_list(&outer.ports, &inner.ports)
        && covers_list(&outer.packet_lengths, &inner.packet_lengths)
        && covers_list(&outer.icmp_types, &inner.icmp_types)
        && covers_list(&outer.icmp_codes, &inner.icmp_codes)
        && covers_list(&outer.ttls, &inner.ttls)
        && covers_values(&outer.protocols, &inner.protocols)
        && covers_values(&outer.dscps, &inner.dscps)
        && covers_values(&outer.tcp_flags, &inner.tcp_flags)
        && (outer.fragment_flags.is_none() || outer.fragment_flags == inner.fragment_flags)
        && flag(outer.tcp_established, inner.tcp_established)
        && flag(outer.tcp_initial, inner.tcp_initial)
        && flag(outer.is_fragment, inner.is_fragment)
        && flag(outer.first_fragment, inner.first_fragment)
        && flag(outer.any_ip_option, inner.any_ip_option)
        && (outer.ip_options == 0 || outer.ip_options == inner.ip_options)
        && covers_list(&outer.fragment_offsets, &inner.fragment_offsets)
        && covers_values(&outer.loss_priorities, &inner.loss_priorities)
        && covers_values(&outer.interfaces, &inner.interfaces)
}

/// An empty list is no condition.
fn covers_list<K: Ord + Copy>(outer: &[(K, K)], inner: &[(K, K)]) -> bool {
    let within = |&(first, last): &(K, K)| outer.iter().any(|o| o.0 <= first && last <= o.1);
    outer.is_empty() || (!inner.is_empty() && inner.iter().all(within))
}

fn covers_values<V: PartialEq>(outer: &[V], inner: &[V]) -> bool {
    outer.is_empty() || (!inner.is_empty() && inner.iter().all(|value| outer.contains(value)))
}

/// Warns of source pools that share addresses: two of them could hand out one translation twice.
pub(crate) fn overlapping_pools(pools: &[NamedPool<'_>], diagnostics: &mut Diagnostics) {
    let mut ranges: Vec<(AddressRange, usize)> = pools
        .iter()
        .enumerate()
        .flat_map(|(index, pool)| pool.pool.ranges.iter().map(move |&range| (range, index)))
        .collect();
    ranges.sort_unstable();
    // The range that reaches furthest so far is the one that a later range overlaps, if any does.
    let mut furthest: Option<(AddressRange, usize)> = None;
    for (range, index) in ranges {
        if let Some((earlier, other)) = furthest
            && reaches(earlier, range)
            && other != index
        {
            let (first, second) = (pools[other.min(index)].name, pools[other.max(index)].name);
            let message = format!(
                "the source NAT pools `{}` and `{}` share addresses",
                first.text, second.text
            );
            diagnostics
                .warning("overlapping-pools", second.span, message)
                .expected("pools without common addresses: a translation could be given twice");
        }
        let further = furthest.is_none_or(|(earlier, _)| end(earlier) <= end(range));
        if further {
            furthest = Some((range, index));
        }
    }
}

fn reaches(earlier: AddressRange, later: AddressRange) -> bool {
    match (earlier, later) {
        (AddressRange::V4(_, last), AddressRange::V4(first, _)) => first <= last,
        (AddressRange::V6(_, last), AddressRange::V6(first, _)) => first <= last,
        _ => false,
    }
}

/// Orders ends; all of IPv4 before IPv6.
fn end(range: AddressRange) -> (bool, u128) {
    match range {
        AddressRange::V4(_, last) => (false, u128::from(last)),
        AddressRange::V6(_, last) => (true, last),
    }
}
