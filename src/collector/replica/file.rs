//! The replica of a single node: sessions in memory, kept in a file that is replaced as a whole and
//! synced before it is. It is what a peer, or this node's next process, would begin with.
//!
//! ```text
//! magic "WEIRSES\n"   8    checksum of all that follows   4    version   4
//! ordinal  8    stream  8    totals  9 × 8
//! streams  8, then for each  id 8, highest number 8, whole 8
//! sessions 8, then for each  a SessionOpen as it stands in the stream, sequence 0
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use components::wire::{Frame, Session, SessionEnd, split_frame};
use crc32fast::Hasher;

use super::{Place, Replica, ReplicaTotals, Seen};
use crate::failpoint::failpoint;

/// Sessions in memory and a file.
#[derive(Debug)]
pub struct FileReplica {
    path: PathBuf,
    draft: PathBuf,
    sessions: BTreeMap<Key, Session>,
}

/// What names a session: the tuple of its client's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    wide: bool,
    protocol: u8,
    ports: [u16; 2],
    addresses: [[u8; 16]; 2],
}

impl FileReplica {
    /// Of the file at `path`, which need not be there.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let draft = path.with_extension("new");
        Self { path: path.to_owned(), draft, sessions: BTreeMap::new() }
    }
}

impl Replica for FileReplica {
    fn is_ready(&mut self) -> bool {
        true
    }

    fn restore(&mut self) -> io::Result<Option<Place>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some((place, sessions)) = parse(&bytes) else {
            tracing::warn!(
                path = %self.path.display(),
                "is not whole: sessions are read from the spool again"
            );
            return Ok(None);
        };
        self.sessions = sessions.into_iter().map(|session| (Key::of(&session), session)).collect();
        Ok(Some(place))
    }

    fn forget(&mut self) {
        self.sessions.clear();
    }

    fn put(&mut self, session: &Session) -> bool {
        self.sessions.insert(Key::of(session), *session).is_none()
    }

    fn remove(&mut self, end: &SessionEnd) -> bool {
        self.sessions.remove(&Key::of_end(end)).is_some()
    }

    fn sessions(&self) -> u64 {
        self.sessions.len() as u64
    }

    fn keep(&mut self, place: &Place) -> io::Result<()> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o640);
        let mut file = BufWriter::with_capacity(1 << 18, options.open(&self.draft)?);
        file.write_all(&MAGIC)?;
        // The sum comes when it is known.
        file.write_all(&[0; 4])?;
        let mut sum = Hasher::new();
        let mut put = |bytes: &[u8]| {
            sum.update(bytes);
            file.write_all(bytes)
        };
        put(&VERSION.to_le_bytes())?;
        let of_place = [place.ordinal, place.stream];
        let words = of_place.into_iter().chain(place.totals.words());
        for word in words.chain([place.streams.len() as u64]) {
            put(&word.to_le_bytes())?;
        }
        for seen in &place.streams {
            for word in [seen.stream, seen.position, u64::from(seen.whole)] {
                put(&word.to_le_bytes())?;
            }
        }
        put(&(self.sessions.len() as u64).to_le_bytes())?;
        let mut frame = Vec::new();
        for session in self.sessions.values() {
            frame.clear();
            let told = Frame::SessionOpen(*session).encode(0, &mut frame);
            told.expect("a session frame has no field that could not be encoded");
            put(&frame)?;
        }
        file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        file.write_all(&sum.finalize().to_le_bytes())?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_data()?;
        failpoint("replica-written");
        fs::rename(&self.draft, &self.path)
    }
}

impl Key {
    fn of(session: &Session) -> Self {
        match session {
            Session::V4(s) => {
                let ports = [s.source_port.get(), s.destination_port.get()];
                Self::v4(s.protocol, ports, [s.source, s.destination])
            }
            Session::V6(s) => Self {
                wide: true,
                protocol: s.protocol,
                ports: [s.source_port.get(), s.destination_port.get()],
                addresses: [s.source, s.destination],
            },
        }
    }

    fn of_end(end: &SessionEnd) -> Self {
        match end {
            SessionEnd::V4(s, _) => {
                let ports = [s.source_port.get(), s.destination_port.get()];
                Self::v4(s.protocol, ports, [s.source, s.destination])
            }
            SessionEnd::V6(s, _) => Self {
                wide: true,
                protocol: s.protocol,
                ports: [s.source_port.get(), s.destination_port.get()],
                addresses: [s.source, s.destination],
            },
        }
    }

    fn v4(protocol: u8, ports: [u16; 2], addresses: [[u8; 4]; 2]) -> Self {
        let addresses = addresses.map(|[a, b, c, d]| {
            let mut wide = [0; 16];
            wide[..4].copy_from_slice(&[a, b, c, d]);
            wide
        });
        Self { wide: false, protocol, ports, addresses }
    }
}

/// The sessions in the file of a replica, and where it stood; `None` if the file is not whole.
///
/// # Errors
/// What the system says.
pub fn read_sessions(path: &Path) -> io::Result<Option<(Place, Vec<Session>)>> {
    Ok(parse(&fs::read(path)?))
}

fn parse(bytes: &[u8]) -> Option<(Place, Vec<Session>)> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (sum, body) = rest.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*sum) != crc32fast::hash(body) {
        return None;
    }
    let (version, mut rest) = body.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != VERSION {
        return None;
    }
    let mut word = || {
        let (word, behind) = rest.split_first_chunk::<8>()?;
        rest = behind;
        Some(u64::from_le_bytes(*word))
    };
    let (ordinal, stream) = (word()?, word()?);
    let mut words = [0; 9];
    for total in &mut words {
        *total = word()?;
    }
    let mut streams = Vec::new();
    for _ in 0..word()? {
        streams.push(Seen { stream: word()?, position: word()?, whole: word()? != 0 });
    }
    let totals = ReplicaTotals::of_words(words);
    let place = Place { ordinal, stream, totals, streams };
    let count = word()?;
    let mut sessions = Vec::new();
    while let Some(frame) = split_frame(rest) {
        let frame = frame.ok()?;
        match frame.decode() {
            Ok(Frame::SessionOpen(session)) => sessions.push(session),
            _ => return None,
        }
        rest = &rest[frame.bytes.len()..];
    }
    (rest.is_empty() && sessions.len() as u64 == count).then_some((place, sessions))
}

const MAGIC: [u8; 8] = *b"WEIRSES\n";
const VERSION: u32 = 1;
