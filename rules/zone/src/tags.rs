//! Lists of `tag=value`, as DKIM, DMARC, MTA-STS and TLS-RPT have them (RFC 6376 §3.2).

/// The value of a tag, white space taken out. `None`: it is not there.
pub fn value(text: &str, tag: &str) -> Option<String> {
    text.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        (name.trim() == tag).then(|| value.split_ascii_whitespace().collect())
    })
}

/// Does the list begin with `v=` and this version?
pub fn is_version(text: &str, version: &str) -> bool {
    let first = text.split(';').next().unwrap_or_default();
    matches!(first.split_once('='), Some((name, value)) if name.trim() == "v" && value.trim() == version)
}
