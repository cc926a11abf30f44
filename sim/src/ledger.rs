//! The model: what the house has said yes to, and what it may have done without saying so.
//!
//! It is fed by clients alone, with what they were told. While a command is under way, or if its
//! answer never came, both outcomes are possible; at rest the house is looked at (`audit`), must be
//! one of the possible ones, and what was found is from then on certain.

use crate::letter::{Letter, Token};
use std::collections::{BTreeMap, BTreeSet};

/// The flags that clients use.
pub const FLAGS: [&str; 5] = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "$Work"];
/// `\Deleted` among them.
pub const DELETED: usize = 3;

/// Numbers a command.
pub type Id = u64;

/// One of [`FLAGS`] of one message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bit {
    /// 1: may be unset, 2: may be set.
    pub possible: u8,
    /// Commands under way, or in doubt, that change it.
    pub writers: u32,
    /// Commands that ever began to change it.
    pub touched: u32,
}

/// 1 or 2, as in [`Bit::possible`].
pub fn state(set: bool) -> u8 {
    if set { 2 } else { 1 }
}

/// One message in one mailbox.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Which letter.
    pub token: Token,
    /// Certainly expunged, or moved.
    pub gone: bool,
    /// Certainly moved.
    pub moved: bool,
    /// Commands that may have expunged it, other than moves, and moves.
    pub removers: BTreeSet<Id>,
    /// See `removers`.
    pub movers: BTreeSet<Id>,
    /// Its flags.
    pub bits: [Bit; FLAGS.len()],
    /// Modseq and flags at the last audit.
    pub audited: Option<(u64, [bool; FLAGS.len()])>,
}

/// One mailbox, known by its UIDVALIDITY.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// What it may be called now.
    pub names: BTreeSet<String>,
    /// What it was ever called.
    pub names_ever: BTreeSet<String>,
    /// Certainly removed.
    pub gone: bool,
    /// Commands that may have removed it.
    pub removers: BTreeSet<Id>,
    /// Commands under way that expunge whatever is marked.
    pub expungers: BTreeSet<Id>,
    /// By UID.
    pub copies: BTreeMap<u32, Copy>,
    /// Messages that must have come, by letter: known by UID or not.
    pub sure: BTreeMap<Token, u32>,
    /// UIDs below this one have all been seen at an audit: none of them can come.
    pub floor: u32,
    /// UIDNEXT as last told.
    pub uid_next: u32,
    /// HIGHESTMODSEQ as last told.
    pub modseq: u64,
}

/// A command that brings messages, and whose outcome is not known.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// The mailbox's name.
    pub name: String,
    /// The letters, each with where it is moved from.
    pub letters: Vec<(Token, Option<(u32, u32)>)>,
    /// Expunges of the account that had begun then; nothing if one was under way.
    quiet_since: Option<u64>,
}

/// The modseq of each message of each mailbox, by the mailbox's number and by UID.
pub type Held = BTreeMap<u32, BTreeMap<u32, u64>>;

/// One account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// By UIDVALIDITY.
    pub folders: BTreeMap<u32, Folder>,
    /// What may have come, by command.
    pub doubts: BTreeMap<Id, Doubt>,
    /// Names of mailboxes that must or may be there though nobody was told their UIDVALIDITY; and
    /// the greatest UIDVALIDITY known when they were made.
    pub made: BTreeMap<Id, (String, u32, bool)>,
    /// The change log's newest number at the last audit, and what each mailbox held then.
    pub log: Option<(u64, Held)>,
    /// Where INBOX is, since the first audit.
    pub inbox: u32,
    /// Expunges that ever began.
    expunges: u64,
}

/// Stands for a command that may have expunged a message as soon as it came.
const SOMEBODY: Id = 0;

/// All of it.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Every letter, as it was sent.
    pub letters: BTreeMap<Token, Letter>,
    /// Every account.
    pub accounts: Vec<Account>,
    next: Id,
    /// Broken laws found by clients.
    pub broken: Vec<String>,
    /// How much was said yes to.
    pub counts: Counts,
}

/// What a run saw, to make sure that it saw something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages delivered to a mailbox and acknowledged.
    pub delivered: u64,
    /// Messages appended.
    pub appended: u64,
    /// Messages copied.
    pub copied: u64,
    /// Messages moved.
    pub moved: u64,
    /// Flags set or taken from a message.
    pub flags: u64,
    /// Messages expunged.
    pub expunged: u64,
    /// Mailboxes made, renamed, removed.
    pub names: u64,
    /// Messages read and compared, octet by octet.
    pub read: u64,
    /// Commands whose outcome nobody told.
    pub doubts: u64,
    /// Resynchronisations compared with all there was.
    pub resyncs: u64,
}

impl Counts {
    /// Adds those of another run.
    pub fn add(&mut self, other: &Counts) {
        self.delivered += other.delivered;
        self.appended += other.appended;
        self.copied += other.copied;
        self.moved += other.moved;
        self.flags += other.flags;
        self.expunged += other.expunged;
        self.names += other.names;
        self.read += other.read;
        self.doubts += other.doubts;
        self.resyncs += other.resyncs;
    }
}

/// A change of flags under way.
#[derive(Clone, Debug)]
pub struct FlagWrite {
    /// Account, UIDVALIDITY.
    pub place: (usize, u32),
    /// UID, flag, new state, was it alone, which touch.
    pub bits: Vec<(u32, usize, bool, bool, u32)>,
}

impl Account {
    /// The folder that certainly has this name now.
    pub fn named(&self, name: &str) -> Option<u32> {
        let has = |f: &&Folder| !f.gone && f.names.len() == 1 && f.names.contains(name);
        self.folders.iter().find(|(_, f)| has(f)).map(|(validity, _)| *validity)
    }

    /// May some folder have this name?
    pub fn may_exist(&self, name: &str) -> bool {
        self.folders.values().any(|f| !f.gone && f.names.contains(name))
            || self.made.values().any(|(made, ..)| made == name)
    }

    /// Expunges that have begun, if none is under way.
    fn quiet(&self) -> Option<u64> {
        let quiet = self.folders.values().all(|folder| folder.expungers.is_empty());
        quiet.then_some(self.expunges)
    }

    /// Somebody was told of a mailbox that nobody may have heard of. What is wrong with it?
    fn discover(&mut self, validity: u32, name: &str) -> Option<String> {
        if self.folders.contains_key(&validity) {
            return None;
        }
        let names = BTreeSet::from([name.to_owned()]);
        let folder = Folder { names_ever: names.clone(), names, ..Folder::default() };
        self.folders.insert(validity, folder);
        let made = self.made.iter().find(|(_, (made, ..))| made == name);
        let Some((id, above)) = made.map(|(id, (_, above, _))| (*id, *above)) else {
            return Some(format!("nobody made {name}, {validity}"));
        };
        self.made.remove(&id);
        (validity <= above)
            .then(|| format!("UIDVALIDITY {validity} of {name} is not above {above}"))
    }

    fn folder(&mut self, validity: u32) -> &mut Folder {
        self.folders.entry(validity).or_default()
    }
}

impl Ledger {
    /// For so many accounts.
    pub fn new(accounts: usize) -> Ledger {
        Ledger { accounts: vec![Account::default(); accounts], ..Ledger::default() }
    }

    /// A number for a command.
    pub fn id(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    /// A law was broken.
    pub fn fault(&mut self, what: String) {
        self.broken.push(what);
    }

    /// Somebody begins to bring letters.
    pub fn bring(&mut self, account: usize, name: &str, letters: Vec<Token>) -> Id {
        let id = self.id();
        let letters = letters.into_iter().map(|token| (token, None)).collect();
        let account = &mut self.accounts[account];
        let quiet_since = account.quiet();
        account.doubts.insert(id, Doubt { name: name.to_owned(), letters, quiet_since });
        id
    }

    /// It was not done, for sure.
    pub fn not_brought(&mut self, account: usize, id: Id) {
        self.accounts[account].doubts.remove(&id);
    }

    /// Letters were appended under these UIDs.
    pub fn appended(
        &mut self,
        account: usize,
        id: Id,
        validity: u32,
        filed: &[(u32, Token, [Bit; FLAGS.len()])],
    ) {
        let doubt = self.accounts[account].doubts.remove(&id);
        self.told_of(account, validity, doubt.as_ref());
        self.counts.appended += filed.len() as u64;
        self.filed(account, validity, filed, doubt.and_then(|doubt| doubt.quiet_since));
    }

    /// A delivery to INBOX was acknowledged.
    pub fn delivered(&mut self, account: usize, id: Id) {
        let account = &mut self.accounts[account];
        let inbox = account.inbox;
        for (token, _) in account.doubts.remove(&id).map(|doubt| doubt.letters).unwrap_or_default()
        {
            *account.folder(inbox).sure.entry(token).or_default() += 1;
            self.counts.delivered += 1;
        }
    }

    /// Somebody was told the UIDVALIDITY of where letters went.
    fn told_of(&mut self, account: usize, validity: u32, doubt: Option<&Doubt>) {
        if let Some(doubt) = doubt {
            let fault = self.accounts[account].discover(validity, &doubt.name);
            self.broken.extend(fault);
        }
    }

    /// Letters came into a mailbox under these UIDs. What came marked may have been expunged before
    /// we were told, unless no expunge went on since then.
    fn filed(
        &mut self,
        account: usize,
        validity: u32,
        filed: &[(u32, Token, [Bit; FLAGS.len()])],
        quiet_since: Option<u64>,
    ) {
        let quiet = self.accounts[account].quiet();
        let was_quiet = quiet.is_some() && quiet == quiet_since;
        for (uid, token, bits) in filed {
            let folder = self.accounts[account].folder(validity);
            *folder.sure.entry(*token).or_default() += 1;
            let known = folder.copies.contains_key(uid);
            self.seen(account, validity, *uid, *token);
            if let Some(copy) = self.accounts[account].folder(validity).copies.get_mut(uid) {
                if !known {
                    copy.bits = *bits;
                }
                match was_quiet || copy.bits[DELETED].possible & 2 == 0 {
                    true => drop(copy.removers.remove(&SOMEBODY)),
                    false => drop(copy.removers.insert(SOMEBODY)),
                }
            }
        }
    }

    /// Somebody saw a message.
    pub fn seen(&mut self, account: usize, validity: u32, uid: u32, token: Token) {
        let owner = account;
        let account = &mut self.accounts[account];
        let is_doubted =
            account.doubts.values().any(|d| d.letters.iter().any(|(letter, _)| *letter == token));
        let folder = account.folder(validity);
        let fault = match folder.copies.get(&uid) {
            Some(copy) if copy.token != token => Some(format!(
                "UID {uid} of account {owner}, mailbox {validity} is letter {token}, was letter {}",
                copy.token
            )),
            Some(_) => None,
            None if uid < folder.floor => Some(format!(
                "UID {uid} of account {owner}, mailbox {validity} (letter {token}) came below {}",
                folder.floor
            )),
            None => {
                let possible = if is_doubted { 3 } else { 1 };
                let bit = Bit { possible, ..Bit::default() };
                folder.copies.insert(
                    uid,
                    Copy {
                        token,
                        gone: false,
                        moved: false,
                        removers: is_doubted.then_some(SOMEBODY).into_iter().collect(),
                        movers: BTreeSet::new(),
                        bits: [bit; FLAGS.len()],
                        audited: None,
                    },
                );
                None
            }
        };
        self.broken.extend(fault);
    }

    /// A change of flags begins.
    pub fn begin_flags(
        &mut self,
        place: (usize, u32),
        uids: &[u32],
        changes: &[(usize, bool)],
    ) -> FlagWrite {
        let folder = self.accounts[place.0].folder(place.1);
        let expungers = folder.expungers.clone();
        let mut write = FlagWrite { place, bits: Vec::new() };
        for uid in uids {
            let Some(copy) = folder.copies.get_mut(uid) else { continue };
            for (flag, set) in changes {
                let bit = &mut copy.bits[*flag];
                let alone = bit.writers == 0;
                bit.possible |= state(*set);
                bit.writers += 1;
                bit.touched += 1;
                write.bits.push((*uid, *flag, *set, alone, bit.touched));
                if *flag == DELETED && *set {
                    copy.removers.extend(&expungers);
                }
            }
        }
        write
    }

    /// It was acknowledged.
    pub fn end_flags(&mut self, write: FlagWrite) {
        let folder = self.accounts[write.place.0].folder(write.place.1);
        for (uid, flag, set, alone, touched) in write.bits {
            let Some(copy) = folder.copies.get_mut(&uid) else { continue };
            let bit = &mut copy.bits[flag];
            bit.writers = bit.writers.saturating_sub(1);
            if alone && bit.touched == touched {
                bit.possible = state(set);
            }
            self.counts.flags += 1;
        }
    }

    /// An expunge begins: of `uids`, or whatever is marked.
    pub fn begin_expunge(&mut self, place: (usize, u32), uids: Option<&[u32]>) -> Expunge {
        let id = self.id();
        self.accounts[place.0].expunges += 1;
        let folder = self.accounts[place.0].folder(place.1);
        folder.expungers.insert(id);
        let mut marked = BTreeMap::new();
        for (uid, copy) in &mut folder.copies {
            if uids.is_some_and(|uids| !uids.contains(uid)) || copy.gone {
                continue;
            }
            let bit = copy.bits[DELETED];
            if bit.possible & 2 != 0 {
                copy.removers.insert(id);
            }
            let sure = bit.possible == 2 && bit.writers == 0;
            marked.insert(*uid, (sure, bit.touched));
        }
        Expunge { id, place, marked }
    }

    /// It was acknowledged; `known` are the UIDs that the session had been told of.
    pub fn end_expunge(&mut self, expunge: Expunge, known: &BTreeSet<u32>) {
        let folder = self.accounts[expunge.place.0].folder(expunge.place.1);
        folder.expungers.remove(&expunge.id);
        for (uid, copy) in &mut folder.copies {
            let bit = copy.bits[DELETED];
            let untouched = expunge.marked.get(uid) == Some(&(true, bit.touched));
            // If not, it may have been marked just then, or not any more.
            if untouched && known.contains(uid) {
                self.counts.expunged += u64::from(!copy.gone);
                copy.gone = true;
                copy.removers.clear();
            }
        }
    }

    /// Messages are about to be removed, marked or not.
    pub fn begin_removal(&mut self, place: (usize, u32), uids: &[u32]) -> Id {
        let id = self.id();
        let folder = self.accounts[place.0].folder(place.1);
        for uid in uids {
            if let Some(copy) = folder.copies.get_mut(uid) {
                copy.removers.insert(id);
            }
        }
        id
    }

    /// They are.
    pub fn removed(&mut self, place: (usize, u32), uids: &[u32]) {
        let folder = self.accounts[place.0].folder(place.1);
        for uid in uids {
            if let Some(copy) = folder.copies.get_mut(uid) {
                self.counts.expunged += u64::from(!copy.gone);
                copy.gone = true;
            }
        }
    }

    /// A copy or move begins.
    pub fn begin_copy(
        &mut self,
        place: (usize, u32),
        uids: &[u32],
        to: &str,
        moves: bool,
    ) -> Transfer {
        let id = self.id();
        let account = &mut self.accounts[place.0];
        let folder = account.folder(place.1);
        let mut letters = Vec::new();
        let mut bits = BTreeMap::new();
        for uid in uids {
            let Some(copy) = folder.copies.get_mut(uid) else { continue };
            letters.push((copy.token, moves.then_some((place.1, *uid))));
            bits.insert(*uid, copy.bits);
            if moves {
                copy.movers.insert(id);
            }
        }
        let quiet_since = account.quiet();
        account.doubts.insert(id, Doubt { name: to.to_owned(), letters, quiet_since });
        Transfer { id, place, bits, moves }
    }

    /// It was acknowledged: these UIDs became those, in the mailbox `to`.
    pub fn end_copy(&mut self, transfer: Transfer, to: u32, pairs: &[(u32, u32)]) {
        let Transfer { id, place: (account, from), bits, moves } = transfer;
        let doubt = self.accounts[account].doubts.remove(&id);
        let mut filed = Vec::new();
        let mut faults = Vec::new();
        let folder = self.accounts[account].folder(from);
        for (uid, new) in pairs {
            let Some(copy) = folder.copies.get_mut(uid) else { continue };
            let mut became = [Bit::default(); FLAGS.len()];
            for (flag, bit) in became.iter_mut().enumerate() {
                let (then, now) = (bits.get(uid).map(|b| b[flag]), copy.bits[flag]);
                let quiet = then.is_some_and(|b| b.touched == now.touched && b.writers == 0);
                bit.possible = if quiet { now.possible } else { 3 };
            }
            filed.push((*new, copy.token, became));
            if moves {
                if std::mem::replace(&mut copy.moved, true) {
                    faults.push(format!("UID {uid} of account {account}, {from} was moved twice"));
                }
                copy.gone = true;
                self.counts.moved += 1;
            } else {
                self.counts.copied += 1;
            }
        }
        for uid in bits.keys() {
            if let Some(copy) = folder.copies.get_mut(uid) {
                copy.movers.remove(&id);
            }
        }
        self.broken.extend(faults);
        self.told_of(account, to, doubt.as_ref());
        self.filed(account, to, &filed, doubt.and_then(|doubt| doubt.quiet_since));
    }

    /// It was not done, for sure.
    pub fn not_copied(&mut self, transfer: Transfer) {
        let Transfer { id, place, bits, .. } = transfer;
        self.accounts[place.0].doubts.remove(&id);
        let folder = self.accounts[place.0].folder(place.1);
        for uid in bits.keys() {
            if let Some(copy) = folder.copies.get_mut(uid) {
                copy.movers.remove(&id);
            }
        }
    }

    /// A mailbox is about to be made.
    pub fn begin_create(&mut self, account: usize, name: &str) -> Id {
        let id = self.id();
        let account = &mut self.accounts[account];
        let above = account.folders.keys().next_back().copied().unwrap_or(0);
        account.made.insert(id, (name.to_owned(), above, false));
        id
    }

    /// It was.
    pub fn created(&mut self, account: usize, id: Id) {
        self.counts.names += 1;
        let all = &mut self.accounts[account].made;
        let Some((name, above, _)) = all.remove(&id) else { return };
        // An earlier one that nobody answered was not done, or this one would have been refused.
        all.retain(|_, (other, ..)| *other != name);
        all.insert(id, (name, above, true));
    }

    /// It was not, for sure.
    pub fn not_created(&mut self, account: usize, id: Id) {
        self.accounts[account].made.remove(&id);
    }

    /// UIDNEXT and HIGHESTMODSEQ of each mailbox as last told. What is told upon a later command is
    /// not less.
    pub fn marks(&self, account: usize) -> Marks {
        let folders = self.accounts[account].folders.iter();
        folders.map(|(validity, f)| (*validity, (f.uid_next, f.modseq))).collect()
    }

    /// Somebody was told the UIDVALIDITY of the mailbox `name`, and its UIDNEXT and HIGHESTMODSEQ.
    pub fn selected(
        &mut self,
        account: usize,
        name: &str,
        (validity, uid_next, modseq): (u32, u32, u64),
        before: &Marks,
    ) {
        let owner = account;
        let mut faults = Vec::new();
        faults.extend(self.accounts[account].discover(validity, name));
        let account = &mut self.accounts[account];
        let folder = account.folder(validity);
        let (old_next, old_modseq) = before.get(&validity).copied().unwrap_or_default();
        for (what, old, new) in [
            ("UIDNEXT", u64::from(old_next), u64::from(uid_next)),
            ("HIGHESTMODSEQ", old_modseq, modseq),
        ] {
            if new < old {
                faults.push(format!("{what} of account {owner}, {name} fell from {old} to {new}"));
            }
        }
        folder.uid_next = folder.uid_next.max(uid_next);
        folder.modseq = folder.modseq.max(modseq);
        self.broken.extend(faults);
    }

    /// A mailbox is about to be removed.
    pub fn begin_delete(&mut self, account: usize, validity: u32) -> Id {
        let id = self.id();
        self.accounts[account].folder(validity).removers.insert(id);
        id
    }

    /// It was.
    pub fn deleted(&mut self, account: usize, validity: u32) {
        self.counts.names += 1;
        let folder = self.accounts[account].folder(validity);
        folder.gone = true;
    }

    /// A mailbox is about to get another name.
    pub fn begin_rename(&mut self, account: usize, validity: u32, to: &str) {
        let folder = self.accounts[account].folder(validity);
        folder.names.insert(to.to_owned());
        folder.names_ever.insert(to.to_owned());
    }

    /// It has.
    pub fn renamed(&mut self, account: usize, validity: u32, to: &str) {
        self.counts.names += 1;
        self.accounts[account].folder(validity).names = BTreeSet::from([to.to_owned()]);
    }
}

/// See [`Ledger::marks`].
pub type Marks = BTreeMap<u32, (u32, u64)>;

/// An expunge under way.
#[derive(Clone, Debug)]
pub struct Expunge {
    id: Id,
    place: (usize, u32),
    marked: BTreeMap<u32, (bool, u32)>,
}

/// A copy or move under way.
#[derive(Clone, Debug)]
pub struct Transfer {
    id: Id,
    place: (usize, u32),
    bits: BTreeMap<u32, [Bit; FLAGS.len()]>,
    moves: bool,
}
