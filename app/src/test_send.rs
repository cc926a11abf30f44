//! `estafeta test send`: one transaction with any server, its dialogue shown.

mod dialogue;
mod message;

use crate::cli::{Encryption, TestSend};
use crate::print::Output;
use crate::secret;
use anyhow::{Context, Result};
use core_world::{Dial, DialError, DialTls, Dialer, Random, Trust, Wire};
use dialogue::Dialogue;
use engine_net::{Roots, TcpDialer};
use engine_system::SystemRandom;
use proto_sasl::client::Credentials;
use proto_smtp::client::{
    Client, ClientOptions, Fate, Login, Mode, Recipient, Step, Timeouts, Tls, Transaction,
};
use proto_smtp::{BodyType, Cleartext};
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Where the password may stand.
const PASSWORD_VARIABLE: &str = "ESTAFETA_TEST_PASSWORD";
/// What a program that will be called again ends with, by old custom (`EX_TEMPFAIL`).
const TRY_LATER: u8 = 75;
/// Octets of the message given at once.
const PIECE: usize = 64 * 1024;

/// Sends, and tells how it went.
pub fn run(options: &TestSend, output: Output) -> Result<ExitCode> {
    let (host, port) = server_of(&options.server, options.tls)?;
    let message = message::of(options)?;
    let client = Client::new(client_options(options, &host)?);
    let call = Call {
        dial: Dial {
            host: host.clone(),
            address: None,
            port,
            source: None,
            tls: match options.tls {
                Some(Encryption::Implicit) => DialTls::Implicit,
                Some(Encryption::Starttls | Encryption::None) | None => DialTls::Later,
            },
            trust: trust(options),
            within: Duration::from_secs(options.timeout),
        },
        client,
        dialogue: Dialogue::new(output),
        told: Vec::new(),
    };
    let mut roots = Roots::of_system();
    if let Some(path) = &options.ca {
        roots = roots.and(path)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let call = runtime.block_on(call.make(&TcpDialer::new(roots), options, &message))?;
    call.dialogue.finish(&options.to, &call.told)?;
    Ok(code_of(&call.told))
}

/// What the shell is told.
fn code_of(told: &[Fate]) -> ExitCode {
    if told.iter().all(Fate::is_delivered) {
        ExitCode::SUCCESS
    } else if told.iter().any(Fate::is_permanent) {
        ExitCode::FAILURE
    } else {
        ExitCode::from(TRY_LATER)
    }
}

fn client_options(options: &TestSend, host: &str) -> Result<ClientOptions> {
    let name = options
        .hello
        .clone()
        .unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned());
    let patience = Duration::from_secs(options.timeout);
    let login = match &options.user {
        None => None,
        Some(user) => {
            let mut nonce = [0; 18];
            SystemRandom.fill(&mut nonce);
            let password = password(options, user, host)?;
            Some(Login {
                credentials: Credentials::password(user, password.into_bytes()),
                cleartext: cleartext(options.tls, host),
                nonce,
            })
        }
    };
    Ok(ClientOptions {
        mode: if options.lmtp { Mode::Lmtp } else { Mode::Smtp },
        tls: match options.tls {
            None => Tls::IfOffered,
            Some(Encryption::Starttls | Encryption::Implicit) => Tls::Required,
            Some(Encryption::None) => Tls::Never,
        },
        login,
        timeouts: Timeouts {
            greeting: patience,
            command: patience,
            rcpt: patience,
            data: patience,
            block: patience,
            end: patience,
            quit: patience.min(Duration::from_secs(5)),
        },
        ..ClientOptions::new(&name)
    })
}

/// A password crosses a wire without TLS only inside this machine.
fn cleartext(tls: Option<Encryption>, host: &str) -> Cleartext {
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match tls {
        Some(Encryption::None) if here => Cleartext::Allowed,
        _ => Cleartext::Refused,
    }
}

fn password(options: &TestSend, user: &str, host: &str) -> Result<String> {
    if let Some(path) = &options.password_file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        return Ok(text.lines().next().unwrap_or_default().to_string());
    }
    let choice = options.password.clone();
    if choice.password.is_none()
        && !choice.password_stdin
        && let Ok(password) = std::env::var(PASSWORD_VARIABLE)
    {
        return Ok(password);
    }
    Ok(secret::of_account_elsewhere(choice, user, host)?.0)
}

/// Who only tries whether TLS is there takes any certificate; who asks for it wants a right one.
fn trust(options: &TestSend) -> Trust {
    match (options.fingerprint, options.tls) {
        (Some(fingerprint), _) => Trust::Pinned(fingerprint),
        (None, Some(_)) => Trust::Authorities,
        (None, None) if options.ca.is_some() => Trust::Authorities,
        // A password goes to nobody who has not shown who he is.
        (None, None) if options.user.is_some() => Trust::Authorities,
        (None, None) => Trust::Anyone,
    }
}

fn server_of(text: &str, tls: Option<Encryption>) -> Result<(String, u16)> {
    let usual = if tls == Some(Encryption::Implicit) { 465 } else { 25 };
    let is_address = text.parse::<std::net::Ipv6Addr>().is_ok();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !is_address && !port.contains(']') => {
            let expected = "expected HOST or HOST:PORT, as in mx.example.org:25";
            (host, port.parse().with_context(|| format!("{text}: {expected}"))?)
        }
        _ => (text, usual),
    };
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    Ok((host.to_string(), port))
}

/// One call.
struct Call {
    dial: Dial,
    client: Client,
    dialogue: Dialogue,
    /// What became of each recipient.
    told: Vec<Fate>,
}

impl Call {
    async fn make(
        mut self,
        dialer: &TcpDialer,
        options: &TestSend,
        message: &[u8],
    ) -> Result<Call> {
        self.dialogue.note(&format!("connecting to {} port {}", self.dial.host, self.dial.port))?;
        let mut wire = match dialer.dial(&self.dial).await {
            Ok(wire) => wire,
            Err(error) => {
                self.dialogue.note(&error.to_string())?;
                self.told = vec![not_dialled(&error); options.to.len()];
                return Ok(self);
            }
        };
        if self.dial.tls == DialTls::Implicit {
            self.client.secured(None);
        }
        self.note_protection(wire.as_ref())?;
        let mut rest = message;
        let mut begun = false;
        loop {
            match self.client.step(Instant::now()) {
                Step::Send(octets) => {
                    self.dialogue.sent(&octets)?;
                    if let Err(error) = wire.write(&octets, self.client.patience()).await {
                        self.client.closed(&error.to_string());
                    }
                }
                Step::Wait { until } => self.listen(wire.as_mut(), until).await?,
                Step::StartTls => {
                    let Dial { host, trust, within, .. } = &self.dial;
                    match wire.secure(host, trust, *within).await {
                        Ok(()) => self.client.secured(None),
                        Err(error) => {
                            self.dialogue.note(&error.to_string())?;
                            self.client.closed(&error.to_string());
                        }
                    }
                    self.note_protection(wire.as_ref())?;
                }
                Step::Ready if begun => self.client.quit(),
                Step::Ready => {
                    begun = true;
                    self.dialogue.logged_in();
                    let transaction = self.transaction(options, message);
                    self.client.begin(transaction);
                }
                Step::NeedBody if rest.is_empty() => {
                    self.client.body_end();
                    self.dialogue.body_ends();
                }
                Step::NeedBody => {
                    self.dialogue.body_begins();
                    let (piece, more) = rest.split_at(rest.len().min(PIECE));
                    self.client.body(piece);
                    rest = more;
                }
                Step::Done(outcome) => self.told = outcome.recipients,
                Step::Failed(fate) => {
                    self.dialogue.logged_in();
                    self.told = vec![fate; options.to.len()];
                }
                Step::Closed => return Ok(self),
            }
        }
    }

    async fn listen(&mut self, wire: &mut dyn Wire, until: Instant) -> Result<()> {
        let mut buffer = vec![0; 4096];
        let within = until.saturating_duration_since(Instant::now());
        match wire.read(&mut buffer, within).await {
            Ok(0) => self.client.closed(""),
            Ok(count) => {
                let octets = buffer.get(..count).unwrap_or_default();
                self.dialogue.heard(octets)?;
                self.client.input(octets);
            }
            // The machine sees itself that its time has come.
            Err(core_world::WireError::TimedOut) => {}
            Err(error) => self.client.closed(&error.to_string()),
        }
        Ok(())
    }

    fn note_protection(&mut self, wire: &dyn Wire) -> Result<()> {
        if let Some(tls) = wire.protection() {
            let text = format!("{} {}, certificate {}", tls.version, tls.cipher, tls.fingerprint);
            self.dialogue.note(&text)?;
        }
        Ok(())
    }

    /// Says of the message what the server must know, as far as it can be told.
    fn transaction(&self, options: &TestSend, message: &[u8]) -> Transaction {
        let offered = self.client.capabilities();
        let recipients = options.to.iter().cloned().map(Recipient::new).collect();
        let mut transaction = Transaction::new(options.from.clone(), recipients);
        transaction.size = Some(message.len() as u64);
        if !message.is_ascii() && offered.eight_bit_mime {
            transaction.body = BodyType::EightBitMime;
        }
        transaction.smtputf8 = offered.smtputf8 && !message::header_of(message).is_ascii();
        transaction
    }
}

/// There was nobody to talk to.
fn not_dialled(error: &DialError) -> Fate {
    use proto_smtp::client::{Cause, Lost, Stage};
    Fate::Lost(Lost { stage: Stage::Connect, cause: Cause::Closed(error.to_string()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_name_or_an_address_with_a_port_or_without() {
        for (text, tls, host, port) in [
            ("mx.example.org", None, "mx.example.org", 25),
            ("mx.example.org", Some(Encryption::Implicit), "mx.example.org", 465),
            ("mx.example.org:2525", Some(Encryption::None), "mx.example.org", 2525),
            ("[::1]:2525", None, "::1", 2525),
            ("::1", None, "::1", 25),
        ] {
            assert_eq!(server_of(text, tls).unwrap(), (host.to_string(), port), "{text}");
        }
        assert!(server_of("mx.example.org:smtp", None).is_err());
    }

    #[test]
    fn a_password_crosses_no_open_wire() {
        use Encryption::{Implicit, None as Clear, Starttls};
        for (tls, host, allowed) in [
            (Some(Clear), "127.0.0.1", true),
            (Some(Clear), "localhost", true),
            (Some(Clear), "::1", true),
            (Some(Clear), "192.0.2.1", false),
            (Some(Clear), "localhost.example.org", false),
            (Some(Starttls), "127.0.0.1", false),
            (Some(Implicit), "127.0.0.1", false),
            (None, "127.0.0.1", false),
        ] {
            assert_eq!(cleartext(tls, host) == Cleartext::Allowed, allowed, "{tls:?} {host}");
        }
    }
}
