//! How lines travel: one a datagram, octet counted over TCP (RFC 6587) or TLS (RFC 5425), each
//! acknowledged by the receiver (RELP), or appended to a file. A transport is given whole batches;
//! it knows how many lines of one the receiver has for certain, so that only the others go out
//! again after a failure. Every wait has an end.

mod file;
mod outq;
mod relp;
mod stream;
mod tls;

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

pub(super) use file::FileMark;
pub use file::FileTarget;
pub use tls::{TlsClient, TlsError, TlsFiles};

use file::LogFile;
use relp::RelpLink;
use stream::{OctetCounted, Wire};

/// What a record counts as once a transport has taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Handed to the network: nobody says whether it arrived.
    Sent,
    /// Received by the peer's kernel: a receiver that dies may lose the last of it.
    Written,
    /// The receiver itself has said so.
    Acked,
    /// On the device.
    Fsynced,
}

/// A receiver at an address.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// The receiver.
    pub to: SocketAddr,
    /// The address to send from.
    pub from: Option<IpAddr>,
    /// How the connection is protected, where it is.
    pub tls: Option<TlsClient>,
}

/// Where lines go.
#[derive(Clone, Debug)]
pub enum Target {
    /// One line a datagram.
    Udp(Receiver),
    /// Octet counted.
    Tcp(Receiver),
    /// Acknowledged one by one.
    Relp(Receiver),
    /// Appended and synced.
    File(FileTarget),
}

/// The lines of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a> {
    /// Back to back, each with its newline where its format has one.
    pub(super) bytes: &'a [u8],
    /// Where each ends.
    pub(super) ends: &'a [usize],
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Lines that the receiver has refused for good.
    pub(super) rejected: u64,
}

/// A target with its connection, if there is one.
#[derive(Debug)]
pub(super) struct Transport {
    target: Target,
    link: Option<Link>,
    /// Lines of the present batch that need not go out again.
    known: usize,
    /// Lines of the present batch that went out at least once.
    tried: usize,
    rejected: u64,
    /// Lines that went out again, because nobody knew what had become of them.
    pub(super) again: u64,
}

#[derive(Debug)]
enum Link {
    Udp(UdpSocket),
    Tcp(OctetCounted),
    Relp(RelpLink),
    File(LogFile),
}

impl Promise {
    /// The word for a record that is done with.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Written => "written",
            Self::Acked => "acked",
            Self::Fsynced => "fsynced",
        }
    }
}

impl Target {
    /// What it promises.
    #[must_use]
    pub const fn promise(&self) -> Promise {
        match self {
            Self::Udp(_) => Promise::Sent,
            Self::Tcp(_) => Promise::Written,
            Self::Relp(_) => Promise::Acked,
            Self::File(_) => Promise::Fsynced,
        }
    }
}

impl Receiver {
    /// Unprotected, from whichever address the system chooses.
    #[must_use]
    pub const fn at(to: SocketAddr) -> Self {
        Self { to, from: None, tls: None }
    }
}

impl<'a> Lines<'a> {
    /// The lines from `first` on, without their newlines.
    fn from(self, first: usize) -> impl Iterator<Item = &'a [u8]> {
        self.whole(first).map(|line| line.strip_suffix(b"\n").unwrap_or(line))
    }

    /// The same as they are.
    fn whole(self, first: usize) -> impl Iterator<Item = &'a [u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).skip(first).map(move |(start, &end)| &self.bytes[start..end])
    }
}

impl Transport {
    pub(super) const fn new(target: Target) -> Self {
        Self { target, link: None, known: 0, tried: 0, rejected: 0, again: 0 }
    }

    pub(super) const fn promise(&self) -> Promise {
        self.target.promise()
    }

    /// Opens what can be opened without anybody else.
    pub(super) fn open_file(&mut self) -> io::Result<()> {
        match &self.target {
            Target::File(_) => self.open(),
            Target::Udp(_) | Target::Tcp(_) | Target::Relp(_) => Ok(()),
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.link.is_some()
    }

    /// Connects or opens, within a deadline.
    pub(super) fn open(&mut self) -> io::Result<()> {
        self.link = Some(match &self.target {
            Target::Udp(Receiver { to, from, .. }) => {
                let local = from.unwrap_or(match to {
                    SocketAddr::V4(_) => IpAddr::from([0; 4]),
                    SocketAddr::V6(_) => IpAddr::from([0; 16]),
                });
                let socket = UdpSocket::bind((local, 0))?;
                socket.connect(to)?;
                socket.set_write_timeout(Some(WRITE_WAIT))?;
                Link::Udp(socket)
            }
            Target::Tcp(receiver) => Link::Tcp(OctetCounted::new(Wire::connect(receiver)?)),
            Target::Relp(receiver) => Link::Relp(RelpLink::open(Wire::connect(receiver)?)?),
            Target::File(target) => Link::File(target.open()?),
        });
        Ok(())
    }

    /// Hands a batch over, or the rest of it. An error closes; the next call with the same batch
    /// goes on behind the lines that are known to be there.
    pub(super) fn send(&mut self, lines: Lines<'_>) -> io::Result<Taken> {
        let Some(link) = &mut self.link else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        self.again += self.tried.saturating_sub(self.known) as u64;
        self.tried = lines.ends.len();
        let sent = match link {
            Link::Udp(socket) => lines.from(self.known).try_for_each(|line| {
                // An error here is often that of the datagram before: this one goes out again.
                socket.send(line).or_else(|_| socket.send(line))?;
                self.known += 1;
                Ok(())
            }),
            Link::Tcp(link) => link.send(lines, &mut self.known),
            Link::Relp(link) => link.send(lines, &mut self.known, &mut self.rejected),
            Link::File(file) => file.append(lines),
        };
        match sent {
            Ok(()) => {
                (self.known, self.tried) = (0, 0);
                Ok(Taken { rejected: std::mem::take(&mut self.rejected) })
            }
            Err(error) => {
                self.link = None;
                if matches!(self.target, Target::Udp(_)) {
                    // What was handed over was, and nothing else was tried.
                    self.tried = self.known;
                }
                Err(error)
            }
        }
    }

    /// Ends the connection as its protocol wants it ended.
    pub(super) fn close(&mut self) {
        match self.link.take() {
            Some(Link::Tcp(link)) => link.close(),
            Some(Link::Relp(link)) => link.close(),
            Some(Link::Udp(_) | Link::File(_)) | None => {}
        }
    }

    /// How long the file is now, for a cursor that is saved beside it.
    pub(super) fn mark(&self) -> FileMark {
        match &self.link {
            Some(Link::File(file)) => file.mark(),
            _ => FileMark::default(),
        }
    }

    /// Takes back what was written to the file after its cursor was saved: it will come again.
    pub(super) fn restore(&self, mark: FileMark) -> io::Result<()> {
        match &self.target {
            Target::File(target) => target.restore(mark),
            Target::Udp(_) | Target::Tcp(_) | Target::Relp(_) => Ok(()),
        }
    }

    /// Whether the file has to be rotated before a batch of this length, its cursor saved first.
    pub(super) fn wants_rotation(&self, bytes: usize) -> bool {
        match &self.link {
            Some(Link::File(file)) => file.wants_rotation(bytes),
            _ => false,
        }
    }

    /// Rotates the file.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        match (&self.target, self.link.take()) {
            (Target::File(target), Some(Link::File(file))) => {
                drop(file);
                target.rotate()?;
                self.open()
            }
            (_, link) => {
                self.link = link;
                Ok(())
            }
        }
    }
}

/// Longest wait for a connection, and for progress while writing.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
const WRITE_WAIT: Duration = Duration::from_secs(5);
