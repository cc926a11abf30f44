//! Logging in.

use crate::desk::ImapDesk;
use crate::slots::Slot;
use core_directory::Account;
use core_mailbox::Mailboxes;
use proto_imap::ask::Answer;
use proto_sasl::{Ask, Keys, Proof};
use std::fmt;
use tracing::{info, warn};
use words_mail::Refusal;

/// Longest part of a name that the log shows, in characters.
const LOGGED_NAME_MAX: usize = 64;

/// Who is logged in, and what that lets them do.
pub(crate) struct Login {
    pub account: Account,
    pub mailboxes: Mailboxes,
    /// Given back when the session ends.
    _slot: Slot,
}

impl ImapDesk {
    pub(crate) async fn log_in(&mut self, ask: Ask) -> Result<Answer, Refusal> {
        match ask {
            Ask::Password { authcid, authzid, password } => {
                let checked = match as_oneself(&authcid, &authzid) {
                    Ok(()) => self.office.directory.login(&authcid, password.expose()).await,
                    Err(refusal) => Err(refusal),
                };
                self.let_in(&authcid, "password", checked)
            }
            Ask::Keys { authcid } => self.scram_keys(&authcid).await,
            Ask::Proven { authcid, authzid, proof } => {
                let checked = match (proof, as_oneself(&authcid, &authzid)) {
                    (Proof::Right, Ok(())) => self.office.directory.scram_login(&authcid).await,
                    (Proof::Right, Err(refusal)) => Err(refusal),
                    (Proof::Wrong, _) => Err(Refusal::LoginFailed),
                };
                self.let_in(&authcid, "scram", checked)
            }
        }
    }

    async fn scram_keys(&mut self, name: &str) -> Result<Answer, Refusal> {
        let keys = self.office.directory.scram_keys(name).await?;
        let mut nonce = [0; 18];
        self.office.world.random.fill(&mut nonce);
        Ok(Answer::Login(proto_sasl::Answer::Keys(Keys {
            salt: keys.salt,
            iterations: keys.iterations,
            stored_key: keys.stored_key,
            server_key: keys.server_key,
            nonce,
        })))
    }

    /// Takes a place for the session and keeps who it is; logs how it went.
    fn let_in(
        &mut self,
        name: &str,
        how: &'static str,
        checked: Result<Account, Refusal>,
    ) -> Result<Answer, Refusal> {
        let office = &self.office;
        let admitted = checked.and_then(|account| {
            let slot = office.slots.take(account.id, office.options.sessions_max)?;
            Ok((account, slot))
        });
        match admitted {
            Ok((account, slot)) => {
                info!(account = %account.address, how, "login");
                let mailboxes = office.mail.account(account.id);
                self.login = Some(Login { account, mailboxes, _slot: slot });
                Ok(Answer::Login(proto_sasl::Answer::Accepted))
            }
            Err(refusal) => {
                warn!(name = %Logged(name), how, %refusal, "login refused");
                Err(refusal)
            }
        }
    }
}

/// Nobody may act as somebody else here.
fn as_oneself(authcid: &str, authzid: &str) -> Result<(), Refusal> {
    if authzid.is_empty() || authzid.eq_ignore_ascii_case(authcid) {
        return Ok(());
    }
    Err(Refusal::LoginFailed)
}

/// A name or text of a stranger's, made harmless for the log: no control characters, not too long.
pub(crate) struct Logged<'a>(pub &'a str);

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(LOGGED_NAME_MAX) {
            write!(f, "{}", c.escape_debug())?;
        }
        if chars.next().is_some() {
            f.write_str("…")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_name_cannot_forge_a_log_line() {
        let name = format!("ana\r\n\u{1b}[31m{}", "x".repeat(100));
        let logged = Logged(&name).to_string();
        assert!(logged.starts_with("ana\\r\\n\\u{1b}[31mxx") && logged.ends_with("xx…"));
        assert!(!logged.chars().any(char::is_control) && logged.len() < 100);
    }

    #[test]
    fn nobody_acts_as_somebody_else() {
        assert!(as_oneself("ana", "").is_ok() && as_oneself("ana", "Ana").is_ok());
        assert_eq!(as_oneself("ana", "bob"), Err(Refusal::LoginFailed));
    }
}
