//! ARC (RFC 8617): what those who handed a message on have sealed.

use crate::canonical::{
    BodyDigest, BodyHashKind, Canonicalization, DigestAlgorithm, canonical_field,
};
use crate::dkim::{
    Digest, FieldIndex, Kind, Signature, Verifier, key_lookup, verify_with, without_signature,
};
use crate::lookup::{Known, Lookup, Needs};
use crate::tags::Tags;
use crate::{ArcVerdict, ResultWord};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use words_message::Field;

/// Most sets (RFC 8617 §4.2.1).
pub(crate) const SETS_MAX: usize = 50;
/// The fields of a set, in the order in which they are sealed (RFC 8617 §5.1.1).
const NAMES: [&str; 3] = ["arc-authentication-results", "arc-message-signature", "arc-seal"];

/// The sets of a message, the first sealer's first.
pub(crate) struct Sets<'a>(pub(crate) Vec<[Field<'a>; 3]>);

impl<'a> Sets<'a> {
    /// Finds them. `Err` says what is wrong with their numbers (RFC 8617 §5.2).
    pub(crate) fn find(fields: &FieldIndex<'a>) -> Result<Sets<'a>, &'static str> {
        let counts = NAMES.map(|name| fields.count(name));
        let count = counts[0].max(counts[1]).max(counts[2]);
        if count > SETS_MAX {
            return Err("there are more than fifty sets");
        }
        if counts.iter().any(|one| *one != count) {
            return Err("a set is not complete");
        }
        let mut sets: Vec<[Option<Field<'a>>; 3]> = vec![[None; 3]; count];
        for (kind, name) in NAMES.iter().enumerate() {
            for field in fields.named(name) {
                let at = instance(field.value).ok_or("a set has no number")?;
                let place = at.checked_sub(1).and_then(|at| sets.get_mut(at));
                let place = place.and_then(|set| set.get_mut(kind)).ok_or("a set is missing")?;
                if place.replace(field).is_some() {
                    return Err("a set is there twice");
                }
            }
        }
        let whole = |set: [Option<Field<'a>>; 3]| match set {
            [Some(results), Some(message), Some(seal)] => Some([results, message, seal]),
            _ => None,
        };
        sets.into_iter().map(whole).collect::<Option<_>>().map(Sets).ok_or("a set is missing")
    }
}

/// `i=`, which stands first in ARC-Authentication-Results.
fn instance(value: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(value);
    let digits = Tags::parse_lenient(&text).get("i")?.to_string();
    (digits.len() <= 2 && digits.bytes().all(|d| d.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

/// The sets of a message, to be judged.
pub(crate) struct ArcCheck {
    read: Result<Chain, &'static str>,
    count: usize,
}

struct Chain {
    /// The latest ARC-Message-Signature; `None`: there are no sets.
    message: Option<(Signature, Digest)>,
    /// Every seal, the first one first.
    seals: Vec<(Signature, Digest)>,
    dmarc_before: Option<ResultWord>,
}

impl ArcCheck {
    /// Of the message with this header.
    pub(crate) fn new(fields: &FieldIndex<'_>) -> ArcCheck {
        let count = fields.count("arc-seal");
        ArcCheck { read: Sets::find(fields).and_then(|sets| Chain::read(&sets, fields)), count }
    }

    /// The hash of the body that it takes.
    pub(crate) fn body_hash(&self) -> Option<BodyHashKind> {
        self.read.as_ref().ok()?.message.as_ref().map(|(read, _)| read.body)
    }

    /// The keys that must be known.
    pub(crate) fn needs(&self, known: &Known) -> Vec<Lookup> {
        let Ok(chain) = &self.read else { return Vec::new() };
        let all = chain.message.iter().chain(&chain.seals);
        all.filter_map(|(read, _)| known.ask(key_lookup(read)).err()).map(|Needs(l)| l).collect()
    }

    /// The verdict, once all is known.
    pub(crate) fn verdict(
        &self,
        known: &Known,
        bodies: &HashMap<BodyHashKind, BodyDigest>,
        verifier: &dyn Verifier,
    ) -> ArcVerdict {
        let sets = u32::try_from(self.count).unwrap_or(u32::MAX);
        let judged = match &self.read {
            Ok(chain) => chain.judge(known, bodies, verifier),
            Err(why) => (ResultWord::Fail, why.to_string()),
        };
        let (result, reason) = judged;
        let mut verdict = ArcVerdict { result, sets, reason, ..ArcVerdict::default() };
        if let (ResultWord::Pass, Ok(chain)) = (result, &self.read) {
            verdict.sealers =
                chain.seals.iter().rev().map(|(read, _)| read.domain.clone()).collect();
            verdict.dmarc_before = chain.dmarc_before;
        }
        verdict
    }
}

impl Chain {
    fn read(sets: &Sets<'_>, fields: &FieldIndex<'_>) -> Result<Chain, &'static str> {
        let mut chain = Chain { message: None, seals: Vec::new(), dmarc_before: None };
        let mut sealed = Sha256::new();
        for (at, [results, message, seal]) in sets.0.iter().enumerate() {
            check_chain_value(at, seal.value)?;
            for field in [results, message] {
                sealed.update(relaxed(field.raw));
            }
            let read = Signature::parse_as(Kind::ArcSeal, seal.value)?;
            let digest =
                sealed.clone().chain_update(without_line_end(&without_signature(seal.raw)));
            chain.seals.push((read, digest.finalize().into()));
            sealed.update(relaxed(seal.raw));
            if at == 0 {
                chain.dmarc_before = dmarc_of(results.value);
            }
            if at + 1 == sets.0.len() {
                let read = Signature::parse_as(Kind::ArcMessage, message.value)?;
                if read.names.iter().any(|name| name == "arc-seal") {
                    // RFC 8617 §4.1.2.
                    return Err("a message signature covers a seal");
                }
                let own = without_signature(message.raw);
                let digest = fields.signed(&read.names, &own, read.header);
                chain.message = Some((read, digest));
            }
        }
        Ok(chain)
    }

    fn judge(
        &self,
        known: &Known,
        bodies: &HashMap<BodyHashKind, BodyDigest>,
        verifier: &dyn Verifier,
    ) -> (ResultWord, String) {
        let Some((message, digest)) = &self.message else {
            return (ResultWord::None, String::new());
        };
        if bodies.get(&message.body).is_none_or(|body| body.digest != message.body_hash) {
            return (ResultWord::Fail, "the body has been changed since it was sealed".to_string());
        }
        for (read, digest) in
            std::iter::once((message, digest)).chain(self.seals.iter().map(|(r, d)| (r, d)))
        {
            if read.algorithm.digest() == DigestAlgorithm::Sha1 {
                return (ResultWord::Fail, "SHA-1 is no longer believed".to_string());
            }
            match verify_with(read, digest, known, verifier, &mut Vec::new()) {
                (ResultWord::Pass, _) => {}
                (ResultWord::TempError, why) => return (ResultWord::TempError, why),
                (_, why) => return (ResultWord::Fail, format!("{}: {why}", read.domain)),
            }
        }
        (ResultWord::Pass, String::new())
    }
}

/// `cv=` of the seal at `at`: nothing stood before the first, all is well before the others.
pub(crate) fn check_chain_value(at: usize, seal: &[u8]) -> Result<(), &'static str> {
    let text = String::from_utf8_lossy(seal);
    match (at, Tags::parse_lenient(&text).get("cv")) {
        (0, Some("none")) | (1.., Some("pass")) => Ok(()),
        (_, Some("fail")) => Err("an earlier sealer found it broken"),
        _ => Err("a seal says nothing good of those before it"),
    }
}

/// The DMARC result that a field of results tells.
fn dmarc_of(results: &[u8]) -> Option<ResultWord> {
    let text = String::from_utf8_lossy(results);
    let part = text
        .split(';')
        .map(str::trim)
        .find(|part| part.get(..6).is_some_and(|begin| begin.eq_ignore_ascii_case("dmarc=")))?;
    let word: String = part[6..].chars().take_while(char::is_ascii_alphabetic).collect();
    ResultWord::parse(&word)
}

pub(crate) fn relaxed(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    canonical_field(Canonicalization::Relaxed, raw, &mut out);
    out
}

pub(crate) fn without_line_end(raw: &[u8]) -> Vec<u8> {
    let mut out = relaxed(raw);
    out.truncate(out.len().saturating_sub(2));
    out
}
