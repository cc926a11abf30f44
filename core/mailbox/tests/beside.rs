//! What others write in the commit that keeps a body.

mod support;

use core_mailbox::{Beside, Deposit, NotDelivered, Placing};
use core_store::{Batch, Outcome, Store, Template};
use support::{ANA, BOB, Office, deposit, name, uids};
use words_mail::Refusal;

const HELLO: &str = "Subject: hello\r\n\r\nHi there.\r\n";

/// Somebody who holds the body, expects a bell to hang and takes it down, and notes what was filed.
#[derive(Default)]
struct Queue {
    holders: u32,
    expects: bool,
    /// Octets of rows of its own.
    octets: usize,
}

impl Beside for Queue {
    fn holders(&self) -> u32 {
        self.holders
    }

    fn write(&self, batch: &mut Batch) -> Result<(), Refusal> {
        if self.octets == usize::MAX {
            return Err(Refusal::Limit("rows"));
        }
        if self.expects {
            batch.expect(&b"bell"[..], &b"hangs"[..]).delete(&b"bell"[..]);
        }
        for n in 0..self.octets / 90_000 {
            batch.put(format!("row {n}").into_bytes(), vec![b'x'; 90_000]);
        }
        batch.put(&b"row"[..], &b"queued"[..]);
        Ok(())
    }

    fn note(&self, placings: &[Placing<'_>], batch: &mut Batch) {
        let first = placings.first().map_or(0, |p| p.nth);
        let mut note = Template::default();
        for placing in placings {
            match placing.place {
                Ok(slot) => {
                    note.bytes.extend_from_slice(&slot.mailbox.0.to_be_bytes());
                    slot.push(&mut note);
                }
                Err(refusal) => note.bytes.extend_from_slice(refusal.to_string().as_bytes()),
            }
        }
        batch.put(format!("note {first}").into_bytes(), note);
    }
}

async fn hang_bell(office: &Office) {
    let mut batch = Batch::new();
    batch.put(&b"bell"[..], &b"hangs"[..]);
    office.memory.commit(batch).await.unwrap();
}

fn value(office: &Office, key: &str) -> Option<Vec<u8>> {
    let pairs = office.memory.pairs();
    pairs.into_iter().find(|(k, _)| k == key.as_bytes()).map(|(_, v)| v.to_vec())
}

/// The blob that was kept last, by its holders.
fn holders(office: &Office) -> u32 {
    (1..1_000).rev().map(|n| office.memory.holders(core_store::BlobId(n))).find(|n| *n > 0).unwrap()
}

#[tokio::test]
async fn a_message_and_what_is_beside_it_are_one_commit() {
    let office = Office::open().await;
    hang_bell(&office).await;
    let queue = Queue { holders: 2, expects: true, ..Queue::default() };
    let to = vec![deposit(ANA, "INBOX"), deposit(ANA, "Nowhere"), deposit(BOB, "INBOX")];
    let told = office.deliver_beside(HELLO, to, &queue).await.unwrap();
    assert_eq!(told.iter().filter(|r| r.is_ok()).count(), 2);
    assert_eq!(office.store.take_commits(), 1);
    assert_eq!((office.memory.blob_count(), holders(&office)), (1, 4));
    assert_eq!(
        (value(&office, "bell"), value(&office, "row").unwrap()),
        (None, b"queued".to_vec())
    );
    let inbox = 1u32.to_be_bytes();
    let one = 1u64.to_be_bytes();
    let want = [&inbox[..], &one, &inbox, &one, b"no such mailbox"].concat();
    assert_eq!(value(&office, "note 0").unwrap(), want);
}

#[tokio::test]
async fn a_body_that_nobody_here_gets_is_kept_for_those_beside() {
    let office = Office::open().await;
    let queue = Queue { holders: 1, ..Queue::default() };
    for to in [vec![], vec![deposit(ANA, "Nowhere")]] {
        let refused = to.len();
        let told = office.deliver_beside(HELLO, to, &queue).await.unwrap();
        assert_eq!(told, vec![Err(Refusal::NoSuchMailbox); refused]);
        assert_eq!(office.store.take_commits(), 1);
        assert_eq!(holders(&office), 1);
    }
    assert_eq!(value(&office, "note 0").unwrap(), b"no such mailbox");
}

#[tokio::test]
async fn nothing_is_written_beside_nothing() {
    let office = Office::open().await;
    let before = office.memory.pairs();
    for to in [vec![], vec![deposit(ANA, "Nowhere")]] {
        office.deliver_beside(HELLO, to, &Queue::default()).await.unwrap();
    }
    assert_eq!(office.store.take_commits(), 0);
    assert_eq!(office.memory.pairs(), before);
    assert_eq!(office.memory.blob_count(), 0);
}

#[tokio::test]
async fn who_was_overtaken_is_told_and_nothing_was_filed() {
    let office = Office::open().await;
    let before = office.memory.pairs();
    let queue = Queue { holders: 1, expects: true, ..Queue::default() };
    for to in [vec![deposit(ANA, "INBOX")], vec![]] {
        let told = office.deliver_beside(HELLO, to, &queue).await;
        assert_eq!(told, Err(NotDelivered::Overtaken));
    }
    assert_eq!(office.memory.pairs(), before);
    assert_eq!(office.memory.blob_count(), 0);
}

#[tokio::test]
async fn a_conflict_of_the_mailbox_is_tried_again_with_all_that_is_beside() {
    let office = Office::open().await;
    hang_bell(&office).await;
    let queue = Queue { holders: 1, expects: true, ..Queue::default() };
    office.memory.conflict_next(1);
    let told = office.deliver_beside(HELLO, vec![deposit(ANA, "INBOX")], &queue).await.unwrap();
    assert!(told[0].is_ok());
    assert_eq!((value(&office, "bell"), holders(&office)), (None, 2));
    assert!(value(&office, "row").is_some() && value(&office, "note 0").is_some());
}

#[tokio::test]
async fn trouble_of_the_store_is_unavailable_with_and_without_deposits() {
    let office = Office::open().await;
    let queue = Queue { holders: 1, ..Queue::default() };
    for to in [vec![deposit(ANA, "INBOX")], vec![]] {
        office.memory.outcome_unknown_next(Outcome::NotDone);
        let told = office.deliver_beside(HELLO, to, &queue).await;
        assert_eq!(told, Err(NotDelivered::Refused(Refusal::Unavailable)));
    }
    assert_eq!(office.memory.blob_count(), 0);
}

#[tokio::test]
async fn what_cannot_be_written_beside_refuses_all() {
    let office = Office::open().await;
    let queue = Queue { holders: 1, octets: usize::MAX, ..Queue::default() };
    for to in [vec![deposit(ANA, "INBOX")], vec![]] {
        let told = office.deliver_beside(HELLO, to, &queue).await;
        assert_eq!(told, Err(NotDelivered::Refused(Refusal::Limit("rows"))));
    }
    assert_eq!((office.store.take_commits(), office.memory.blob_count()), (0, 0));
}

#[tokio::test]
async fn rows_beside_leave_less_room_and_are_written_once() {
    let office = Office::open().await;
    let mut one: Deposit = deposit(ANA, "INBOX");
    one.prefix = vec![b'x'; 16_000].into();
    let queue = Queue { holders: 3, octets: 3_000_000, ..Queue::default() };
    let told = office.deliver_beside(HELLO, vec![one; 400], &queue).await.unwrap();
    assert!(told.iter().all(Result::is_ok));
    assert!(office.store.take_commits() > 1);
    assert_eq!((office.memory.blob_count(), holders(&office)), (1, 403));
    let view = office.ana().open(&name("INBOX")).await.unwrap();
    assert_eq!(uids(&view), (1..=400).collect::<Vec<_>>());
    let notes = office.memory.pairs().into_iter().filter(|(k, _)| k.starts_with(b"note "));
    assert_eq!(notes.map(|(_, v)| v.len() / 12).sum::<usize>(), 400);
}
