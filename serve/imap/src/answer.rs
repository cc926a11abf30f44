//! Every question, and who answers it.

use crate::desk::ImapDesk;
use crate::log::Logged;
use proto_imap::ask::{Answer, Ask};
use tracing::debug;
use words_mail::Refusal;

impl ImapDesk {
    /// One arm a question; no `_`, so that a new question does not go unheard.
    pub(crate) async fn answer_or_refuse(&mut self, ask: Ask) -> Result<Answer, Refusal> {
        self.check_login().await?;
        match ask {
            Ask::Login(ask) => self.log_in(ask).await,
            Ask::Identified(fields) => Ok(identified(&fields)),
            Ask::List(list) => self.list(&list).await,
            Ask::Status(name) => self.status(&name).await,
            Ask::Create(name, special_use) => self.create(&name, special_use).await,
            Ask::Delete(name) => self.delete(&name).await,
            Ask::Rename(from, to) => self.rename(&from, &to).await,
            Ask::Subscribe(name, subscribed) => self.subscribe(&name, subscribed).await,
            Ask::Select(select) => self.select(select).await,
            Ask::Unselect => Ok(self.unselect()),
            Ask::Quota => self.quota().await,
            Ask::AppendBegin(name) => self.append_begin(&name).await,
            Ask::AppendMessage { flags, received_at, size } => {
                self.append_message(flags, received_at, size)
            }
            Ask::AppendWrite(octets) => self.append_write(&octets).await,
            Ask::AppendMessageEnd => self.append_message_end().await,
            Ask::AppendCommit => self.append_commit().await,
            Ask::AppendAbort => Ok(self.append_abort()),
            Ask::Fetch(fetch) => self.fetch(fetch).await,
            Ask::Store(store) => self.store(store).await,
            Ask::Copy { numbers, to, moving } => self.copy(&numbers, &to, moving).await,
            Ask::Expunge(numbers) => self.expunge(numbers.as_ref()).await,
            Ask::Search(search) => self.search(search).await,
            Ask::Sync(expunges) => self.sync(expunges).await,
            Ask::Watch(watching) => self.watch(watching).await,
        }
    }
}

/// Never decides anything: RFC 2971 §2 forbids it.
fn identified(fields: &[(String, Option<String>)]) -> Answer {
    let field = |name: &str| {
        let found = fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_deref()).unwrap_or("")
    };
    debug!(name = %Logged(field("name")), version = %Logged(field("version")), "client");
    Answer::Done
}
