//! The record (RFC 7208 §4.6, §5, §12).

use crate::ResultWord;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A record, read whole: an error anywhere spoils it (RFC 7208 §4.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// In their order.
    pub(super) directives: Vec<(ResultWord, Mechanism)>,
    /// Where to go on if none matches; dropped if there is an `all`.
    pub(super) redirect: Option<Target>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(Target),
    A { target: Option<Target>, prefixes: Prefixes },
    Mx { target: Option<Target>, prefixes: Prefixes },
    Ptr { target: Option<Target> },
    Ip { network: IpAddr, prefix: u8 },
    Exists(Target),
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mechanism::All => f.write_str("all"),
            Mechanism::Include(target) => write!(f, "include:{}", target.text),
            Mechanism::A { target, .. } => named(f, "a", target),
            Mechanism::Mx { target, .. } => named(f, "mx", target),
            Mechanism::Ptr { target } => named(f, "ptr", target),
            Mechanism::Ip { network: IpAddr::V4(network), prefix } => {
                write!(f, "ip4:{network}/{prefix}")
            }
            Mechanism::Ip { network, prefix } => write!(f, "ip6:{network}/{prefix}"),
            Mechanism::Exists(target) => write!(f, "exists:{}", target.text),
        }
    }
}

fn named(f: &mut fmt::Formatter<'_>, name: &str, target: &Option<Target>) -> fmt::Result {
    match target {
        Some(target) => write!(f, "{name}:{}", target.text),
        None => f.write_str(name),
    }
}

/// How much of an address counts, for each family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefixes {
    v4: u8,
    v6: u8,
}

impl Prefixes {
    pub(super) fn of(self, ip: IpAddr) -> u8 {
        if ip.is_ipv4() { self.v4 } else { self.v6 }
    }
}

/// A name with macros in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As it is written.
    pub(super) text: String,
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Macro(Macro),
}

/// `%{d2r.-}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Macro {
    pub(super) letter: char,
    /// Of the right, so many parts; `None`: all.
    pub(super) count: Option<usize>,
    pub(super) reverse: bool,
    pub(super) delimiters: Vec<char>,
    /// Written as a capital: to be escaped as in a URI.
    pub(super) escape: bool,
}

impl Record {
    /// Reads a text that begins with `v=spf1`. `Err` is the term that is wrong.
    pub(super) fn parse(text: &str) -> Result<Record, String> {
        let mut record = Record { directives: Vec::new(), redirect: None };
        let mut explained = false;
        let terms = text.get(6..).unwrap_or_default().split(' ').filter(|term| !term.is_empty());
        for term in terms {
            let wrong = || term.chars().take(80).collect::<String>();
            match modifier(term) {
                Some(("redirect", value)) if record.redirect.is_none() => {
                    record.redirect = Some(domain_spec(value).ok_or_else(wrong)?);
                }
                Some(("exp", value)) if !explained => {
                    domain_spec(value).ok_or_else(wrong)?;
                    explained = true;
                }
                // Twice (RFC 7208 §6).
                Some(("redirect" | "exp", _)) => return Err(wrong()),
                Some((_, value)) => {
                    macro_string(value, Letters::All).ok_or_else(wrong)?;
                }
                None => record.directives.push(directive(term).ok_or_else(wrong)?),
            }
        }
        if record.directives.iter().any(|(_, mechanism)| *mechanism == Mechanism::All) {
            record.redirect = None;
        }
        Ok(record)
    }
}

/// `name=value`, the name in lower case if it is one we know.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(letter) {
        return None;
    }
    let known = ["redirect", "exp"].into_iter().find(|known| known.eq_ignore_ascii_case(name));
    Some((known.unwrap_or(name), value))
}

fn directive(term: &str) -> Option<(ResultWord, Mechanism)> {
    let (qualifier, rest) = match term.as_bytes().first()? {
        b'+' => (ResultWord::Pass, &term[1..]),
        b'-' => (ResultWord::Fail, &term[1..]),
        b'~' => (ResultWord::SoftFail, &term[1..]),
        b'?' => (ResultWord::Neutral, &term[1..]),
        _ => (ResultWord::Pass, term),
    };
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let mechanism = match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Mechanism::All,
        "include" => Mechanism::Include(domain_spec(rest.strip_prefix(':')?)?),
        "exists" => Mechanism::Exists(domain_spec(rest.strip_prefix(':')?)?),
        "a" => {
            let (target, prefixes) = target_and_prefixes(rest)?;
            Mechanism::A { target, prefixes }
        }
        "mx" => {
            let (target, prefixes) = target_and_prefixes(rest)?;
            Mechanism::Mx { target, prefixes }
        }
        "ptr" if rest.is_empty() => Mechanism::Ptr { target: None },
        "ptr" => Mechanism::Ptr { target: Some(domain_spec(rest.strip_prefix(':')?)?) },
        "ip4" => {
            let (address, prefix) = network(rest.strip_prefix(':')?, 32)?;
            Mechanism::Ip { network: IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), prefix }
        }
        "ip6" => {
            let (address, prefix) = network(rest.strip_prefix(':')?, 128)?;
            Mechanism::Ip { network: IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), prefix }
        }
        _ => return None,
    };
    Some((qualifier, mechanism))
}

fn network(text: &str, most: u8) -> Option<(&str, u8)> {
    match text.split_once('/') {
        Some((address, digits)) => Some((address, prefix(digits, most)?)),
        None => Some((text, most)),
    }
}

/// Digits without leading zeros (RFC 7208 §12).
fn prefix(digits: &str, most: u8) -> Option<u8> {
    let good = !digits.is_empty() && digits.bytes().all(|d| d.is_ascii_digit());
    let leads = digits.len() > 1 && digits.starts_with('0');
    (good && !leads).then(|| digits.parse().ok()).flatten().filter(|prefix| *prefix <= most)
}

/// `:domain/24//64`, each of it or not.
fn target_and_prefixes(text: &str) -> Option<(Option<Target>, Prefixes)> {
    let mut prefixes = Prefixes { v4: 32, v6: 128 };
    let mut rest = text;
    if let Some((before, digits)) = rest.rsplit_once("//")
        && digits.bytes().all(|d| d.is_ascii_digit())
    {
        prefixes.v6 = prefix(digits, 128)?;
        rest = before;
    }
    // A slash may also stand in the name.
    if let Some((before, digits)) = rest.rsplit_once('/')
        && digits.bytes().all(|d| d.is_ascii_digit())
    {
        prefixes.v4 = prefix(digits, 32)?;
        rest = before;
    }
    match rest {
        "" => Some((None, prefixes)),
        rest => Some((Some(domain_spec(rest.strip_prefix(':')?)?), prefixes)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    /// Those of names.
    Names,
    /// Those of explanations too.
    All,
}

/// A macro string that ends like a name (RFC 7208 §7.1).
fn domain_spec(text: &str) -> Option<Target> {
    let parts = macro_string(text, Letters::Names)?;
    let ends = match parts.last()? {
        Part::Macro(_) => true,
        Part::Text(text) => ends_like_a_name(text, parts.len() > 1),
    };
    ends.then(|| Target { text: text.to_string(), parts })
}

/// `domain-end` (RFC 7208 §7.1): "." and a top label, of which not all are digits.
fn ends_like_a_name(text: &str, after_macro: bool) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some((before, top)) = text.rsplit_once('.') else { return false };
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (after_macro || !before.is_empty())
        && top.chars().all(letter)
        && top.chars().any(|c| c.is_ascii_alphabetic() || c == '-')
        && !top.is_empty()
        && !top.starts_with('-')
        && !top.ends_with('-')
}

fn macro_string(text: &str, letters: Letters) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '%' {
            if !c.is_ascii_graphic() {
                return None;
            }
            plain.push(c);
            continue;
        }
        let next = rest.chars().next()?;
        rest = &rest[next.len_utf8()..];
        match next {
            '%' => plain.push('%'),
            '_' => plain.push(' '),
            '-' => plain.push_str("%20"),
            '{' => {
                let (inner, after) = rest.split_once('}')?;
                rest = after;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Macro(read_macro(inner, letters)?));
            }
            _ => return None,
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Some(parts)
}

fn read_macro(inner: &str, letters: Letters) -> Option<Macro> {
    let letter = inner.chars().next()?;
    let small = letter.to_ascii_lowercase();
    match small {
        's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'v' | 'h' => {}
        'c' | 'r' | 't' if letters == Letters::All => {}
        _ => return None,
    }
    let rest = &inner[1..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = rest.split_at(digits);
    let count = match digits {
        "" => None,
        // More than fits is all; none at all is an error (RFC 7208 §7.3).
        digits => Some(Some(digits.parse().unwrap_or(usize::MAX)).filter(|count| *count > 0)?),
    };
    let (reverse, rest) = match rest.strip_prefix(['r', 'R']) {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if !rest.chars().all(|c| matches!(c, '.' | '-' | '+' | ',' | '/' | '_' | '=')) {
        return None;
    }
    let delimiters = if rest.is_empty() { vec!['.'] } else { rest.chars().collect() };
    Some(Macro { letter: small, count, reverse, delimiters, escape: letter.is_ascii_uppercase() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terms_of_the_rfc() {
        for (term, printed) in [
            ("all", "all"),
            ("-ALL", "all"),
            ("ip4:192.0.2.0/24", "ip4:192.0.2.0/24"),
            ("ip6:2001:db8::cb01", "ip6:2001:db8::cb01/128"),
            ("a:mired.org/24//64", "a:mired.org"),
            ("mx//64", "mx"),
            ("exists:%{ir}.%{v}._spf.%{d2}", "exists:%{ir}.%{v}._spf.%{d2}"),
            ("?ptr:%{d1r+-/}.org", "ptr:%{d1r+-/}.org"),
        ] {
            let (_, mechanism) = directive(term).expect(term);
            assert_eq!(mechanism.to_string(), printed);
        }
    }

    #[test]
    fn terms_that_spoil_the_record() {
        for term in [
            "all:x.org",
            "all/8",
            "include",
            "include:",
            "ip4:192.0.2.0/33",
            "ip4:192.0.2.0/08",
            "ip4:1.2.3",
            "ip6:2001:db8::/129",
            "a:",
            "a/",
            "a//129",
            "mx:localhost",
            "exists:%{z}.org",
            "exists:%{d0}.org",
            "exists:%(d).org",
            "a:x.org/24/24",
            "a:%{r}.org",
            "nothing",
            "-",
            "a:x.123",
            "redirect=",
            "exp=%{",
            "a:ñ.org",
        ] {
            assert!(Record::parse(&format!("v=spf1 {term}")).is_err(), "{term}");
        }
        for twice in ["redirect=a.org redirect=b.org", "exp=a.org exp=a.org"] {
            assert!(Record::parse(&format!("v=spf1 {twice}")).is_err(), "{twice}");
        }
        assert!(Record::parse("v=spf1  unknown=%{c}  -all ").is_ok());
    }

    proptest! {
        #[test]
        fn no_record_breaks_it(text in "v=spf1( ?[a-z0-9%{}:/.=+~?-]{0,12}){0,6}|v=spf1.{0,40}") {
            let _ = Record::parse(&text);
        }
    }
}
