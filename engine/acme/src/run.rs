//! The whole life of a certificate, again and again.

use crate::answerer::{Answers, serve_http, serve_tls};
use crate::files::Files;
use crate::order::{AcmeError, Challenge, order};
use crate::renewal::{after_failure, renew_at};
use core_world::{Clock, Random};
use engine_https::Https;
use engine_net::Certificate;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use words_base::Timestamp;

/// Clocks are set and machines sleep: it is looked at the clock at least so often.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// What is wanted, and of whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// The URL of the authority's directory.
    pub directory: String,
    /// Addresses to which the authority may write.
    pub contact: Vec<String>,
    /// The names that the certificate shall be for; the first is the main one.
    pub names: Vec<String>,
    /// How it is proved that they are ours.
    pub challenge: Challenge,
}

/// Gets certificates and renews them.
pub struct Acme {
    options: Options,
    files: Files,
    https: Https,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    answers: Answers,
    now: Notify,
}

impl Acme {
    /// Keeps its files in `files`, asks over `https`, which must believe the authority's web server.
    pub fn new(
        options: Options,
        files: Files,
        https: Https,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Acme {
        let (answers, now) = Default::default();
        Acme { options, files, https, clock, random, answers, now }
    }

    /// The certificate that is kept, if it is for all the names.
    pub fn kept(&self) -> Result<Option<Certificate>, AcmeError> {
        let path = self.files.certificate();
        let text = self.files.read(&path).map_err(|error| AcmeError::File(path, error))?;
        let read = |text: String| Certificate::from_pem(text.as_bytes(), text.as_bytes()).ok();
        let fits = |certificate: &Certificate| {
            self.options.names.iter().all(|name| certificate.check_name(name).is_ok())
        };
        Ok(text.and_then(read).filter(fits))
    }

    /// Asks for a certificate and keeps it.
    pub async fn issue(&self) -> Result<Certificate, AcmeError> {
        let text = order(&self.options, &self.files, &self.https, &self.answers).await?;
        let certificate = Certificate::from_pem(text.as_bytes(), text.as_bytes())
            .map_err(|error| AcmeError::Crypto(error.to_string()))?;
        let path = self.files.certificate();
        self.files.write(&path, &text).map_err(|error| AcmeError::File(path, error))?;
        Ok(certificate)
    }

    /// Renews now, whenever it would be time.
    pub fn renew_now(&self) {
        self.now.notify_one();
    }

    /// Answers the authority at `listener`, which was bound when that was still permitted; runs until
    /// it is dropped. Each certificate, the one that is kept first, is handed to `serve`.
    pub async fn run(
        &self,
        listener: std::net::TcpListener,
        serve: impl Fn(Certificate),
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        tokio::select! {
            () = self.answer(listener) => Ok(()),
            () = self.keep_up(serve) => Ok(()),
        }
    }

    async fn answer(&self, listener: TcpListener) {
        match self.options.challenge {
            Challenge::TlsAlpn => serve_tls(listener, self.answers.clone()).await,
            Challenge::Http => serve_http(listener, self.answers.clone()).await,
        }
    }

    async fn keep_up(&self, serve: impl Fn(Certificate)) {
        let mut present = self.kept().unwrap_or_else(|error| {
            tracing::warn!(%error, "certificate that is kept not read");
            None
        });
        if let Some(certificate) = &present {
            serve(certificate.clone());
        }
        let mut failures = 0;
        loop {
            if failures == 0
                && let Some(certificate) = &present
            {
                self.rest_until(renew_at(certificate.validity(), self.chance())).await;
            }
            match self.issue().await {
                Ok(certificate) => {
                    failures = 0;
                    let names = certificate.names().join(" ");
                    tracing::info!(%names, fingerprint = %certificate.fingerprint(), "certificate issued");
                    serve(certificate.clone());
                    present = Some(certificate);
                }
                Err(error) => {
                    failures += 1;
                    let wait = after_failure(failures, self.chance());
                    tracing::warn!(%error, failures, again_in_seconds = wait.as_secs(), "no certificate");
                    self.rest_until(self.clock.now() + wait).await;
                }
            }
        }
    }

    /// Until then, or until somebody wants it now.
    async fn rest_until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.clock.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
                () = self.now.notified() => return,
            }
        }
    }

    fn chance(&self) -> u64 {
        let mut octets = [0; 8];
        self.random.fill(&mut octets);
        u64::from_be_bytes(octets)
    }
}
