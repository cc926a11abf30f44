//! Whose certificate will do when we call others.

use crate::dane::{self, Described};
use crate::roots::Roots;
use aws_lc_rs::digest::{SHA256, digest};
use core_world::{Fingerprint, Flaw, Tlsa, Trust};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor, verify_server_name,
};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};

/// Judges one handshake, and remembers whom it saw, so that a person can be told.
#[derive(Debug)]
pub(crate) struct Judge {
    rule: Rule,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Fingerprint>>,
}

#[derive(Debug)]
enum Rule {
    /// The authorities of the machine decide; without any, nobody is believed.
    Authorities(Option<Arc<WebPkiServerVerifier>>),
    Pinned(Fingerprint),
    Anyone,
    /// The authorities of the machine decide, and any of these names will do.
    Names(Arc<RootCertStore>, Vec<String>),
    /// There is at least one record.
    Dane(Vec<Tlsa>, Vec<String>),
}

impl Judge {
    pub(crate) fn new(trust: &Trust, roots: &Roots, provider: Arc<CryptoProvider>) -> Judge {
        let rule = match trust {
            Trust::Pinned(fingerprint) => Rule::Pinned(*fingerprint),
            Trust::Authorities => {
                let (roots, provider) = (roots.0.clone(), provider.clone());
                // It only fails where there are no roots.
                let built = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
                Rule::Authorities(built.ok())
            }
            Trust::Anyone => Rule::Anyone,
            Trust::Names(names) => Rule::Names(roots.0.clone(), names.clone()),
            Trust::Dane { records, names } => match dane::usable(records) {
                usable if usable.is_empty() => Rule::Anyone,
                usable => Rule::Dane(usable, names.clone()),
            },
        };
        Judge { rule, provider, seen: Mutex::default() }
    }

    /// Whom it saw.
    pub(crate) fn seen(&self) -> Option<Fingerprint> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads it to one of `roots`, and is it for one of `names`?
    fn by_authority(
        &self,
        roots: &RootCertStore,
        names: &[String],
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(own)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, roots, chain, now, algorithms)?;
        for_any_name(own, names)
    }

    fn by_records(
        &self,
        records: &[Tlsa],
        names: &[String],
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        match dane::describes(records, own, chain, now, &self.provider)? {
            Described::Own => Ok(()),
            Described::ByAuthority => for_any_name(own, names),
        }
    }

    /// Whoever takes any certificate takes the stranger's word for its key as well: checking the
    /// signature would turn away old kinds of keys, and keep out nobody who can make a certificate.
    fn needs_no_proof(&self) -> bool {
        matches!(self.rule, Rule::Anyone)
    }
}

/// Is the certificate for one of `names`?
fn for_any_name(own: &CertificateDer<'_>, names: &[String]) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(own)?;
    let mut verdict = Err(CertificateError::NotValidForName.into());
    for name in names {
        // What cannot be the name of a server is in no certificate.
        let Ok(name) = ServerName::try_from(name.trim_end_matches('.')) else { continue };
        verdict = verify_server_name(&parsed, &name);
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}

/// SHA-256 of a certificate.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> Fingerprint {
    let mut octets = [0; 32];
    octets.copy_from_slice(digest(&SHA256, certificate).as_ref());
    Fingerprint(octets)
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let fingerprint = fingerprint(own);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        match &self.rule {
            Rule::Authorities(Some(verifier)) => {
                verifier.verify_server_cert(own, chain, name, ocsp, now)
            }
            Rule::Pinned(wanted) if *wanted == fingerprint => Ok(ServerCertVerified::assertion()),
            Rule::Anyone => Ok(ServerCertVerified::assertion()),
            Rule::Names(roots, names) => self
                .by_authority(roots, names, own, chain, now)
                .map(|()| ServerCertVerified::assertion()),
            Rule::Dane(records, names) => self
                .by_records(records, names, own, chain, now)
                .map(|()| ServerCertVerified::assertion()),
            Rule::Authorities(None) => Err(CertificateError::UnknownIssuer.into()),
            Rule::Pinned(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.needs_no_proof() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, own, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.needs_no_proof() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, own, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// In words, why a certificate will not do.
pub(crate) fn reason(error: &CertificateError, trust: &Trust) -> String {
    match (error, trust) {
        (CertificateError::ApplicationVerificationFailure, Trust::Pinned(wanted)) => {
            format!("it is not the one with the fingerprint {wanted}")
        }
        (CertificateError::ApplicationVerificationFailure, Trust::Dane { .. }) => {
            "no TLSA record of its domain describes it".to_string()
        }
        (CertificateError::UnknownIssuer, Trust::Dane { .. }) => {
            "the authority that a TLSA record describes has not signed it".to_string()
        }
        (CertificateError::UnknownIssuer, _) => {
            "no authority that this machine knows has signed it".to_string()
        }
        (CertificateError::BadSignature, _) => {
            "the authority that it names has not signed it".to_string()
        }
        (CertificateError::Expired | CertificateError::ExpiredContext { .. }, _) => {
            "it has expired".to_string()
        }
        (CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }, _) => {
            "it is not valid yet".to_string()
        }
        (error, _) => error.to_string(),
    }
}

/// For programs, why a certificate will not do.
pub(crate) fn flaw(error: &CertificateError) -> Flaw {
    match error {
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::InvalidPurpose
        | CertificateError::InvalidPurposeContext { .. }
        | CertificateError::Revoked => Flaw::Authority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Flaw::Name
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Flaw::Dates,
        _ => Flaw::Other,
    }
}
