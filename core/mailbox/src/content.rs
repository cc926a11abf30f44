//! The octets of a message.

use crate::mail::{Inner, UNREADABLE, refuse};
use crate::{Mailboxes, Row, Rows, View, cold, key};
use bytes::{Bytes, BytesMut};
use core_store::{BlobId, Key, Scan, StoreError};
use std::sync::Arc;
use words_mail::{MailboxId, Refusal, Uid};

/// Records that one scan for summaries takes at most,
const SCANNED_MAX: usize = 1_000;
/// how many it takes beyond those that are wanted, as some may be of expunged messages,
const STRAYS: usize = 64;
/// and so many records for one that is wanted are too many for a scan to go on.
const STRAYS_MAX: usize = 4;
/// Records that are sought one by one, at once.
const SOUGHT_MAX: usize = 256;

/// The message was expunged after the rows were read that still have it (RFC 5530 EXPUNGEISSUED).
pub const EXPUNGED: Refusal = Refusal::NotPermitted("the message was expunged meanwhile");

/// The octets of one message: its own prefix, then its blob's. Outlives an expunge for a while.
#[derive(Clone)]
pub struct Content {
    inner: Arc<Inner>,
    prefix: Bytes,
    blob: BlobId,
    len: u64,
}

impl Content {
    /// Octets of the whole message.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Is it without octets?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most `len_max` octets from `offset`; fewer only at the end.
    /// Errors: [`EXPUNGED`] when the octets have been given up meanwhile.
    pub async fn read(&self, offset: u64, len_max: usize) -> Result<Bytes, Refusal> {
        let end = offset.saturating_add(len_max as u64).min(self.len);
        let prefix_len = self.prefix.len() as u64;
        if offset >= end {
            return Ok(Bytes::new());
        }
        if offset >= prefix_len {
            return self.read_blob(offset - prefix_len, end - prefix_len).await;
        }
        let own = self.prefix.slice(offset as usize..end.min(prefix_len) as usize);
        if end <= prefix_len {
            return Ok(own);
        }
        let shared = self.read_blob(0, end - prefix_len).await?;
        let mut both = BytesMut::with_capacity(own.len() + shared.len());
        both.extend_from_slice(&own);
        both.extend_from_slice(&shared);
        Ok(both.freeze())
    }

    async fn read_blob(&self, from: u64, to: u64) -> Result<Bytes, Refusal> {
        match self.inner.blobs.read(self.blob, from..to).await {
            Ok(octets) => Ok(octets),
            Err(StoreError::NoSuchBlob) => Err(EXPUNGED),
            Err(error) => Err(refuse(error)),
        }
    }
}

impl Mailboxes {
    /// The octets of a message. Errors: [`EXPUNGED`].
    pub async fn content(&self, view: &View, row: &Row) -> Result<Content, Refusal> {
        let prefix = match row.prefix_len {
            0 => Bytes::new(),
            _ => self.prefix(view, row.uid).await?,
        };
        Ok(Content { inner: self.inner.clone(), prefix, blob: row.blob, len: row.size })
    }

    async fn prefix(&self, view: &View, uid: Uid) -> Result<Bytes, Refusal> {
        let cold = self.inner.get(&key::cold(self.account, view.mailbox().id, uid)).await?;
        let (prefix, _) = cold::decode(&cold.ok_or(EXPUNGED)?).ok_or(UNREADABLE)?;
        Ok(prefix)
    }

    /// The encoded [`words_message`] summaries (SummaryRef reads them) of the rows from `place` on,
    /// at most `count_max`, `None` where a message has gone and nothing
    /// is kept of it.
    pub async fn summaries(
        &self,
        view: &View,
        rows: &Rows,
        place: usize,
        count_max: usize,
    ) -> Result<Vec<Option<Bytes>>, Refusal> {
        let wanted: Vec<Uid> =
            rows.iter_from(place).take(count_max).map(|(_, row)| row.uid).collect();
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return Ok(Vec::new());
        };
        let (account, mailbox) = (self.account, view.mailbox().id);
        let mut rest = Some(key::colds(account, mailbox, *first, *last));
        let mut summaries = vec![None; wanted.len()];
        let mut at = 0;
        while let Some(range) = rest {
            let count_max = (wanted.len() - at + STRAYS).min(SCANNED_MAX);
            let page = self.inner.scan(Scan::rising(range).at_most(count_max)).await?;
            let mut met = 0;
            for (key, value) in &page.pairs {
                let uid = key::uid_of(key).ok_or(UNREADABLE)?;
                // Both rise, so the next is mostly the very next.
                while wanted.get(at).is_some_and(|wanted| *wanted < uid) {
                    at += 1;
                }
                if wanted.get(at) == Some(&uid) {
                    summaries[at] = Some(cold::decode(value).ok_or(UNREADABLE)?.1);
                    met += 1;
                }
            }
            rest = page.rest;
            if rest.is_some() && met * STRAYS_MAX < page.pairs.len() {
                self.seek_summaries(mailbox, &wanted[at..], &mut summaries[at..]).await?;
                break;
            }
        }
        Ok(summaries)
    }

    /// Reads summaries one by one, where a scan meets mostly those of expunged messages.
    async fn seek_summaries(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        summaries: &mut [Option<Bytes>],
    ) -> Result<(), Refusal> {
        for (uids, summaries) in uids.chunks(SOUGHT_MAX).zip(summaries.chunks_mut(SOUGHT_MAX)) {
            let keys: Vec<Key> =
                uids.iter().map(|uid| key::cold(self.account, mailbox, *uid)).collect();
            for (cold, summary) in self.inner.get_list(&keys).await?.iter().zip(summaries) {
                if let Some(cold) = cold {
                    *summary = Some(cold::decode(cold).ok_or(UNREADABLE)?.1);
                }
            }
        }
        Ok(())
    }
}
