//! Connections that a SYN cookie has opened. The right answer to a cookie takes the first path as
//! if it were the client's SYN; the server is sent a SYN of the firewall's own, and until it has
//! answered the client, whose window is closed, has to wait. The server's answer connects both: it
//! is acknowledged, and the client is told the server's window. Segments made here know of no
//! option but the MSS that the cookie remembers, so none of the others is ever agreed on.

use components::columns::tcp_flag::{ACK, RST, SYN};
use components::kinds::CloseReason;
use components::reason::DropReason;
use components::session::index::Entry;
use components::session::record::Session;
use components::session::splice::Splice;
use components::session::tcp::Segment;
use components::world::World;

use super::{PolicyView, join, limits, row_number, tcp};
use crate::reject::packet::{self, Made};
use crate::screen::cookie;
use crate::shard::{Answers, Shard};
use crate::system::drop_row;

/// What becomes of a packet whose session is opening.
pub(super) enum Waits {
    /// It has been dealt with.
    Done,
    /// It goes on like any other of the session.
    GoesOn,
}

/// The client's SYN as it must have been, of a row with the right answer to a cookie.
pub(super) fn opening_segment(view: &PolicyView<'_>, row: usize, shard: &Shard) -> Option<Segment> {
    shard.cookies.answered.contains(row).then(|| Segment {
        flags: SYN,
        sequence: cookie::client_first(view.tcp_sequence[row], &shard.cookies, row),
        window: view.tcp_window[row],
        ..Segment::default()
    })
}

/// How a session begins that this row opens.
pub(super) fn begin(view: &PolicyView<'_>, row: usize, shard: &Shard) -> Splice {
    match shard.cookies.answered.contains(row) {
        true => Splice::opening(view.tcp_acknowledgment[row].wrapping_sub(1)),
        false => Splice::default(),
    }
}

/// Sends the server its SYN; the client's packet has done its work.
pub(super) fn opened(
    view: &mut PolicyView<'_>,
    row: usize,
    session: &Session,
    shard: &mut Shard,
    world: &World,
) {
    shard.counters.cookies.opened += 1;
    send_syn(row, session, shard, world);
    drop_row(view.live, view.verdict, row, DropReason::SynCookieAnswered);
}

/// A packet of a session whose server has not answered yet.
pub(super) fn meet(
    view: &mut PolicyView<'_>,
    row: usize,
    entry: Entry,
    shard: &mut Shard,
    world: &World,
) -> Waits {
    let direction = entry.direction();
    let segment = tcp::segment_of(view, row, direction);
    let session = shard.sessions.get_mut(entry.slot());
    let Some(cookie) = session.splice.cookie() else {
        return Waits::GoesOn;
    };
    // Whatever the client says but a reset has to wait.
    let is_judged = direction & 1 == 1 || segment.flags & RST != 0;
    if is_judged && let Err(reason) = session.tcp.judge(&segment, world.flow.tcp_checks) {
        if direction & 1 == 1 {
            let session = *session;
            refuse(row, &session, &segment, shard);
        }
        drop_row(view.live, view.verdict, row, reason);
        return Waits::Done;
    }
    if segment.flags & RST != 0 && view.ttl[row] <= 1 {
        // It reaches nobody, so the session goes on opening.
        drop_row(view.live, view.verdict, row, DropReason::TtlExceeded);
        return Waits::Done;
    }
    match (direction & 1, segment.flags & (SYN | ACK | RST)) {
        (1, flags) if flags & RST != 0 => {
            // The client obeys a reset at the number that it expects.
            session.splice.join(segment.sequence.wrapping_sub(1));
            return Waits::GoesOn;
        }
        (_, flags) if flags & RST != 0 => {
            session.splice.join(cookie);
            return Waits::GoesOn;
        }
        (1, flags) if flags == SYN | ACK => {
            connect(view, row, entry, cookie, &segment, shard, world);
        }
        (1, _) => drop_row(view.live, view.verdict, row, DropReason::TcpOutOfState),
        _ => {
            let waited_ns = view.clock_ns[row].saturating_sub(session.last_packet_ns());
            if session.splice.is_due_again(waited_ns) {
                let session = *session;
                send_syn(row, &session, shard, world);
            }
            drop_row(view.live, view.verdict, row, DropReason::SynCookieOpening);
        }
    }
    Waits::Done
}

/// A server that still has an older connection of these addresses and ports acknowledges what the
/// SYN has not sent. A reset at that number has it forget (RFC 9293 section 3.10.7.3), and the next
/// SYN finds it ready.
fn refuse(row: usize, session: &Session, segment: &Segment, shard: &mut Shard) {
    let expected = session.tcp.opening().0.wrapping_add(1);
    if segment.flags & (ACK | RST) != ACK || segment.acknowledgment == expected {
        return;
    }
    let numbers = (segment.acknowledgment, 0);
    let reset = Say { flags: RST, numbers, window: 0, mss: None };
    say(&mut shard.answers, row, session, SERVER, &reset);
    shard.counters.cookies.made += 1;
}

/// The server's SYN-ACK: both sides are answered, and connected from now on.
fn connect(
    view: &mut PolicyView<'_>,
    row: usize,
    entry: Entry,
    cookie: u32,
    segment: &Segment,
    shard: &mut Shard,
    world: &World,
) {
    let Shard { sessions, screens, counters, answers, .. } = shard;
    let session = sessions.get_mut(entry.slot());
    let (first, window) = session.tcp.opening();
    session.splice.join(segment.sequence);
    let before = session.segment(segment, world.flow.tcp_checks);
    let state = session.tcp.state();
    let acknowledgment = Segment {
        direction: 0,
        flags: ACK,
        sequence: first.wrapping_add(1),
        acknowledgment: segment.sequence.wrapping_add(1),
        window,
        ..Segment::default()
    };
    let ends_sooner = session.segment(&acknowledgment, world.flow.tcp_checks) || before;
    session.packet(1, view.ip_length[row], view.clock_ns[row]);
    limits::follow(view, row, state, session, screens, counters, world);
    let to_server = Say {
        flags: ACK,
        numbers: (acknowledgment.sequence, acknowledgment.acknowledgment),
        window,
        mss: None,
    };
    say(answers, row, session, SERVER, &to_server);
    let numbers = (cookie.wrapping_add(1), first.wrapping_add(1));
    let to_client = Say { flags: ACK, numbers, window: segment.window, mss: None };
    say(answers, row, session, CLIENT, &to_client);
    counters.cookies.made += 2;
    counters.cookies.joined += 1;
    let session = *session;
    join(view, row, entry, &session);
    drop_row(view.live, view.verdict, row, DropReason::SynCookieJoined);
    if ends_sooner {
        shard.sessions.reschedule(entry.slot());
    }
}

/// A session that ends before its server has answered: its client is told so.
pub(super) fn give_up(
    session: &Session,
    row: usize,
    answers: &mut Answers,
    counts: &mut crate::counters::CookieCounts,
) {
    let Some(cookie) = session.splice.cookie() else {
        return;
    };
    let numbers = (cookie.wrapping_add(1), session.tcp.opening().0.wrapping_add(1));
    let reset = Say { flags: RST | ACK, numbers, window: 0, mss: None };
    say(answers, row, session, CLIENT, &reset);
    counts.made += 1;
    counts.given_up += 1;
}

/// Whether a client that waited in vain is told so instead of being taken for a new one.
pub(super) fn ends_opening(reason: CloseReason, session: &Session) -> bool {
    reason != CloseReason::Policy && session.splice.cookie().is_some()
}

fn send_syn(row: usize, session: &Session, shard: &mut Shard, world: &World) {
    let (first, window) = session.tcp.opening();
    let remembered = session.splice.cookie().map_or(0, cookie::mss_of_cookie);
    let mss = Some(remembered.min(world.flow.tcp_mss.unwrap_or(u16::MAX)));
    let syn = Say { flags: SYN, numbers: (first, 0), window, mss };
    say(&mut shard.answers, row, session, SERVER, &syn);
    shard.counters.cookies.made += 1;
}

/// What a segment without data says: sequence and acknowledgment number.
struct Say {
    flags: u8,
    numbers: (u32, u32),
    window: u16,
    mss: Option<u16>,
}

/// Whose packets arrive with which of a session's keys.
const CLIENT: usize = 0;
const SERVER: usize = 1;

/// Says something to one side in the name of the other, as that side knows it.
fn say(answers: &mut Answers, row: usize, session: &Session, side: usize, say: &Say) {
    let key = &session.keys[side];
    let start = answers.bytes.len();
    let made = Made {
        family: key.family,
        from: (key.destination, key.destination_port),
        to: (key.source, key.source_port),
        sequence: say.numbers.0,
        acknowledgment: say.numbers.1,
        flags: say.flags,
        window: say.window,
        mss: say.mss,
    };
    packet::segment(&mut answers.bytes, &made);
    answers.finish(row_number(row), session.interfaces[side], start);
}
