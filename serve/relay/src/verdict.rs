//! From what the client saw to what the queue is told.

use crate::Trouble;
use crate::line::{NoSession, Peer};
use core_queue::{Onward, Outcome, Said};
use core_world::DialError;
use proto_smtp::client::{Dsn, Fate, Needed, Reply, Stage};
use words_mail::EnhancedStatus;

/// What follows for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// That is how it ends, for this attempt.
    Final(Outcome),
    /// The server has not taken it and will not now; another host may.
    OtherHost(Trouble),
    /// The server takes no more recipients with this message, but with the next it may.
    NextTransaction(Outcome),
    /// The message would have to have nothing but ASCII.
    AsciiOnly(Outcome),
}

/// What a fate in a transaction means.
pub fn of_transaction(fate: &Fate, dsn: Dsn, peer: &Peer) -> Verdict {
    match fate {
        Fate::Said(said) if fate.is_delivered() => {
            let onward = match dsn {
                Dsn::Passed => Onward::Reports,
                Dsn::NotOffered => Onward::Silent,
            };
            Verdict::Final(Outcome::Delivered { said: quote(&said.reply, peer), onward })
        }
        Fate::Said(said) => of_reply(&said.reply, said.stage, peer),
        Fate::Lost(lost) if lost.stage == Stage::End => {
            let text =
                format!("{}: {lost}; nobody knows whether it took the message", peer.label());
            Verdict::Final(Trouble::temporary(4, 2, text).outcome())
        }
        Fate::Lost(_) | Fate::Login(_) => Verdict::OtherHost(trouble(fate, peer)),
        Fate::NotOffered(needed) => of_needed(*needed, fate, peer),
    }
}

fn of_reply(reply: &Reply, stage: Stage, peer: &Peer) -> Verdict {
    let said = quote(reply, peer);
    let code = reply.code.0;
    // RFC 5321 §4.5.3.1.10: there is room in another transaction. Old servers say 552.
    let crowded = code == 452 || code == 552 && said.status == EnhancedStatus(5, 5, 3);
    if stage == Stage::Rcpt && crowded {
        return Verdict::NextTransaction(Outcome::Deferred { said, retry_at: None });
    }
    // It is about to close, and nothing was begun.
    if code == 421 && stage <= Stage::Mail {
        return Verdict::OtherHost(Trouble { permanent: false, said });
    }
    Verdict::Final(match reply.code.is_permanent() {
        true => Outcome::Failed { said },
        false => Outcome::Deferred { said, retry_at: None },
    })
}

fn of_needed(needed: Needed, fate: &Fate, peer: &Peer) -> Verdict {
    let trouble = trouble(fate, peer);
    match needed {
        Needed::EightBitMime | Needed::SmtpUtf8 => Verdict::AsciiOnly(trouble.outcome()),
        Needed::BinaryMime | Needed::Size { .. } => Verdict::Final(trouble.outcome()),
        Needed::StartTls | Needed::Auth | Needed::RequireTls => Verdict::OtherHost(trouble),
    }
}

/// Why no session came to be.
pub fn no_session(error: &NoSession, peer: &Peer) -> Trouble {
    match error {
        NoSession::Handshake(error) => not_secured(error, peer),
        NoSession::Fate(fate) => trouble(fate, peer),
    }
}

/// Why there is no connection.
pub fn no_connection(error: &DialError, peer: &Peer) -> Trouble {
    match error {
        DialError::NoSuchHost(_) | DialError::Unreachable(_) | DialError::TimedOut => {
            Trouble::temporary(4, 1, format!("{}: {error}", peer.label()))
        }
        DialError::Untrusted { .. } | DialError::Tls(_) => not_secured(error, peer),
    }
}

fn not_secured(error: &DialError, peer: &Peer) -> Trouble {
    Trouble::temporary(7, 5, format!("{}: {error}", peer.label()))
}

/// What a fate that ends nothing comes to, if no other host does better.
fn trouble(fate: &Fate, peer: &Peer) -> Trouble {
    let text = || format!("{}: {fate}", peer.label());
    match fate {
        // A login that is refused is the operator's to mend: the mail waits.
        Fate::Said(said) => {
            let permanent = said.reply.code.is_permanent() && said.stage != Stage::Auth;
            Trouble { permanent, said: quote(&said.reply, peer) }
        }
        Fate::Lost(_) => Trouble::temporary(4, 2, text()),
        Fate::Login(_) => Trouble::temporary(7, 0, text()),
        Fate::NotOffered(needed) => match needed {
            Needed::StartTls => Trouble::temporary(7, 10, text()),
            Needed::Auth => Trouble::temporary(7, 0, text()),
            Needed::RequireTls => Trouble::permanent(7, 30, text()),
            Needed::EightBitMime | Needed::BinaryMime => Trouble::permanent(6, 3, text()),
            Needed::SmtpUtf8 => Trouble::permanent(6, 7, text()),
            Needed::Size { .. } => Trouble::permanent(3, 4, text()),
        },
    }
}

/// The peer's own words.
fn quote(reply: &Reply, peer: &Peer) -> Said {
    let class = match reply.code.0 {
        200..400 => 2,
        400..500 => 4,
        _ => 5,
    };
    Said {
        code: Some(reply.code.0),
        status: reply.status.unwrap_or(EnhancedStatus(class, 0, 0)),
        text: reply.text(),
        by: Some(peer.label()),
    }
}
