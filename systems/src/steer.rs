//! Steering: which worker owns a packet, when several share a capture or a receive queue. Both
//! directions of a session must meet in one shard although NAT changes what they look like:
//! destination and static NAT are done first; a source that will be translated goes to the worker
//! whose share of the port range holds its port, so that the port can be kept; a reply to a
//! translated source names its worker the same way; everything else goes by a hash that is the same
//! for both directions. The later fragments of a datagram go where the first one went.

use components::address::Address;
use components::batch::Batch;
use components::columns::FRAGMENT_OFFSET_MASK;
use components::fragment::FragmentMark;
use components::ids::{IfIndex, ZoneId};
use components::ports::share_of;
use components::session::key::{FlowKey, HashSeed};
use components::session::record::Session;
use components::view;
use components::world::World;
use components::world::application::{ICMP, ICMPV6, Service, TCP, UDP, UDP_LITE};
use components::world::nat::{NatQuery, Overflow, SourceAction, SourceHit, SourcePool};

use crate::icmp::{self, IcmpClass};
use crate::schedule::settings::Settings;

view! {
    /// What steering reads: what `parse` wrote.
    pub struct SteerView {
        reads {
            offset, length, ingress, zone, family, protocol, source, destination, source_port,
            destination_port, l4_offset, fragment, fragment_mark, datagram,
        }
        writes {}
    }
}

/// Chooses workers.
#[derive(Debug)]
pub struct Steer {
    workers: u16,
    seed: HashSeed,
    /// Translated source addresses with their port ranges.
    sources: Vec<(Address, (u16, u16))>,
    /// The worker of each open datagram's first fragment.
    fragments: Vec<u16>,
}

/// Why a configuration cannot be spread over workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "source NAT pool {pool} translates no ports, so that replies do not name their worker; use one worker"
)]
pub struct Unsteerable {
    /// Number of the pool, from 1.
    pub pool: usize,
}

impl Steer {
    /// For the workers of a schedule.
    ///
    /// # Errors
    /// If a rule uses a pool without port translation.
    pub fn new(world: &World, settings: &Settings) -> Result<Self, Unsteerable> {
        let mut sources = Vec::new();
        for rule in &world.nat.source {
            match rule.action {
                SourceAction::Off => {}
                SourceAction::Interface => sources.extend(interface_sources(world)),
                SourceAction::Pool(pool) => {
                    let Some(settings) = world.nat.pool(pool) else {
                        continue;
                    };
                    if !settings.has_ports() {
                        return Err(Unsteerable { pool: pool.index() });
                    }
                    sources.extend(pool_sources(settings));
                    match settings.overflow {
                        Overflow::None => {}
                        Overflow::Interface => sources.extend(interface_sources(world)),
                        Overflow::Pool(other) => {
                            sources
                                .extend(world.nat.pool(other).into_iter().flat_map(pool_sources));
                        }
                    }
                }
            }
        }
        sources.sort_unstable();
        sources.dedup();
        Ok(Self {
            workers: *settings.workers.get_ref(),
            seed: HashSeed::new(*settings.session.hash_seed.get_ref()),
            sources,
            fragments: vec![0; *settings.fragment.entries.get_ref()],
        })
    }

    /// The same for a new world, in which the datagrams that are open stay with their workers.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn after_commit(&self, world: &World, settings: &Settings) -> Result<Self, Unsteerable> {
        Ok(Self { fragments: self.fragments.clone(), ..Self::new(world, settings)? })
    }

    /// The worker of each row, into `owners`.
    pub fn run(&mut self, batch: &mut Batch<'_>, world: &World, owners: &mut Vec<u16>) {
        let view = SteerView::of(batch);
        owners.clear();
        owners.resize(view.rows, 0);
        for row in view.live.iter() {
            owners[row] = self.owner(&view, row, world);
            let Some(datagram) = view.datagram[row].index().checked_sub(1) else {
                continue;
            };
            if view.fragment_mark[row] == FragmentMark::First {
                self.fragments[datagram] = owners[row];
            }
            owners[row] = self.fragments[datagram];
        }
    }

    fn owner(&self, view: &SteerView<'_>, row: usize, world: &World) -> u16 {
        let protocol = view.protocol[row];
        if !has_ports(protocol) || view.fragment[row] & FRAGMENT_OFFSET_MASK != 0 {
            return 0;
        }
        key_of(view, row)
            .map_or(0, |key| self.holder_of(key, view.ingress[row], view.zone[row], world))
    }

    /// The worker of the packets that arrive with a session's keys: both must be the same one.
    #[must_use]
    pub fn of_session(&self, session: &Session, world: &World) -> [u16; 2] {
        std::array::from_fn(|side| {
            let key = session.keys[side];
            if has_ports(key.protocol) {
                self.holder_of(key, session.interfaces[side], session.zones[side], world)
            } else {
                0
            }
        })
    }

    fn holder_of(&self, mut key: FlowKey, ingress: IfIndex, zone: ZoneId, world: &World) -> u16 {
        let mut query = NatQuery {
            ingress,
            from_zone: zone,
            egress: IfIndex::NONE,
            to_zone: ZoneId::NONE,
            family: key.family,
            destination_family: key.family,
            source: key.source,
            destination: key.destination,
            service: Service {
                protocol: key.protocol,
                source_port: key.source_port,
                destination_port: key.destination_port,
                ..Service::default()
            },
        };
        match world.nat.destination_of(&query) {
            Some(hit) => {
                query.destination_family = hit.family;
                key.destination = hit.address;
                if !matches!(key.protocol, ICMP | ICMPV6) {
                    key.destination_port = hit.port;
                }
            }
            None => {
                if let Some(worker) = self.by_lease(&key) {
                    return worker;
                }
            }
        }
        if let Some(hop) = world.routes.route(query.destination_family, key.destination) {
            query.egress = hop.egress;
            query.to_zone = world.interfaces.get(hop.egress).zone;
        }
        query.destination = key.destination;
        query.service.destination_port = key.destination_port;
        // What answers it from inside looks like the first packet of a session whose source is
        // translated: both go where that one would.
        let worker =
            self.by_port(&query, world).or_else(|| self.by_port(&answer_of(&query), world));
        worker.unwrap_or_else(|| self.by_hash(key))
    }

    /// The worker that can keep the source port, if the source is going to be translated: replies
    /// to that port will name the same worker.
    fn by_port(&self, query: &NatQuery, world: &World) -> Option<u16> {
        let SourceHit::Rule { action, .. } = world.nat.source_of(query)? else {
            return None;
        };
        let ports = match action {
            SourceAction::Off => return None,
            SourceAction::Interface => world.nat.interface_ports,
            SourceAction::Pool(pool) => match world.nat.pool(pool)? {
                // A host's blocks are counted by one worker.
                pool if pool.blocks.is_some() => return Some(self.by_source(query.source, 0)),
                pool => pool.ports,
            },
        };
        let port = query.service.source_port;
        Some(self.holder(ports, port).unwrap_or_else(|| self.by_source(query.source, port)))
    }

    /// One worker for a source, whatever it sends to: a persistent binding is one worker's.
    fn by_source(&self, source: Address, source_port: u16) -> u16 {
        let key = FlowKey { source, source_port, ..FlowKey::default() };
        u16::try_from(key.hash(self.seed) % u64::from(self.workers)).unwrap_or(0)
    }

    /// The worker whose share of the ports the destination port lies in, if the destination is a
    /// translated source.
    fn by_lease(&self, key: &FlowKey) -> Option<u16> {
        let first = self.sources.partition_point(|&(address, _)| address < key.destination);
        let candidates = self.sources[first..].iter();
        let mut ranges = candidates.take_while(|&&(address, _)| address == key.destination);
        let port = key.destination_port;
        let &(_, ports) = ranges.find(|(_, (from, to))| (from..=to).contains(&&port))?;
        self.holder(ports, port)
    }

    /// The worker whose share of a range a port lies in.
    fn holder(&self, ports: (u16, u16), port: u16) -> Option<u16> {
        (0..self.workers).find(|&worker| {
            let (from, to) = share_of(ports, worker, self.workers);
            (from..=to).contains(&port)
        })
    }

    fn by_hash(&self, key: FlowKey) -> u16 {
        let (ours, theirs) =
            ((key.source, key.source_port), (key.destination, key.destination_port));
        let key = if ours <= theirs { key } else { key.reversed() };
        let worker = key.hash(self.seed) % u64::from(self.workers);
        u16::try_from(worker).unwrap_or(0)
    }
}

/// Protocols of which every packet names a worker; the first one has all others.
const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | UDP_LITE | ICMP | ICMPV6)
}

/// A packet from the destination to the source.
fn answer_of(query: &NatQuery) -> NatQuery {
    NatQuery {
        ingress: query.egress,
        from_zone: query.to_zone,
        egress: query.ingress,
        to_zone: query.from_zone,
        family: query.destination_family,
        destination_family: query.family,
        source: query.destination,
        destination: query.source,
        service: Service {
            source_port: query.service.destination_port,
            destination_port: query.service.source_port,
            ..query.service
        },
    }
}

/// Every address of a pool.
fn pool_sources(pool: &SourcePool) -> impl Iterator<Item = (Address, (u16, u16))> + '_ {
    let addresses = pool.ranges.iter().flat_map(|range| range.addresses());
    addresses.map(|address| (address, pool.ports))
}

/// Every interface address: whichever interface a packet leaves by, its address is what it gets.
fn interface_sources(world: &World) -> impl Iterator<Item = (Address, (u16, u16))> + '_ {
    let addresses = world.interfaces.0.iter().flat_map(|interface| &interface.addresses);
    addresses.map(|address| (address.address, world.nat.interface_ports))
}

/// The key that the packet's session has on this side; an ICMP error's is that of the packet it
/// quotes, turned round.
fn key_of(view: &SteerView<'_>, row: usize) -> Option<FlowKey> {
    let [icmp_type, _] = view.destination_port[row].to_be_bytes();
    if icmp::class(view.protocol[row], icmp_type) == IcmpClass::Error {
        let start = view.offset[row] as usize;
        let frame = view.frames.get(start..start + view.length[row] as usize)?;
        let message = frame.get(usize::from(view.l4_offset[row])..)?;
        return Some(icmp::quote(view.family[row], message)?.key.reversed());
    }
    let (mut source_port, mut destination_port) =
        (view.source_port[row], view.destination_port[row]);
    if matches!(view.protocol[row], ICMP | ICMPV6) {
        let [icmp_type, code] = destination_port.to_be_bytes();
        (source_port, destination_port) =
            icmp::key_ports(view.protocol[row], source_port, icmp_type, code);
    }
    Some(FlowKey {
        source: view.source[row],
        destination: view.destination[row],
        source_port,
        destination_port,
        protocol: view.protocol[row],
        family: view.family[row],
    })
}
