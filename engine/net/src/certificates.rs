//! Several certificates, one chosen for each peer by the name it asks for (RFC 6066 §3).

use crate::certificate::{Certificate, wildcard};
use arc_swap::ArcSwap;
use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Certificates by name. One name may have several, of different kinds of key; the first that the
/// peer understands is used.
#[derive(Clone, Debug)]
pub struct Certificates {
    default: Certificate,
    by_name: HashMap<String, Vec<Certificate>>,
}

impl From<Certificate> for Certificates {
    /// One for everybody.
    fn from(default: Certificate) -> Certificates {
        Certificates::new(default, Vec::new())
    }
}

impl Certificates {
    /// `default` for whoever asks for no name, or for one that none is made for: a sender that asks
    /// for an unknown name is better served with a certificate than with none.
    pub fn new(default: Certificate, others: Vec<Certificate>) -> Certificates {
        let mut by_name: HashMap<String, Vec<Certificate>> = HashMap::new();
        for certificate in std::iter::once(&default).chain(&others) {
            for name in certificate.names() {
                by_name.entry(name.clone()).or_default().push(certificate.clone());
            }
        }
        Certificates { default, by_name }
    }

    /// Every one, the default first.
    pub fn all(&self) -> Vec<&Certificate> {
        let mut all = vec![&self.default];
        for certificate in self.by_name.values().flatten() {
            if !all.iter().any(|a| Arc::ptr_eq(&a.certified, &certificate.certified)) {
                all.push(certificate);
            }
        }
        all
    }

    /// Those for `host` in the order of preference: made for that very name, made for its whole
    /// domain, the default.
    fn for_name(&self, host: Option<&str>) -> impl Iterator<Item = &Certificate> {
        let host = host.map(str::to_ascii_lowercase);
        let wildcard = host.as_deref().and_then(wildcard);
        let named = [host, wildcard].into_iter().flatten();
        let named = named.flat_map(|name| self.by_name.get(&name).map_or(&[][..], Vec::as_slice));
        named.chain([&self.default])
    }

    fn choose(&self, host: Option<&str>, schemes: &[SignatureScheme]) -> Arc<CertifiedKey> {
        let fits = |c: &&Certificate| c.certified.key.choose_scheme(schemes).is_some();
        // If the peer understands none, TLS itself tells it so.
        let chosen = self.for_name(host).find(fits).or_else(|| self.for_name(host).next());
        chosen.unwrap_or(&self.default).certified.clone()
    }
}

/// What every listener looks at in each handshake; replaced as a whole.
pub(crate) struct Resolver(ArcSwap<Certificates>);

impl Resolver {
    pub(crate) fn new(certificates: Certificates) -> Resolver {
        Resolver(ArcSwap::from_pointee(certificates))
    }

    /// From the next handshake on.
    pub(crate) fn replace(&self, certificates: Certificates) {
        self.0.store(Arc::new(certificates));
    }

    pub(crate) fn present(&self) -> Arc<Certificates> {
        self.0.load_full()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load().choose(hello.server_name(), hello.signature_schemes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::SignatureAlgorithm;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    fn made(names: &[&str], algorithm: &'static SignatureAlgorithm) -> Certificate {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate_for(algorithm).unwrap();
        let chain = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        Certificate::from_pem(chain.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    const ALL: [SignatureScheme; 2] =
        [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];

    #[test]
    fn the_most_exact_name_wins() {
        let default = made(&["mired.org"], &PKCS_ECDSA_P256_SHA256);
        let exact = made(&["mail.example.org"], &PKCS_ECDSA_P256_SHA256);
        let wild = made(&["*.example.org", "example.org"], &PKCS_ECDSA_P256_SHA256);
        let all = Certificates::new(default.clone(), vec![wild.clone(), exact.clone()]);
        for (host, want) in [
            (None, &default),
            (Some("mired.org"), &default),
            (Some("mail.example.org"), &exact),
            (Some("MAIL.Example.Org"), &exact),
            (Some("imap.example.org"), &wild),
            (Some("example.org"), &wild),
            (Some("a.b.example.org"), &default),
            (Some("other.test"), &default),
            (Some("*.example.org"), &wild),
            (Some(""), &default),
            (Some("."), &default),
        ] {
            let chosen = all.choose(host, &ALL);
            assert!(Arc::ptr_eq(&chosen, &want.certified), "{host:?}");
        }
        assert_eq!(all.all().len(), 3);
        assert!(Arc::ptr_eq(&all.all()[0].certified, &default.certified));
    }

    #[test]
    fn of_two_for_one_name_the_peer_gets_what_it_understands() {
        let ed = made(&["mail.example"], &PKCS_ED25519);
        let ec = made(&["mail.example"], &PKCS_ECDSA_P256_SHA256);
        let all = Certificates::new(ed.clone(), vec![ec.clone()]);
        for (schemes, want) in [(&ALL[..], &ed), (&ALL[..1], &ec), (&ALL[1..], &ed), (&[], &ed)] {
            let chosen = all.choose(Some("mail.example"), schemes);
            assert!(Arc::ptr_eq(&chosen, &want.certified), "{schemes:?}");
        }
    }
}
