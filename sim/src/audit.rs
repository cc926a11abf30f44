//! The laws: at rest, the house is looked at and compared with the ledger.

use crate::house::House;
use crate::ledger::{Account, DELETED, Doubt, FLAGS, Folder, Ledger, state};
use crate::letter::{self, Token};
use core_mailbox::{Event, Mail};
use std::collections::{BTreeMap, BTreeSet};
use words_mail::{Flags, Keyword, ModSeq, Refusal, SystemFlag};

/// Everything an account holds.
#[derive(Debug)]
pub struct Seen {
    folders: Vec<SeenFolder>,
    /// The change log's newest number, and its entries since the last audit.
    newest: u64,
    log: Vec<(u64, Vec<Event>)>,
    /// Octets and messages, as the quota counts them.
    usage: (u64, u64),
}

#[derive(Debug)]
struct SeenFolder {
    id: u32,
    name: String,
    validity: u32,
    uid_next: u32,
    modseq: u64,
    /// Counts as told: messages, unseen, deleted, octets.
    counts: (u64, u64, u64, u64),
    rows: BTreeMap<u32, SeenRow>,
}

#[derive(Debug)]
struct SeenRow {
    octets: Vec<u8>,
    flags: [bool; FLAGS.len()],
    modseq: u64,
    size: u64,
}

fn which(flags: &Flags) -> [bool; FLAGS.len()] {
    let work = Keyword::parse("$Work");
    [
        flags.contains(SystemFlag::Seen),
        flags.contains(SystemFlag::Answered),
        flags.contains(SystemFlag::Flagged),
        flags.contains(SystemFlag::Deleted),
        flags.keywords().iter().any(|keyword| Some(keyword) == work.as_ref()),
    ]
}

/// Looks at all that account `number` holds, as one who has read nothing before.
pub async fn look(mail: &Mail, number: u32, since: Option<u64>) -> Result<Seen, Refusal> {
    // What a removed mailbox held counts until it is cleared away.
    while !mail.clear_page().await? {}
    let account = words_mail::AccountId(number);
    let mailboxes = mail.account(account);
    let mut folders = Vec::new();
    for mailbox in mailboxes.list().await? {
        let view = mailboxes.open(&mailbox.name).await?;
        let rows = view.refresh().await?;
        let status = mailboxes.status(mailbox.id).await?;
        let mut seen = SeenFolder {
            id: mailbox.id.0,
            name: mailbox.name.to_string(),
            validity: mailbox.uid_validity.0,
            uid_next: status.uid_next.0,
            modseq: status.highest_modseq.0,
            counts: (status.messages, status.unseen, status.deleted, status.size),
            rows: BTreeMap::new(),
        };
        for (_, row) in rows.iter_from(0) {
            let content = mailboxes.content(&view, row).await?;
            let mut octets = Vec::new();
            while (octets.len() as u64) < content.len() {
                octets.extend_from_slice(&content.read(octets.len() as u64, 100_000).await?);
            }
            let (flags, modseq) = (which(&row.flags), row.modseq.0);
            seen.rows.insert(row.uid.0, SeenRow { octets, flags, modseq, size: row.size });
        }
        folders.push(seen);
    }
    let newest = mail.modseq(account).await?.0;
    let log = mailboxes.log_since(ModSeq(since.unwrap_or(0)), usize::MAX).await?;
    let log = log.unwrap_or_default().into_iter().map(|(at, events)| (at.0, events)).collect();
    let usage = mail.usage(account).await?;
    Ok(Seen { folders, newest, log, usage: (usage.bytes, usage.messages) })
}

/// Everything wrong with what the house holds; what was found is certain from then on.
pub fn audit(ledger: &mut Ledger, house: &mut House) -> Vec<String> {
    let mut wrong = std::mem::take(&mut ledger.broken);
    for number in 0..ledger.accounts.len() {
        let since = ledger.accounts[number].log.as_ref().map(|(at, _)| *at);
        let mail = house.another_mail();
        let id = house.accounts[number];
        match house.block(look(&mail, id, since)) {
            Ok(seen) => compare(ledger, number, seen, &mut wrong),
            Err(refusal) => wrong.push(format!("account {number} cannot be read: {refusal}")),
        }
    }
    wrong.append(&mut ledger.broken);
    wrong
}

fn compare(ledger: &mut Ledger, number: usize, seen: Seen, wrong: &mut Vec<String>) {
    let mut faults = Vec::new();
    check_sums(&seen, &mut faults);
    check_content(ledger, &seen, &mut faults);
    let account = &mut ledger.accounts[number];
    check_log(account, &seen, &mut faults);
    if account.inbox == 0 {
        learn_first(account, &seen);
    }
    check_names(account, &seen, &mut faults);
    check_folders(account, &seen, &mut faults);
    for folder in &seen.folders {
        for (uid, row) in &folder.rows {
            if let Some(token) = letter::token(&row.octets) {
                ledger.seen(number, folder.validity, *uid, token);
            }
        }
    }
    let account = &mut ledger.accounts[number];
    for folder in &seen.folders {
        check_messages(account, folder, &mut faults);
    }
    check_arrivals(account, &seen, &mut faults);
    settle(account, &seen);
    ledger.counts.read += seen.folders.iter().map(|f| f.rows.len() as u64).sum::<u64>();
    wrong.extend(faults.into_iter().map(|fault| format!("account {number}: {fault}")));
}

/// Quota and counters equal what counting gives.
fn check_sums(seen: &Seen, faults: &mut Vec<String>) {
    let mut all = (0, 0);
    for folder in &seen.folders {
        let rows = folder.rows.values();
        let counted = (
            rows.len() as u64,
            rows.clone().filter(|row| !row.flags[0]).count() as u64,
            rows.clone().filter(|row| row.flags[DELETED]).count() as u64,
            rows.clone().map(|row| row.size).sum::<u64>(),
        );
        if counted != folder.counts {
            faults.push(format!("{} counts {:?}, holds {counted:?}", folder.name, folder.counts));
        }
        if folder.rows.values().any(|row| row.size != row.octets.len() as u64) {
            faults.push(format!("{} holds a message of another size", folder.name));
        }
        all = (all.0 + counted.3, all.1 + counted.0);
    }
    if all != seen.usage {
        faults.push(format!("the quota says {:?}, the sum is {all:?}", seen.usage));
    }
}

/// Every message is one that was sent, octet for octet, below the trace fields it got here.
fn check_content(ledger: &Ledger, seen: &Seen, faults: &mut Vec<String>) {
    for folder in &seen.folders {
        for (uid, row) in &folder.rows {
            let letter = letter::token(&row.octets).and_then(|token| ledger.letters.get(&token));
            if !letter.is_some_and(|letter| is_intact(&row.octets, &letter.octets)) {
                faults.push(format!("{} UID {uid} is not what was sent", folder.name));
            }
        }
    }
}

/// Is `stored` what was sent, perhaps with trace fields above it?
pub fn is_intact(stored: &[u8], sent: &[u8]) -> bool {
    let Some(prefix) = stored.strip_suffix(sent) else { return false };
    prefix.is_empty()
        || prefix.ends_with(b"\r\n") && !prefix.windows(4).any(|four| four == b"\r\n\r\n")
}

/// Replaying the change log over what there was gives what there is.
fn check_log(account: &Account, seen: &Seen, faults: &mut Vec<String>) {
    let Some((since, before)) = &account.log else { return };
    if seen.newest < *since {
        faults.push(format!("the log's newest number fell from {since} to {}", seen.newest));
    }
    let mut replayed = before.clone();
    for (at, events) in &seen.log {
        for event in events {
            match event {
                Event::Arrived(mailbox, uids) | Event::Flags(mailbox, uids) => {
                    let rows = replayed.entry(mailbox.0).or_default();
                    rows.extend(uids.iter().map(|uid| (uid, *at)));
                }
                Event::Expunged(mailbox, uids) => {
                    let rows = replayed.entry(mailbox.0).or_default();
                    rows.retain(|uid, _| !uids.contains(*uid));
                }
                Event::Mailbox(_) => {}
            }
        }
    }
    for folder in &seen.folders {
        let present: BTreeMap<u32, u64> =
            folder.rows.iter().map(|(uid, row)| (*uid, row.modseq)).collect();
        let replayed = replayed.remove(&folder.id).unwrap_or_default();
        if present != replayed {
            faults.push(format!(
                "{}: the log since {since} gives {replayed:?}, there is {present:?}",
                folder.name
            ));
        }
    }
}

/// What every account begins with.
fn learn_first(account: &mut Account, seen: &Seen) {
    for folder in &seen.folders {
        let names = BTreeSet::from([folder.name.clone()]);
        let known = Folder { names_ever: names.clone(), names, ..Folder::default() };
        account.folders.insert(folder.validity, known);
        if folder.name == "INBOX" {
            account.inbox = folder.validity;
        }
    }
}

/// Mailboxes that were made are there, under their names, and no others.
fn check_names(account: &mut Account, seen: &Seen, faults: &mut Vec<String>) {
    for folder in &seen.folders {
        let Some(known) = account.folders.get(&folder.validity) else {
            let made = account.made.iter().find(|(_, (name, ..))| *name == folder.name);
            match made.map(|(id, (_, above, _))| (*id, *above)) {
                Some((id, above)) => {
                    account.made.remove(&id);
                    if folder.validity <= above {
                        faults
                            .push(format!("UIDVALIDITY {} is not above {above}", folder.validity));
                    }
                }
                None => faults.push(format!("nobody made {}, {}", folder.name, folder.validity)),
            }
            let names = BTreeSet::from([folder.name.clone()]);
            let known = Folder { names_ever: names.clone(), names, ..Folder::default() };
            account.folders.insert(folder.validity, known);
            continue;
        };
        if known.gone {
            faults.push(format!("{}, {} was removed and is back", folder.name, folder.validity));
        }
        if !known.names.contains(&folder.name) {
            faults.push(format!("{} should be one of {:?}", folder.name, known.names));
        }
    }
    let lost = account.made.values().filter(|(.., sure)| *sure);
    lost.for_each(|(name, ..)| faults.push(format!("the mailbox {name} was made and is lost")));
}

fn check_folders(account: &mut Account, seen: &Seen, faults: &mut Vec<String>) {
    let present: BTreeSet<u32> = seen.folders.iter().map(|f| f.validity).collect();
    for (validity, known) in &mut account.folders {
        if !known.gone && !present.contains(validity) {
            if known.removers.is_empty() {
                faults.push(format!("the mailbox {:?}, {validity} is lost", known.names));
            }
            known.gone = true;
        }
    }
}

/// UIDs, modseqs, flags, expunges.
fn check_messages(account: &mut Account, seen: &SeenFolder, faults: &mut Vec<String>) {
    let Some(known) = account.folders.get_mut(&seen.validity) else { return };
    let name = &seen.name;
    if seen.uid_next < known.uid_next || seen.modseq < known.modseq {
        faults.push(format!(
            "{name}: UIDNEXT {} after {}, HIGHESTMODSEQ {} after {}",
            seen.uid_next, known.uid_next, seen.modseq, known.modseq
        ));
    }
    if seen.rows.keys().next_back().is_some_and(|last| *last >= seen.uid_next) {
        faults.push(format!("{name}: a UID is not below UIDNEXT {}", seen.uid_next));
    }
    for (uid, copy) in &mut known.copies {
        let Some(row) = seen.rows.get(uid) else {
            if !copy.gone && copy.removers.is_empty() && copy.movers.is_empty() {
                faults.push(format!("{name}: UID {uid}, letter {} is lost", copy.token));
            }
            continue;
        };
        if copy.gone {
            faults.push(format!("{name}: UID {uid}, letter {} is back", copy.token));
        }
        for (flag, bit) in copy.bits.iter().enumerate() {
            if bit.possible & state(row.flags[flag]) == 0 {
                let is = if row.flags[flag] { "set" } else { "not set" };
                faults.push(format!("{name}: UID {uid} has {} {is}", FLAGS[flag]));
            }
        }
        if let Some((modseq, flags)) = copy.audited
            && (row.modseq < modseq || row.modseq == modseq && row.flags != flags)
        {
            faults.push(format!("{name}: UID {uid} has modseq {} after {modseq}", row.modseq));
        }
    }
}

/// Every letter is there as often as it must, and no oftener than it may.
fn check_arrivals(account: &Account, seen: &Seen, faults: &mut Vec<String>) {
    let present: BTreeMap<u32, &SeenFolder> =
        seen.folders.iter().map(|folder| (folder.validity, folder)).collect();
    for (validity, folder) in account.folders.iter().filter(|(_, folder)| !folder.gone) {
        let mut tokens: BTreeMap<Token, u32> = BTreeMap::new();
        folder.copies.values().for_each(|copy| *tokens.entry(copy.token).or_default() += 1);
        tokens.extend(
            folder
                .sure
                .keys()
                .filter(|token| !tokens.contains_key(token))
                .map(|token| (*token, 0))
                .collect::<Vec<_>>(),
        );
        for (token, bound) in tokens {
            let sure = folder.sure.get(&token).copied().unwrap_or(0);
            let here = |doubt: &&Doubt| folder.names_ever.contains(&doubt.name);
            // A rename whose outcome nobody told leaves a name to two.
            let may_be = |name: &String| {
                account.folders.values().filter(|f| f.names_ever.contains(name)).count()
            };
            let (mut least, mut most) = (sure, sure);
            for doubt in account.doubts.values().filter(here) {
                let alone = may_be(&doubt.name) == 1;
                for (_, from) in doubt.letters.iter().filter(|(letter, _)| *letter == token) {
                    match from.map(|from| whereabouts(account, &present, from)) {
                        Some(Whereabouts::Moved) if alone => (least, most) = (least + 1, most + 1),
                        Some(Whereabouts::There) => {}
                        _ => most += 1,
                    }
                }
            }
            if bound < least || bound > most {
                let names = &folder.names;
                faults.push(format!(
                    "letter {token} came to {names:?}, {validity} {bound} times, not {least} to {most}"
                ));
            }
        }
    }
}

/// What became of a message that was being moved.
enum Whereabouts {
    There,
    Moved,
    Unclear,
}

fn whereabouts(
    account: &Account,
    present: &BTreeMap<u32, &SeenFolder>,
    (validity, uid): (u32, u32),
) -> Whereabouts {
    let Some(folder) = present.get(&validity) else { return Whereabouts::Unclear };
    if folder.rows.contains_key(&uid) {
        return Whereabouts::There;
    }
    match account.folders.get(&validity).and_then(|folder| folder.copies.get(&uid)) {
        // Nobody else can have taken it away, so it must be where this one wanted it.
        Some(copy) if !copy.gone && copy.removers.is_empty() && copy.movers.len() == 1 => {
            Whereabouts::Moved
        }
        _ => Whereabouts::Unclear,
    }
}

/// What was found is what is.
fn settle(account: &mut Account, seen: &Seen) {
    account.doubts.clear();
    account.made.clear();
    for folder in &seen.folders {
        let Some(known) = account.folders.get_mut(&folder.validity) else { continue };
        known.names = BTreeSet::from([folder.name.clone()]);
        known.names_ever = known.names.clone();
        known.removers.clear();
        known.expungers.clear();
        known.uid_next = folder.uid_next;
        known.floor = folder.uid_next;
        known.modseq = folder.modseq;
        known.sure.clear();
        for (uid, copy) in &mut known.copies {
            *known.sure.entry(copy.token).or_default() += 1;
            copy.removers.clear();
            copy.movers.clear();
            let Some(row) = folder.rows.get(uid) else {
                copy.gone = true;
                continue;
            };
            copy.audited = Some((row.modseq, row.flags));
            for (flag, bit) in copy.bits.iter_mut().enumerate() {
                bit.possible = state(row.flags[flag]);
                bit.writers = 0;
            }
        }
    }
    let rows = |folder: &SeenFolder| {
        (folder.id, folder.rows.iter().map(|(uid, row)| (*uid, row.modseq)).collect())
    };
    account.log = Some((seen.newest, seen.folders.iter().map(rows).collect()));
}
