//! TLS from the beginning and by STARTTLS, with a real client.

use crate::echo::{LIMIT, Server, serve, stretch_octet, tls};
use engine_net::{Certificate, Options, Security, Tickets};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, HandshakeKind, SignatureScheme};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Takes every certificate, and remembers the last.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Vec<u8>>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap() = end_entity.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A client that keeps its tickets.
pub struct Client {
    connector: TlsConnector,
    verifier: Arc<AnyCertificate>,
}

impl Client {
    pub fn new(versions: &[&'static rustls::SupportedProtocolVersion]) -> Client {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = Mutex::default();
        let verifier = Arc::new(AnyCertificate { provider: provider.clone(), seen });
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_no_client_auth();
        Client { connector: TlsConnector::from(Arc::new(config)), verifier }
    }

    async fn secure(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.secure_as("localhost", tcp).await
    }

    pub async fn secure_as(
        &self,
        name: &'static str,
        tcp: TcpStream,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name).unwrap();
        timeout(LIMIT, self.connector.connect(name, tcp)).await.unwrap()
    }

    async fn implicit(&self, server: &Server) -> TlsStream<TcpStream> {
        self.secure(connect(server).await).await.unwrap()
    }
}

async fn connect(server: &Server) -> TcpStream {
    timeout(LIMIT, TcpStream::connect(server.address)).await.unwrap().unwrap()
}

async fn talk(stream: &mut TlsStream<TcpStream>, say: &str) -> String {
    stream.write_all(say.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut bytes = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8(bytes).unwrap()
}

fn options(security: Security) -> Options {
    Options { security, ..Options::default() }
}

#[tokio::test]
async fn both_versions_are_spoken_and_only_1_3_has_an_exporter() {
    let server = serve(options(Security::Implicit(tls(Tickets::Given))));
    for (version, want) in [
        (&rustls::version::TLS13, "Some((\"TLS1.3\", \"TLS_AES_128_GCM_SHA256\", true))"),
        (
            &rustls::version::TLS12,
            "Some((\"TLS1.2\", \"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\", false))",
        ),
    ] {
        let mut stream = Client::new(&[version]).implicit(&server).await;
        let said = talk(&mut stream, "SECURED\r\nQUIT\r\n").await;
        assert_eq!(said, format!("hello\r\n{want}\r\nbye\r\n"));
    }
}

#[tokio::test]
async fn commands_behind_starttls_in_plaintext_are_never_read() {
    // RFC 3207 §4.2, and the injection found in many servers in 2011 and 2021.
    let server = serve(options(Security::Start(tls(Tickets::None))));
    let mut tcp = connect(&server).await;
    tcp.write_all(b"ECHO a\r\nSTARTTLS\r\nECHO injected\r\nECHO inj").await.unwrap();
    let mut bytes = [0; 14];
    timeout(LIMIT, tcp.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(&bytes, b"hello\r\na\r\ngo\r\n");
    let mut stream = Client::new(&[&rustls::version::TLS13]).secure(tcp).await.unwrap();
    assert_eq!(talk(&mut stream, "ECHO safe\r\nQUIT\r\n").await, "safe\r\nbye\r\n");
}

#[tokio::test]
async fn what_was_read_ahead_before_starttls_is_dropped_too() {
    let server = serve(options(Security::Start(tls(Tickets::None))));
    let mut tcp = connect(&server).await;
    // The reply to STREAM fills the socket buffers, so that the server reads on while it writes.
    let octets = 8_000_000;
    tcp.write_all(format!("STREAM {octets}\r\nSTARTTLS\r\n").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    tcp.write_all(b"ECHO injected\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut bytes = vec![0; "hello\r\n8000000\r\n".len() + octets + "end\r\ngo\r\n".len()];
    timeout(LIMIT, tcp.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert!(bytes.ends_with(b"end\r\ngo\r\n"));
    let mut stream = Client::new(&[&rustls::version::TLS13]).secure(tcp).await.unwrap();
    assert_eq!(talk(&mut stream, "ECHO safe\r\nQUIT\r\n").await, "safe\r\nbye\r\n");
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_ends_alone() {
    let server = serve(options(Security::Implicit(tls(Tickets::Given))));
    let mut tcp = connect(&server).await;
    tcp.write_all(b"EHLO in the clear\r\n").await.unwrap();
    let mut bytes = Vec::new();
    timeout(LIMIT, tcp.read_to_end(&mut bytes)).await.unwrap().ok();
    assert!(!bytes.starts_with(b"hello"));
    let mut stream = Client::new(&[&rustls::version::TLS13]).implicit(&server).await;
    assert_eq!(talk(&mut stream, "QUIT\r\n").await, "hello\r\nbye\r\n");
}

#[tokio::test]
async fn sessions_are_resumed_where_tickets_are_given_and_nowhere_else() {
    for (tickets, want) in
        [(Tickets::Given, HandshakeKind::Resumed), (Tickets::None, HandshakeKind::Full)]
    {
        for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
            let server = serve(options(Security::Implicit(tls(tickets))));
            let client = Client::new(&[version]);
            let mut first = client.implicit(&server).await;
            assert_eq!(talk(&mut first, "QUIT\r\n").await, "hello\r\nbye\r\n");
            let mut second = client.implicit(&server).await;
            let kind = second.get_ref().1.handshake_kind();
            assert_eq!(kind, Some(want), "{tickets:?} {version:?}");
            assert_eq!(talk(&mut second, "QUIT\r\n").await, "hello\r\nbye\r\n");
        }
    }
}

#[tokio::test]
async fn a_new_certificate_is_used_from_the_next_handshake_on() {
    let tls = tls(Tickets::Given);
    let server = serve(options(Security::Implicit(tls.clone())));
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let before = Client::new(&[&rustls::version::TLS13]);
    talk(&mut before.implicit(&server).await, "QUIT\r\n").await;
    tls.replace(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap());
    let after = Client::new(&[&rustls::version::TLS13]);
    talk(&mut after.implicit(&server).await, "QUIT\r\n").await;
    assert_ne!(*before.verifier.seen.lock().unwrap(), made.cert.der().to_vec());
    assert_eq!(*after.verifier.seen.lock().unwrap(), made.cert.der().to_vec());
}

#[tokio::test]
async fn a_large_body_passes_through_tls_to_a_slow_reader() {
    let server = serve(options(Security::Implicit(tls(Tickets::Given))));
    let mut stream = Client::new(&[&rustls::version::TLS13]).implicit(&server).await;
    stream.write_all(b"STREAM 3000000\r\nQUIT\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut bytes = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let body = bytes.strip_prefix(b"hello\r\n3000000\r\n").unwrap();
    let body = body.strip_suffix(b"end\r\nbye\r\n").unwrap();
    let right = |(i, octet): (usize, &u8)| *octet == stretch_octet(i as u64);
    assert!(body.len() == 3_000_000 && body.iter().enumerate().all(right));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let (chain, key) = (made.cert.pem(), other.signing_key.serialize_pem());
    assert!(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).is_err());
    assert!(Certificate::from_pem(b"", key.as_bytes()).is_err());
    assert!(Certificate::from_pem(chain.as_bytes(), b"nonsense").is_err());
}
