//! Who asked what, and what was said.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Hears of each question.
pub type Told = Arc<dyn Fn(&Asked) + Send + Sync>;

/// A question that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub from: SocketAddr,
    /// How.
    pub over: Over,
    /// Lower case, without the final dot.
    pub name: String,
    /// As in `MX`.
    pub kind: String,
    /// What was said.
    pub said: Said,
}

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// As one datagram.
    Udp,
    /// Over a connection.
    Tcp,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// These records, as a master file has them, signatures left out.
    Records(Vec<String>),
    /// The name is there, and has no such record.
    NoRecords,
    /// There is no such name.
    NoSuchName,
    /// Nothing; says why, as in `REFUSED`.
    Refused(String),
}

impl fmt::Display for Asked {
    /// `mired.org MX: 10 asterix.mired.org.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.name, self.kind)?;
        match &self.said {
            Said::Records(records) => f.write_str(&records.join(", ")),
            Said::NoRecords => f.write_str("no such record"),
            Said::NoSuchName => f.write_str("no such name"),
            Said::Refused(why) => f.write_str(why),
        }
    }
}
