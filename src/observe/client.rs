//! Asks a process for its figures.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::status::Status;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody listens there, or does not answer in time.
    #[error("{path}: {cause}", path = path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// What listens there is no Weir.
    #[error("{path}: expected a process of Weir: {what}", path = path.display())]
    Foreign {
        /// The socket.
        path: PathBuf,
        /// What it said.
        what: String,
    },
}

/// The figures of the process that has its control socket at `path`.
///
/// # Errors
/// [`FetchError`].
pub fn fetch(path: &Path) -> Result<Status, FetchError> {
    let answer = ask(path).map_err(|cause| FetchError::Io { path: path.to_owned(), cause })?;
    parse(&answer).map_err(|what| FetchError::Foreign { path: path.to_owned(), what })
}

fn ask(path: &Path) -> io::Result<Vec<u8>> {
    let mut socket = UnixStream::connect(path)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.write_all(b"GET /status HTTP/1.1\r\nHost: weir\r\n\r\n")?;
    let mut answer = Vec::new();
    socket.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(answer)
}

fn parse(answer: &[u8]) -> Result<Status, String> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let body = match head.parse(answer) {
        Ok(httparse::Status::Complete(length)) => &answer[length..],
        Ok(httparse::Status::Partial) => return Err("the answer is cut".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    if head.code != Some(200) {
        return Err(format!("it answers {}", head.code.unwrap_or_default()));
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
