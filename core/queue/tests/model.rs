//! Random lives of a queue: mail comes, is tried, refused, delayed, the process is killed, the store
//! loses answers, operators meddle, days pass. Whatever happens, each recipient ends delivered,
//! reported or deleted, once; nothing is tried again after a 5yz; and when the world heals the queue
//! empties and every body is let go.

mod support;

use core_queue::{Change, Contact, Destination, Filter, Job, Onward, Outcome};
use core_store::Outcome as CommitOutcome;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use support::*;

/// One step of a life.
#[derive(Clone, Debug)]
enum Step {
    /// Mail for recipients of these domains; from somebody, or from the null path.
    Add { domains: Vec<u8>, null: bool, notify: u8 },
    /// A lane takes a job.
    Take,
    /// A lane reports; each recipient's outcome follows from `dice`.
    Report { nth: u8, dice: u64, failed: bool },
    /// A lane loses its job.
    Drop { nth: u8 },
    /// Background work.
    Work,
    /// Time passes.
    Pass { minutes: u16 },
    /// The process dies.
    Kill,
    /// The next commit is done or not, and nobody knows.
    LoseAnswer { done: bool },
    /// An operator does something to a domain.
    Operate { domain: u8, what: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let domains = prop::collection::vec(0..4_u8, 1..6);
    prop_oneof![
        4 => (domains, any::<bool>(), 0..4_u8)
            .prop_map(|(domains, null, notify)| Step::Add { domains, null, notify }),
        8 => Just(Step::Take),
        8 => (any::<u8>(), any::<u64>(), any::<bool>())
            .prop_map(|(nth, dice, failed)| Step::Report { nth, dice, failed }),
        1 => any::<u8>().prop_map(|nth| Step::Drop { nth }),
        4 => Just(Step::Work),
        4 => (1..600_u16).prop_map(|minutes| Step::Pass { minutes }),
        1 => Just(Step::Kill),
        1 => any::<bool>().prop_map(|done| Step::LoseAnswer { done }),
        1 => (0..4_u8, 0..6_u8).prop_map(|(domain, what)| Step::Operate { domain, what }),
    ]
}

const NOTIFY: [&str; 4] = ["", "NEVER", "SUCCESS,FAILURE", "DELAY"];

/// What is known of a recipient, by its address, which is unique.
#[derive(Default)]
struct Known {
    null: bool,
    notify: &'static str,
    /// The peer has said yes, and that was reported on.
    delivered: u32,
    /// The peer has said 5yz, and that was reported on.
    refused: bool,
    /// An operator deleted it, or gave it up.
    meddled: bool,
}

struct Life {
    scene: Scene,
    jobs: Vec<Job>,
    known: HashMap<String, Known>,
    serial: u32,
}

impl Life {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Add { domains, null, notify } => self.add(domains, *null, *notify).await,
            Step::Take => self.take().await,
            Step::Report { nth, dice, failed } => self.report(*nth, *dice, *failed).await,
            Step::Drop { nth } => {
                if !self.jobs.is_empty() {
                    self.jobs.remove(usize::from(*nth) % self.jobs.len());
                }
            }
            Step::Work => self.work().await,
            Step::Pass { minutes } => self.scene.world.pass(MINUTE * u32::from(*minutes)),
            Step::Kill => {
                // Jobs of the dead queue are dropped into it.
                self.jobs.clear();
                self.scene.kill();
            }
            Step::LoseAnswer { done } => {
                let outcome = if *done { CommitOutcome::Done } else { CommitOutcome::NotDone };
                self.scene.store.outcome_unknown_next(outcome);
            }
            Step::Operate { domain, what } => self.operate(*domain, *what).await,
        }
    }

    async fn add(&mut self, domains: &[u8], null: bool, notify: u8) {
        let notify = NOTIFY[usize::from(notify)];
        let mut to = Vec::new();
        for domain in domains {
            self.serial += 1;
            to.push(format!("u{}@d{domain}.org", self.serial));
        }
        let from = if null { "" } else { "ana@mired.org" };
        let pairs: Vec<(&str, &str)> = to.iter().map(|a| (a.as_str(), notify)).collect();
        let (message, mut batch) = self.scene.message(from, &pairs).await;
        let added = self.scene.queue.add(&message, &mut batch).unwrap();
        let store: &dyn core_store::Store = &*self.scene.store;
        let committed = store.commit(batch).await;
        self.scene.queue.added(added);
        // Not known is not acknowledged: the peer sends it again under another id. What became of
        // it is not counted, only that it leaves.
        let counted = committed.is_ok();
        for address in to.into_iter().filter(|_| counted) {
            self.known.insert(address, Known { null, notify, ..Known::default() });
        }
    }

    async fn take(&mut self) {
        let Ok(Some(job)) = self.scene.queue.take(self.scene.now()).await else { return };
        let held: HashSet<(&str, u32)> = self
            .jobs
            .iter()
            .flat_map(|job| job.recipients.iter().map(|r| (&*job.message.id, r.number)))
            .collect();
        for recipient in &job.recipients {
            assert!(!held.contains(&(&*job.message.id, recipient.number)), "taken twice");
            if let Some(known) = self.known.get(&recipient.address.to_string()) {
                assert!(!known.refused, "{} is tried after a 5yz", recipient.address);
                assert!(known.delivered == 0, "{} is tried again", recipient.address);
                assert!(!known.meddled, "{} was given up", recipient.address);
            }
        }
        self.jobs.push(job);
    }

    async fn report(&mut self, nth: u8, dice: u64, failed: bool) {
        if self.jobs.is_empty() {
            return;
        }
        let job = self.jobs.remove(usize::from(nth) % self.jobs.len());
        let mut outcomes = all(&job, &deferred());
        if !failed {
            for (place, outcome) in outcomes.iter_mut().enumerate() {
                outcome.outcome = match (dice >> (place % 20 * 3)) & 7 {
                    0..=2 => delivered(Onward::Silent),
                    3 => delivered(Onward::Reports),
                    4 => support::failed(),
                    _ => deferred(),
                };
            }
            // Now and then one is not spoken of.
            if dice.is_multiple_of(7) {
                outcomes.pop();
            }
        }
        for (outcome, recipient) in outcomes.iter().zip(&job.recipients) {
            let Some(known) = self.known.get_mut(&recipient.address.to_string()) else { continue };
            match outcome.outcome {
                Outcome::Delivered { .. } => known.delivered += 1,
                Outcome::Failed { .. } => known.refused = true,
                Outcome::Deferred { .. } => {}
            }
        }
        let contact = if failed { Contact::Failed } else { Contact::Reached };
        // An error is kept by the queue, unless it is killed before it can write it down: then the
        // peer's answer is lost as if it had never come.
        if self.scene.queue.report(job, outcomes, contact, self.scene.now()).await.is_err() {
            self.work().await;
        }
    }

    async fn work(&self) {
        for _ in 0..2_000 {
            match self.scene.queue.work(&self.scene.home, self.scene.now()).await {
                Ok(core_queue::Work::Again) => {}
                Ok(core_queue::Work::IdleUntil(_)) => return,
                // An answer was lost; the next unit meets what is there.
                Err(_) => {}
            }
        }
        panic!("work without end");
    }

    async fn operate(&mut self, domain: u8, what: u8) {
        let filter = Filter { domain: Some(format!("d{domain}.org")), ..Filter::default() };
        let change = match what {
            0 => Change::Hold,
            1 => Change::Release,
            2 => Change::Retry,
            3 => Change::Reroute(Destination::Route("smart".into())),
            4 => Change::Delete,
            _ => Change::Bounce,
        };
        let before = self.scene.queue.list(&filter, None, 1_000).await.unwrap().rows;
        // Whether it was done is seen afterwards, also where the answer was lost.
        let _ = self.scene.queue.change(&filter, &change, None, self.scene.now()).await;
        if !matches!(change, Change::Delete | Change::Bounce) {
            return;
        }
        let after = self.scene.queue.list(&filter, None, 1_000).await.unwrap().rows;
        let left: HashSet<String> = after.iter().map(|row| row.address.to_string()).collect();
        for row in before {
            let address = row.address.to_string();
            if !left.contains(&address)
                && let Some(known) = self.known.get_mut(&address)
            {
                known.meddled = true;
            }
        }
    }

    /// The world heals: everything leaves.
    async fn heal(&mut self) {
        self.jobs.clear();
        self.work().await;
        let everything = Filter::default();
        let release = Change::Release;
        self.scene.queue.change(&everything, &release, None, self.scene.now()).await.ok();
        self.scene.queue.change(&everything, &release, None, self.scene.now()).await.unwrap();
        for _ in 0..200 {
            self.work().await;
            loop {
                self.take().await;
                let Some(job) = self.jobs.pop() else { break };
                for recipient in &job.recipients {
                    if let Some(known) = self.known.get_mut(&recipient.address.to_string()) {
                        known.delivered += 1;
                    }
                }
                let outcomes = all(&job, &delivered(Onward::Reports));
                let now = self.scene.now();
                self.scene.queue.report(job, outcomes, Contact::Reached, now).await.ok();
                self.work().await;
            }
            self.scene.world.pass(Duration::from_secs(3600));
        }
        self.work().await;
    }

    /// The laws.
    fn check(&self) {
        assert!(self.scene.is_empty(), "{:?}", self.scene.store.pairs());
        assert_eq!(self.scene.store.blob_count(), 0);
        let mut told: HashMap<String, u32> = HashMap::new();
        for said in self.scene.home.said() {
            *told.entry(said).or_default() += 1;
        }
        for (said, times) in &told {
            assert!(*times == 1, "{said} {times} times");
        }
        for (address, known) in &self.known {
            let failed = told.contains_key(&format!("{address} failed"));
            let ends = known.delivered + u32::from(known.refused) + u32::from(known.meddled);
            let expired = ends == 0;
            assert!(known.delivered <= 1, "{address} {} times", known.delivered);
            let wants = !known.null && matches!(known.notify, "" | "SUCCESS,FAILURE");
            if known.refused && !known.meddled {
                assert_eq!(failed, wants, "{address}: a refusal");
            }
            if expired {
                assert_eq!(failed, wants, "{address}: lost without a word");
            }
            if known.delivered > 0 {
                assert!(!failed, "{address} is delivered and reported as not");
            }
            assert!(
                !known.null || told.keys().all(|said| !said.starts_with(&format!("{address} ")))
            );
        }
    }
}

fn live(steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (scene, jobs, known) = (Scene::new(), Vec::new(), HashMap::new());
        let mut life = Life { scene, jobs, known, serial: 0 };
        for step in steps {
            life.step(step).await;
        }
        life.heal().await;
        life.check();
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_recipient_has_one_end(steps in prop::collection::vec(step(), 1..80)) {
        live(&steps);
    }
}
