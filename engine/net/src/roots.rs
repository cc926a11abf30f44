//! The authorities whose certificates we believe when we call others.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where systems keep all of theirs in one file: Debian and its kin, Fedora and its kin, openSUSE,
/// Alpine and BSD.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Names a file in their place, for this program and many others.
const VARIABLE: &str = "SSL_CERT_FILE";

/// Authorities. Clones share them.
#[derive(Clone, Debug)]
pub struct Roots(pub(crate) Arc<RootCertStore>);

/// Why a file of authorities cannot be used.
#[derive(Debug)]
pub struct RootsError {
    path: PathBuf,
    why: String,
}

impl fmt::Display for RootsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; give a file of certificates in PEM", self.path.display(), self.why)
    }
}

impl std::error::Error for RootsError {}

impl Roots {
    /// None: only certificates that are pinned will do.
    pub fn none() -> Roots {
        Roots(Arc::new(RootCertStore::empty()))
    }

    /// Those of this machine, if it has any.
    pub fn of_system() -> Roots {
        let named = std::env::var_os(VARIABLE).map(PathBuf::from);
        let files = named.into_iter().chain(BUNDLES.map(PathBuf::from));
        let mut found = files.filter_map(|path| Roots::none().and(&path).ok());
        found.next().unwrap_or_else(Roots::none)
    }

    /// These and those in the file at `path`, in PEM. Such files hold some that nobody can read any
    /// more; at least one must be good.
    pub fn and(&self, path: &Path) -> Result<Roots, RootsError> {
        let error = |why: String| RootsError { path: path.to_path_buf(), why };
        let text = std::fs::read(path).map_err(|e| error(e.to_string()))?;
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(&text).filter_map(Result::ok).collect();
        let mut store = RootCertStore::clone(&self.0);
        let (added, _) = store.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(error("no certificate of an authority in it".to_string()));
        }
        Ok(Roots(Arc::new(store)))
    }

    /// For an engine that makes its own TLS.
    pub fn store(&self) -> Arc<RootCertStore> {
        self.0.clone()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_authorities_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        for text in
            ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            std::fs::write(&path, text).unwrap();
            let error = Roots::none().and(&path).unwrap_err().to_string();
            assert!(error.contains("ca.pem") && error.contains("PEM"), "{error}");
        }
        assert!(Roots::none().and(&folder.path().join("none")).is_err());
        let made = rcgen::generate_simple_self_signed(["a.example".to_string()]).unwrap();
        let text = format!("nonsense\n{}", made.cert.pem());
        std::fs::write(&path, text).unwrap();
        assert_eq!(Roots::none().and(&path).unwrap().count(), 1);
    }
}
