//! TLS of log connections (RFC 5425, RFC 9662): 1.2 and 1.3, the receiver's certificate checked
//! against the authorities and the name of its profile, and our own shown if the profile has one.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// The files of a profile, PEM all of them.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Certificates of the authorities that receivers are believed by.
    pub ca: PathBuf,
    /// Our certificate, with those between it and its authority, and its key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The name that the receiver's certificate must have; its address if there is none.
    pub server_name: Option<String>,
}

/// What a connection needs, read and checked once.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{path}: {what}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The receiver's name.
    #[error("`{0}` is no DNS name and no IP address")]
    Name(String),
    /// Certificate and key, or the library.
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
}

/// A protected connection.
#[derive(Debug)]
pub(super) struct TlsStream(StreamOwned<ClientConnection, TcpStream>);

impl TlsClient {
    /// Reads the files. `address` is the receiver's, for its name if the profile has none.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(files: &TlsFiles, address: std::net::IpAddr) -> Result<Self, TlsError> {
        let name = match &files.server_name {
            Some(name) => {
                ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name.clone()))?
            }
            None => ServerName::IpAddress(address.into()),
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&files.ca)? {
            roots.add(certificate).map_err(|error| file(&files.ca, &error))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match &files.client {
            None => builder.with_no_client_auth(),
            Some((chain, key_path)) => {
                let key = PrivateKeyDer::from_pem_slice(&read(key_path)?)
                    .map_err(|error| file(key_path, &error))?;
                builder.with_client_auth_cert(certificates(chain)?, key)?
            }
        };
        Ok(Self { config: Arc::new(config), name })
    }

    /// Shakes hands, within the socket's deadlines.
    pub(super) fn handshake(&self, mut socket: TcpStream) -> io::Result<TlsStream> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        while connection.wants_write() {
            connection.write_tls(&mut socket)?;
        }
        let mut stream = TlsStream(StreamOwned::new(connection, socket));
        stream.await_verdict()?;
        Ok(stream)
    }
}

impl TlsStream {
    pub(super) const fn socket(&self) -> &TcpStream {
        &self.0.sock
    }

    /// In TLS 1.3 the receiver judges our certificate after the handshake is done for us. It then
    /// says something soon: that it will not have us, or how to resume.
    fn await_verdict(&mut self) -> io::Result<()> {
        self.0.sock.set_read_timeout(Some(VERDICT_WAIT))?;
        match self.0.read(&mut [0; 1]) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the receiver left")),
            Ok(_) => Ok(()),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn close(mut self) {
        self.0.conn.send_close_notify();
        let _ = self.0.flush();
    }
}

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for TlsStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| file(path, &error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let all = all.map_err(|error| file(path, &error))?;
    if all.is_empty() {
        return Err(file(path, &"expected a certificate in PEM"));
    }
    Ok(all)
}

fn file(path: &Path, what: &impl std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_owned(), what: what.to_string() }
}

/// How long the receiver has to say that it will not have us.
const VERDICT_WAIT: Duration = Duration::from_millis(200);
