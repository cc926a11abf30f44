//! A connection on which commands go out and responses come in.

use crate::error::RemoteError;
use core_world::{Dial, Dialer, Trust, Wire};
use proto_imap::client::{Condition, Heard, Response, Responses, Said, command};
use proto_sasl::Secret;
use std::time::Duration;

/// How long nothing may move before a connection is given up. RFC 9051 §5.4 lets a server take
/// half an hour to notice; a search of a large mailbox takes minutes at some providers.
const SILENCE_MAX: Duration = Duration::from_secs(180);
/// Octets read at once.
const READ_LEN: usize = 64 * 1024;
/// Responses between two answers of a server that cannot stop talking.
const TALK_MAX: usize = 1_000_000;

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first octet.
    Implicit,
    /// After STARTTLS, without which nothing is said.
    StartTls,
    /// Not at all: for a server on the same machine.
    None,
}

/// An account on a server elsewhere.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where.
    pub dial: Dial,
    /// How it is encrypted; must fit to the dial's `tls`.
    pub encryption: Encryption,
    /// Who.
    pub name: String,
    /// The password.
    pub password: Secret,
}

/// The connection.
pub struct Line {
    wire: Box<dyn Wire>,
    responses: Responses,
    buffer: Vec<u8>,
    tags: u32,
}

impl Line {
    /// Connects, encrypts, and hears the greeting. Is a login still needed?
    pub async fn open(dialer: &dyn Dialer, login: &Login) -> Result<(Line, bool), RemoteError> {
        let wire = dialer.dial(&login.dial).await?;
        let buffer = vec![0; READ_LEN];
        let mut line = Line { wire, responses: Responses::default(), buffer, tags: 0 };
        let greeting = line.greeting().await?;
        if login.encryption == Encryption::StartTls {
            // A greeting of PREAUTH leaves no room for STARTTLS (RFC 9051 §7.1.4).
            if greeting == Condition::PreAuth || !line.capabilities().await?.contains("STARTTLS") {
                return Err(RemoteError::NoTls);
            }
            line.start_tls(&login.dial.host, &login.dial.trust, login.dial.within).await?;
        }
        Ok((line, greeting != Condition::PreAuth))
    }

    async fn greeting(&mut self) -> Result<Condition, RemoteError> {
        let Heard::Response(Response::Said(said)) = self.hear().await? else {
            return Err(RemoteError::NotUnderstood("a greeting of IMAP"));
        };
        match said.condition {
            Condition::Ok | Condition::PreAuth => Ok(said.condition),
            _ => Err(RemoteError::HungUp(said.text)),
        }
    }

    async fn start_tls(
        &mut self,
        host: &str,
        trust: &Trust,
        within: Duration,
    ) -> Result<(), RemoteError> {
        self.ask("STARTTLS", |tag| command::bare(tag, "STARTTLS")).await?;
        // Whatever came after the OK came in the clear, from anybody (RFC 9051 §6.2.1).
        self.responses.clear();
        Ok(self.wire.secure(host, trust, within).await?)
    }

    /// What the server can do, as words between spaces.
    pub async fn capabilities(&mut self) -> Result<String, RemoteError> {
        let mut words = String::new();
        let ask = |tag: &str| command::bare(tag, "CAPABILITY");
        self.ask_for("CAPABILITY", ask, |response| {
            if let Response::Capability(all) = response {
                words = format!(" {} ", all.join(" "));
            }
        })
        .await?;
        Ok(words)
    }

    /// Logs in: with LOGIN where it is allowed and can carry the words, else with AUTHENTICATE.
    pub async fn log_in(&mut self, login: &Login) -> Result<(), RemoteError> {
        let capabilities = self.capabilities().await?;
        let (name, password) = (login.name.as_bytes(), login.password.expose());
        let tag = self.tag();
        let plain = capabilities.contains(" AUTH=PLAIN ");
        let simple = match capabilities.contains(" LOGINDISABLED ") || plain {
            true => None,
            false => command::login(&tag, name, password),
        };
        let sent = simple.clone().unwrap_or_else(|| command::authenticate_plain(&tag));
        self.send(&sent).await?;
        loop {
            match self.response().await? {
                Response::Continue if simple.is_none() => {
                    self.send(&command::plain(name, password)).await?;
                }
                Response::Tagged { tag: ended, said } if ended == tag => {
                    return match said.condition {
                        Condition::Ok => Ok(()),
                        _ => Err(RemoteError::LoginRefused(said.text)),
                    };
                }
                _ => {}
            }
        }
    }

    /// A tag that was not used before.
    pub fn tag(&mut self) -> String {
        self.tags += 1;
        command::tag(self.tags)
    }

    /// Sends a command and waits for its OK.
    pub async fn ask(
        &mut self,
        verb: &'static str,
        write: impl Fn(&str) -> Vec<u8>,
    ) -> Result<Said, RemoteError> {
        self.ask_for(verb, write, |_| {}).await
    }

    /// The same; `take` gets every response before it.
    pub async fn ask_for(
        &mut self,
        verb: &'static str,
        write: impl Fn(&str) -> Vec<u8>,
        mut take: impl FnMut(Response),
    ) -> Result<Said, RemoteError> {
        let tag = self.tag();
        self.send(&write(&tag)).await?;
        for _ in 0..TALK_MAX {
            match self.response().await? {
                Response::Tagged { tag: ended, said } if ended == tag => {
                    return accepted(verb, said);
                }
                other => take(other),
            }
        }
        Err(RemoteError::NotUnderstood("an end of the answer"))
    }

    /// Hands octets to the network.
    pub async fn send(&mut self, octets: &[u8]) -> Result<(), RemoteError> {
        Ok(self.wire.write(octets, SILENCE_MAX).await?)
    }

    /// The next response; bodies that nobody asked for are passed over.
    async fn response(&mut self) -> Result<Response, RemoteError> {
        loop {
            match self.hear().await? {
                Heard::Response(Response::Said(said)) if said.condition == Condition::Bye => {
                    return Err(RemoteError::HungUp(said.text));
                }
                Heard::Response(response) => return Ok(response),
                Heard::Nothing | Heard::Body(_) | Heard::Piece(_) | Heard::LeftOut => {}
            }
        }
    }

    /// The next thing heard; waits for it.
    pub async fn hear(&mut self) -> Result<Heard, RemoteError> {
        loop {
            let heard = self.responses.hear();
            match heard.map_err(|error| RemoteError::NotUnderstood(error.expected))? {
                Heard::Nothing => {}
                heard => return Ok(heard),
            }
            match self.wire.read(&mut self.buffer, SILENCE_MAX).await? {
                0 => return Err(RemoteError::HungUp("without a word".to_string())),
                len => self.responses.input(&self.buffer[..len]),
            }
        }
    }
}

/// Was it done?
fn accepted(verb: &'static str, said: Said) -> Result<Said, RemoteError> {
    match said.condition {
        Condition::Ok => Ok(said),
        _ => Err(RemoteError::Refused { command: verb, said: said.text }),
    }
}
