//! What a POP3 session asks, and what it is told.

use bytes::Bytes;
use words_mail::{NumberSet, Refusal};

/// What the session must learn from the core. Messages are named by their number, from 1.
#[derive(Debug)]
pub enum Ask {
    /// PASS, or a turn of AUTH.
    Login(proto_sasl::Ask),
    /// Who has logged in opens the maildrop: fix its messages for the rest of the session.
    Open,
    /// A page of LIST or UIDL, from this number on.
    List {
        /// First number of the page.
        from: u32,
        /// Most entries.
        count_max: u32,
        /// Which listing.
        listing: Listing,
    },
    /// How large is this message?
    Size(u32),
    /// Octets of this message from an offset, as many as suit; none at its end.
    Read {
        /// Which.
        number: u32,
        /// Octets before them.
        offset: u64,
    },
    /// QUIT: remove these, all in one commit.
    Remove(NumberSet),
}

/// What the core says.
#[derive(Debug)]
pub enum Answer {
    /// To anything: it will not.
    Refused(Refusal),
    /// To `Login`.
    Login(proto_sasl::Answer),
    /// To `Open`: messages, and octets of all.
    Opened {
        /// Messages.
        count: u32,
        /// Octets of all messages.
        size: u64,
    },
    /// To `List`: the entries from the number asked for on, in order, marked ones too; none behind
    /// the last.
    Listed(Vec<Entry>),
    /// To `Size`: octets.
    Size(u64),
    /// To `Read`.
    Octets(Bytes),
    /// To `Remove`.
    Removed,
}

/// Which listing is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// LIST: sizes.
    Sizes,
    /// UIDL: unique ids.
    UniqueIds,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Octets.
    Size(u64),
    /// 1 to 70 printable octets (RFC 1939 §7), the same for ever.
    UniqueId(String),
}
