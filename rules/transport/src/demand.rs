//! What a host must show before it gets a message.

use crate::{Mode, Policy};
use std::fmt;

/// What is known of a host that may take mail for a domain.
#[derive(Clone, Debug)]
pub struct HostFacts<'a> {
    /// The domain that the mail is for.
    pub domain: &'a str,
    /// The host's name.
    pub host: &'a str,
    /// Has DNSSEC vouched for the list that the host is from?
    pub mx_is_secure: bool,
    /// Its TLSA records.
    pub tlsa: Found,
    /// The domain's policy, if it has one that holds.
    pub policy: Option<&'a Policy>,
}

/// What the DNS said of a host's TLSA records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There are none that DNSSEC vouches for: nobody has to look further (RFC 7672 §2.2.2).
    Nothing,
    /// There are some, and mail can use none of them (RFC 7672 §2.2).
    Unusable,
    /// There are some that mail can use.
    Usable,
    /// Somebody lies, or the zone is broken (RFC 7672 §2.1.1).
    Bogus,
    /// The zone is signed, and its servers do not tell (RFC 7672 §2.1.2).
    Unknown,
}

/// What the sender of a message has said of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    Ordinary,
    /// Only over TLS that is certain, hop by hop: `REQUIRETLS` (RFC 8689 §2).
    Required,
    /// Rather in the clear than not at all: `TLS-Required: No` (RFC 8689 §5).
    NotRequired,
}

/// What a host must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// TLS if it works, with any certificate (RFC 7435).
    Opportunistic,
    /// TLS, with any certificate.
    Encrypted,
    /// TLS with an authority's certificate for one of these names.
    Names(Vec<String>),
    /// TLS with a certificate that the TLSA records describe; where they name an authority, for one of
    /// these names.
    Dane(Vec<String>),
}

/// Why the demand is as it is: what a report calls the type of policy (RFC 8460 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Means {
    /// The domain has said nothing.
    Nothing,
    /// MTA-STS.
    Sts,
    /// DANE.
    Dane,
}

/// Why a host gets no mail now. Another host of the domain may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its TLSA records are bogus; temporary.
    Bogus,
    /// Its TLSA records cannot be asked for; temporary.
    Unknown,
    /// The domain's policy does not name it; temporary, the policy may be mended (RFC 8461 §5).
    NotNamed,
    /// The message requires certain TLS, and nobody vouches for the host's name; permanent (RFC 8689
    /// §4.2.1).
    NotVouchedFor,
}

impl Obstacle {
    /// Is there no use in trying again?
    pub fn is_permanent(self) -> bool {
        self == Obstacle::NotVouchedFor
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Obstacle::Bogus => {
                "its TLSA records are not what its zone has signed: its DNS must be mended"
            }
            Obstacle::Unknown => "its DNS does not tell its TLSA records",
            Obstacle::NotNamed => "the domain's MTA-STS policy does not allow it",
            Obstacle::NotVouchedFor => {
                "the sender requires TLS all the way (REQUIRETLS), and neither DNSSEC nor an MTA-STS \
                 policy vouches for this host"
            }
        })
    }
}

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the host must show, or why it gets nothing.
    pub demand: Result<Demand, Obstacle>,
    /// To whose account results are put in reports.
    pub means: Means,
    /// A policy in its testing mode does not allow the host: to be reported, and no more.
    pub would_refuse: bool,
}

/// What `facts` and the sender's wish demand of a host. DANE goes before MTA-STS, which never makes
/// good what DANE has found wrong (RFC 8461 §2).
pub fn decide(facts: &HostFacts<'_>, wish: Wish) -> Decision {
    let decision = decide_ordinary(facts);
    match wish {
        Wish::Ordinary => decision,
        Wish::NotRequired => Decision { demand: Ok(Demand::Opportunistic), ..decision },
        Wish::Required => {
            let demand = decision.demand.and_then(|demand| certain(demand, facts));
            Decision { demand, ..decision }
        }
    }
}

fn decide_ordinary(facts: &HostFacts<'_>) -> Decision {
    let dane = |demand| Decision { demand, means: Means::Dane, would_refuse: false };
    match facts.tlsa {
        Found::Bogus => dane(Err(Obstacle::Bogus)),
        Found::Unknown => dane(Err(Obstacle::Unknown)),
        Found::Usable => dane(Ok(Demand::Dane(dane_names(facts)))),
        Found::Unusable => match by_policy(facts) {
            Decision { demand: Ok(Demand::Opportunistic), .. } => dane(Ok(Demand::Encrypted)),
            stricter => stricter,
        },
        Found::Nothing => by_policy(facts),
    }
}

fn by_policy(facts: &HostFacts<'_>) -> Decision {
    let opportunistic = Ok(Demand::Opportunistic);
    let Some(policy) = facts.policy.filter(|policy| policy.mode != Mode::None) else {
        return Decision { demand: opportunistic, means: Means::Nothing, would_refuse: false };
    };
    let allowed = policy.allows(facts.host);
    let (demand, would_refuse) = match (policy.mode, allowed) {
        (Mode::Enforce, true) => (Ok(Demand::Names(vec![facts.host.to_string()])), false),
        (Mode::Enforce, false) => (Err(Obstacle::NotNamed), false),
        (_, allowed) => (opportunistic, !allowed),
    };
    Decision { demand, means: Means::Sts, would_refuse }
}

/// For a message that must not travel in another way: the host's name must be one that somebody
/// vouches for, and the certificate be for it (RFC 8689 §4.2.1).
fn certain(demand: Demand, facts: &HostFacts<'_>) -> Result<Demand, Obstacle> {
    let named = facts.policy.is_some_and(|p| p.mode != Mode::None && p.allows(facts.host));
    match demand {
        Demand::Names(_) | Demand::Dane(_) => Ok(demand),
        _ if facts.mx_is_secure || named => Ok(Demand::Names(vec![facts.host.to_string()])),
        _ => Err(Obstacle::NotVouchedFor),
    }
}

/// The host's, and, since its list can be believed, the domain's own (RFC 7672 §3.2.2).
fn dane_names(facts: &HostFacts<'_>) -> Vec<String> {
    let mut names = vec![facts.host.to_string()];
    if !facts.domain.eq_ignore_ascii_case(facts.host) {
        names.push(facts.domain.to_string());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(mode: &str) -> Policy {
        let text = format!("version: STSv1\nmode: {mode}\nmx: *.good.test\nmax_age: 86400");
        Policy::parse(text.as_bytes()).unwrap()
    }

    fn names() -> Demand {
        Demand::Names(vec!["mx.good.test".to_string()])
    }

    fn dane() -> Demand {
        Demand::Dane(vec!["mx.good.test".to_string(), "good.test".to_string()])
    }

    #[test]
    fn the_whole_table() {
        use Demand::{Encrypted, Opportunistic};
        use Obstacle::{Bogus, NotNamed, Unknown};
        let (enforce, testing, none) = (policy("enforce"), policy("testing"), policy("none"));
        let good = "mx.good.test";
        for (host, tlsa, policy, demand, means, would_refuse) in [
            (good, Found::Nothing, None, Ok(Opportunistic), Means::Nothing, false),
            (good, Found::Nothing, Some(&none), Ok(Opportunistic), Means::Nothing, false),
            (good, Found::Nothing, Some(&testing), Ok(Opportunistic), Means::Sts, false),
            ("mx.bad.test", Found::Nothing, Some(&testing), Ok(Opportunistic), Means::Sts, true),
            (good, Found::Nothing, Some(&enforce), Ok(names()), Means::Sts, false),
            ("mx.bad.test", Found::Nothing, Some(&enforce), Err(NotNamed), Means::Sts, false),
            (good, Found::Unusable, None, Ok(Encrypted), Means::Dane, false),
            (good, Found::Unusable, Some(&testing), Ok(Encrypted), Means::Dane, false),
            (good, Found::Unusable, Some(&enforce), Ok(names()), Means::Sts, false),
            (good, Found::Usable, None, Ok(dane()), Means::Dane, false),
            (good, Found::Usable, Some(&enforce), Ok(dane()), Means::Dane, false),
            (good, Found::Bogus, None, Err(Bogus), Means::Dane, false),
            (good, Found::Bogus, Some(&enforce), Err(Bogus), Means::Dane, false),
            (good, Found::Unknown, Some(&enforce), Err(Unknown), Means::Dane, false),
        ] {
            let facts = HostFacts { domain: "good.test", host, mx_is_secure: false, tlsa, policy };
            let got = decide(&facts, Wish::Ordinary);
            assert_eq!(got, Decision { demand, means, would_refuse }, "{facts:?}");
            let careless = decide(&facts, Wish::NotRequired);
            assert_eq!(careless.demand, Ok(Opportunistic), "{facts:?}");
        }
    }

    #[test]
    fn a_message_that_requires_tls_needs_somebody_to_vouch_for_the_host() {
        use Obstacle::{Bogus, NotVouchedFor};
        let (enforce, testing, none) = (policy("enforce"), policy("testing"), policy("none"));
        for (mx_is_secure, tlsa, policy, demand) in [
            (false, Found::Nothing, None, Err(NotVouchedFor)),
            (false, Found::Nothing, Some(&none), Err(NotVouchedFor)),
            (true, Found::Nothing, None, Ok(names())),
            (true, Found::Unusable, None, Ok(names())),
            (false, Found::Nothing, Some(&testing), Ok(names())),
            (false, Found::Nothing, Some(&enforce), Ok(names())),
            (true, Found::Usable, None, Ok(dane())),
            (true, Found::Bogus, Some(&enforce), Err(Bogus)),
        ] {
            let host = "mx.good.test";
            let facts = HostFacts { domain: "good.test", host, mx_is_secure, tlsa, policy };
            assert_eq!(decide(&facts, Wish::Required).demand, demand, "{facts:?}");
        }
        assert!(NotVouchedFor.is_permanent() && !Bogus.is_permanent());
    }
}
