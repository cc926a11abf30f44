//! The decoder against a slow model of the same rules, and the sequences that smugglers use.

use super::*;
use proptest::prelude::*;

/// The same rules over a whole message at once: its octets, whether an end was met, bare line ends.
fn model(text: &[u8], dots: Dots) -> (Vec<u8>, bool, bool) {
    let (mut out, mut bare, mut strict, mut at) = (Vec::new(), false, true, 0);
    while at < text.len() {
        let len = text[at..].iter().position(|b| b"\r\n".contains(b));
        let line = &text[at..len.map_or(text.len(), |len| at + len)];
        let rest = &text[at + line.len()..];
        let crlf = rest.starts_with(b"\r\n");
        if crlf && strict && line == b"." && dots == Dots::Stuffed {
            return (out, true, bare);
        }
        let stuffed = dots == Dots::Stuffed && line.len() > 1 && line[0] == b'.';
        out.extend_from_slice(if stuffed { &line[1..] } else { line });
        if !rest.is_empty() {
            out.extend_from_slice(b"\r\n");
        }
        bare |= !rest.is_empty() && !crlf;
        strict = crlf;
        at += line.len() + if crlf { 2 } else { usize::from(!rest.is_empty()) };
    }
    (out, false, bare)
}

fn decode(pieces: &[&[u8]], dots: Dots) -> (Vec<u8>, bool, bool) {
    let mut decoder = Decoder::new(dots);
    let mut out = Vec::new();
    for piece in pieces {
        let decoded = decoder.decode(piece, &mut out);
        if decoded.ended {
            return (out, true, decoder.has_bare_line_ends());
        }
        assert_eq!(decoded.used, piece.len());
    }
    decoder.finish(&mut out);
    (out, false, decoder.has_bare_line_ends())
}

#[test]
fn dots_are_unstuffed_and_a_lone_one_ends() {
    for (text, want) in [
        (&b".\r\n"[..], &b""[..]),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.a\r\n...b\r\n.\r\n", b".\r\na\r\n..b\r\n"),
        (b"\r\n\r\n.\r\n", b"\r\n\r\n"),
        (b"a\0b\r\n.\r\n", b"a\0b\r\n"),
    ] {
        assert_eq!(decode(&[text], Dots::Stuffed), (want.to_vec(), true, false), "{text:?}");
    }
}

#[test]
fn smuggled_ends_end_nothing() {
    for middle in [
        "\n.\n",
        "\r.\r",
        "\n.\r\n",
        "\r\n.\n",
        "\r\n.\r",
        "\r.\n",
        "\n.\r",
        "\r.\r\n",
        "\r\n\n.\r\n",
        "\r\n.\r\r\n",
    ] {
        let text = format!("a{middle}MAIL FROM:<x@y>\r\n.\r\n");
        let (out, ended, bare) = decode(&[text.as_bytes()], Dots::Stuffed);
        let tail = b"MAIL FROM:<x@y>\r\n";
        assert!(ended && bare && out.ends_with(tail), "{middle:?} gave {out:?}");
    }
}

#[test]
fn a_chunk_has_no_dots() {
    let got = decode(&[b".\r\n..\r\n\r"], Dots::Plain);
    assert_eq!(got, (b".\r\n..\r\n\r\n".to_vec(), false, true));
}

proptest! {
    #[test]
    fn any_cut_gives_what_the_model_gives(
        text in "[.a\r\n]{0,24}",
        cuts in proptest::collection::vec(0usize..25, 0..5),
    ) {
        let text = format!("{text}a\r\n.\r\n");
        let text = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
        for dots in [Dots::Stuffed, Dots::Plain] {
            prop_assert_eq!(decode(&pieces, dots), model(text, dots));
        }
    }
}
