//! Answers the authority when it looks whether a name is ours.

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// The protocol that the authority asks for (RFC 8737 §6.2).
const ACME_TLS: &[u8] = b"acme-tls/1";
/// Where the authority looks over HTTP (RFC 8555 §8.3).
const PATH: &str = "/.well-known/acme-challenge/";
/// So long one who comes may take.
const VISIT: Duration = Duration::from_secs(10);
/// So many may be here at once; more wait.
const VISITORS_MAX: usize = 32;
/// The longest question over HTTP.
const QUESTION_MAX: usize = 8 * 1024;
/// After the system has no socket for us.
const PAUSE: Duration = Duration::from_millis(200);

/// What is answered at this moment. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<Given>>);

#[derive(Default)]
struct Given {
    /// By name.
    certificates: HashMap<String, Arc<CertifiedKey>>,
    /// By token.
    texts: HashMap<String, String>,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answers")
    }
}

impl Answers {
    fn given(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows for `name` the certificate with the digest of the key authorization in it (RFC 8737 §3).
    pub fn give_certificate(&self, name: &str, digest: &[u8]) -> Result<(), String> {
        let certified = challenge_certificate(name, digest)?;
        self.given().certificates.insert(name.to_ascii_lowercase(), Arc::new(certified));
        Ok(())
    }

    /// Says for `token` the key authorization.
    pub fn give_text(&self, token: &str, text: &str) {
        self.given().texts.insert(token.to_string(), text.to_string());
    }

    /// Answers nothing any more.
    pub fn clear(&self) {
        *self.given() = Given::default();
    }

    fn text(&self, path: &str) -> Option<String> {
        self.given().texts.get(path.strip_prefix(PATH)?).cloned()
    }
}

impl ResolvesServerCert for Answers {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Whoever does not ask for the protocol is no authority.
        hello.alpn()?.find(|protocol| *protocol == ACME_TLS)?;
        self.given().certificates.get(&hello.server_name()?.to_ascii_lowercase()).cloned()
    }
}

fn challenge_certificate(name: &str, digest: &[u8]) -> Result<CertifiedKey, String> {
    let text = |error: rcgen::Error| error.to_string();
    let key = KeyPair::generate().map_err(text)?;
    let mut params = CertificateParams::new(vec![name.to_string()]).map_err(text)?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let made = params.self_signed(&key).map_err(text)?;
    let secret = PrivateKeyDer::try_from(key.serialize_der()).map_err(str::to_string)?;
    let loaded = aws_lc_rs::default_provider().key_provider.load_private_key(secret);
    Ok(CertifiedKey::new(vec![made.der().clone()], loaded.map_err(|error| error.to_string())?))
}

/// Answers by TLS-ALPN-01; never ends.
pub(crate) async fn serve_tls(listener: TcpListener, answers: Answers) {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = match config {
        Ok(config) => config.with_no_client_auth().with_cert_resolver(Arc::new(answers)),
        Err(error) => return tracing::error!(%error, "TLS cannot be set up"),
    };
    config.alpn_protocols = vec![ACME_TLS.to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    serve(listener, move |tcp| {
        let acceptor = acceptor.clone();
        async move {
            // The handshake is the whole answer (RFC 8737 §3).
            if let Ok(mut stream) = acceptor.accept(tcp).await {
                let _ = stream.shutdown().await;
            }
        }
    })
    .await;
}

/// Answers by HTTP-01; never ends.
pub(crate) async fn serve_http(listener: TcpListener, answers: Answers) {
    serve(listener, move |mut tcp| {
        let answers = answers.clone();
        async move {
            if let Ok(Some(path)) = question(&mut tcp).await {
                let _ = tcp.write_all(answer(answers.text(&path)).as_bytes()).await;
                let _ = tcp.shutdown().await;
            }
        }
    })
    .await;
}

async fn serve<V>(listener: TcpListener, visit: impl Fn(TcpStream) -> V)
where
    V: Future<Output = ()> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(VISITORS_MAX));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((tcp, _)) => {
                let visit = visit(tcp);
                tokio::spawn(async move {
                    let _ = timeout(VISIT, visit).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// The path that is asked for; none if it is no question of HTTP.
async fn question(tcp: &mut TcpStream) -> io::Result<Option<String>> {
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    while !text.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = tcp.read(&mut buffer).await?;
        if count == 0 || text.len() + count > QUESTION_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        text.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
    let text = String::from_utf8_lossy(&text);
    let mut words = text.lines().next().unwrap_or_default().split(' ');
    Ok(match (words.next(), words.next(), words.next()) {
        (Some("GET"), Some(path), Some("HTTP/1.1" | "HTTP/1.0")) => Some(path.to_string()),
        _ => None,
    })
}

fn answer(text: Option<String>) -> String {
    let (status, body) = match text {
        Some(text) => ("200 OK", text),
        None => ("404 Not Found", "There is nothing here.\n".to_string()),
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}
