//! Bodies that no record names: found when a store was damaged, filed where somebody may look.

use crate::mail::{Mail, refuse};
use crate::{Arrival, Mailboxes};
use bytes::Bytes;
use core_store::BlobId;
use words_base::Timestamp;
use words_mail::{Flags, MailboxName, Refusal, Uid};
use words_message::HeaderCollector;

/// Octets read at a time.
const PIECE: u64 = 64 * 1024;

impl Mail {
    /// The header section of a body; empty if it has none that makes sense.
    pub async fn header_of(&self, blob: BlobId) -> Result<Bytes, Refusal> {
        let mut header = HeaderCollector::new();
        let mut offset = 0;
        while !header.is_complete() {
            let range = offset..offset + PIECE;
            let piece = self.inner.blobs.read(blob, range).await.map_err(refuse)?;
            offset += piece.len() as u64;
            if piece.is_empty() || header.feed(&piece).is_err() {
                break;
            }
        }
        Ok(header.into_bytes().into())
    }
}

impl Mailboxes {
    /// Files what a body holds as a message of its own in `name`, which is made if it is not there.
    /// Whoever holds the body goes on holding it.
    pub async fn take_in(
        &self,
        name: &MailboxName,
        blob: BlobId,
        received_at: Timestamp,
    ) -> Result<Option<Uid>, Refusal> {
        let mailbox = match self.find(name).await {
            Err(Refusal::NoSuchMailbox) => self.create(name, None).await?,
            found => found?,
        };
        let mut body = self.inner.blobs.begin();
        let mut header = HeaderCollector::new();
        let mut offset = 0;
        loop {
            let range = offset..offset + PIECE;
            let piece = self.inner.blobs.read(blob, range).await.map_err(refuse)?;
            if piece.is_empty() {
                break;
            }
            offset += piece.len() as u64;
            // A header without an end is read as far as it may go.
            let _ = header.feed(&piece);
            body.write(&piece).await.map_err(refuse)?;
        }
        let body = body.finish().await.map_err(refuse)?;
        let (header, flags) = (Bytes::from(header.into_bytes()), Flags::new());
        let arrival = Arrival { body, header, flags, received_at };
        let appended = self.append(mailbox.id, vec![arrival]).await?;
        Ok(appended.uids.first().copied())
    }
}
