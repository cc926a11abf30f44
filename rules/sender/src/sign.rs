//! Signatures and seals of our own (RFC 6376 §5, RFC 8617 §5.1). Who has the key is handed in.

use crate::arc::{SETS_MAX, Sets, check_chain_value, relaxed, without_line_end};
use crate::canonical::{BodyDigest, Canonicalization};
use crate::dkim::{Digest, FieldIndex, SignatureAlgorithm};
use crate::{ArcVerdict, ResultWord};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Signed if they are there, and signed once more: nobody can add another (RFC 6376 §5.4, §8.15).
const OVER_SIGNED: &[&str] = &[
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];
/// Signed if they are there.
const SIGNED: &[&str] = &[
    "Sender",
    "Resent-From",
    "Resent-To",
    "Resent-Date",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Post",
    "Autocrypt",
    "Auto-Submitted",
];
/// More fields than this are not signed: the message is left unsigned.
const NAMES_MAX: usize = 200;
/// Width of a line of Base64.
const WIDTH: usize = 72;

/// Whose key signs, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignAs {
    /// `d=`
    pub domain: String,
    /// `s=`
    pub selector: String,
    /// `a=`
    pub algorithm: SignatureAlgorithm,
    /// `t=`, seconds since 1970.
    pub at: u64,
}

/// Signs a digest. `None`: the key cannot.
pub type Sign<'a> = &'a dyn Fn(&Digest) -> Option<Vec<u8>>;

/// A signature to be, while the body comes. Of the header only its digest is kept.
pub struct DkimDraft {
    sign_as: SignAs,
    names: Vec<&'static str>,
    fields: Sha256,
}

impl DkimDraft {
    /// Of a message with this header. `None`: it has more fields than can be signed.
    pub fn new(fields: &FieldIndex<'_>, sign_as: SignAs) -> Option<DkimDraft> {
        let names = names(fields, &[])?;
        Some(DkimDraft { sign_as, fields: state(fields, &names), names })
    }

    /// The DKIM-Signature field with its line end.
    pub fn finish(self, body: &BodyDigest, sign: Sign<'_>) -> Option<String> {
        let SignAs { domain, selector, algorithm, at } = &self.sign_as;
        let field = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={domain};\r\n\ts={selector}; t={at};\r\n\t\
             h={};\r\n\tbh={};\r\n\tb=",
            algorithm.as_str(),
            list(&self.names),
            STANDARD.encode(&body.digest),
        );
        complete(field, self.fields, sign)
    }
}

/// A seal to be, while the body comes.
pub struct ArcDraft {
    sign_as: SignAs,
    names: Vec<&'static str>,
    fields: Sha256,
    /// Over the sets that are there already; `None`: they are broken, or there can be no more.
    sealed: Option<Sha256>,
    instance: usize,
}

impl ArcDraft {
    /// Of a message with this header. `None`: it has more fields than can be signed.
    pub fn new(fields: &FieldIndex<'_>, sign_as: SignAs) -> Option<ArcDraft> {
        let names = names(fields, &["DKIM-Signature"])?;
        let sets = Sets::find(fields).ok();
        let instance = sets.as_ref().map_or(0, |sets| sets.0.len() + 1);
        // Behind a seal that says "fail" no other is put (RFC 8617 §5.1.2).
        let open = |sets: &Sets<'_>| {
            let all = sets.0.iter().enumerate();
            sets.0.len() < SETS_MAX
                && all
                    .into_iter()
                    .all(|(at, [_, _, seal])| check_chain_value(at, seal.value).is_ok())
        };
        let sealed = sets.filter(open).map(|sets| {
            let raw = sets.0.iter().flatten();
            raw.fold(Sha256::new(), |sealed, field| sealed.chain_update(relaxed(field.raw)))
        });
        Some(ArcDraft { sign_as, fields: state(fields, &names), names, sealed, instance })
    }

    /// The three fields of our set with their line ends. `results` is an Authentication-Results
    /// field of ours, `arc` what was found of the sets that came. `None`: there is nothing to seal.
    pub fn finish(
        self,
        body: &BodyDigest,
        results: &str,
        arc: &ArcVerdict,
        sign: Sign<'_>,
    ) -> Option<String> {
        let sealed = self.sealed?;
        let (chain_value, sealed) = match arc.result {
            ResultWord::None if self.instance == 1 => ("none", sealed),
            ResultWord::Pass if self.instance > 1 => ("pass", sealed),
            // Of a broken chain nothing but the last set can be sealed (RFC 8617 §5.1.2).
            ResultWord::Fail => ("fail", Sha256::new()),
            _ => return None,
        };
        let SignAs { domain, selector, algorithm, at } = &self.sign_as;
        let (i, a) = (self.instance, algorithm.as_str());
        let results = results.split_once(':').map_or(results, |(_, value)| value).trim();
        let results = format!("ARC-Authentication-Results: i={i}; {results}\r\n");
        let message = format!(
            "ARC-Message-Signature: i={i}; a={a}; c=relaxed/relaxed; d={domain};\r\n\ts={selector}; \
             t={at};\r\n\th={};\r\n\tbh={};\r\n\tb=",
            list(&self.names),
            STANDARD.encode(&body.digest),
        );
        let message = complete(message, self.fields, sign)?;
        let seal = format!(
            "ARC-Seal: i={i}; a={a}; t={at}; cv={chain_value};\r\n\td={domain}; s={selector};\r\n\tb="
        );
        let sealed = sealed.chain_update(relaxed(results.as_bytes()));
        let sealed = sealed.chain_update(relaxed(message.as_bytes()));
        let seal = complete(seal, sealed, sign)?;
        Some(seal + &message + &results)
    }
}

/// The one domain of all authors; only for that may somebody sign. `None`: there is none, or several.
pub fn author_domain(header: &[u8]) -> Option<String> {
    crate::dmarc::DmarcCheck::new(&FieldIndex::new(header)).into_domain()
}

/// What is signed of this header: each name as often as it is there, some once more.
fn names(fields: &FieldIndex<'_>, more: &[&'static str]) -> Option<Vec<&'static str>> {
    let mut names = Vec::new();
    for (list, over) in [(OVER_SIGNED, 1), (SIGNED, 0), (more, 0)] {
        for name in list {
            let count = fields.count(&name.to_ascii_lowercase()) + over;
            names.extend(std::iter::repeat_n(*name, count.min(NAMES_MAX + 1)));
        }
    }
    (names.len() <= NAMES_MAX).then_some(names)
}

fn state(fields: &FieldIndex<'_>, names: &[&'static str]) -> Sha256 {
    fields.digesting(names.iter().copied(), Canonicalization::Relaxed)
}

/// The names with colons, folded.
fn list(names: &[&str]) -> String {
    let mut out = String::new();
    let mut width = 0;
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out.push(':');
        }
        if width + name.len() > WIDTH {
            out.push_str("\r\n\t");
            width = 0;
        }
        out.push_str(name);
        width += name.len() + 1;
    }
    out
}

/// Signs `field`, which ends with an empty `b=`, behind what was digested already.
fn complete(mut field: String, digesting: Sha256, sign: Sign<'_>) -> Option<String> {
    let digest: Digest =
        digesting.chain_update(without_line_end(field.as_bytes())).finalize().into();
    let symbols = STANDARD.encode(sign(&digest)?);
    for (at, symbol) in symbols.chars().enumerate() {
        if at > 0 && at % WIDTH == 0 {
            field.push_str("\r\n\t ");
        }
        field.push(symbol);
    }
    field.push_str("\r\n");
    Some(field)
}
