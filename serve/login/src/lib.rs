//! Which question of SASL is which call of the directory; shared by all who let people in, so that
//! a login means, costs and logs the same in every protocol.

mod first;
mod guest;
mod throttle;

pub use core_directory::Protocol;
pub use core_guard::Rate;
pub use first::{First, first};
pub use guest::Guest;
pub use throttle::{
    DELAY_MAX, KNOWN_FOR, OF_ADDRESS, OF_KNOWN_PAIR, OF_NAME, OF_PAIR, PROMPT_FAILURES,
    UNDER_WAY_MAX,
};

use core_directory::{Admitted, Coming, Directory};
use core_world::World;
use proto_sasl::{Answer, Ask, KeyPair, Keys, Proof};
use std::sync::Arc;
use std::time::Duration;
use throttle::{Attempt, Throttle};
use tracing::{info, warn};
use words_mail::Refusal;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The session's id, for the log.
    pub session: String,
    /// The peer's address.
    pub address: String,
    /// The listener, for the log: `smtp`, `imaps` …
    pub protocol: &'static str,
}

/// Lets people in. All who do share one, clones included, so that failures are counted together.
#[derive(Clone)]
pub struct Login {
    directory: Arc<Directory>,
    world: World,
    throttle: Arc<Throttle>,
}

/// What a turn of an exchange gave.
pub struct Turn {
    /// For the exchange.
    pub answer: Answer,
    /// Who is in, when that is settled.
    pub guest: Option<Guest>,
}

/// What a turn of an exchange did not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `LoginFailed`, `NotPermitted`, `Limit`, `Unavailable`.
    pub refusal: Refusal,
    /// So long the answer is to be held back by whoever drives the session.
    pub delay: Duration,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused { refusal, delay: Duration::ZERO }
    }
}

impl Login {
    /// Lets in those whom `directory` knows.
    pub fn new(directory: Arc<Directory>, world: World) -> Login {
        Login { directory, world, throttle: Arc::default() }
    }

    /// Answers one question of an exchange. Logs who came in, or was refused under which name, from
    /// where and why; never what they gave to prove it.
    pub async fn answer(&self, ask: Ask, peer: &Peer, by: Protocol) -> Result<Turn, Refused> {
        let who = Who { name: name(&ask).to_string(), how: how(&ask), peer };
        let attempt = match &ask {
            Ask::Password { .. } | Ask::Keys { .. } => self.begin(&who).await,
            Ask::Proven { .. } => self.resume(&who).await,
        };
        let attempt = attempt.map_err(|refusal| who.refused(refusal, DELAY_MAX))?;
        match ask {
            Ask::Password { authcid, authzid, password } => {
                let coming = Coming { protocol: by, peer: &peer.address };
                let result = match same_name(&authcid, &authzid) {
                    Ok(()) => self.directory.login(&authcid, password.expose(), coming).await,
                    Err(refusal) => Err(refusal),
                };
                self.settled(&who, &attempt, result, Some(password.expose()))
            }
            Ask::Keys { authcid } => {
                let keys = self.keys(&authcid, by).await;
                let keys = keys.map_err(|refusal| who.refused(refusal, Duration::ZERO))?;
                attempt.charge(self.world.clock.now());
                Ok(Turn { answer: Answer::Keys(keys), guest: None })
            }
            Ask::Proven { authcid, authzid, proof } => {
                let coming = Coming { protocol: by, peer: &peer.address };
                let result = match (proof, same_name(&authcid, &authzid)) {
                    (Proof::Right { stored_key }, Ok(())) => {
                        self.directory.scram_login(&authcid, &stored_key, coming).await
                    }
                    (Proof::Wrong, _) | (Proof::Right { .. }, Err(_)) => Err(Refusal::LoginFailed),
                };
                self.settled(&who, &attempt, result, None)
            }
        }
    }

    /// Is one to be heard?
    async fn begin(&self, who: &Who<'_>) -> Result<Attempt, Refusal> {
        let mut attempt = self.throttle.begin(&who.peer.address, self.world.clock.now())?;
        let identity = self.directory.identify(&who.name).await?;
        attempt.is_about(&identity, self.world.clock.now())?;
        Ok(attempt)
    }

    /// One that was heard before.
    async fn resume(&self, who: &Who<'_>) -> Result<Attempt, Refusal> {
        let identity = self.directory.identify(&who.name).await?;
        Ok(self.throttle.resume(&who.peer.address, &identity))
    }

    fn settled(
        &self,
        who: &Who<'_>,
        attempt: &Attempt,
        result: Result<Admitted, Refusal>,
        password: Option<&[u8]>,
    ) -> Result<Turn, Refused> {
        let now = self.world.clock.now();
        match result {
            Ok(admitted) => {
                attempt.succeeded(now);
                who.admitted(&admitted);
                let guest = self.guest(admitted.account, admitted.pass);
                Ok(Turn { answer: Answer::Accepted, guest: Some(guest) })
            }
            Err(Refusal::LoginFailed) => {
                let delay = attempt.failed(password, now);
                Err(who.refused(Refusal::LoginFailed, delay))
            }
            Err(refusal) => Err(who.refused(refusal, Duration::ZERO)),
        }
    }

    async fn keys(&self, name: &str, by: Protocol) -> Result<Keys, Refusal> {
        let keys = self.directory.scram_keys(name, by).await?;
        let mut nonce = [0; 18];
        self.world.random.fill(&mut nonce);
        let pairs = keys
            .pairs
            .into_iter()
            .map(|pair| KeyPair { stored_key: pair.stored_key, server_key: pair.server_key });
        Ok(Keys { salt: keys.salt, iterations: keys.iterations, pairs: pairs.collect(), nonce })
    }
}

/// Who says to be whom, for the log.
struct Who<'a> {
    name: String,
    how: &'static str,
    peer: &'a Peer,
}

impl Who<'_> {
    fn admitted(&self, admitted: &Admitted) {
        let (how, Peer { session, address, protocol }) = (self.how, self.peer);
        let (account, device) = (&admitted.account.address, admitted.device.as_deref());
        info!(session, peer = address, protocol, %account, how, device, "login");
    }

    fn refused(&self, refusal: Refusal, delay: Duration) -> Refused {
        let (name, how, Peer { session, address, protocol }) = (&self.name, self.how, self.peer);
        warn!(session, peer = address, protocol, name, how, %refusal, "login refused");
        Refused { refusal, delay }
    }
}

fn name(ask: &Ask) -> &str {
    let (Ask::Password { authcid, .. } | Ask::Keys { authcid } | Ask::Proven { authcid, .. }) = ask;
    authcid
}

fn how(ask: &Ask) -> &'static str {
    match ask {
        Ask::Password { .. } => "password",
        Ask::Keys { .. } | Ask::Proven { .. } => "SCRAM-SHA-256",
    }
}

/// Nobody here logs in for somebody else.
fn same_name(authcid: &str, authzid: &str) -> Result<(), Refusal> {
    match authzid.is_empty() || authzid == authcid {
        true => Ok(()),
        false => Err(Refusal::LoginFailed),
    }
}
