//! What the DNS was asked, and what it said.

use crate::data::{Data, Kind};
use std::collections::HashMap;
use std::net::IpAddr;

/// A name and what is asked about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// Absolute, lower case, without the final dot.
    pub name: String,
    /// The type that is asked for.
    pub kind: Kind,
}

impl Question {
    /// Asks for records of `kind` at `name`.
    pub fn new(name: &str, kind: Kind) -> Question {
        Question { name: name.trim_end_matches('.').to_ascii_lowercase(), kind }
    }
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// These records of the type that was asked for, aliases followed.
    Records {
        /// At least one.
        records: Vec<Data>,
        /// Are they signed, and the signatures right?
        is_secure: bool,
    },
    /// There is nothing.
    Nothing,
    /// Nobody could tell, for this reason.
    Failed(String),
}

/// The answers so far.
#[derive(Clone, Debug, Default)]
pub struct Known {
    answers: HashMap<Question, Found>,
}

/// This must be asked first.
pub struct Needs(pub Question);

impl Known {
    /// One more answer.
    pub fn learn(&mut self, question: Question, found: Found) {
        self.answers.insert(question, found);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.answers.len()
    }

    /// The records; none if there is nothing; an error if it could not be told.
    pub fn get(&self, name: &str, kind: Kind) -> Result<Result<&[Data], &str>, Needs> {
        let question = Question::new(name, kind);
        match self.answers.get(&question) {
            Some(Found::Records { records, .. }) => Ok(Ok(records)),
            Some(Found::Nothing) => Ok(Ok(&[])),
            Some(Found::Failed(why)) => Ok(Err(why)),
            None => Err(Needs(question)),
        }
    }

    /// Is there an answer, signed rightly?
    pub fn is_secure(&self, name: &str, kind: Kind) -> bool {
        let found = self.answers.get(&Question::new(name, kind));
        matches!(found, Some(Found::Records { is_secure: true, .. }))
    }

    /// All addresses of a name.
    pub fn addresses(&self, name: &str) -> Result<Result<Vec<IpAddr>, &str>, Needs> {
        let (v4, v6) = (self.get(name, Kind::A)?, self.get(name, Kind::Aaaa)?);
        let (v4, v6) = match (v4, v6) {
            (Ok(v4), Ok(v6)) => (v4, v6),
            (Err(why), _) | (_, Err(why)) => return Ok(Err(why)),
        };
        let address = |data: &Data| match data {
            Data::A(address) => Some(IpAddr::V4(*address)),
            Data::Aaaa(address) => Some(IpAddr::V6(*address)),
            _ => None,
        };
        Ok(Ok(v4.iter().chain(v6).filter_map(address).collect()))
    }
}
