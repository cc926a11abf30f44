//! `local-part@domain`.

use std::fmt;
use words_base::SyntaxError;

/// Longest local-part (RFC 5321 §4.5.3.1.1), in octets.
const LOCAL_PART_MAX: usize = 64;
/// Longest domain (RFC 5321 §4.5.3.1.2), in octets.
const DOMAIN_MAX: usize = 255;

/// A DNS name or an address literal `[…]`, in lower case, without a final dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(String);

impl Domain {
    /// Reads a domain or an address literal. ASCII letters are made lower case; U-labels are kept.
    ///
    /// ```
    /// # use words_mail::Domain;
    /// assert_eq!(Domain::parse("Mired.ORG").unwrap().as_str(), "mired.org");
    /// assert!(Domain::parse("mired..org").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Domain, SyntaxError> {
        if text.is_empty() || text.len() > DOMAIN_MAX {
            return Err(SyntaxError::new(0, "a domain of 1 to 255 octets"));
        }
        if text.starts_with('[') {
            return Domain::parse_literal(text);
        }
        if text.chars().any(is_deceptive) {
            return Err(SyntaxError::new(0, "a domain without control characters"));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let mut at = 0;
        for label in name.split('.') {
            let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || !c.is_ascii();
            if label.is_empty() || label.len() > 63 || !label.chars().all(good) {
                return Err(SyntaxError::new(at, "a domain label of letters, digits and hyphens"));
            }
            at += label.len() + 1;
        }
        Ok(Domain(name.to_ascii_lowercase()))
    }

    fn parse_literal(text: &str) -> Result<Domain, SyntaxError> {
        let inner = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .ok_or(SyntaxError::new(text.len(), "\"]\" at the end of the address literal"))?;
        if inner.is_empty()
            || !inner.bytes().all(|b| b.is_ascii_graphic() && b != b'[' && b != b'\\')
        {
            return Err(SyntaxError::new(1, "an address literal"));
        }
        Ok(Domain(text.to_ascii_lowercase()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where mail goes: RFC 5321 §4.1.2 `Mailbox`, which we call address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local_part: String,
    domain: Domain,
}

impl Address {
    /// From its two halves; the local-part is taken as meant, without quotes.
    pub fn new(local_part: &str, domain: Domain) -> Result<Address, SyntaxError> {
        if local_part.is_empty() || local_part.len() > LOCAL_PART_MAX {
            return Err(SyntaxError::new(0, "a local-part of 1 to 64 octets"));
        }
        if local_part.chars().any(is_deceptive) {
            return Err(SyntaxError::new(0, "a local-part without control characters"));
        }
        Ok(Address { local_part: local_part.to_string(), domain })
    }

    /// Reads `local-part@domain`, the local-part a dot-atom or a quoted string.
    ///
    /// ```
    /// # use words_mail::Address;
    /// let ana: Address = Address::parse("ana@Mired.org").unwrap();
    /// assert_eq!(ana.to_string(), "ana@mired.org");
    /// assert_eq!(Address::parse("\"a b\"@x.org").unwrap().local_part(), "a b");
    /// ```
    pub fn parse(text: &str) -> Result<Address, SyntaxError> {
        let (local_part, rest) = match text.strip_prefix('"') {
            Some(quoted) => parse_quoted(quoted)?,
            None => parse_dot_atom(text)?,
        };
        let at = text.len() - rest.len();
        let domain = rest.strip_prefix('@').ok_or(SyntaxError::new(at, "\"@\" and a domain"))?;
        let domain =
            Domain::parse(domain).map_err(|e| SyntaxError::new(at + 1 + e.at, e.expected))?;
        Address::new(&local_part, domain)
    }

    /// What stands before the `@`, as meant, without quotes.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Does it need SMTPUTF8 (RFC 6531)?
    pub fn is_ascii(&self) -> bool {
        self.local_part.is_ascii() && self.domain.0.is_ascii()
    }
}

/// Control characters, those beyond ASCII too (RFC 6532 §3.1 lets them in by its wording alone), and
/// what ends lines or turns the direction of writing: a log or a page would show another address
/// than the one meant.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// RFC 5322 atext, and UTF-8 (RFC 6532 §3.2).
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii()
}

fn parse_dot_atom(text: &str) -> Result<(String, &str), SyntaxError> {
    // Departs from RFC 5321 §4.1.2: dots at the ends or doubled are taken, since real addresses
    // of some providers have them; they name nobody here unless an account is so named.
    let end = text.find(|c| !is_atext(c) && c != '.').unwrap_or(text.len());
    if end == 0 {
        return Err(SyntaxError::new(0, "a local-part"));
    }
    Ok((text[..end].to_string(), &text[end..]))
}

fn parse_quoted(text: &str) -> Result<(String, &str), SyntaxError> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((out, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, c)) => out.push(c),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err(SyntaxError::new(text.len() + 1, "a closing quote of the local-part"))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.local_part.chars().all(|c| is_atext(c) || c == '.') {
            return write!(f, "{}@{}", self.local_part, self.domain);
        }
        f.write_str("\"")?;
        for c in self.local_part.chars() {
            if c == '"' || c == '\\' {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for text in
            ["ana@mired.org", "\"a b\"@x.org", "\"a\\\"b\"@x.org", "ñ@xn--a.org", "a+b@[127.0.0.1]"]
        {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(Address::parse(&address.to_string()).unwrap(), address);
        }
    }

    #[test]
    fn no_address_writes_over_the_lines_of_a_log() {
        for c in ['\u{1b}', '\u{9b}', '\u{85}', '\u{2028}', '\u{202e}', '\u{2066}', '\r', '\0'] {
            for text in [format!("a{c}@x.org"), format!("\"{c}\"@x.org"), format!("a@x{c}.org")] {
                assert!(Address::parse(&text).is_err(), "{text:?}");
            }
        }
        // Joiners spell words of several languages.
        assert!(Address::parse("\u{646}\u{200c}\u{645}@x.org").is_ok());
    }

    #[test]
    fn nonsense_says_what_was_expected() {
        for (text, at) in
            [("", 0), ("@x", 0), ("ana", 3), ("ana@", 4), ("ana@a b", 4), ("\"ana@x", 6)]
        {
            assert_eq!(Address::parse(text).unwrap_err().at, at, "{text}");
        }
    }
}
