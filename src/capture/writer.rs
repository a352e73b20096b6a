//! Captures written: pcapng with named interfaces for what the firewall transmits, classic pcap
//! for the generator. Both are little-endian and buffered, and stamps are nanoseconds, so that
//! what is written reads back equal.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

use systems::shard::Layer;

use super::CAPTURED_LEN_MAX;
use super::error::CaptureError;

/// Resolution of the stamps of a classic pcap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The format that every tool reads.
    Microseconds,
    /// Magic `0xa1b23c4d`.
    Nanoseconds,
}

/// Writes a classic pcap file of Ethernet frames.
pub struct PcapWriter<W: Write> {
    path: Arc<str>,
    inner: pcap_file::pcap::PcapWriter<BufWriter<W>>,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header; `path` names the output in errors.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(path: &str, output: W, resolution: Resolution) -> Result<Self, CaptureError> {
        let path: Arc<str> = path.into();
        let header = PcapHeader {
            snaplen: CAPTURED_LEN_MAX,
            datalink: DataLink::ETHERNET,
            ts_resolution: match resolution {
                Resolution::Microseconds => TsResolution::MicroSecond,
                Resolution::Nanoseconds => TsResolution::NanoSecond,
            },
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        let output = BufWriter::with_capacity(BUFFER_LEN, output);
        match pcap_file::pcap::PcapWriter::with_header(output, header) {
            Ok(inner) => Ok(Self { path, inner }),
            Err(error) => Err(writing(&path, error, 0, 0)),
        }
    }

    /// Appends a frame that was captured whole.
    ///
    /// # Errors
    /// When writing fails, the frame is longer than [`CAPTURED_LEN_MAX`] or the stamp past the
    /// year 2106.
    pub fn write(&mut self, time_ns: u64, frame: &[u8]) -> Result<(), CaptureError> {
        let wire = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let packet = PcapPacket::new(Duration::from_nanos(time_ns), wire, frame);
        match self.inner.write_packet(&packet) {
            Ok(_) => Ok(()),
            Err(error) => Err(writing(&self.path, error, frame.len(), wire)),
        }
    }

    /// Writes what is buffered and hands the output back.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<W, CaptureError> {
        flush(&self.path, self.inner.into_writer())
    }
}

/// Writes a pcapng file of one section.
pub struct PcapngWriter<W: Write> {
    path: Arc<str>,
    inner: pcap_file::pcapng::PcapNgWriter<BufWriter<W>>,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header; `path` names the output in errors.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(path: &str, output: W) -> Result<Self, CaptureError> {
        let path: Arc<str> = path.into();
        let output = BufWriter::with_capacity(BUFFER_LEN, output);
        match pcap_file::pcapng::PcapNgWriter::with_endianness(output, Endianness::Little) {
            Ok(inner) => Ok(Self { path, inner }),
            Err(error) => Err(writing(&path, error, 0, 0)),
        }
    }

    /// Declares an interface of IP packets (LINKTYPE_RAW) or of Ethernet frames, with nanosecond
    /// stamps; returns the id for [`Self::write`].
    ///
    /// # Errors
    /// When writing fails.
    pub fn interface(&mut self, name: &str, layer: Layer) -> Result<u32, CaptureError> {
        let id = u32::try_from(self.inner.interfaces().len()).unwrap_or(u32::MAX);
        let options = vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
            InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
        ];
        let block = InterfaceDescriptionBlock {
            linktype: match layer {
                Layer::Network => DataLink::RAW,
                Layer::Link => DataLink::ETHERNET,
            },
            snaplen: CAPTURED_LEN_MAX,
            options,
        };
        match self.inner.write_pcapng_block(block) {
            Ok(_) => Ok(id),
            Err(error) => Err(writing(&self.path, error, 0, 0)),
        }
    }

    /// Appends a frame of a declared interface; `wire_len` is its length before a snap length cut.
    ///
    /// # Errors
    /// When writing fails, the interface was not declared, or the frame is longer than
    /// [`CAPTURED_LEN_MAX`] or `wire_len`.
    pub fn write(
        &mut self,
        interface: u32,
        time_ns: u64,
        frame: &[u8],
        wire_len: u32,
    ) -> Result<(), CaptureError> {
        let captured = frame.len();
        if captured > CAPTURED_LEN_MAX as usize || captured > wire_len as usize {
            return Err(unwritable(&self.path, captured, wire_len));
        }
        let block = EnhancedPacketBlock {
            interface_id: interface,
            timestamp: Duration::from_nanos(time_ns),
            original_len: wire_len,
            data: Cow::Borrowed(frame),
            options: Vec::new(),
        };
        match self.inner.write_pcapng_block(block) {
            Ok(_) => Ok(()),
            Err(error) => Err(writing(&self.path, error, captured, wire_len)),
        }
    }

    /// Writes what is buffered and hands the output back.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<W, CaptureError> {
        flush(&self.path, self.inner.into_inner())
    }
}

fn writing(path: &Arc<str>, error: PcapError, captured: usize, wire: u32) -> CaptureError {
    match error {
        PcapError::IoError(cause) => CaptureError::Io { path: Arc::clone(path), cause },
        _ => unwritable(path, captured, wire),
    }
}

fn unwritable(path: &Arc<str>, captured: usize, wire: u32) -> CaptureError {
    CaptureError::Unwritable { path: Arc::clone(path), captured, wire }
}

fn flush<W: Write>(path: &Arc<str>, output: BufWriter<W>) -> Result<W, CaptureError> {
    output
        .into_inner()
        .map_err(|error| CaptureError::Io { path: Arc::clone(path), cause: io::Error::from(error) })
}

/// `if_tsresol` for 10⁻⁹ s.
const NANOSECONDS: u8 = 9;
const BUFFER_LEN: usize = 128 * 1024;
