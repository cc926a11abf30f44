//! Lines of a body that look like the beginning of a message.

/// Does the line have this form: any number of `>`, then `From `? Tells how many.
fn depth(line: &[u8]) -> Option<usize> {
    let depth = line.iter().take_while(|b| **b == b'>').count();
    line.get(depth..)?.starts_with(b"From ").then_some(depth)
}

/// A line as it was before it was quoted: without one `>` if it has any before `From `.
pub fn unquote(line: &[u8]) -> &[u8] {
    match depth(line) {
        Some(depth) if depth > 0 => &line[1..],
        _ => line,
    }
}

/// Appends a line, with one more `>` where mboxrd wants it.
pub fn quote_mboxrd(line: &[u8], out: &mut Vec<u8>) {
    out.extend(depth(line).map(|_| b'>'));
    out.extend_from_slice(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_quoted_is_unquoted(line in ">{0,3}(From |from|Frob)?.{0,9}") {
            let mut quoted = Vec::new();
            quote_mboxrd(line.as_bytes(), &mut quoted);
            prop_assert!(!quoted.starts_with(b"From "));
            prop_assert_eq!(unquote(&quoted), line.as_bytes());
        }
    }

    #[test]
    fn other_lines_stay() {
        for line in [&b">From"[..], b"> From x", b">>", b"", b"From: x", b"From x"] {
            assert_eq!(unquote(line), line);
        }
        assert_eq!(unquote(b">>From x"), b">From x");
    }
}
