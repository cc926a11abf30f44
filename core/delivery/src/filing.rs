//! Filing: every copy where its account wants it, all that belongs to one reply together.
//!
//! What goes to Maildirs is durable there first, in `tmp`, where nobody reads. Then one commit files
//! what goes to mailboxes and queues what goes elsewhere. Then the Maildirs' files get their names. So a
//! disk that is full, a quota that is used up or a store that fails leaves nothing anywhere, and the
//! sender tries again. One order of failure is left: the commit is done and a file cannot get its name.
//! The sender is told to try again, and those who have the message get it twice; nobody misses it.

use crate::companion::Companion;
use crate::compose::prefix;
use crate::delivery::{Road, allowance};
use crate::maildir::{Letter, Written};
use crate::plan::{Placement, Quota, Replies};
use bytes::Bytes;
use core_mailbox::{Allowance, Beside, Deposit, NotDelivered};
use core_store::{Batch, Body};
use words_mail::{Flags, Keyword, MailboxName, Refusal, ReversePath, SpecialUse};

/// Octets of verdicts in front of one copy; beyond, the recipient does without.
const RESULTS_MAX: usize = 12 * 1024;

/// What all copies of one message have in common.
pub(crate) struct Filing<'a> {
    pub(crate) road: &'a Road,
    pub(crate) id: &'a str,
    pub(crate) reverse_path: &'a ReversePath,
    pub(crate) replies: Replies,
    /// Authentication-Results, whole.
    pub(crate) results: &'a str,
    pub(crate) is_junk: bool,
}

impl Filing<'_> {
    /// Files the copies, or says of each why not; queues what the companion brings. If one of those
    /// who share a reply cannot have it, mostly none has. `Err`: nothing was filed or queued.
    pub(crate) async fn file(
        &self,
        copies: &[Placement<'_>],
        body: Body,
        header: Bytes,
        companion: &Companion<'_>,
    ) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let written = self.write_maildirs(copies, &body).await?;
        let at = |nth: &usize| written.iter().any(|(other, _)| other == nth);
        let here: Vec<usize> = (0..copies.len()).filter(|nth| !at(nth)).collect();
        let mut filed = vec![Err(Refusal::Unavailable); copies.len()];
        if !here.is_empty() || companion.holders() > 0 {
            match self.commit(copies, &here, body, header, companion).await {
                Ok(told) => here.iter().zip(told).for_each(|(nth, told)| filed[*nth] = told),
                Err(refusal) => {
                    abandon(written).await;
                    return Err(refusal);
                }
            }
        } else if let Some(trace) = companion.trace {
            // There is no commit that it could be part of.
            companion.head.with(None, |came| {
                trace.noted(self.id, came, |writing| companion.note_others(writing));
            });
        }
        for (nth, written) in written {
            filed[nth] = match written {
                Ok(written) => self.road.publish(&copies[nth].to.account, written).await,
                Err(refusal) => Err(refusal),
            };
        }
        if here.is_empty() && companion.holders() == 0 && filed.iter().all(Result::is_ok) {
            self.end(companion.also).await?;
        }
        Ok(filed)
    }

    async fn commit(
        &self,
        copies: &[Placement<'_>],
        here: &[usize],
        body: Body,
        header: Bytes,
        companion: &Companion<'_>,
    ) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let mut deposits = Vec::with_capacity(here.len());
        for nth in here {
            deposits.push(self.deposit(&copies[*nth]).await?);
        }
        let received_at = self.road.world.clock.now();
        let told = self.road.mail.deliver(body, header, received_at, deposits, companion).await;
        match told {
            Ok(told) => {
                companion.committed();
                Ok(told.into_iter().map(|told| told.map(drop)).collect())
            }
            Err(NotDelivered::Refused(refusal)) => {
                // Perhaps it was done and nobody knows: who looks for work finds out.
                if refusal == Refusal::Unavailable {
                    companion.committed();
                }
                Err(refusal)
            }
            Err(NotDelivered::Overtaken) => Err(Refusal::Unavailable),
        }
    }

    /// What led to a message that is only in Maildirs is over, a moment later: were the process killed
    /// in between, it comes twice.
    async fn end(&self, also: Option<&Batch>) -> Result<(), Refusal> {
        let (Some(also), Some(way_out)) = (also, &self.road.way_out) else { return Ok(()) };
        let mut batch = Batch::new();
        batch.expects.extend(also.expects.iter().cloned());
        batch.operations.extend(also.operations.iter().cloned());
        way_out.store.commit(batch).await.map(drop).map_err(|_| Refusal::Unavailable)
    }

    /// Writes the copies that go to Maildirs; tells which of all copies they are.
    async fn write_maildirs(
        &self,
        copies: &[Placement<'_>],
        body: &Body,
    ) -> Result<Vec<(usize, Result<Written, Refusal>)>, Refusal> {
        let mut all = Vec::new();
        for (nth, copy) in copies.iter().enumerate() {
            let Some(deliver_to) = &copy.to.account.deliver_to else { continue };
            let prefix = self.prefix(copy);
            let letter = Letter { id: self.id, prefix: &prefix, body };
            let written = self.road.write_maildir(&copy.to.account, deliver_to, letter).await;
            match written {
                // One reply is for all: were just this one left out, it would be lost without a word.
                Err(refusal) if self.replies == Replies::One => {
                    abandon(all).await;
                    return Err(refusal);
                }
                written => all.push((nth, written)),
            }
        }
        Ok(all)
    }

    fn prefix(&self, copy: &Placement<'_>) -> Vec<u8> {
        let results = if self.results.len() > RESULTS_MAX { "" } else { self.results };
        prefix(self.reverse_path, &copy.to.address, results)
    }

    async fn deposit(&self, copy: &Placement<'_>) -> Result<Deposit, Refusal> {
        let mut flags = Flags::default();
        let mailbox = match self.is_junk {
            false => MailboxName::inbox(),
            true => {
                Keyword::parse("$Junk").into_iter().for_each(|junk| flags.insert_keyword(junk));
                self.junk(copy).await?
            }
        };
        Ok(Deposit {
            account: copy.to.account.id,
            mailbox,
            prefix: self.prefix(copy).into(),
            flags,
            allowance: match copy.quota {
                Quota::Counts => allowance(&copy.to.account),
                Quota::Decided => Allowance::UNLIMITED,
            },
        })
    }

    /// Where an account keeps its junk: the mailbox for it; INBOX, if there is none.
    async fn junk(&self, copy: &Placement<'_>) -> Result<MailboxName, Refusal> {
        let list = self.road.mail.account(copy.to.account.id).list().await?;
        let junk = list.into_iter().find(|m| m.special_use == Some(SpecialUse::Junk));
        Ok(junk.map_or_else(MailboxName::inbox, |junk| junk.name))
    }
}

async fn abandon(written: Vec<(usize, Result<Written, Refusal>)>) {
    for written in written.into_iter().filter_map(|(_, written)| written.ok()) {
        written.abandon().await;
    }
}
