//! A capture as a sequence of packets, in either format. One buffer serves all packets, so nothing
//! is allocated while reading; damage ends the capture after everything before it was delivered.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::error::{CaptureError, Damage};
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use super::window::Window;
use super::{LinkType, Packet};

/// Reads packets from a pcap or pcapng file or stream.
///
/// ```no_run
/// let mut reader = weir::capture::CaptureReader::open("office.pcap".as_ref())?;
/// while let Some(packet) = reader.next_packet()? {
///     assert!(packet.data.len() <= packet.wire_len as usize);
/// }
/// # Ok::<(), weir::capture::CaptureError>(())
/// ```
pub struct CaptureReader {
    path: Arc<str>,
    window: Window,
    format: Format,
    /// The record that [`Self::packet`] shows; the window starts with it.
    current: Option<Record>,
}

enum Format {
    Unknown,
    Pcap(Pcap),
    Pcapng(Pcapng),
    Ended,
}

impl CaptureReader {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// When the file cannot be opened; its content is looked at by the first
    /// [`Self::next_packet`].
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        if path.as_os_str() == "-" {
            return Ok(Self::from_read("<stdin>", io::stdin()));
        }
        let name = path.to_string_lossy();
        match File::open(path) {
            Ok(file) => Ok(Self::from_read(&name, file)),
            Err(cause) => Err(CaptureError::Io { path: name.into(), cause }),
        }
    }

    /// Reads from any byte stream; `name` stands for the path in errors.
    pub fn from_read(name: &str, input: impl Read + Send + 'static) -> Self {
        Self {
            path: name.into(),
            window: Window::new(Box::new(input)),
            format: Format::Unknown,
            current: None,
        }
    }

    /// The path as errors name it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The next packet, `None` at the end of the capture.
    ///
    /// # Errors
    /// [`CaptureError::Io`] and [`CaptureError::Damaged`], each once; the capture ends there.
    #[inline]
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, CaptureError> {
        self.advance()?;
        Ok(self.packet())
    }

    /// Moves to the next packet, which [`Self::packet`] then shows; `false` at the end.
    ///
    /// # Errors
    /// As [`Self::next_packet`].
    #[inline]
    pub fn advance(&mut self) -> Result<bool, CaptureError> {
        if let Some(record) = self.current.take() {
            self.window.consume(record.record_len);
        }
        let record = match &mut self.format {
            Format::Pcap(pcap) => pcap.next_record(&mut self.window),
            Format::Pcapng(pcapng) => pcapng.next_record(&mut self.window),
            Format::Unknown => self.first_record(),
            Format::Ended => Ok(None),
        };
        match record {
            Ok(record) => self.current = record,
            Err(fault) => return Err(self.end(fault)),
        }
        Ok(self.current.is_some())
    }

    /// The packet that [`Self::advance`] moved to.
    #[inline]
    #[must_use]
    pub fn packet(&self) -> Option<Packet<'_>> {
        let record = self.current.as_ref()?;
        let data = &self.window.bytes()[record.data_start..][..record.data_len];
        Some(Packet {
            time_ns: record.time_ns,
            data,
            wire_len: record.wire_len,
            link: record.link,
            interface: record.interface,
        })
    }

    #[cold]
    fn first_record(&mut self) -> Result<Option<Record>, Fault> {
        if !self.window.has(4)? {
            return Err(Damage::NoHeader(self.window.bytes().len()).into());
        }
        let magic = Order::Big.u32(self.window.bytes(), 0).to_be_bytes();
        if let Some(pcap) = Pcap::open(magic, &mut self.window)? {
            self.format = Format::Pcap(pcap);
            return pcap.next_record(&mut self.window);
        }
        let Some(mut pcapng) = Pcapng::open(magic) else {
            return Err(Damage::UnknownMagic(magic).into());
        };
        let record = pcapng.next_record(&mut self.window);
        self.format = Format::Pcapng(pcapng);
        record
    }

    #[cold]
    fn end(&mut self, fault: Fault) -> CaptureError {
        self.format = Format::Ended;
        let path = Arc::clone(&self.path);
        match fault {
            Fault::Io(cause) => CaptureError::Io { path, cause },
            Fault::Damage { what, offset } => CaptureError::Damaged {
                path,
                offset: offset.unwrap_or_else(|| self.window.offset()),
                what,
            },
        }
    }
}

/// A packet's place in the window and what its header said.
#[derive(Clone, Copy)]
pub(super) struct Record {
    pub(super) time_ns: u64,
    /// Where the captured bytes are, counted from the record's start.
    pub(super) data_start: usize,
    pub(super) data_len: usize,
    pub(super) record_len: usize,
    pub(super) wire_len: u32,
    pub(super) link: LinkType,
    pub(super) interface: u32,
}

/// An error before the path is added.
pub(super) enum Fault {
    Io(io::Error),
    Damage {
        what: Damage,
        /// Where the bad block starts, if the window does not start there any more.
        offset: Option<u64>,
    },
}

impl Fault {
    /// Places the damage at `start`.
    pub(super) fn at(self, start: u64) -> Self {
        match self {
            Self::Damage { what, .. } => Self::Damage { what, offset: Some(start) },
            Self::Io(error) => Self::Io(error),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Damage> for Fault {
    fn from(what: Damage) -> Self {
        Self::Damage { what, offset: None }
    }
}

/// Byte order of a file's numbers. The accessors need `at` plus the number's length within `bytes`,
/// which every caller has confirmed with the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let bytes = array(bytes, at);
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let bytes = array(bytes, at);
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        let bytes = array(bytes, at);
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }
}

#[inline]
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
