//! Firewall filters: prefix lists resolved, exceptions taken out by longest match, counters shared
//! within a filter.

use std::collections::HashMap;

use components::address::{AddressRange, AddressSet, Family};
use components::ids::{CounterId, FilterId, PolicerId};
use components::world::filter::{Filter, FilterMatch, FilterTerm};
use components::world::names::FilterName;
use components::world::policer::Policer;

use super::{Compiler, bounded};
use crate::config::check;
use crate::config::model::filter_match::Addresses;
use crate::config::model::filters::{Filter as FilterModel, Term};
use crate::config::model::{Model, Word};

/// Ids of filters, terms and counters have 16 bits, zero is none.
const IDS_MAX: usize = 65_535;

impl<'m> Compiler<'m, '_> {
    /// All filters, in the order of the file.
    pub(super) fn compile_filters(&mut self, model: &'m Model<'m>) {
        for (index, list) in model.prefix_lists.iter().enumerate() {
            self.prefix_lists.insert(list.name, index);
        }
        for (index, policer) in model.policers.iter().enumerate() {
            self.policers[usize::from(policer.three_colors)].insert(policer.name, index);
        }
        let span = |filter: &FilterModel<'_>| filter.name.span;
        let filters = bounded(&model.filters, IDS_MAX, "filters", span, self.diagnostics);
        for (filter, id) in filters.iter().zip(1..=u16::MAX) {
            let lookup = match filter.family {
                Family::Inet6 => &mut self.filters[1],
                _ => &mut self.filters[0],
            };
            lookup.insert(filter.name, FilterId(id));
            self.compile_filter(model, filter, FilterId(id));
        }
    }

    fn compile_filter(&mut self, model: &'m Model<'m>, filter: &'m FilterModel<'m>, id: FilterId) {
        let (mut counters, mut shared) = (HashMap::new(), HashMap::new());
        let mut terms = Vec::new();
        let span = |term: &Term<'_>| term.name.span;
        let named = bounded(&filter.terms, IDS_MAX, "terms", span, self.diagnostics);
        if named.is_empty() {
            let message = format!("the filter `{}` has no term", filter.name.text);
            self.diagnostics
                .warning("empty-filter", filter.name.span, message)
                .expected("a term: without one the filter discards everything");
        }
        for term in named {
            let counter = match term.counter {
                None => CounterId::NONE,
                Some(name) => {
                    *counters.entry(name.text).or_insert_with(|| self.counter(filter.name, name))
                }
            };
            let found = |name: &Word<'m>| self.interfaces.find(*name, self.diagnostics);
            let interfaces = term.interfaces.iter().filter_map(found).collect();
            let policer = self.policer(model, filter.name, term, &mut shared);
            let addresses = [&term.source, &term.destination, &term.either];
            let [source, destination, either] =
                addresses.map(|list| self.filter_addresses(model, filter.family, list));
            terms.push(FilterTerm {
                matches: FilterMatch {
                    source,
                    destination,
                    either,
                    interfaces,
                    ..term.matches.clone()
                },
                action: term.action,
                log: term.log,
                counter,
                policer,
                loss_priority: term.loss_priority,
                dscp: term.dscp,
            });
        }
        check::shadowed_terms(&terms, &filter.terms, self.diagnostics);
        self.world.names.filters.push(FilterName {
            name: filter.name.text.to_owned(),
            terms: named.iter().map(|term| term.name.text.to_owned()).collect(),
        });
        self.world.filters.push(Filter::new(id, filter.family, terms));
    }

    fn counter(&mut self, filter: Word<'m>, name: Word<'m>) -> CounterId {
        let counters = &mut self.world.names.counters;
        let Ok(id) = u16::try_from(counters.len()) else {
            let message = format!("more than {IDS_MAX} counters");
            self.diagnostics.error("too-many", name.span, message);
            return CounterId::NONE;
        };
        counters.push((filter.text.to_owned(), name.text.to_owned()));
        CounterId(id)
    }

    /// The policer of a term: its own, or with `filter-specific` the filter's.
    fn policer(
        &mut self,
        model: &'m Model<'m>,
        filter: Word<'m>,
        term: &Term<'m>,
        shared: &mut HashMap<usize, PolicerId>,
    ) -> PolicerId {
        let Some((name, three_colors)) = term.policer else {
            return PolicerId::NONE;
        };
        let lookup = &self.policers[usize::from(three_colors)];
        let Some(index) = lookup.find(name, self.diagnostics) else {
            return PolicerId::NONE;
        };
        if let Some(&id) = shared.get(&index) {
            return id;
        }
        let names = &mut self.world.names.policers;
        let Ok(id) = u16::try_from(names.len()).map(PolicerId) else {
            let message = format!("more than {IDS_MAX} terms with policers");
            self.diagnostics.error("too-many", name.span, message);
            return PolicerId::NONE;
        };
        let policer = &model.policers[index];
        let label = if policer.filter_specific {
            shared.insert(index, id);
            name.text.to_owned()
        } else {
            format!("{}-{}", name.text, term.name.text)
        };
        names.push((filter.text.to_owned(), label));
        self.world.policers.push(Policer {
            rate: policer.rate,
            color_aware: policer.color_aware,
            discard: policer.discard,
            mark: policer.mark,
        });
        id
    }

    fn filter_addresses(
        &mut self,
        model: &'m Model<'m>,
        family: Family,
        addresses: &Addresses<'m>,
    ) -> Option<AddressSet> {
        if addresses.is_absent() {
            return None;
        }
        let mut prefixes = addresses.prefixes.clone();
        for &(name, except) in &addresses.lists {
            let Some(index) = self.prefix_lists.find(name, self.diagnostics) else {
                continue;
            };
            for &(ip, length) in &model.prefix_lists[index].prefixes {
                if ip.is_ipv6() == (family == Family::Inet6) {
                    let range = AddressRange::prefix(ip, length);
                    prefixes.extend(range.map(|range| (range, length, except)));
                }
            }
        }
        Some(longest_match(&prefixes))
    }

    /// The filter of an interface: one of the name, or several in a row as one.
    pub(super) fn filter_list(
        &mut self,
        names: &[Word<'m>],
        family: Family,
        joined: &str,
    ) -> FilterId {
        let lookup = &self.filters[usize::from(family == Family::Inet6)];
        let ids: Vec<FilterId> =
            names.iter().filter_map(|&name| lookup.find(name, self.diagnostics)).collect();
        if ids.len() <= 1 || ids.len() != names.len() {
            return ids.first().copied().unwrap_or_default();
        }
        let world = &mut self.world;
        let Ok(id) = u16::try_from(world.filters.len() + 1).map(FilterId) else {
            let message = format!("more than {IDS_MAX} filters");
            self.diagnostics.error("too-many", names[0].span, message);
            return FilterId::NONE;
        };
        let (mut terms, mut term_names) = (Vec::new(), Vec::new());
        for id in ids {
            terms.extend_from_slice(world.filters[id.index() - 1].terms());
            term_names.extend_from_slice(&world.names.filters[id.index()].terms);
        }
        if terms.len() > IDS_MAX {
            let message = format!("more than {IDS_MAX} terms in a list of filters");
            self.diagnostics.error("too-many", names[0].span, message);
        }
        world.filters.push(Filter::new(id, family, terms));
        world.names.filters.push(FilterName { name: joined.to_owned(), terms: term_names });
        id
    }
}

/// The addresses whose longest prefix is not an exception (Junos, "Firewall Filter Match Conditions
/// Based on Address").
fn longest_match(prefixes: &[(AddressRange, u8, bool)]) -> AddressSet {
    let mut exceptions: Vec<_> = prefixes.iter().filter(|(_, _, except)| *except).collect();
    exceptions.sort_unstable();
    let mut ranges = Vec::new();
    for &(range, length, _) in prefixes.iter().filter(|(_, _, except)| !except) {
        let within = exceptions
            .iter()
            .filter(|(other, longer, _)| *longer > length && contains(range, *other))
            .map(|(other, _, _)| *other);
        subtract(range, within, &mut ranges);
    }
    AddressSet::from_ranges(ranges)
}

fn contains(outer: AddressRange, inner: AddressRange) -> bool {
    match (outer, inner) {
        (AddressRange::V4(a, b), AddressRange::V4(c, d)) => a <= c && d <= b,
        (AddressRange::V6(a, b), AddressRange::V6(c, d)) => a <= c && d <= b,
        _ => false,
    }
}

/// What sorted ranges within `range` leave of it.
fn subtract(
    range: AddressRange,
    within: impl Iterator<Item = AddressRange>,
    ranges: &mut Vec<AddressRange>,
) {
    let mut left = Some(range);
    for hole in within {
        left = match (left, hole) {
            (Some(AddressRange::V4(from, to)), AddressRange::V4(first, last)) if last >= from => {
                if from < first {
                    ranges.push(AddressRange::V4(from, first - 1));
                }
                (last < to).then(|| AddressRange::V4(last + 1, to))
            }
            (Some(AddressRange::V6(from, to)), AddressRange::V6(first, last)) if last >= from => {
                if from < first {
                    ranges.push(AddressRange::V6(from, first - 1));
                }
                (last < to).then(|| AddressRange::V6(last + 1, to))
            }
            (left, _) => left,
        };
    }
    ranges.extend(left);
}
