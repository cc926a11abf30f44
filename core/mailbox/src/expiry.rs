//! When the time of expunged messages has come: they are given up page by page, and with the last
//! that holds them their octets.

use crate::draft::Draft;
use crate::expunged::Relic;
use crate::hot::Keywords;
use crate::mail::{Inner, UNREADABLE};
use crate::{Mail, Usage, count, key};
use core_store::{Key, Scan};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;
use words_base::Timestamp;
use words_mail::{AccountId, Refusal};

/// Most messages that are given up in one commit.
const PAGE_MAX: usize = 1_000;
/// Accounts that are looked at in one unit of work.
const ACCOUNTS_MAX: usize = 100;
/// Most messages that are given up in a minute, so that others have their turn.
const EXPIRED_MAX: u64 = 100_000;
/// What a minute is.
const MINUTE: Duration = Duration::from_secs(60);
/// Everybody's messages are looked at so many times while one is kept,
const SWEEPS: u32 = 24;
/// but no more rarely than this.
const SWEEP_MAX: Duration = Duration::from_secs(3600);

/// What is still to be looked at. Forgotten with the process, and then all is looked at anew.
#[derive(Default)]
pub(crate) struct Expiry {
    /// Accounts that have something to be given up.
    due: BTreeSet<AccountId>,
    /// The rest of those that are being looked at.
    rest: Option<Range<Key>>,
    /// When all had been looked at.
    swept_at: Option<Timestamp>,
    /// When the minute began,
    minute: Option<Timestamp>,
    /// and how many were given up in it.
    expired: u64,
}

impl Expiry {
    /// The account has something to be given up, perhaps.
    pub fn note(&mut self, account: AccountId) {
        self.due.insert(account);
    }

    /// May more be given up in this minute?
    fn may_go_on(&mut self, now: Timestamp) -> bool {
        // A clock that was set back begins a minute too.
        if self.minute.is_none_or(|minute| now < minute || now.since(minute) >= MINUTE) {
            (self.minute, self.expired) = (Some(now), 0);
        }
        self.expired < EXPIRED_MAX
    }

    /// What is to be looked at next: the accounts in this range. `None`: nothing for now.
    fn next_range(&mut self, now: Timestamp, interval: Duration) -> Option<Range<Key>> {
        let is_due = |swept: Timestamp| now < swept || now.since(swept) >= interval;
        match self.rest.take() {
            None if self.swept_at.is_none_or(is_due) => Some(key::all_expunged_sums()),
            rest => rest,
        }
    }
}

/// Which of an account's expunged messages are given up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those whose time has come by now, and the oldest of those that are too many.
    Due(Timestamp),
    /// All.
    All,
}

impl Mail {
    /// Gives up one page of expunged messages whose time has come, or looks whose it has. `true`
    /// when nothing is left for now.
    pub(crate) async fn expire_page(&self) -> Result<bool, Refusal> {
        let inner = &self.inner;
        let now = inner.world.clock.now();
        if !inner.expiry().may_go_on(now) {
            return Ok(true);
        }
        let due = inner.expiry().due.pop_first();
        if let Some(account) = due {
            if !inner.give_up_page(account, Which::Due(now)).await? {
                inner.expiry().note(account);
            }
            return Ok(false);
        }
        let interval = (inner.options.keep_expunged / SWEEPS).min(SWEEP_MAX);
        let range = inner.expiry().next_range(now, interval);
        match range {
            Some(range) => inner.sweep(range, now).await,
            None => Ok(true),
        }
    }
}

impl Inner {
    /// What is still to be looked at.
    pub fn expiry(&self) -> MutexGuard<'_, Expiry> {
        self.expiry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks whether the first accounts in `range` have messages to be given up. `true` when all
    /// have been looked at and none has.
    async fn sweep(&self, range: Range<Key>, now: Timestamp) -> Result<bool, Refusal> {
        let page = self.scan(Scan::rising(range).at_most(ACCOUNTS_MAX)).await?;
        for (key, value) in &page.pairs {
            let account = key::account_of(key).ok_or(UNREADABLE)?;
            let kept = count::decode_usage(Some(value));
            if kept != Usage::default() && self.is_due(account, kept, now).await? {
                self.expiry().note(account);
            }
        }
        let mut expiry = self.expiry();
        expiry.rest = page.rest;
        if expiry.rest.is_some() {
            return Ok(false);
        }
        expiry.swept_at = Some(now);
        Ok(expiry.due.is_empty())
    }

    async fn is_due(
        &self,
        account: AccountId,
        kept: Usage,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        if self.excess(kept, 1) {
            return Ok(true);
        }
        let first = self.scan(Scan::rising(key::all_expunged(account)).at_most(1)).await?;
        let Some((key, _)) = first.pairs.first() else { return Ok(false) };
        Ok(self.has_expired(key::expunged_id(key).ok_or(UNREADABLE)?.expunged_at, now))
    }

    fn has_expired(&self, expunged_at: Timestamp, now: Timestamp) -> bool {
        now.since(expunged_at) >= self.options.keep_expunged
    }

    /// Gives up one page of an account's expunged messages, the oldest first. `true` when no more
    /// are to be given up.
    pub(crate) async fn give_up_page(
        &self,
        account: AccountId,
        which: Which,
    ) -> Result<bool, Refusal> {
        let mut kept = self.kept(account).await?;
        let page = self.scan(Scan::rising(key::all_expunged(account)).at_most(PAGE_MAX)).await?;
        let mut draft = Draft::new();
        let mut keywords = Keywords::default();
        let mut is_last = page.rest.is_none();
        let mut count = 0;
        for (key, octets) in page.pairs {
            let relic = Relic::read(&key, octets, &mut keywords)?;
            let goes = match which {
                Which::All => true,
                Which::Due(now) => {
                    self.excess(kept, 1) || self.has_expired(relic.id.expunged_at, now)
                }
            };
            if !goes {
                is_last = true;
                break;
            }
            kept.messages = kept.messages.saturating_sub(1);
            kept.bytes = kept.bytes.saturating_sub(relic.row.size);
            draft.release(relic.row.blob);
            draft.take_relic(account, &relic);
            count += 1;
        }
        // Whoever recovers one of them at the same time is first; the others go next time.
        let is_done = self.done(draft).await?;
        self.expiry().expired += count;
        Ok(is_done && is_last)
    }
}
