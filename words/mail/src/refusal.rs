//! What the core will not do.

use crate::EnhancedStatus;
use std::fmt;

/// Why the core refuses a request. Each protocol has one function from here to its own reply.
/// The text of a variant, where it has one, may be read by the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The address is in one of our domains and nobody has it.
    NoSuchRecipient,
    /// The address is elsewhere, and this peer may not send there through us.
    RelayDenied,
    /// The address is elsewhere, and this server carries no mail out.
    NoRouteYet,
    /// The sender's address is not one of the account's.
    SenderNotOwned,
    /// The account's quota of bytes or messages is used up.
    MailboxFull,
    /// Larger than this many bytes, the most we take.
    TooLarge {
        /// Bytes.
        size_max: u64,
    },
    /// The message has come through here too many times.
    Loop,
    /// The message is not from whom it says, and they want such ones refused.
    NotGenuine {
        /// Which of the checks decided (RFC 7372).
        status: EnhancedStatus,
        /// In words.
        reason: String,
    },
    /// The message breaks a rule of its format; says which.
    Malformed(&'static str),
    /// No mailbox of that name.
    NoSuchMailbox,
    /// There is one of that name already.
    MailboxExists,
    /// The name cannot be a mailbox's; says why.
    BadMailboxName(&'static str),
    /// The account may not do that; says what.
    NotPermitted(&'static str),
    /// Name or password is wrong, or the account is disabled. Never says which.
    LoginFailed,
    /// A limit with a name was reached; says which.
    Limit(&'static str),
    /// The disk has no room for more. A temporary answer; it is the operator who can mend it.
    StorageFull,
    /// The world failed: disk broken, store stopped. A temporary answer.
    Unavailable,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoSuchRecipient => f.write_str("no such recipient here"),
            Refusal::RelayDenied => f.write_str("relaying denied"),
            Refusal::NoRouteYet => f.write_str("this server does not carry mail to other domains"),
            Refusal::SenderNotOwned => f.write_str("sender address is not one of yours"),
            Refusal::MailboxFull => f.write_str("mailbox full"),
            Refusal::TooLarge { size_max } => {
                write!(f, "message over the limit of {size_max} octets")
            }
            Refusal::Loop => {
                f.write_str("mail loop: too many Received fields, or delivered here before")
            }
            Refusal::NotGenuine { reason, .. } => f.write_str(reason),
            Refusal::Malformed(what) => f.write_str(what),
            Refusal::NoSuchMailbox => f.write_str("no such mailbox"),
            Refusal::MailboxExists => f.write_str("mailbox exists already"),
            Refusal::BadMailboxName(why) => write!(f, "mailbox name not possible: {why}"),
            Refusal::NotPermitted(what) => write!(f, "not permitted: {what}"),
            Refusal::LoginFailed => f.write_str("name or password wrong"),
            Refusal::Limit(which) => write!(f, "limit reached: {which}"),
            Refusal::StorageFull => f.write_str("insufficient system storage"),
            Refusal::Unavailable => f.write_str("service not available for the moment"),
        }
    }
}

impl std::error::Error for Refusal {}
