//! TLS 1.2 and 1.3 for listeners: certificates that can be replaced while the server runs, and
//! handshakes with a limit on their time and number.

use crate::limit::HANDSHAKES_MAX;
use crate::stream::Stream;
use proto_line::Secured;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ProtocolVersion, ServerConfig, ServerConnection};
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// So long may a handshake take.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(30);

/// A certificate chain and its key, ready for use.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<CertifiedKey>);

/// Why TLS cannot be set up.
#[derive(Debug)]
pub enum TlsError {
    /// The chain's or the key's PEM cannot be read; says which and why.
    Pem(&'static str, String),
    /// Chain and key do not belong together, or are of a kind that is not known.
    Unfit(rustls::Error),
    /// The cryptography cannot be set up.
    Setup(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Pem(what, why) => write!(f, "{what}: {why}"),
            TlsError::Unfit(why) => write!(f, "certificate and key cannot be used: {why}"),
            TlsError::Setup(why) => write!(f, "TLS cannot be set up: {why}"),
        }
    }
}

impl std::error::Error for TlsError {}

impl Certificate {
    /// From a chain in PEM, the server's own certificate first, and its key in PEM.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Certificate, TlsError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|e| TlsError::Pem("certificate", e.to_string()))?;
        if chain.is_empty() {
            return Err(TlsError::Pem("certificate", "no certificate in it".to_string()));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|e| TlsError::Pem("private key", e.to_string()))?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Unfit)?;
        Ok(Certificate(Arc::new(certified)))
    }
}

/// May clients resume earlier sessions?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tickets {
    /// Session tickets are given: a client that comes back spares both sides work.
    Given,
    /// None are given. For SMTP from other servers: some large senders fail at tickets of others'
    /// making and do not try again without.
    None,
}

/// How one kind of listener does TLS. Clones share certificate and limits.
#[derive(Clone)]
pub struct Tls {
    resolver: Arc<Resolver>,
    config: Arc<ServerConfig>,
    handshakes: Arc<Semaphore>,
}

impl Tls {
    /// TLS with `certificate`.
    pub fn new(certificate: Certificate, tickets: Tickets) -> Result<Tls, TlsError> {
        let resolver = Arc::new(Resolver(RwLock::new(certificate)));
        Tls::over(resolver, tickets)
    }

    /// The same certificate, also when it is replaced, with other tickets.
    pub fn with(&self, tickets: Tickets) -> Result<Tls, TlsError> {
        Tls::over(self.resolver.clone(), tickets)
    }

    /// From the next handshake on, uses `certificate`, also in every clone.
    pub fn replace(&self, certificate: Certificate) {
        *self.resolver.0.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    fn over(resolver: Arc<Resolver>, tickets: Tickets) -> Result<Tls, TlsError> {
        let setup = |e: rustls::Error| TlsError::Setup(e.to_string());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(setup)?
            .with_no_client_auth()
            .with_cert_resolver(resolver.clone());
        config.ignore_client_order = true;
        match tickets {
            Tickets::Given => {
                config.ticketer = aws_lc_rs::Ticketer::new().map_err(setup)?;
                // One is enough to come back once, and each costs both sides work.
                config.send_tls13_tickets = 1;
            }
            Tickets::None => {
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.send_tls13_tickets = 0;
            }
        }
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        Ok(Tls { resolver, config: Arc::new(config), handshakes })
    }

    /// The server's side of a handshake.
    pub(crate) async fn start(&self, tcp: TcpStream) -> io::Result<(Stream, Secured)> {
        let Ok(_place) = self.handshakes.try_acquire() else {
            return Err(io::Error::other("too many handshakes are under way"));
        };
        let accept = TlsAcceptor::from(self.config.clone()).accept(tcp);
        let stream = timeout(HANDSHAKE_TIME, accept).await.map_err(|_| ErrorKind::TimedOut)??;
        let secured = secured(stream.get_ref().1);
        Ok((Stream::Secure(Box::new(stream)), secured))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

#[derive(Debug)]
struct Resolver(RwLock<Certificate>);

impl ResolvesServerCert for Resolver {
    /// The same for every name: a sender that asks for an unknown one is better served with ours
    /// than with none.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).0.clone())
    }
}

/// The cryptography of every listener. Among equals those with SHA-256 come first: processors compute
/// it themselves, SHA-384 they do not, and a sixth of a handshake was spent on that.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite().as_str().is_none_or(not_light));
    Arc::new(provider)
}

fn not_light(name: &str) -> bool {
    !name.ends_with("AES_128_GCM_SHA256")
}

/// The line of the log that says how a connection is protected.
pub(crate) fn log(secured: &Secured) {
    tracing::info!(version = secured.version, cipher = %secured.cipher, "TLS started");
}

fn secured(connection: &ServerConnection) -> Secured {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS1.3",
        _ => "TLS1.2",
    };
    let suite = connection.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite()));
    // rustls tells the two versions' suites apart by name, IANA does not.
    let cipher = suite.unwrap_or_default().replace("TLS13_", "TLS_");
    Secured { version, cipher, exporter: exporter(connection) }
}

/// The `tls-exporter` channel binding (RFC 9266 §2). Over TLS 1.2 it would need the extended master
/// secret, of which rustls does not tell: there is none then.
fn exporter(connection: &ServerConnection) -> Option<[u8; 32]> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[])).ok()
}
