//! Key records (RFC 6376 §3.6.1).

use crate::canonical::DigestAlgorithm;
use crate::tags::{Tags, is_blank};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// `k=rsa`, or nothing said.
    Rsa,
    /// `k=ed25519` (RFC 8463).
    Ed25519,
}

/// A public key, as a domain publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// What kind.
    pub kind: KeyKind,
    /// `p=`; empty: the key has been revoked.
    pub public: Vec<u8>,
    /// `h=`: may it sign over this digest?
    pub sha256: bool,
    /// `t=y`
    pub testing: bool,
    /// `t=s`: `i=` must be in the very domain `d=`.
    pub strict: bool,
}

impl KeyRecord {
    /// Reads a text. `Err` says what is wrong with it.
    pub fn parse(text: &[u8]) -> Result<KeyRecord, &'static str> {
        let text = std::str::from_utf8(text).map_err(|_| "the key record is no text")?;
        let tags = Tags::parse(text).map_err(|_| "the key record is no list of tags")?;
        match tags.get("v") {
            None => {}
            Some("DKIM1") if tags.first().is_some_and(|(name, _)| name == "v") => {}
            Some(_) => return Err("the key record has another version"),
        }
        let kind = match tags.get("k").unwrap_or("rsa") {
            "rsa" => KeyKind::Rsa,
            "ed25519" => KeyKind::Ed25519,
            _ => return Err("the key record has a kind that is not known"),
        };
        let lists = |name, word: &str| {
            tags.get(name).is_none_or(|list: &str| {
                list.split(':').any(|item| {
                    matches!(item.trim_matches(is_blank), "*")
                        || item.trim_matches(is_blank) == word
                })
            })
        };
        if !lists("s", "email") {
            return Err("the key is not for mail");
        }
        let flag = |word: &str| {
            tags.get("t")
                .is_some_and(|list| list.split(':').any(|flag| flag.trim_matches(is_blank) == word))
        };
        let public = tags.get("p").ok_or("the key record has no key")?;
        Ok(KeyRecord {
            kind,
            public: decode(public).ok_or("the key is not Base64")?,
            sha256: lists("h", "sha256"),
            testing: flag("y"),
            strict: flag("s"),
        })
    }

    /// May it sign over this digest?
    pub fn allows(&self, algorithm: DigestAlgorithm) -> bool {
        algorithm == DigestAlgorithm::Sha256 && self.sha256
    }
}

/// Base64, folded or not.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !is_blank(*c)).collect();
    STANDARD.decode(text).ok()
}
