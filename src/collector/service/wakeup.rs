//! Wakes the collector's thread from its wait: the spool's thread is done with something, or the
//! process is to end.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;

/// An event that another thread, or a signal's handler, can raise.
#[derive(Debug)]
pub struct Wakeup {
    event: OwnedFd,
    stops: AtomicBool,
}

impl Wakeup {
    /// One that nobody has raised.
    ///
    /// # Errors
    /// If there is no descriptor to be had.
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { event, stops: AtomicBool::new(false) })
    }

    /// Wakes the thread.
    pub fn wake(&self) {
        // The only failure is that it is raised four thousand million times over already.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    /// Tells the thread to end.
    pub fn stop(&self) {
        self.stops.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Whether the thread is to end.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.stops.load(Ordering::SeqCst)
    }

    pub(crate) const fn event(&self) -> &OwnedFd {
        &self.event
    }

    pub(crate) fn silence(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.event, &mut count);
    }
}
