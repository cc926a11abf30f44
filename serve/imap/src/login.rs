//! Logging in: as in every protocol, and a place among the account's sessions.

use crate::desk::ImapDesk;
use crate::slots::Slot;
use core_directory::Account;
use core_mailbox::Mailboxes;
use proto_imap::ask::Answer;
use proto_sasl::Ask;
use serve_login::{Guest, Protocol};
use tracing::warn;
use words_mail::Refusal;

/// Who is logged in, and what that lets them do.
pub(crate) struct Login {
    pub account: Account,
    pub mailboxes: Mailboxes,
    pub guest: Guest,
    /// Given back when the session ends.
    _slot: Slot,
}

impl ImapDesk {
    pub(crate) async fn log_in(&mut self, ask: Ask) -> Result<Answer, Refusal> {
        let office = &self.office;
        let turn = match office.login.answer(ask, &self.peer, Protocol::Imap).await {
            Ok(turn) => turn,
            Err(refused) => {
                self.delay = refused.delay;
                return Err(match refused.refusal {
                    // LIMIT is for who has too many sessions; too many logins pass (RFC 5530 §3).
                    Refusal::Limit(_) => Refusal::Unavailable,
                    refusal => refusal,
                });
            }
        };
        if let Some(guest) = turn.guest {
            let account = guest.account.clone();
            let max = office.options.sessions_max;
            let slot = office.slots.take(account.id, max).inspect_err(|refusal| {
                warn!(account = %account.address, %refusal, "login refused");
            })?;
            let mailboxes = office.mail.account(account.id);
            self.login = Some(Login { account, mailboxes, guest, _slot: slot });
        }
        Ok(Answer::Login(turn.answer))
    }

    /// Is who has logged in still welcome? A session of a disabled account, or of a
    /// password that was replaced or revoked, gets no more answers.
    pub(crate) async fn check_login(&mut self) -> Result<(), Refusal> {
        match &mut self.login {
            Some(login) => self.office.login.check(&mut login.guest).await,
            None => Ok(()),
        }
    }
}
