//! How lines travel: one a datagram, octet counted over TCP (RFC 6587), or appended to a file. A
//! transport is given whole batches and either has taken a batch or has not; every wait has an end.

use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

/// What a record counts as once a transport has taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Handed to the network: nobody says whether it arrived.
    Sent,
    /// Taken by the connection: a receiver that dies may lose the last of it.
    Written,
    /// On the device.
    Fsynced,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One line a datagram.
    Udp {
        /// The receiver.
        to: SocketAddr,
        /// The address to send from.
        from: Option<IpAddr>,
    },
    /// Octet counted.
    Tcp {
        /// The receiver.
        to: SocketAddr,
        /// The address to send from.
        from: Option<IpAddr>,
    },
    /// Appended and synced.
    File(PathBuf),
}

/// A target with its connection, if there is one.
#[derive(Debug)]
pub(super) struct Transport {
    target: Target,
    link: Option<Link>,
    /// Octet counts and lines of a batch, for TCP.
    framed: Vec<u8>,
}

#[derive(Debug)]
enum Link {
    Udp(UdpSocket),
    Tcp(TcpStream),
    File(File),
}

impl Promise {
    /// The word for a record that is done with.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Written => "written",
            Self::Fsynced => "fsynced",
        }
    }
}

impl Target {
    /// What it promises.
    #[must_use]
    pub const fn promise(&self) -> Promise {
        match self {
            Self::Udp { .. } => Promise::Sent,
            Self::Tcp { .. } => Promise::Written,
            Self::File(_) => Promise::Fsynced,
        }
    }
}

impl Transport {
    pub(super) const fn new(target: Target) -> Self {
        Self { target, link: None, framed: Vec::new() }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.link.is_some()
    }

    /// Connects or opens, within [`CONNECT_WAIT`].
    pub(super) fn open(&mut self) -> io::Result<()> {
        self.link = Some(match &self.target {
            Target::Udp { to, from } => {
                let local = from.unwrap_or(match to {
                    SocketAddr::V4(_) => IpAddr::from([0; 4]),
                    SocketAddr::V6(_) => IpAddr::from([0; 16]),
                });
                let socket = UdpSocket::bind((local, 0))?;
                socket.connect(to)?;
                socket.set_write_timeout(Some(WRITE_WAIT))?;
                Link::Udp(socket)
            }
            Target::Tcp { to, from } => Link::Tcp(connect(*to, *from)?),
            Target::File(path) => {
                let mut options = File::options();
                options.append(true).create(true).mode(0o640).custom_flags(NO_FOLLOW);
                Link::File(options.open(path)?)
            }
        });
        Ok(())
    }

    /// Hands lines over, each ending where `ends` says. An error closes; nothing is known of what
    /// of the batch has gone out then.
    pub(super) fn send(&mut self, lines: &[u8], ends: &[usize]) -> io::Result<()> {
        let sent = self.try_send(lines, ends);
        if sent.is_err() {
            self.link = None;
        }
        sent
    }

    fn try_send(&mut self, lines: &[u8], ends: &[usize]) -> io::Result<()> {
        let Some(link) = &mut self.link else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let each = starts.zip(ends).map(|(start, &end)| &lines[start..end]);
        match link {
            Link::Udp(socket) => each.map(without_newline).try_for_each(|line| {
                // An error here is often that of the datagram before: this one goes out again.
                socket.send(line).or_else(|_| socket.send(line)).map(|_| ())
            }),
            Link::Tcp(stream) => {
                self.framed.clear();
                for line in each.map(without_newline) {
                    write!(self.framed, "{} ", line.len())?;
                    self.framed.extend_from_slice(line);
                }
                stream.write_all(&self.framed)
            }
            Link::File(file) => {
                if let Target::File(path) = &self.target
                    && !is_same(file, path)
                {
                    return Err(io::Error::other("the file was moved away"));
                }
                file.write_all(lines)?;
                file.sync_data()
            }
        }
    }
}

/// Whether the path still names the open file: someone else may have rotated it.
fn is_same(file: &File, path: &std::path::Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn connect(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let domain = socket2::Domain::for_address(to);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    if let Some(from) = from {
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    socket.connect_timeout(&to.into(), CONNECT_WAIT)?;
    // A peer that accepts and never reads, or is gone, must not hold a batch for ever.
    socket.set_tcp_user_timeout(Some(WRITE_WAIT))?;
    socket.set_write_timeout(Some(WRITE_WAIT))?;
    Ok(socket.into())
}

fn without_newline(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// `O_NOFOLLOW` of Linux: a log file is no symbolic link.
const NO_FOLLOW: i32 = 0o400_000;

/// Longest wait for a connection, and for room to write.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
const WRITE_WAIT: Duration = Duration::from_secs(5);
