//! What the account still has.

use core_mailbox::{Content, Mailboxes, Row};
use core_store::BlobId;
use std::collections::{HashMap, HashSet};
use words_base::Timestamp;
use words_mail::{MailboxId, MailboxName, Refusal};

/// Octets read at once.
const PIECE: usize = 64 * 1024;

/// What stays the same of a message as long as nobody files its octets anew.
pub(crate) type Origin = (BlobId, u64, Timestamp);

/// Of a row.
pub(crate) fn origin(row: &Row) -> Origin {
    (row.blob, row.size, row.received_at)
}

/// A message's octets, in short.
pub(crate) type Digest = [u8; 32];

/// Reads a message.
pub(crate) async fn digest(content: &Content) -> Result<Digest, Refusal> {
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    while at < content.len() {
        let piece = content.read(at, PIECE).await?;
        if piece.is_empty() {
            return Err(Refusal::Unavailable);
        }
        hasher.update(&piece);
        at += piece.len() as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}

/// Of the messages that are wanted, those that could be there: what is asked of the account.
#[derive(Default)]
pub(crate) struct Question {
    /// By where they come from.
    pub origins: HashSet<Origin>,
    /// By their size alone.
    pub sizes: HashSet<u64>,
}

/// What the account has of it.
#[derive(Default)]
pub(crate) struct Known {
    origins: HashMap<Origin, HashSet<MailboxId>>,
    digests: HashMap<(u64, Digest), HashSet<MailboxId>>,
    /// Of those in `digests`.
    sizes: HashSet<u64>,
}

/// Where a message is, rising by how much it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Nowhere.
    Missing,
    /// In another mailbox than that which it is to come into.
    Elsewhere,
    /// In that mailbox.
    There,
}

impl Known {
    /// Looks through the whole account. Messages of a wanted size are read, unless their origin tells
    /// already that they are those.
    pub async fn look(mailboxes: &Mailboxes, question: &Question) -> Result<Known, Refusal> {
        let mut known = Known::default();
        for mailbox in mailboxes.list().await? {
            match known.look_into(mailboxes, &mailbox.name, question).await {
                // Removed in this moment.
                Ok(()) | Err(Refusal::NoSuchMailbox) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(known)
    }

    async fn look_into(
        &mut self,
        mailboxes: &Mailboxes,
        name: &MailboxName,
        question: &Question,
    ) -> Result<(), Refusal> {
        let view = mailboxes.open(name).await?;
        let id = view.mailbox().id;
        for (_, row) in view.rows().iter_from(0) {
            if question.origins.contains(&origin(row)) {
                self.origins.entry(origin(row)).or_default().insert(id);
            } else if question.sizes.contains(&row.size) {
                let content = mailboxes.content(&view, row).await;
                let Ok(content) = content else { continue };
                // What cannot be read any more is as good as lost.
                if let Ok(digest) = digest(&content).await {
                    self.digests.entry((row.size, digest)).or_default().insert(id);
                    self.sizes.insert(row.size);
                }
            }
        }
        Ok(())
    }

    /// Where the message of that origin is.
    pub fn by_origin(&self, origin: &Origin, target: Option<MailboxId>) -> Standing {
        standing(self.origins.get(origin), target)
    }

    /// Where the message of that size and these octets is.
    pub fn by_digest(&self, size: u64, digest: Digest, target: Option<MailboxId>) -> Standing {
        standing(self.digests.get(&(size, digest)), target)
    }

    /// Is there any of that size whose origin does not tell what it is?
    pub fn has_size(&self, size: u64) -> bool {
        self.sizes.contains(&size)
    }
}

fn standing(mailboxes: Option<&HashSet<MailboxId>>, target: Option<MailboxId>) -> Standing {
    match mailboxes {
        None => Standing::Missing,
        Some(mailboxes) if target.is_some_and(|target| mailboxes.contains(&target)) => {
            Standing::There
        }
        Some(_) => Standing::Elsewhere,
    }
}
