//! TLS 1.2 and 1.3 for listeners: certificates that can be replaced while the server runs, and
//! handshakes with a limit on their time and number.

use crate::certificates::{Certificates, Resolver};
use crate::limit::HANDSHAKES_MAX;
use crate::stream::Stream;
use proto_line::Secured;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::{ProtocolVersion, ServerConfig, ServerConnection, SupportedCipherSuite};
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// So long may a handshake take.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(30);

/// Why TLS cannot be set up.
#[derive(Debug)]
pub struct TlsError(rustls::Error);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS cannot be set up: {}", self.0)
    }
}

impl std::error::Error for TlsError {}

/// May clients resume earlier sessions?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tickets {
    /// Session tickets are given: a client that comes back spares both sides work.
    Given,
    /// None are given. For SMTP from other servers: some large senders fail at tickets of others'
    /// making and do not try again without.
    None,
}

/// How one kind of listener does TLS. Clones share certificates and limits.
#[derive(Clone)]
pub struct Tls {
    resolver: Arc<Resolver>,
    config: Arc<ServerConfig>,
    handshakes: Arc<Semaphore>,
}

impl Tls {
    /// TLS with `certificates`, or with one.
    pub fn new(certificates: impl Into<Certificates>, tickets: Tickets) -> Result<Tls, TlsError> {
        Tls::over(Arc::new(Resolver::new(certificates.into())), tickets)
    }

    /// The same certificates, also when they are replaced, with other tickets.
    pub fn with(&self, tickets: Tickets) -> Result<Tls, TlsError> {
        Tls::over(self.resolver.clone(), tickets)
    }

    /// From the next handshake on, uses `certificates`, also in every clone. Sessions under way
    /// notice nothing.
    pub fn replace(&self, certificates: impl Into<Certificates>) {
        self.resolver.replace(certificates.into());
    }

    /// Those in use.
    pub fn certificates(&self) -> Arc<Certificates> {
        self.resolver.present()
    }

    fn over(resolver: Arc<Resolver>, tickets: Tickets) -> Result<Tls, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError)?
            .with_no_client_auth()
            .with_cert_resolver(resolver.clone());
        config.ignore_client_order = true;
        match tickets {
            Tickets::Given => {
                config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError)?;
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

/// The cryptography of every listener. Among equals those with SHA-256 come first: processors compute
/// it themselves, SHA-384 they do not, and a sixth of a handshake was spent on that.
pub(crate) fn provider() -> Arc<CryptoProvider> {
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
    Secured {
        version: version_name(connection.protocol_version()),
        cipher: cipher_name(connection.negotiated_cipher_suite()),
        exporter: exporter(connection),
    }
}

pub(crate) fn version_name(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        Some(ProtocolVersion::TLSv1_3) => "TLS1.3",
        _ => "TLS1.2",
    }
}

/// rustls tells the two versions' suites apart by name, IANA does not.
pub(crate) fn cipher_name(suite: Option<SupportedCipherSuite>) -> String {
    let name = suite.map(|suite| format!("{:?}", suite.suite()));
    name.unwrap_or_default().replace("TLS13_", "TLS_")
}

/// The `tls-exporter` channel binding (RFC 9266 §2). Over TLS 1.2 it would need the extended master
/// secret, of which rustls does not tell: there is none then.
fn exporter(connection: &ServerConnection) -> Option<[u8; 32]> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[])).ok()
}
