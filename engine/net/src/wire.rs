//! A connection to a server elsewhere.

use crate::roots::Roots;
use crate::tls::{cipher_name, provider, version_name};
use crate::trust::{self, Judge};
use core_world::{DialError, Fingerprint, Later, Protection, Trust, Wire, WireError};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Octets both ways, in the clear until TLS begins.
pub(crate) struct TcpWire {
    stream: Stream,
    roots: Roots,
    protection: Option<Protection>,
}

enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
    /// TLS failed; nothing goes over it any more.
    Gone,
}

impl TcpWire {
    pub(crate) fn new(tcp: TcpStream, roots: Roots) -> TcpWire {
        TcpWire { stream: Stream::Plain(tcp), roots, protection: None }
    }

    /// The client's side of a handshake.
    pub(crate) async fn start_tls(&mut self, host: &str, trust: &Trust) -> Result<(), DialError> {
        let tcp = match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Plain(tcp) => tcp,
            other => {
                self.stream = other;
                return Err(DialError::Tls("it has begun already, or failed".to_string()));
            }
        };
        let name = server_name(host, trust, &tcp)?;
        let judge = Arc::new(Judge::new(trust, &self.roots, provider()));
        let connector = TlsConnector::from(Arc::new(config(judge.clone())?));
        let stream = connector.connect(name, tcp).await.map_err(|e| explain(e, &judge, trust))?;
        self.protection = Some(protection(stream.get_ref().1));
        self.stream = Stream::Secure(Box::new(stream));
        Ok(())
    }

    async fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp.read(buffer).await,
            Stream::Secure(tls) => tls.read(buffer).await,
            Stream::Gone => Err(ErrorKind::NotConnected.into()),
        }
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp.write_all(bytes).await,
            Stream::Secure(tls) => {
                tls.write_all(bytes).await?;
                tls.flush().await
            }
            Stream::Gone => Err(ErrorKind::NotConnected.into()),
        }
    }
}

impl Wire for TcpWire {
    /// An end without TLS's own goodbye is an error here: whoever reads until the end could
    /// otherwise be given half and think it whole.
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
        within: Duration,
    ) -> Later<'a, Result<usize, WireError>> {
        Box::pin(async move { limited(within, self.read_some(buffer)).await })
    }

    fn write<'a>(
        &'a mut self,
        bytes: &'a [u8],
        within: Duration,
    ) -> Later<'a, Result<(), WireError>> {
        Box::pin(async move { limited(within, self.write_all(bytes)).await })
    }

    fn secure<'a>(
        &'a mut self,
        host: &'a str,
        trust: &'a Trust,
        within: Duration,
    ) -> Later<'a, Result<(), DialError>> {
        Box::pin(async move {
            timeout(within, self.start_tls(host, trust)).await.unwrap_or(Err(DialError::TimedOut))
        })
    }

    fn protection(&self) -> Option<&Protection> {
        self.protection.as_ref()
    }
}

async fn limited<T>(
    within: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, WireError> {
    match timeout(within, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(WireError::Broken(error.to_string())),
        Err(_) => Err(WireError::TimedOut),
    }
}

/// The name that the peer is asked for. Where any certificate will do, a host whose name can be none
/// is asked by its address, which says no name at all (RFC 6066 §3).
fn server_name(
    host: &str,
    trust: &Trust,
    tcp: &TcpStream,
) -> Result<ServerName<'static>, DialError> {
    if let Ok(name) = ServerName::try_from(host.trim_end_matches('.').to_string()) {
        return Ok(name);
    }
    match (trust, tcp.peer_addr()) {
        (Trust::Anyone, Ok(peer)) => Ok(ServerName::from(peer.ip())),
        _ => Err(DialError::Tls(format!("{host} cannot be the name of a server"))),
    }
}

fn config(judge: Arc<Judge>) -> Result<ClientConfig, DialError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| DialError::Tls(error.to_string()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(judge).with_no_client_auth())
}

fn explain(error: io::Error, judge: &Judge, trust: &Trust) -> DialError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(wrong)) => DialError::Untrusted {
            fingerprint: judge.seen(),
            flaw: trust::flaw(wrong),
            reason: trust::reason(wrong, trust),
        },
        _ => DialError::Tls(error.to_string()),
    }
}

fn protection(connection: &ClientConnection) -> Protection {
    let certificates = connection.peer_certificates().unwrap_or_default();
    Protection {
        version: version_name(connection.protocol_version()),
        cipher: cipher_name(connection.negotiated_cipher_suite()),
        // A handshake without a certificate does not end well.
        fingerprint: certificates.first().map_or(Fingerprint([0; 32]), trust::fingerprint),
    }
}
