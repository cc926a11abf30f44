//! What is demanded of the way to a host, and what came of it.

use crate::tallies::Tallies;
use crate::{key, record};
use core_store::{Batch, Store};
use core_world::{
    Answer, DialError, Fetch, FetchError, Fetcher, Flaw, LookupError, Question, Reach, Record,
    RecordKind, Resolver, Standing, Tlsa, Trust, World,
};
use rules_transport::report::{Detail, FailureType, PolicyOf};
use rules_transport::{
    Cached, Demand, Found, HostFacts, Live, Means, Mode, Next, Obstacle, POLICY_SIZE_MAX, Policy,
    Wish, decide, is_text_plain, next, policy_id, policy_url,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use words_base::Timestamp;

/// So many domains' policies are held in memory; more are read from the store again.
const CACHED_MAX: usize = 10_000;
/// So long a web server may take to hand out a policy: somebody's mail waits for it.
const FETCH_TIME: Duration = Duration::from_secs(15);

/// Who we are, in reports.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of this server.
    pub host_name: String,
    /// Who reports: the organisation's name.
    pub organization: String,
    /// Whom to ask, an address; also the sender of reports.
    pub contact: String,
}

/// A host to which mail may go.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The domain that the mail is for, as an A-label.
    pub domain: &'a str,
    /// The host's name, as an A-label.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// Has DNSSEC vouched for the list that the host is from?
    pub listed: Standing,
    /// Has it for the host's addresses? If not, nobody asks for its TLSA records: many servers of
    /// unsigned zones answer that badly (RFC 7672 §2.2.2).
    pub located: Standing,
}

/// What a host must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// In words of the rules.
    pub demand: Demand,
    /// In words of the dialer.
    pub trust: Trust,
}

/// What came of using TLS with a host.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// It was as demanded.
    Good,
    /// The server did not offer it.
    NotOffered,
    /// It failed so.
    Failed(&'a DialError),
}

/// The process's one keeper of policies. Cheap to share.
pub struct Policies {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: World,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) fetcher: Arc<dyn Fetcher>,
    pub(crate) options: Options,
    cached: Mutex<HashMap<String, Cached>>,
    tallies: Mutex<Tallies>,
}

impl Policies {
    /// Keeps policies in `store`.
    pub fn new(
        store: Arc<dyn Store>,
        world: World,
        resolver: Arc<dyn Resolver>,
        fetcher: Arc<dyn Fetcher>,
        options: Options,
    ) -> Policies {
        let (cached, tallies) = Default::default();
        Policies { store, world, resolver, fetcher, options, cached, tallies }
    }

    /// What the host must show before it gets mail for the domain. An obstacle: it gets none now;
    /// another host of the domain may.
    pub async fn demand(&self, place: &Place<'_>, wish: Wish) -> Result<Requirement, Obstacle> {
        let (tlsa, records) = self.tlsa(place).await;
        let policy = self.policy(place.domain).await;
        let facts = HostFacts {
            domain: place.domain,
            host: place.host,
            mx_is_secure: place.listed == Standing::Secure,
            tlsa,
            policy: policy.as_ref(),
        };
        let decision = decide(&facts, wish);
        if decision.would_refuse || decision.demand.is_err() {
            let failure = match decision.demand {
                Err(Obstacle::Bogus) => FailureType::DnssecInvalid,
                Err(Obstacle::Unknown) => FailureType::DaneRequired,
                _ => FailureType::ValidationFailure,
            };
            let policy = policy_of(decision.means, policy.as_ref(), &records);
            let reason = decision.demand.as_ref().err().copied().unwrap_or(Obstacle::NotNamed);
            self.count(place, &policy, Some((failure, reason.to_string())));
        }
        let demand = decision.demand?;
        let trust = match &demand {
            Demand::Opportunistic | Demand::Encrypted => Trust::Anyone,
            Demand::Names(names) => Trust::Names(names.clone()),
            Demand::Dane(names) => Trust::Dane { records, names: names.clone() },
        };
        Ok(Requirement { demand, trust })
    }

    /// Counts what came of a session under `trust`, the one that [`Policies::demand`] gave.
    pub fn seen(&self, place: &Place<'_>, trust: &Trust, seen: Seen<'_>) {
        let policy = self.cached().get(place.domain).and_then(|cached| cached.live.clone());
        let policy = policy.map(|live| live.policy).filter(|policy| policy.mode != Mode::None);
        let policy = match (trust, &policy) {
            (Trust::Dane { records, .. }, _) => policy_of(Means::Dane, None, records),
            (_, Some(policy)) => policy_of(Means::Sts, Some(policy), &[]),
            (_, None) => policy_of(Means::Nothing, None, &[]),
        };
        match seen {
            Seen::Good => self.count(place, &policy, None),
            Seen::NotOffered => {
                let failure = FailureType::StarttlsNotSupported;
                self.count(place, &policy, Some((failure, String::new())));
            }
            Seen::Failed(error) => {
                // Who is not there says nothing of his TLS.
                if let Some(failure) = failure_of(error, policy.means) {
                    self.count(place, &policy, Some((failure, error.to_string())));
                }
            }
        }
    }

    /// The policy of MTA-STS that holds for a domain now.
    async fn policy(&self, domain: &str) -> Option<Policy> {
        let now = self.world.clock.now();
        let cached = self.kept(domain).await;
        let id = self.policy_id(domain).await;
        let fetched = match (next(cached.as_ref(), id.as_deref(), now), id) {
            (Next::Fetch, Some(id)) => Some(self.fetch(domain, id, now).await),
            _ => None,
        };
        let live = match fetched {
            Some(Ok(live)) => {
                self.keep(domain, Cached { live: Some(live.clone()), failed_at: None });
                self.write_down(domain, &live).await;
                Some(live)
            }
            Some(Err(failure)) => {
                let live = cached.and_then(|cached| cached.live);
                let policy = policy_of(Means::Sts, live.as_ref().map(|live| &live.policy), &[]);
                let place = Place::web_server_of(domain);
                self.count(&place, &policy, Some(failure));
                self.keep(domain, Cached { live: live.clone(), failed_at: Some(now) });
                live
            }
            None => cached.and_then(|cached| cached.live),
        };
        live.filter(|live| live.holds(now)).map(|live| live.policy)
    }

    /// What is kept of a domain, in memory or else in the store.
    async fn kept(&self, domain: &str) -> Option<Cached> {
        if let Some(cached) = self.cached().get(domain) {
            return Some(cached.clone());
        }
        // A store that fails is as if nothing were kept: it is asked again next time.
        let snapshot = self.store.snapshot().await.ok()?;
        let octets = snapshot.get(&key::policy(domain)).await.ok()?;
        let live = octets.and_then(|octets| record::decode_live(&octets));
        let cached = Cached { live, failed_at: None };
        self.keep(domain, cached.clone());
        Some(cached)
    }

    fn keep(&self, domain: &str, cached: Cached) {
        let mut all = self.cached();
        if all.len() >= CACHED_MAX && !all.contains_key(domain) {
            // Any will do: it is read from the store again when it is wanted.
            if let Some(other) = all.keys().next().cloned() {
                all.remove(&other);
            }
        }
        all.insert(domain.to_string(), cached);
    }

    /// Keeps a policy over the next start. If that fails it is fetched anew then.
    async fn write_down(&self, domain: &str, live: &Live) {
        let mut batch = Batch::new();
        batch.put(key::policy(domain), record::encode_live(live));
        let _ = self.store.commit(batch).await;
    }

    async fn policy_id(&self, domain: &str) -> Option<String> {
        let texts = self.texts(&format!("_mta-sts.{domain}")).await.ok()?;
        policy_id(texts.iter().map(Vec::as_slice))
    }

    /// The TXT records at a name; none if it has none.
    pub(crate) async fn texts(&self, name: &str) -> Result<Vec<Vec<u8>>, LookupError> {
        let answer = match self.resolver.lookup(&Question::new(name, RecordKind::Txt)).await {
            Ok(answer) => answer,
            Err(error) if error.is_denial() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let text = |record| match record {
            Record::Txt(text) => Some(text),
            _ => None,
        };
        Ok(answer.records.into_iter().filter_map(text).collect())
    }

    async fn fetch(
        &self,
        domain: &str,
        id: String,
        now: Timestamp,
    ) -> Result<Live, (FailureType, String)> {
        let what = Fetch {
            url: policy_url(domain),
            size_max: POLICY_SIZE_MAX,
            within: FETCH_TIME,
            reach: Reach::Public,
        };
        let fetched = self.fetcher.get(&what).await.map_err(|error| {
            let failure = match error {
                FetchError::Untrusted(_) => FailureType::StsWebpkiInvalid,
                FetchError::TooLarge => FailureType::StsPolicyInvalid,
                _ => FailureType::StsPolicyFetchError,
            };
            (failure, error.to_string())
        })?;
        if fetched.status != 200 {
            let reason = format!("the web server answered {}", fetched.status);
            return Err((FailureType::StsPolicyFetchError, reason));
        }
        if !is_text_plain(&fetched.content_type) {
            return Err((FailureType::StsPolicyInvalid, "it is not text/plain".to_string()));
        }
        match Policy::parse(&fetched.body) {
            Ok(policy) => Ok(Live { id, policy, fetched_at: now }),
            Err(error) => Err((FailureType::StsPolicyInvalid, error.to_string())),
        }
    }

    /// The host's TLSA records, as far as DNSSEC vouches for everything on the way to them.
    async fn tlsa(&self, place: &Place<'_>) -> (Found, Vec<Tlsa>) {
        if (place.listed, place.located) != (Standing::Secure, Standing::Secure) {
            return (Found::Nothing, Vec::new());
        }
        let name = format!("_{}._tcp.{}", place.port, place.host);
        let answer = self.resolver.lookup(&Question::new(name, RecordKind::Tlsa)).await;
        match answer {
            Ok(Answer { standing: Standing::Secure, records, .. }) => {
                let tlsa = |record| match record {
                    Record::Tlsa(tlsa) => Some(tlsa),
                    _ => None,
                };
                let records: Vec<Tlsa> = records.into_iter().filter_map(tlsa).collect();
                match records.iter().any(Tlsa::is_usable) {
                    true => (Found::Usable, records),
                    false => (Found::Unusable, records),
                }
            }
            Ok(_) => (Found::Nothing, Vec::new()),
            Err(error) if error.is_denial() => (Found::Nothing, Vec::new()),
            Err(LookupError::Bogus) => (Found::Bogus, Vec::new()),
            Err(_) => (Found::Unknown, Vec::new()),
        }
    }

    fn count(&self, place: &Place<'_>, policy: &PolicyOf, failure: Option<(FailureType, String)>) {
        let now = self.world.clock.now();
        let host = place.host.to_string();
        let detail = failure.map(|(failure, reason)| Detail { failure, host, reason });
        self.tallies().count(now, place.domain, policy, detail);
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<String, Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tallies(&self) -> MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Place<'a> {
    /// For results that belong to a domain before any of its hosts was reached.
    fn web_server_of(domain: &'a str) -> Place<'a> {
        let (listed, located) = (Standing::Insecure, Standing::Insecure);
        Place { domain, host: "", port: 443, listed, located }
    }
}

fn policy_of(means: Means, policy: Option<&Policy>, records: &[Tlsa]) -> PolicyOf {
    let (lines, mx) = match (means, policy) {
        (Means::Sts, Some(policy)) => {
            (policy.lines(), policy.mx.iter().map(ToString::to_string).collect())
        }
        (Means::Dane, _) => (records.iter().map(tlsa_line).collect(), Vec::new()),
        _ => (Vec::new(), Vec::new()),
    };
    PolicyOf { means, lines, mx }
}

/// A record as zones write it (RFC 6698 §2.2).
fn tlsa_line(record: &Tlsa) -> String {
    let data: String = record.data.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{} {} {} {data}", record.usage, record.selector, record.matching)
}

fn failure_of(error: &DialError, means: Means) -> Option<FailureType> {
    match error {
        DialError::Untrusted { flaw, .. } => Some(match flaw {
            Flaw::Authority => FailureType::CertificateNotTrusted,
            Flaw::Name => FailureType::CertificateHostMismatch,
            Flaw::Dates => FailureType::CertificateExpired,
            Flaw::Other if means == Means::Dane => FailureType::TlsaInvalid,
            Flaw::Other => FailureType::ValidationFailure,
        }),
        DialError::Tls(_) => Some(FailureType::ValidationFailure),
        DialError::NoSuchHost(_) | DialError::Unreachable(_) | DialError::TimedOut => None,
    }
}
