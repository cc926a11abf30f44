//! Strangers are examined and our own people's mail is signed, while a message comes in.

use crate::Origin;
use crate::delivery::Road;
use core_trace::Finding;
use core_world::{Arrival, Examination, Examiner, Signing};
use rules_sender::{Decision, Policy, Verdicts, authentication_results};
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::{Address, Domain, Refusal};

/// Who examines strangers, and what follows.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) examiner: Arc<dyn Examiner>,
    pub(crate) policy: Policy,
}

/// What is done with the octets of a message besides being kept.
#[derive(Default)]
pub(crate) struct Watchers {
    examination: Option<Box<dyn Examination>>,
    signing: Option<Box<dyn Signing>>,
}

/// What was found out about a message.
#[derive(Debug)]
pub(crate) struct Judged {
    /// Authentication-Results, whole; empty if nobody was examined.
    pub(crate) results: String,
    pub(crate) decision: Decision,
    pub(crate) findings: Vec<Finding>,
    /// DKIM-Signature fields, whole.
    pub(crate) signatures: Vec<u8>,
}

impl Default for Judged {
    fn default() -> Judged {
        Judged {
            results: String::new(),
            decision: Decision::Accept,
            findings: Vec::new(),
            signatures: Vec::new(),
        }
    }
}

impl Judged {
    /// What was decided, in words, if it is not just that it may come.
    pub(crate) fn words(&self) -> Option<String> {
        match &self.decision {
            Decision::Accept => None,
            Decision::Junk(reason) => Some(format!("junk: {reason}")),
            Decision::Reject { reason, .. } => Some(format!("rejected: {reason}")),
        }
    }
}

impl Watchers {
    /// Strangers are examined; who is trusted or has logged in is not.
    pub(crate) fn new(road: &Road, origin: &Origin, at: Timestamp) -> Watchers {
        let (Some(door), Some(ip)) = (&road.door, origin.examine) else {
            return Watchers::default();
        };
        let arrival = Arrival {
            ip,
            helo: origin.helo.clone(),
            reverse_path: origin.reverse_path.clone(),
            host_name: road.options.host_name.clone(),
            at,
        };
        Watchers { examination: Some(door.examiner.begin(arrival)), signing: None }
    }

    /// The header ends: `came` as it came, `kept` as it is kept.
    pub(crate) async fn header(
        &mut self,
        road: &Road,
        origin: &Origin,
        came: &[u8],
        kept: &[u8],
        at: Timestamp,
    ) -> Result<(), Refusal> {
        if let Some(examination) = &mut self.examination {
            examination.header(came);
        }
        if let (Some(signer), Some(domain)) = (&road.signer, signed_for(origin, kept)) {
            let keys = road.directory.signing_keys(&domain).await?;
            if !keys.is_empty() {
                self.signing = signer.begin(kept, &keys, at);
            }
        }
        Ok(())
    }

    /// The next piece of the body.
    pub(crate) fn body(&mut self, piece: &[u8]) {
        if let Some(examination) = &mut self.examination {
            examination.body(piece);
        }
        if let Some(signing) = &mut self.signing {
            signing.body(piece);
        }
    }

    /// No more comes.
    pub(crate) async fn finish(self, road: &Road) -> Judged {
        let mut judged = Judged::default();
        if let (Some(door), Some(examination)) = (&road.door, self.examination) {
            let verdicts = examination.finish().await;
            judged.results = authentication_results(&road.options.host_name, &verdicts);
            judged.decision = door.policy.decide(&verdicts);
            judged.findings = findings(&verdicts);
        }
        if let Some(signing) = self.signing {
            judged.signatures = signing.finish();
        }
        judged
    }
}

/// For which domain a message is signed: its author's, for who has logged in or is a report of ours.
fn signed_for(origin: &Origin, header: &[u8]) -> Option<Domain> {
    let submitter = origin.submitter.as_ref().map(|(_, address)| address.domain().clone());
    if submitter.is_none() && !origin.is_report {
        return None;
    }
    author(header).map(|author| author.domain().clone()).or(submitter)
}

/// The single author of a message.
fn author(header: &[u8]) -> Option<Address> {
    let from = words_message::Header::new(header);
    let mut named = None;
    let mut count = 0;
    for field in from.find_all("From") {
        words_message::parse_addresses(&field.unfolded(), |mailbox| {
            if mailbox.host.is_some() {
                count += 1;
                named = crate::names::address(&mailbox);
            }
            count < 2
        });
    }
    named.filter(|_| count == 1)
}

/// The verdicts as a trace keeps them.
fn findings(verdicts: &Verdicts) -> Vec<Finding> {
    let finding = |method: &str, result: rules_sender::ResultWord, reason: String| Finding {
        method: method.to_string(),
        result: result.to_string(),
        reason,
    };
    let Verdicts { iprev, spf, dkim, dmarc, arc, .. } = verdicts;
    let about = |whom: &str, why: &str| match (whom, why) {
        ("", why) => why.to_string(),
        (whom, "") => whom.to_string(),
        (whom, why) => format!("{whom}: {why}"),
    };
    let mut findings = vec![
        finding("iprev", iprev.result, about(iprev.name.as_deref().unwrap_or(""), &iprev.reason)),
        finding("spf", spf.result, about(spf.identity.domain(), &spf.reason)),
    ];
    for dkim in dkim {
        findings.push(finding("dkim", dkim.result, about(&dkim.domain, &dkim.reason)));
    }
    findings.push(finding("dmarc", dmarc.result, about(&dmarc.from, &dmarc.reason)));
    findings.push(finding("arc", arc.result, arc.reason.clone()));
    findings
}
