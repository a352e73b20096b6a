//! The 16 bytes before every payload: length, frame type and sequence number, little-endian. The
//! reserved bytes are written as zero and not looked at. A type byte stays a byte here, because a
//! frame of an unknown type must still be stepped over, counted and acknowledged.

use core::mem::{offset_of, size_of};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, LE, U32, U64, Unaligned};

use crate::kinds::EventKind;
use crate::wire::error::DecodeError;

/// Length of a frame header, bytes.
pub const HEADER_LENGTH: usize = size_of::<FrameHeader>();

/// The longest payload that a header may announce, bytes; more is a protocol error.
pub const PAYLOAD_LENGTH_MAX: usize = 1024;

/// A frame's header as it stands on the wire.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct FrameHeader {
    /// Bytes of payload after the header.
    pub length: U32<LE>,
    /// The frame type byte; [`Self::frame_type`] checks it.
    pub frame_type: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// The frame's own number, or what its type means by it (an Ack: the highest one applied).
    pub sequence: U64<LE>,
}

impl FrameHeader {
    /// The header of a frame with `length` bytes of payload, at most [`PAYLOAD_LENGTH_MAX`].
    #[inline]
    pub const fn new(frame_type: FrameType, length: u16, sequence: u64) -> Self {
        Self {
            length: U32::from_bytes((length as u32).to_le_bytes()),
            frame_type: frame_type as u8,
            reserved: [0; 3],
            sequence: U64::from_bytes(sequence.to_le_bytes()),
        }
    }

    /// Reads the header that `bytes` begin with.
    ///
    /// # Errors
    /// [`DecodeError::TruncatedHeader`] if there are fewer than 16 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read_from_prefix(bytes)
            .map(|(header, _)| header)
            .map_err(|_| DecodeError::TruncatedHeader { actual: bytes.len() })
    }

    /// The frame type, if it is one of those known.
    ///
    /// # Errors
    /// [`DecodeError::FrameType`] with the type byte.
    pub fn frame_type(&self) -> Result<FrameType, DecodeError> {
        FrameType::try_from(self.frame_type)
    }
}

/// Declares the frame types: numbers, labels, and the checked way back from a byte.
macro_rules! frame_types {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$doc:meta])* $variant:ident = $code:literal, $label:literal;)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$doc])* $variant = $code,)+
        }

        impl $name {
            /// All types in the order of their numbers.
            pub const ALL: [Self; 17] = [$(Self::$variant),+];

            /// The name in metrics and messages.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = DecodeError;

            fn try_from(code: u8) -> Result<Self, DecodeError> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(DecodeError::FrameType(code)),
                }
            }
        }
    };
}

frame_types! {
    /// What a frame is. 1 to 13 are the contract's, 14 to 17 additions that an older peer counts
    /// and acknowledges without understanding them.
    FrameType {
        /// A session to replicate began.
        SessionOpen = 1, "session_open";
        /// A replicated session ended.
        SessionClose = 2, "session_close";
        /// A replicated session changed.
        SessionUpdate = 3, "session_update";
        /// Collector to producer: all up to the sequence is applied.
        Ack = 4, "ack";
        /// Collector to producer: write nothing but control replies.
        Pause = 5, "pause";
        /// Collector to producer: write again.
        Resume = 6, "resume";
        /// Collector to producer: write all up to the sequence, then DrainComplete.
        DrainRequest = 7, "drain_request";
        /// The answer: the highest sequence written.
        DrainComplete = 8, "drain_complete";
        /// Frames are missing; the session state must be fetched anew.
        FullResync = 9, "full_resync";
        /// Nothing was written for a while.
        Keepalive = 10, "keepalive";
        /// RT_FLOW record of a denied or rejected packet.
        PolicyDeny = 11, "policy_deny";
        /// RT_FLOW record of a packet that a screen caught.
        ScreenDrop = 12, "screen_drop";
        /// RT_FLOW record of a packet that a filter term logged.
        FilterLog = 13, "filter_log";
        /// First on a connection, both ways: who one is and where one stands.
        Hello = 14, "hello";
        /// RT_FLOW record of a session that began.
        RtFlowCreate = 15, "rt_flow_create";
        /// RT_FLOW record of a session that ended.
        RtFlowClose = 16, "rt_flow_close";
        /// Totals of what was generated, accepted and refused, by event type.
        LossReport = 17, "loss_report";
    }
}

impl FrameType {
    /// The event kind whose record frames of this type carry, if it is an RT_FLOW type.
    pub const fn event_kind(self) -> Option<EventKind> {
        match self {
            Self::RtFlowCreate => Some(EventKind::SessionCreate),
            Self::RtFlowClose => Some(EventKind::SessionClose),
            Self::PolicyDeny => Some(EventKind::PolicyDeny),
            Self::ScreenDrop => Some(EventKind::ScreenDrop),
            Self::FilterLog => Some(EventKind::FilterLog),
            Self::SessionOpen
            | Self::SessionClose
            | Self::SessionUpdate
            | Self::Ack
            | Self::Pause
            | Self::Resume
            | Self::DrainRequest
            | Self::DrainComplete
            | Self::FullResync
            | Self::Keepalive
            | Self::Hello
            | Self::LossReport => None,
        }
    }

    /// Whether the sequence of such a frame is its own number in the stream.
    #[must_use]
    pub const fn is_numbered(self) -> bool {
        match self {
            Self::SessionOpen
            | Self::SessionClose
            | Self::SessionUpdate
            | Self::FullResync
            | Self::PolicyDeny
            | Self::ScreenDrop
            | Self::FilterLog
            | Self::RtFlowCreate
            | Self::RtFlowClose => true,
            Self::Ack
            | Self::Pause
            | Self::Resume
            | Self::DrainRequest
            | Self::DrainComplete
            | Self::Keepalive
            | Self::Hello
            | Self::LossReport => false,
        }
    }

    /// Whether the type is one of ours, which the contract itself does not have.
    #[must_use]
    pub const fn is_extension(self) -> bool {
        self as u8 > Self::FilterLog as u8
    }
}

impl core::fmt::Display for FrameType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.label())
    }
}

impl From<EventKind> for FrameType {
    /// The type of the frame that carries this kind's record.
    #[inline]
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::SessionCreate => Self::RtFlowCreate,
            EventKind::SessionClose => Self::RtFlowClose,
            EventKind::PolicyDeny => Self::PolicyDeny,
            EventKind::ScreenDrop => Self::ScreenDrop,
            EventKind::FilterLog => Self::FilterLog,
        }
    }
}

const _: () = {
    assert!(HEADER_LENGTH == 16);
    assert!(offset_of!(FrameHeader, length) == 0);
    assert!(offset_of!(FrameHeader, frame_type) == 4);
    assert!(offset_of!(FrameHeader, reserved) == 5);
    assert!(offset_of!(FrameHeader, sequence) == 8);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_sixteen_bytes_of_the_contract() {
        let header = FrameHeader::new(FrameType::PolicyDeny, 136, 0x0102_0304_0506_0708);
        assert_eq!(header.as_bytes(), [136, 0, 0, 0, 11, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(FrameHeader::parse(header.as_bytes()), Ok(header));
    }

    #[test]
    fn rejects_truncated_header() {
        for actual in 0..16 {
            assert_eq!(
                FrameHeader::parse(&[0xa5; 16][..actual]),
                Err(DecodeError::TruncatedHeader { actual })
            );
        }
    }

    #[test]
    fn frame_types_are_numbered_1_to_17_without_a_hole() {
        let codes: Vec<u8> = FrameType::ALL.iter().map(|t| *t as u8).collect();
        assert_eq!(codes, (1..=17).collect::<Vec<u8>>());
        assert!(FrameType::try_from(0).is_err());
        assert_eq!(
            FrameType::try_from(18).map_err(|e| e.to_string()),
            Err("unknown frame type 18".into())
        );
    }

    #[test]
    fn event_kinds_and_their_frame_types_are_one_to_one() {
        for kind in EventKind::ALL {
            assert_eq!(FrameType::from(kind).event_kind(), Some(kind));
        }
        let carriers = FrameType::ALL.iter().filter(|t| t.event_kind().is_some()).count();
        assert_eq!(carriers, EventKind::ALL.len());
    }
}
