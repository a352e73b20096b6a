//! RT_FLOW events in host terms, and the checked way to and from their record. A decoder refuses
//! what the contract says it must, and an action that names nothing; it reads no byte that the
//! event's kind gives no meaning to. Must-be-zero bytes are not looked at, so that a producer that
//! fills them one day still gets its events through.

use zerocopy::{FromBytes, transmute};

use crate::address::{Address, Family};
use crate::kinds::{Action, EventKind};
use crate::wire::error::{DecodeError, EncodeError};
use crate::wire::header::FrameType;
use crate::wire::record::{RT_FLOW_LENGTH, RtFlowRecord, RuleWords, SessionWords};

/// An RT_FLOW event in host terms. Every field travels; [`Self::encode`] and [`Self::decode`] are
/// exact inverses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtFlow {
    /// What happened.
    pub kind: EventKind,
    /// The packet's own time, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Address family of all four addresses.
    pub family: Family,
    /// IP protocol number.
    pub protocol: u8,
    /// What was done with the packet.
    pub action: Action,
    /// Source address; IPv4 in the first four bytes.
    pub source: Address,
    /// Destination address, likewise.
    pub destination: Address,
    /// Source port, or the ICMP identifier.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Policy id, 0 the default policy; the screen flag in a ScreenDrop, the filter id in a
    /// FilterLog.
    pub policy: u32,
    /// Ingress zone id.
    pub ingress_zone: u16,
    /// Egress zone id.
    pub egress_zone: u16,
    /// Translated source address, zero if none.
    pub nat_source: Address,
    /// Translated destination address, zero if none.
    pub nat_destination: Address,
    /// Translated source port.
    pub nat_source_port: u16,
    /// Translated destination port.
    pub nat_destination_port: u16,
    /// When the session began, seconds since the Unix epoch.
    pub created_seconds: u32,
    /// Ingress interface index.
    pub ingress_ifindex: u32,
    /// Application id.
    pub application: u16,
    /// A close reason on a session close, 5 on a PolicyDeny, the filter source on a FilterLog.
    pub reason: u8,
    /// Session counters or rule metadata, by kind.
    pub detail: Detail,
}

/// The part of an event that depends on its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Of a session create or close.
    Session {
        /// Packets from client to server.
        client_packets: u64,
        /// Bytes from client to server.
        client_bytes: u64,
        /// Packets from server to client.
        server_packets: u64,
        /// Bytes from server to client.
        server_bytes: u64,
    },
    /// Of a policy deny, a screen drop or a filter log.
    Rule {
        /// The rule's ordinal; the filter id in a FilterLog, the screen option in a ScreenDrop.
        rule: u32,
        /// The term's ordinal.
        term: u32,
        /// The owner redundancy group.
        owner: i16,
    },
}

impl RtFlow {
    /// The record that tells this event.
    ///
    /// # Errors
    /// If a session event has no counters, or another one has, and for [`Family::None`].
    pub fn encode(&self) -> Result<RtFlowRecord, EncodeError> {
        if self.family == Family::None {
            return Err(EncodeError::Family(self.family));
        }
        let (detail, server_packets, server_bytes) = self.detail_words()?;
        Ok(RtFlowRecord {
            time_ns: self.time_ns.into(),
            source: self.source.0,
            destination: self.destination.0,
            source_port: self.source_port.into(),
            destination_port: self.destination_port.into(),
            policy: self.policy.into(),
            ingress_zone: self.ingress_zone.into(),
            egress_zone: self.egress_zone.into(),
            event_type: self.kind as u8,
            protocol: self.protocol,
            action: self.action as u8,
            family: self.family as u8,
            detail,
            nat_source: self.nat_source.0,
            nat_destination: self.nat_destination.0,
            nat_source_port: self.nat_source_port.into(),
            nat_destination_port: self.nat_destination_port.into(),
            created_seconds: self.created_seconds.into(),
            server_packets: server_packets.into(),
            server_bytes: server_bytes.into(),
            ingress_ifindex: self.ingress_ifindex.into(),
            application: self.application.into(),
            reason: self.reason,
            zero: 0,
        })
    }

    /// Reads the payload of a frame of type `frame_type`.
    ///
    /// # Errors
    /// A payload of another length than 136, an event type that is not the frame type's, a family
    /// other than 2 and 10, and an action above 2, which has no meaning to fall back on.
    pub fn decode(frame_type: FrameType, payload: &[u8]) -> Result<Self, DecodeError> {
        let (record, kind, family, action) = checked(frame_type, payload)?;
        Ok(Self {
            kind,
            time_ns: record.time_ns.get(),
            family,
            protocol: record.protocol,
            action,
            source: Address(record.source),
            destination: Address(record.destination),
            source_port: record.source_port.get(),
            destination_port: record.destination_port.get(),
            policy: record.policy.get(),
            ingress_zone: record.ingress_zone.get(),
            egress_zone: record.egress_zone.get(),
            nat_source: Address(record.nat_source),
            nat_destination: Address(record.nat_destination),
            nat_source_port: record.nat_source_port.get(),
            nat_destination_port: record.nat_destination_port.get(),
            created_seconds: record.created_seconds.get(),
            ingress_ifindex: record.ingress_ifindex.get(),
            application: record.application.get(),
            reason: record.reason,
            detail: detail(record, kind),
        })
    }

    /// What [`Self::decode`] looks at, without taking the record apart: the event's kind.
    ///
    /// # Errors
    /// As [`Self::decode`].
    #[inline]
    pub fn check(frame_type: FrameType, payload: &[u8]) -> Result<EventKind, DecodeError> {
        checked(frame_type, payload).map(|(_, kind, _, _)| kind)
    }

    /// Whether either address or port was translated.
    pub fn is_translated(&self) -> bool {
        self.nat_source != Address::ZERO
            || self.nat_destination != Address::ZERO
            || self.nat_source_port != 0
            || self.nat_destination_port != 0
    }

    /// Bytes 56 to 71, and the server's packets and bytes.
    fn detail_words(&self) -> Result<([u8; 16], u64, u64), EncodeError> {
        match (is_session(self.kind), self.detail) {
            (
                true,
                Detail::Session { client_packets, client_bytes, server_packets, server_bytes },
            ) => Ok((
                SessionWords::detail(client_packets, client_bytes),
                server_packets,
                server_bytes,
            )),
            (false, Detail::Rule { rule, term, owner }) => {
                Ok((RuleWords::detail(rule, term, owner), 0, 0))
            }
            (_, detail) => Err(EncodeError::Detail { kind: self.kind, detail }),
        }
    }
}

/// The payload as a record, and those of its fields that may be wrong.
#[inline]
fn checked(
    frame_type: FrameType,
    payload: &[u8],
) -> Result<(&RtFlowRecord, EventKind, Family, Action), DecodeError> {
    let record = RtFlowRecord::ref_from_bytes(payload).map_err(|_| DecodeError::Length {
        frame_type,
        expected: RT_FLOW_LENGTH,
        actual: payload.len(),
    })?;
    let event_type = record.event_type;
    let kind = frame_type
        .event_kind()
        .filter(|kind| *kind as u8 == event_type)
        .ok_or(DecodeError::EventType { frame_type, event_type })?;
    let family = match record.family {
        2 => Family::Inet,
        10 => Family::Inet6,
        family => return Err(DecodeError::Family { frame_type, family }),
    };
    let action = Action::from_wire(record.action)
        .ok_or(DecodeError::Action { frame_type, action: record.action })?;
    Ok((record, kind, family, action))
}

/// What bytes 56 to 71, and the server's counters, mean in an event of this kind.
fn detail(record: &RtFlowRecord, kind: EventKind) -> Detail {
    if is_session(kind) {
        let words: SessionWords = transmute!(record.detail);
        Detail::Session {
            client_packets: words.client_packets.get(),
            client_bytes: words.client_bytes.get(),
            server_packets: record.server_packets.get(),
            server_bytes: record.server_bytes.get(),
        }
    } else {
        let words: RuleWords = transmute!(record.detail);
        Detail::Rule { rule: words.rule.get(), term: words.term.get(), owner: words.owner.get() }
    }
}

/// Whether bytes 56 to 71 of the kind's records are counters rather than rule metadata.
const fn is_session(kind: EventKind) -> bool {
    matches!(kind, EventKind::SessionCreate | EventKind::SessionClose)
}
