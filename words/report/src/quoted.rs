//! Quoted-printable (RFC 2045 §6.7): text that survives every road.

/// Longest line that is written, its final `=` included.
const LINE_MAX: usize = 76;

/// `text`, its lines ending with `\n`, as quoted-printable with CRLF line ends.
pub(crate) fn quoted_printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_terminator('\n') {
        encode_line(line, &mut out);
        out.push_str("\r\n");
    }
    out
}

fn encode_line(line: &str, out: &mut String) {
    let mut column = 0;
    let last = line.len().wrapping_sub(1);
    for (at, octet) in line.bytes().enumerate() {
        let blank_at_end = at == last && matches!(octet, b' ' | b'\t');
        let printable = matches!(octet, b' '..=b'~' | b'\t') && octet != b'=' && !blank_at_end;
        if column + if printable { 1 } else { 3 } > LINE_MAX - 1 {
            out.push_str("=\r\n");
            column = 0;
        }
        // No line begins as a boundary does, whatever a stranger has written.
        let plain = printable && (column > 0 || octet != b'-');
        let width = if plain { 1 } else { 3 };
        match plain {
            true => out.push(char::from(octet)),
            false => out.push_str(&format!("={octet:02X}")),
        }
        column += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words_message::{TransferDecoder, TransferEncoding};

    #[test]
    fn what_is_quoted_reads_back() {
        let long = "palabra ".repeat(40);
        for text in [
            "",
            "\n",
            "a\n",
            "España = €\n",
            "blank \n\ttab\t\n",
            &format!("{long}\n"),
            &"ñ".repeat(99),
        ] {
            let quoted = quoted_printable(text);
            assert!(quoted.is_ascii());
            assert!(quoted.lines().all(|line| line.len() <= LINE_MAX), "{quoted}");
            let mut decoder = TransferDecoder::new(TransferEncoding::QuotedPrintable);
            let mut decoded = Vec::new();
            decoder.feed(quoted.as_bytes(), &mut decoded);
            decoder.finish(&mut decoded);
            let decoded = String::from_utf8(decoded).unwrap().replace("\r\n", "\n");
            assert_eq!(decoded.trim_end_matches('\n'), text.trim_end_matches('\n'));
        }
    }
}
