//! Packets of TCP sessions: the segment as the tracker wants it, and what becomes of the session. A
//! segment is judged before anything else is decided and followed only if it goes on, so that what
//! is dropped moves no window.

use components::columns::{FRAGMENT_MORE, tcp_flag};
use components::kinds::CloseReason;
use components::session::record::Session;
use components::session::tcp::Segment;
use components::world::FlowOptions;

use super::{PolicyView, message_of};
use crate::tcp_options;

/// The segment of a row that travels in `direction` of its session.
pub(super) fn segment_of(view: &PolicyView<'_>, row: usize, direction: u8) -> Segment {
    let flags = view.tcp_flags[row];
    Segment {
        direction,
        flags,
        sequence: view.tcp_sequence[row],
        acknowledgment: view.tcp_acknowledgment[row],
        window: view.tcp_window[row],
        payload: view.tcp_payload[row],
        // Only a SYN's means something.
        scale: if flags & tcp_flag::SYN == 0 {
            None
        } else {
            tcp_options::find(message_of(view, row), tcp_options::WINDOW_SCALE)
        },
        fragmented: view.fragment[row] & FRAGMENT_MORE != 0,
    }
}

/// Why the session ends with this segment instead of some time after it.
pub(super) fn invalidates(
    session: &Session,
    flags: u8,
    options: &FlowOptions,
) -> Option<CloseReason> {
    if flags & tcp_flag::RST != 0 && options.rst_invalidates && session.is_closed() {
        return Some(session.close_reason());
    }
    (flags & tcp_flag::FIN != 0 && options.fin_invalidates).then_some(CloseReason::TcpFin)
}
