//! Where each kind of record stands. `docs/records.md` draws this table.

use crate::{ExpungedId, SourceId};
use bytes::Bytes;
use core_store::{Assigned, Key, Scan, Template};
use std::ops::Range;
use words_base::Timestamp;
use words_mail::{AccountId, MailboxId, MailboxName, ModSeq, Uid};

/// Everything of this crate begins so.
const ROOM: u8 = b'm';

/// The kinds of records, by the second octet of their keys.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Tree = b'a',
    Counts = b'c',
    Expunged = b'e',
    Cold = b'h',
    Name = b'i',
    ExpungedSums = b'k',
    Log = b'l',
    Mailbox = b'n',
    Brought = b'o',
    UniqueId = b'p',
    UidCounter = b'q',
    Hot = b'r',
    ModSeqCounter = b's',
    Trimmed = b't',
    Usage = b'u',
    HighestModSeq = b'x',
    Doomed = b'z',
}

fn of_account(kind: Kind, account: AccountId) -> Vec<u8> {
    let mut key = Vec::with_capacity(18);
    key.extend_from_slice(&[ROOM, kind as u8]);
    key.extend_from_slice(&account.0.to_be_bytes());
    key
}

fn of_mailbox(kind: Kind, account: AccountId, mailbox: MailboxId) -> Vec<u8> {
    let mut key = of_account(kind, account);
    key.extend_from_slice(&mailbox.0.to_be_bytes());
    key
}

fn of_message(kind: Kind, account: AccountId, mailbox: MailboxId, uid: u64) -> Key {
    let mut key = of_mailbox(kind, account, mailbox);
    key.extend_from_slice(&uid.to_be_bytes());
    key.into()
}

/// Everything of everybody.
pub(crate) fn everything() -> Range<Key> {
    Scan::prefix(&[ROOM])
}

/// The account in any key of this crate; `None` for keys of others.
pub(crate) fn account_of_any(key: &[u8]) -> Option<AccountId> {
    let rest = key.strip_prefix(&[ROOM])?;
    crate::octets::Reader(rest.get(1..)?).u32().map(AccountId)
}

/// The account's tree record: guards every change of names.
pub(crate) fn tree(account: AccountId) -> Key {
    of_account(Kind::Tree, account).into()
}

/// The account's newest number; a counter.
pub(crate) fn modseq(account: AccountId) -> Key {
    of_account(Kind::ModSeqCounter, account).into()
}

/// The newest number that the account's log no longer has.
pub(crate) fn trimmed(account: AccountId) -> Key {
    of_account(Kind::Trimmed, account).into()
}

/// What the account keeps; sums.
pub(crate) fn usage(account: AccountId) -> Key {
    of_account(Kind::Usage, account).into()
}

/// What a name stands for.
pub(crate) fn name(account: AccountId, name: &MailboxName) -> Key {
    let mut key = of_account(Kind::Name, account);
    key.extend_from_slice(name.as_str().as_bytes());
    key.into()
}

/// All names of an account.
pub(crate) fn names(account: AccountId) -> Range<Key> {
    Scan::prefix(&of_account(Kind::Name, account))
}

/// The name in a key of [`name`].
pub(crate) fn name_of(key: &[u8]) -> Option<MailboxName> {
    MailboxName::parse(std::str::from_utf8(key.get(6..)?).ok()?).ok()
}

/// A mailbox by its number.
pub(crate) fn mailbox(account: AccountId, mailbox: MailboxId) -> Key {
    of_mailbox(Kind::Mailbox, account, mailbox).into()
}

/// Counts of a mailbox; sums.
pub(crate) fn counts(account: AccountId, mailbox: MailboxId) -> Key {
    of_mailbox(Kind::Counts, account, mailbox).into()
}

/// The last UID given in a mailbox; a counter.
pub(crate) fn last_uid(account: AccountId, mailbox: MailboxId) -> Key {
    of_mailbox(Kind::UidCounter, account, mailbox).into()
}

/// The number of a mailbox's last change.
pub(crate) fn highest_modseq(account: AccountId, mailbox: MailboxId) -> Key {
    of_mailbox(Kind::HighestModSeq, account, mailbox).into()
}

/// A removed mailbox whose messages are still to be cleared away.
pub(crate) fn doomed(account: AccountId, mailbox: MailboxId) -> Key {
    of_mailbox(Kind::Doomed, account, mailbox).into()
}

/// All removed mailboxes that are still to be cleared: everybody's.
pub(crate) fn all_doomed() -> Range<Key> {
    Scan::prefix(&[ROOM, Kind::Doomed as u8])
}

/// All removed mailboxes of one account that are still to be cleared.
pub(crate) fn doomed_of(account: AccountId) -> Range<Key> {
    Scan::prefix(&of_account(Kind::Doomed, account))
}

/// The account and mailbox in a key that ends with them.
pub(crate) fn mailbox_of(key: &[u8]) -> Option<(AccountId, MailboxId)> {
    let mut reader = crate::octets::Reader(key.get(2..)?);
    Some((AccountId(reader.u32()?), MailboxId(reader.u32()?)))
}

/// The hot record of a message.
pub(crate) fn hot(account: AccountId, mailbox: MailboxId, uid: Uid) -> Key {
    of_message(Kind::Hot, account, mailbox, uid.0.into())
}

/// The hot records of a mailbox.
pub(crate) fn hots(account: AccountId, mailbox: MailboxId) -> Range<Key> {
    Scan::prefix(&of_mailbox(Kind::Hot, account, mailbox))
}

/// The hot record of a message that gets its UID in the commit.
pub(crate) fn hot_slot(
    account: AccountId,
    mailbox: MailboxId,
    uids: Assigned,
    nth: u64,
) -> Template {
    slot(of_mailbox(Kind::Hot, account, mailbox), uids, nth)
}

/// The cold record of a message.
pub(crate) fn cold(account: AccountId, mailbox: MailboxId, uid: Uid) -> Key {
    of_message(Kind::Cold, account, mailbox, uid.0.into())
}

/// The cold records from one UID to another, both within.
pub(crate) fn colds(account: AccountId, mailbox: MailboxId, first: Uid, last: Uid) -> Range<Key> {
    let end = u64::from(last.0) + 1;
    cold(account, mailbox, first)..of_message(Kind::Cold, account, mailbox, end)
}

/// The cold record of a message that gets its UID in the commit.
pub(crate) fn cold_slot(
    account: AccountId,
    mailbox: MailboxId,
    uids: Assigned,
    nth: u64,
) -> Template {
    slot(of_mailbox(Kind::Cold, account, mailbox), uids, nth)
}

/// The unique id that POP3 shows of a message.
pub(crate) fn unique_id(account: AccountId, mailbox: MailboxId, uid: Uid) -> Key {
    of_message(Kind::UniqueId, account, mailbox, uid.0.into())
}

/// The unique ids from one UID to another, both within.
pub(crate) fn unique_ids(
    account: AccountId,
    mailbox: MailboxId,
    first: Uid,
    last: Uid,
) -> Range<Key> {
    let end = u64::from(last.0) + 1;
    unique_id(account, mailbox, first)..of_message(Kind::UniqueId, account, mailbox, end)
}

/// The unique id of a message that gets its UID in the commit.
pub(crate) fn unique_id_slot(
    account: AccountId,
    mailbox: MailboxId,
    uids: Assigned,
    nth: u64,
) -> Template {
    slot(of_mailbox(Kind::UniqueId, account, mailbox), uids, nth)
}

/// What was brought from a source under a key of that source's own.
pub(crate) fn brought(account: AccountId, source: SourceId, source_key: &[u8]) -> Key {
    let mut key = of_source(account, source);
    key.extend_from_slice(source_key);
    key.into()
}

/// All that was brought from a source.
pub(crate) fn all_brought(account: AccountId, source: SourceId) -> Range<Key> {
    Scan::prefix(&of_source(account, source))
}

/// All that was brought from anywhere.
pub(crate) fn brought_to(account: AccountId) -> Range<Key> {
    Scan::prefix(&of_account(Kind::Brought, account))
}

fn of_source(account: AccountId, source: SourceId) -> Vec<u8> {
    let mut key = of_account(Kind::Brought, account);
    key.extend_from_slice(&source.0.to_be_bytes());
    key
}

/// What is kept of an expunged message.
pub(crate) fn expunged(account: AccountId, id: ExpungedId) -> Key {
    let mut key = expunged_at(account, id.expunged_at);
    key.extend_from_slice(&id.mailbox.0.to_be_bytes());
    key.extend_from_slice(&u64::from(id.uid.0).to_be_bytes());
    key.into()
}

/// All expunged messages of an account, the oldest first.
pub(crate) fn all_expunged(account: AccountId) -> Range<Key> {
    Scan::prefix(&of_account(Kind::Expunged, account))
}

/// Those that were expunged in this time.
pub(crate) fn expunged_in(account: AccountId, time: &Range<Timestamp>) -> Range<Key> {
    expunged_at(account, time.start).into()..expunged_at(account, time.end).into()
}

/// The least key above that of an expunged message.
pub(crate) fn expunged_after(account: AccountId, id: ExpungedId) -> Key {
    [&expunged(account, id)[..], &[0]].concat().into()
}

/// Times before 1970 are 1970.
fn expunged_at(account: AccountId, time: Timestamp) -> Vec<u8> {
    let mut key = of_account(Kind::Expunged, account);
    key.extend_from_slice(&time.millis().max(0).to_be_bytes());
    key
}

/// Which message a key of [`expunged`] is of.
pub(crate) fn expunged_id(key: &[u8]) -> Option<ExpungedId> {
    let mut reader = crate::octets::Reader(key.get(6..)?);
    let expunged_at = Timestamp::from_millis(reader.i64()?);
    let mailbox = MailboxId(reader.u32()?);
    Some(ExpungedId { expunged_at, mailbox, uid: uid_of(key)? })
}

/// What the account keeps of expunged messages; sums.
pub(crate) fn expunged_sums(account: AccountId) -> Key {
    of_account(Kind::ExpungedSums, account).into()
}

/// What everybody keeps of them.
pub(crate) fn all_expunged_sums() -> Range<Key> {
    Scan::prefix(&[ROOM, Kind::ExpungedSums as u8])
}

/// The account in a key that has one.
pub(crate) fn account_of(key: &[u8]) -> Option<AccountId> {
    crate::octets::Reader(key.get(2..)?).u32().map(AccountId)
}

/// The UID in a key of a message.
pub(crate) fn uid_of(key: &[u8]) -> Option<Uid> {
    let octets = key.last_chunk::<8>()?;
    u32::try_from(u64::from_be_bytes(*octets)).ok().map(Uid)
}

/// The entry of the change log whose number only the commit knows.
pub(crate) fn log_slot(account: AccountId, modseq: Assigned) -> Template {
    slot(of_account(Kind::Log, account), modseq, 0)
}

/// The entries of an account's log with numbers over `after`, up to and with `last`.
pub(crate) fn log(account: AccountId, after: ModSeq, last: ModSeq) -> Range<Key> {
    log_entry(account, after.0.saturating_add(1))..log_entry(account, last.0.saturating_add(1))
}

fn log_entry(account: AccountId, number: u64) -> Key {
    let mut key = of_account(Kind::Log, account);
    key.extend_from_slice(&number.to_be_bytes());
    key.into()
}

/// The number in a key of the log.
pub(crate) fn modseq_of(key: &[u8]) -> Option<ModSeq> {
    key.last_chunk::<8>().map(|octets| ModSeq(u64::from_be_bytes(*octets)))
}

fn slot(prefix: Vec<u8>, assigned: Assigned, plus: u64) -> Template {
    let mut template = Template::from(prefix);
    template.push_slot(assigned, plus);
    template
}

/// A copy that lives on its own; keys of one page otherwise share an engine's buffer.
pub(crate) fn owned(key: &[u8]) -> Key {
    Bytes::copy_from_slice(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_says_is_read_back() {
        let (account, mailbox) = (AccountId(7), MailboxId(9));
        assert_eq!(uid_of(&hot(account, mailbox, Uid(4))), Some(Uid(4)));
        assert_eq!(mailbox_of(&doomed(account, mailbox)), Some((account, mailbox)));
        let inbox = MailboxName::inbox();
        assert_eq!(name_of(&name(account, &inbox)), Some(inbox));
        let expunged_at = Timestamp::from_millis(77);
        let id = ExpungedId { expunged_at, mailbox, uid: Uid(4) };
        assert_eq!(expunged_id(&expunged(account, id)), Some(id));
        assert_eq!(account_of(&expunged_sums(account)), Some(account));
        let log = log(account, ModSeq(1), ModSeq(2));
        assert_eq!(modseq_of(&log.start), Some(ModSeq(2)));
        assert_eq!(modseq_of(&log.end), Some(ModSeq(3)));
    }

    #[test]
    fn a_slot_stands_where_the_number_does() {
        let (account, mailbox) = (AccountId(7), MailboxId(9));
        let filled = hot_slot(account, mailbox, Assigned(0), 2).fill(&[5]).unwrap();
        assert_eq!(filled, hot(account, mailbox, Uid(7)));
        let filled = cold_slot(account, mailbox, Assigned(0), 0).fill(&[5]).unwrap();
        assert_eq!(filled, cold(account, mailbox, Uid(5)));
    }
}
