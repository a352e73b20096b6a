//! The collector's socket: made under a lock, so that a stale file of a process that died is
//! replaced and a live one's is not taken; readable by its owner and group only; and whoever
//! connects is known by what the kernel says of it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A listening socket that nobody else has.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    _lock: File,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process listens here.
    #[error("{path}: another process listens here", path = .0.display())]
    InUse(PathBuf),
    /// It is a file of another kind.
    #[error("{path} is no socket, and would be removed", path = .0.display())]
    Foreign(PathBuf),
    /// Something cannot be made.
    #[error("{path}: {cause}", path = path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl Listener {
    /// Listens at `path`.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn bind(path: &Path) -> Result<Self, ListenError> {
        let io = |path: &Path, cause| ListenError::Io { path: path.to_owned(), cause };
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock_path = PathBuf::from(name);
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&lock_path).map_err(|cause| io(&lock_path, cause))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ListenError::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(io(&lock_path, cause)),
        }
        let socket = make(path)?;
        Ok(Self { socket, path: path.to_owned(), _lock: lock })
    }

    /// Makes the socket anew after its file was removed; the lock is still ours.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn rebind(&mut self) -> Result<(), ListenError> {
        self.socket = make(&self.path)?;
        Ok(())
    }

    /// The next connection, if one waits.
    ///
    /// # Errors
    /// What the system says; no descriptor left is one of its answers, and passes.
    pub fn accept(&self) -> io::Result<Option<UnixStream>> {
        match self.socket.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(true)?;
                Ok(Some(socket))
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::Interrupted
                | io::ErrorKind::ConnectionAborted => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// The socket, to wait on.
    #[must_use]
    pub const fn socket(&self) -> &UnixListener {
        &self.socket
    }

    /// Whether the socket's file is still there, and ours: someone may have removed it.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| found.file_type().is_socket())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The file would only mislead; the lock stays where it is.
        let _ = fs::remove_file(&self.path);
    }
}

/// Replaces what a process that died has left.
fn make(path: &Path) -> Result<UnixListener, ListenError> {
    let io = |path: &Path, cause| ListenError::Io { path: path.to_owned(), cause };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(io(path, cause)),
        Ok(found) if found.file_type().is_socket() => {
            fs::remove_file(path).map_err(|cause| io(path, cause))?;
        }
        Ok(_) => return Err(ListenError::Foreign(path.to_owned())),
    }
    // Closed to all until its mode is set: who connects in between is refused by the kernel.
    let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    rustix::process::umask(mask);
    let socket = bound.map_err(|cause| io(path, cause))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))
        .and_then(|()| socket.set_nonblocking(true))
        .map_err(|cause| io(path, cause))?;
    Ok(socket)
}
