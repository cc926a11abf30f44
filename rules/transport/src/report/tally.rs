//! What is counted of one domain in one day.

use crate::Means;
use std::collections::BTreeMap;

/// So many kinds of failures are told apart for one policy; more are counted without being described.
pub const DETAILS_MAX: usize = 64;
/// So many policies of one domain a day.
const POLICIES_MAX: usize = 8;

/// The policy that results belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyOf {
    /// Its type.
    pub means: Means,
    /// Its lines: of MTA-STS those of the policy, of DANE the records (RFC 8460 §4.4).
    pub lines: Vec<String>,
    /// The hosts that it allows.
    pub mx: Vec<String>,
}

/// What went wrong (RFC 8460 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureType {
    /// The server does not offer TLS.
    StarttlsNotSupported,
    /// The certificate is for other names.
    CertificateHostMismatch,
    /// The certificate has expired.
    CertificateExpired,
    /// Nobody who is believed has signed the certificate.
    CertificateNotTrusted,
    /// Something else about the certificate or TLS.
    ValidationFailure,
    /// The TLSA records are bad, none of them can be used.
    TlsaInvalid,
    /// DNSSEC says that somebody lies.
    DnssecInvalid,
    /// TLSA records are there, and the DNS does not tell them.
    DaneRequired,
    /// The policy could not be fetched.
    StsPolicyFetchError,
    /// What was fetched is no policy.
    StsPolicyInvalid,
    /// The web server of the policy has a bad certificate.
    StsWebpkiInvalid,
}

impl FailureType {
    /// All.
    pub const ALL: [FailureType; 11] = [
        FailureType::StarttlsNotSupported,
        FailureType::CertificateHostMismatch,
        FailureType::CertificateExpired,
        FailureType::CertificateNotTrusted,
        FailureType::ValidationFailure,
        FailureType::TlsaInvalid,
        FailureType::DnssecInvalid,
        FailureType::DaneRequired,
        FailureType::StsPolicyFetchError,
        FailureType::StsPolicyInvalid,
        FailureType::StsWebpkiInvalid,
    ];

    /// As reports call it.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureType::StarttlsNotSupported => "starttls-not-supported",
            FailureType::CertificateHostMismatch => "certificate-host-mismatch",
            FailureType::CertificateExpired => "certificate-expired",
            FailureType::CertificateNotTrusted => "certificate-not-trusted",
            FailureType::ValidationFailure => "validation-failure",
            FailureType::TlsaInvalid => "tlsa-invalid",
            FailureType::DnssecInvalid => "dnssec-invalid",
            FailureType::DaneRequired => "dane-required",
            FailureType::StsPolicyFetchError => "sts-policy-fetch-error",
            FailureType::StsPolicyInvalid => "sts-policy-invalid",
            FailureType::StsWebpkiInvalid => "sts-webpki-invalid",
        }
    }

    /// Reads what [`FailureType::as_str`] writes.
    pub fn parse(text: &str) -> Option<FailureType> {
        FailureType::ALL.into_iter().find(|failure| failure.as_str() == text)
    }
}

/// A kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Detail {
    /// What went wrong.
    pub failure: FailureType,
    /// The host; empty where none was reached.
    pub host: String,
    /// More, in our words.
    pub reason: String,
}

/// The results under one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Sessions that went well.
    pub good: u64,
    /// Sessions that did not.
    pub bad: u64,
    /// Of these, by kind.
    pub details: BTreeMap<Detail, u64>,
}

/// The results of one domain in one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By policy.
    pub policies: BTreeMap<PolicyOf, Counted>,
}

impl Tally {
    /// Counts a result. A domain that changes its policy more often than anyone can follow is counted
    /// under those it had first.
    pub fn count(&mut self, policy: &PolicyOf, failure: Option<Detail>) {
        let failures = failure.map(|detail| BTreeMap::from([(detail, 1)])).unwrap_or_default();
        let good = u64::from(failures.is_empty());
        self.add(policy, Counted { good, bad: 1 - good, details: failures });
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: Tally) {
        for (policy, counted) in other.policies {
            self.add(&policy, counted);
        }
    }

    fn add(&mut self, policy: &PolicyOf, counted: Counted) {
        if !self.policies.contains_key(policy) && self.policies.len() == POLICIES_MAX {
            return;
        }
        let sum = self.policies.entry(policy.clone()).or_default();
        sum.good = sum.good.saturating_add(counted.good);
        sum.bad = sum.bad.saturating_add(counted.bad);
        for (detail, count) in counted.details {
            if sum.details.len() < DETAILS_MAX || sum.details.contains_key(&detail) {
                let slot = sum.details.entry(detail).or_default();
                *slot = slot.saturating_add(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str) -> PolicyOf {
        PolicyOf { means: Means::Sts, lines: vec![name.to_string()], mx: Vec::new() }
    }

    fn detail(reason: usize) -> Detail {
        Detail {
            failure: FailureType::CertificateExpired,
            host: "mx.x.test".to_string(),
            reason: reason.to_string(),
        }
    }

    #[test]
    fn counting_is_adding_and_has_limits() {
        let (mut one, mut two) = (Tally::default(), Tally::default());
        one.count(&policy("a"), None);
        one.count(&policy("a"), Some(detail(1)));
        two.count(&policy("a"), Some(detail(1)));
        two.count(&policy("b"), None);
        one.merge(two);
        let a = &one.policies[&policy("a")];
        assert_eq!((a.good, a.bad, a.details[&detail(1)]), (1, 2, 2));
        assert_eq!(one.policies[&policy("b")].good, 1);
        for i in 0..1000 {
            one.count(&policy("a"), Some(detail(i)));
            one.count(&policy(&i.to_string()), None);
        }
        assert_eq!(one.policies.len(), POLICIES_MAX);
        let a = &one.policies[&policy("a")];
        assert_eq!((a.bad, a.details.len()), (1002, DETAILS_MAX));
    }

    #[test]
    fn failures_are_read_as_they_are_written() {
        for failure in FailureType::ALL {
            assert_eq!(FailureType::parse(failure.as_str()), Some(failure));
        }
        assert_eq!(FailureType::parse("bad-luck"), None);
    }
}
