//! Any frame of the stream as a value. What a frame without payload says is its sequence number,
//! which stays in the header. The packet path does not come through here: it writes event frames
//! into blocks; this is how control frames are written and how everything is read.

use zerocopy::IntoBytes;

use crate::wire::control::{Hello, LossReport};
use crate::wire::decoder::RawFrame;
use crate::wire::error::{DecodeError, EncodeError};
use crate::wire::header::{FrameHeader, FrameType, HEADER_LENGTH};
use crate::wire::record::read_record;
use crate::wire::rt_flow::RtFlow;
use crate::wire::session::{Session, SessionEnd};

/// A frame of any of the seventeen types; the five RT_FLOW types are one, told by the event's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A session to replicate began.
    SessionOpen(Session),
    /// A replicated session ended.
    SessionClose(SessionEnd),
    /// A replicated session changed.
    SessionUpdate(Session),
    /// All up to the sequence is applied.
    Ack,
    /// Write nothing but control replies.
    Pause,
    /// Write again.
    Resume,
    /// Write all up to the sequence, then DrainComplete.
    DrainRequest,
    /// The sequence is the highest written.
    DrainComplete,
    /// Frames before this one are missing.
    FullResync,
    /// Still there.
    Keepalive,
    /// An RT_FLOW event: PolicyDeny, ScreenDrop, FilterLog, RtFlowCreate or RtFlowClose.
    RtFlow(RtFlow),
    /// Who the peer is and where it stands.
    Hello(Hello),
    /// What the stream could not carry.
    LossReport(LossReport),
}

impl Frame {
    /// The type in the header.
    #[must_use]
    pub fn frame_type(&self) -> FrameType {
        match self {
            Self::SessionOpen(_) => FrameType::SessionOpen,
            Self::SessionClose(_) => FrameType::SessionClose,
            Self::SessionUpdate(_) => FrameType::SessionUpdate,
            Self::Ack => FrameType::Ack,
            Self::Pause => FrameType::Pause,
            Self::Resume => FrameType::Resume,
            Self::DrainRequest => FrameType::DrainRequest,
            Self::DrainComplete => FrameType::DrainComplete,
            Self::FullResync => FrameType::FullResync,
            Self::Keepalive => FrameType::Keepalive,
            Self::RtFlow(event) => event.kind.into(),
            Self::Hello(_) => FrameType::Hello,
            Self::LossReport(_) => FrameType::LossReport,
        }
    }

    /// Appends header and payload to `out`.
    ///
    /// # Errors
    /// As [`RtFlow::encode`]; `out` is then as it was.
    pub fn encode(&self, sequence: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_LENGTH]);
        match self {
            Self::SessionOpen(session) | Self::SessionUpdate(session) => {
                out.extend_from_slice(session.as_bytes());
            }
            Self::SessionClose(end) => end.write(out),
            Self::RtFlow(event) => match event.encode() {
                Ok(record) => out.extend_from_slice(record.as_bytes()),
                Err(error) => {
                    out.truncate(start);
                    return Err(error);
                }
            },
            Self::Hello(hello) => out.extend_from_slice(hello.as_bytes()),
            Self::LossReport(report) => out.extend_from_slice(report.as_bytes()),
            Self::Ack
            | Self::Pause
            | Self::Resume
            | Self::DrainRequest
            | Self::DrainComplete
            | Self::FullResync
            | Self::Keepalive => {}
        }
        let length = out.len() - start - HEADER_LENGTH;
        let length = u16::try_from(length).expect("the longest payload is 200 bytes");
        let header = FrameHeader::new(self.frame_type(), length, sequence);
        out[start..start + HEADER_LENGTH].copy_from_slice(header.as_bytes());
        Ok(())
    }

    /// Whether [`Self::decode`] would take the frame, and its type; cheap for events.
    ///
    /// # Errors
    /// As [`Self::decode`].
    #[inline]
    pub fn check(header: &FrameHeader, payload: &[u8]) -> Result<FrameType, DecodeError> {
        let frame_type = header.frame_type()?;
        if frame_type.event_kind().is_some() {
            RtFlow::check(frame_type, payload)?;
        } else {
            Self::decode(header, payload)?;
        }
        Ok(frame_type)
    }

    /// Reads the payload that follows `header`.
    ///
    /// # Errors
    /// [`DecodeError`] if the type is unknown or the payload is not what it says. The stream goes
    /// on behind the frame.
    pub fn decode(header: &FrameHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let frame_type = header.frame_type()?;
        let frame = match frame_type {
            FrameType::SessionOpen => Self::SessionOpen(Session::decode(frame_type, payload)?),
            FrameType::SessionUpdate => Self::SessionUpdate(Session::decode(frame_type, payload)?),
            FrameType::SessionClose => Self::SessionClose(SessionEnd::decode(payload)?),
            FrameType::PolicyDeny
            | FrameType::ScreenDrop
            | FrameType::FilterLog
            | FrameType::RtFlowCreate
            | FrameType::RtFlowClose => Self::RtFlow(RtFlow::decode(frame_type, payload)?),
            FrameType::Hello => Self::Hello(read_record(frame_type, payload)?),
            FrameType::LossReport => Self::LossReport(read_record(frame_type, payload)?),
            FrameType::Ack => bare(frame_type, payload, Self::Ack)?,
            FrameType::Pause => bare(frame_type, payload, Self::Pause)?,
            FrameType::Resume => bare(frame_type, payload, Self::Resume)?,
            FrameType::DrainRequest => bare(frame_type, payload, Self::DrainRequest)?,
            FrameType::DrainComplete => bare(frame_type, payload, Self::DrainComplete)?,
            FrameType::FullResync => bare(frame_type, payload, Self::FullResync)?,
            FrameType::Keepalive => bare(frame_type, payload, Self::Keepalive)?,
        };
        Ok(frame)
    }
}

impl RawFrame<'_> {
    /// The frame as a value.
    ///
    /// # Errors
    /// As [`Frame::decode`].
    pub fn decode(&self) -> Result<Frame, DecodeError> {
        Frame::decode(&self.header, self.payload())
    }
}

/// The frame, refused if it has a payload.
fn bare(frame_type: FrameType, payload: &[u8], frame: Frame) -> Result<Frame, DecodeError> {
    match payload.len() {
        0 => Ok(frame),
        actual => Err(DecodeError::Length { frame_type, expected: 0, actual }),
    }
}
