//! From `estafeta account recover` to a wish.

use crate::cli::Recover;
use crate::request::{RecoverAction, RecoverRequest, Request};

impl Recover {
    /// What is wished.
    pub fn request(self) -> Request {
        let name = |name: words_mail::MailboxName| name.to_string();
        let action = match (self.list, self.forget) {
            (true, _) => RecoverAction::List,
            (_, true) => RecoverAction::Forget,
            _ => RecoverAction::Recover { to: self.to.map(name) },
        };
        Request::Recover(RecoverRequest {
            address: self.address.to_string(),
            since: self.since.map(|at| at.millis()),
            until: self.until.map(|at| at.millis()),
            mailbox: self.mailbox.map(name),
            from: self.from,
            subject: self.subject,
            action,
        })
    }
}
