//! The way out: who is elsewhere, under which reverse-path, and what is told of it.

mod support;

use core_delivery::{Asked, Origin, Parameters, Recipient, Taken};
use core_directory::AccountChange;
use core_guard::{Greylist, Judgement, Patience};
use core_queue::Homeward;
use core_store::{Batch, Store};
use core_trace::Destination;
use core_world::{Arrival, Examination, Examiner, Later};
use rules_sender::{
    ArcVerdict, DmarcPolicy, DmarcVerdict, Identity, IprevVerdict, Policy, ResultWord, SpfVerdict,
    Verdicts,
};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use support::{Office, address, forward_path, now, origin};
use words_mail::{
    AccountId, BodyType, DeliverTo, Notify, OriginalRecipient, Refusal, Ret, ReversePath,
};

const MESSAGE: &[u8] = b"From: x@elsewhere.org\r\nSubject: x\r\n\r\nhi \xc3\xb1\r\n";

fn submission() -> Origin {
    Origin {
        reverse_path: ReversePath(Some(address("ana@mired.org"))),
        protocol: "ESMTPSA",
        submitter: Some((AccountId(1), address("ana@mired.org"))),
        ..origin()
    }
}

fn ask(office: &Office, path: &str, from: Option<&str>) -> Result<Recipient, Refusal> {
    let (path, from) = (forward_path(path), ReversePath(from.map(address)));
    now(office.delivery.recipient(&Asked::new(&path, &from)))
}

#[test]
fn a_submission_for_here_and_elsewhere_is_filed_and_queued_together() {
    let office = Office::connected();
    let parameters = Parameters {
        ret: Some(Ret::Headers),
        envid: Some("env".to_string()),
        requiretls: true,
        ..Parameters::default()
    };
    let origin = Origin { parameters, ..submission() };
    let to = ["bob@mired.org", "x@elsewhere.org", "y@elsewhere.org", "z@third.org"];
    let delivered = office.send(origin, &to, MESSAGE).unwrap();
    let want = [Taken::Filed, Taken::Queued, Taken::Queued, Taken::Queued].map(Ok);
    assert_eq!(delivered.recipients, want);
    assert_eq!(office.inbox("bob@mired.org").len(), 1);
    let jobs = office.jobs();
    let to =
        |n: usize| jobs[n].recipients.iter().map(|r| r.address.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (jobs.len(), to(0), to(1)),
        (
            2,
            vec!["x@elsewhere.org".to_string(), "y@elsewhere.org".to_string()],
            vec!["z@third.org".to_string()],
        )
    );
    let message = &jobs[0].message;
    assert_eq!(message.id, delivered.id);
    assert_eq!(message.reverse_path.to_string(), "<ana@mired.org>");
    assert_eq!((message.ret, message.envid.as_deref()), (Some(Ret::Headers), Some("env")));
    assert_eq!((message.body, message.requiretls), (BodyType::EightBitMime, true));
    assert_eq!(message.submitter, Some(AccountId(1)));
    // One holder for the mailbox, one for the queue.
    assert_eq!((office.store.blob_count(), office.store.holders(message.blob)), (1, 2));
    let octets = office.octets(&jobs[0]);
    assert!(octets.starts_with("Received: ") && octets.ends_with("hi ñ\r\n"), "{octets}");
    assert!(!octets.contains("Return-Path") && !octets.contains("Delivered-To"), "{octets}");
    let traced = office.traced();
    let lines = &traced[0].arrivals().next().unwrap().lines;
    assert!(matches!(
        lines.iter().find(|l| l.named == "bob@mired.org").unwrap().to,
        Destination::Filed { .. }
    ));
    assert_eq!(lines.iter().filter(|l| l.to == Destination::Queued).count(), 3);
}

#[test]
fn an_alias_forwards_under_a_path_that_leads_back_for_reports_alone() {
    let office = Office::connected();
    office.add_alias("mixed@mired.org", &["ana@mired.org", "x@third.org"]);
    let delivered = office.deliver(&["mixed@mired.org"], MESSAGE).unwrap();
    assert_eq!(delivered.recipients, [Ok(Taken::FiledAndQueued)]);
    assert_eq!(office.inbox("ana@mired.org").len(), 1);
    let jobs = office.jobs();
    let path = jobs[0].message.reverse_path.0.clone().unwrap();
    assert_eq!(path.domain().to_string(), "mired.org");
    assert!(path.local_part().starts_with("SRS0="), "{path}");
    assert_eq!(jobs[0].message.id, format!("{}.2", delivered.id));
    let octets = office.octets(&jobs[0]);
    assert!(octets.starts_with("Delivered-To: mixed@mired.org\r\nReceived: "), "{octets}");
    assert_eq!(jobs[0].recipients[0].orcpt.as_ref().unwrap().address, "mixed@mired.org");

    // Its report comes home; nobody else may use the path, and no forged one.
    let back = ask(&office, &path.to_string(), None).unwrap();
    assert_eq!(back.elsewhere, [address("x@elsewhere.org")]);
    assert_eq!(
        ask(&office, &path.to_string(), Some("evil@x.org")).map(drop),
        Err(Refusal::RelayDenied)
    );
    let forged = path.to_string().replace("=x@", "=y@");
    assert_eq!(ask(&office, &forged, None).map(drop), Err(Refusal::NoSuchRecipient));
    let null = Origin { reverse_path: ReversePath(None), ..origin() };
    now(office.begin(null, MESSAGE).finish(&[back])).unwrap();
    let home = office.jobs();
    assert_eq!(home[0].recipients[0].address, address("x@elsewhere.org"));
    assert!(home[0].message.reverse_path.is_null());

    // What was forwarded and comes again has gone in a circle: ana has hers, it leaves no second time.
    let again = office.deliver(&["mixed@mired.org"], octets.as_bytes()).unwrap();
    assert_eq!((again.recipients, office.jobs().len()), (vec![Ok(Taken::Filed)], 0));
}

#[test]
fn success_is_told_once_by_whoever_delivers() {
    let office = Office::connected();
    office.add_alias("one@mired.org", &["x@third.org"]);
    office.add_alias("two@mired.org", &["x@third.org", "y@third.org"]);
    let notify = Notify::parse("SUCCESS,FAILURE").unwrap();
    let orcpt = OriginalRecipient::parse("rfc822;Ana@mired.org").unwrap();
    let from = ReversePath(Some(address("x@elsewhere.org")));
    for (path, beyond, told) in [
        ("ana@mired.org", None, true),
        ("one@mired.org", Some("SUCCESS,FAILURE"), false),
        ("two@mired.org", Some("FAILURE"), true),
    ] {
        let path = forward_path(path);
        let asked = Asked { notify, orcpt: Some(&orcpt), ..Asked::new(&path, &from) };
        let recipient = now(office.delivery.recipient(&asked)).unwrap();
        let delivered = now(office.begin(origin(), MESSAGE).finish(&[recipient])).unwrap();
        let mut jobs = office.jobs();
        jobs.retain(|job| job.message.id.starts_with(&delivered.id));
        let found = jobs.first().map(|job| job.recipients[0].notify.to_string());
        assert_eq!(found.as_deref(), beyond, "{path}");
        assert!(jobs.iter().all(|job| job.recipients[0].orcpt.as_ref() == Some(&orcpt)));
        // The report is the sender's own message's, not the forwarded one's.
        let kept = now(office.queue.show(&delivered.id)).unwrap();
        assert_eq!(kept.is_some(), told, "{path}");
    }
}

#[test]
fn a_report_of_ours_and_the_end_of_what_it_reports_are_one_commit() {
    let office = Office::connected();
    let hang = |office: &Office| {
        let mut batch = Batch::new();
        batch.put(&b"bounce"[..], &b"row"[..]);
        now(office.store.commit(batch)).unwrap();
    };
    let is_there = |office: &Office| office.store.pairs().iter().any(|(k, _)| &k[..] == b"bounce");
    let report = |to: &str, beside: &[u8]| {
        let mut home = now(Homeward::begin(&office.delivery, &address(to)))?;
        now(home.write(b"From: postmaster@mired.org\r\n\r\nsorry\r\n"))?;
        let mut batch = Batch::new();
        batch.expect(&b"bounce"[..], beside.to_vec()).delete(&b"bounce"[..]);
        now(home.finish(batch))
    };
    hang(&office);
    assert_eq!(report("ana@mired.org", b"other"), Err(Refusal::Unavailable));
    assert!(is_there(&office) && office.inbox("ana@mired.org").is_empty());
    assert_eq!(report("ana@mired.org", b"row"), Ok(()));
    assert!(!is_there(&office));
    assert!(office.inbox("ana@mired.org")[0].starts_with("Return-Path: <>\r\n"));
    hang(&office);
    assert_eq!(report("x@elsewhere.org", b"row"), Ok(()));
    assert!(!is_there(&office));
    let job = &office.jobs()[0];
    assert!(job.message.reverse_path.is_null());
    assert_eq!(job.recipients[0].notify, Notify::Never);
    assert_eq!(report("nobody@mired.org", b"row"), Err(Refusal::NoSuchRecipient));
    hang(&office);
    office.set_quota("ana@mired.org", 1);
    assert_eq!(report("ana@mired.org", b"row"), Err(Refusal::MailboxFull));
    assert!(is_there(&office));
}

#[test]
fn a_maildir_that_fails_lets_nothing_leave() {
    let office = Office::connected();
    let change = AccountChange {
        deliver_to: Some(Some(DeliverTo::parse("maildir:/srv/mail/ana").unwrap())),
        ..Default::default()
    };
    office.set("ana@mired.org", change);
    let to = ["ana@mired.org", "bob@mired.org", "x@elsewhere.org"];
    // There is no /srv/mail.
    assert_eq!(office.send(submission(), &to, MESSAGE), Err(Refusal::Unavailable));
    assert_eq!((office.jobs().len(), office.inbox("bob@mired.org").len()), (0, 0));
    assert_eq!(office.store.blob_count(), 0);
}

#[test]
fn a_store_that_fails_queues_nothing() {
    let office = Office::connected();
    let incoming = office.begin(submission(), MESSAGE);
    let path = forward_path("x@elsewhere.org");
    let from = submission().reverse_path;
    let asked = Asked { trusted: true, ..Asked::new(&path, &from) };
    let to = [now(office.delivery.recipient(&asked)).unwrap()];
    office.store.outcome_unknown_next(core_store::Outcome::NotDone);
    assert_eq!(now(incoming.finish(&to)), Err(Refusal::Unavailable));
    assert_eq!((office.jobs().len(), office.store.blob_count()), (0, 0));
}

/// Finds what the test wants, and keeps what it was shown.
struct TestExaminer {
    dmarc: DmarcPolicy,
    seen: Arc<Mutex<Vec<u8>>>,
}

struct Looking(Verdicts, Arc<Mutex<Vec<u8>>>);

impl Examiner for TestExaminer {
    fn begin(&self, arrival: Arrival) -> Box<dyn Examination> {
        let verdicts = Verdicts {
            iprev: IprevVerdict {
                result: ResultWord::Pass,
                address: arrival.ip,
                name: None,
                reason: String::new(),
            },
            spf: SpfVerdict {
                result: ResultWord::Fail,
                identity: Identity::MailFrom("x@elsewhere.org".to_string()),
                reason: "-all".to_string(),
            },
            dkim: Vec::new(),
            dmarc: DmarcVerdict {
                result: ResultWord::Fail,
                from: "elsewhere.org".to_string(),
                policy: self.dmarc,
                ..DmarcVerdict::default()
            },
            arc: ArcVerdict::default(),
            from_repeated: false,
        };
        Box::new(Looking(verdicts, self.seen.clone()))
    }
}

impl Examination for Looking {
    fn header(&mut self, header: &[u8]) {
        self.1.lock().unwrap().extend_from_slice(header);
    }

    fn body(&mut self, piece: &[u8]) {
        self.1.lock().unwrap().extend_from_slice(piece);
    }

    fn finish(self: Box<Self>) -> Later<'static, Verdicts> {
        Box::pin(std::future::ready(self.0))
    }
}

#[test]
fn strangers_are_examined_and_what_follows_is_done_and_noted() {
    let stranger = || Origin { examine: Some(IpAddr::from([192, 0, 2, 7])), ..origin() };
    let message = b"Authentication-Results: mail.mired.org; dmarc=pass\r\nFrom: x@elsewhere.org\r\n\r\nhi\r\n";
    for (dmarc, want) in [
        (DmarcPolicy::None, Ok("INBOX")),
        (DmarcPolicy::Quarantine, Ok("Junk")),
        (DmarcPolicy::Reject, Err(())),
    ] {
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let examiner = Arc::new(TestExaminer { dmarc, seen: seen.clone() });
        let office =
            Office::connected_with(|delivery| delivery.with_examiner(examiner, Policy::default()));
        let to = office.recipients(&["ana@mired.org"]);
        let told = now(office.begin(stranger(), message).finish(&to));
        let seen = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
        assert!(
            seen.starts_with("Authentication-Results") && seen.ends_with("hi\r\n"),
            "as it came"
        );
        let traced = office.traced();
        let arrival = traced[0].arrivals().next().unwrap();
        assert!(arrival.findings.iter().any(|f| f.method == "spf" && f.result == "fail"));
        match want {
            Ok(mailbox) => {
                told.unwrap();
                // There is no mailbox for junk: it is marked and filed in INBOX.
                let text = &office.inbox("ana@mired.org")[0];
                let begin = "Return-Path: <x@elsewhere.org>\r\nDelivered-To: ana@mired.org\r\n\
                    Authentication-Results: mail.mired.org;";
                assert!(text.starts_with(begin), "{text}");
                assert!(!text.contains("dmarc=pass"), "{text}");
                assert_eq!(arrival.decision.is_some(), mailbox == "Junk");
            }
            Err(()) => {
                let Err(Refusal::NotGenuine { status, .. }) = told else { panic!("{told:?}") };
                assert_eq!(status.to_string(), "5.7.26");
                assert!(office.inbox("ana@mired.org").is_empty());
                assert!(arrival.refused.is_some() && arrival.decision.is_some());
            }
        }
        // Who has logged in, or is trusted, is not examined.
        let before = seen.len();
        office.send(submission(), &["bob@mired.org"], message).unwrap();
        let text = &office.inbox("bob@mired.org")[0];
        assert!(!text.contains("Authentication-Results"), "{text}");
        assert_eq!(seen.len(), before);
    }
}

#[test]
fn a_trace_costs_a_local_message_one_small_row() {
    let rows = |office: &Office| {
        office.deliver(&["ana@mired.org"], MESSAGE).unwrap();
        let before = office.store.pairs().len();
        office.deliver(&["ana@mired.org"], MESSAGE).unwrap();
        office.store.pairs().len() - before
    };
    let connected = Office::connected();
    assert_eq!(rows(&connected), rows(&Office::open()) + 1);
    let pairs = connected.store.pairs();
    let row = pairs.iter().find(|(key, _)| key.starts_with(b"t")).unwrap();
    assert!(row.0.len() + row.1.len() < 200, "{} octets", row.0.len() + row.1.len());
}

#[test]
fn whom_we_have_written_to_need_not_wait_with_the_answer() {
    let judged = |office: &Office| {
        let list = Greylist::new(office.store.clone(), Patience::default());
        let path = ReversePath(Some(address("x@elsewhere.org")));
        let at = office.world.world().clock.now();
        let peer: IpAddr = "192.0.2.9".parse().unwrap();
        now(list.judge(peer, &path, &address("ana@mired.org"), at)).unwrap()
    };
    for acquaints in [false, true] {
        let office = Office::connected_with(|delivery| match acquaints {
            true => delivery.with_acquaintances(),
            false => delivery,
        });
        office.send(submission(), &["x@elsewhere.org"], MESSAGE).unwrap();
        assert_eq!(judged(&office) == Judgement::Pass, acquaints);
    }
}
