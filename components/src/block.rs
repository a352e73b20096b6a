//! Frame blocks: the contiguous event frames that one batch raised, on their way from the packet
//! path to the ring. A block has its slots from the start and is used again, so nothing is
//! allocated after start-up. Frames carry sequence number 0 here; only the ring gives numbers.
//! Frames of session replication are shorter than events: they lie in slots of the same size, and
//! are written at their own length.

use core::mem::{offset_of, size_of};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::kinds::{EventKind, SessionChange};
use crate::wire::header::{FrameHeader, FrameType, HEADER_LENGTH};
use crate::wire::record::{RT_FLOW_LENGTH, RtFlowRecord};
use crate::wire::{DecodeError, Session, SessionEnd};

/// Length of an event frame, bytes: the unit of blocks and of the ring.
pub const EVENT_FRAME_LENGTH: usize = size_of::<EventFrame>();

/// A whole frame in a slot: an RT_FLOW event, or what replicates a session, which leaves the rest
/// of the slot zero. Header and payload always agree on the kind. Only a ring that takes over
/// another process's memory makes frames from bytes, and checks each.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct EventFrame {
    header: FrameHeader,
    record: RtFlowRecord,
}

/// What a frame tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// An RT_FLOW event.
    Event(EventKind),
    /// What happened to a session that is replicated.
    Session(SessionChange),
}

impl EventFrame {
    /// A frame without a number; the record's event type becomes `kind`.
    #[inline]
    pub fn new(kind: EventKind, mut record: RtFlowRecord) -> Self {
        record.event_type = kind as u8;
        Self { header: event_header(kind), record }
    }

    /// A SessionOpen.
    #[must_use]
    pub fn session_open(session: &Session) -> Self {
        Self::session(FrameType::SessionOpen, session.as_bytes())
    }

    /// A SessionUpdate.
    #[must_use]
    pub fn session_update(session: &Session) -> Self {
        Self::session(FrameType::SessionUpdate, session.as_bytes())
    }

    /// A SessionClose.
    #[must_use]
    pub fn session_close(end: &SessionEnd) -> Self {
        let mut payload = smallvec::SmallVec::<[u8; RT_FLOW_LENGTH]>::new();
        end.write(&mut payload);
        Self::session(FrameType::SessionClose, &payload)
    }

    fn session(frame_type: FrameType, payload: &[u8]) -> Self {
        let mut record = RtFlowRecord::new_zeroed();
        record.as_mut_bytes()[..payload.len()].copy_from_slice(payload);
        let length = u16::try_from(payload.len()).expect("116 bytes at most");
        Self { header: FrameHeader::new(frame_type, length, 0), record }
    }

    /// A frame that tells nothing, to fill a slot with.
    pub(crate) fn blank() -> Self {
        Self::new(EventKind::SessionCreate, RtFlowRecord::new_zeroed())
    }

    /// What the frame tells.
    #[inline]
    pub fn kind(&self) -> FrameKind {
        match SessionChange::from_wire(self.header.frame_type) {
            Some(change) => FrameKind::Session(change),
            None => {
                let kind = EventKind::from_wire(self.record.event_type);
                FrameKind::Event(kind.expect("written by `new` and nothing else"))
            }
        }
    }

    /// What the frame tells, if it is one of ours: for bytes that another process wrote.
    pub(crate) fn checked_kind(&self) -> Option<FrameKind> {
        if let Some(change) = SessionChange::from_wire(self.header.frame_type) {
            let bytes = self.wire_bytes()?;
            let rest = self.as_bytes().get(bytes.len()..)?;
            let whole = self.header.reserved == [0; 3] && rest.iter().all(|byte| *byte == 0);
            let session = Self::decode_session(change, &bytes[HEADER_LENGTH..]).is_ok();
            return (whole && session).then_some(FrameKind::Session(change));
        }
        let kind = EventKind::from_wire(self.record.event_type)?;
        let header = FrameHeader { sequence: self.header.sequence, ..event_header(kind) };
        (self.header == header).then_some(FrameKind::Event(kind))
    }

    fn decode_session(change: SessionChange, payload: &[u8]) -> Result<(), DecodeError> {
        match change {
            SessionChange::Open => Session::decode(FrameType::SessionOpen, payload).map(|_| ()),
            SessionChange::Update => Session::decode(FrameType::SessionUpdate, payload).map(|_| ()),
            SessionChange::Close => SessionEnd::decode(payload).map(|_| ()),
        }
    }

    /// The bytes that go out; `None` if the header says more than a slot has.
    #[inline]
    pub fn wire_bytes(&self) -> Option<&[u8]> {
        let payload = usize::try_from(self.header.length.get()).ok()?;
        self.as_bytes().get(..HEADER_LENGTH.checked_add(payload)?)
    }

    /// The sequence number; 0 before the ring accepted the frame.
    #[inline]
    pub fn sequence(&self) -> u64 {
        self.header.sequence.get()
    }

    /// Gives the frame its number.
    #[inline]
    pub(crate) fn set_sequence(&mut self, sequence: u64) {
        self.header.sequence = sequence.into();
    }

    /// Makes it a frame of another version; its kind stays what the record says.
    #[cfg(test)]
    pub(crate) fn set_frame_type(&mut self, frame_type: u8) {
        self.header.frame_type = frame_type;
    }

    /// The record.
    #[inline]
    pub fn record(&self) -> &RtFlowRecord {
        &self.record
    }
}

/// Up to a fixed number of event frames, contiguous, in the order they were raised.
#[derive(Debug)]
pub struct FrameBlock {
    /// Every slot exists from the start; those from `count` on are left over from earlier use.
    slots: Vec<EventFrame>,
    count: usize,
    by_kind: [u32; EventKind::COUNT],
}

/// The block has no slot left; the frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the block holds {capacity_frames} frames and is full")]
pub struct BlockFull {
    /// The block's capacity, frames.
    pub capacity_frames: usize,
}

impl FrameBlock {
    /// An empty block for `capacity_frames` frames.
    pub fn new(capacity_frames: usize) -> Self {
        Self { slots: vec![EventFrame::blank(); capacity_frames], count: 0, by_kind: [0; 5] }
    }

    /// Adds a frame of `kind`, without a number. Taken by value so that a record built in the
    /// call is written straight into its slot, every byte once.
    ///
    /// # Errors
    /// [`BlockFull`] if all slots are taken.
    #[inline]
    pub fn push(&mut self, kind: EventKind, record: RtFlowRecord) -> Result<(), BlockFull> {
        let capacity_frames = self.slots.len();
        let slot = self.slots.get_mut(self.count).ok_or(BlockFull { capacity_frames })?;
        slot.header = event_header(kind);
        slot.record = record;
        slot.record.event_type = kind as u8;
        self.count += 1;
        self.by_kind[kind.index()] += 1;
        Ok(())
    }

    /// Adds a frame that is whole but for its number.
    ///
    /// # Errors
    /// [`BlockFull`] if all slots are taken.
    pub fn push_frame(&mut self, frame: &EventFrame) -> Result<(), BlockFull> {
        let capacity_frames = self.slots.len();
        let slot = self.slots.get_mut(self.count).ok_or(BlockFull { capacity_frames })?;
        *slot = *frame;
        self.count += 1;
        if let FrameKind::Event(kind) = frame.kind() {
            self.by_kind[kind.index()] += 1;
        }
        Ok(())
    }

    /// The frames.
    pub fn frames(&self) -> &[EventFrame] {
        &self.slots[..self.count]
    }

    /// How many events there are of each kind, by [`EventKind::index`].
    pub fn counts(&self) -> [u32; EventKind::COUNT] {
        self.by_kind
    }

    /// Frames held.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Frames that still fit.
    pub fn remaining(&self) -> usize {
        self.slots.len() - self.count
    }

    /// Forgets the frames and keeps the slots.
    pub fn clear(&mut self) {
        self.count = 0;
        self.by_kind = [0; 5];
    }
}

/// The header of an event frame without a number.
#[inline]
fn event_header(kind: EventKind) -> FrameHeader {
    FrameHeader::new(FrameType::from(kind), RECORD_LENGTH, 0)
}

/// The record's length in the header's terms.
const RECORD_LENGTH: u16 = 136;

const _: () = {
    assert!(EVENT_FRAME_LENGTH == 152 && align_of::<EventFrame>() == 1);
    assert!(RECORD_LENGTH as usize == RT_FLOW_LENGTH);
    assert!(offset_of!(EventFrame, header) == 0);
    assert!(offset_of!(EventFrame, record) == HEADER_LENGTH);
};

#[cfg(test)]
mod tests {
    use super::*;

    fn record(time_ns: u64) -> RtFlowRecord {
        RtFlowRecord { time_ns: time_ns.into(), ..RtFlowRecord::new_zeroed() }
    }

    #[test]
    fn frames_stand_back_to_back_with_header_and_record() {
        let mut block = FrameBlock::new(2);
        block.push(EventKind::PolicyDeny, record(7)).unwrap();
        block.push(EventKind::FilterLog, record(8)).unwrap();
        let bytes = block.frames().as_bytes();
        assert_eq!(bytes.len(), 304);
        assert_eq!(bytes[..16], [136, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((bytes[16], bytes[16 + 52]), (7, 3));
        assert_eq!((bytes[152 + 4], bytes[168], bytes[168 + 52]), (13, 8, 6));
        assert_eq!(block.counts(), [0, 0, 1, 0, 1]);
    }

    #[test]
    fn a_full_block_takes_nothing_and_counts_nothing() {
        let mut block = FrameBlock::new(1);
        block.push(EventKind::ScreenDrop, record(1)).unwrap();
        let refused = block.push(EventKind::ScreenDrop, record(2));
        assert_eq!(refused, Err(BlockFull { capacity_frames: 1 }));
        assert_eq!((block.len(), block.remaining()), (1, 0));
        assert_eq!(block.counts(), [0, 0, 0, 1, 0]);
        assert_eq!(block.frames()[0].record().time_ns.get(), 1);
    }

    #[test]
    fn a_cleared_block_is_empty_and_keeps_its_slots() {
        let mut block = FrameBlock::new(4);
        block.push(EventKind::SessionClose, record(1)).unwrap();
        block.clear();
        assert!(block.is_empty());
        assert_eq!((block.remaining(), block.counts()), (4, [0; 5]));
    }
}
