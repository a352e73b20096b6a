//! NAT pools and rules. Rule sets are tried by how narrow their context is: an interface before a
//! zone, the egress side first, then in the order of the file (Junos, "Understanding NAT Rule Sets
//! and Rules").

use components::address::{Address, AddressRange, AddressSet, Family};
use components::ids::{NatRuleId, PoolId};
use components::ports::POOL_ADDRESSES_MAX;
use components::world::names::{NatRuleKind, NatRuleName};
use components::world::nat::{
    DestinationAction, DestinationRule, NatContext, NatMatch, NatTable, Overflow, PersistentNat,
    SourceAction, SourcePool, SourceRule, StaticKind, StaticRule, embed, nptv6,
};
use components::world::policy::AddressMatch;

use super::lookup::Lookup;
use super::policies::named_applications;
use super::{Compiler, bounded};
use crate::config::check;
use crate::config::model::nat::{Context, Nat, Rule, RuleSet};
use crate::config::model::nat_pools::{DestinationPool, NamedPool};
use crate::config::model::nat_then::{DynamicAction, Persistent, StaticAction, StaticTarget};
use crate::config::model::{Model, Word};

/// Ids of rules and pools have 16 bits, zero is none.
const IDS_MAX: usize = 65_535;

/// `from` and `to` of a rule set; `None` if a name is not defined.
struct Contexts(Option<(NatContext, NatContext)>);

impl<'m> Compiler<'m, '_> {
    /// The whole table.
    pub(super) fn compile_nat(&mut self, model: &'m Model<'m>) -> NatTable {
        let nat = &model.nat;
        let mut table = NatTable { interface_ports: nat.ports, ..NatTable::default() };
        let pools = self.source_pools(nat, &mut table);
        let mut targets = Lookup::new("destination NAT pool", "undefined-pool", "unused-pool");
        for (index, pool) in nat.destination_pools.iter().enumerate() {
            targets.insert(pool.name, index);
        }
        for set in narrowest_first(&nat.statics) {
            self.each_rule(set, NatRuleKind::Static, |compiler, contexts, rule, id| {
                table.statics.extend(compiler.static_rule(contexts, rule, id));
            });
        }
        for set in narrowest_first(&nat.destination) {
            let (first, mut named) = (table.destination.len(), Vec::new());
            self.each_rule(set, NatRuleKind::Destination, |compiler, contexts, rule, id| {
                let pools = (&targets, &nat.destination_pools[..]);
                if let Some(compiled) = compiler.destination_rule(contexts, rule, id, pools) {
                    table.destination.push(compiled);
                    named.push(rule.name);
                }
            });
            let rules = table.destination[first..].iter().map(|rule| &rule.matches);
            check::shadowed_nat(&rules.collect::<Vec<_>>(), &named, self.diagnostics);
        }
        for set in narrowest_first(&nat.source) {
            let (first, mut named) = (table.source.len(), Vec::new());
            self.each_rule(set, NatRuleKind::Source, |compiler, contexts, rule, id| {
                if let Some((compiled, persistent)) =
                    compiler.source_rule(contexts, rule, id, &pools)
                {
                    table.source.push(compiled);
                    table.persistent.extend(persistent);
                    named.push(rule.name);
                }
            });
            let rules = table.source[first..].iter().map(|rule| &rule.matches);
            check::shadowed_nat(&rules.collect::<Vec<_>>(), &named, self.diagnostics);
        }
        for proxy in &nat.proxies {
            if let Some(id) = self.interfaces.find(proxy.interface, self.diagnostics) {
                self.world.interfaces.0[id.index()].proxies.extend(&proxy.ranges);
            }
        }
        if !self.diagnostics.has_errors() {
            pools.report_unused(self.diagnostics);
            targets.report_unused(self.diagnostics);
        }
        table
    }

    fn source_pools(&mut self, nat: &'m Nat<'m>, table: &mut NatTable) -> Lookup<'m, PoolId> {
        let mut pools = Lookup::new("source NAT pool", "undefined-pool", "unused-pool");
        let span = |pool: &NamedPool<'_>| pool.name.span;
        let source =
            bounded(&nat.source_pools, IDS_MAX, "source NAT pools", span, self.diagnostics);
        for (pool, id) in source.iter().zip(1..=u16::MAX) {
            let addresses = pool.pool.ranges.iter().map(|range| range.count());
            let addresses = addresses.fold(0u128, u128::saturating_add);
            if addresses > POOL_ADDRESSES_MAX {
                let message = format!("pool `{}` has {addresses} addresses", pool.name.text);
                self.diagnostics
                    .error("pool-too-large", pool.name.span, message)
                    .expected(format!("at most {POOL_ADDRESSES_MAX} addresses"));
            }
            pools.insert(pool.name, PoolId(id));
            let paired = pool.pool.paired || nat.address_persistent;
            table.pools.push(SourcePool { paired, ..pool.pool.clone() });
            self.world.names.pools.push(pool.name.text.to_owned());
        }
        for (at, pool) in source.iter().enumerate() {
            table.pools[at].overflow = self.overflow(pool, source, &pools);
        }
        check::overlapping_pools(&nat.source_pools, self.diagnostics);
        pools
    }

    /// `overflow-pool`: the interface, or another pool of the family that translates ports.
    fn overflow(
        &mut self,
        pool: &NamedPool<'m>,
        all: &[NamedPool<'m>],
        pools: &Lookup<'m, PoolId>,
    ) -> Overflow {
        let Some(name) = pool.overflow else { return Overflow::None };
        if name.text == "interface" {
            return Overflow::Interface;
        }
        let Some(id) = pools.find(name, self.diagnostics) else { return Overflow::None };
        let other = &all[id.index() - 1].pool;
        if !other.has_ports() || other.family() != pool.pool.family() {
            let message = format!("`{}` cannot be an overflow pool", name.text);
            self.diagnostics
                .error("bad-overflow-pool", name.span, message)
                .expected("a pool of the same family that translates ports");
        }
        Overflow::Pool(id)
    }

    fn each_rule<A>(
        &mut self,
        set: &'m RuleSet<'m, A>,
        kind: NatRuleKind,
        mut compile: impl FnMut(&mut Self, &Contexts, &'m Rule<'m, A>, NatRuleId),
    ) {
        self.check_contexts(set, kind);
        let from = self.context(&set.from);
        let to = self.context(&set.to);
        let contexts = Contexts(from.zip(to));
        for rule in &set.rules {
            let names = &mut self.world.names.nat_rules;
            let Ok(id) = u16::try_from(names.len()) else {
                let message = format!("more than {IDS_MAX} NAT rules");
                self.diagnostics.error("too-many", rule.name.span, message);
                return;
            };
            names.push(NatRuleName {
                kind,
                rule_set: set.name.text.to_owned(),
                rule: rule.name.text.to_owned(),
            });
            compile(self, &contexts, rule, NatRuleId(id));
        }
    }

    fn check_contexts<A>(&mut self, set: &RuleSet<'m, A>, kind: NatRuleKind) {
        let given =
            |context: &Context<'_>| !(context.zones.is_empty() && context.interfaces.is_empty());
        let is_source = kind == NatRuleKind::Source;
        let name = set.name.text;
        let message = match (given(&set.from), given(&set.to)) {
            (false, _) => format!("the rule set `{name}` does not say where from"),
            (_, false) if is_source => format!("the rule set `{name}` does not say where to"),
            (_, true) if !is_source => format!("the rule set `{name}` says where to"),
            _ => return,
        };
        self.diagnostics
            .error("bad-context", set.name.span, message)
            .expected("from zone or interface; for source NAT a to as well, for others none");
    }

    fn context(&mut self, context: &Context<'m>) -> Option<NatContext> {
        let zones = self.zone_ids(&context.zones);
        let interfaces: Vec<_> = context
            .interfaces
            .iter()
            .filter_map(|&name| self.interfaces.find(name, self.diagnostics))
            .collect();
        let complete = interfaces.len() == context.interfaces.len();
        Some(NatContext {
            zones: zones?.into(),
            interfaces: complete.then_some(interfaces)?.into(),
        })
    }

    fn addresses(&mut self, ranges: &[AddressRange], names: &[Word<'m>]) -> Option<AddressMatch> {
        if ranges.is_empty() && names.is_empty() {
            return Some(AddressMatch::any());
        }
        let mut all = ranges.to_vec();
        let mut complete = true;
        for &name in names {
            match self.books.find(name, None, self.diagnostics) {
                Some(found) => all.extend_from_slice(&found),
                None => complete = false,
            }
        }
        complete.then(|| AddressMatch { set: AddressSet::from_ranges(all), excluded: false })
    }

    fn matches<A>(&mut self, contexts: &Contexts, rule: &'m Rule<'m, A>) -> Option<NatMatch> {
        let matches = &rule.matches;
        let source = self.addresses(&matches.source, &matches.source_names);
        let destination = self.addresses(&matches.destination, &matches.destination_names);
        let named = named_applications(&matches.applications);
        let read = self.applications.terms(&named, self.diagnostics)?;
        let terms = match named.len() < matches.applications.len() {
            true => Some(Vec::new()),
            false => {
                if read.rpc || (read.terms.is_empty() && !matches.applications.is_empty()) {
                    let message = "an application that only an RPC gateway can tell";
                    let span = matches.applications[0].span;
                    self.diagnostics.error("rpc-application", span, message);
                }
                Some(read.terms.into_iter().map(|(term, _)| term).collect())
            }
        };
        let (from, to) = contexts.0.clone()?;
        Some(NatMatch {
            from,
            to,
            source: source?,
            destination: destination?,
            source_ports: matches.source_ports.clone(),
            destination_ports: matches.destination_ports.clone(),
            protocols: matches.protocols.clone(),
            applications: terms?,
        })
    }

    fn source_rule(
        &mut self,
        contexts: &Contexts,
        rule: &'m Rule<'m, DynamicAction<'m>>,
        id: NatRuleId,
        pools: &Lookup<'m, PoolId>,
    ) -> Option<(SourceRule, Option<PersistentNat>)> {
        let matches = self.matches(contexts, rule);
        let (action, persistent) = match rule.action? {
            DynamicAction::Off => (SourceAction::Off, None),
            DynamicAction::Interface(persistent) => (SourceAction::Interface, persistent),
            DynamicAction::Pool(name, persistent) => {
                (SourceAction::Pool(pools.find(name, self.diagnostics)?), persistent)
            }
        };
        let persistent = persistent.map(|Persistent { permit, inactivity_s, sessions_max }| {
            PersistentNat { rule: id, permit, inactivity_s, sessions_max }
        });
        Some((SourceRule { id, matches: matches?, action }, persistent))
    }

    fn destination_rule(
        &mut self,
        contexts: &Contexts,
        rule: &'m Rule<'m, DynamicAction<'m>>,
        id: NatRuleId,
        (targets, pools): (&Lookup<'m, usize>, &[DestinationPool<'m>]),
    ) -> Option<DestinationRule> {
        let matches = self.matches(contexts, rule);
        let lists = &rule.matches;
        if lists.destination.is_empty() && lists.destination_names.is_empty() {
            let message = format!("the NAT rule `{}` has no destination address", rule.name.text);
            self.diagnostics
                .error("missing-match", rule.name.span, message)
                .expected("match destination-address");
        }
        let action = match rule.action? {
            DynamicAction::Pool(name, _) => {
                let pool = &pools[targets.find(name, self.diagnostics)?];
                let matched = &matches.as_ref()?.destination.set;
                let (family, first, last, fits) = match pool.range {
                    AddressRange::V4(first, last) => {
                        let [first, last] = [first, last].map(|key| Address::v4(key.to_be_bytes()));
                        (Family::Inet, first, last, matched.v6().is_empty())
                    }
                    AddressRange::V6(first, last) => {
                        let [first, last] = [first, last].map(|key| Address(key.to_be_bytes()));
                        (Family::Inet6, first, last, matched.v4().is_empty())
                    }
                };
                if !fits {
                    self.mixed_families(name);
                }
                let port = pool.port;
                DestinationAction::Pool { family, first, last, port }
            }
            DynamicAction::Off | DynamicAction::Interface(_) => DestinationAction::Off,
        };
        Some(DestinationRule { id, matches: matches?, action })
    }

    fn static_rule(
        &mut self,
        contexts: &Contexts,
        rule: &'m Rule<'m, StaticAction<'m>>,
        id: NatRuleId,
    ) -> Option<StaticRule> {
        let matches = self.matches(contexts, rule)?;
        let lists = &rule.matches;
        let narrowed = [
            ("source-port", lists.source_ports.is_empty()),
            ("protocol", lists.protocols.is_empty()),
            ("application", lists.applications.is_empty()),
        ];
        for (what, _) in narrowed.iter().filter(|(_, absent)| !absent) {
            let message = format!("a static NAT rule cannot match `{what}`");
            self.diagnostics.error("would-open", rule.name.span, message);
        }
        let action = rule.action?;
        if action.kind != StaticKind::Prefix {
            return self.static_v6(rule, action, matches, id);
        }
        let inside = match action.target {
            StaticTarget::Inet => return None,
            StaticTarget::Prefix(range) => range,
            StaticTarget::Name(name) => {
                let found = self.books.find(name, None, self.diagnostics)?;
                self.only(&found, name)?
            }
        };
        let outside = self.outside(rule, &matches.destination.set)?;
        let is_v4 = |range| matches!(range, AddressRange::V4(..));
        if is_v4(outside) != is_v4(inside) {
            self.mixed_families(Word { text: rule.name.text, span: action.span });
            return None;
        }
        let ports = matches.destination_ports.first().copied();
        let width = |(first, last): (u16, u16)| last - first;
        let fits = |mapped| ports.map(width) == Some(width(mapped));
        if outside.count() != inside.count()
            || matches.destination_ports.len() > 1
            || !action.ports.is_none_or(fits)
        {
            let message = format!("the two sides of `{}` differ in size", rule.name.text);
            self.diagnostics
                .error("bad-static-size", action.span, message)
                .expected("as many addresses and ports as are matched, each in one range");
        }
        Some(StaticRule {
            id,
            from: matches.from,
            source: matches.source,
            outside,
            inside,
            outside_ports: ports,
            inside_ports: action.ports,
            kind: StaticKind::Prefix,
        })
    }

    /// `nptv6-prefix` and `inet`: whole prefixes, addresses only.
    fn static_v6(
        &mut self,
        rule: &Rule<'m, StaticAction<'m>>,
        action: StaticAction<'m>,
        matches: NatMatch,
        id: NatRuleId,
    ) -> Option<StaticRule> {
        let outside = self.outside(rule, &matches.destination.set)?;
        let name = rule.name.text;
        let inside = match action.target {
            StaticTarget::Inet => AddressRange::V4(0, u32::MAX),
            StaticTarget::Prefix(range) => range,
            StaticTarget::Name(name) => {
                let found = self.books.find(name, None, self.diagnostics)?;
                self.only(&found, name)?
            }
        };
        let (fits, expected) = match action.kind {
            StaticKind::Inet => (
                embed::length_of(outside).is_some(),
                "one IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits to translate from (RFC 6052)",
            ),
            StaticKind::Nptv6 | StaticKind::Prefix => (
                nptv6::fits(outside, inside),
                "two IPv6 prefixes of one length of at most 64 bits (RFC 6296)",
            ),
        };
        let has_ports = action.ports.is_some() || !matches.destination_ports.is_empty();
        if !fits || has_ports {
            let message = format!("`{name}` cannot translate these addresses or ports");
            let found = self.diagnostics.error("bad-static-size", action.span, message);
            found.expected(expected);
            return None;
        }
        Some(StaticRule {
            id,
            from: matches.from,
            source: matches.source,
            outside,
            inside,
            outside_ports: None,
            inside_ports: None,
            kind: action.kind,
        })
    }

    /// The one range of addresses that a static rule matches.
    fn outside(
        &mut self,
        rule: &Rule<'m, StaticAction<'m>>,
        set: &AddressSet,
    ) -> Option<AddressRange> {
        let lists = &rule.matches;
        let name = lists.destination_names.first().copied();
        if lists.destination.is_empty() && name.is_none() {
            return self.only(&[], rule.name);
        }
        let v4 = set.v4().iter().map(|&(a, b)| AddressRange::V4(a, b));
        let v6 = set.v6().iter().map(|&(a, b)| AddressRange::V6(a, b));
        let ranges: Vec<_> = v4.chain(v6).collect();
        self.only(&ranges, name.unwrap_or(rule.name))
    }

    fn only(&mut self, ranges: &[AddressRange], name: Word<'_>) -> Option<AddressRange> {
        if let [one] = ranges {
            return Some(*one);
        }
        let message = format!("`{}` is not one range of addresses", name.text);
        self.diagnostics
            .error("bad-static-address", name.span, message)
            .expected("static NAT from one prefix to another");
        None
    }

    fn mixed_families(&mut self, name: Word<'_>) {
        let message =
            format!("`{}` translates between IPv4 and IPv6, which is not supported", name.text);
        self.diagnostics.error("mixed-families", name.span, message);
    }
}

/// Egress interface, then ingress interface, then zones; the order of the file among equals.
fn narrowest_first<'m, A>(sets: &'m [RuleSet<'m, A>]) -> Vec<&'m RuleSet<'m, A>> {
    let mut sorted: Vec<_> = sets.iter().collect();
    sorted.sort_by_key(|set| (set.to.interfaces.is_empty(), set.from.interfaces.is_empty()));
    sorted
}
