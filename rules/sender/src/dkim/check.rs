//! The signatures of one message, judged.

use super::index::without_signature;
use super::key::{KeyKind, KeyRecord};
use super::{Digest, FieldIndex, Signature, SignatureAlgorithm};
use crate::canonical::{BodyDigest, BodyHashKind, DigestAlgorithm};
use crate::lookup::{Found, Known, Lookup, LookupKind, Needs};
use crate::{DkimFlaw, DkimVerdict, ResultWord};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;

/// Most signatures of a message that are looked at.
const SIGNATURES_MAX: usize = 10;
/// A clock may be so many seconds wrong.
const CLOCK_SKEW: u64 = 300;
/// Symbols of `b=` that tell signatures apart (RFC 6008 §4 wants at least eight).
const SIGNATURE_SYMBOLS: usize = 8;
/// Key records at one name that are tried.
const KEYS_MAX: usize = 3;

/// What somebody who knows keys is to verify.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// How it was signed.
    pub algorithm: SignatureAlgorithm,
    /// The public key, as `p=` has it.
    pub public: &'a [u8],
    /// The digest of what was signed; for Ed25519 it is the message itself (RFC 8463 §3).
    pub digest: &'a Digest,
    /// The signature.
    pub signature: &'a [u8],
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It is right.
    Yes,
    /// It is not.
    No,
    /// The key is shorter than may be believed (RFC 8301 §3.2).
    KeyTooShort,
    /// The key is none.
    NoKey,
}

/// Verifies with public keys.
pub trait Verifier {
    /// Is the signature right?
    fn verify(&self, proof: &Proof<'_>) -> Verified;
}

/// The signatures of a message.
pub struct DkimCheck {
    signatures: Vec<Candidate>,
    from_count: usize,
}

struct Candidate {
    read: Result<Signature, (String, &'static str)>,
    /// What it is over, of the header.
    signed: Digest,
    /// How often From is named in `h=`.
    from_signed: usize,
}

impl DkimCheck {
    /// Of the message with this header.
    pub fn new(fields: &FieldIndex<'_>) -> DkimCheck {
        let signatures = fields.named("dkim-signature").take(SIGNATURES_MAX).map(|field| {
            let read = Signature::parse(field.value);
            let signed = match &read {
                Ok(read) => fields.signed(&read.names, &without_signature(field.raw), read.header),
                Err(_) => Digest::default(),
            };
            let from_signed =
                read.as_ref().map_or(0, |read| read.names.iter().filter(|n| *n == "from").count());
            let read = read.map_err(|why| (domain_of(field.value), why));
            Candidate { read, signed, from_signed }
        });
        DkimCheck { signatures: signatures.collect(), from_count: fields.count("from") }
    }

    /// The hashes of the body that it takes.
    pub fn body_hashes(&self) -> impl Iterator<Item = BodyHashKind> + '_ {
        self.signatures.iter().filter_map(|s| s.read.as_ref().ok()).map(|read| read.body)
    }

    /// The keys that must be known.
    pub fn needs(&self, known: &Known) -> Vec<Lookup> {
        let read = self.signatures.iter().filter_map(|s| s.read.as_ref().ok());
        read.filter_map(|read| known.ask(key_lookup(read)).err())
            .map(|Needs(lookup)| lookup)
            .collect()
    }

    /// The verdicts, once all is known; `now` in seconds since 1970.
    pub fn verdicts(
        &self,
        known: &Known,
        bodies: &HashMap<BodyHashKind, BodyDigest>,
        verifier: &dyn Verifier,
        now: u64,
    ) -> Vec<DkimVerdict> {
        self.signatures.iter().map(|s| self.verdict(s, known, bodies, verifier, now)).collect()
    }

    fn verdict(
        &self,
        candidate: &Candidate,
        known: &Known,
        bodies: &HashMap<BodyHashKind, BodyDigest>,
        verifier: &dyn Verifier,
        now: u64,
    ) -> DkimVerdict {
        let read = match &candidate.read {
            Ok(read) => read,
            Err((domain, why)) => return unread(domain, why),
        };
        let mut verdict = described(read);
        let body = bodies.get(&read.body);
        let mut flaws = Vec::new();
        if let Some(length) = read.body.length {
            let longer = body.is_some_and(|body| body.octets > length);
            flaws.push(if longer { DkimFlaw::BodyLonger } else { DkimFlaw::BodyLimited });
        }
        if self.from_count > 1 && candidate.from_signed < self.from_count {
            flaws.push(DkimFlaw::FromRepeated);
        }
        let judged = judge(read, &candidate.signed, known, body, verifier, now, &mut flaws);
        (verdict.result, verdict.reason) = judged;
        verdict.flaws = flaws;
        verdict
    }
}

fn judge(
    read: &Signature,
    signed: &Digest,
    known: &Known,
    body: Option<&BodyDigest>,
    verifier: &dyn Verifier,
    now: u64,
    flaws: &mut Vec<DkimFlaw>,
) -> (ResultWord, String) {
    if read.algorithm.digest() == DigestAlgorithm::Sha1 {
        return (ResultWord::Policy, "SHA-1 is no longer believed".to_string());
    }
    if read.expires_at.is_some_and(|expires| expires < now) {
        return (ResultWord::Policy, "the signature has expired".to_string());
    }
    if read.signed_at.is_some_and(|signed| signed > now.saturating_add(CLOCK_SKEW)) {
        return (ResultWord::Policy, "the signature was made in the future".to_string());
    }
    let enough = |body: &BodyDigest| read.body.length.is_none_or(|length| length <= body.octets);
    if !body.is_some_and(|body| body.digest == read.body_hash && enough(body)) {
        return (ResultWord::Fail, "the body has been changed".to_string());
    }
    verify_with(read, signed, known, verifier, flaws)
}

/// Looks up the key and verifies with it.
pub(crate) fn verify_with(
    read: &Signature,
    signed: &Digest,
    known: &Known,
    verifier: &dyn Verifier,
    flaws: &mut Vec<DkimFlaw>,
) -> (ResultWord, String) {
    let texts = match known.ask(key_lookup(read)) {
        Ok(Found::Texts(texts)) => texts,
        Ok(Found::Temporary(why)) => return (ResultWord::TempError, why.clone()),
        Ok(_) => return (ResultWord::PermError, "there is no key".to_string()),
        Err(_) => return (ResultWord::TempError, "the key was not asked for".to_string()),
    };
    let mut last = (ResultWord::PermError, "there is no key".to_string());
    for text in texts.iter().take(KEYS_MAX) {
        let key = match KeyRecord::parse(text) {
            Ok(key) => key,
            Err(why) => {
                last = (ResultWord::PermError, why.to_string());
                continue;
            }
        };
        let (result, reason) = with_key(read, signed, &key, verifier);
        if result == ResultWord::Pass {
            if key.testing {
                flaws.push(DkimFlaw::Testing);
            }
            return (ResultWord::Pass, String::new());
        }
        last = (result, reason.to_string());
    }
    last
}

fn with_key(
    read: &Signature,
    signed: &Digest,
    key: &KeyRecord,
    verifier: &dyn Verifier,
) -> (ResultWord, &'static str) {
    if key.public.is_empty() {
        return (ResultWord::PermError, "the key has been revoked");
    }
    if key.kind != read.algorithm.key_kind() {
        return (ResultWord::PermError, "the key is of another kind");
    }
    if !key.allows(read.algorithm.digest()) {
        return (ResultWord::PermError, "the key is not for this digest");
    }
    if key.kind == KeyKind::Ed25519 && key.public.len() != 32 {
        return (ResultWord::PermError, "the key is none");
    }
    if key.strict && !read.identity_is_exact() {
        return (ResultWord::PermError, "the key is not for subdomains");
    }
    let proof = Proof {
        algorithm: read.algorithm,
        public: &key.public,
        digest: signed,
        signature: &read.signature,
    };
    match verifier.verify(&proof) {
        Verified::Yes => (ResultWord::Pass, ""),
        Verified::No => (
            ResultWord::Fail,
            "the signature is not right: a signed field was changed, or the key is another",
        ),
        Verified::KeyTooShort => (ResultWord::Policy, "the key is too short"),
        Verified::NoKey => (ResultWord::PermError, "the key is none"),
    }
}

pub(crate) fn key_lookup(read: &Signature) -> Lookup {
    Lookup::new(&format!("{}._domainkey.{}", read.selector, read.domain), LookupKind::Txt)
}

fn described(read: &Signature) -> DkimVerdict {
    let symbols = STANDARD.encode(&read.signature);
    DkimVerdict {
        result: ResultWord::None,
        domain: read.domain.clone(),
        selector: read.selector.clone(),
        identity: read.identity.clone(),
        algorithm: read.algorithm.as_str().to_string(),
        signature: symbols.chars().take(SIGNATURE_SYMBOLS).collect(),
        flaws: Vec::new(),
        reason: String::new(),
    }
}

fn unread(domain: &str, why: &str) -> DkimVerdict {
    DkimVerdict {
        result: ResultWord::PermError,
        domain: domain.to_string(),
        selector: String::new(),
        identity: None,
        algorithm: String::new(),
        signature: String::new(),
        flaws: Vec::new(),
        reason: why.to_string(),
    }
}

/// The domain of a signature that cannot be read, as far as it can.
fn domain_of(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let tags = crate::tags::Tags::parse_lenient(&text);
    tags.get("d").map(|domain| domain.chars().take(255).collect()).unwrap_or_default()
}
