//! Virtual reassembly: tells every fragment what it is to its datagram, before anyone judges it. It
//! drops nothing: `screen` knows a tear-drop by the mark, `policy` has later fragments follow the
//! first one and drops the rest under their reasons. What is known of a datagram depends on the
//! fragments alone, not on what becomes of them.

use components::address::Family;
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK};
use components::fragment::{Fragment, FragmentTable, datagram_key};

use super::ParseView;

/// Marks a fragment, unless it has been dropped.
#[inline(never)]
pub(super) fn mark(view: &mut ParseView<'_>, row: usize, datagrams: &mut FragmentTable) {
    if !view.live.contains(row) {
        return;
    }
    let length = u32::from(view.fragment_length[row]);
    let headers = view.ip_length[row].saturating_sub(length);
    let fragment = Fragment {
        datagram: datagram_key(
            view.family[row],
            [view.source[row], view.destination[row]],
            view.protocol[row],
            view.identification[row],
        ),
        start: u32::from(view.fragment[row] & FRAGMENT_OFFSET_MASK) * 8,
        length,
        headers: match view.family[row] {
            Family::Inet6 => headers.saturating_sub(IPV6_NOT_COUNTED),
            _ => headers,
        },
        more: view.fragment[row] & FRAGMENT_MORE != 0,
    };
    (view.fragment_mark[row], view.datagram[row]) =
        datagrams.observe(&fragment, view.clock_ns[row]);
}

/// IPv6's payload length counts neither the header nor, once reassembled, the fragment header.
const IPV6_NOT_COUNTED: u32 = 40 + 8;
