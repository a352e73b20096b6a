//! One worker's mutable state: sessions, NAT ports, counters and what a batch put out. Shards share
//! nothing.

use components::block::{EventFrame, FrameBlock};
use components::decisions::Decisions;
use components::fragment::FragmentTable;
use components::ids::IfIndex;
use components::kinds::{CloseReason, EventKind};
use components::mask::RowMask;
use components::ports::PortTable;
use components::reason::Counts;
use components::screen_state::ScreenState;
use components::session::SessionTable;
use components::session::record::Session;
use components::wire::RtFlowRecord;
use components::world::World;
use components::world::filter::RejectWith;

use crate::counters::Counters;
use crate::marks::{Marks, Meters};
use crate::pipeline::EXPIRED_MAX;
use crate::policy::FragmentDecision;
use crate::schedule::settings::Settings;

/// A worker's state.
#[derive(Debug)]
pub struct Shard {
    /// Sessions.
    pub sessions: SessionTable,
    /// Datagrams whose fragments are on their way.
    pub fragments: FragmentTable,
    /// What became of their first fragments, by slot of the table.
    pub fragment_decisions: Vec<FragmentDecision>,
    /// What policies have denied.
    pub decisions: Decisions,
    /// Source NAT ports.
    pub ports: PortTable,
    /// What screens remember.
    pub screens: Box<ScreenState>,
    /// What this batch's rows say about SYN cookies.
    pub cookies: CookieRows,
    /// Sessions created since the start.
    pub created: u64,
    /// Sessions ended since the start, by reason.
    pub closed: Counts<{ CloseReason::COUNT }>,
    /// What it counted.
    pub counters: Counters,
    /// Buckets of policers.
    pub meters: Meters,
    /// What filters marked rows of the batch with; `rewrite` writes and clears it.
    pub marks: Marks,
    /// Rows to be answered, in the order of their systems; `reject` answers and clears them.
    pub rejects: Vec<Rejection>,
    /// RST and ICMP packets that the batch answered with; the port sends and clears them.
    pub answers: Answers,
    /// Event frames on their way to the ring.
    pub outbox: Outbox,
    /// This node of a `chassis cluster`.
    pub node: u8,
}

impl Shard {
    /// The empty shard of worker `worker`, counted from 0, of all workers of the schedule.
    #[must_use]
    pub fn new(world: &World, settings: &Settings, worker: u16) -> Self {
        let session = &settings.session;
        let rows_max = *settings.batch.rows_max.get_ref();
        Self {
            sessions: SessionTable::new(
                *session.capacity.get_ref(),
                *session.hash_seed.get_ref(),
                *session.wheel_ticks.get_ref(),
                *session.tick_ms.get_ref() * 1_000_000,
            ),
            fragments: FragmentTable::new(
                *settings.fragment.entries.get_ref(),
                *session.hash_seed.get_ref(),
                FRAGMENT_TIMEOUT_NS,
            ),
            fragment_decisions: vec![
                FragmentDecision::default();
                *settings.fragment.entries.get_ref()
            ],
            decisions: Decisions::new(
                *settings.policy.decision_cache_entries.get_ref(),
                *session.hash_seed.get_ref(),
            ),
            ports: PortTable::for_world(
                world,
                worker,
                *settings.workers.get_ref(),
                *settings.nat.port_seed.get_ref(),
                *settings.nat.bindings_max.get_ref(),
            ),
            screens: Box::new(screens_of(world, settings)),
            cookies: CookieRows::default(),
            created: 0,
            closed: Counts::default(),
            counters: Counters::for_world(world),
            meters: Meters::for_world(world, *settings.workers.get_ref()),
            marks: Marks::default(),
            rejects: Vec::with_capacity(rows_max),
            answers: Answers::with_capacity((rows_max * 2).max(EXPIRED_MAX)),
            outbox: Outbox::new((rows_max * 2).max(EXPIRED_MAX)),
            node: *settings.cluster.node.get_ref(),
        }
    }

    /// Has a row answered.
    pub fn reject(&mut self, row: u16, with: RejectWith) {
        self.rejects.push(Rejection { row, with });
    }

    /// Gives back what a session held and counts its end.
    pub fn end_session(&mut self, session: &Session, reason: CloseReason) {
        self.ports.release(session.lease);
        self.screens.release(session);
        self.closed.0[reason.index()] += 1;
    }
}

/// An empty memory of screens.
#[must_use]
pub fn screens_of(world: &World, settings: &Settings) -> ScreenState {
    let settings = &settings.screen;
    ScreenState::for_world(world, *settings.entries.get_ref(), *settings.cookie_seed.get_ref())
}

/// Rows of this batch that carry what looks like the answer to a SYN cookie. A session that they
/// belong to knows better.
#[derive(Clone, Debug, Default)]
pub struct CookieRows {
    /// The cookie is right.
    pub answered: RowMask,
    /// It is, in a probe of the closed window: its sequence number is the client's first one, and
    /// not the one behind it.
    pub probes: RowMask,
    /// There are cookies to be answered, and this is none of them.
    pub failed: RowMask,
}

/// A row that is dropped and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The row.
    pub row: u16,
    /// With what.
    pub with: RejectWith,
}

/// Blocks of event frames: one is filled, full ones wait. A new block is allocated only when a
/// batch raises more events than all blocks so far hold.
#[derive(Debug)]
pub struct Outbox {
    blocks: Vec<FrameBlock>,
    /// Blocks before this one are full.
    filling: usize,
    frames_a_block: usize,
}

impl Outbox {
    /// With one block.
    #[must_use]
    pub fn new(frames_a_block: usize) -> Self {
        Self { blocks: vec![FrameBlock::new(frames_a_block)], filling: 0, frames_a_block }
    }

    /// Adds an event behind the others.
    #[inline]
    pub fn push(&mut self, kind: EventKind, record: RtFlowRecord) {
        self.with_room().push(kind, record).expect("the block has room");
    }

    /// Adds a frame behind the others.
    pub fn push_frame(&mut self, frame: &EventFrame) {
        self.with_room().push_frame(frame).expect("the block has room");
    }

    /// The block that the next frame goes to.
    #[inline]
    fn with_room(&mut self) -> &mut FrameBlock {
        if self.blocks[self.filling].remaining() == 0 {
            self.filling += 1;
            if self.filling == self.blocks.len() {
                self.blocks.push(FrameBlock::new(self.frames_a_block));
            }
        }
        &mut self.blocks[self.filling]
    }

    /// The blocks in order; empty ones hold nothing.
    pub fn blocks(&mut self) -> impl Iterator<Item = &mut FrameBlock> {
        self.blocks.iter_mut().take(self.filling + 1)
    }

    /// Frames waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.iter().map(FrameBlock::len).sum()
    }

    /// True if no frame waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the frames, keeps the memory.
    pub fn clear(&mut self) {
        self.blocks.iter_mut().for_each(FrameBlock::clear);
        self.filling = 0;
    }
}

/// Packets that the firewall itself sends.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// One entry a packet, in row order.
    pub packets: Vec<Answer>,
    /// Their bytes, back to back.
    pub bytes: Vec<u8>,
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The row that is answered.
    pub row: u16,
    /// Where it goes out.
    pub egress: IfIndex,
    /// First byte in [`Answers::bytes`].
    pub offset: u32,
    /// Length in bytes.
    pub length: u32,
    /// What they begin with.
    pub layer: Layer,
}

/// What the bytes of a packet begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layer {
    /// The IP header: the port knows the neighbour.
    #[default]
    Network,
    /// The Ethernet header.
    Link,
}

impl Answers {
    /// Grows only if a batch answers more than `packets` of the largest kind.
    #[must_use]
    pub fn with_capacity(packets: usize) -> Self {
        Self {
            packets: Vec::with_capacity(packets),
            bytes: Vec::with_capacity(packets * ANSWER_BYTES_MAX),
        }
    }

    /// Adds the IP packet whose bytes begin at `start` to those that answer `row`.
    pub fn finish(&mut self, row: u16, egress: IfIndex, start: usize) {
        self.finish_as(row, egress, start, Layer::Network);
    }

    /// The same for bytes that begin with this layer.
    pub fn finish_as(&mut self, row: u16, egress: IfIndex, start: usize, layer: Layer) {
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (offset, length) = (number(start), number(self.bytes.len() - start));
        self.packets.push(Answer { row, egress, offset, length, layer });
    }

    /// Puts the answers of several systems in row order.
    pub fn sort(&mut self) {
        self.packets.sort_unstable_by_key(|answer| (answer.row, answer.offset));
    }

    /// Forgets the batch's answers, keeps the memory.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.bytes.clear();
    }
}

/// The longest answer, an ICMPv6 error (RFC 4443 section 2.4).
const ANSWER_BYTES_MAX: usize = 1280;

/// How long a datagram waits for its fragments: 30 s, the lower end of what RFC 1122 and RFC 8200
/// allow hosts and what routers use.
const FRAGMENT_TIMEOUT_NS: u64 = 30_000_000_000;
