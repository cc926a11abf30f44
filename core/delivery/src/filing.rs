//! Filing: every copy where its account wants it, all that belongs to one reply together.

use crate::compose::prefix;
use crate::delivery::{Road, allowance};
use crate::maildir::{Letter, Written};
use crate::plan::{Placement, Quota, Replies};
use bytes::Bytes;
use core_mailbox::{Allowance, Deposit, NotDelivered};
use core_store::Body;
use words_mail::{Flags, MailboxName, Refusal, ReversePath};

/// What all copies of one message have in common.
pub(crate) struct Filing<'a> {
    pub(crate) road: &'a Road,
    pub(crate) id: &'a str,
    pub(crate) reverse_path: &'a ReversePath,
    pub(crate) replies: Replies,
}

impl Filing<'_> {
    /// Files the copies, or says of each why not. What goes to Maildirs is durable there before
    /// anything is filed in mailboxes, and only then gets its final name: if one of those who share a
    /// reply cannot have it, mostly none has. `Err`: nothing was filed.
    pub(crate) async fn file(
        &self,
        copies: &[Placement<'_>],
        body: Body,
        header: Bytes,
    ) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let written = self.write_maildirs(copies, &body).await?;
        let at = |nth: &usize| written.iter().any(|(other, _)| other == nth);
        let here: Vec<usize> = (0..copies.len()).filter(|nth| !at(nth)).collect();
        let mut filed = vec![Err(Refusal::Unavailable); copies.len()];
        if !here.is_empty() {
            let deposits = here.iter().map(|nth| self.deposit(&copies[*nth])).collect();
            let received_at = self.road.world.clock.now();
            match self.road.mail.deliver(body, header, received_at, deposits, &()).await {
                Ok(told) => {
                    here.iter().zip(told).for_each(|(nth, told)| filed[*nth] = told.map(drop));
                }
                Err(why) => {
                    abandon(written).await;
                    return Err(match why {
                        NotDelivered::Refused(refusal) => refusal,
                        NotDelivered::Overtaken => Refusal::Unavailable,
                    });
                }
            }
        }
        for (nth, written) in written {
            filed[nth] = match written {
                Ok(written) => self.road.publish(&copies[nth].to.account, written).await,
                Err(refusal) => Err(refusal),
            };
        }
        Ok(filed)
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
        prefix(self.reverse_path, &copy.to.address)
    }

    fn deposit(&self, copy: &Placement<'_>) -> Deposit {
        Deposit {
            account: copy.to.account.id,
            mailbox: MailboxName::inbox(),
            prefix: self.prefix(copy).into(),
            flags: Flags::default(),
            allowance: match copy.quota {
                Quota::Counts => allowance(&copy.to.account),
                Quota::Decided => Allowance::UNLIMITED,
            },
        }
    }
}

async fn abandon(written: Vec<(usize, Result<Written, Refusal>)>) {
    for written in written.into_iter().filter_map(|(_, written)| written.ok()) {
        written.abandon().await;
    }
}
