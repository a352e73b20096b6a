//! Session replication: what a node of a `chassis cluster` tells of the sessions that belong to a
//! redundancy group of which it is the primary. A SessionOpen when one is installed, a SessionClose
//! when it ends, a SessionUpdate when a commit sends it another way; frames 1 to 3 of the stream.

use components::address::{Address, Family};
use components::block::EventFrame;
use components::event::Events;
use components::kinds::SessionChange;
use components::session::key::FlowKey;
use components::session::record::Session;
use components::wire::{self, Disposition, SessionEnd, SessionEndRecord, SessionEndZones};
use components::world::World;

use crate::counters::Counters;

/// Which world a session is told under, and by which node.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'w> {
    /// The world whose ids the session has.
    pub world: &'w World,
    /// This node of the cluster.
    pub node: u8,
}

impl Teller<'_> {
    /// The redundancy group that a session belongs to, if this node is its primary: that of the
    /// interface where it leaves, else of the one where it came in.
    #[must_use]
    pub fn owner(&self, session: &Session) -> Option<i16> {
        let cluster = self.world.cluster.as_ref()?;
        let [ingress, egress] = session.interfaces;
        let groups = [egress, ingress].map(|id| self.world.interfaces.get(id).redundancy_group);
        let group = groups.into_iter().find(|group| *group != 0)?;
        cluster.owns(self.node, group).then_some(i16::from(group))
    }

    /// The frame of a change, if the session is one to be told of.
    #[must_use]
    pub fn frame(&self, change: SessionChange, session: &Session) -> Option<EventFrame> {
        let owner = self.owner(session)?;
        Some(match change {
            SessionChange::Open => EventFrame::session_open(&self.session(session, owner)),
            SessionChange::Update => EventFrame::session_update(&self.session(session, owner)),
            SessionChange::Close => EventFrame::session_close(&end(session, owner)),
        })
    }

    /// Raises the frame of a change about a row.
    pub fn tell(
        &self,
        change: SessionChange,
        session: &Session,
        row: u16,
        events: &mut Events,
        counters: &mut Counters,
    ) {
        if self.world.cluster.is_none() {
            return;
        }
        if let Some(frame) = self.frame(change, session) {
            counters.replicated.0[change.index()] += 1;
            events.raise_frame(row, frame);
        }
    }

    fn session(&self, session: &Session, owner: i16) -> wire::Session {
        match session.keys[0].family {
            Family::Inet6 => {
                let mut record = wire::SessionRecord::<16>::default();
                self.fill(session, owner, &mut record, |address| address.0);
                wire::Session::V6(record)
            }
            Family::Inet | Family::None => {
                let mut record = wire::SessionRecord::<4>::default();
                self.fill(session, owner, &mut record, v4);
                wire::Session::V4(record)
            }
        }
    }

    fn fill<const A: usize>(
        &self,
        session: &Session,
        owner: i16,
        record: &mut wire::SessionRecord<A>,
        bytes: impl Fn(Address) -> [u8; A],
    ) {
        let [client, server] = &session.keys;
        let egress = session.interfaces[1];
        let interface = self.world.interfaces.get(egress);
        let hop = self.world.routes.next_hop(session.next_hops[0]);
        let gateway = hop.map_or(Address::ZERO, |hop| hop.gateway);
        record.protocol = client.protocol;
        record.source_port = client.source_port.into();
        record.destination_port = client.destination_port.into();
        record.source = bytes(client.source);
        record.destination = bytes(client.destination);
        let side = |address| as_client(client, server, address);
        if (side(server.destination), server.destination_port)
            != (client.source, client.source_port)
        {
            record.nat_source = bytes(side(server.destination));
            record.nat_source_port = server.destination_port.into();
        }
        if (side(server.source), server.source_port)
            != (client.destination, client.destination_port)
        {
            record.nat_destination = bytes(side(server.source));
            record.nat_destination_port = server.source_port.into();
        }
        record.owner = owner.into();
        // The compiler of the configuration gives no index that an i16 has no room for.
        let ifindex = i16::try_from(egress.0).unwrap_or(i16::MAX);
        record.egress_ifindex = ifindex.into();
        record.transmit_ifindex = ifindex.into();
        record.transmit_vlan = interface.vlan.into();
        record.ingress_zone = session.zones[0].0;
        record.egress_zone = session.zones[1].0;
        record.disposition = Disposition::Forward as u8;
        record.source_mac = interface.mac.0;
        let next_hop = if gateway == Address::ZERO { server.source } else { gateway };
        record.next_hop = bytes(side(next_hop));
    }
}

fn end(session: &Session, owner: i16) -> SessionEnd {
    let zones =
        Some(SessionEndZones { ingress_zone: session.zones[0].0, egress_zone: session.zones[1].0 });
    match session.keys[0].family {
        Family::Inet6 => {
            let mut record = SessionEndRecord::<16>::default();
            fill_end(session, owner, &mut record, |address| address.0);
            SessionEnd::V6(record, zones)
        }
        Family::Inet | Family::None => {
            let mut record = SessionEndRecord::<4>::default();
            fill_end(session, owner, &mut record, v4);
            SessionEnd::V4(record, zones)
        }
    }
}

fn fill_end<const A: usize>(
    session: &Session,
    owner: i16,
    record: &mut SessionEndRecord<A>,
    bytes: impl Fn(Address) -> [u8; A],
) {
    let client = &session.keys[0];
    record.protocol = client.protocol;
    record.source_port = client.source_port.into();
    record.destination_port = client.destination_port.into();
    record.source = bytes(client.source);
    record.destination = bytes(client.destination);
    record.owner = owner.into();
}

/// An address of the server's side in the client's family: behind NAT64 an IPv4 address is mapped,
/// as in RT_FLOW records.
fn as_client(client: &FlowKey, server: &FlowKey, address: Address) -> Address {
    if client.family == server.family { address } else { address.mapped() }
}

fn v4(address: Address) -> [u8; 4] {
    address.v4_key().to_be_bytes()
}
