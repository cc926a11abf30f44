//! What follows from the verdicts.

use crate::{DmarcPolicy, ResultWord, Verdicts};
use words_mail::EnhancedStatus;

/// Multiple authentication checks failed (RFC 7372 §3.3): DMARC.
const DMARC_FAILED: EnhancedStatus = EnhancedStatus(5, 7, 26);
/// SPF validation failed (RFC 7372 §3.2).
const SPF_FAILED: EnhancedStatus = EnhancedStatus(5, 7, 23);
/// Delivery not authorized (RFC 3463 §3.8).
const NOT_AUTHORIZED: EnhancedStatus = EnhancedStatus(5, 7, 1);

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consequence {
    /// Nothing; the verdict is told in Authentication-Results.
    Accept,
    /// It is filed as junk.
    Junk,
    /// It is refused while its sender still waits.
    Reject,
}

/// How strict the operator is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The author's domain asks for refusal (DMARC `p=reject`), and the message is not from it.
    pub dmarc_reject: Consequence,
    /// The author's domain asks for quarantine.
    pub dmarc_quarantine: Consequence,
    /// The domain of the reverse-path says that the peer is not its (SPF `-all`), nothing is known
    /// by DMARC, and no sound signature stands for the author.
    pub spf_fail: Consequence,
    /// More than one From field.
    pub from_repeated: Consequence,
    /// Domains whose ARC seal is believed: what passed DMARC when it came to them has passed
    /// (RFC 8617 §7.2.1).
    pub trusted_sealers: Vec<String>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            dmarc_reject: Consequence::Reject,
            dmarc_quarantine: Consequence::Junk,
            spf_fail: Consequence::Junk,
            from_repeated: Consequence::Reject,
            trusted_sealers: Vec::new(),
        }
    }
}

/// What shall be done with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may come.
    Accept,
    /// It may come, as junk, for this reason.
    Junk(String),
    /// It may not come.
    Reject {
        /// For the reply.
        status: EnhancedStatus,
        /// For the reply and the trace.
        reason: String,
    },
}

impl Policy {
    /// The consequence of `verdicts`.
    ///
    /// A DNS that cannot be asked never refuses and never defers: the domain's owner would have the
    /// message delayed for days for a fault that is seldom the sender's, and an attacker who can break
    /// the DNS gains no more than an ordinary unauthenticated message.
    pub fn decide(&self, verdicts: &Verdicts) -> Decision {
        if verdicts.from_repeated && self.from_repeated != Consequence::Accept {
            let reason = "the message has more than one From field".to_string();
            return draw(self.from_repeated, NOT_AUTHORIZED, reason);
        }
        match verdicts.dmarc.result {
            ResultWord::Fail => self.after_dmarc(verdicts),
            ResultWord::None if is_forged(verdicts) => {
                let spf = &verdicts.spf;
                let reason = format!("SPF of {} fails: {}", spf.identity.domain(), spf.reason);
                draw(self.spf_fail, SPF_FAILED, reason)
            }
            _ => Decision::Accept,
        }
    }

    fn after_dmarc(&self, verdicts: &Verdicts) -> Decision {
        let dmarc = &verdicts.dmarc;
        let consequence = match dmarc.policy {
            DmarcPolicy::None => return Decision::Accept,
            DmarcPolicy::Quarantine => self.dmarc_quarantine,
            DmarcPolicy::Reject => self.dmarc_reject,
        };
        if self.overridden_by(verdicts).is_some() {
            return Decision::Accept;
        }
        let reason = format!(
            "the policy of {} (DMARC p={}): {}",
            dmarc.from,
            dmarc.policy.as_str(),
            dmarc.reason
        );
        draw(consequence, DMARC_FAILED, reason)
    }

    /// The sealer for whose word a message that fails DMARC is let in.
    pub fn overridden_by<'v>(&self, verdicts: &'v Verdicts) -> Option<&'v str> {
        let arc = &verdicts.arc;
        if arc.result != ResultWord::Pass || arc.dmarc_before != Some(ResultWord::Pass) {
            return None;
        }
        let trusted = |sealer: &&String| {
            self.trusted_sealers.iter().any(|trusted| trusted.eq_ignore_ascii_case(sealer))
        };
        // A chain is worth what its weakest sealer is worth.
        let all = !arc.sealers.is_empty() && arc.sealers.iter().all(|sealer| trusted(&sealer));
        all.then(|| arc.sealers.first().map(String::as_str)).flatten()
    }
}

/// SPF says no, and no signature says yes.
fn is_forged(verdicts: &Verdicts) -> bool {
    verdicts.spf.result == ResultWord::Fail && !verdicts.dmarc.aligned.dkim
}

fn draw(consequence: Consequence, status: EnhancedStatus, reason: String) -> Decision {
    match consequence {
        Consequence::Accept => Decision::Accept,
        Consequence::Junk => Decision::Junk(reason),
        Consequence::Reject => Decision::Reject { status, reason },
    }
}
