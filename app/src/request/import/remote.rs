//! An account on an IMAP server elsewhere.

use crate::cli::Encryption;
use crate::secret::Hidden;
use core_world::{Dial, DialTls, Fingerprint, Trust};
use engine_net::{Roots, TcpDialer};
use proto_sasl::Secret;
use serde::{Deserialize, Serialize};
use serve_collect::{ImapSource, Login};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long connecting may take.
const CONNECT_TIME: Duration = Duration::from_secs(60);

/// The account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remote {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// When TLS begins.
    pub tls: Encryption,
    /// The name to log in with.
    pub user: String,
    /// Its password.
    pub password: Hidden,
    /// File of further authorities to believe.
    pub ca: Option<PathBuf>,
    /// The one certificate to believe.
    pub fingerprint: Option<String>,
}

impl Remote {
    /// It as a source of mail; nobody is called yet.
    pub fn source(&self) -> Result<ImapSource, String> {
        let mut roots = Roots::of_system();
        if let Some(path) = &self.ca {
            roots = roots.and(path).map_err(|error| error.to_string())?;
        }
        Ok(ImapSource::new(Arc::new(TcpDialer::new(roots)), self.login()?))
    }

    fn login(&self) -> Result<Login, String> {
        let trust = match &self.fingerprint {
            Some(text) => Trust::Pinned(text.parse::<Fingerprint>().map_err(str::to_string)?),
            None => Trust::Authorities,
        };
        let (tls, encryption) = match self.tls {
            Encryption::Implicit => (DialTls::Implicit, serve_collect::Encryption::Implicit),
            Encryption::Starttls => (DialTls::Later, serve_collect::Encryption::StartTls),
            Encryption::None => (DialTls::Later, serve_collect::Encryption::None),
        };
        let (host, port) = (self.host.clone(), self.port);
        let (address, source) = (None, None);
        let dial = Dial { host, address, port, source, tls, trust, within: CONNECT_TIME };
        let password = Secret::new(self.password.0.clone().into_bytes());
        Ok(Login { dial, encryption, name: self.user.clone(), password })
    }
}
