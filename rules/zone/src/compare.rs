//! What was found beside what is wanted, one finding a record.

mod exchange;
mod list;
mod sender;
mod service;
mod transport;

use crate::data::{Data, Kind};
use crate::facts::Facts;
use crate::known::{Known, Needs, Question};
use crate::print::{line, place};

/// One record, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name, absolute, without the final dot.
    pub name: String,
    /// The type.
    pub kind: Kind,
    /// What it is for, in a word or two, as in `SPF`.
    pub about: String,
    /// How it stands.
    pub state: State,
    /// How much it matters.
    pub weight: Weight,
    /// What is wrong, or what is right, in a sentence.
    pub why: String,
    /// What to publish, or to do; of what is right, nothing.
    pub mend: Option<String>,
}

/// How a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Right,
    /// It is not there.
    Missing,
    /// It says something else.
    Wrong {
        /// What it says, as a master file has it.
        found: Vec<String>,
    },
    /// It is there, for something that is not.
    Unneeded {
        /// What it says.
        found: Vec<String>,
    },
    /// Nobody could tell.
    CouldNotAsk,
}

impl State {
    /// In a word.
    pub fn as_str(&self) -> &'static str {
        match self {
            State::Right => "right",
            State::Missing => "missing",
            State::Wrong { .. } => "wrong",
            State::Unneeded { .. } => "unneeded",
            State::CouldNotAsk => "could not ask",
        }
    }
}

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Without it mail is lost or refused.
    Needed,
    /// Without it something is less good; that it is missing is no fault.
    Useful,
}

impl Finding {
    /// Is there nothing to do about it?
    pub fn is_good(&self) -> bool {
        match self.state {
            State::Right => true,
            State::Missing | State::Unneeded { .. } => self.weight == Weight::Useful,
            State::Wrong { .. } | State::CouldNotAsk => false,
        }
    }
}

/// Is there nothing to do?
pub fn is_good(findings: &[Finding]) -> bool {
    findings.iter().all(Finding::is_good)
}

/// What must be asked before all can be judged, given what is known; nothing, if all can.
pub fn needs(facts: &Facts, known: &Known) -> Vec<Question> {
    let mut all = Vec::new();
    for check in CHECKS {
        if let Err(Needs(question)) = check(facts, known)
            && !all.contains(&question)
        {
            all.push(question);
        }
    }
    all
}

/// Judges each record. What is not known yet ([`needs`]) is left out.
pub fn compare(facts: &Facts, known: &Known) -> Vec<Finding> {
    CHECKS.iter().filter_map(|check| check(facts, known).ok()).flatten().collect()
}

type Check = fn(&Facts, &Known) -> Result<Vec<Finding>, Needs>;

/// Each looks at one thing, so that one question that waits holds up no other.
const CHECKS: &[Check] = &[
    exchange::mx,
    exchange::host,
    exchange::others,
    exchange::names,
    sender::spf,
    sender::spf_of_host,
    sender::dkim,
    sender::dmarc,
    transport::mta_sts,
    transport::tls_reports,
    transport::tlsa,
    transport::caa,
    service::services,
    service::aliases,
    list::listed,
];

/// Of one record, to be filled in.
struct About<'a> {
    facts: &'a Facts,
    name: &'a str,
    kind: Kind,
    about: &'a str,
    weight: Weight,
}

impl About<'_> {
    fn finding(&self, state: State, why: impl Into<String>, mend: Option<String>) -> Finding {
        Finding {
            name: self.name.to_string(),
            kind: self.kind,
            about: self.about.to_string(),
            state,
            weight: self.weight,
            why: why.into(),
            mend,
        }
    }

    fn right(&self, why: impl Into<String>) -> Finding {
        self.finding(State::Right, why, None)
    }

    /// Publish this one.
    fn missing(&self, why: impl Into<String>, wanted: &Data) -> Finding {
        self.finding(State::Missing, why, Some(self.line(wanted)))
    }

    /// Publish this one in place of what was found.
    fn wrong(&self, why: impl Into<String>, found: &[&Data], wanted: &Data) -> Finding {
        self.amiss(why, found, self.line(wanted))
    }

    /// Do this about what was found.
    fn amiss(&self, why: impl Into<String>, found: &[&Data], mend: String) -> Finding {
        self.finding(State::Wrong { found: printed(found) }, why, Some(mend))
    }

    fn unneeded(&self, why: impl Into<String>, found: &[&Data]) -> Finding {
        let mend = format!("remove {}", place(self.name, self.kind));
        self.finding(State::Unneeded { found: printed(found) }, why, Some(mend))
    }

    fn could_not(&self, why: &str) -> Finding {
        let mend = format!("ask again: {}", place(self.name, self.kind));
        self.finding(State::CouldNotAsk, why, Some(mend))
    }

    fn line(&self, data: &Data) -> String {
        line(self.name, self.facts.ttl, data)
    }
}

fn printed(found: &[&Data]) -> Vec<String> {
    let absolute = |name: &str| format!("{name}.");
    found.iter().map(|data| data.print(&absolute)).collect()
}

/// The texts among `records` that `is_one`, in characters.
fn texts<'a>(records: &'a [Data], is_one: impl Fn(&str) -> bool) -> Vec<(&'a Data, String)> {
    let read = |data: &'a Data| match data {
        Data::Txt(text) => Some((data, String::from_utf8_lossy(text).into_owned())),
        _ => None,
    };
    records.iter().filter_map(read).filter(|(_, text)| is_one(text)).collect()
}

fn data_of<'a>(texts: &[(&'a Data, String)]) -> Vec<&'a Data> {
    texts.iter().map(|(data, _)| *data).collect()
}
