//! What the records of MTA-STS and TLS reporting have in common: a version, then fields `name=value`
//! with semicolons between them.

/// A record longer than this is none.
pub(crate) const RECORD_LEN_MAX: usize = 4096;

/// ```text
/// record      = version 1*(field-delim field) [field-delim]
/// field-delim = *WSP ";" *WSP
/// ```
/// The fields behind `version`; none if the text is no such record (RFC 8461 §3.1, RFC 8460 §3).
pub(crate) fn fields<'a>(version: &str, text: &'a [u8]) -> Option<Vec<(&'a str, &'a str)>> {
    if text.len() > RECORD_LEN_MAX {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let rest = behind_version(version, text)?;
    let mut fields: Vec<&str> = rest.split(';').map(trim).collect();
    if fields.last() == Some(&"") {
        fields.pop();
    }
    fields
        .into_iter()
        .map(|field| field.split_once('=').filter(|(name, _)| is_name(name)))
        .collect()
}

/// Does the text say that it is such a record, well made or not?
pub(crate) fn has_version(version: &str, text: &[u8]) -> bool {
    let text = text.get(..RECORD_LEN_MAX).unwrap_or(text);
    behind_version(version, &String::from_utf8_lossy(text)).is_some()
}

fn behind_version<'a>(version: &str, text: &'a str) -> Option<&'a str> {
    text.strip_prefix(version)?.trim_start_matches([' ', '\t']).strip_prefix(';')
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// `name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")`
pub(crate) fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(inner)
}
