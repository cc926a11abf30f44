//! Canonicalisation (RFC 6376 §3.4): what may change on the way without breaking a signature.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// How forgiving a signature is (RFC 6376 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Canonicalization {
    /// Not at all.
    Simple,
    /// Blanks may change.
    Relaxed,
}

/// Which digest a signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// Not to be believed (RFC 8301 §3.1).
    Sha1,
    /// The one that is used.
    Sha256,
}

/// Adds a field (name, colon, value and line end, as it came) in its canonical form, with a line end.
pub(crate) fn canonical_field(how: Canonicalization, raw: &[u8], out: &mut Vec<u8>) {
    let line = raw.strip_suffix(b"\n").unwrap_or(raw);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match how {
        Canonicalization::Simple => out.extend_from_slice(line),
        Canonicalization::Relaxed => relaxed_field(line, out),
    }
    out.extend_from_slice(b"\r\n");
}

/// RFC 6376 §3.4.2.
fn relaxed_field(line: &[u8], out: &mut Vec<u8>) {
    let colon = line.iter().position(|octet| *octet == b':').unwrap_or(line.len());
    let (name, value) = line.split_at(colon);
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    let Some(value) = value.get(1..) else { return };
    out.push(b':');
    let mut gap = false;
    let begin = out.len();
    for octet in value.iter().copied() {
        match octet {
            b'\r' | b'\n' => {}
            b' ' | b'\t' => gap = true,
            octet => {
                if gap && out.len() > begin {
                    out.push(b' ');
                }
                gap = false;
                out.push(octet);
            }
        }
    }
}

/// Which hash of a body is needed. Signatures that need the same one share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BodyHashKind {
    /// How forgiving.
    pub canonicalization: Canonicalization,
    /// The digest.
    pub algorithm: DigestAlgorithm,
    /// `l=`: how many octets of the canonical body are signed.
    pub length: Option<u64>,
}

impl BodyHashKind {
    /// As our own signatures have it.
    pub const RELAXED_SHA256: BodyHashKind = BodyHashKind {
        canonicalization: Canonicalization::Relaxed,
        algorithm: DigestAlgorithm::Sha256,
        length: None,
    };
}

/// The hash of a body that comes in pieces, however they are cut; keeps nothing of it.
///
/// Trailing empty lines are no part of a canonical body. So line ends are only counted until something
/// follows them, and with `relaxed` a line of blanks is an empty one.
#[derive(Clone, Debug)]
pub struct BodyHash {
    kind: BodyHashKind,
    digest: Running,
    /// Canonical octets that wait to be hashed.
    buffer: Vec<u8>,
    /// Canonical octets so far.
    octets: u64,
    /// Line ends that count only if something follows.
    line_ends: u64,
    /// Blanks that count only if something follows on their line.
    gap: bool,
    /// Was the last octet a CR?
    cr: bool,
}

#[derive(Clone, Debug)]
enum Running {
    Sha1(Sha1),
    Sha256(Sha256),
}

/// What a body came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyDigest {
    /// The digest, of at most `l=` octets.
    pub digest: Vec<u8>,
    /// Octets of the whole canonical body.
    pub octets: u64,
}

/// Canonical octets are hashed in pieces of about so many.
const BUFFER: usize = 4096;

impl BodyHash {
    /// Of a body that is still to come.
    pub fn new(kind: BodyHashKind) -> BodyHash {
        let digest = match kind.algorithm {
            DigestAlgorithm::Sha1 => Running::Sha1(Sha1::new()),
            DigestAlgorithm::Sha256 => Running::Sha256(Sha256::new()),
        };
        let buffer = Vec::with_capacity(BUFFER);
        BodyHash { kind, digest, buffer, octets: 0, line_ends: 0, gap: false, cr: false }
    }

    /// Which one it is.
    pub fn kind(&self) -> BodyHashKind {
        self.kind
    }

    /// Takes the next piece.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while let Some(octet) = piece.first().copied() {
            if self.cr {
                self.cr = false;
                if octet == b'\n' {
                    self.line_ends += 1;
                    // Blanks at the end of a line, or all of it, are nothing.
                    self.gap = false;
                    piece = &piece[1..];
                    continue;
                }
                self.put(b"\r");
            }
            let run = piece.iter().position(|octet| self.is_special(*octet));
            let (text, rest) = piece.split_at(run.unwrap_or(piece.len()));
            if !text.is_empty() {
                self.put(text);
            }
            match rest.first() {
                Some(b'\r') => self.cr = true,
                Some(_) => self.gap = true,
                None => {}
            }
            piece = rest.get(1..).unwrap_or_default();
        }
    }

    /// No more comes.
    pub fn finish(mut self) -> BodyDigest {
        if self.cr {
            self.put(b"\r");
        }
        match self.kind.canonicalization {
            // The last line has an end, and be it the only one (RFC 6376 §3.4.3).
            Canonicalization::Simple => self.emit(b"\r\n"),
            // An empty body is empty (RFC 6376 §3.4.4).
            Canonicalization::Relaxed if self.octets > 0 => self.emit(b"\r\n"),
            Canonicalization::Relaxed => {}
        }
        self.hash();
        let digest = match self.digest {
            Running::Sha1(digest) => digest.finalize().to_vec(),
            Running::Sha256(digest) => digest.finalize().to_vec(),
        };
        BodyDigest { digest, octets: self.octets }
    }

    fn is_special(&self, octet: u8) -> bool {
        let blank = matches!(octet, b' ' | b'\t');
        octet == b'\r' || blank && self.kind.canonicalization == Canonicalization::Relaxed
    }

    /// Adds octets that are neither blanks nor line ends, with what waits before them.
    fn put(&mut self, octets: &[u8]) {
        for _ in 0..std::mem::take(&mut self.line_ends) {
            self.emit(b"\r\n");
        }
        if std::mem::take(&mut self.gap) {
            self.emit(b" ");
        }
        self.emit(octets);
    }

    fn emit(&mut self, octets: &[u8]) {
        let left = match self.kind.length {
            Some(length) => length.saturating_sub(self.octets),
            None => u64::MAX,
        };
        let signed = usize::try_from(left).unwrap_or(usize::MAX).min(octets.len());
        self.octets = self.octets.saturating_add(octets.len() as u64);
        for part in octets[..signed].chunks(BUFFER) {
            self.buffer.extend_from_slice(part);
            if self.buffer.len() >= BUFFER {
                self.hash();
            }
        }
    }

    fn hash(&mut self) {
        match &mut self.digest {
            Running::Sha1(digest) => digest.update(&self.buffer),
            Running::Sha256(digest) => digest.update(&self.buffer),
        }
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(canonicalization: Canonicalization, length: Option<u64>) -> BodyHashKind {
        BodyHashKind { canonicalization, algorithm: DigestAlgorithm::Sha256, length }
    }

    fn of(kind: BodyHashKind, body: &[u8]) -> BodyDigest {
        let mut hash = BodyHash::new(kind);
        hash.feed(body);
        hash.finish()
    }

    /// The canonical body, said as RFC 6376 says it: line by line, with the whole at hand.
    fn model(how: Canonicalization, body: &[u8]) -> Vec<u8> {
        let text: Vec<char> = body.iter().map(|octet| *octet as char).collect();
        let text: String = text.into_iter().collect();
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_string).collect();
        if how == Canonicalization::Relaxed {
            for line in &mut lines {
                let trimmed = line.trim_end_matches([' ', '\t']);
                let mut out = String::new();
                for c in trimmed.chars() {
                    match c {
                        ' ' | '\t' if out.ends_with(' ') => {}
                        ' ' | '\t' => out.push(' '),
                        c => out.push(c),
                    }
                }
                *line = out;
            }
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        if lines.is_empty() && how == Canonicalization::Simple {
            lines.push(String::new());
        }
        lines.iter().flat_map(|line| line.chars().map(|c| c as u8).chain(*b"\r\n")).collect()
    }

    #[test]
    fn examples_of_the_rfc() {
        let body = b" C \r\nD \t E\r\n\r\n\r\n";
        let relaxed = of(kind(Canonicalization::Relaxed, None), body);
        assert_eq!(relaxed.digest, Sha256::digest(b" C\r\nD E\r\n").to_vec());
        let simple = of(kind(Canonicalization::Simple, None), body);
        assert_eq!(simple.digest, Sha256::digest(b" C \r\nD \t E\r\n").to_vec());
        let empty = |how| of(kind(how, None), b"").digest;
        assert_eq!(empty(Canonicalization::Relaxed), Sha256::digest(b"").to_vec());
        assert_eq!(empty(Canonicalization::Simple), Sha256::digest(b"\r\n").to_vec());
    }

    #[test]
    fn lines_of_blanks_at_the_end_are_empty_lines() {
        let right = of(kind(Canonicalization::Relaxed, None), b"text\r\n");
        for body in
            [&b"text\r\n \t\r\n"[..], b"text\r\n\r\n  \r\n\t\r\n", b"text \r\n \r\n ", b"text\r\n "]
        {
            let found = of(kind(Canonicalization::Relaxed, None), body);
            assert_eq!(found, right, "{:?}", String::from_utf8_lossy(body));
        }
        let nothing = of(kind(Canonicalization::Relaxed, None), b" \r\n\t \r\n");
        assert_eq!(nothing.digest, Sha256::digest(b"").to_vec());
    }

    #[test]
    fn fields_of_the_rfc() {
        let relaxed = |raw: &[u8]| {
            let mut out = Vec::new();
            canonical_field(Canonicalization::Relaxed, raw, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(relaxed(b"A: X\r\n"), "a:X\r\n");
        assert_eq!(relaxed(b"B : Y\t\r\n\tZ  \r\n"), "b:Y Z\r\n");
        assert_eq!(relaxed(b"Empty: \r\n \r\n"), "empty:\r\n");
        assert_eq!(relaxed(b"no field"), "no field\r\n");
    }

    proptest! {
        #[test]
        fn pieces_are_as_good_as_the_whole(
            body in "([a-c .\t\r\n]|\r\n){0,60}",
            cuts in prop::collection::vec(0usize..60, 0..6),
            relaxed in any::<bool>(),
            length in prop::option::of(0u64..40),
        ) {
            let how = if relaxed { Canonicalization::Relaxed } else { Canonicalization::Simple };
            let body = body.as_bytes();
            let mut hash = BodyHash::new(kind(how, length));
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut <= body.len()).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts {
                hash.feed(&body[from..cut]);
                from = cut;
            }
            hash.feed(&body[from..]);
            let canonical = model(how, body);
            let signed = canonical.len().min(length.unwrap_or(u64::MAX) as usize);
            let found = hash.finish();
            prop_assert_eq!(found.octets, canonical.len() as u64);
            prop_assert_eq!(found.digest, Sha256::digest(&canonical[..signed]).to_vec());
        }

        #[test]
        fn relaxed_is_relaxed_once(value in "[a-c \t]{0,12}(\r\n[ \t][a-c \t]{0,8}){0,3}") {
            let mut once = Vec::new();
            canonical_field(Canonicalization::Relaxed, format!("Name:{value}\r\n").as_bytes(), &mut once);
            let mut twice = Vec::new();
            canonical_field(Canonicalization::Relaxed, &once, &mut twice);
            prop_assert_eq!(&once, &twice);
            prop_assert!(!once[..once.len() - 2].ends_with(b" ") && !once.windows(2).any(|w| w == b"  "));
        }
    }
}
