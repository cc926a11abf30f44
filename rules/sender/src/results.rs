//! The Authentication-Results field (RFC 8601).

use crate::{DkimVerdict, Identity, ResultWord, Verdicts};

/// Longest value that is told, in octets: what strangers name themselves is cut.
const VALUE_MAX: usize = 255;
/// Most signatures that are told.
const DKIM_MAX: usize = 10;
/// Preferred width of a line (RFC 5322 §2.1.1).
const WIDTH: usize = 78;

/// The field that tells `verdicts` as found by `host` (RFC 8601 §2.2), folded, with its line end.
/// Whatever a stranger wrote is quoted, and cut if it is long.
///
/// ```text
/// Authentication-Results: asterix.mired.org;
///  iprev=pass policy.iprev=192.168.100.9 (mx.exterior.test);
///  spf=pass smtp.mailfrom=eva@exterior.test;
///  dkim=pass header.d=exterior.test header.s=k1 header.a=rsa-sha256 header.b=Kc3xq0Pz;
///  dmarc=pass header.from=exterior.test
/// ```
pub fn authentication_results(host: &str, verdicts: &Verdicts) -> String {
    let mut field = format!("Authentication-Results: {}", value(host));
    for method in methods(verdicts) {
        field.push_str(";\r\n");
        fold(&method, &mut field);
    }
    field.push_str("\r\n");
    field
}

/// Does the value of an Authentication-Results field say that `host` has written it? A field that
/// came with a message and says so is forged (RFC 8601 §5).
pub fn claims_to_be_from(value: &[u8], host: &str) -> bool {
    // Comments may stand before the name; a quoted name is a name too.
    let mut depth = 0usize;
    let mut name = Vec::new();
    let mut quoted = false;
    let mut octets = value.iter().copied();
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' if quoted || depth > 0 => {
                let next = octets.next().unwrap_or_default();
                if depth == 0 {
                    name.push(next);
                }
            }
            b'"' if depth == 0 => quoted = !quoted,
            _ if quoted => name.push(octet),
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            b';' => break,
            b' ' | b'\t' | b'\r' | b'\n' if name.is_empty() => {}
            // A version may follow the name (RFC 8601 §2.2).
            b' ' | b'\t' | b'\r' | b'\n' => break,
            _ => name.push(octet),
        }
    }
    let name = name.strip_suffix(b".").unwrap_or(&name);
    name.eq_ignore_ascii_case(host.trim_end_matches('.').as_bytes())
}

fn methods(verdicts: &Verdicts) -> Vec<String> {
    let mut methods = vec![iprev(verdicts), spf(verdicts)];
    if verdicts.dkim.is_empty() {
        methods.push("dkim=none".to_string());
    }
    methods.extend(verdicts.dkim.iter().take(DKIM_MAX).map(dkim));
    methods.push(dmarc(verdicts));
    if verdicts.arc.result != ResultWord::None {
        methods.push(arc(verdicts));
    }
    methods
}

fn iprev(verdicts: &Verdicts) -> String {
    let iprev = &verdicts.iprev;
    let mut method =
        format!("iprev={} policy.iprev={}", iprev.result, value(&iprev.address.to_string()));
    match &iprev.name {
        Some(name) => comment(&mut method, name),
        None => comment(&mut method, &iprev.reason),
    }
    method
}

fn spf(verdicts: &Verdicts) -> String {
    let spf = &verdicts.spf;
    let mut method = format!("spf={}", spf.result);
    if spf.result != ResultWord::Pass {
        comment(&mut method, &spf.reason);
    }
    match &spf.identity {
        Identity::MailFrom(address) => property(&mut method, "smtp.mailfrom", address),
        Identity::Helo(name) => property(&mut method, "smtp.helo", name),
    }
    method
}

fn dkim(verdict: &DkimVerdict) -> String {
    let mut method = format!("dkim={}", verdict.result);
    if verdict.result != ResultWord::Pass {
        comment(&mut method, &verdict.reason);
    }
    for flaw in &verdict.flaws {
        comment(&mut method, flaw.as_str());
    }
    property(&mut method, "header.d", &verdict.domain);
    if let Some(identity) = &verdict.identity {
        property(&mut method, "header.i", identity);
    }
    property(&mut method, "header.s", &verdict.selector);
    property(&mut method, "header.a", &verdict.algorithm);
    property(&mut method, "header.b", &verdict.signature);
    method
}

fn dmarc(verdicts: &Verdicts) -> String {
    let dmarc = &verdicts.dmarc;
    let mut method = format!("dmarc={}", dmarc.result);
    match dmarc.result {
        ResultWord::Pass => {}
        ResultWord::Fail => {
            let reason = format!("p={}: {}", dmarc.policy.as_str(), dmarc.reason);
            comment(&mut method, &reason);
        }
        _ => comment(&mut method, &dmarc.reason),
    }
    property(&mut method, "header.from", &dmarc.from);
    method
}

fn arc(verdicts: &Verdicts) -> String {
    let arc = &verdicts.arc;
    let mut method = format!("arc={}", arc.result);
    match arc.sealers.first() {
        Some(sealer) => comment(&mut method, &format!("i={} {sealer}", arc.sets)),
        None => comment(&mut method, &arc.reason),
    }
    method
}

/// Adds ` name=value`, unless there is nothing to tell.
fn property(method: &mut String, name: &str, text: &str) {
    if !text.is_empty() {
        method.push_str(&format!(" {name}={}", value(text)));
    }
}

/// Adds ` (text)`: what could end the comment or the line is made harmless.
fn comment(method: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    let safe = |c: char| match c {
        '(' | '[' => '[',
        ')' | ']' => ']',
        '\\' => '/',
        c if c.is_control() => '?',
        c => c,
    };
    method.push_str(" (");
    method.extend(cut(text).chars().map(safe));
    method.push(')');
}

/// A value as it may stand there (RFC 8601 §2.2): a token, an address or a domain as it is, all else
/// as a quoted string.
fn value(text: &str) -> String {
    let text = cut(text);
    // RFC 2045 §5.1, with the "@" that an address has between two parts.
    let special = |c: char| {
        matches!(
            c,
            '(' | ')' | '<' | '>' | ',' | ';' | ':' | '\\' | '"' | '/' | '[' | ']' | '?' | '='
        )
    };
    let plain = |c: char| !special(c) && !c.is_control() && !c.is_whitespace();
    if !text.is_empty() && text.chars().all(plain) && text.matches('@').count() <= 1 {
        return text.to_string();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push('?'),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(VALUE_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Adds `method`, folded at blanks.
fn fold(method: &str, field: &mut String) {
    let mut width = 0;
    for word in method.split(' ') {
        if width > 0 && width + 1 + word.len() > WIDTH {
            field.push_str("\r\n");
            width = 0;
        }
        if width == 0 {
            // Further lines stand a little further in.
            field.push_str(if field.ends_with(";\r\n") { " " } else { "  " });
            width = 1;
        } else {
            field.push(' ');
            width += 1;
        }
        field.push_str(word);
        width += word.len();
    }
}
