//! The ring's memory as a file that outlives its process. A kill at any instruction leaves the
//! state before a change or after it: a new state goes to the older of two copies, and then the
//! generation, one aligned word, is stored. After a reboot nobody knows which pages reached the
//! disk, so the stream ends there: the next one has a new id, and what may be lost is told.

use std::fs::{self, File, TryLockError};
use std::io;
use std::mem::{offset_of, size_of};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use components::ring::{ReplayRing, RingConfig, RingError, RingMemory, RingState};
use components::stream::Refused;
use memmap2::{MmapMut, MmapOptions};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, LE, U32, U64, Unaligned};

/// A mapped ring file, locked for as long as this lives.
#[derive(Debug)]
pub struct RingFile {
    path: PathBuf,
    /// The two states and the generation.
    head: &'static mut [u8],
    generation: u64,
    /// The mapping keeps it locked until the process ends, or [`Self::close`].
    file: File,
}

/// What opening a ring file found.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: RingFile,
    /// The ring in it.
    pub ring: ReplayRing,
    /// What was refused before the ring by the processes before.
    pub upstream: Refused,
    /// How the stream begins.
    pub begin: Begin,
}

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// There was no file: a new stream.
    New,
    /// The stream of the process before goes on.
    TakenOver {
        /// Frames that are to be replayed.
        retained: u64,
        /// Frames that were not whole.
        torn: u64,
    },
    /// The machine was started anew, or the file is damaged: another stream. Of the one before,
    /// this much may be lost.
    Ended {
        /// Its id, 0 if that cannot be read.
        stream_id: u64,
        /// The highest number that it is known to have had acked.
        acked: u64,
        /// The highest number that it is known to have given.
        last: u64,
    },
}

/// Why a ring file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RingFileError {
    /// It cannot be opened, locked, sized or mapped.
    #[error("{path}: {cause}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process has it.
    #[error("{path} is in use by another process", path = .0.display())]
    InUse(PathBuf),
    /// A version of the program made it whose ring files are laid out otherwise.
    #[error(
        "{path} is a ring file of version {found}, and this program writes version {VERSION}; \
        let the program that made it deliver what is in it, then remove the file",
        path = path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// It is some other file.
    #[error("{path} is no ring file, and would be overwritten", path = .0.display())]
    Foreign(PathBuf),
    /// Another size is wanted while frames wait in it.
    #[error(
        "{path} holds {retained} frames that are not acked and has {found} slots; run with that \
        many until they are, then change the size to {wanted}",
        path = path.display()
    )]
    Capacity {
        /// The file.
        path: PathBuf,
        /// Its slots.
        found: u64,
        /// The slots asked for.
        wanted: usize,
        /// Frames in it.
        retained: u64,
    },
    /// The ring cannot be made.
    #[error(transparent)]
    Ring(#[from] RingError),
}

/// The first page of the file.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct FileHead {
    magic: [u8; 8],
    version: U32<LE>,
    slot_length: U32<LE>,
    capacity: U64<LE>,
    /// Which start of the machine the file is of.
    boot: [u8; 36],
    zero: [u8; 4],
    /// Which of the states counts: `generation % 2`. Stored last.
    generation: U64<LE>,
    states: [RingState; 2],
}

impl RingFile {
    /// Opens the ring file at `path`, or makes it, and takes its stream over if there is one.
    ///
    /// # Errors
    /// [`RingFileError`]; a file that holds frames is never overwritten.
    pub fn open(path: &Path, config: &RingConfig) -> Result<Opened, RingFileError> {
        let io = |cause| RingFileError::Io { path: path.to_owned(), cause };
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RingFileError::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(io(cause)),
        }
        let boot = boot_id();
        let found = read_head(&file, path)?;
        let begin = match &found {
            Some(head) if head.boot == boot => None,
            Some(head) => Some(ended(head)),
            None => Some(Begin::New),
        };
        let wanted = config.capacity_frames;
        if let (None, Some(head)) = (&begin, &found)
            && head.capacity.get() != wanted as u64
        {
            return Self::resize(path, &file, head, config);
        }
        let length = STATES_LENGTH + RingMemory::length(wanted);
        if begin.is_some() {
            // Emptied first: every page of a new ring is zero.
            file.set_len(0).map_err(io)?;
        }
        file.set_len(length as u64).map_err(io)?;
        let map = map(&file, length).map_err(io)?;
        let (head, memory) = Box::leak(Box::new(map)).split_at_mut(STATES_LENGTH);
        let mut file = Self { path: path.to_owned(), head, generation: 0, file };
        let memory = RingMemory::new(memory);
        match begin {
            None => file.take_over(config, memory),
            Some(begin) => {
                file.write_head(wanted, boot);
                let ring = ReplayRing::in_memory(config, memory, None)?;
                file.publish(&ring, &Refused::default());
                Ok(Opened { file, ring, upstream: Refused::default(), begin })
            }
        }
    }

    /// Publishes the ring's state: from here on it is what the next process finds. To be called
    /// after every change, and before a slot that an Ack set free is used again.
    pub fn publish(&mut self, ring: &ReplayRing, upstream: &Refused) {
        let generation = self.generation + 1;
        let state = ring.state(generation, upstream);
        let at = offset_of!(FileHead, states)
            + usize::from(generation % 2 == 1) * size_of::<RingState>();
        self.head[at..at + size_of::<RingState>()].copy_from_slice(state.as_bytes());
        self.store_generation(generation);
    }

    /// Lets another process have the file. The ring is gone: nothing of its memory is used any
    /// more.
    pub fn close(self, ring: ReplayRing) {
        drop(ring);
        if let Err(cause) = self.file.unlock() {
            tracing::warn!(path = %self.path.display(), %cause, "ring file stays locked");
        }
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn take_over(
        mut self,
        config: &RingConfig,
        memory: RingMemory,
    ) -> Result<Opened, RingFileError> {
        let head = FileHead::ref_from_bytes(&self.head[..size_of::<FileHead>()]);
        let head = *head.expect("unaligned and of this length");
        let state = head.states[usize::from(head.generation.get() % 2 == 1)];
        let ring = ReplayRing::in_memory(config, memory, Some(&state))?;
        self.generation = head.generation.get();
        let begin = Begin::TakenOver { retained: ring.retained(), torn: ring.holes() };
        let upstream = state.upstream();
        self.publish(&ring, &upstream);
        Ok(Opened { file: self, ring, upstream, begin })
    }

    /// A ring of another size goes on with the stream, once nothing is left in the old one.
    fn resize(
        path: &Path,
        file: &File,
        head: &FileHead,
        config: &RingConfig,
    ) -> Result<Opened, RingFileError> {
        let io = |cause| RingFileError::Io { path: path.to_owned(), cause };
        let state = head.states[usize::from(head.generation.get() % 2 == 1)];
        let retained = state.head.get().saturating_sub(state.tail.get());
        if retained > 0 {
            return Err(RingFileError::Capacity {
                path: path.to_owned(),
                found: head.capacity.get(),
                wanted: config.capacity_frames,
                retained,
            });
        }
        // Grown or cut, and with the new capacity in its head, it is as if it had been so.
        let length = STATES_LENGTH + RingMemory::length(config.capacity_frames);
        file.set_len(length as u64).map_err(io)?;
        let mut changed = *head;
        changed.capacity = (config.capacity_frames as u64).into();
        std::os::unix::fs::FileExt::write_all_at(file, changed.as_bytes(), 0).map_err(io)?;
        file.unlock().map_err(io)?;
        Self::open(path, config)
    }

    fn write_head(&mut self, capacity: usize, boot: [u8; 36]) {
        let zero = RingState::read_from_bytes(&[0; size_of::<RingState>()]);
        let zero = zero.expect("of its length");
        let head = FileHead {
            magic: MAGIC,
            version: VERSION.into(),
            slot_length: SLOT_LENGTH.into(),
            capacity: (capacity as u64).into(),
            boot,
            zero: [0; 4],
            generation: 0.into(),
            states: [zero; 2],
        };
        self.head[..size_of::<FileHead>()].copy_from_slice(head.as_bytes());
    }

    /// Stores the generation behind everything that was stored before.
    fn store_generation(&mut self, generation: u64) {
        let at = offset_of!(FileHead, generation);
        let word = self.head[at..].as_mut_ptr().cast::<u64>();
        #[expect(
            unsafe_code,
            reason = "a store that the compiler must not move before the others"
        )]
        // SAFETY: the word lies in the mapping, which lives as long as the process; mappings begin
        // on a page and the offset is a multiple of eight; nothing else refers to it now.
        unsafe { AtomicU64::from_ptr(word) }.store(generation.to_le(), Ordering::Release);
        self.generation = generation;
    }
}

/// The head of a file that has one; `None` if the file is empty.
fn read_head(file: &File, path: &Path) -> Result<Option<FileHead>, RingFileError> {
    let io = |cause| RingFileError::Io { path: path.to_owned(), cause };
    let length = file.metadata().map_err(io)?.len();
    if length == 0 {
        return Ok(None);
    }
    let mut bytes = [0; size_of::<FileHead>()];
    let there = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
    std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes[..there], 0).map_err(io)?;
    // A process that died before it wrote the head left zeros.
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let head = FileHead::read_from_bytes(&bytes).expect("of its length");
    if head.magic != MAGIC {
        return Err(RingFileError::Foreign(path.to_owned()));
    }
    let found = head.version.get();
    if found != VERSION || head.slot_length.get() != SLOT_LENGTH {
        return Err(RingFileError::Version { path: path.to_owned(), found });
    }
    if head.generation.get() == 0 {
        return Ok(None);
    }
    let state = &head.states[usize::from(head.generation.get() % 2 == 1)];
    let capacity = usize::try_from(head.capacity.get()).unwrap_or(usize::MAX);
    let whole = state.is_whole()
        && state.generation == head.generation
        && length >= (STATES_LENGTH.saturating_add(RingMemory::length(capacity))) as u64;
    // What is not whole cannot be of a process that was killed: it is treated as one that the
    // machine's end has left.
    Ok(Some(if whole { head } else { FileHead { boot: [0; 36], ..head } }))
}

fn ended(head: &FileHead) -> Begin {
    let states = head.states.iter().filter(|state| state.is_whole());
    let last = states.max_by_key(|state| state.generation.get());
    last.map_or(Begin::Ended { stream_id: 0, acked: 0, last: 0 }, |state| Begin::Ended {
        stream_id: state.stream_id.get(),
        acked: state.acked.get(),
        last: state.head.get().saturating_sub(1),
    })
}

fn map(file: &File, length: usize) -> io::Result<MmapMut> {
    #[expect(unsafe_code, reason = "a mapping is unsafe to make")]
    // SAFETY: the file is locked, and every process that maps it takes the lock first, so nobody
    // else writes it; it is never made shorter while it is mapped.
    unsafe {
        MmapOptions::new().len(length).map_mut(file)
    }
}

/// Names this start of the machine; zeros where the system does not say.
fn boot_id() -> [u8; 36] {
    let text = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.get(..36).and_then(|id| id.try_into().ok()).unwrap_or([b'-'; 36])
}

const MAGIC: [u8; 8] = *b"WEIRRNG\n";
const VERSION: u32 = 2;
const SLOT_LENGTH: u32 = 152;

/// Room for the head; the slots begin on a page.
const STATES_LENGTH: usize = 4096;

const _: () = {
    assert!(size_of::<FileHead>() <= STATES_LENGTH);
    assert!(offset_of!(FileHead, generation) == 64);
    assert!(components::block::EVENT_FRAME_LENGTH == SLOT_LENGTH as usize);
};

#[cfg(test)]
mod tests;
