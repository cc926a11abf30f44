//! After a store has gone back to an older moment: no number that was given since is given again.

use crate::adopt::UID_MAX;
use crate::mail::refuse;
use crate::{Mailbox, Mailboxes, key, octets};
use core_store::{Batch, Template};
use words_mail::{ModSeq, Refusal};

/// UIDs of each mailbox that are passed over: more than have come since any backup.
const UIDS: u64 = 1 << 20;
/// Numbers of the change log that are passed over.
const MODSEQS: u64 = 1 << 30;
/// Most mailboxes in one commit.
const MAILBOXES_MAX: usize = 4_000;

impl Mailboxes {
    /// Goes on with UIDs and modseqs far above those given so far, and forgets the change log. To be
    /// called once on a store that was restored from a backup, before anybody uses it: clients may
    /// know UIDs given after the backup, which must not come to mean other messages (RFC 9051
    /// §2.3.1.1); whoever asks for changes is told that everything may have changed (RFC 7162 §3.2.5).
    /// Messages keep their UIDs.
    pub async fn skip_numbers(&self) -> Result<(), Refusal> {
        let newest = self.inner.get(&key::modseq(self.account)).await?;
        let newest = ModSeq(octets::counter(newest.as_ref()));
        let log = key::log(self.account, ModSeq(0), newest);
        while self.inner.delete_page(log.clone()).await? {}
        let mailboxes = self.list().await?;
        for mailboxes in mailboxes.chunks(MAILBOXES_MAX) {
            self.skip_numbers_of(mailboxes).await?;
        }
        Ok(())
    }

    async fn skip_numbers_of(&self, mailboxes: &[Mailbox]) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        let modseq = batch.assign(key::modseq(self.account), MODSEQS);
        let newest = || {
            let mut number = Template::default();
            number.push_slot(modseq, MODSEQS - 1);
            number
        };
        batch.put(key::trimmed(self.account), newest());
        for Mailbox { id, .. } in mailboxes {
            batch.put(key::highest_modseq(self.account, *id), newest());
            let last_uid = key::last_uid(self.account, *id);
            let last = octets::counter(self.inner.get(&last_uid).await?.as_ref());
            // One that is nearly full keeps what it has left.
            if last + UIDS <= u64::from(UID_MAX) {
                batch.assign(last_uid, UIDS);
            }
        }
        self.inner.store.commit(batch).await.map(drop).map_err(refuse)
    }
}
