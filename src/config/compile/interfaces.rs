//! Units, zones and screens to their tables. An interface of no zone takes no transit traffic, and
//! one that is disabled belongs to no zone and has no address.

use components::address::{Address, Family, family_of};
use components::ids::{FilterId, IfIndex, ScreenProfileId, ZoneId};
use components::world::interface::{Interface, InterfaceAddress, Zone};
use components::world::screen::ScreenAttack;

use super::{Compiler, bounded};
use crate::config::model::interfaces::Unit;
use crate::config::model::zones::{Zone as ZoneModel, ZoneInterface};
use crate::config::model::{Model, Word};
use crate::config::span::Span;

/// Highest interface id: the wire has an i16 for it.
const INTERFACES_MAX: usize = 32_767;
/// Zones besides `junos-host`: the wire has one byte.
const ZONES_MAX: usize = 254;

impl<'m> Compiler<'m, '_> {
    /// Gives ids to screens, zones and interfaces, so that everything else can refer to them.
    pub(super) fn name_interfaces(&mut self, model: &'m Model<'m>) {
        let screens = bounded(
            &model.screens,
            usize::from(u16::MAX),
            "screens",
            |s| s.name.span,
            self.diagnostics,
        );
        for (screen, id) in screens.iter().zip(1..=u16::MAX) {
            self.screens.insert(screen.name, ScreenProfileId(id));
            let mut profile = screen.profile.clone();
            if model.flow.syn_cookies && profile.watches(ScreenAttack::SynFlood) {
                profile.attacks |= ScreenAttack::SynCookie.bit();
            }
            self.world.screens.push(profile);
            self.world.names.screens.push(screen.name.text.to_owned());
        }
        let span = |zone: &&ZoneModel<'_>| zone.name.span;
        let zones: Vec<_> = model.zones.iter().filter(|zone| !zone.functional).collect();
        let zones = bounded(&zones, ZONES_MAX, "zones", span, self.diagnostics);
        let host = Word { text: "junos-host", span: Span::default() };
        self.zones.insert(host, ZoneId::JUNOS_HOST);
        self.world.zones = vec![Zone::default(); 2];
        for (zone, id) in zones.iter().zip(ZoneId::FIRST_CONFIGURED.0..=u8::MAX) {
            self.zones.insert(zone.name, ZoneId(id));
            self.world.names.zones.push(zone.name.text.to_owned());
            let screen = zone.screen.and_then(|name| self.screens.find(name, self.diagnostics));
            self.world
                .zones
                .push(Zone { screen: screen.unwrap_or_default(), tcp_rst: zone.tcp_rst });
        }
        let span = |unit: &Unit<'_>| unit.span;
        let units = bounded(&model.units, INTERFACES_MAX, "interfaces", span, self.diagnostics);
        for (unit, id) in units.iter().zip(1..=u16::MAX) {
            let name = Word { text: &unit.name, span: unit.span };
            self.interfaces.insert(name, IfIndex(id));
            self.world.names.interfaces.push(unit.name.clone());
        }
    }

    /// Fills the interface table; filters and names are known.
    pub(super) fn compile_interfaces(&mut self, model: &'m Model<'m>) {
        for unit in model.units.iter().take(INTERFACES_MAX) {
            let interface = self.compile_unit(unit);
            self.world.interfaces.0.push(interface);
        }
        let mut listed: Vec<Option<Word<'m>>> = vec![None; self.world.interfaces.0.len()];
        let mut every = None;
        for zone in &model.zones {
            if zone.interfaces.is_empty() {
                let message = format!("the zone `{}` has no interface", zone.name.text);
                self.diagnostics.warning("zone-without-interfaces", zone.name.span, message);
            }
            for member in &zone.interfaces {
                if member.name.text == "all" {
                    every = Some((zone, member));
                    continue;
                }
                self.join(zone, member, &mut listed);
            }
        }
        for (id, unit) in (1..listed.len()).zip(&model.units) {
            if listed[id].is_some() || is_internal(&unit.name) {
                continue;
            }
            if let Some((zone, member)) = every {
                self.assign(zone, member, id);
                continue;
            }
            let message = format!("the interface `{}` is in no zone", unit.name);
            let found = self.diagnostics.warning("interface-without-zone", unit.span, message);
            found.expected("a security zone that lists it; its transit traffic is dropped");
        }
    }

    fn join(
        &mut self,
        zone: &ZoneModel<'m>,
        member: &ZoneInterface<'m>,
        listed: &mut [Option<Word<'m>>],
    ) {
        let id = match member.name.text.contains('.') {
            true => self.interfaces.find(member.name, self.diagnostics),
            false => match self.interfaces.get(&format!("{}.0", member.name.text)) {
                Some(id) => Some(id),
                None => self.interfaces.find(member.name, self.diagnostics),
            },
        };
        let Some(id) = id else { return };
        if let Some(earlier) = listed[id.index()] {
            let message = format!(
                "the interface `{}` is in the zones `{}` and `{}`",
                member.name.text, earlier.text, zone.name.text
            );
            self.diagnostics
                .error("interface-in-two-zones", member.name.span, message)
                .expected("one zone for each interface");
            return;
        }
        listed[id.index()] = Some(zone.name);
        self.assign(zone, member, id.index());
    }

    fn assign(&mut self, zone: &ZoneModel<'m>, member: &ZoneInterface<'m>, id: usize) {
        let zone_id = match zone.functional {
            true => None,
            false => self.zones.get(zone.name.text),
        };
        let interface = &mut self.world.interfaces.0[id];
        if self.disabled.contains(&id) {
            return;
        }
        interface.zone = zone_id.unwrap_or_default();
        let own = member.host_inbound.as_ref().unwrap_or(&zone.host_inbound);
        interface.host_inbound = own.clone();
    }

    fn compile_unit(&mut self, unit: &'m Unit<'m>) -> Interface {
        let id = self.world.interfaces.0.len();
        if unit.disabled {
            self.disabled.insert(id);
            return Interface::default();
        }
        let mut addresses: Vec<_> = unit.addresses.iter().collect();
        addresses.sort_by_key(|address| !address.preferred);
        let is_loopback = unit.name.starts_with("lo0.");
        let mut interface = Interface {
            addresses: addresses
                .into_iter()
                .map(|address| InterfaceAddress {
                    family: family_of(address.ip),
                    address: Address::from(address.ip),
                    length: address.length,
                })
                .collect(),
            vlan: unit.vlan,
            mtu: unit.mtu,
            mac: unit.mac,
            redundancy_group: self.redundancy_group(unit),
            ..Interface::default()
        };
        for (index, family) in [Family::Inet, Family::Inet6].into_iter().enumerate() {
            let input = self.filter_list(&unit.input[index], family, &format!("{}-i", unit.name));
            let output = self.filter_list(&unit.output[index], family, &format!("{}-o", unit.name));
            if !is_loopback {
                interface.filter_input[index] = input;
                interface.filter_output[index] = output;
                continue;
            }
            if input != FilterId::NONE {
                self.host_filter(index, input, unit.span);
            }
            if let Some(name) = unit.output[index].first() {
                let message = "`lo0 filter output` is accepted, but not yet honoured";
                self.diagnostics.warning("not-honoured", name.span, message);
            }
        }
        interface
    }

    /// The redundancy group of a unit, which must be one of the cluster's if there is a cluster.
    fn redundancy_group(&mut self, unit: &Unit<'_>) -> u8 {
        let (Some((group, span)), Some(cluster)) = (unit.redundancy_group, &self.world.cluster)
        else {
            return 0;
        };
        if !cluster.groups.iter().any(|known| known.id == group) {
            let message = format!("the redundancy group {group} is not defined");
            self.diagnostics
                .error("undefined-redundancy-group", span, message)
                .expected("a `redundancy-group` of `chassis cluster`");
        }
        group
    }

    fn host_filter(&mut self, index: usize, filter: FilterId, span: Span) {
        if self.world.host_filters[index] != FilterId::NONE {
            let message = "a second unit of lo0 has an input filter";
            self.diagnostics
                .error("two-host-filters", span, message)
                .expected("one unit of lo0 with filters: there is one routing instance");
        }
        self.world.host_filters[index] = filter;
    }
}

/// Management, loopback and fabric interfaces are in no zone.
fn is_internal(name: &str) -> bool {
    ["lo0.", "fxp", "em0.", "em1.", "fab", "me0.", "vme.", "swfab", "re0:mgmt"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}
