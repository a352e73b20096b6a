//! The one connection: who is at its other end, bytes in and bytes out.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;

use components::stream::{Generation, Time};
use rustix::io::Errno;

use super::Service;
use crate::failpoint::failpoint;
use crate::stream::peer::Peer;

/// A producer that is connected.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: UnixStream,
    pub(super) peer: Peer,
    generation: Generation,
}

/// A descriptor that is kept for the day when there are none: with it, a connection can still be
/// taken and closed instead of knocking for ever.
#[derive(Debug)]
pub(super) struct Reserve(Option<File>);

impl Reserve {
    pub(super) fn new() -> Self {
        Self(File::open("/dev/null").ok())
    }
}

impl Service {
    /// Takes a connection that waits, or refuses it.
    pub(super) fn accept(&mut self, now: Time) {
        if self.machine.accepts_at() > now {
            return;
        }
        let socket = match self.listener.accept() {
            Ok(Some(socket)) => socket,
            Ok(None) => return,
            Err(error) => return self.cannot_accept(&error),
        };
        let peer = match Peer::of(&socket) {
            Ok(peer) => peer,
            Err(error) => return self.cannot_accept(&error),
        };
        if !peer.is_allowed(&self.config.peer_uids) {
            if self.shared.refuse_user(peer.uid) {
                tracing::warn!(uid = peer.uid, pid = peer.pid, "user refused, told once");
            }
            return;
        }
        match self.machine.accepted(peer.stream(), now) {
            Ok(generation) => {
                tracing::info!(pid = peer.pid, uid = peer.uid, "producer connected");
                self.connection = Some(Connection { socket, peer, generation });
            }
            Err(refusal) => {
                tracing::warn!(pid = peer.pid, reason = refusal.description(), "refused");
            }
        }
    }

    /// Out of descriptors, most likely: the one that is kept lets us turn the caller away.
    fn cannot_accept(&mut self, error: &io::Error) {
        self.shared.accept_failed(error);
        self.reserve.0 = None;
        let _ = self.listener.accept();
        self.reserve = Reserve::new();
    }

    /// Reads what has come, as far as the queue has room; true if something had.
    pub(super) fn read(&mut self, now: Time) -> bool {
        let mut any = false;
        for _ in 0..READS_A_TURN {
            let Some(connection) = self.connection.as_ref().filter(|_| self.machine.reads()) else {
                return any;
            };
            let room = self.machine.spare_mut();
            let whole = room.len();
            match rustix::io::read(&connection.socket, room) {
                Ok(0) => {
                    self.hang_up(now);
                    return true;
                }
                Ok(count) => {
                    failpoint("collector-received");
                    self.machine.filled(count);
                    self.advance();
                    failpoint("collector-applied");
                    any = true;
                    if count < whole {
                        return any;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return any,
                Err(error) => {
                    tracing::info!(error = %io::Error::from(error), "connection lost");
                    self.hang_up(now);
                    return true;
                }
            }
        }
        any
    }

    /// Writes what the machine has to say; true if something went out.
    pub(super) fn write(&mut self, now: Time) -> bool {
        let mut any = false;
        while let Some(connection) = &self.connection {
            let bytes = self.machine.next_write();
            if bytes.is_empty() {
                return any;
            }
            failpoint("collector-ack");
            // Without a signal where the other end is gone.
            let flags = rustix::net::SendFlags::NOSIGNAL;
            match rustix::net::send(&connection.socket, bytes, flags) {
                Ok(count) => {
                    self.machine.wrote(count);
                    failpoint("collector-acked");
                    any = true;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::NOBUFS) => return any,
                Err(error) => {
                    tracing::info!(error = %io::Error::from(error), "connection lost");
                    self.hang_up(now);
                    return true;
                }
            }
        }
        any
    }

    pub(super) fn hang_up(&mut self, now: Time) {
        if let Some(connection) = self.connection.take() {
            tracing::info!(pid = connection.peer.pid, "producer disconnected");
            self.machine.disconnected(connection.generation, now);
        }
    }
}

/// Reads before the spool and the producer have their turn.
const READS_A_TURN: usize = 8;
