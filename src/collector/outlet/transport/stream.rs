//! A connection, plain or in TLS, and octet counting over it: `LENGTH SP LINE`, one after another
//! (RFC 6587 section 3.4.1, RFC 5425 section 4.3).

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::tls::TlsStream;
use super::{CONNECT_WAIT, Lines, Receiver, WRITE_WAIT, outq};

/// A connection.
#[derive(Debug)]
pub(super) enum Wire {
    /// As it is.
    Plain(TcpStream),
    /// In TLS.
    Tls(Box<TlsStream>),
}

impl Wire {
    /// Connects, and shakes hands if it is protected.
    pub(super) fn connect(receiver: &Receiver) -> io::Result<Self> {
        let domain = socket2::Domain::for_address(receiver.to);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
        if let Some(from) = receiver.from {
            socket.bind(&std::net::SocketAddr::new(from, 0).into())?;
        }
        socket.connect_timeout(&receiver.to.into(), CONNECT_WAIT)?;
        // A peer that accepts and never reads, or is gone, must not hold a batch for ever.
        socket.set_tcp_user_timeout(Some(WRITE_WAIT))?;
        socket.set_write_timeout(Some(WRITE_WAIT))?;
        socket.set_read_timeout(Some(WRITE_WAIT))?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        match &receiver.tls {
            None => Ok(Self::Plain(stream)),
            Some(client) => Ok(Self::Tls(Box::new(client.handshake(stream)?))),
        }
    }

    /// The socket below.
    pub(super) const fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.socket(),
        }
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes),
        }
    }

    /// Reads what there is, waiting for it at most this long; `None` if nothing came.
    pub(super) fn read(&mut self, into: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        self.socket().set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
        let read = match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        };
        match read {
            Ok(count) => Ok(Some(count)),
            Err(error) if is_empty(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An error if the peer has ended the connection: what is written then goes nowhere, and says
    /// so too late.
    pub(super) fn is_alive(&mut self) -> io::Result<()> {
        self.socket().set_nonblocking(true)?;
        let mut nothing = [0; 512];
        let read = match self {
            Self::Plain(stream) => stream.read(&mut nothing),
            Self::Tls(stream) => stream.read(&mut nothing),
        };
        self.socket().set_nonblocking(false)?;
        match read {
            Ok(0) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the receiver left")),
            // Syslog receivers have nothing to say, and may say it.
            Ok(_) => Ok(()),
            Err(error) if is_empty(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Says goodbye.
    pub(super) fn close(self) {
        match self {
            Self::Plain(stream) => {
                let _ = stream.shutdown(std::net::Shutdown::Write);
            }
            Self::Tls(stream) => stream.close(),
        }
    }
}

fn is_empty(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// Syslog over a connection.
#[derive(Debug)]
pub(super) struct OctetCounted {
    wire: Wire,
    /// Counts and lines of a batch, and where each line ends in them.
    framed: Vec<u8>,
    ends: Vec<usize>,
}

impl OctetCounted {
    pub(super) const fn new(wire: Wire) -> Self {
        Self { wire, framed: Vec::new(), ends: Vec::new() }
    }

    /// Writes the lines from `known` on and waits until the peer's kernel has them. `known` counts
    /// the lines of which that is certain, also if the rest fails.
    pub(super) fn send(&mut self, lines: Lines<'_>, known: &mut usize) -> io::Result<()> {
        self.framed.clear();
        self.ends.clear();
        for line in lines.from(*known) {
            write!(self.framed, "{} ", line.len())?;
            self.framed.extend_from_slice(line);
            self.ends.push(self.framed.len());
        }
        let first = *known;
        self.wire.is_alive()?;
        let mut written = 0;
        for piece in self.framed.chunks(PIECE_BYTES) {
            let sent = self.wire.write_all(piece);
            written += piece.len();
            *known = first + self.received(written).unwrap_or(0);
            sent?;
        }
        let mut progress = (Instant::now(), usize::MAX);
        loop {
            // A system that cannot tell how much is on the way has taken it all.
            let left = outq::unacknowledged(self.wire.socket()).unwrap_or(0);
            *known = first + self.received(written).unwrap_or(self.ends.len());
            if left == 0 {
                break;
            }
            if left < progress.1 {
                progress = (Instant::now(), left);
            } else if progress.0.elapsed() >= WRITE_WAIT {
                let text = "the receiver acknowledges nothing";
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        self.wire.is_alive()
    }

    /// Lines that the peer's kernel has, of `written` bytes. In TLS bytes of lines are not bytes
    /// on the wire: nothing is known until everything is.
    fn received(&self, written: usize) -> Option<usize> {
        let left = outq::unacknowledged(self.wire.socket()).ok()?;
        let received = match &self.wire {
            Wire::Plain(_) => written.saturating_sub(left),
            Wire::Tls(_) if left == 0 => written,
            Wire::Tls(_) => 0,
        };
        Some(self.ends.partition_point(|end| *end <= received))
    }

    pub(super) fn close(self) {
        self.wire.close();
    }
}

/// Bytes between two looks at what has arrived.
const PIECE_BYTES: usize = 64 * 1024;

/// Between looks at what is on the way.
const LOOK_AGAIN: Duration = Duration::from_micros(200);
