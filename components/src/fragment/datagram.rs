//! One open datagram: the ranges of its payload that fragments have held. Ranges are kept one by
//! one and not merged, so that an exact duplicate is told from an overlap.

use super::{Fragment, FragmentMark};
use crate::address::{Address, Family};
use crate::ids::FragmentRef;
use crate::session::key::FlowKey;

/// Most fragments of one datagram: a packet of 65,535 bytes in fragments of a kilobyte.
pub const FRAGMENTS_MAX: usize = 64;

/// Largest packet (RFC 791), largest payload (RFC 8200).
const PACKET_MAX: u32 = 65_535;

/// An open datagram and its place in the table's lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram {
    pub(super) key: FlowKey,
    pub(super) opened_ns: u64,
    /// Next in the hash chain, or in the list of free slots.
    pub(super) next: FragmentRef,
    pub(super) older: FragmentRef,
    pub(super) newer: FragmentRef,
    seen: [Range; FRAGMENTS_MAX],
    seen_count: u8,
    given_up: bool,
    /// Bytes seen.
    covered: u32,
    /// Where the last fragment ends; 0 before it was seen.
    end: u32,
    /// Where the farthest fragment ends.
    farthest: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: u16,
    length: u16,
}

impl Datagram {
    /// No datagram.
    pub(super) const EMPTY: Self = Self {
        key: FlowKey {
            source: Address::ZERO,
            destination: Address::ZERO,
            source_port: 0,
            destination_port: 0,
            protocol: 0,
            family: Family::None,
        },
        opened_ns: 0,
        next: FragmentRef::NONE,
        older: FragmentRef::NONE,
        newer: FragmentRef::NONE,
        seen: [Range { start: 0, length: 0 }; FRAGMENTS_MAX],
        seen_count: 0,
        given_up: false,
        covered: 0,
        end: 0,
        farthest: 0,
    };

    /// Adds a fragment, if it fits to those that are there. What does not fit gives the datagram
    /// up, but for a duplicate, which the network may make.
    pub(super) fn add(&mut self, fragment: &Fragment) -> FragmentMark {
        let Fragment { start, length, more, .. } = *fragment;
        let end = start + length;
        if self.given_up {
            return FragmentMark::GivenUp;
        }
        if length == 0 || fragment.is_beyond() {
            return self.give_up(FragmentMark::Bad);
        }
        let seen = &self.seen[..usize::from(self.seen_count)];
        let touches = |range: &&Range| start < range.end() && end > u32::from(range.start);
        if let Some(range) = seen.iter().find(touches) {
            let same = (u32::from(range.start), u32::from(range.length)) == (start, length);
            let was_last = self.end == end;
            return match same && more != was_last {
                true => FragmentMark::Duplicate,
                false => self.give_up(FragmentMark::Overlap),
            };
        }
        if (self.end > 0 && (end > self.end || !more)) || (!more && end < self.farthest) {
            return self.give_up(FragmentMark::Bad);
        }
        let Some(free) = self.seen.get_mut(usize::from(self.seen_count)) else {
            return self.give_up(FragmentMark::TooMany);
        };
        *free = Range::of(start, length);
        self.seen_count += 1;
        self.covered += length;
        self.farthest = self.farthest.max(end);
        if !more {
            self.end = end;
        }
        if start == 0 { FragmentMark::First } else { FragmentMark::Later }
    }

    /// True once every byte up to the last fragment's end was seen.
    pub(super) const fn is_complete(&self) -> bool {
        self.end > 0 && self.covered == self.end && !self.given_up
    }

    fn give_up(&mut self, mark: FragmentMark) -> FragmentMark {
        self.given_up = true;
        mark
    }
}

impl Range {
    /// Both are at most 65,535: what is beyond was refused.
    fn of(start: u32, length: u32) -> Self {
        let narrow = |value| u16::try_from(value).unwrap_or(u16::MAX);
        Self { start: narrow(start), length: narrow(length) }
    }

    fn end(self) -> u32 {
        u32::from(self.start) + u32::from(self.length)
    }
}

impl Fragment {
    /// True if the packet that it is of would be larger than a packet can be.
    #[must_use]
    pub const fn is_beyond(&self) -> bool {
        self.headers + self.start + self.length > PACKET_MAX
    }
}
