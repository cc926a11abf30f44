//! Whose certificate will do when we call others.

use crate::roots::Roots;
use aws_lc_rs::digest::{SHA256, digest};
use core_world::{Fingerprint, Trust};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
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
        };
        Judge { rule, provider, seen: Mutex::default() }
    }

    /// Whom it saw.
    pub(crate) fn seen(&self) -> Option<Fingerprint> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, own, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
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
