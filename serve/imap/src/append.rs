//! APPEND (RFC 9051 §6.3.12, RFC 3502).

use crate::desk::ImapDesk;
use bytes::Bytes;
use core_directory::Quota;
use core_mailbox::{Allowance, Arrival, Usage};
use core_store::BlobWriter;
use proto_imap::ask::Answer;
use tracing::{info, warn};
use words_base::Timestamp;
use words_mail::{Flags, MailboxId, MailboxName, Refusal};
use words_message::HeaderCollector;

/// Messages of one APPEND.
const MESSAGES_MAX: usize = 256;
/// Octets of all messages of one APPEND but the first: small ones are held in memory.
const OCTETS_MAX: u64 = 64 << 20;

/// An APPEND in progress.
pub(crate) struct Appending {
    mailbox: MailboxId,
    name: MailboxName,
    /// What the account kept when it began.
    usage: Usage,
    /// Complete.
    arrivals: Vec<Arrival>,
    /// Octets announced by them and by `open`.
    octets: u64,
    open: Option<Open>,
}

/// One message on its way in.
struct Open {
    body: Box<dyn BlobWriter>,
    header: HeaderCollector,
    flags: Flags,
    received_at: Timestamp,
}

impl ImapDesk {
    /// `NoSuchMailbox` becomes TRYCREATE on the wire.
    pub(crate) async fn append_begin(&mut self, name: &MailboxName) -> Result<Answer, Refusal> {
        self.append_abort();
        let mailbox = self.mailboxes()?.find(name).await?;
        let login = self.login()?;
        let usage = self.office.mail.usage(login.account.id).await?;
        check(usage, 0, 1, login.account.quota)?;
        self.appending = Some(Appending {
            mailbox: mailbox.id,
            name: mailbox.name,
            usage,
            arrivals: Vec::new(),
            octets: 0,
            open: None,
        });
        Ok(Answer::Done)
    }

    /// Refuses before the octets are invited, where that can be known.
    pub(crate) fn append_message(
        &mut self,
        flags: Flags,
        received_at: Option<Timestamp>,
        size: u64,
    ) -> Result<Answer, Refusal> {
        let account = &self.login()?.account;
        let size_max = self.office.options.size_max.min(account.size_max.unwrap_or(u64::MAX));
        let quota = account.quota;
        let room = self.office.mail.check_room(size);
        let (body, now) = (self.office.mail.begin_body(), self.office.world.clock.now());
        let appending = self.appending()?;
        if size > size_max {
            return Err(Refusal::TooLarge { size_max });
        }
        room?;
        appending.check_count(size)?;
        let octets = appending.octets + size;
        check(appending.usage, octets, appending.arrivals.len() + 1, quota)?;
        appending.octets = octets;
        let received_at = received_at.unwrap_or(now);
        appending.open = Some(Open { body, header: HeaderCollector::new(), flags, received_at });
        Ok(Answer::Done)
    }

    pub(crate) async fn append_write(&mut self, octets: &[u8]) -> Result<Answer, Refusal> {
        let open = self.appending()?.open.as_mut();
        let open = open.ok_or(Refusal::NotPermitted("no message is being appended"))?;
        match open.write(octets).await {
            Ok(()) => Ok(Answer::Done),
            Err(refusal) => {
                // What lacks some of its octets must never be filed, nor what came with it.
                self.append_abort();
                Err(refusal)
            }
        }
    }

    pub(crate) async fn append_message_end(&mut self) -> Result<Answer, Refusal> {
        let appending = self.appending()?;
        let open = appending.open.take();
        let open = open.ok_or(Refusal::NotPermitted("no message is being appended"))?;
        appending.arrivals.push(Arrival {
            body: open.body.finish().await.map_err(unavailable)?,
            header: Bytes::from(open.header.into_bytes()),
            flags: open.flags,
            received_at: open.received_at,
        });
        Ok(Answer::Done)
    }

    pub(crate) async fn append_commit(&mut self) -> Result<Answer, Refusal> {
        let login = self.login()?;
        let (mailboxes, quota) = (login.mailboxes.clone(), login.account.quota);
        let appending = self.appending.take();
        let appending = appending.ok_or(Refusal::NotPermitted("nothing is being appended"))?;
        let octets = appending.octets;
        let Appending { mailbox, name, arrivals, .. } = appending;
        let appended = mailboxes.append_within(mailbox, arrivals, allowance(quota)).await?;
        let (first, messages) = (appended.uids.first().map_or(0, |uid| uid.0), appended.uids.len());
        info!(mailbox = %name, messages, octets, uid = first, "append");
        Ok(Answer::Appended { uid_validity: appended.uid_validity, uids: appended.uids })
    }

    pub(crate) fn append_abort(&mut self) -> Answer {
        self.appending = None;
        Answer::Done
    }

    fn appending(&mut self) -> Result<&mut Appending, Refusal> {
        self.appending.as_mut().ok_or(Refusal::NotPermitted("nothing is being appended"))
    }
}

impl Open {
    async fn write(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        self.header.feed(octets).map_err(|_| Refusal::Limit("octets of a header"))?;
        self.body.write(octets).await.map_err(unavailable)
    }
}

impl Appending {
    /// One message alone is bounded by its own limit.
    fn check_count(&self, size: u64) -> Result<(), Refusal> {
        if self.arrivals.len() >= MESSAGES_MAX {
            return Err(Refusal::Limit("messages of one APPEND"));
        }
        if !self.arrivals.is_empty() && self.octets + size > OCTETS_MAX {
            return Err(Refusal::Limit("octets of one APPEND of many messages"));
        }
        Ok(())
    }
}

/// The commit checks again, and has the last word.
fn check(usage: Usage, octets: u64, messages: usize, quota: Quota) -> Result<(), Refusal> {
    allowance(quota).check(usage, Usage { bytes: octets, messages: messages as u64 })
}

/// What the directory grants, in the mailboxes' words.
pub(crate) fn allowance(quota: Quota) -> Allowance {
    Allowance { bytes: quota.bytes, messages: quota.messages }
}

fn unavailable(error: core_store::StoreError) -> Refusal {
    warn!(%error, "a message cannot be taken in");
    match error {
        core_store::StoreError::Full => Refusal::StorageFull,
        _ => Refusal::Unavailable,
    }
}
