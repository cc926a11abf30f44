//! The names of an account: read as a whole, changed as a whole, guarded by one record.

use crate::draft::Draft;
use crate::mail::{Inner, UNREADABLE, refuse};
use crate::name::{Doomed, Name, Numbered, TreeRecord};
use crate::{Mailbox, key};
use bytes::Bytes;
use core_store::{Batch, Scan};
use std::collections::{BTreeMap, BTreeSet};
use words_base::Timestamp;
use words_mail::{AccountId, MailboxId, MailboxName, Refusal, SpecialUse, UidValidity};

/// 2020-01-01T00:00:00Z. UIDVALIDITY counts seconds from here where it can, so that an account made
/// anew under an old name gives its clients other ones than before.
const UID_VALIDITY_EPOCH: i64 = 1_577_836_800;

/// What NotPermitted says when a special use is asked for that another mailbox has (RFC 6154 §3
/// USEATTR).
pub const SPECIAL_USE_TAKEN: &str = "another mailbox has this special use";

/// All names of an account, as they are or as they are to become.
pub(crate) struct Tree {
    /// By name; those without a mailbox are subscriptions.
    pub names: BTreeMap<MailboxName, Name>,
    record: TreeRecord,
    /// The stored record and names, as read.
    before: (Option<Bytes>, BTreeMap<MailboxName, Name>),
    now: Timestamp,
    /// Can messages of mailboxes that go be recovered?
    pub keeps: bool,
}

impl Tree {
    /// Of an account that is being made.
    pub fn new(now: Timestamp) -> Tree {
        let (names, before) = Default::default();
        Tree { names, record: TreeRecord::default(), before, now, keeps: true }
    }

    /// Of an account as it is.
    pub async fn read(inner: &Inner, account: AccountId) -> Result<Tree, Refusal> {
        let snapshot = inner.snapshot().await?;
        let octets = snapshot.get(&key::tree(account)).await.map_err(refuse)?;
        let record = match &octets {
            Some(octets) => TreeRecord::decode(octets).ok_or(UNREADABLE)?,
            None => TreeRecord::default(),
        };
        let mut names = BTreeMap::new();
        let mut rest = Some(key::names(account));
        while let Some(range) = rest {
            let page = snapshot.scan(Scan::rising(range)).await.map_err(refuse)?;
            for (key, value) in &page.pairs {
                let name = key::name_of(key).ok_or(UNREADABLE)?;
                names.insert(name, Name::decode(value).ok_or(UNREADABLE)?);
            }
            rest = page.rest;
        }
        let (now, before) = (inner.world.clock.now(), (octets, names.clone()));
        Ok(Tree { before, names, record, now, keeps: true })
    }

    /// Does the account have mailboxes at all?
    pub fn is_provisioned(&self) -> bool {
        self.before.0.is_some()
    }

    /// Does a mailbox have this name?
    pub fn has(&self, name: &MailboxName) -> bool {
        self.names.get(name).is_some_and(|n| n.mailbox.is_some())
    }

    /// The mailbox of that name.
    pub fn mailbox(&self, name: &MailboxName) -> Result<Mailbox, Refusal> {
        self.names.get(name).and_then(|n| n.to_mailbox(name)).ok_or(Refusal::NoSuchMailbox)
    }

    /// Names of mailboxes below `name`.
    pub fn below(&self, name: &MailboxName) -> Vec<MailboxName> {
        let named = self.names.iter().filter(|(_, n)| n.mailbox.is_some());
        named.map(|(n, _)| n).filter(|n| n.is_below(name)).cloned().collect()
    }

    /// Makes a mailbox, subscribed, and those above it that are missing. Does nothing to one that is
    /// there.
    pub fn make(&mut self, name: &MailboxName, special_use: Option<SpecialUse>) {
        let mut above = name.parent();
        while let Some(name) = above {
            self.make_one(&name, None);
            above = name.parent();
        }
        self.make_one(name, special_use);
    }

    fn make_one(&mut self, name: &MailboxName, special_use: Option<SpecialUse>) {
        if self.has(name) {
            return;
        }
        self.record.last_mailbox += 1;
        let mailbox = Some(MailboxId(self.record.last_mailbox));
        let uid_validity = self.next_uid_validity();
        let made = Name { mailbox, uid_validity, special_use, subscribed: true };
        self.names.insert(name.clone(), made);
    }

    /// Puts a new mailbox with this validity in the place of the one that has the name: as if that
    /// one had been removed and made again.
    pub fn replace(&mut self, name: &MailboxName, uid_validity: UidValidity) {
        let Some(replaced) = self.names.get_mut(name) else { return };
        self.record.last_mailbox += 1;
        replaced.mailbox = Some(MailboxId(self.record.last_mailbox));
        replaced.uid_validity = uid_validity;
        let last = &mut self.record.last_uid_validity;
        *last = uid_validity.0.max(*last);
    }

    fn next_uid_validity(&mut self) -> UidValidity {
        let seconds = self.now.seconds().saturating_sub(UID_VALIDITY_EPOCH);
        let by_clock = u32::try_from(seconds).unwrap_or(1);
        let next = self.record.last_uid_validity.saturating_add(1).max(by_clock);
        self.record.last_uid_validity = next;
        UidValidity(next)
    }

    /// Makes the draft conflict if names have changed since they were read.
    pub fn expect_unchanged(&self, draft: &mut Draft, account: AccountId) {
        draft.expect_as(key::tree(account), self.before.0.clone());
    }

    /// The batch that makes the store's names these, added to `batch`: every mailbox that appears,
    /// changes or goes gets its event, and one that goes is marked for clearing.
    pub fn draft(self, account: AccountId, batch: Batch) -> Draft {
        let mut draft = Draft::over(batch);
        let before = &self.before.1;
        if self.names == *before {
            return draft;
        }
        self.expect_unchanged(&mut draft, account);
        let changes = self.record.changes.wrapping_add(1);
        draft.put(key::tree(account), TreeRecord { changes, ..self.record }.encode());
        draft_names(&mut draft, account, before, &self.names);
        draft_mailboxes(&mut draft, account, before, &self.names, self.keeps);
        draft
    }
}

/// Names that differ are written or deleted.
fn draft_names(
    draft: &mut Draft,
    account: AccountId,
    before: &BTreeMap<MailboxName, Name>,
    after: &BTreeMap<MailboxName, Name>,
) {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        draft.delete(key::name(account, name));
    }
    for (name, now) in after.iter().filter(|(name, now)| before.get(*name) != Some(*now)) {
        draft.put(key::name(account, name), now.encode());
    }
}

/// Mailboxes that differ get their records and events.
fn draft_mailboxes(
    draft: &mut Draft,
    account: AccountId,
    before: &BTreeMap<MailboxName, Name>,
    after: &BTreeMap<MailboxName, Name>,
    keeps: bool,
) {
    let (old, new) = (by_mailbox(before), by_mailbox(after));
    let ids: BTreeSet<MailboxId> = old.keys().chain(new.keys()).copied().collect();
    for id in ids {
        let (was, is) = (old.get(&id), new.get(&id));
        if was == is {
            continue;
        }
        draft.alter(account, id);
        match (was, is) {
            (_, Some((name, now))) => {
                let numbered = Numbered { uid_validity: now.uid_validity, name: (*name).clone() };
                draft.put(key::mailbox(account, id), numbered.encode());
                if was.is_none() {
                    draft.begin_modseq(account, id);
                }
            }
            (was, None) => {
                draft.delete(key::mailbox(account, id));
                let name = was.filter(|_| keeps).map(|(name, _)| (*name).clone());
                draft.put(key::doomed(account, id), Doomed { name }.encode());
            }
        }
    }
}

fn by_mailbox(names: &BTreeMap<MailboxName, Name>) -> BTreeMap<MailboxId, (&MailboxName, &Name)> {
    names.iter().filter_map(|(name, n)| Some((n.mailbox?, (name, n)))).collect()
}
