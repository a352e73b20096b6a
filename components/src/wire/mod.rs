//! The event stream's byte layouts and the decoder that takes the stream apart. Each layout stands
//! in one place, as a `repr(C)` type whose fields carry their byte order, with its offsets
//! asserted beside it. Nothing here does I/O; bytes come in, frames go out, and no input panics.

pub mod control;
pub mod decoder;
pub mod error;
pub mod frame;
pub mod header;
pub mod record;
pub mod rt_flow;
pub mod session;

pub use control::{Hello, KindLoss, LossReport, PROTOCOL_VERSION};
pub use decoder::{Decoder, RawFrame, split_frame};
pub use error::{DecodeError, EncodeError, ProtocolError};
pub use frame::Frame;
pub use header::{FrameHeader, FrameType, HEADER_LENGTH, PAYLOAD_LENGTH_MAX};
pub use record::{RT_FLOW_LENGTH, RtFlowRecord, RuleWords, SessionWords};
pub use rt_flow::{Detail, RtFlow};
pub use session::{
    Disposition, Session, SessionEnd, SessionEndRecord, SessionEndZones, SessionRecord,
};

#[cfg(test)]
mod tests;
