//! Modified UTF-7, in which IMAP4rev1 writes mailbox names (RFC 3501 §5.1.3).
//!
//! Printable ASCII stands for itself, `&-` is an ampersand, and everything else is UTF-16 in a
//! base64 of its own (`,` in place of `/`, no padding) between `&` and `-`.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Writes a name in modified UTF-7.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut run = String::new();
    for c in text.chars() {
        if !matches!(c, ' '..='~') {
            run.push(c);
            continue;
        }
        encode_run(&mut out, &mut run);
        out.push(c);
        if c == '&' {
            out.push('-');
        }
    }
    encode_run(&mut out, &mut run);
    out
}

fn encode_run(out: &mut String, run: &mut String) {
    if run.is_empty() {
        return;
    }
    out.push('&');
    let mut bits: u32 = 0;
    let mut count = 0;
    for unit in run.encode_utf16() {
        bits = bits << 16 | u32::from(unit);
        count += 16;
        while count >= 6 {
            count -= 6;
            out.push(digit(bits >> count));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        out.push(digit(bits << (6 - count)));
    }
    out.push('-');
    run.clear();
}

fn digit(bits: u32) -> char {
    char::from(ALPHABET[(bits & 63) as usize])
}

/// Reads a name in modified UTF-7; `None` if it is none. Printable ASCII that was encoded
/// needlessly is taken, since some clients do so.
pub fn decode(text: &str) -> Option<String> {
    if !text.is_ascii() {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, shifted)) = rest.split_once('&') {
        out.push_str(plain);
        let (run, after) = shifted.split_once('-')?;
        if run.is_empty() {
            out.push('&');
        } else {
            decode_run(&mut out, run)?;
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn decode_run(out: &mut String, run: &str) -> Option<()> {
    let mut units = Vec::with_capacity(run.len() / 2);
    let mut bits: u32 = 0;
    let mut count = 0;
    for octet in run.bytes() {
        let value = ALPHABET.iter().position(|d| *d == octet)? as u32;
        bits = bits << 6 | value;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push((bits >> count) as u16);
            bits &= (1 << count) - 1;
        }
    }
    // What is left over pads the last digit: less than a digit, and zeroes.
    if count >= 6 || bits != 0 {
        return None;
    }
    for c in char::decode_utf16(units) {
        out.push(c.ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: [(&str, &str); 8] = [
        ("INBOX", "INBOX"),
        ("R&D", "R&-D"),
        // RFC 3501 §5.1.3.
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("Enviados año", "Enviados a&APE-o"),
        ("Entwürfe", "Entw&APw-rfe"),
        ("😀", "&2D3eAA-"),
        ("ñ&ñ", "&APE-&-&APE-"),
        ("", ""),
    ];

    #[test]
    fn known_names_go_both_ways() {
        for (name, encoded) in PAIRS {
            assert_eq!(encode(name), encoded);
            assert_eq!(decode(encoded).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_is_not_modified_utf7_is_told() {
        for text in ["R&D", "&", "&APE", "&AP-", "&A-", "&2D0-", "&3gA-", "a/b&/-", "ñ", "&AAAAA-"]
        {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn every_character_reads_back() {
        for c in (1..=0x10ffffu32).step_by(61).filter_map(char::from_u32) {
            let name = format!("a{c}{c}&{c}");
            let encoded = encode(&name);
            assert!(encoded.bytes().all(|b| (b' '..=b'~').contains(&b)));
            assert_eq!(decode(&encoded), Some(name));
        }
    }
}
