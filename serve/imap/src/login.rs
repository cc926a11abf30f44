//! Logging in: as in every protocol, and a place among the account's sessions.

use crate::desk::ImapDesk;
use crate::slots::Slot;
use core_directory::Account;
use core_mailbox::Mailboxes;
use proto_imap::ask::Answer;
use proto_sasl::Ask;
use std::fmt;
use tracing::warn;
use words_mail::Refusal;

/// Longest part of a stranger's text that the log shows, in characters.
const LOGGED_MAX: usize = 64;

/// Who is logged in, and what that lets them do.
pub(crate) struct Login {
    pub account: Account,
    pub mailboxes: Mailboxes,
    /// Given back when the session ends.
    _slot: Slot,
}

impl ImapDesk {
    pub(crate) async fn log_in(&mut self, ask: Ask) -> Result<Answer, Refusal> {
        let office = &self.office;
        let turn = office.login.answer(ask, &self.peer).await?;
        if let Some(account) = turn.account {
            let max = office.options.sessions_max;
            let slot = office.slots.take(account.id, max).inspect_err(|refusal| {
                warn!(account = %account.address, %refusal, "login refused");
            })?;
            let mailboxes = office.mail.account(account.id);
            self.login = Some(Login { account, mailboxes, _slot: slot });
        }
        Ok(Answer::Login(turn.answer))
    }
}

/// A text of a stranger's, made harmless for the log: no control characters, not too long.
pub(crate) struct Logged<'a>(pub &'a str);

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(LOGGED_MAX) {
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
}
