//! A certificate chain with its key, and what it says of itself.

mod validity;

pub use validity::Validity;

use crate::dane;
use crate::trust;
use core_world::Fingerprint;
use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::Arc;
use words_base::Timestamp;

/// A certificate chain and its key, ready for use.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(crate) certified: Arc<CertifiedKey>,
    names: Arc<[String]>,
    validity: Validity,
}

/// Why a certificate cannot be used, or not now. Whoever read the files says which they were.
#[derive(Debug)]
pub enum CertificateError {
    /// The chain's or the key's PEM cannot be read; says which, and why.
    Pem(&'static str, String),
    /// The key is protected by a passphrase.
    Encrypted,
    /// The key belongs to another certificate, made for these names.
    OtherKey(Vec<String>),
    /// The key belongs to a certificate of the chain that does not stand first but in this place.
    Order(usize),
    /// It is of a kind that is not known, or broken; says how.
    Unfit(String),
    /// It is valid only later.
    NotYetValid(Vec<String>, Validity),
    /// It was valid once.
    Expired(Vec<String>, Validity),
    /// It is made for these names, and not for the one that is wanted.
    OtherName(Vec<String>, String),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| match names {
            [] => "no name".to_string(),
            names => names.join(", "),
        };
        match self {
            CertificateError::Pem(what, why) => write!(f, "the {what} cannot be read: {why}"),
            CertificateError::Encrypted => f.write_str(
                "the private key is protected by a passphrase: keep it without one, readable by this server alone",
            ),
            CertificateError::OtherKey(names) => write!(
                f,
                "the private key does not belong to the certificate for {}: give the key that it was made with",
                list(names)
            ),
            CertificateError::Order(place) => write!(
                f,
                "the private key belongs to certificate {place} of the chain: put that one first"
            ),
            CertificateError::Unfit(why) => {
                write!(f, "certificate and key cannot be used: {why}")
            }
            CertificateError::NotYetValid(names, validity) => write!(
                f,
                "the certificate for {} is not valid before {}: look at the clock of this machine",
                list(names),
                validity::date(validity.from)
            ),
            CertificateError::Expired(names, validity) => write!(
                f,
                "the certificate for {} has expired on {}: renew it",
                list(names),
                validity::date(validity.until)
            ),
            CertificateError::OtherName(names, wanted) => write!(
                f,
                "the certificate is for {}, not for {wanted}: have one made for that name",
                list(names)
            ),
        }
    }
}

impl std::error::Error for CertificateError {}

impl Certificate {
    /// From a chain in PEM, the server's own certificate first, and its key in PEM. Both may stand
    /// in the same text. Does not look at dates: [`Certificate::check`] does.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Certificate, CertificateError> {
        let chain = read_chain(chain)?;
        let key = read_key(key)?;
        let own = chain.first().ok_or_else(no_certificate)?;
        let names = names(own)?;
        let validity = validity::read(own)
            .ok_or_else(|| CertificateError::Unfit("its dates cannot be read".to_string()))?;
        let certified = certify(chain, key, &names)?;
        Ok(Certificate { certified: Arc::new(certified), names: names.into(), validity })
    }

    /// The DNS names it is made for, in lower case; `*.` before those that hold for every host.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// By which others can pin it.
    pub fn fingerprint(&self) -> Fingerprint {
        // There is no certificate without an own one.
        self.certified.cert.first().map_or(Fingerprint([0; 32]), trust::fingerprint)
    }

    /// SHA-256 of its public key, as TLSA records name it (RFC 6698 §2.1: selector 1, matching
    /// type 1). `None`: it cannot be read.
    pub fn key_digest(&self) -> Option<[u8; 32]> {
        dane::key_digest(self.certified.cert.first()?)
    }

    /// When it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Is it valid now? It can be served even if not, and then peers will complain.
    pub fn check(&self, now: Timestamp) -> Result<(), CertificateError> {
        if now < self.validity.from {
            return Err(CertificateError::NotYetValid(self.names.to_vec(), self.validity));
        }
        if now > self.validity.until {
            return Err(CertificateError::Expired(self.names.to_vec(), self.validity));
        }
        Ok(())
    }

    /// Is it made for `host`?
    pub fn check_name(&self, host: &str) -> Result<(), CertificateError> {
        let host = host.to_ascii_lowercase();
        let wildcard = wildcard(&host);
        if self.names.iter().any(|name| *name == host || Some(name) == wildcard.as_ref()) {
            return Ok(());
        }
        Err(CertificateError::OtherName(self.names.to_vec(), host))
    }
}

/// The name that stands for `host` and its neighbours (RFC 9525 §6.3: for one label, the first).
pub(crate) fn wildcard(host: &str) -> Option<String> {
    host.split_once('.').map(|(_, domain)| format!("*.{domain}"))
}

fn no_certificate() -> CertificateError {
    CertificateError::Pem("certificate", "there is none in the file".to_string())
}

fn read_chain(chain: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| CertificateError::Pem("certificate", error.to_string()))
}

fn read_key(key: &[u8]) -> Result<PrivateKeyDer<'static>, CertificateError> {
    PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        let encrypted = b"ENCRYPTED PRIVATE KEY";
        match error {
            pem::Error::NoItemsFound if key.windows(encrypted.len()).any(|w| w == encrypted) => {
                CertificateError::Encrypted
            }
            pem::Error::NoItemsFound => {
                CertificateError::Pem("private key", "there is none in the file".to_string())
            }
            error => CertificateError::Pem("private key", error.to_string()),
        }
    })
}

fn names(own: &CertificateDer<'_>) -> Result<Vec<String>, CertificateError> {
    let unfit = |why: webpki::Error| CertificateError::Unfit(why.to_string());
    let parsed = webpki::EndEntityCert::try_from(own).map_err(unfit)?;
    Ok(parsed.valid_dns_names().map(str::to_ascii_lowercase).collect())
}

fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    names: &[String],
) -> Result<CertifiedKey, CertificateError> {
    let provider = aws_lc_rs::default_provider();
    let unfit = |error: rustls::Error| CertificateError::Unfit(error.to_string());
    let key = provider.key_provider.load_private_key(key).map_err(unfit)?;
    let fits = |chain: Vec<CertificateDer<'static>>| {
        let certified = CertifiedKey::new(chain, key.clone());
        match certified.keys_match() {
            // A kind of key that does not tell its public half is believed.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(certified)
            }
            Err(error) => Err(error),
        }
    };
    match fits(chain.clone()) {
        Ok(certified) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let place = chain.iter().skip(1).position(|other| fits(vec![other.clone()]).is_ok());
            Err(match place {
                Some(behind_first) => CertificateError::Order(behind_first + 2),
                None => CertificateError::OtherKey(names.to_vec()),
            })
        }
        Err(error) => Err(unfit(error)),
    }
}
