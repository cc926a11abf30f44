//! Coming back to a mailbox (RFC 7162 §3.1.4, §3.2.5, §3.2.6).

mod support;

use proto_imap::ask::{Qresync, Select, Selected};
use support::{Asker, Client, PostOffice};
use words_mail::{MailboxName, ModSeq, NumberSet};

/// INBOX with `count` messages and a client that knows QRESYNC.
fn inbox(office: &PostOffice, count: usize) -> Client {
    let mut ana = office.connect_as_ana();
    ana.ok("ENABLE QRESYNC");
    for n in 1..=count {
        ana.append("INBOX", "", &format!("Subject: {n}\n\nbody\n"));
    }
    ana.ok("SELECT INBOX");
    ana
}

fn highest_modseq(ana: &mut Client) -> u64 {
    let status = ana.ok("STATUS INBOX (HIGHESTMODSEQ)");
    let digits = status.trim_end_matches(")\r\n").rsplit(' ').next().unwrap();
    digits.parse().unwrap()
}

fn remove(ana: &mut Client, uids: &str) {
    ana.ok(&format!("UID STORE {uids} +FLAGS.SILENT \\Deleted"));
    ana.ok("EXPUNGE");
}

fn numbers(text: &str) -> NumberSet {
    let range = |range: &str| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        (first.parse().unwrap(), last.parse().unwrap())
    };
    let mut set = NumberSet::new();
    text.split(',').map(range).for_each(|(first, last)| set.insert_range(first, last));
    set
}

#[test]
fn a_fetch_of_changes_names_what_vanished_even_the_last() {
    let office = PostOffice::open();
    let mut ana = inbox(&office, 5);
    let since = highest_modseq(&mut ana);
    remove(&mut ana, "2,5");
    ana.ok("UID STORE 3 +FLAGS.SILENT \\Seen");
    let changes = ana.ok(&format!("UID FETCH 1:* (UID) (CHANGEDSINCE {since} VANISHED)"));
    assert!(changes.starts_with("* VANISHED (EARLIER) 2,5\r\n* 2 FETCH (UID 3 "), "{changes}");
    assert_eq!(changes.matches("FETCH").count(), 1, "{changes}");
    // Only of what is asked about.
    let changes = ana.ok(&format!("UID FETCH 3:4 (UID) (CHANGEDSINCE {since} VANISHED)"));
    assert!(!changes.contains("VANISHED"), "{changes}");
    let all = ana.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 0)");
    assert_eq!(all.matches("FETCH").count(), 3, "0 is everything: {all}");
}

#[test]
fn what_the_session_has_not_been_told_is_not_earlier() {
    let office = PostOffice::open();
    let (mut ana, mut other) = (inbox(&office, 3), office.connect_as_ana());
    let since = highest_modseq(&mut ana);
    other.ok("SELECT INBOX");
    remove(&mut other, "2");
    let changes = ana.ok(&format!("UID FETCH 1:* (UID) (CHANGEDSINCE {since} VANISHED)"));
    assert_eq!(changes, "* VANISHED 2\r\n", "told at the end, with its place in the sequence");
}

fn select(
    asker: &mut Asker,
    modseq: ModSeq,
    known: &str,
    seq_match: Option<(&str, &str)>,
) -> Selected {
    let uid_validity = asker.select_inbox().uid_validity;
    let qresync = Qresync {
        uid_validity,
        modseq,
        known_uids: (!known.is_empty()).then(|| numbers(known)),
        seq_match: seq_match.map(|(seqs, uids)| (numbers(seqs), numbers(uids))),
    };
    asker.select(Select { name: MailboxName::inbox(), read_only: false, qresync: Some(qresync) })
}

#[test]
fn a_select_tells_what_happened_since() {
    let office = PostOffice::open();
    let mut ana = inbox(&office, 6);
    let since = ModSeq(highest_modseq(&mut ana));
    remove(&mut ana, "2,6");
    ana.ok("UID STORE 3,5 +FLAGS.SILENT \\Seen");
    let mut asker = office.ask_as_ana();
    let told = |selected: Selected| {
        let changed = selected.changed.iter().map(|row| row.uid.0).collect::<Vec<_>>();
        (selected.vanished_earlier.unwrap().to_string(), changed)
    };
    assert_eq!(told(select(&mut asker, since, "", None)), ("2,6".to_string(), vec![3, 5]));
    assert_eq!(told(select(&mut asker, since, "1:4", None)), ("2".to_string(), vec![3]));
    let other = Qresync {
        uid_validity: words_mail::UidValidity(1_000_000),
        modseq: since,
        known_uids: None,
        seq_match: None,
    };
    let selected =
        asker.select(Select { name: MailboxName::inbox(), read_only: false, qresync: Some(other) });
    assert!(selected.vanished_earlier.is_none() && selected.changed.is_empty(), "another life");
}

#[test]
fn when_the_log_has_forgotten_all_that_is_missing_has_vanished() {
    let office = PostOffice::open();
    let mut ana = inbox(&office, 8);
    let since = ModSeq(highest_modseq(&mut ana));
    remove(&mut ana, "2,5,8");
    for _ in 0..5 {
        ana.append("Work", "", "Subject: x\n\n");
    }
    office.trim_log();
    let mut asker = office.ask_as_ana();
    let vanished = |selected: Selected| selected.vanished_earlier.unwrap().to_string();
    assert_eq!(vanished(select(&mut asker, since, "", None)), "2,5,8");
    assert_eq!(vanished(select(&mut asker, since, "4:8", None)), "5,8");
    // Message 4 of today is UID 6; message 1 is as it was: nothing up to it has gone.
    let matched = Some(("1,3,6", "1,3,6"));
    assert_eq!(vanished(select(&mut asker, since, "", matched)), "2,5,8");
    let matched = Some(("1,2", "1,3"));
    assert_eq!(vanished(select(&mut asker, since, "", matched)), "5,8");
    // The rest of what was ever given stays unasked: nobody knows UID 9 and above.
    assert_eq!(vanished(select(&mut asker, since, "1:4294967295", None)), "2,5,8");
}

#[test]
fn the_whole_conversation_of_a_client_that_returns() {
    let office = PostOffice::open();
    let mut ana = inbox(&office, 4);
    let since = highest_modseq(&mut ana);
    let validity = ana.ok("STATUS INBOX (UIDVALIDITY)");
    let validity = validity.trim_end_matches(")\r\n").rsplit(' ').next().unwrap().to_string();
    remove(&mut ana, "1");
    ana.ok("UID STORE 2 +FLAGS.SILENT \\Flagged");
    let mut again = office.connect_as_ana();
    again.ok("ENABLE QRESYNC");
    let selected = again.ok(&format!("SELECT INBOX (QRESYNC ({validity} {since} 1:4))"));
    assert!(selected.contains("* VANISHED (EARLIER) 1\r\n"), "{selected}");
    assert!(selected.contains("* 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ ("), "{selected}");
}
