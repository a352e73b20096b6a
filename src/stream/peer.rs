//! Who is at the other end of a Unix socket: the kernel says so, and it cannot be lied to.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use components::stream::StreamId;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// The process at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process id.
    pub pid: u32,
    /// Its user id.
    pub uid: u32,
}

impl Peer {
    /// Of a connected socket.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(socket: &impl AsFd) -> io::Result<Self> {
        let credentials = socket_peercred(socket)?;
        Ok(Self {
            pid: credentials.pid.as_raw_nonzero().get().unsigned_abs(),
            uid: credentials.uid.as_raw(),
        })
    }

    /// Whether it may talk to us: root, our own user, or one that is named.
    #[must_use]
    pub fn is_allowed(&self, uids: &[u32]) -> bool {
        self.uid == 0 || self.uid == rustix::process::geteuid().as_raw() || uids.contains(&self.uid)
    }

    /// What its stream is called if it says no Hello: process id and start time, so that a
    /// process that began again at 1 is another stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // The name in parentheses may hold anything; the start time is the 20th field after it.
        let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let started = after.split_ascii_whitespace().nth(19).and_then(|ticks| ticks.parse().ok());
        let started: u64 = started.unwrap_or(0);
        // Never 0, and never small as ids that a person chose.
        StreamId(1 << 63 | u64::from(self.pid) << 40 | started & ((1 << 40) - 1))
    }
}

/// Connects without waiting: a listener whose queue is full is one that cannot be reached now.
///
/// # Errors
/// What the system says.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &address)?;
    Ok(UnixStream::from(socket))
}
