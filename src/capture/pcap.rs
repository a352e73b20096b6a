//! The classic pcap format (draft-ietf-opsawg-pcap): a 24-byte file header whose magic gives byte
//! order and resolution, then records of a 16-byte header and the captured bytes.

use super::error::Damage;
use super::reader::{Fault, Order, Record};
use super::window::Window;
use super::{CAPTURED_LEN_MAX, LinkType};

/// What the file header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcap {
    order: Order,
    nanoseconds_per_tick: u64,
    link: LinkType,
}

impl Pcap {
    /// Reads the file header if `magic` is one of the four of pcap.
    pub(super) fn open(magic: [u8; 4], window: &mut Window) -> Result<Option<Self>, Fault> {
        let (order, nanoseconds_per_tick) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, 1_000),
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, 1_000),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, 1),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, 1),
            _ => return Ok(None),
        };
        if !window.has(FILE_HEADER_LEN)? {
            return Err(truncated(FILE_HEADER_LEN, window));
        }
        let header = window.bytes();
        let (major, minor) = (order.u16(header, 4), order.u16(header, 6));
        if major != 2 {
            return Err(Damage::Version { major, minor }.into());
        }
        // The upper half of the word is FCS length and flags.
        let link = LinkType::from_number((order.u32(header, 20) & 0xffff) as u16);
        window.consume(FILE_HEADER_LEN);
        Ok(Some(Self { order, nanoseconds_per_tick, link }))
    }

    /// Finds the record at the window's start; `None` at the end of the file.
    #[inline]
    pub(super) fn next_record(&self, window: &mut Window) -> Result<Option<Record>, Fault> {
        if !window.has(RECORD_HEADER_LEN)? {
            if window.bytes().is_empty() {
                return Ok(None);
            }
            return Err(truncated(RECORD_HEADER_LEN, window));
        }
        let header = &window.bytes()[..RECORD_HEADER_LEN];
        let seconds = u64::from(self.order.u32(header, 0));
        let ticks = u64::from(self.order.u32(header, 4));
        let captured = self.order.u32(header, 8);
        let wire = self.order.u32(header, 12);
        if captured > CAPTURED_LEN_MAX {
            return Err(Damage::PacketTooLong(captured).into());
        }
        let record_len = RECORD_HEADER_LEN + captured as usize;
        if !window.has(record_len)? {
            return Err(truncated(record_len, window));
        }
        Ok(Some(Record {
            // At most 2³²·10⁹ + 2³²·10³, below 2⁶³.
            time_ns: seconds * 1_000_000_000 + ticks * self.nanoseconds_per_tick,
            data_start: RECORD_HEADER_LEN,
            data_len: captured as usize,
            record_len,
            wire_len: wire.max(captured),
            link: self.link,
            interface: 0,
        }))
    }
}

fn truncated(needed: usize, window: &Window) -> Fault {
    Damage::Truncated { needed: needed as u64, present: window.bytes().len() as u64 }.into()
}

const FILE_HEADER_LEN: usize = 24;
const RECORD_HEADER_LEN: usize = 16;
