//! The small HTTP server (RFC 9112) that tells the figures: one request a connection, few at a
//! time, each with a deadline for everything, so that nobody who asks slowly, much or at length
//! costs more than a closed connection. Requests are counted by outcome.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Source;
use super::answer::{Answer, answer};
use super::status::{Counts, Status};
use crate::collector::service::{ListenError, Listener, Wakeup};

/// Where figures are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// On an address, for Prometheus.
    Tcp(SocketAddr),
    /// On a Unix socket, for its owner and group.
    Unix(PathBuf),
}

/// How a server serves.
#[derive(Clone, Copy, Debug)]
pub struct ServerConfig {
    /// Connections at a time; others are closed at once.
    pub connections_max: usize,
    /// A connection's whole life.
    pub deadline: Duration,
    /// Whether the metrics have xpf's names too.
    pub xpf: bool,
}

/// Why a server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its Unix socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Its address.
    #[error("{address}: {cause}")]
    Address {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// A thread or an event.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A running server; it ends when dropped.
#[derive(Debug)]
pub struct Server {
    wakeup: Arc<Wakeup>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    address: Option<SocketAddr>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(Listener),
}

struct Asker(OnceLock<Arc<dyn Source>>);

impl std::fmt::Debug for Asker {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Asker")
    }
}

#[derive(Debug)]
struct Shared {
    config: ServerConfig,
    source: Asker,
    serving: AtomicUsize,
    outcomes: [AtomicU64; OUTCOMES.len()],
}

/// What became of a connection.
#[derive(Clone, Copy)]
enum Outcome {
    Answered = 0,
    /// The request was none, too long, or for something that is not there.
    Bad = 1,
    /// The deadline came first, or the connection broke.
    Broken = 2,
    /// There were too many already, or no thread or descriptor was left.
    Refused = 3,
}

const OUTCOMES: [&str; 4] = ["answered", "bad", "broken", "refused"];

impl Server {
    /// Listens, and answers once [`Self::show`] has said with what.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn start(endpoint: &Endpoint, config: ServerConfig) -> Result<Self, ServeError> {
        let socket = match endpoint {
            Endpoint::Unix(path) => Socket::Unix(Listener::bind(path)?),
            Endpoint::Tcp(address) => {
                let listener = TcpListener::bind(address)
                    .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
                Socket::Tcp(
                    listener.map_err(|cause| ServeError::Address { address: *address, cause })?,
                )
            }
        };
        let address = match &socket {
            Socket::Tcp(listener) => Some(listener.local_addr()?),
            Socket::Unix(_) => None,
        };
        let wakeup = Arc::new(Wakeup::new()?);
        let shared = Arc::new(Shared {
            config,
            source: Asker(OnceLock::new()),
            serving: AtomicUsize::new(0),
            outcomes: Default::default(),
        });
        let thread = {
            let (wakeup, shared) = (Arc::clone(&wakeup), Arc::clone(&shared));
            let builder = std::thread::Builder::new().name("observe".to_owned());
            builder.spawn(move || listen(&socket, &wakeup, &shared))?
        };
        Ok(Self { wakeup, thread: Some(thread), shared, address })
    }

    /// Says where the figures come from; the first one counts.
    pub fn show(&self, source: &Arc<dyn Source>) {
        let _ = self.shared.source.0.set(Arc::clone(source));
    }

    /// The address that it listens on, if it is one.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.wakeup.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn count(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The figures, this server's own with them.
    fn read(&self) -> Status {
        let mut status = self.source.0.get().map_or_else(starting, |source| source.status());
        let counts = self.outcomes.iter().map(|count| count.load(Ordering::Relaxed));
        status.http = OUTCOMES.into_iter().map(str::to_owned).zip(counts).collect::<Counts>();
        status
    }
}

/// Before there are figures.
fn starting() -> Status {
    Status { troubles: vec!["starting".to_owned()], ..Status::default() }
}

fn listen(socket: &Socket, wakeup: &Wakeup, shared: &Arc<Shared>) {
    while !wakeup.stops() {
        let listener = match socket {
            Socket::Tcp(listener) => PollFd::new(listener, PollFlags::IN),
            Socket::Unix(listener) => PollFd::new(listener.socket(), PollFlags::IN),
        };
        let mut fds = [PollFd::new(wakeup.event(), PollFlags::IN), listener];
        let _ = poll(&mut fds, Timespec::try_from(LOOK_EVERY).ok().as_ref());
        wakeup.silence();
        let accepted = match socket {
            Socket::Tcp(listener) => match listener.accept() {
                Ok((stream, _)) => Some(Stream::Tcp(stream)),
                Err(error) => passing(&error, shared),
            },
            Socket::Unix(listener) => match listener.accept() {
                Ok(stream) => stream.map(Stream::Unix),
                Err(error) => passing(&error, shared),
            },
        };
        if let Some(stream) = accepted {
            take(stream, shared);
        }
    }
}

/// An accept that failed: counted if it is not that nobody is there.
fn passing(error: &io::Error, shared: &Shared) -> Option<Stream> {
    use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    if !matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted) {
        shared.count(Outcome::Refused);
        // Out of descriptors, most likely: the connection waits, and knocking does not help.
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}

fn take(mut stream: Stream, shared: &Arc<Shared>) {
    let many = shared.serving.fetch_add(1, Ordering::SeqCst) >= shared.config.connections_max;
    if many || stream.takes_one_of_the_last() {
        shared.serving.fetch_sub(1, Ordering::SeqCst);
        return shared.count(Outcome::Refused);
    }
    let serving = Arc::clone(shared);
    let serve = move || {
        let deadline = Instant::now() + serving.config.deadline;
        let outcome = serve(&mut stream, &serving, deadline).unwrap_or(Outcome::Broken);
        serving.count(outcome);
        if !matches!(outcome, Outcome::Broken) {
            linger(&mut stream, deadline);
        }
        serving.serving.fetch_sub(1, Ordering::SeqCst);
    };
    if std::thread::Builder::new().name("answer".to_owned()).spawn(serve).is_err() {
        shared.serving.fetch_sub(1, Ordering::SeqCst);
        shared.count(Outcome::Refused);
    }
}

/// One request, one answer.
fn serve(stream: &mut Stream, shared: &Shared, deadline: Instant) -> io::Result<Outcome> {
    stream.block()?;
    let mut request = Vec::with_capacity(1024);
    let answer = loop {
        match parse(&request) {
            Ok(Some((method, path))) => {
                break answer(&method, &path, shared.config.xpf, || shared.read());
            }
            Ok(None) if request.len() >= REQUEST_BYTES_MAX => {
                break Answer::bad("the request is too long");
            }
            Ok(None) => {}
            Err(error) => break Answer::bad(&format!("no HTTP request: {error}")),
        }
        stream.wait_at_most(deadline)?;
        let mut piece = [0; 1024];
        match stream.read(&mut piece) {
            Ok(0) => return Ok(Outcome::Broken),
            Ok(count) => request.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    };
    let head = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.code,
        answer.phrase(),
        answer.media_type,
        answer.body.len()
    );
    let is_head = request.starts_with(b"HEAD ");
    let body = if is_head { &[][..] } else { &answer.body };
    for mut bytes in [head.as_bytes(), body] {
        while !bytes.is_empty() {
            stream.wait_at_most(deadline)?;
            match stream.write(bytes) {
                Ok(0) => return Ok(Outcome::Broken),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    let good = answer.code == 200 || answer.code == 503;
    Ok(if good { Outcome::Answered } else { Outcome::Bad })
}

/// Ends the connection without a reset that would overtake the answer (RFC 9112, 9.6): what was not
/// read yet is read and forgotten, some of it and for a moment.
fn linger(stream: &mut Stream, deadline: Instant) {
    let deadline = deadline.min(Instant::now() + LINGER);
    let mut left = LINGER_BYTES_MAX;
    if stream.shutdown().is_err() {
        return;
    }
    let mut piece = [0; 1024];
    while left > 0 && stream.wait_at_most(deadline).is_ok() {
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => left = left.saturating_sub(count),
            _ => return,
        }
    }
}

/// Method and path, once the head is there.
fn parse(request: &[u8]) -> Result<Option<(String, String)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    if parsed.parse(request)?.is_partial() {
        return Ok(None);
    }
    let of = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(Some((of(parsed.method), of(parsed.path))))
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// The lowest free descriptor is always given, so a high one says that few are left: they are
    /// the event stream's and the spool's.
    fn takes_one_of_the_last(&self) -> bool {
        let number = match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        };
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        limit.is_some_and(|limit| number.unsigned_abs() as u64 + DESCRIPTORS_SPARED >= limit)
    }

    fn block(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(false),
            Self::Unix(stream) => stream.set_nonblocking(false),
        }
    }

    /// Says that nothing more will be written.
    fn shutdown(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Lets the next read or write wait for the deadline and no longer.
    fn wait_at_most(&self, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(left))?;
                stream.set_write_timeout(Some(left))
            }
            Self::Unix(stream) => {
                stream.set_read_timeout(Some(left))?;
                stream.set_write_timeout(Some(left))
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buffer),
            Self::Unix(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Descriptors that are left to those who need them more.
const DESCRIPTORS_SPARED: u64 = 8;

/// Longest head of a request.
const REQUEST_BYTES_MAX: usize = 8192;

/// How long, and for how much, an answered connection is still read.
const LINGER: Duration = Duration::from_millis(200);
const LINGER_BYTES_MAX: usize = 64 * 1024;

/// Longest sleep, should an event be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);
