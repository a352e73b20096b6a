//! What is known of one session: both keys, what each direction needs to be sent on, TCP state,
//! counters, deadline.

use zerocopy::FromZeros;

use super::key::FlowKey;
use super::splice::Splice;
use super::tcp::{Segment, Tcp, TcpChecks, TcpState};
use crate::address::Address;
use crate::ids::{AppId, IfIndex, NextHopId, PolicyId, RuleId, ZoneId};
use crate::kinds::{Action, CloseReason, EventKind};
use crate::wire::{RtFlowRecord, SessionWords};

/// Packets and bytes of one direction. Bytes are IP bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a session holds of NAT, given back when it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortLease {
    /// Address slot of the port table plus one; 0 is no port.
    pub slot: u32,
    /// The port.
    pub port: u16,
    /// Persistent binding plus one that it is a session of; 0 is none. The port then is the
    /// binding's.
    pub binding: u32,
}

/// One session. What a packet of it needs stands together at the beginning, and for TCP behind it,
/// so that few cache lines are read; what only its beginning and its end need comes last.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Session {
    /// When it ends unless a packet comes, packet clock.
    pub deadline_ns: u64,
    /// Counters of both directions.
    pub traffic: [Traffic; 2],
    /// Keys as they arrive: client to server, server to client (translated).
    pub keys: [FlowKey; 2],
    /// Timeout of its present state in seconds.
    pub timeout_s: u32,
    /// The policy that permitted it.
    pub policy: PolicyId,
    /// The policy's ordinal.
    pub rule: RuleId,
    /// Ingress interface of the client's packets, then of the server's.
    pub interfaces: [IfIndex; 2],
    /// Next hop of the client's packets, then of the server's.
    pub next_hops: [NextHopId; 2],
    /// Its application.
    pub application: AppId,
    /// Zones of its interfaces.
    pub zones: [ZoneId; 2],
    /// The slot is taken.
    pub live: bool,
    /// Any address or port is translated.
    pub translated: bool,
    /// Raise a close event.
    pub log_close: bool,
    /// The closing timeout applies from the first FIN on (`apply-to-half-close-state`).
    pub closes_half: bool,
    /// What it counts for in screens: bits of [`crate::screen_state::counted`].
    pub counted: u8,
    /// It is taken out early to make room.
    pub aged_out: bool,
    /// How a SYN cookie has opened it, if one did.
    pub splice: Splice,
    /// TCP, [`TcpState::None`] for other protocols.
    pub tcp: Tcp,
    /// Timeout once established.
    pub established_s: u32,
    /// Timeout after FIN in both directions or RST.
    pub closing_s: u32,
    /// Leased source port.
    pub lease: PortLease,
    /// Time of its first packet.
    pub created_ns: u64,
    /// Numbers sessions in the order in which they were installed.
    pub serial: u64,
}

impl Session {
    /// Counts a packet and moves the deadline.
    pub fn packet(&mut self, direction: u8, bytes: u32, clock_ns: u64) {
        let traffic = &mut self.traffic[usize::from(direction & 1)];
        traffic.packets += 1;
        traffic.bytes += u64::from(bytes);
        self.deadline_ns = clock_ns.saturating_add(u64::from(self.timeout_s) * 1_000_000_000);
    }

    /// When its last packet came.
    #[must_use]
    pub const fn last_packet_ns(&self) -> u64 {
        self.deadline_ns.saturating_sub(self.timeout_s as u64 * 1_000_000_000)
    }

    /// Follows TCP; the timeout becomes that of the new state. True if it became shorter.
    pub fn segment(&mut self, segment: &Segment, checks: TcpChecks) -> bool {
        self.tcp.follow(segment, checks);
        let timeout_s = match self.tcp.state() {
            TcpState::Finished | TcpState::Reset => self.closing_s,
            TcpState::Established if self.closes_half && self.tcp.is_closing() => self.closing_s,
            TcpState::Established => self.established_s,
            _ => self.timeout_s,
        };
        timeout_s < std::mem::replace(&mut self.timeout_s, timeout_s)
    }

    /// True once both sides said FIN, or one said RST.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.tcp.state(), TcpState::Finished | TcpState::Reset)
    }

    /// Why it ends when its deadline comes.
    #[must_use]
    pub const fn close_reason(&self) -> CloseReason {
        match self.tcp.state() {
            _ if self.aged_out => CloseReason::AgedOut,
            TcpState::Finished => CloseReason::TcpFin,
            TcpState::Reset => CloseReason::TcpRst,
            _ => CloseReason::IdleTimeout,
        }
    }

    /// The record of its create or close event.
    #[must_use]
    pub fn record(&self, kind: EventKind, time_ns: u64, reason: CloseReason) -> RtFlowRecord {
        let [client, server] = &self.keys;
        let seconds = self.created_ns / 1_000_000_000;
        let mut record = RtFlowRecord::new_zeroed();
        record.time_ns = time_ns.into();
        record.source = client.source.0;
        record.destination = client.destination.0;
        record.source_port = client.source_port.into();
        record.destination_port = client.destination_port.into();
        record.policy = self.policy.0.into();
        record.ingress_zone = u16::from(self.zones[0].0).into();
        record.egress_zone = u16::from(self.zones[1].0).into();
        record.event_type = kind as u8;
        record.protocol = client.protocol;
        record.action = Action::Permit as u8;
        record.family = client.family as u8;
        if kind == EventKind::SessionClose {
            record.detail = SessionWords::detail(self.traffic[0].packets, self.traffic[0].bytes);
            record.server_packets = self.traffic[1].packets.into();
            record.server_bytes = self.traffic[1].bytes.into();
        }
        let differs = |a: (Address, u16), b: (Address, u16)| a != b;
        let across = client.family != server.family;
        let side = |address: Address| if across { address.mapped() } else { address };
        let to = (side(server.destination), server.destination_port);
        if differs(to, (client.source, client.source_port)) {
            record.nat_source = to.0.0;
            record.nat_source_port = to.1.into();
        }
        let from = (side(server.source), server.source_port);
        if differs(from, (client.destination, client.destination_port)) {
            record.nat_destination = from.0.0;
            record.nat_destination_port = from.1.into();
        }
        record.created_seconds = u32::try_from(seconds).unwrap_or(u32::MAX).into();
        record.ingress_ifindex = u32::from(self.interfaces[0].0).into();
        record.application = self.application.0.into();
        record.reason = reason as u8;
        record
    }
}

/// What a packet of UDP needs ends before this; one of TCP needs what follows it too.
const _: () = assert!(core::mem::offset_of!(Session, tcp) <= 152);
