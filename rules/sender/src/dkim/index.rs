//! The fields of a header by their names.

use super::Digest;
use crate::canonical::{Canonicalization, canonical_field};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use words_message::{Field, Header};

/// A header's fields, found by name without reading them all again: a stranger may send a hundred
/// thousand of them, and ten signatures.
pub struct FieldIndex<'a> {
    fields: Vec<Field<'a>>,
    by_name: HashMap<Vec<u8>, Vec<usize>>,
}

impl<'a> FieldIndex<'a> {
    /// Of a header section.
    pub fn new(header: &'a [u8]) -> FieldIndex<'a> {
        let fields: Vec<_> = Header::new(header).fields().collect();
        let mut by_name: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (at, field) in fields.iter().enumerate() {
            by_name.entry(field.name.to_ascii_lowercase()).or_default().push(at);
        }
        FieldIndex { fields, by_name }
    }

    /// The fields of that name, in lower case, from the top.
    pub fn named<'s>(&'s self, name: &str) -> impl DoubleEndedIterator<Item = Field<'a>> + 's {
        let found = self.by_name.get(name.as_bytes()).map(Vec::as_slice).unwrap_or_default();
        found.iter().filter_map(|at| self.fields.get(*at).copied())
    }

    /// How many fields of that name there are.
    pub fn count(&self, name: &str) -> usize {
        self.by_name.get(name.as_bytes()).map_or(0, Vec::len)
    }

    /// The digest that a signature over the fields `names` is over, with the field of the signature
    /// itself, `own`, whose `b=` is empty already, at its end and without its line end (RFC 6376 §3.7).
    pub(crate) fn signed(&self, names: &[String], own: &[u8], how: Canonicalization) -> Digest {
        let digesting = self.digesting(names.iter().map(String::as_str), how);
        let mut last = Vec::new();
        canonical_field(how, own, &mut last);
        let last = last.strip_suffix(b"\r\n").unwrap_or(&last);
        digesting.chain_update(last).finalize().into()
    }

    /// Digests the fields `names`, the last one of a name first (RFC 6376 §5.4.2).
    pub(crate) fn digesting<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        how: Canonicalization,
    ) -> Sha256 {
        let mut used: HashMap<String, usize> = HashMap::new();
        let mut digesting = Sha256::new();
        let mut canonical = Vec::new();
        for name in names {
            let name = name.to_ascii_lowercase();
            let Some(all) = self.by_name.get(name.as_bytes()) else { continue };
            let used = used.entry(name).or_default();
            *used += 1;
            let at = all.len().checked_sub(*used).and_then(|at| all.get(at));
            if let Some(field) = at.and_then(|at| self.fields.get(*at)) {
                canonical.clear();
                canonical_field(how, field.raw, &mut canonical);
                digesting.update(&canonical);
            }
        }
        digesting
    }
}

/// A signature's field with its `b=` emptied, blanks and all (RFC 6376 §3.5).
pub(crate) fn without_signature(raw: &[u8]) -> Vec<u8> {
    let begin = raw.iter().position(|octet| *octet == b':').map_or(0, |colon| colon + 1);
    let mut out = raw.get(..begin).unwrap_or_default().to_vec();
    let content = raw.get(begin..).unwrap_or_default();
    let end = content.strip_suffix(b"\r\n").or(content.strip_suffix(b"\n")).unwrap_or(content);
    for (at, part) in end.split(|octet| *octet == b';').enumerate() {
        if at > 0 {
            out.push(b';');
        }
        let equals = part.iter().position(|octet| *octet == b'=');
        match equals {
            Some(equals) if part[..equals].trim_ascii() == b"b" => {
                out.extend_from_slice(&part[..=equals]);
            }
            _ => out.extend_from_slice(part),
        }
    }
    out.extend_from_slice(&content[end.len()..]);
    out
}
