//! What can be wrong with a capture. Damage is named by the file's path and the byte offset of the
//! record or block that is bad, so that a person can look at it with a hex viewer; everything
//! before it has been delivered when it is reported.

use std::io;
use std::sync::Arc;

use super::CAPTURED_LEN_MAX;

/// Why a capture cannot be read (on) or written.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system refused to open, read or write.
    #[error("{path}: {cause}")]
    Io {
        /// The file, or `<stdin>`.
        path: Arc<str>,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The bytes are not what the format demands; the reader stands at its end now.
    #[error("{path}: damaged at byte {offset}: {what}")]
    Damaged {
        /// The file, or `<stdin>`.
        path: Arc<str>,
        /// Where the bad record or block starts.
        offset: u64,
        /// What is wrong with it.
        what: Damage,
    },
    /// A packet that the output format cannot hold.
    #[error("{path}: packet of {captured} captured and {wire} wire bytes cannot be written")]
    Unwritable {
        /// The output file.
        path: Arc<str>,
        /// Bytes to write.
        captured: usize,
        /// Stated wire length.
        wire: u32,
    },
}

/// What is wrong with a record, block or file header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Nothing to recognise a format by.
    #[error("file of {0} bytes is too short for a pcap or pcapng header")]
    NoHeader(usize),
    /// First four bytes of no known format.
    #[error("neither pcap nor pcapng, starts with bytes {0:02x?}")]
    UnknownMagic([u8; 4]),
    /// pcap other than 2.x, pcapng other than 1.x.
    #[error("format version {major}.{minor} is not supported")]
    Version {
        /// Major version number.
        major: u16,
        /// Minor version number.
        minor: u16,
    },
    /// The file ends inside a record, block or header.
    #[error("needs {needed} bytes but the file ends after {present}")]
    Truncated {
        /// Length of the whole record or block as far as known.
        needed: u64,
        /// Bytes of it that are in the file.
        present: u64,
    },
    /// More than any snap length.
    #[error("captured length {0} is above the limit of {CAPTURED_LEN_MAX}")]
    PacketTooLong(u32),
    /// A block that holds packets or interfaces is larger than the reader's buffer.
    #[error("block length {0} is above the limit")]
    BlockTooLong(u32),
    /// A block length that is not a multiple of 4, or too small for its type.
    #[error("block length {length} is impossible for block type {kind:#010x}")]
    BlockLength {
        /// Block type code.
        kind: u32,
        /// Block total length.
        length: u32,
    },
    /// The length behind a block contradicts the one before it.
    #[error("block length is {leading} before the block but {trailing} behind it")]
    BlockLengthsDiffer {
        /// Length in the block's header.
        leading: u32,
        /// Length in the block's trailer.
        trailing: u32,
    },
    /// Byte-order magic of a section header.
    #[error("section header with byte-order magic {0:#010x}")]
    ByteOrderMagic(u32),
    /// Captured length runs over the end of the block.
    #[error("captured length {captured} in a block with room for {room}")]
    PacketOverBlock {
        /// Captured length of the packet.
        captured: u32,
        /// Bytes left in the block for it.
        room: u32,
    },
    /// A packet of an interface that its section did not describe.
    #[error("packet of interface {interface}, but the section describes {described}")]
    UnknownInterface {
        /// Interface of the packet.
        interface: u32,
        /// How many interfaces the section describes.
        described: usize,
    },
    /// An interface option that is cut off or has an impossible length.
    #[error("interface option {code} with length {length}")]
    InterfaceOption {
        /// Option code.
        code: u16,
        /// Option length.
        length: u16,
    },
    /// More interfaces than a reader keeps.
    #[error("more than {0} interfaces in one section")]
    TooManyInterfaces(usize),
}
