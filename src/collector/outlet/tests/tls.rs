//! TLS receivers that are as they should be, and those that are not.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// An authority and what it has signed.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["authority".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate for a name until a year.
    fn sign(&self, name: &str, until: i32) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }

    /// A receiver of any number of connections, and what it reads.
    fn receive(
        &self,
        (certificate, key): (Certificate, KeyPair),
        asks: bool,
    ) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks {
            let roots = Arc::new(self.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind(local()).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let bytes = Arc::clone(&received);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, socket.unwrap());
                let _ = stream.read_to_end(&mut bytes.lock().unwrap());
            }
        });
        (address, received)
    }

    /// The profile of a client that believes this authority.
    fn files(&self, directory: &Path, client: Option<(Certificate, KeyPair)>) -> TlsFiles {
        let ca = directory.join("ca.pem");
        std::fs::write(&ca, self.certificate.pem()).unwrap();
        let client = client.map(|(certificate, key)| {
            let paths = (directory.join("client.pem"), directory.join("client.key"));
            std::fs::write(&paths.0, certificate.pem()).unwrap();
            std::fs::write(&paths.1, key.serialize_pem()).unwrap();
            paths
        });
        TlsFiles { ca, client, server_name: Some("siem".to_owned()) }
    }
}

/// What an outlet makes of a receiver: its figures once it has either handed over or failed.
fn meet(directory: &Path, to: SocketAddr, files: &TlsFiles) -> OutletStatus {
    let mut spool = spool(directory);
    let tls = Some(TlsClient::new(files, to.ip()).unwrap());
    let target = Target::Tcp(Receiver { to, from: None, tls });
    let outlets = start(directory, &spool, vec![outlet("t", target, Selection::default())]);
    commit(&mut spool, EventKind::PolicyDeny, 1..51);
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let status = outlets.watch().statuses().swap_remove(0);
        if status.cursor == 50 || status.errors > 0 {
            outlets.stop();
            return status;
        }
        assert!(Instant::now() < limit, "{status:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn lines_arrive_in_tls_from_a_client_that_shows_its_certificate() {
    let (authority, directory) = (Authority::new(), tempfile::tempdir().unwrap());
    let (to, received) = authority.receive(authority.sign("siem", 2999), true);
    let files = authority.files(directory.path(), Some(authority.sign("firewall", 2999)));
    let status = meet(directory.path(), to, &files);
    assert_eq!((status.totals.settled, status.errors), (50, 0), "{:?}", status.last_error);
    let text = String::from_utf8(received.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("RT_FLOW_SESSION_DENY").count(), 50);
}

#[test]
fn receivers_that_are_not_who_they_should_be_get_nothing_and_the_reason_is_told() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cases = [
        (authority.sign("siem", 2001), "Expired"),
        (authority.sign("elsewhere", 2999), "not valid for name"),
        (stranger.sign("siem", 2999), "invalid peer certificate"),
    ];
    for (certificate, reason) in cases {
        let directory = tempfile::tempdir().unwrap();
        let (to, received) = authority.receive(certificate, false);
        let status = meet(directory.path(), to, &authority.files(directory.path(), None));
        let error = status.last_error.clone().unwrap_or_default();
        assert_eq!((status.totals.settled, status.cursor), (0, 0));
        assert!(error.to_lowercase().contains(&reason.to_lowercase()), "{reason}: {error}");
        assert!(received.lock().unwrap().is_empty(), "{reason}");
    }
}

#[test]
fn a_receiver_that_wants_a_certificate_has_nothing_counted_as_written_without_one() {
    let (authority, directory) = (Authority::new(), tempfile::tempdir().unwrap());
    let (to, received) = authority.receive(authority.sign("siem", 2999), true);
    let status = meet(directory.path(), to, &authority.files(directory.path(), None));
    assert_eq!(status.totals.settled, 0, "{:?}", status.last_error);
    assert!(status.last_error.is_some_and(|error| error.contains("CertificateRequired")));
    assert!(received.lock().unwrap().is_empty());
}

#[test]
fn a_handshake_that_stands_still_ends_at_its_deadline() {
    let (authority, directory) = (Authority::new(), tempfile::tempdir().unwrap());
    let deaf = TcpListener::bind(local()).unwrap();
    let begun = Instant::now();
    let to = deaf.local_addr().unwrap();
    let status = meet(directory.path(), to, &authority.files(directory.path(), None));
    assert!(begun.elapsed() < Duration::from_secs(12));
    assert_eq!(status.totals.settled, 0);
    let peer = deaf.accept().unwrap().0;
    drop(peer);
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = TlsFiles { ca: directory.path().join("none.pem"), ..TlsFiles::default() };
    let error = TlsClient::new(&missing, [127, 0, 0, 1].into()).unwrap_err().to_string();
    assert!(error.contains("none.pem: No such file"), "{error}");
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    let files = TlsFiles { ca: empty, ..TlsFiles::default() };
    let error = TlsClient::new(&files, [127, 0, 0, 1].into()).unwrap_err().to_string();
    assert!(error.contains("empty.pem: expected a certificate in PEM"), "{error}");
    let authority = Authority::new();
    let mut files = authority.files(directory.path(), None);
    files.server_name = Some("no name!".to_owned());
    let error = TlsClient::new(&files, [127, 0, 0, 1].into()).unwrap_err().to_string();
    assert!(error.contains("`no name!` is no DNS name"), "{error}");
}
