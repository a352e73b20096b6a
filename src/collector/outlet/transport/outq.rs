//! How much of what was written the peer's kernel has not acknowledged yet (`SIOCOUTQ` of Linux,
//! tcp(7)). No safe wrapper has it.
#![expect(unsafe_code, reason = "an ioctl without a safe wrapper")]

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

/// Bytes that were written and not acknowledged.
pub(super) fn unacknowledged(socket: &impl AsFd) -> io::Result<usize> {
    // SAFETY: SIOCOUTQ writes one int through its argument, which is what `Getter` of a `c_int`
    // gives it room for, and changes nothing else.
    let bytes = unsafe { ioctl(socket, Getter::<SIOCOUTQ, c_int>::new()) }?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}

/// The same number as `TIOCOUTQ`.
const SIOCOUTQ: Opcode = 0x5411;
