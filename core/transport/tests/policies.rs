//! Policies over a DNS and a web of the test's own.

use core_queue::{Homecoming, Homeward};
use core_store::{Batch, MemoryStore, Scan, Store};
use core_transport::{Demand, Obstacle, Options, Place, Policies, Seen, Wish, Work};
use core_world::testing::TestWorld;
use core_world::{
    Answer, DialError, Fetch, FetchError, Fetched, Fetcher, Flaw, Later, LookupError, Question,
    Record, RecordKind, Resolver, Standing, Tlsa, Trust,
};
use rules_transport::report::ReportJson;
use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use words_mail::{Address, Refusal};

const HOUR: Duration = Duration::from_secs(3600);

/// What is out there.
#[derive(Default)]
struct Outside {
    names: Mutex<HashMap<Question, Result<Answer, LookupError>>>,
    pages: Mutex<HashMap<String, Result<Fetched, FetchError>>>,
    fetched: Mutex<Vec<String>>,
    posted: Mutex<Vec<(String, Vec<u8>)>>,
    mails: Mutex<Vec<(String, Vec<u8>)>>,
    refuses: Mutex<Option<Refusal>>,
}

impl Resolver for Outside {
    fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>> {
        let found = self.names.lock().unwrap().get(question).cloned();
        Box::pin(ready(found.unwrap_or(Err(LookupError::NoSuchName(Standing::Insecure)))))
    }
}

impl Fetcher for Outside {
    fn get<'a>(&'a self, what: &'a Fetch) -> Later<'a, Result<Fetched, FetchError>> {
        self.fetched.lock().unwrap().push(what.url.clone());
        let page = self.pages.lock().unwrap().get(&what.url).cloned();
        Box::pin(ready(page.unwrap_or(Err(FetchError::TimedOut))))
    }

    fn post<'a>(
        &'a self,
        what: &'a Fetch,
        content_type: &'a str,
        body: &'a [u8],
    ) -> Later<'a, Result<Fetched, FetchError>> {
        assert_eq!(content_type, "application/tlsrpt+gzip");
        self.posted.lock().unwrap().push((what.url.clone(), body.to_vec()));
        Box::pin(ready(Ok(Fetched { status: 201, content_type: String::new(), body: vec![] })))
    }
}

struct Home {
    outside: Arc<Outside>,
    store: Arc<MemoryStore>,
}

struct Coming {
    outside: Arc<Outside>,
    store: Arc<MemoryStore>,
    to: String,
    octets: Vec<u8>,
}

impl Homeward for Home {
    fn begin<'a>(&'a self, to: &'a Address) -> Later<'a, Result<Box<dyn Homecoming>, Refusal>> {
        let refused = self.outside.refuses.lock().unwrap().clone();
        let (outside, store) = (self.outside.clone(), self.store.clone());
        let coming = Coming { outside, store, to: to.to_string(), octets: Vec::new() };
        Box::pin(ready(match refused {
            Some(refusal) => Err(refusal),
            None => Ok(Box::new(coming) as Box<dyn Homecoming>),
        }))
    }
}

impl Homecoming for Coming {
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> Later<'a, Result<(), Refusal>> {
        self.octets.extend_from_slice(octets);
        Box::pin(ready(Ok(())))
    }

    fn finish(self: Box<Self>, beside: Batch) -> Later<'static, Result<(), Refusal>> {
        Box::pin(async move {
            self.store.commit(beside).await.unwrap();
            self.outside.mails.lock().unwrap().push((self.to, self.octets));
            Ok(())
        })
    }
}

/// The test's whole house.
struct House {
    world: Arc<TestWorld>,
    outside: Arc<Outside>,
    store: Arc<MemoryStore>,
    policies: Policies,
}

impl House {
    fn new() -> House {
        let (world, outside, store) = (TestWorld::new(), Arc::default(), MemoryStore::new());
        let policies = keeper(&store, &world, &outside);
        House { world, outside, store, policies }
    }

    /// The same after a start: only what is in the store is left.
    fn restart(&mut self) {
        self.policies = keeper(&self.store, &self.world, &self.outside);
    }

    fn say(
        &self,
        name: &str,
        kind: RecordKind,
        answer: Result<(Vec<Record>, Standing), LookupError>,
    ) {
        let answer = answer.map(|(records, standing)| Answer { records, standing, ttl: HOUR });
        self.outside.names.lock().unwrap().insert(Question::new(name, kind), answer);
    }

    fn say_text(&self, name: &str, text: &str) {
        let record = Record::Txt(text.as_bytes().to_vec());
        self.say(name, RecordKind::Txt, Ok((vec![record], Standing::Insecure)));
    }

    /// Publishes a policy, and its id.
    fn publish(&self, mode: &str, id: &str) {
        self.say_text("_mta-sts.x.test", &format!("v=STSv1; id={id}"));
        let text = format!("version: STSv1\nmode: {mode}\nmx: mx.x.test\nmax_age: 604800\n");
        self.serve(Ok((200, "text/plain", text.as_str())));
    }

    fn serve(&self, page: Result<(u16, &str, &str), FetchError>) {
        let page = page.map(|(status, content_type, body)| Fetched {
            status,
            content_type: content_type.to_string(),
            body: body.as_bytes().to_vec(),
        });
        let url = "https://mta-sts.x.test/.well-known/mta-sts.txt".to_string();
        self.outside.pages.lock().unwrap().insert(url, page);
    }

    fn fetched(&self) -> usize {
        self.outside.fetched.lock().unwrap().len()
    }

    async fn demand(&self, place: &Place<'_>) -> Result<Demand, Obstacle> {
        self.policies.demand(place, Wish::Ordinary).await.map(|wanted| wanted.demand)
    }

    /// Works until there is nothing to do.
    async fn work(&self) {
        let home = Home { outside: self.outside.clone(), store: self.store.clone() };
        for _ in 0..100 {
            let now = self.world.world().clock.now();
            if let Work::IdleUntil(at) = self.policies.work(&home, now).await.unwrap() {
                assert!(at > now);
                return;
            }
        }
        panic!("never done");
    }

    async fn tallies_kept(&self) -> usize {
        let snapshot = self.store.snapshot().await.unwrap();
        snapshot.scan(Scan::rising(Scan::prefix(b"pt"))).await.unwrap().pairs.len()
    }

    fn mails(&self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut *self.outside.mails.lock().unwrap())
    }
}

fn keeper(store: &Arc<MemoryStore>, world: &Arc<TestWorld>, outside: &Arc<Outside>) -> Policies {
    let options = Options {
        host_name: "mail.ours.test".to_string(),
        organization: "Ours".to_string(),
        contact: "postmaster@ours.test".to_string(),
    };
    Policies::new(store.clone(), world.world(), outside.clone(), outside.clone(), options)
}

fn place<'a>(host: &'a str, standing: Standing) -> Place<'a> {
    Place { domain: "x.test", host, port: 25, listed: standing, located: standing }
}

fn names() -> Result<Demand, Obstacle> {
    Ok(Demand::Names(vec!["mx.x.test".to_string()]))
}

#[tokio::test]
async fn a_policy_is_fetched_once_and_kept_over_a_start() {
    let mut house = House::new();
    let mx = place("mx.x.test", Standing::Insecure);
    assert_eq!(house.demand(&mx).await, Ok(Demand::Opportunistic));
    assert_eq!(house.fetched(), 0);
    house.publish("enforce", "1");
    for _ in 0..3 {
        assert_eq!(house.demand(&mx).await, names());
    }
    let other = place("mx2.x.test", Standing::Insecure);
    assert_eq!(house.demand(&other).await, Err(Obstacle::NotNamed));
    assert_eq!(house.fetched(), 1);
    // Whoever takes the record away, and the web server too, does not get rid of it.
    house.say("_mta-sts.x.test", RecordKind::Txt, Err(LookupError::NoSuchName(Standing::Insecure)));
    house.serve(Err(FetchError::TimedOut));
    house.restart();
    house.world.pass(HOUR * 24 * 6);
    assert_eq!(house.demand(&mx).await, names());
    assert_eq!(house.fetched(), 1);
    house.world.pass(HOUR * 24);
    assert_eq!(house.demand(&mx).await, Ok(Demand::Opportunistic));
}

#[tokio::test]
async fn a_new_id_brings_a_new_policy_and_a_failure_keeps_the_old() {
    let house = House::new();
    let mx = place("mx.x.test", Standing::Insecure);
    house.publish("enforce", "1");
    assert_eq!(house.demand(&mx).await, names());
    house.publish("none", "2");
    for bad in [
        Err(FetchError::Untrusted("self-made".to_string())),
        Ok((404, "text/plain", "")),
        Ok((301, "text/plain", "version: STSv1\nmode: none\nmax_age: 1\n")),
        Ok((200, "text/html", "version: STSv1\nmode: none\nmax_age: 1\n")),
        Ok((200, "text/plain", "<html>")),
    ] {
        house.serve(bad);
        assert_eq!(house.demand(&mx).await, names());
        // A web server that fails is left alone for a while.
        let fetched = house.fetched();
        assert_eq!(house.demand(&mx).await, names());
        assert_eq!(house.fetched(), fetched);
        house.world.pass_minutes(6);
    }
    house.publish("none", "2");
    assert_eq!(house.demand(&mx).await, Ok(Demand::Opportunistic));
    house.world.pass(HOUR * 25);
    let fetched = house.fetched();
    assert_eq!(house.demand(&mx).await, Ok(Demand::Opportunistic));
    assert_eq!(house.fetched(), fetched + 1);
}

#[tokio::test]
async fn dane_needs_dnssec_all_the_way() {
    let house = House::new();
    let good = Tlsa { usage: 3, selector: 1, matching: 1, data: vec![7; 32] };
    let useless = Tlsa { usage: 1, ..good.clone() };
    let tlsa = |standing, record: &Tlsa| Ok((vec![Record::Tlsa(record.clone())], standing));
    let secure = place("mx.x.test", Standing::Secure);
    let dane = Ok(Demand::Dane(vec!["mx.x.test".to_string(), "x.test".to_string()]));
    let mut unsigned_list = secure;
    unsigned_list.listed = Standing::Insecure;
    let mut unsigned_host = secure;
    unsigned_host.located = Standing::Insecure;
    let opportunistic = || Ok(Demand::Opportunistic);
    for (place, answer, want) in [
        (secure, tlsa(Standing::Secure, &good), dane),
        (secure, tlsa(Standing::Insecure, &good), opportunistic()),
        (secure, tlsa(Standing::Secure, &useless), Ok(Demand::Encrypted)),
        (secure, Err(LookupError::NoSuchName(Standing::Secure)), opportunistic()),
        (secure, Err(LookupError::NoRecords(Standing::Insecure)), opportunistic()),
        (secure, Err(LookupError::Bogus), Err(Obstacle::Bogus)),
        (secure, Err(LookupError::Temporary("SERVFAIL".into())), Err(Obstacle::Unknown)),
        (unsigned_list, tlsa(Standing::Secure, &good), opportunistic()),
        (unsigned_host, Err(LookupError::Bogus), opportunistic()),
    ] {
        house.say("_25._tcp.mx.x.test", RecordKind::Tlsa, answer.clone());
        assert_eq!(house.demand(&place).await, want, "{place:?} {answer:?}");
    }
    house.say("_25._tcp.mx.x.test", RecordKind::Tlsa, tlsa(Standing::Secure, &good));
    let wanted = house.policies.demand(&secure, Wish::Ordinary).await.unwrap();
    let Trust::Dane { records, names } = wanted.trust else { panic!() };
    assert_eq!((records, names.len()), (vec![good], 2));
}

#[tokio::test]
async fn a_domain_that_wants_to_know_is_told_once() {
    let mut house = House::new();
    house.publish("testing", "1");
    house.say_text("_smtp._tls.x.test", "v=TLSRPTv1; rua=mailto:tls@x.test,https://r.test/tls");
    let mx = place("mx.x.test", Standing::Insecure);
    assert_eq!(house.demand(&mx).await, Ok(Demand::Opportunistic));
    assert_eq!(
        house.demand(&place("mx9.x.test", Standing::Insecure)).await,
        Ok(Demand::Opportunistic)
    );
    let expired = DialError::Untrusted {
        fingerprint: None,
        flaw: Flaw::Dates,
        reason: "it has expired".to_string(),
    };
    for seen in [
        Seen::Good,
        Seen::Good,
        Seen::NotOffered,
        Seen::Failed(&expired),
        Seen::Failed(&DialError::TimedOut),
    ] {
        house.policies.seen(&mx, &Trust::Anyone, seen);
    }
    house.work().await;
    assert_eq!(house.tallies_kept().await, 1);
    assert!(house.mails().is_empty(), "the day is not over");
    house.policies.seen(&mx, &Trust::Anyone, Seen::Good);
    house.work().await;
    house.restart();
    house.world.pass(HOUR * 24);
    // A full disk is no reason to forget.
    *house.outside.refuses.lock().unwrap() = Some(Refusal::StorageFull);
    house.work().await;
    assert_eq!(house.tallies_kept().await, 1);
    *house.outside.refuses.lock().unwrap() = None;
    house.work().await;
    house.work().await;
    assert_eq!(house.tallies_kept().await, 0);
    let [(to, mail)] = &house.mails()[..] else { panic!("one report") };
    assert_eq!(to, "tls@x.test");
    let mail = String::from_utf8(mail.clone()).unwrap();
    for part in [
        "\r\nSubject: Report Domain: x.test Submitter: mail.ours.test\r\n Report-ID: <2026-11-24-",
        "\r\nTLS-Report-Domain: x.test\r\n",
        "multipart/report; report-type=\"tlsrpt\"",
        "\r\nContent-Type: application/tlsrpt+gzip\r\n",
        "went as they should: 3; others: 3.",
    ] {
        assert!(mail.contains(part), "{mail} lacks {part}");
    }
    assert!(mail.lines().all(|line| line.len() < 990));
    let posted = house.outside.posted.lock().unwrap();
    assert_eq!(posted.last().unwrap().0, "https://r.test/tls");
    let mut json = Vec::new();
    let mut unpack = flate2::read::GzDecoder::new(&posted.last().unwrap().1[..]);
    std::io::Read::read_to_end(&mut unpack, &mut json).unwrap();
    let report = ReportJson::parse(&json).unwrap();
    assert_eq!(report.date_range.start_datetime, "2026-11-24T00:00:00Z");
    let results = &report.policies[0];
    assert_eq!(results.policy.policy_type, "sts");
    assert_eq!(results.policy.mx_host, ["mx.x.test"]);
    assert_eq!(results.summary.total_successful_session_count, 3);
    let kinds: Vec<&str> =
        results.failure_details.iter().map(|detail| detail.result_type.as_str()).collect();
    let want = ["starttls-not-supported", "certificate-expired", "validation-failure"];
    assert_eq!(kinds, want);
}

#[tokio::test]
async fn a_domain_that_does_not_ask_is_told_nothing() {
    let house = House::new();
    house.policies.seen(&place("mx.x.test", Standing::Insecure), &Trust::Anyone, Seen::Good);
    house.world.pass(HOUR * 30);
    house.work().await;
    house.work().await;
    assert_eq!(house.tallies_kept().await, 0);
    assert!(house.mails().is_empty());
    // Whose DNS does not answer is asked again, though not for ever.
    house.policies.seen(&place("mx.x.test", Standing::Insecure), &Trust::Anyone, Seen::Good);
    house.say("_smtp._tls.x.test", RecordKind::Txt, Err(LookupError::Bogus));
    house.work().await;
    house.world.pass(HOUR * 30);
    house.work().await;
    assert_eq!(house.tallies_kept().await, 1);
    house.world.pass(HOUR * 48);
    house.work().await;
    assert_eq!(house.tallies_kept().await, 0);
}
