//! The DKIM-Signature field (RFC 6376 §3.5), and its like in ARC (RFC 8617 §4.1).

use super::key::{KeyKind, decode};
use crate::canonical::{BodyHashKind, Canonicalization, DigestAlgorithm};
use crate::tags::{Tags, is_blank};

/// Most names in `h=`.
const HEADERS_MAX: usize = 500;
/// Longest domain and selector together that can be asked for.
const NAME_MAX: usize = 253;

/// `a=`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// Not to be believed (RFC 8301 §3.1).
    RsaSha1,
    /// RSA, PKCS #1 v1.5.
    RsaSha256,
    /// RFC 8463.
    Ed25519Sha256,
}

impl SignatureAlgorithm {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            SignatureAlgorithm::RsaSha1 => "rsa-sha1",
            SignatureAlgorithm::RsaSha256 => "rsa-sha256",
            SignatureAlgorithm::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    /// Which key it takes.
    pub fn key_kind(self) -> KeyKind {
        match self {
            SignatureAlgorithm::RsaSha1 | SignatureAlgorithm::RsaSha256 => KeyKind::Rsa,
            SignatureAlgorithm::Ed25519Sha256 => KeyKind::Ed25519,
        }
    }

    /// Which digest it is over.
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            SignatureAlgorithm::RsaSha1 => DigestAlgorithm::Sha1,
            SignatureAlgorithm::RsaSha256 | SignatureAlgorithm::Ed25519Sha256 => {
                DigestAlgorithm::Sha256
            }
        }
    }

    fn parse(text: &str) -> Option<SignatureAlgorithm> {
        use SignatureAlgorithm::*;
        [RsaSha1, RsaSha256, Ed25519Sha256]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
    }
}

/// Which of the three fields it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dkim,
    /// ARC-Message-Signature: no version, and `i=` is a number.
    ArcMessage,
    /// ARC-Seal: over no body and named fields.
    ArcSeal,
}

/// A signature, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `a=`
    pub algorithm: SignatureAlgorithm,
    /// `d=`, in lower case.
    pub domain: String,
    /// `s=`
    pub selector: String,
    /// `i=`
    pub identity: Option<String>,
    /// `c=`, of the header.
    pub header: Canonicalization,
    /// `c=` of the body, `a=` and `l=`.
    pub body: BodyHashKind,
    /// `bh=`
    pub body_hash: Vec<u8>,
    /// `h=`, in lower case.
    pub names: Vec<String>,
    /// `b=`
    pub signature: Vec<u8>,
    /// `t=`, seconds since 1970.
    pub signed_at: Option<u64>,
    /// `x=`, likewise.
    pub expires_at: Option<u64>,
}

impl Signature {
    /// Reads the value of a DKIM-Signature field. `Err` says what is wrong with it.
    pub fn parse(value: &[u8]) -> Result<Signature, &'static str> {
        Signature::parse_as(Kind::Dkim, value)
    }

    pub(crate) fn parse_as(kind: Kind, value: &[u8]) -> Result<Signature, &'static str> {
        let text = std::str::from_utf8(value).map_err(|_| "the signature is no text")?;
        let tags = Tags::parse(text).map_err(|_| "the signature is no list of tags")?;
        let need = |name| tags.get(name).filter(|value| !value.is_empty());
        if kind == Kind::Dkim && tags.get("v") != Some("1") {
            return Err("the signature has another version");
        }
        let algorithm = need("a").ok_or("the signature names no algorithm")?;
        let algorithm = SignatureAlgorithm::parse(algorithm).ok_or("the algorithm is not known")?;
        let domain = need("d").and_then(name).ok_or("the signature names no domain")?;
        let selector = need("s").and_then(name).ok_or("the signature names no selector")?;
        if domain.len() + selector.len() + "._domainkey.".len() > NAME_MAX {
            return Err("the key's name is too long");
        }
        let signature = need("b").and_then(decode).ok_or("the signature is not Base64")?;
        let number = |name| match tags.get(name) {
            None => Ok(None),
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                // A number of up to 76 digits (RFC 6376 §3.5): as good as never.
                Ok(Some(digits.parse().unwrap_or(u64::MAX)))
            }
            Some(_) => Err("a number of the signature is none"),
        };
        let (header, body) = canonicalizations(kind, tags.get("c"))?;
        let mut read = Signature {
            algorithm,
            domain,
            selector,
            identity: None,
            header,
            body: BodyHashKind {
                canonicalization: body,
                algorithm: algorithm.digest(),
                length: None,
            },
            body_hash: Vec::new(),
            names: Vec::new(),
            signature,
            signed_at: number("t")?,
            expires_at: number("x")?,
        };
        if kind == Kind::ArcSeal {
            return match tags.get("h") {
                // RFC 8617 §4.1.3.
                Some(_) => Err("a seal names no fields"),
                None => Ok(read),
            };
        }
        read.body.length = number("l")?;
        read.body_hash = need("bh").and_then(decode).ok_or("the body's hash is not Base64")?;
        read.names = names(need("h").ok_or("the signature names no fields")?)?;
        if kind == Kind::Dkim {
            read.identity = tags.get("i").map(str::to_string);
            if !read.names.iter().any(|name| name == "from") {
                return Err("From is not signed");
            }
        }
        let after = read.signed_at.zip(read.expires_at);
        if after.is_some_and(|(signed, expires)| expires <= signed) {
            return Err("the signature expired before it was made");
        }
        read.identity_is_within().then_some(read).ok_or("i= is not within d=")
    }

    /// Is `i=`, if written, in the domain `d=` or below (RFC 6376 §3.5)?
    fn identity_is_within(&self) -> bool {
        let Some(identity) = &self.identity else { return true };
        let Some((_, domain)) = identity.rsplit_once('@') else { return false };
        let domain = domain.to_ascii_lowercase();
        domain
            .strip_suffix(self.domain.as_str())
            .is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
    }

    /// Is `i=` in the very domain `d=`, as `t=s` of a key wants?
    pub(crate) fn identity_is_exact(&self) -> bool {
        let domain = self.identity.as_ref().and_then(|identity| identity.rsplit_once('@'));
        domain.is_none_or(|(_, domain)| domain.eq_ignore_ascii_case(&self.domain))
    }
}

/// A DNS name of the characters that keys are published under.
fn name(text: &str) -> Option<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|o| o.is_ascii_alphanumeric() || matches!(o, b'-' | b'_') || !o.is_ascii())
    };
    text.split('.').all(label).then(|| text.to_ascii_lowercase())
}

fn canonicalizations(
    kind: Kind,
    text: Option<&str>,
) -> Result<(Canonicalization, Canonicalization), &'static str> {
    let word = |word: &str| match word {
        "simple" => Ok(Canonicalization::Simple),
        "relaxed" => Ok(Canonicalization::Relaxed),
        _ => Err("the canonicalisation is not known"),
    };
    match text {
        // A seal is always relaxed (RFC 8617 §4.1.3).
        _ if kind == Kind::ArcSeal => Ok((Canonicalization::Relaxed, Canonicalization::Relaxed)),
        None => Ok((Canonicalization::Simple, Canonicalization::Simple)),
        Some(text) => match text.split_once('/') {
            Some((header, body)) => Ok((word(header)?, word(body)?)),
            None => Ok((word(text)?, Canonicalization::Simple)),
        },
    }
}

fn names(list: &str) -> Result<Vec<String>, &'static str> {
    let names: Vec<_> = list
        .split(':')
        .map(|name| name.trim_matches(is_blank).to_ascii_lowercase())
        .take(HEADERS_MAX + 1)
        .collect();
    match names.len() > HEADERS_MAX || names.iter().any(String::is_empty) {
        true => Err("the list of signed fields cannot be read"),
        false => Ok(names),
    }
}
