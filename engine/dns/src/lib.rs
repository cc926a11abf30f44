//! The DNS, asked: [`core_world::Resolver`] by the messages, sockets and signatures of hickory.
//!
//! What is asked of the servers, and for how long an answer is good, is decided here: aliases are
//! followed one by one (so that each link is judged), every answer is kept no longer than its zone
//! allows, and each way to fail has its own [`core_world::LookupError`]. Nothing is read from
//! `/etc/hosts`, no search list is applied, and no name is answered without asking.
//!
//! ```
//! use core_world::{LookupError, Question, RecordKind, Resolver};
//! use engine_dns::{DnsResolver, Options};
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! // Nobody is asked about what cannot be in the DNS.
//! let resolver = DnsResolver::new(Options::default());
//! let question = Question::new("not a name", RecordKind::Mx);
//! assert_eq!(resolver.lookup(&question).await, Err(LookupError::BadName));
//! # }
//! ```

mod answer;
mod cache;
mod chase;
mod name;
mod road;
mod servers;

pub use road::Anchor;

use crate::cache::Cache;
use crate::road::Road;
use crate::servers::Servers;
use core_world::{Answer, Later, LookupError, Question, Resolver};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How the DNS is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who is asked; empty: whom `/etc/resolv.conf` names, as of now.
    pub servers: Vec<SocketAddr>,
    /// Are signatures looked at?
    pub dnssec: Dnssec,
    /// How long one question to one server may take.
    pub within: Duration,
    /// How long all that one answer takes may take: aliases, keys, other servers, repetitions.
    pub within_all: Duration,
    /// How often a question is repeated that nobody answered.
    pub repetitions: usize,
    /// For how long an answer is kept, whatever its zone says.
    pub positive: RangeInclusive<Duration>,
    /// For how long it is remembered that there is nothing, whatever the zone says.
    pub negative: RangeInclusive<Duration>,
    /// For how long it is remembered that nobody could tell (RFC 9520 §3.2).
    pub failure: Duration,
    /// Answers that are kept at most; none are if it is 0.
    pub cache_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        let seconds = Duration::from_secs;
        Options {
            servers: Vec::new(),
            dnssec: Dnssec::Off,
            within: seconds(5),
            within_all: seconds(20),
            repetitions: 1,
            positive: seconds(5)..=seconds(24 * 60 * 60),
            negative: seconds(5)..=seconds(60 * 60),
            failure: seconds(5),
            cache_max: 20_000,
        }
    }
}

/// Are signatures looked at?
#[derive(Clone, Debug, Default)]
pub enum Dnssec {
    /// No: everything is [`core_world::Standing::Insecure`].
    #[default]
    Off,
    /// All of them, from the key of the root on that this build knows (RFC 4035 §5).
    Validate,
    /// All of them, from these keys on: a DNS of one's own.
    ValidateFrom(Anchor),
}

/// Asks the DNS. It can be shared, and asked many things at once.
pub struct DnsResolver {
    options: Options,
    servers: Mutex<Servers>,
    cache: Cache,
}

impl DnsResolver {
    /// Asks as `options` say. Nothing is asked, and nothing can fail, before the first question.
    pub fn new(options: Options) -> DnsResolver {
        let cache = Cache::new(&options);
        DnsResolver { options, servers: Mutex::new(Servers::new()), cache }
    }

    /// Forgets all answers, as after a change of one's own zone.
    pub fn forget(&self) {
        self.cache.clear();
    }

    async fn answer(&self, question: &Question) -> Result<Answer, LookupError> {
        let name = name::read(&question.name).ok_or(LookupError::BadName)?;
        if let Some(known) = self.cache.get(question, Instant::now()) {
            return known;
        }
        let road = self.road()?;
        let chase = chase::answer(&road, name, question.kind);
        let found = match tokio::time::timeout(self.options.within_all, chase).await {
            Ok(found) => found,
            Err(_) => chase::Found::failed(LookupError::Temporary(format!(
                "no answer from {} within {} seconds",
                road.who(),
                self.options.within_all.as_secs()
            ))),
        };
        self.cache.put(question, found, Instant::now())
    }

    fn road(&self) -> Result<Arc<Road>, LookupError> {
        let mut servers = self.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        servers.road(&self.options, Instant::now())
    }
}

impl Resolver for DnsResolver {
    fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>> {
        Box::pin(self.answer(question))
    }
}
