//! The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks, each block framed by its
//! length on both sides. Section headers set the byte order, interface descriptions the link type
//! and the time base; enhanced, simple and obsolete packet blocks hold packets, every other block
//! is skipped without being kept, however long it is.

use super::error::Damage;
use super::reader::{Fault, Order, Record};
use super::window::{RECORD_LEN_MAX, Window};
use super::{CAPTURED_LEN_MAX, LinkType};

/// What the blocks so far have said.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    /// Stamp for simple packet blocks, which have none: that of the packet before.
    last_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snap_len: u32,
    clock: Clock,
}

/// Time base of an interface (options `if_tsresol` and `if_tsoffset`).
#[derive(Clone, Copy, Debug)]
struct Clock {
    rate: Rate,
    offset_seconds: i64,
}

#[derive(Clone, Copy, Debug)]
enum Rate {
    /// A tick is this many nanoseconds.
    NanosecondsPerTick(u64),
    /// A nanosecond is this many ticks.
    TicksPerNanosecond(u64),
    /// 2ⁿ ticks a second.
    BinaryFraction(u8),
}

/// Type code and total length of a block, frame included.
#[derive(Clone, Copy)]
struct Block {
    kind: u32,
    length: u32,
}

impl Pcapng {
    /// A reader for a file that starts with a section header block.
    pub(super) fn open(magic: [u8; 4]) -> Option<Self> {
        (magic == SECTION_HEADER.to_be_bytes()).then(|| Self {
            order: Order::Little,
            interfaces: Vec::new(),
            last_ns: 0,
        })
    }

    /// Finds the next packet block; the window then starts with it. `None` at the file's end.
    pub(super) fn next_record(&mut self, window: &mut Window) -> Result<Option<Record>, Fault> {
        loop {
            let Some(block) = self.next_block(window)? else {
                return Ok(None);
            };
            let bytes = window.bytes();
            match block.kind {
                ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET => {
                    let record = self.packet(block, bytes)?;
                    self.last_ns = record.time_ns;
                    return Ok(Some(record));
                }
                SECTION_HEADER => {
                    let major = self.order.u16(bytes, 12);
                    let minor = self.order.u16(bytes, 14);
                    if major != 1 {
                        return Err(Damage::Version { major, minor }.into());
                    }
                    self.interfaces.clear();
                }
                INTERFACE_DESCRIPTION => {
                    let interface = self.interface(&bytes[..block.length as usize])?;
                    if self.interfaces.len() == INTERFACES_MAX {
                        return Err(Damage::TooManyInterfaces(INTERFACES_MAX).into());
                    }
                    self.interfaces.push(interface);
                }
                // `next_block` has skipped it.
                _ => continue,
            }
            window.consume(block.length as usize);
        }
    }

    /// Frames the block at the window's start; blocks of no interest are consumed, others whole
    /// in the window.
    #[inline]
    fn next_block(&mut self, window: &mut Window) -> Result<Option<Block>, Fault> {
        if !window.has(FRAME_LEN)? {
            if window.bytes().is_empty() {
                return Ok(None);
            }
            return Err(truncated(FRAME_LEN as u64, window.bytes().len() as u64));
        }
        let bytes = window.bytes();
        let kind = self.order.u32(bytes, 0);
        if kind == SECTION_HEADER {
            self.order = match bytes[8..12] {
                [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                _ => return Err(Damage::ByteOrderMagic(Order::Big.u32(bytes, 8)).into()),
            };
        }
        let length = self.order.u32(bytes, 4);
        let block = Block { kind, length };
        if !length.is_multiple_of(4) || length < block.length_min() {
            return Err(Damage::BlockLength { kind, length }.into());
        }
        if !block.is_read() {
            self.skip_block(block, window)?;
            return Ok(Some(block));
        }
        if length as usize > RECORD_LEN_MAX {
            return Err(Damage::BlockTooLong(length).into());
        }
        if !window.has(length as usize)? {
            return Err(truncated(length.into(), window.bytes().len() as u64));
        }
        let trailing = self.order.u32(window.bytes(), length as usize - 4);
        block.check_trailer(trailing)?;
        Ok(Some(block))
    }

    fn skip_block(&self, block: Block, window: &mut Window) -> Result<(), Fault> {
        let start = window.offset();
        let whole = window.skip(u64::from(block.length) - 4)? && window.has(4)?;
        if !whole {
            let present = window.offset() - start + window.bytes().len() as u64;
            return Err(truncated(block.length.into(), present).at(start));
        }
        let trailing = self.order.u32(window.bytes(), 0);
        window.consume(4);
        block.check_trailer(trailing).map_err(|damage| Fault::from(damage).at(start))
    }

    #[inline]
    fn packet(&self, block: Block, bytes: &[u8]) -> Result<Record, Fault> {
        let u32_at = |at| self.order.u32(bytes, at);
        let ticks_at = |at| (u64::from(u32_at(at)) << 32) | u64::from(u32_at(at + 4));
        let (interface, ticks, captured, wire, data_start) = match block.kind {
            ENHANCED_PACKET => (u32_at(8), Some(ticks_at(12)), u32_at(20), u32_at(24), 28),
            OBSOLETE_PACKET => {
                let interface = self.order.u16(bytes, 8).into();
                (interface, Some(ticks_at(12)), u32_at(20), u32_at(24), 28)
            }
            _ => (0, None, u32_at(8), u32_at(8), 12),
        };
        let Some(described) = self.interfaces.get(interface as usize) else {
            let described = self.interfaces.len();
            return Err(Damage::UnknownInterface { interface, described }.into());
        };
        let room = block.length - 4 - data_start;
        let captured = match (block.kind, described.snap_len) {
            // A simple packet block has no captured length: the snap length and the block limit it.
            (SIMPLE_PACKET, 0) => captured.min(room),
            (SIMPLE_PACKET, snap_len) => captured.min(snap_len).min(room),
            _ => captured,
        };
        if captured > CAPTURED_LEN_MAX {
            return Err(Damage::PacketTooLong(captured).into());
        }
        if captured > room {
            return Err(Damage::PacketOverBlock { captured, room }.into());
        }
        Ok(Record {
            time_ns: ticks.map_or(self.last_ns, |ticks| described.clock.nanoseconds(ticks)),
            data_start: data_start as usize,
            data_len: captured as usize,
            record_len: block.length as usize,
            wire_len: wire.max(captured),
            link: described.link,
            interface,
        })
    }

    fn interface(&self, block: &[u8]) -> Result<Interface, Damage> {
        let mut interface = Interface {
            link: LinkType::from_number(self.order.u16(block, 8)),
            snap_len: self.order.u32(block, 12),
            clock: Clock::default(),
        };
        let mut options = &block[16..block.len() - 4];
        while options.len() >= 4 {
            let code = self.order.u16(options, 0);
            let length = self.order.u16(options, 2);
            if code == OPTION_END {
                break;
            }
            let damage = Damage::InterfaceOption { code, length };
            let value = options.get(4..4 + usize::from(length)).ok_or(damage)?;
            match code {
                OPTION_IF_TSRESOL => {
                    let &[resolution] = value else {
                        return Err(damage);
                    };
                    interface.clock.rate = Rate::from_option(resolution).ok_or(damage)?;
                }
                OPTION_IF_TSOFFSET if value.len() == 8 => {
                    interface.clock.offset_seconds = self.order.u64(value, 0).cast_signed();
                }
                OPTION_IF_TSOFFSET => return Err(damage),
                _ => {}
            }
            let padded = 4 + usize::from(length).next_multiple_of(4);
            options = options.get(padded..).unwrap_or_default();
        }
        Ok(interface)
    }
}

impl Block {
    /// Whether its content is looked at, for which it must be whole in the window.
    fn is_read(self) -> bool {
        matches!(
            self.kind,
            SECTION_HEADER
                | INTERFACE_DESCRIPTION
                | OBSOLETE_PACKET
                | SIMPLE_PACKET
                | ENHANCED_PACKET
        )
    }

    /// Length of its fixed fields and frame.
    fn length_min(self) -> u32 {
        match self.kind {
            SECTION_HEADER => 28,
            INTERFACE_DESCRIPTION => 20,
            ENHANCED_PACKET | OBSOLETE_PACKET => 32,
            SIMPLE_PACKET => 16,
            _ => 12,
        }
    }

    fn check_trailer(self, trailing: u32) -> Result<(), Damage> {
        if trailing == self.length {
            return Ok(());
        }
        Err(Damage::BlockLengthsDiffer { leading: self.length, trailing })
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self { rate: Rate::NanosecondsPerTick(1_000), offset_seconds: 0 }
    }
}

impl Clock {
    /// Nanoseconds since the epoch, held within what 64 bits say.
    #[inline]
    fn nanoseconds(self, ticks: u64) -> u64 {
        let since_offset = match self.rate {
            Rate::NanosecondsPerTick(factor) => ticks.saturating_mul(factor),
            Rate::TicksPerNanosecond(divisor) => ticks / divisor,
            Rate::BinaryFraction(bits) => {
                let nanoseconds = (u128::from(ticks) * 1_000_000_000) >> bits;
                u64::try_from(nanoseconds).unwrap_or(u64::MAX)
            }
        };
        let offset = self.offset_seconds.unsigned_abs().saturating_mul(1_000_000_000);
        if self.offset_seconds < 0 {
            since_offset.saturating_sub(offset)
        } else {
            since_offset.saturating_add(offset)
        }
    }
}

impl Rate {
    /// `if_tsresol`: the high bit chooses 2⁻ⁿ over 10⁻ⁿ seconds; `None` if no clock ticks so.
    fn from_option(resolution: u8) -> Option<Self> {
        let exponent = resolution & 0x7f;
        if resolution & 0x80 != 0 {
            return Some(Self::BinaryFraction(exponent));
        }
        match exponent {
            0..=9 => Some(Self::NanosecondsPerTick(10_u64.pow(9 - u32::from(exponent)))),
            // 10⁻²⁸ s would need a divisor above 2⁶⁴.
            10..=28 => Some(Self::TicksPerNanosecond(10_u64.pow(u32::from(exponent) - 9))),
            _ => None,
        }
    }
}

fn truncated(needed: u64, present: u64) -> Fault {
    Damage::Truncated { needed, present }.into()
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const OPTION_END: u16 = 0;
const OPTION_IF_TSRESOL: u16 = 9;
const OPTION_IF_TSOFFSET: u16 = 14;
/// Type and both lengths; also what a section header needs to show its byte order.
const FRAME_LEN: usize = 12;
const INTERFACES_MAX: usize = 65_536;
