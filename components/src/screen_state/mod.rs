//! What screens remember of zones and addresses, for the whole box: a table each of SYN, ICMP and
//! UDP rates, of scans and sweeps, of the sessions of a source and of a destination, of the clients
//! that answered a SYN cookie. A table is made only for what some zone looks for, holds a fixed
//! number of entries and pushes out the oldest.

pub mod memory;
pub mod table;

use memory::{Probes, Rate, Sessions, Until};
use table::{HistoryTable, subject};

use crate::address::Address;
use crate::ids::ZoneId;
use crate::session::key::FlowKey;
use crate::session::record::Session;
use crate::world::World;
use crate::world::screen::ScreenAttack;
use crate::world::succession::Succession;

/// Bits of [`Session::counted`].
pub mod counted {
    /// Counted against its source.
    pub const SOURCE: u8 = 1;
    /// Counted against its destination.
    pub const DESTINATION: u8 = 1 << 1;
    /// Its handshake is complete and its client has not sent a byte since.
    pub const SILENT: u8 = 1 << 2;
}

/// SYNs of a zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZoneSyns {
    /// Their rate.
    pub rate: Rate,
    /// When a SYN cookie was last sent, packet clock.
    pub challenged_ns: Option<u64>,
}

/// All that screens remember.
#[derive(Debug)]
pub struct ScreenState {
    /// SYNs by [`ZoneId`].
    pub zones: Vec<ZoneSyns>,
    /// SYNs by source.
    pub syn_sources: HistoryTable<Rate>,
    /// SYNs by destination.
    pub syn_destinations: HistoryTable<Rate>,
    /// ICMP packets by destination.
    pub icmp_destinations: HistoryTable<Rate>,
    /// UDP packets by destination.
    pub udp_destinations: HistoryTable<Rate>,
    /// TCP ports by source and destination.
    pub tcp_ports: HistoryTable<Probes>,
    /// UDP ports by source and destination.
    pub udp_ports: HistoryTable<Probes>,
    /// Hosts that a source sent echo requests to.
    pub icmp_hosts: HistoryTable<Probes>,
    /// Hosts that a source sent SYNs to.
    pub tcp_hosts: HistoryTable<Probes>,
    /// Hosts that a source sent UDP to.
    pub udp_hosts: HistoryTable<Probes>,
    /// Clients that answered a SYN cookie.
    pub clients: HistoryTable<Until>,
    /// Sessions by source.
    pub sources: HistoryTable<Sessions>,
    /// Sessions by destination.
    pub destinations: HistoryTable<Sessions>,
    /// Sessions by source whose client has been silent since the handshake.
    pub silent: HistoryTable<Sessions>,
}

impl ScreenState {
    /// Tables of `entries` for what the world's zones look for; `seed` keys their hashes.
    #[must_use]
    pub fn for_world(world: &World, entries: usize, seed: u64) -> Self {
        let watched = world.screens_watched();
        let sized = |attack: ScreenAttack| match watched & attack.bit() {
            0 => 1,
            _ => entries,
        };
        use ScreenAttack as A;
        Self {
            zones: vec![ZoneSyns::default(); 256],
            syn_sources: HistoryTable::new(sized(A::SynFloodSource), seed),
            syn_destinations: HistoryTable::new(sized(A::SynFloodDestination), seed),
            icmp_destinations: HistoryTable::new(sized(A::IcmpFlood), seed),
            udp_destinations: HistoryTable::new(sized(A::UdpFlood), seed),
            tcp_ports: HistoryTable::new(sized(A::TcpPortScan), seed),
            udp_ports: HistoryTable::new(sized(A::UdpPortScan), seed),
            icmp_hosts: HistoryTable::new(sized(A::IpSweep), seed),
            tcp_hosts: HistoryTable::new(sized(A::TcpSweep), seed),
            udp_hosts: HistoryTable::new(sized(A::UdpSweep), seed),
            clients: HistoryTable::new(sized(A::SynCookie), seed),
            sources: HistoryTable::new(sized(A::SessionLimitSource), seed),
            destinations: HistoryTable::new(sized(A::SessionLimitDestination), seed),
            silent: HistoryTable::new(sized(A::SynAckAckProxy), seed),
        }
    }

    /// What it remembers, as it goes on after a commit: each zone's part under the zone's new id,
    /// what no zone looks for any more forgotten. Sessions are not counted: they have to be
    /// admitted again.
    #[must_use]
    pub fn carried_over(
        &self,
        new: &World,
        (entries, seed): (usize, u64),
        now_ns: u64,
        succession: &Succession,
        evicted: &mut u64,
    ) -> Self {
        let mut next = Self::for_world(new, entries, seed);
        for (at, syns) in (0..=u8::MAX).zip(&self.zones) {
            if let Some(zone) = succession.zone(ZoneId(at)) {
                next.zones[zone.index()] = *syns;
            }
        }
        let moved = |key: FlowKey| {
            let zone = succession.zone(ZoneId(u8::try_from(key.source_port).ok()?))?;
            Some(FlowKey { source_port: u16::from(zone.0), ..key })
        };
        let watched = new.screens_watched();
        macro_rules! carry {
            ($($table:ident $attack:ident,)+) => {$(
                let size = if watched & ScreenAttack::$attack.bit() == 0 { 1 } else { entries };
                let keep = |key| (size > 1).then(|| moved(key)).flatten();
                next.$table = self.$table.carried_over(size, now_ns, keep, evicted);
            )+};
        }
        carry! {
            syn_sources SynFloodSource,
            syn_destinations SynFloodDestination,
            icmp_destinations IcmpFlood,
            udp_destinations UdpFlood,
            tcp_ports TcpPortScan,
            udp_ports UdpPortScan,
            icmp_hosts IpSweep,
            tcp_hosts TcpSweep,
            udp_hosts UdpSweep,
            clients SynCookie,
        }
        next
    }

    /// True if a commit changes neither which zones look for what nor their ids: then everything
    /// that is remembered means what it did.
    #[must_use]
    pub fn goes_on(old: &World, new: &World, succession: &Succession) -> bool {
        let attacks = |world: &World, zone| world.screen_of(zone).map_or(0, |p| p.attacks);
        let same = |zone: u8| attacks(old, ZoneId(zone)) == attacks(new, ZoneId(zone));
        succession.keeps_zone_ids()
            && old.screens_watched() == new.screens_watched()
            && (0..old.zones.len()).all(|zone| u8::try_from(zone).is_ok_and(same))
    }

    /// Counts a session that was created, as its `counted` bits say.
    pub fn admit(&mut self, session: &Session, now_ns: u64, evicted: &mut u64) {
        if session.counted & counted::SOURCE != 0 {
            self.sources.entry(&source_of(session), now_ns, evicted).0 += 1;
        }
        if session.counted & counted::DESTINATION != 0 {
            self.destinations.entry(&destination_of(session), now_ns, evicted).0 += 1;
        }
    }

    /// Counts a session that has gone through a commit: for what its zone's profile now counts, as
    /// `bits` say, and as silent if it was and that still matters.
    pub fn admit_again(
        &mut self,
        session: &mut Session,
        bits: u8,
        watches_silent: bool,
        now_ns: u64,
        evicted: &mut u64,
    ) {
        let was_silent = session.counted & counted::SILENT != 0;
        session.counted = bits;
        self.admit(session, now_ns, evicted);
        if was_silent && watches_silent {
            self.falls_silent(session, now_ns, evicted);
        }
    }

    /// Gives back what a session counted for.
    pub fn release(&mut self, session: &Session) {
        if session.counted & counted::SOURCE != 0 {
            one_less(&mut self.sources, &source_of(session));
        }
        if session.counted & counted::DESTINATION != 0 {
            one_less(&mut self.destinations, &destination_of(session));
        }
        if session.counted & counted::SILENT != 0 {
            one_less(&mut self.silent, &source_of(session));
        }
    }

    /// A session's handshake is complete: its client is silent until it sends.
    pub fn falls_silent(&mut self, session: &mut Session, now_ns: u64, evicted: &mut u64) {
        session.counted |= counted::SILENT;
        self.silent.entry(&source_of(session), now_ns, evicted).0 += 1;
    }

    /// The client of a silent session sent something.
    pub fn speaks(&mut self, session: &mut Session) {
        session.counted &= !counted::SILENT;
        one_less(&mut self.silent, &source_of(session));
    }

    /// Sessions that are counted under a key.
    #[must_use]
    pub fn sessions(table: &HistoryTable<Sessions>, key: &FlowKey) -> u32 {
        table.get(key).map_or(0, |sessions| sessions.0)
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let rates = [
            &self.syn_sources,
            &self.syn_destinations,
            &self.icmp_destinations,
            &self.udp_destinations,
        ];
        let probes =
            [&self.tcp_ports, &self.udp_ports, &self.icmp_hosts, &self.tcp_hosts, &self.udp_hosts];
        let sessions = [&self.sources, &self.destinations, &self.silent];
        rates.iter().map(|table| table.memory_bytes()).sum::<usize>()
            + probes.iter().map(|table| table.memory_bytes()).sum::<usize>()
            + sessions.iter().map(|table| table.memory_bytes()).sum::<usize>()
            + self.clients.memory_bytes()
            + self.zones.len() * size_of::<ZoneSyns>()
    }
}

/// The key of an address's sessions: both ends as the client's packets arrive.
#[must_use]
pub fn session_key(zone: ZoneId, flow: &FlowKey, of_source: bool) -> FlowKey {
    let address = if of_source { flow.source } else { flow.destination };
    subject(zone, flow.family, address, Address::ZERO)
}

fn source_of(session: &Session) -> FlowKey {
    session_key(session.zones[0], &session.keys[0], true)
}

fn destination_of(session: &Session) -> FlowKey {
    session_key(session.zones[0], &session.keys[0], false)
}

/// An entry that was pushed out meanwhile stays away.
fn one_less(table: &mut HistoryTable<Sessions>, key: &FlowKey) {
    if let Some(sessions) = table.get_mut(key) {
        sessions.0 = sessions.0.saturating_sub(1);
    }
}
