//! The RT_FLOW record: 136 bytes that tell one event, the same that the eBPF ring buffer of the
//! contract carries. Ports are big-endian, all else is little-endian. Bytes 56 to 71 are two
//! things: session counters in session events, the matching rule in all others.

use core::mem::{offset_of, size_of};
use zerocopy::{BE, FromBytes, I16, Immutable, IntoBytes, KnownLayout, LE, U16, U32, U64};
use zerocopy::{Unaligned, transmute};

use crate::wire::error::DecodeError;
use crate::wire::header::FrameType;

/// Length of an RT_FLOW record, bytes.
pub const RT_FLOW_LENGTH: usize = size_of::<RtFlowRecord>();

/// An RT_FLOW record as it stands on the wire; `0..136` of the payload.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct RtFlowRecord {
    /// The packet's own time, nanoseconds since the Unix epoch.
    pub time_ns: U64<LE>,
    /// Source address; IPv4 in the first four bytes, the rest zero.
    pub source: [u8; 16],
    /// Destination address, likewise.
    pub destination: [u8; 16],
    /// Source port, or the ICMP identifier.
    pub source_port: U16<BE>,
    /// Destination port.
    pub destination_port: U16<BE>,
    /// Policy id; the screen flag in a ScreenDrop, the filter id in a FilterLog.
    pub policy: U32<LE>,
    /// Ingress zone id.
    pub ingress_zone: U16<LE>,
    /// Egress zone id.
    pub egress_zone: U16<LE>,
    /// Event type, an [`EventKind`](crate::kinds::EventKind).
    pub event_type: u8,
    /// IP protocol number.
    pub protocol: u8,
    /// An [`Action`](crate::kinds::Action).
    pub action: u8,
    /// A [`Family`](crate::address::Family).
    pub family: u8,
    /// [`SessionWords`] or [`RuleWords`], by event type.
    pub detail: [u8; 16],
    /// Translated source address, zero if none.
    pub nat_source: [u8; 16],
    /// Translated destination address, zero if none.
    pub nat_destination: [u8; 16],
    /// Translated source port.
    pub nat_source_port: U16<BE>,
    /// Translated destination port.
    pub nat_destination_port: U16<BE>,
    /// When the session began, seconds since the Unix epoch.
    pub created_seconds: U32<LE>,
    /// Packets from server to client; session events only.
    pub server_packets: U64<LE>,
    /// Bytes from server to client; session events only.
    pub server_bytes: U64<LE>,
    /// Ingress interface index.
    pub ingress_ifindex: U32<LE>,
    /// Application id.
    pub application: U16<LE>,
    /// Close reason, filter-log source, or 5 in a PolicyDeny.
    pub reason: u8,
    /// Zero.
    pub zero: u8,
}

/// Bytes 56 to 71 of a session event.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Unaligned,
)]
#[repr(C)]
pub struct SessionWords {
    /// Packets from client to server.
    pub client_packets: U64<LE>,
    /// Bytes from client to server.
    pub client_bytes: U64<LE>,
}

/// Bytes 56 to 71 of a deny, a screen drop or a filter log.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Unaligned,
)]
#[repr(C)]
pub struct RuleWords {
    /// The rule's ordinal; the filter id in a FilterLog, the screen option in a ScreenDrop.
    pub rule: U32<LE>,
    /// The term's ordinal.
    pub term: U32<LE>,
    /// The owner redundancy group.
    pub owner: I16<LE>,
    /// Zero.
    pub zero: [u8; 6],
}

impl SessionWords {
    /// The bytes for [`RtFlowRecord::detail`].
    #[inline]
    pub fn detail(client_packets: u64, client_bytes: u64) -> [u8; 16] {
        let words =
            Self { client_packets: client_packets.into(), client_bytes: client_bytes.into() };
        transmute!(words)
    }
}

impl RuleWords {
    /// The bytes for [`RtFlowRecord::detail`].
    #[inline]
    pub fn detail(rule: u32, term: u32, owner: i16) -> [u8; 16] {
        let words =
            Self { rule: rule.into(), term: term.into(), owner: owner.into(), zero: [0; 6] };
        transmute!(words)
    }
}

/// The payload as a record of exactly its length.
pub(super) fn read_record<R: FromBytes>(
    frame_type: FrameType,
    payload: &[u8],
) -> Result<R, DecodeError> {
    let (expected, actual) = (size_of::<R>(), payload.len());
    R::read_from_bytes(payload).map_err(|_| DecodeError::Length { frame_type, expected, actual })
}

const _: () = {
    assert!(RT_FLOW_LENGTH == 136);
    assert!(offset_of!(RtFlowRecord, time_ns) == 0);
    assert!(offset_of!(RtFlowRecord, source) == 8);
    assert!(offset_of!(RtFlowRecord, destination) == 24);
    assert!(offset_of!(RtFlowRecord, source_port) == 40);
    assert!(offset_of!(RtFlowRecord, destination_port) == 42);
    assert!(offset_of!(RtFlowRecord, policy) == 44);
    assert!(offset_of!(RtFlowRecord, ingress_zone) == 48);
    assert!(offset_of!(RtFlowRecord, egress_zone) == 50);
    assert!(offset_of!(RtFlowRecord, event_type) == 52);
    assert!(offset_of!(RtFlowRecord, protocol) == 53);
    assert!(offset_of!(RtFlowRecord, action) == 54);
    assert!(offset_of!(RtFlowRecord, family) == 55);
    assert!(offset_of!(RtFlowRecord, detail) == 56);
    assert!(offset_of!(RtFlowRecord, nat_source) == 72);
    assert!(offset_of!(RtFlowRecord, nat_destination) == 88);
    assert!(offset_of!(RtFlowRecord, nat_source_port) == 104);
    assert!(offset_of!(RtFlowRecord, nat_destination_port) == 106);
    assert!(offset_of!(RtFlowRecord, created_seconds) == 108);
    assert!(offset_of!(RtFlowRecord, server_packets) == 112);
    assert!(offset_of!(RtFlowRecord, server_bytes) == 120);
    assert!(offset_of!(RtFlowRecord, ingress_ifindex) == 128);
    assert!(offset_of!(RtFlowRecord, application) == 132);
    assert!(offset_of!(RtFlowRecord, reason) == 134);
    assert!(offset_of!(RtFlowRecord, zero) == 135);
};

const _: () = {
    let base = offset_of!(RtFlowRecord, detail);
    assert!(size_of::<SessionWords>() == 16 && size_of::<RuleWords>() == 16);
    assert!(base + offset_of!(SessionWords, client_packets) == 56);
    assert!(base + offset_of!(SessionWords, client_bytes) == 64);
    assert!(base + offset_of!(RuleWords, rule) == 56);
    assert!(base + offset_of!(RuleWords, term) == 60);
    assert!(base + offset_of!(RuleWords, owner) == 64);
    assert!(base + offset_of!(RuleWords, zero) == 66);
};
