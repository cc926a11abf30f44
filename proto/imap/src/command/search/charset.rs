//! In which charset a command's texts are written.

use crate::cursor::{Cursor, ParseError};
use crate::tagged::{Code, Tagged};
use words_message::CharsetDecoder;

/// A charset. Without one, texts are ASCII by RFC 3501; octets over 127 are read as UTF-8 where
/// they are that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::command) struct Charset(Option<&'static str>);

/// Those that clients have been seen to use.
const KNOWN: [&str; 5] = ["US-ASCII", "UTF-8", "ISO-8859-1", "ISO-8859-15", "WINDOWS-1252"];

impl Charset {
    /// `charset = atom / quoted`; one that is not known is refused with those that are.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Charset, ParseError> {
        let name = cursor.astring("a charset like UTF-8")?;
        let known = KNOWN.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(&name));
        match known {
            // What claims to be ASCII and is not, is most likely UTF-8.
            Some(&"US-ASCII") => Ok(Charset(None)),
            Some(known) => Ok(Charset(Some(known))),
            None => {
                let code = format!("BADCHARSET ({})", KNOWN.join(" "));
                let refused = Tagged::no(Code::Printed(code.into_bytes()), "Charset not known");
                Err(ParseError::Refused(refused))
            }
        }
    }

    /// What octets mean.
    pub fn decode(self, octets: &[u8]) -> String {
        let mut text = String::with_capacity(octets.len());
        let mut decoder = CharsetDecoder::new(self.0);
        decoder.feed(octets, &mut text);
        decoder.finish(&mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::Utf8;

    #[test]
    fn texts_are_read_in_their_charset() {
        for (name, octets, text) in [
            ("utf-8", &b"a\xc3\xb1o"[..], "año"),
            ("ISO-8859-1", b"a\xf1o", "año"),
            ("\"US-ASCII\"", b"ano", "ano"),
            ("US-ASCII", b"a\xc3\xb1o", "año"),
        ] {
            let charset = Charset::parse(&mut Cursor::new(name.as_bytes(), Utf8::Off)).unwrap();
            assert_eq!(charset.decode(octets), text, "{name}");
        }
        assert!(Charset::parse(&mut Cursor::new(b"KLINGON", Utf8::Off)).is_err());
    }
}
