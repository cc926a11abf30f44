//! What is handed to the queue.

use bytes::Bytes;
use core_store::BlobId;
use std::fmt;
use words_base::Timestamp;
use words_mail::{
    AccountId, Address, BodyType, Domain, Notify, OriginalRecipient, Ret, ReversePath,
};

/// A message that must leave, or be reported on.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// What names it in the queue, in traces and in reports: the id of Received. Unique; whoever
    /// queues one body under several reverse-paths gives each its own: `ID.2`.
    pub id: String,
    /// Its octets. The queue is **one** holder of them, whatever the number of recipients; the
    /// caller counts it in the batch that keeps the body.
    pub blob: BlobId,
    /// Octets of the body as it is kept, without `prefix`.
    pub size: u64,
    /// Fields that stand in front of the body for those who leave, with line ends.
    pub prefix: Bytes,
    /// The sender. To the null path nothing is ever reported.
    pub reverse_path: ReversePath,
    /// Who has submitted it, if it is a submission.
    pub submitter: Option<AccountId>,
    /// `BODY=`
    pub body: BodyType,
    /// Does it need SMTPUTF8?
    pub smtputf8: bool,
    /// May it travel only over TLS that is certain (RFC 8689)?
    pub requiretls: bool,
    /// `RET=`
    pub ret: Option<Ret>,
    /// `ENVID=`, decoded.
    pub envid: Option<String>,
    /// How soon, and for how long it is tried.
    pub class: Class,
    /// When it was accepted.
    pub queued_at: Timestamp,
    /// Who is elsewhere.
    pub recipients: Vec<NewRecipient>,
    /// Who has it already, here, and whose sender wants to be told of it (`NOTIFY=SUCCESS`); others
    /// in this list are passed over.
    pub delivered: Vec<NewRecipient>,
}

/// A recipient, and what the sender wants to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecipient {
    /// Where it goes.
    pub address: Address,
    /// `NOTIFY=`
    pub notify: Notify,
    /// `ORCPT=`
    pub orcpt: Option<OriginalRecipient>,
}

impl NewRecipient {
    /// `address`, nothing said about reports.
    pub fn plain(address: Address) -> NewRecipient {
        NewRecipient { address, notify: Notify::Unsaid, orcpt: None }
    }
}

/// Which mail goes first, and which [`crate::Schedule`] it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Somebody waits for it: small mail for few.
    Interactive,
    /// A report of ours.
    Report,
    /// Large, or for many.
    Bulk,
}

impl Class {
    /// All, the first served first.
    pub const ALL: [Class; 3] = [Class::Interactive, Class::Report, Class::Bulk];

    /// Octets from which on a message is bulk.
    pub const BULK_SIZE: u64 = 1 << 20;
    /// Recipients from which on it is.
    pub const BULK_RECIPIENTS: usize = 20;

    /// The class of a message that nobody has said anything about.
    pub fn of(size: u64, recipients: usize) -> Class {
        let bulk = size >= Class::BULK_SIZE || recipients >= Class::BULK_RECIPIENTS;
        if bulk { Class::Bulk } else { Class::Interactive }
    }

    pub(crate) fn to_octet(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_octet(octet: u8) -> Option<Class> {
        Class::ALL.get(usize::from(octet)).copied()
    }
}

/// Where a job goes: what connections, limits and pauses are kept for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// The servers of a recipient's domain.
    Domain(Domain),
    /// A configured route by its name, or `host:port` as an operator has given it.
    Route(String),
}

/// How a route is told from a domain: no domain begins so.
const ROUTE_MARK: char = '>';

impl Destination {
    /// Longest text of one.
    pub const LEN_MAX: usize = 256;

    /// Reads what [`fmt::Display`] has written.
    pub fn parse(text: &str) -> Option<Destination> {
        if text.len() > Destination::LEN_MAX || text.contains('\0') {
            return None;
        }
        match text.strip_prefix(ROUTE_MARK) {
            Some(route) => Some(Destination::Route(route.to_string())),
            None => Domain::parse(text).ok().map(Destination::Domain),
        }
    }
}

impl fmt::Display for Destination {
    /// `mired.org`, `>smart`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Domain(domain) => domain.fmt(f),
            Destination::Route(route) => write!(f, "{ROUTE_MARK}{route}"),
        }
    }
}

/// Which destination a recipient belongs to. A pure function of the configuration: it looks nothing
/// up.
pub trait NextHop: Send + Sync {
    /// The next hop of one recipient.
    fn destination(&self, message: &NewMessage, recipient: &Address) -> Destination;
}

/// Each domain is a destination of its own.
pub struct ByDomain;

impl NextHop for ByDomain {
    fn destination(&self, _: &NewMessage, recipient: &Address) -> Destination {
        Destination::Domain(recipient.domain().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_read_as_it_is_written() {
        for text in ["mired.org", "[127.0.0.1]", ">smart", ">127.0.0.1:2525", ">"] {
            assert_eq!(Destination::parse(text).unwrap().to_string(), text);
        }
        for wrong in ["", "a b", ">a\0b", &format!(">{}", "x".repeat(256))] {
            assert_eq!(Destination::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn much_for_many_is_bulk() {
        assert_eq!(Class::of(1000, 1), Class::Interactive);
        assert_eq!(Class::of(1 << 20, 1), Class::Bulk);
        assert_eq!(Class::of(1000, 20), Class::Bulk);
        for class in Class::ALL {
            assert_eq!(Class::from_octet(class.to_octet()), Some(class));
        }
        assert_eq!(Class::from_octet(3), None);
    }
}
