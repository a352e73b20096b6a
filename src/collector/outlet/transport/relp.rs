//! RELP, the Reliable Event Logging Protocol of librelp: each message is a transaction that the
//! receiver answers when it has it. A frame is `TXNR SP COMMAND SP LENGTH [SP DATA] LF`; an answer
//! has the number of what it answers, the command `rsp`, and data that begins with a status of
//! three digits. Up to 128 messages are on their way at a time, as librelp has it.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::stream::Wire;
use super::{Lines, WRITE_WAIT};

/// The sender's side, without a connection: what to write, and what answers mean.
#[derive(Debug)]
struct Client {
    /// The number of the next transaction, 1 to 999,999,999.
    next: u32,
    /// Transactions on their way, oldest first, and what has become of each.
    open: VecDeque<(u32, Option<u16>)>,
    /// What was received and is no whole frame yet.
    inbox: Vec<u8>,
}

/// What the receiver did that no receiver does.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum RelpError {
    /// Bytes that are no frame.
    #[error("RELP: no frame: {0}")]
    Frame(&'static str),
    /// An answer to nothing.
    #[error("RELP: an answer to transaction {0}, which is not open")]
    Unasked(u32),
    /// It closes the connection.
    #[error("RELP: the receiver closes the connection")]
    Closes,
}

impl Client {
    fn new() -> Self {
        Self { next: 1, open: VecDeque::new(), inbox: Vec::new() }
    }

    /// Appends a command's frame, whose answer is then awaited.
    fn command(&mut self, command: &str, data: &[u8], out: &mut Vec<u8>) {
        let number = self.next;
        self.next = if number >= NUMBER_MAX { 1 } else { number + 1 };
        self.open.push_back((number, None));
        // Writing to a vector cannot fail.
        let _ = write!(out, "{number} {command} {}", data.len());
        if !data.is_empty() {
            out.push(b' ');
            out.extend_from_slice(data);
        }
        out.push(b'\n');
    }

    /// Takes bytes and the answers in them.
    fn received(&mut self, bytes: &[u8]) -> Result<(), RelpError> {
        self.inbox.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(frame) = Frame::read(&self.inbox[at..])? {
            at += frame.length;
            match frame.command {
                b"rsp" => {
                    let status = status(frame.data)?;
                    let open = self.open.iter_mut().find(|(number, _)| *number == frame.number);
                    open.ok_or(RelpError::Unasked(frame.number))?.1 = Some(status);
                }
                b"serverclose" => return Err(RelpError::Closes),
                // What a later version may say besides is not for us.
                _ => {}
            }
        }
        self.inbox.drain(..at);
        Ok(())
    }

    /// The status of the oldest transaction, once it and all before it are answered.
    fn settled(&mut self) -> Option<u16> {
        let status = self.open.front()?.1?;
        self.open.pop_front();
        Some(status)
    }
}

/// A received frame.
struct Frame<'a> {
    number: u32,
    command: &'a [u8],
    data: &'a [u8],
    /// Of the whole.
    length: usize,
}

impl<'a> Frame<'a> {
    /// The first frame of these bytes, if it is whole.
    fn read(bytes: &'a [u8]) -> Result<Option<Self>, RelpError> {
        let Some((number, rest)) = word(bytes, 9)? else { return Ok(None) };
        let Some((command, rest)) = word(rest, 32)? else { return Ok(None) };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 9 {
            return Err(RelpError::Frame("a length of more than nine digits"));
        }
        let Some(&after) = rest.get(digits) else { return Ok(None) };
        let length: usize = decimal(&rest[..digits])?;
        if length > ANSWER_BYTES_MAX {
            return Err(RelpError::Frame("an answer that is too long"));
        }
        let begin = bytes.len() - rest.len() + digits;
        // No data, then no space before it; some write one.
        let begin = if length > 0 || after == b' ' {
            if after != b' ' {
                return Err(RelpError::Frame("expected a space before the data"));
            }
            begin + 1
        } else {
            begin
        };
        let Some(data) = bytes.get(begin..begin + length) else { return Ok(None) };
        match bytes.get(begin + length) {
            None => Ok(None),
            Some(b'\n') => {
                let number = u32::try_from(decimal(number)?).unwrap_or(u32::MAX);
                Ok(Some(Self { number, command, data, length: begin + length + 1 }))
            }
            Some(_) => Err(RelpError::Frame("expected a line feed behind the data")),
        }
    }
}

/// A word and what follows its space.
type Word<'a> = (&'a [u8], &'a [u8]);

/// The first word, if its space has come.
fn word(bytes: &[u8], longest: usize) -> Result<Option<Word<'_>>, RelpError> {
    match bytes.iter().position(|byte| *byte == b' ') {
        Some(0) => Err(RelpError::Frame("an empty word")),
        Some(at) if at <= longest => Ok(Some((&bytes[..at], &bytes[at + 1..]))),
        None if bytes.len() <= longest => Ok(None),
        _ => Err(RelpError::Frame("a word that is too long")),
    }
}

fn decimal(digits: &[u8]) -> Result<usize, RelpError> {
    let text = std::str::from_utf8(digits).ok();
    let number = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.and_then(|text| text.parse().ok()).ok_or(RelpError::Frame("expected a number"))
}

/// The status that an answer begins with.
fn status(data: &[u8]) -> Result<u16, RelpError> {
    let digits = data.first_chunk::<3>().ok_or(RelpError::Frame("an answer without a status"))?;
    let number = decimal(digits)?;
    Ok(u16::try_from(number).unwrap_or(u16::MAX))
}

/// A RELP connection.
#[derive(Debug)]
pub(super) struct RelpLink {
    wire: Wire,
    client: Client,
    out: Vec<u8>,
}

impl RelpLink {
    /// Offers a session, and has it taken.
    pub(super) fn open(wire: Wire) -> io::Result<Self> {
        let mut link = Self { wire, client: Client::new(), out: Vec::new() };
        link.client.command("open", OFFERS, &mut link.out);
        link.wire.write_all(&link.out)?;
        match link.answer()? {
            ACCEPTED => Ok(link),
            status => Err(io::Error::other(format!("RELP: open is answered with {status}"))),
        }
    }

    /// Sends the lines from `known` on, which counts those that are answered.
    pub(super) fn send(
        &mut self,
        lines: Lines<'_>,
        known: &mut usize,
        rejected: &mut u64,
    ) -> io::Result<()> {
        let mut left = lines.from(*known).peekable();
        while left.peek().is_some() || !self.client.open.is_empty() {
            self.out.clear();
            while self.client.open.len() < WINDOW
                && let Some(line) = left.next()
            {
                self.client.command("syslog", line, &mut self.out);
            }
            self.wire.write_all(&self.out)?;
            let mut settled = Some(self.answer()?);
            while let Some(status) = settled {
                *known += 1;
                *rejected += u64::from(status != ACCEPTED);
                settled = self.client.settled();
            }
        }
        Ok(())
    }

    /// Waits for the oldest transaction's answer.
    fn answer(&mut self) -> io::Result<u16> {
        let limit = Instant::now() + WRITE_WAIT;
        loop {
            if let Some(status) = self.client.settled() {
                return Ok(status);
            }
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = "RELP: the receiver does not answer";
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            let mut piece = [0; 4096];
            match self.wire.read(&mut piece, left)? {
                Some(0) => {
                    let text = "RELP: the receiver left";
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, text));
                }
                Some(count) => {
                    self.client.received(&piece[..count]).map_err(io::Error::other)?;
                }
                None => {}
            }
        }
    }

    /// Says `close`, and waits a moment for the answer.
    pub(super) fn close(mut self) {
        self.out.clear();
        self.client.command("close", b"", &mut self.out);
        if self.wire.write_all(&self.out).is_ok() {
            let _ = self.wire.read(&mut [0; 256], Duration::from_millis(200));
        }
        self.wire.close();
    }
}

const OFFERS: &[u8] =
    concat!("relp_version=0\nrelp_software=weir,", env!("CARGO_PKG_VERSION"), "\ncommands=syslog")
        .as_bytes();

/// The status of what the receiver has.
const ACCEPTED: u16 = 200;
/// Transactions on their way.
const WINDOW: usize = 128;
/// Numbers have at most nine digits.
const NUMBER_MAX: u32 = 999_999_999;
/// Answers are a status and a few words.
const ANSWER_BYTES_MAX: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(lines: &[&str]) -> (Client, Vec<u8>) {
        let (mut client, mut out) = (Client::new(), Vec::new());
        for line in lines {
            client.command("syslog", line.as_bytes(), &mut out);
        }
        (client, out)
    }

    #[test]
    fn frames_have_a_number_a_command_a_length_and_data() {
        let (mut client, mut out) = asked(&["a b\nc"]);
        client.command("close", b"", &mut out);
        assert_eq!(out, b"1 syslog 5 a b\nc\n2 close 0\n");
    }

    #[test]
    fn answers_settle_in_order_whatever_order_they_come_in() {
        let (mut client, _) = asked(&["a", "b", "c"]);
        client.received(b"2 rsp 6 200 OK\n3 rsp 14 500 no, thanks\n").expect("answers");
        assert_eq!(client.settled(), None, "the first is open");
        client.received(b"1 rsp 6 200 OK\n").expect("an answer");
        assert_eq!(
            [client.settled(), client.settled(), client.settled()],
            [Some(200), Some(200), Some(500)]
        );
        assert_eq!(client.settled(), None);
    }

    #[test]
    fn what_no_receiver_says_is_an_error() {
        for (bytes, error) in [
            (&b"9 rsp 6 200 OK\n"[..], RelpError::Unasked(9)),
            (b"1 rsp 2 OK\n", RelpError::Frame("an answer without a status")),
            (b"1 rsp 6 200 OKx", RelpError::Frame("expected a line feed behind the data")),
            (b"x rsp 6 200 OK\n", RelpError::Frame("expected a number")),
            (b"1 rsp 999999999 ", RelpError::Frame("an answer that is too long")),
            (b"0 serverclose 0\n", RelpError::Closes),
            (b"1234567890 ", RelpError::Frame("a word that is too long")),
        ] {
            let (mut client, _) = asked(&["a"]);
            assert_eq!(client.received(bytes), Err(error), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn numbers_begin_again_behind_nine_digits() {
        let mut client = Client { next: NUMBER_MAX, ..Client::new() };
        let mut out = Vec::new();
        client.command("syslog", b"", &mut out);
        client.command("syslog", b"", &mut out);
        assert_eq!(out, b"999999999 syslog 0\n1 syslog 0\n");
    }

    proptest! {
        #[test]
        fn answers_cut_anywhere_are_the_same(cuts in proptest::collection::vec(1usize..9, 0..40)) {
            let (mut client, _) = asked(&["a", "b", "c"]);
            let mut rest = &b"1 rsp 6 200 OK\n2 rsp 0 \n3 rsp 6 200 OK\n"[..];
            let whole = [&b"1 rsp 6 200 OK\n2 rsp 7 200\nOK!\n3 rsp 6 200 OK\n"[..]].concat();
            prop_assert!(client.received(rest).is_err(), "an answer without a status");
            rest = &whole;
            let (mut client, _) = asked(&["a", "b", "c"]);
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                prop_assert_eq!(client.received(now), Ok(()));
                rest = later;
            }
            prop_assert_eq!(client.received(rest), Ok(()));
            prop_assert_eq!([client.settled(), client.settled(), client.settled()], [Some(200); 3]);
        }

        #[test]
        fn nothing_panics_on_bytes_of_a_stranger(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let (mut client, _) = asked(&["a"]);
            let _ = client.received(&bytes);
        }
    }
}
