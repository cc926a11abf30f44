//! Certificates judged by TLSA records (RFC 6698, RFC 7671, RFC 7672).

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use core_world::Tlsa;
use rustls::CertificateError;
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use std::borrow::Cow;

/// The usage that describes an authority.
const DANE_TA: u8 = 2;
/// The usage that describes the server's own certificate.
const DANE_EE: u8 = 3;
/// The matching that needs no digest.
const WHOLE: u8 = 0;
/// So many certificates of a chain are looked at.
const CHAIN_MAX: usize = 10;

/// What the records say of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Described {
    /// It is the one, whatever names and dates it bears (RFC 7672 §3.1.1).
    Own,
    /// It leads to an authority that a record describes; the name is still to be checked (§3.1.2).
    ByAuthority,
}

/// The records that mail can use, the weaker digests left out where a stronger one is there for the
/// same usage and selector: whoever breaks SHA-256 one day gains nothing where SHA-512 is published
/// beside it (RFC 7671 §9).
pub(crate) fn usable(records: &[Tlsa]) -> Vec<Tlsa> {
    let good = || records.iter().filter(|record| record.is_usable());
    let outdone = |record: &Tlsa| {
        record.matching != WHOLE
            && good().any(|other| {
                (other.usage, other.selector) == (record.usage, record.selector)
                    && other.matching > record.matching
            })
    };
    good().filter(|record| !outdone(record)).cloned().collect()
}

/// Do `records` describe the certificate `own` with `chain` behind it?
pub(crate) fn describes(
    records: &[Tlsa],
    own: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    now: UnixTime,
    provider: &CryptoProvider,
) -> Result<Described, rustls::Error> {
    if records.iter().any(|record| record.usage == DANE_EE && matches(record, own)) {
        return Ok(Described::Own);
    }
    let anchors = anchors(records, own, chain);
    if anchors.is_empty() {
        return Err(CertificateError::ApplicationVerificationFailure.into());
    }
    let algorithms = provider.signature_verification_algorithms.all;
    let parsed = ParsedCertificate::try_from(own)?;
    let chain = chain.get(..CHAIN_MAX).unwrap_or(chain);
    verify_server_cert_signed_by_trust_anchor(&parsed, &anchors, chain, now, algorithms)?;
    Ok(Described::ByAuthority)
}

/// The authorities that the records describe: certificates that the peer has shown, and those that
/// stand whole in a record, which it need not show.
fn anchors(
    records: &[Tlsa],
    own: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
) -> RootCertStore {
    let mut anchors = RootCertStore::empty();
    // Records of a kind that cannot be read as a certificate are as if they were not there.
    let mut add = |certificate: CertificateDer<'_>| drop(anchors.add(certificate.into_owned()));
    for record in records.iter().filter(|record| record.usage == DANE_TA) {
        if (record.selector, record.matching) == (0, WHOLE) {
            add(CertificateDer::from(record.data.as_slice()));
            continue;
        }
        let shown = std::iter::once(own).chain(chain).take(CHAIN_MAX);
        shown.filter(|shown| matches(record, shown)).for_each(|shown| add(shown.clone()));
    }
    anchors
}

/// SHA-256 of a certificate's public key.
pub fn key_digest(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    digest(&SHA256, &select(1, certificate)?).as_ref().try_into().ok()
}

/// Does the record describe this very certificate, or its key (RFC 6698 §2.1.2, §2.1.3)?
fn matches(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    let Some(selected) = select(record.selector, certificate) else { return false };
    match record.matching {
        WHOLE => *selected == *record.data,
        1 => digest(&SHA256, &selected).as_ref() == record.data,
        2 => digest(&SHA512, &selected).as_ref() == record.data,
        _ => false,
    }
}

fn select<'a>(selector: u8, certificate: &'a CertificateDer<'_>) -> Option<Cow<'a, [u8]>> {
    match selector {
        0 => Some(Cow::Borrowed(certificate)),
        // Read as an authority's, since that way old certificates without extensions are read too.
        1 => {
            let anchor = webpki::anchor_from_trusted_cert(certificate).ok()?;
            Some(Cow::Owned(webpki::spki_for_anchor(&anchor).as_ref().to_vec()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(usage: u8, selector: u8, matching: u8) -> Tlsa {
        let len = if matching == 2 { 64 } else { 32 };
        Tlsa { usage, selector, matching, data: vec![matching; len] }
    }

    #[test]
    fn of_several_digests_the_strongest_counts() {
        for (given, want) in [
            (vec![record(3, 1, 1)], vec![record(3, 1, 1)]),
            (vec![record(3, 1, 1), record(3, 1, 2)], vec![record(3, 1, 2)]),
            (vec![record(3, 1, 2), record(3, 1, 1)], vec![record(3, 1, 2)]),
            (
                vec![record(3, 0, 1), record(3, 1, 2), record(2, 1, 1)],
                vec![record(3, 0, 1), record(3, 1, 2), record(2, 1, 1)],
            ),
            (vec![record(3, 1, 0), record(3, 1, 1)], vec![record(3, 1, 0), record(3, 1, 1)]),
            (vec![record(3, 1, 1), record(3, 1, 3)], vec![record(3, 1, 1)]),
            (vec![record(0, 1, 2), record(1, 0, 1), record(3, 9, 1)], vec![]),
            (vec![], vec![]),
        ] {
            assert_eq!(usable(&given), want, "{given:?}");
        }
    }
}
