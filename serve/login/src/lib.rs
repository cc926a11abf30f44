//! Which question of SASL is which call of the directory; shared by all who let people in, so that
//! a login means and logs the same in every protocol.

mod attempts;

pub use attempts::{FAILURES_MAX, UNDER_WAY_MAX, WINDOW};

use attempts::Attempts;
use core_directory::{Account, Directory};
use core_world::World;
use proto_sasl::{Answer, Ask, Keys, Proof};
use std::sync::Arc;
use tracing::{info, warn};
use words_mail::{AccountId, Refusal};

/// Who is at the other end, for the log.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The session's id.
    pub session: String,
    /// The peer's address.
    pub address: String,
    /// `smtp`, `imap`, `pop3` …
    pub protocol: &'static str,
}

/// Lets people in.
#[derive(Clone)]
pub struct Login {
    directory: Arc<Directory>,
    world: World,
    attempts: Arc<Attempts>,
}

/// Somebody who was let in, and may be shut out while their session goes on.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    account: AccountId,
    /// Of the directory, when the account was last looked at.
    revision: Option<u64>,
}

impl Guest {
    /// One who has just logged in to `account`.
    pub fn new(account: AccountId) -> Guest {
        Guest { account, revision: None }
    }
}

/// What a turn of an exchange gave.
pub struct Turn {
    /// For the exchange.
    pub answer: Answer,
    /// Who is in, when that is settled.
    pub account: Option<Account>,
}

impl Login {
    /// Lets in those whom `directory` knows.
    pub fn new(directory: Arc<Directory>, world: World) -> Login {
        Login { directory, world, attempts: Arc::default() }
    }

    /// Answers one question of an exchange. Logs who came in, or was refused under which name and
    /// why; never what they gave to prove it. Errors: `LoginFailed`, `Limit`, `Unavailable`.
    pub async fn answer(&self, ask: Ask, peer: &Peer) -> Result<Turn, Refusal> {
        let attempt = self.attempts.begin(&peer.address, self.world.clock.now());
        let attempt = attempt.inspect_err(|refusal| {
            let Peer { session, address, protocol } = peer;
            warn!(session, peer = address, protocol, %refusal, "login refused");
        })?;
        let turn = self.turn(ask, peer).await;
        if matches!(turn, Err(Refusal::LoginFailed)) {
            attempt.failed();
        }
        turn
    }

    async fn turn(&self, ask: Ask, peer: &Peer) -> Result<Turn, Refusal> {
        match ask {
            Ask::Password { authcid, authzid, password } => {
                let result = match same_name(&authcid, &authzid) {
                    Ok(()) => self.directory.login(&authcid, password.expose()).await,
                    Err(refusal) => Err(refusal),
                };
                settled(&authcid, "password", result, peer)
            }
            Ask::Keys { authcid } => {
                let answer = Answer::Keys(self.keys(&authcid).await?);
                Ok(Turn { answer, account: None })
            }
            Ask::Proven { authcid, authzid, proof } => {
                let result = match (proof, same_name(&authcid, &authzid)) {
                    (Proof::Right, Ok(())) => self.directory.scram_login(&authcid).await,
                    (Proof::Wrong, _) | (Proof::Right, Err(_)) => Err(Refusal::LoginFailed),
                };
                settled(&authcid, "SCRAM-SHA-256", result, peer)
            }
        }
    }

    /// May `guest` still be here? To be asked before everything done for them; it costs nothing as
    /// long as no account is changed. Errors: `LoginFailed` if theirs is disabled or gone;
    /// `Unavailable`.
    pub async fn check(&self, guest: &mut Guest) -> Result<(), Refusal> {
        // Read first: what changes later is seen the next time.
        let revision = self.directory.revision();
        if guest.revision != Some(revision) {
            self.directory.account(guest.account).await?;
            guest.revision = Some(revision);
        }
        Ok(())
    }

    async fn keys(&self, name: &str) -> Result<Keys, Refusal> {
        let keys = self.directory.scram_keys(name).await?;
        let mut nonce = [0; 18];
        self.world.random.fill(&mut nonce);
        Ok(Keys {
            salt: keys.salt,
            iterations: keys.iterations,
            stored_key: keys.stored_key,
            server_key: keys.server_key,
            nonce,
        })
    }
}

/// Nobody here logs in for somebody else.
fn same_name(authcid: &str, authzid: &str) -> Result<(), Refusal> {
    match authzid.is_empty() || authzid == authcid {
        true => Ok(()),
        false => Err(Refusal::LoginFailed),
    }
}

fn settled(
    name: &str,
    how: &str,
    result: Result<Account, Refusal>,
    peer: &Peer,
) -> Result<Turn, Refusal> {
    let Peer { session, address, protocol } = peer;
    match result {
        Ok(account) => {
            info!(session, peer = address, protocol, account = %account.address, how, "login");
            Ok(Turn { answer: Answer::Accepted, account: Some(account) })
        }
        Err(refusal) => {
            warn!(session, peer = address, protocol, name, how, %refusal, "login refused");
            Err(refusal)
        }
    }
}
