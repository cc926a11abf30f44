//! One message for many: what delivery files.

use crate::beside::{Beside, NotDelivered, Placing, UidSlot};
use crate::cold::{self, PREFIX_MAX};
use crate::draft::{Draft, Filed, Receipt, spare};
use crate::hot::Record;
use crate::mail::{Allowance, Inner, Mail, UNREADABLE, Usage};
use crate::name::Name;
use crate::{ATTEMPTS_MAX, Appended, Row, count, key};
use bytes::Bytes;
use core_store::{Batch, BlobId, Body, Key, StoreError, Value};
use std::collections::HashMap;
use words_base::Timestamp;
use words_mail::{AccountId, Flags, MailboxId, MailboxName, ModSeq, Refusal, Uid, UidValidity};

/// One recipient's copy of a message: where it goes, and what is his alone.
#[derive(Clone, Debug)]
pub struct Deposit {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which.
    pub mailbox: MailboxName,
    /// Trace fields that only this recipient sees in front of the message, with line ends.
    pub prefix: Bytes,
    /// Flags it starts with.
    pub flags: Flags,
    /// How much the account may keep.
    pub allowance: Allowance,
}

/// The octets that all deposits share.
enum Shared {
    /// Not in the store yet.
    Fresh(Body),
    /// Kept by an earlier batch, for these messages.
    Kept(Vec<(AccountId, MailboxId, Uid)>),
}

/// What all deposits of one message have in common.
struct Common {
    blob: BlobId,
    body_len: u64,
    summary: Vec<u8>,
    received_at: Timestamp,
    saved_at: Timestamp,
}

/// A deposit that a batch holds.
struct Placed {
    nth: usize,
    account: AccountId,
    mailbox: MailboxId,
    uid_validity: UidValidity,
    filed: Filed,
}

/// What a batch holds, and which deposits it has dealt with.
struct Filling {
    draft: Draft,
    placed: Vec<Placed>,
    refused: Vec<(usize, Refusal)>,
    /// The first deposit that did not fit.
    next: usize,
    /// Expectations that stand first, and are others'.
    expects_beside: usize,
}

/// What one delivery is about.
struct Task<'a> {
    common: Common,
    to: &'a [Deposit],
    beside: &'a dyn Beside,
}

impl Mail {
    /// Files one message for many, each deposit in its mailbox or refused (`NoSuchMailbox`,
    /// `MailboxFull`). The octets are kept once, with what is `beside` in the same commit. All goes in
    /// one commit as far as the store's limits allow, which is for hundreds of deposits; beyond that
    /// the rest follows in more commits, and one that fails then has its deposits refused as
    /// `Unavailable`. `Err`: nothing was filed. If no deposit can be filed, or there are none, the body
    /// is kept just for those beside, if any hold it; else nothing is written at all.
    pub async fn deliver(
        &self,
        body: Body,
        header: Bytes,
        received_at: Timestamp,
        to: Vec<Deposit>,
        beside: &dyn Beside,
    ) -> Result<Vec<Result<Appended, Refusal>>, NotDelivered> {
        let size_max = self.inner.options.size_max;
        if body.len > size_max {
            return Err(Refusal::TooLarge { size_max }.into());
        }
        let common = Common {
            blob: body.id,
            body_len: body.len,
            summary: crate::summary::encode(&header),
            received_at,
            saved_at: self.inner.world.clock.now(),
        };
        let task = Task { common, to: &to, beside };
        let mut shared = Shared::Fresh(body);
        let mut results = vec![Err(Refusal::Unavailable); to.len()];
        let mut from = 0;
        while from < to.len() {
            let is_first = matches!(shared, Shared::Fresh(_));
            match self.inner.deposit(&task, &mut shared, from, &mut results).await {
                Ok(next) => from = next,
                Err(why) if is_first => return Err(why),
                // Some have it already. What is left stays refused, temporarily.
                Err(_) => break,
            }
        }
        if let Shared::Fresh(body) = shared
            && beside.holders() > 0
        {
            self.inner.keep_beside(&task, body, &results).await?;
        }
        Ok(results)
    }
}

impl Inner {
    /// Files the deposits from `from` on that fit into one batch; tells the first that did not.
    async fn deposit(
        &self,
        task: &Task<'_>,
        shared: &mut Shared,
        from: usize,
        results: &mut [Result<Appended, Refusal>],
    ) -> Result<usize, NotDelivered> {
        for _ in 0..ATTEMPTS_MAX {
            let is_first = matches!(shared, Shared::Fresh(_));
            let mut filling = self.fill(task, from, is_first).await?;
            for (nth, refusal) in &filling.refused {
                results[*nth] = Err(refusal.clone());
            }
            if filling.placed.is_empty() {
                return Ok(filling.next);
            }
            let holders_beside = if is_first { task.beside.holders() } else { 0 };
            let kept = self.share(shared, task.common.blob, holders_beside, &mut filling).await?;
            filling.draft.note(task.beside, &placings(&filling.placed, &filling.refused));
            match filling.draft.commit(self).await {
                Ok(receipt) => {
                    tell(&receipt, &filling.placed, results);
                    let holds = |p: &Placed| (p.account, p.mailbox, receipt.uid(p.filed));
                    *shared = Shared::Kept(filling.placed.iter().map(holds).collect());
                    return Ok(filling.next);
                }
                Err(StoreError::Conflict { expectation })
                    if expectation < filling.expects_beside =>
                {
                    return Err(NotDelivered::Overtaken);
                }
                Err(StoreError::Conflict { .. }) => *shared = kept.ok_or(Refusal::Unavailable)?,
                Err(error) => return Err(crate::mail::refuse(error).into()),
            }
        }
        Err(Refusal::Unavailable.into())
    }

    /// Keeps the body for those beside alone.
    async fn keep_beside(
        &self,
        task: &Task<'_>,
        body: Body,
        results: &[Result<Appended, Refusal>],
    ) -> Result<(), NotDelivered> {
        let mut batch = Batch::new();
        task.beside.write(&mut batch)?;
        let refused = results.iter().enumerate();
        let refused = refused.filter_map(|(nth, r)| Some((nth, r.clone().err()?)));
        let refused: Vec<_> = refused.take(PLACED_MAX).collect();
        task.beside.note(&placings(&[], &refused), &mut batch);
        batch.keep(body, task.beside.holders());
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            // Nothing else was expected.
            Err(StoreError::Conflict { .. }) => Err(NotDelivered::Overtaken),
            Err(error) => Err(crate::mail::refuse(error).into()),
        }
    }

    /// Sees to it that the octets are held once for each placed deposit, and by those beside. Gives back
    /// what to go on with after a conflict, if that is possible: a body that an engine has spilled can be offered
    /// once only, so its sender has to try again.
    async fn share(
        &self,
        shared: &mut Shared,
        blob: BlobId,
        holders_beside: u32,
        filling: &mut Filling,
    ) -> Result<Option<Shared>, Refusal> {
        let holders = filling.placed.len();
        match std::mem::replace(shared, Shared::Kept(Vec::new())) {
            Shared::Fresh(body) => {
                let kept = spare(&body).map(Shared::Fresh);
                let holders = u32::try_from(holders).unwrap_or(u32::MAX);
                filling.draft.keep(body, holders.saturating_add(holders_beside));
                Ok(kept)
            }
            Shared::Kept(by) => {
                let (mailbox, record) = self.living(&by, blob).await?;
                filling.draft.expect(mailbox, record);
                (0..holders).for_each(|_| filling.draft.hold(blob));
                Ok(Some(Shared::Kept(by)))
            }
        }
    }

    /// The record of one of those messages that still holds the blob: as long as it does, others
    /// may hold it too.
    async fn living(
        &self,
        messages: &[(AccountId, MailboxId, Uid)],
        blob: BlobId,
    ) -> Result<(Key, Value), Refusal> {
        for (account, mailbox, uid) in messages {
            let record = self.record(*account, *mailbox, *uid).await?;
            if let Some(record) = record.filter(|r| r.row.blob == blob) {
                return Ok((key::hot(*account, *mailbox, *uid), record.octets));
            }
        }
        Err(Refusal::Unavailable)
    }

    async fn fill(&self, task: &Task<'_>, from: usize, is_first: bool) -> Result<Filling, Refusal> {
        // More than fit into a batch need not be looked up.
        let to = &task.to[..task.to.len().min(from + PLACED_MAX)];
        let keys: Vec<Key> = to[from..].iter().map(|d| key::name(d.account, &d.mailbox)).collect();
        let names = self.get_list(&keys).await?;
        let mut usages = self.usages(&to[from..]).await?;
        let mut batch = Batch::new();
        if is_first {
            task.beside.write(&mut batch)?;
        }
        let expects_beside = batch.expects.len();
        let mut filling = Filling {
            draft: Draft::over(batch),
            placed: Vec::new(),
            refused: Vec::new(),
            next: from,
            expects_beside,
        };
        for ((deposit, key), name) in to[from..].iter().zip(keys).zip(names) {
            if filling.draft.is_full() {
                break;
            }
            match place(&mut filling, &task.common, deposit, (key, name), &mut usages) {
                Ok(placed) => filling.placed.push(placed),
                Err(Refusal::Unavailable) => return Err(Refusal::Unavailable),
                Err(refusal) => filling.refused.push((filling.next, refusal)),
            }
            filling.next += 1;
        }
        Ok(filling)
    }

    /// What those accounts keep that have a limit.
    async fn usages(&self, to: &[Deposit]) -> Result<HashMap<AccountId, Usage>, Refusal> {
        let limited: Vec<AccountId> =
            to.iter().filter(|d| !d.allowance.is_unlimited()).map(|d| d.account).collect();
        if limited.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<Key> = limited.iter().map(|a| key::usage(*a)).collect();
        let values = self.get_list(&keys).await?;
        let usages = values.iter().map(|v| count::decode_usage(v.as_ref()));
        Ok(limited.into_iter().zip(usages).collect())
    }

    /// The record of a message, if it is there.
    async fn record(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uid: Uid,
    ) -> Result<Option<Record>, Refusal> {
        Ok(self.records(account, mailbox, &[uid]).await?.pop().flatten())
    }
}

/// Most deposits that are looked up for one batch.
const PLACED_MAX: usize = 2_500;

/// Puts a deposit into a batch.
fn place(
    filling: &mut Filling,
    common: &Common,
    deposit: &Deposit,
    (key, name): (Key, Option<Value>),
    usages: &mut HashMap<AccountId, Usage>,
) -> Result<Placed, Refusal> {
    let octets = name.ok_or(Refusal::NoSuchMailbox)?;
    let name = Name::decode(&octets).ok_or(UNREADABLE)?;
    let mailbox = name.mailbox.ok_or(Refusal::NoSuchMailbox)?;
    if deposit.prefix.len() > PREFIX_MAX {
        return Err(Refusal::Limit("trace fields of one recipient"));
    }
    let row = common.row(deposit);
    if let Some(usage) = usages.get_mut(&deposit.account) {
        deposit.allowance.check(*usage, Usage { bytes: row.size, messages: 1 })?;
        usage.bytes += row.size;
        usage.messages += 1;
    }
    // A mailbox that is removed meanwhile is noticed.
    filling.draft.expect(key, octets);
    let cold = cold::encode(&deposit.prefix, &common.summary);
    let filed = filling.draft.file(deposit.account, mailbox, &row, &cold);
    let (nth, account, uid_validity) = (filling.next, deposit.account, name.uid_validity);
    Ok(Placed { nth, account, mailbox, uid_validity, filed })
}

impl Common {
    fn row(&self, deposit: &Deposit) -> Row {
        Row {
            uid: Uid(0),
            modseq: ModSeq(0),
            flags: deposit.flags.clone(),
            size: self.body_len + deposit.prefix.len() as u64,
            received_at: self.received_at,
            saved_at: self.saved_at,
            blob: self.blob,
            prefix_len: deposit.prefix.len() as u16,
            has_unique_id: false,
        }
    }
}

/// Where a batch files deposits, as others may note it.
fn placings<'a>(placed: &[Placed], refused: &'a [(usize, Refusal)]) -> Vec<Placing<'a>> {
    let filed = placed.iter().map(|p| {
        let (uids, nth) = p.filed.slot();
        Placing { nth: p.nth, place: Ok(UidSlot { mailbox: p.mailbox, uids, nth }) }
    });
    let refused = refused.iter().map(|(nth, refusal)| Placing { nth: *nth, place: Err(refusal) });
    filed.chain(refused).collect()
}

fn tell(receipt: &Receipt, placed: &[Placed], results: &mut [Result<Appended, Refusal>]) {
    for one in placed {
        let uids = vec![receipt.uid(one.filed)];
        let modseq = receipt.modseq(one.filed);
        results[one.nth] = Ok(Appended { uid_validity: one.uid_validity, uids, modseq });
    }
}
