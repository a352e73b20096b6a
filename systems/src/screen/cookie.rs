//! SYN cookies: above a zone's attack threshold a SYN is not let in but answered with a SYN-ACK
//! whose sequence number is a keyed hash of the connection, its MSS and the time (RFC 4987 section
//! 3.6), so that the firewall keeps nothing. Only a client that is really there can send the ACK
//! that acknowledges it. Its connection is then opened to the server (policy's `splice`), and the
//! client is known for five minutes, in which its SYNs go on to the server like any other: these
//! connections need no translation of sequence numbers and lose no TCP option.

use components::address::Address;
use components::columns::tcp_flag;
use components::mask::RowMask;
use components::screen_state::ScreenState;
use components::session::key::FlowKey;
use components::world::application::TCP;

use super::{ScreenView, history, l4_of};
use crate::reject::packet::{self, Segment};
use crate::shard::{Answers, CookieRows};
use crate::siphash::siphash;

/// MSS values that a cookie can name, by its lowest three bits: what links of Ethernet, PPPoE and
/// tunnels leave, the least of IPv4 and of IPv6, and jumbo frames.
const MSS: [u16; 8] = [536, 1220, 1300, 1360, 1400, 1440, 1460, 8960];
/// A cookie is good in its epoch and in the next.
const EPOCH_NS: u64 = 64_000_000_000;
/// How long a client is known.
const KNOWN_NS: u64 = 300_000_000_000;

/// ACKs, which may answer a cookie, and the SYNs above their zone's threshold.
pub(super) fn candidates(view: &ScreenView<'_>, suspects: &RowMask) -> RowMask {
    let mut protocols = view.protocol.iter();
    let bits = tcp_flag::SYN | tcp_flag::ACK | tcp_flag::RST | tcp_flag::FIN;
    let acks = RowMask::where_each(view.tcp_flags, |flags| {
        (flags & bits == tcp_flag::ACK) & (protocols.next() == Some(&TCP))
    });
    acks.or(suspects)
}

/// Judges a SYN above the threshold; true if it has to be answered with a cookie.
pub(super) fn must_answer(view: &ScreenView<'_>, row: usize, state: &mut ScreenState) -> bool {
    let now_ns = view.clock_ns[row];
    let known = state.clients.get(&client(view, row));
    if known.is_some_and(|until| now_ns < until.0) {
        return false;
    }
    state.zones[view.zone[row].index()].challenged_ns = Some(now_ns);
    true
}

/// Appends the SYN-ACK that answers a row.
pub(super) fn answer(view: &ScreenView<'_>, row: usize, seed: u64, answers: &mut Answers) {
    let segment = l4_of(view, row);
    let offered = mss_of(segment);
    let index = MSS.iter().rposition(|&mss| mss <= offered).unwrap_or(0);
    let epoch = view.clock_ns[row] / EPOCH_NS;
    let cookie = cookie(seed, view, row, word(segment, 4), epoch, index);
    let offset = answers.bytes.len();
    let headers = view.l4_offset[row].saturating_sub(view.l3_offset[row]);
    packet::syn_ack(
        &mut answers.bytes,
        &Segment {
            family: view.family[row],
            source: view.source[row],
            destination: view.destination[row],
            ports: (view.source_port[row], view.destination_port[row]),
            flags: view.tcp_flags[row],
            l4: segment,
            l4_length: view.ip_length[row].saturating_sub(u32::from(headers)),
        },
        cookie,
        MSS[index],
    );
    let number = u16::try_from(row).unwrap_or(u16::MAX);
    answers.finish(number, view.ingress[row], offset);
}

/// The MSS that a cookie remembers.
pub(crate) fn mss_of_cookie(cookie: u32) -> u16 {
    MSS[usize::try_from(cookie & MSS_MASK).unwrap_or(0)]
}

/// The first sequence number of a client whose segment has the right answer to a cookie.
pub(crate) fn client_first(sequence: u32, rows: &CookieRows, row: usize) -> u32 {
    if rows.probes.contains(row) { sequence } else { sequence.wrapping_sub(1) }
}

/// Looks for a cookie in an ACK, if its zone has cookies that may still be answered. The right one
/// makes the client known; what becomes of the packet depends on whether it has a session.
pub(super) fn examine(
    view: &ScreenView<'_>,
    row: usize,
    seed: u64,
    state: &mut ScreenState,
    rows: &mut CookieRows,
    evicted: &mut u64,
) {
    let now_ns = view.clock_ns[row];
    let Some(challenged_ns) = state.zones[view.zone[row].index()].challenged_ns else {
        return;
    };
    let epoch = now_ns / EPOCH_NS;
    if epoch > challenged_ns / EPOCH_NS + 1 {
        return;
    }
    let segment = l4_of(view, row);
    let found = word(segment, 8).wrapping_sub(1);
    let sequence = word(segment, 4);
    let index = usize::try_from(found & MSS_MASK).unwrap_or(0);
    let is_right = |first| {
        let mut epochs = [epoch, epoch.saturating_sub(1)].into_iter();
        epochs.any(|epoch| cookie(seed, view, row, first, epoch, index) == found)
    };
    let answers = is_right(sequence.wrapping_sub(1));
    // If the ACK was lost, probes of the closed window are all that still comes.
    let probes = !answers && is_right(sequence);
    if probes {
        rows.probes.insert(row);
    }
    if answers || probes {
        let until_ns = now_ns.saturating_add(KNOWN_NS);
        state.clients.entry(&client(view, row), now_ns, evicted).0 = until_ns;
        rows.answered.insert(row);
    } else {
        rows.failed.insert(row);
    }
}

/// 29 bits of hash over the connection, its first sequence number, the epoch and the MSS; then the
/// three bits of the MSS.
fn cookie(
    seed: u64,
    view: &ScreenView<'_>,
    row: usize,
    first: u32,
    epoch: u64,
    index: usize,
) -> u32 {
    let index = u32::try_from(index).unwrap_or(0) & MSS_MASK;
    let mut bytes = [0; 50];
    bytes[..16].copy_from_slice(&view.source[row].0);
    bytes[16..32].copy_from_slice(&view.destination[row].0);
    bytes[32..34].copy_from_slice(&view.source_port[row].to_be_bytes());
    bytes[34..36].copy_from_slice(&view.destination_port[row].to_be_bytes());
    bytes[36..40].copy_from_slice(&first.to_be_bytes());
    bytes[40..48].copy_from_slice(&epoch.to_be_bytes());
    bytes[48] = view.zone[row].0;
    [bytes[49], ..] = index.to_le_bytes();
    let hash = siphash([seed, !seed.rotate_left(29)], &bytes);
    u32::try_from(hash >> 32).unwrap_or(0) & !MSS_MASK | index
}

/// The MSS that a SYN offers (RFC 9293 section 3.7.1): 536 if it says nothing.
fn mss_of(segment: &[u8]) -> u16 {
    let header = segment.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4);
    let mut options = segment.get(20..header.min(segment.len())).unwrap_or_default();
    loop {
        match *options {
            [2, 4, high, low, ..] => return u16::from_be_bytes([high, low]),
            [1, ref rest @ ..] => options = rest,
            [kind, length, ..] if kind != 0 && length >= 2 => {
                options = options.get(usize::from(length)..).unwrap_or_default();
            }
            _ => return 536,
        }
    }
}

fn client(view: &ScreenView<'_>, row: usize) -> FlowKey {
    history::key(view, row, view.source[row], Address::ZERO)
}

fn word(segment: &[u8], at: usize) -> u32 {
    let bytes = segment.get(at..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

const MSS_MASK: u32 = 7;
