//! What was seen is told on the next day; what others saw is kept.

use base64::Engine as _;
use core_delivery::{Delivery, Options as Road};
use core_directory::{Directory, NewAccount};
use core_feedback::{Archive, Feedback, Options, Work};
use core_mailbox::Mail;
use core_store::{BlobId, Blobs, MemoryStore};
use core_world::testing::TestWorld;
use core_world::{
    Answer, Arrival, Examination, Examiner, Later, LookupError, Question, Record, RecordKind,
    Resolver, Standing,
};
use rules_sender::{
    Aligned, DmarcPolicy, DmarcPublished, DmarcVerdict, Identity, IprevVerdict, Policy, ResultWord,
    SpfVerdict, Verdicts, compress, read_report, unpack, write_report,
};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use words_mail::{Address, Domain, ReversePath};

const RECORD: &str = "v=DMARC1; p=reject; rua=mailto:reports@mired.org";

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

#[derive(Default)]
struct Table {
    broken: AtomicBool,
    allowed: AtomicBool,
}

impl Resolver for Table {
    fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>> {
        let text = match question.name.as_str() {
            "_dmarc.exterior.test" => Some(RECORD),
            "exterior.test._report._dmarc.mired.org" if self.allowed.load(SeqCst) => {
                Some("v=DMARC1")
            }
            _ => None,
        };
        assert_eq!(question.kind, RecordKind::Txt);
        let found = match text {
            _ if self.broken.load(SeqCst) => Err(LookupError::Temporary("nobody".to_string())),
            None => Err(LookupError::NoSuchName(Standing::Insecure)),
            Some(text) => Ok(Answer {
                records: vec![Record::Txt(text.as_bytes().to_vec())],
                standing: Standing::Insecure,
                ttl: Duration::from_secs(60),
            }),
        };
        Box::pin(std::future::ready(found))
    }
}

/// Finds that nothing is from exterior.test.
struct Forged;

impl Examiner for Forged {
    fn begin(&self, _: Arrival) -> Box<dyn Examination> {
        Box::new(Forged)
    }
}

impl Examination for Forged {
    fn header(&mut self, _: &[u8]) {}

    fn body(&mut self, _: &[u8]) {}

    fn finish(self: Box<Self>) -> Later<'static, Verdicts> {
        let address = "192.0.2.9".parse().unwrap();
        let verdicts = Verdicts {
            iprev: IprevVerdict {
                result: ResultWord::PermError,
                address,
                name: None,
                reason: String::new(),
            },
            spf: SpfVerdict {
                result: ResultWord::Fail,
                identity: Identity::MailFrom("x@other.test".to_string()),
                reason: String::new(),
            },
            dkim: Vec::new(),
            dmarc: DmarcVerdict {
                result: ResultWord::Fail,
                from: "exterior.test".to_string(),
                policy: DmarcPolicy::Reject,
                aligned: Aligned::default(),
                published: DmarcPublished::parse("exterior.test", RECORD.as_bytes()),
                reason: String::new(),
            },
            arc: Default::default(),
            from_repeated: false,
        };
        Box::pin(std::future::ready(verdicts))
    }
}

struct House {
    outside: Arc<TestWorld>,
    table: Arc<Table>,
    store: Arc<MemoryStore>,
    delivery: Delivery,
    feedback: Feedback,
}

fn house() -> House {
    let (outside, store) = (TestWorld::new(), MemoryStore::new());
    let table = Arc::new(Table::default());
    let directory = Arc::new(Directory::new(store.clone(), outside.world(), Default::default()));
    let admin = directory.admin();
    let mail = Mail::new(store.clone(), store.clone(), outside.world(), Default::default());
    now(admin.add_domain(&Domain::parse("mired.org").unwrap())).unwrap();
    let reports = Address::parse("reports@mired.org").unwrap();
    now(admin.add_account(&NewAccount::new(reports.clone(), None), |batch, id| {
        mail.provision(batch, id, &[]);
    }))
    .unwrap();
    let road = Road { host_name: "mx.mired.org".to_string(), size_max: 1 << 20, received_max: 50 };
    let delivery = Delivery::new(directory, mail, outside.world(), road);
    let options = Options {
        organisation: "mx.mired.org".to_string(),
        contact: Address::parse("postmaster@mired.org").unwrap(),
        policy: Policy::default(),
    };
    let feedback = Feedback::new(store.clone(), outside.clone(), table.clone(), options);
    House { outside, table, store, delivery, feedback }
}

impl House {
    fn see(&self) {
        let examiner = self.feedback.watching(Arc::new(Forged));
        let examination = examiner.begin(Arrival {
            ip: "192.0.2.9".parse().unwrap(),
            helo: "x".to_string(),
            reverse_path: ReversePath(None),
            host_name: "mx.mired.org".to_string(),
            at: core_world::testing::MORNING,
        });
        now(examination.finish());
    }

    /// Works until there is nothing to do.
    fn work(&self) {
        for _ in 0..100 {
            match now(self.feedback.work(&self.delivery)).unwrap() {
                Work::Again => {}
                Work::Told { domain, result } => {
                    assert_eq!((domain.as_str(), result), ("exterior.test", Ok(1)));
                }
                Work::IdleUntil(_) => return,
            }
        }
        panic!("it works without end");
    }

    fn bodies(&self) -> Vec<Vec<u8>> {
        let read = |id| now(self.store.read(BlobId(id), 0..1 << 20)).ok();
        (1..10).filter_map(read).map(|octets| octets.to_vec()).collect()
    }
}

#[test]
fn what_was_seen_is_told_once_the_day_is_over() {
    let house = house();
    house.table.allowed.store(true, SeqCst);
    house.see();
    house.work();
    house.see();
    house.work();
    assert!(house.bodies().is_empty());
    house.outside.pass(Duration::from_secs(24 * 3600));
    // The DNS does not answer: it is tried again.
    house.table.broken.store(true, SeqCst);
    house.work();
    assert!(house.bodies().is_empty());
    house.table.broken.store(false, SeqCst);
    house.work();
    assert!(house.bodies().is_empty());
    house.outside.pass(Duration::from_secs(3601));
    house.work();
    let bodies = house.bodies();
    assert_eq!(bodies.len(), 1);
    let message = String::from_utf8(bodies[0].clone()).unwrap();
    assert!(
        message.contains("Subject: Report Domain: exterior.test Submitter: mx.mired.org"),
        "{message}"
    );
    let (_, attachment) = message.split_once("base64\r\n\r\n").unwrap();
    let symbols = attachment.split("\r\n--").next().unwrap().replace("\r\n", "");
    let packed = base64::engine::general_purpose::STANDARD.decode(symbols).unwrap();
    let report = read_report(&unpack(&packed).unwrap()).unwrap();
    assert_eq!((report.rows.len(), report.rows[0].count), (1, 2));
    assert_eq!(report.rows[0].disposition, "reject");
    assert_eq!(report.begin % 86_400, 0);
    // It is forgotten.
    house.outside.pass(Duration::from_secs(24 * 3600));
    house.work();
    assert_eq!(house.bodies().len(), 1);
}

#[test]
fn who_never_asked_is_told_nothing() {
    let house = house();
    house.see();
    house.work();
    house.outside.pass(Duration::from_secs(24 * 3600));
    house.work();
    assert!(house.bodies().is_empty());
    // Nor later: what was seen is forgotten.
    house.table.allowed.store(true, SeqCst);
    house.outside.pass(Duration::from_secs(24 * 3600));
    house.work();
    assert!(house.bodies().is_empty());
}

#[test]
fn what_others_saw_is_kept_once() {
    let archive = Archive::new(MemoryStore::new());
    let mut report = rules_sender::AggregateReport { id: "7".to_string(), ..Default::default() };
    report.published.domain = "mired.org".to_string();
    report.end = 86_400;
    for (count, dkim) in [(3, true), (2, false)] {
        report.rows.push(rules_sender::ReportRow { count, dkim, ..Default::default() });
    }
    let octets = compress(write_report(&report).as_bytes()).unwrap();
    for _ in 0..2 {
        now(archive.receive(&octets)).unwrap().unwrap();
    }
    let found = now(archive.list()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].messages, found[0].passed), (5, 3));
    assert_eq!(now(archive.receive(b"nonsense")).unwrap(), Err("it is no aggregate report"));
}
