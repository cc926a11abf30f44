//! Asks the DNS all that must be known.

use super::Site;
use crate::progress::{Progress, Tell};
use core_world::{Record, RecordKind, Resolver};
use engine_dns::{DnsResolver, Dnssec, Options};
use rules_zone::{Data, Facts, Found, Kind, Known, Question, needs};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Questions about one domain; more would be somebody's trap.
const QUESTIONS_MAX: usize = 400;

/// How long somebody who waits at a terminal waits for one answer.
const WITHIN: Duration = Duration::from_secs(3);

/// Asks, and remembers nothing from before.
pub struct Asking {
    resolver: Arc<DnsResolver>,
}

impl Asking {
    /// Asks `server`, or those of the configuration.
    pub fn new(site: &Site, server: Option<SocketAddr>) -> Asking {
        let servers = server.map_or_else(|| site.dns_servers.clone(), |server| vec![server]);
        let dnssec = if site.dnssec { Dnssec::Validate } else { Dnssec::Off };
        let options = Options { servers, dnssec, within: WITHIN, ..Options::default() };
        Asking { resolver: Arc::new(DnsResolver::new(options)) }
    }

    /// The addresses that are published for `host`, or else those that `guess` has.
    pub async fn addresses(&self, host: &str, guess: impl Fn() -> Vec<IpAddr>) -> Vec<IpAddr> {
        let mut known = Known::default();
        for kind in [Kind::A, Kind::Aaaa] {
            let question = Question::new(host, kind);
            let found = one(&self.resolver, &question).await;
            known.learn(question, found);
        }
        match known.addresses(host) {
            Ok(Ok(addresses)) if !addresses.is_empty() => addresses,
            _ => guess(),
        }
    }

    /// Everything.
    pub async fn all(&self, facts: &Facts, tell: &Tell) -> Result<Known, String> {
        let mut known = Known::default();
        // Whoever answered none of the first questions is not asked the others.
        let (mut answered, mut failure) = (false, None);
        loop {
            let questions = needs(facts, &known);
            if questions.is_empty() {
                return Ok(known);
            }
            if known.count() + questions.len() > QUESTIONS_MAX {
                return Err(format!("{} needs more than {QUESTIONS_MAX} questions", facts.domain));
            }
            if let (false, Some(why)) = (answered, &failure) {
                for question in questions {
                    known.learn(question, Found::Failed(String::clone(why)));
                }
                continue;
            }
            let mut asked = JoinSet::new();
            for question in questions {
                let resolver = self.resolver.clone();
                asked.spawn(async move {
                    let found = one(&resolver, &question).await;
                    (question, found)
                });
            }
            while let Some(found) = asked.join_next().await {
                let (question, found) = found.map_err(|error| error.to_string())?;
                match &found {
                    Found::Failed(why) => failure = Some(why.clone()),
                    _ => answered = true,
                }
                known.learn(question, found);
                tell(Progress {
                    what: facts.domain.clone(),
                    done: known.count() as u64,
                    all: None,
                    unit: "questions".to_string(),
                });
            }
        }
    }
}

async fn one(resolver: &DnsResolver, question: &Question) -> Found {
    let asked = core_world::Question::new(question.name.clone(), kind(question.kind));
    match resolver.lookup(&asked).await {
        Ok(answer) => Found::Records {
            records: answer.records.into_iter().map(data).collect(),
            is_secure: answer.standing == core_world::Standing::Secure,
        },
        Err(error) if error.is_denial() => Found::Nothing,
        Err(error) => Found::Failed(error.to_string()),
    }
}

fn kind(kind: Kind) -> RecordKind {
    match kind {
        Kind::A => RecordKind::A,
        Kind::Aaaa => RecordKind::Aaaa,
        Kind::Mx => RecordKind::Mx,
        Kind::Txt => RecordKind::Txt,
        Kind::Ptr => RecordKind::Ptr,
        Kind::Tlsa => RecordKind::Tlsa,
        Kind::Srv => RecordKind::Srv,
        Kind::Caa => RecordKind::Caa,
        Kind::Cname => RecordKind::Cname,
        Kind::Ns => RecordKind::Ns,
    }
}

fn data(record: Record) -> Data {
    match record {
        Record::A(address) => Data::A(address),
        Record::Aaaa(address) => Data::Aaaa(address),
        Record::Mx { preference, exchange } => Data::Mx(preference, exchange),
        Record::Txt(text) => Data::Txt(text),
        Record::Ptr(name) => Data::Ptr(name),
        Record::Tlsa(tlsa) => Data::Tlsa(tlsa.usage, tlsa.selector, tlsa.matching, tlsa.data),
        Record::Srv { priority, weight, port, target } => Data::Srv(priority, weight, port, target),
        Record::Caa { critical, tag, value } => Data::Caa(critical, tag, value),
        Record::Cname(name) => Data::Cname(name),
        Record::Ns(name) => Data::Ns(name),
    }
}
