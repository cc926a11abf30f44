//! What the log tells of a message. Session and peer are in the span around every line.

use core_delivery::{Delivered, Recipient, Taken};
use proto_smtp::Sender;
use std::fmt;
use std::net::IpAddr;
use tracing::{info, warn};
use words_base::Timestamp;
use words_mail::{Address, Refusal};

/// Most recipients that one line names.
const NAMED_MAX: usize = 10;

/// The answer to "where is my message?": who sent it, who has it, under which id.
pub(crate) fn finished(
    sender: &Sender,
    recipients: &[Recipient],
    result: &Result<Delivered, Refusal>,
    id: &str,
) {
    let (from, with) = (&sender.reverse_path, sender.with);
    match result {
        Ok(delivered) => {
            let (size, message_id) = (delivered.size, delivered.message_id.as_deref());
            let message_id = message_id.unwrap_or_default();
            let outcomes = || recipients.iter().zip(&delivered.recipients);
            let taken = |is: fn(Taken) -> bool| {
                let those = outcomes().filter(|(_, r)| r.as_ref().is_ok_and(|taken| is(*taken)));
                List(those.map(|(to, _)| to).collect())
            };
            let to = taken(|taken| taken != Taken::Queued);
            if !to.0.is_empty() {
                info!(id, message_id, size, %from, %to, with, "delivered");
            }
            let to = taken(|taken| taken != Taken::Filed);
            if !to.0.is_empty() {
                info!(id, message_id, size, %from, %to, with, "queued");
            }
            for (to, refusal) in outcomes().filter_map(|(to, r)| Some((to, r.as_ref().err()?))) {
                warn!(id, message_id, %from, to = %to.forward_path, %refusal, "not delivered");
            }
        }
        Err(refusal) => {
            let to = List(recipients.iter().collect());
            warn!(id, %from, %to, with, %refusal, "message refused");
        }
    }
}

/// A command was refused; `what` names its argument.
pub(crate) fn refused(command: &str, what: &dyn fmt::Display, refusal: &Refusal) {
    match refusal {
        // Somebody should look at it.
        Refusal::Unavailable | Refusal::StorageFull => {
            warn!(command, argument = %what, %refusal, "refused")
        }
        refusal => info!(command, argument = %what, %refusal, "refused"),
    }
}

struct List<'a>(Vec<&'a Recipient>);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, recipient) in self.0.iter().take(NAMED_MAX).enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{}", recipient.forward_path)?;
        }
        match self.0.len().saturating_sub(NAMED_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Somebody is not let in.
pub(crate) fn turned_away(address: IpAddr, why: &str) {
    info!(%address, why, "turned away");
}

/// Somebody is not let in for a while.
pub(crate) fn banned(address: IpAddr, why: &str, until: Timestamp) {
    warn!(%address, why, until = until.seconds(), "banned");
}

/// An account has reached its limit: its owner writes to many, or somebody else has its password.
pub(crate) fn sends_too_much(account: &Address, refusal: &Refusal) {
    warn!(%account, %refusal, "sends too much; is its password stolen? If not, raise its limit");
}
