//! Searching the text of a whole message (RFC 9051 §6.4.4, `BODY` and `TEXT`), in a stream.

use crate::charset::{CharsetDecoder, casefold, keeps_ascii};
use crate::encoded_word::decode_header;
use crate::header::Header;
use crate::mime_field::MimeFields;
use crate::scanner::{Listener, Owner, Scanner};
use crate::transfer::{TransferDecoder, TransferEncoding};
use memchr::memmem;

/// Octets that are searched at once.
const WINDOW: usize = 64 * 1024;
/// Octets that are decoded at once.
const BLOCK: usize = 16 * 1024;

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `TEXT`: every header, as sent and as shown, and what `Body` looks at.
    Text,
    /// `BODY`: the content of all parts of type `text` or `message`, decoded. No header is looked
    /// at, not even that of a part or of a message in the message.
    Body,
}

/// Looks for a text in a message that comes in chunks.
///
/// ```
/// use words_message::{Scope, TextSearcher};
/// let mut searcher = TextSearcher::new("hello world", Scope::Body);
/// searcher.feed(b"Content-Transfer-Encoding: quoted-printable\r\n\r\nHello w=\r");
/// searcher.feed(b"\norld");
/// assert!(searcher.finish());
/// ```
#[derive(Debug)]
pub struct TextSearcher {
    scanner: Scanner<Search>,
}

impl TextSearcher {
    /// Looks for `needle`, which is case-folded already (see [`casefold`]). An empty one is
    /// everywhere.
    pub fn new(needle: &str, scope: Scope) -> TextSearcher {
        let search = Search { window: Window::new(needle), scope, leaf: Leaf::Skipped };
        TextSearcher { scanner: Scanner::new(search) }
    }

    /// Takes the next chunk of the message. Once true, the needle is found, and nothing more need
    /// be fed.
    pub fn feed(&mut self, chunk: &[u8]) -> bool {
        if !self.is_found() {
            self.scanner.feed(chunk);
        }
        self.is_found()
    }

    /// The message is over: was the needle in it?
    pub fn finish(self) -> bool {
        self.is_found() || self.scanner.finish().1.window.found
    }

    fn is_found(&self) -> bool {
        self.scanner.listener().window.found
    }
}

#[derive(Debug)]
struct Search {
    window: Window,
    scope: Scope,
    leaf: Leaf,
}

/// How the octets of the present leaf become text.
#[derive(Debug)]
enum Leaf {
    /// It is no text.
    Skipped,
    /// They are searched as they come.
    Plain,
    /// They are decoded first.
    Decoded { transfer: TransferDecoder, charset: Option<CharsetDecoder> },
}

impl Listener for Search {
    fn header(&mut self, header: &[u8], _owner: Owner) {
        if self.scope == Scope::Text {
            self.search_header(header);
        }
    }

    fn leaf(&mut self, fields: &MimeFields) {
        let content_type = &fields.content_type;
        self.leaf = match content_type.kind.as_str() {
            "text" | "message" => self.decoding(&fields.encoding, content_type.param("charset")),
            _ => Leaf::Skipped,
        };
    }

    fn body(&mut self, octets: &[u8]) {
        match &mut self.leaf {
            Leaf::Skipped => {}
            Leaf::Plain => self.window.push(octets),
            Leaf::Decoded { transfer, charset } => {
                for block in octets.chunks(BLOCK) {
                    let mut bytes = Vec::with_capacity(block.len());
                    transfer.feed(block, &mut bytes);
                    self.window.push_text(&bytes, charset.as_mut());
                }
            }
        }
    }

    fn leaf_end(&mut self) {
        if let Leaf::Decoded { transfer, mut charset } =
            std::mem::replace(&mut self.leaf, Leaf::Skipped)
        {
            let mut bytes = Vec::new();
            transfer.finish(&mut bytes);
            self.window.push_text(&bytes, charset.as_mut());
            if let Some(charset) = charset {
                let mut text = String::new();
                charset.finish(&mut text);
                self.window.push_folded(&text);
            }
        }
        self.window.end();
    }
}

impl Search {
    fn decoding(&self, encoding: &str, charset: Option<&str>) -> Leaf {
        let encoding = TransferEncoding::of(encoding);
        // An ASCII needle can be looked for without knowing the charset, if that has ASCII in it.
        let ascii = self.window.needle_is_ascii && keeps_ascii(charset);
        match (encoding, ascii) {
            (TransferEncoding::Identity, true) => Leaf::Plain,
            _ => Leaf::Decoded {
                transfer: TransferDecoder::new(encoding),
                charset: (!ascii).then(|| CharsetDecoder::new(charset)),
            },
        }
    }

    fn search_header(&mut self, header: &[u8]) {
        self.window.push(header);
        self.window.end();
        for field in Header::new(header).fields() {
            self.window.push(field.name);
            self.window.push(b": ");
            self.window.push_folded(&decode_header(field.value));
            self.window.push(b"\n");
        }
        self.window.end();
    }
}

/// A stretch of text, all letters of ASCII in lower case, in which the needle is looked for each
/// time it is full. The end of one stretch is the beginning of the next, so that nothing is missed
/// between them.
#[derive(Debug)]
struct Window {
    finder: memmem::Finder<'static>,
    needle_is_ascii: bool,
    text: Vec<u8>,
    found: bool,
}

impl Window {
    fn new(needle: &str) -> Window {
        Window {
            finder: memmem::Finder::new(needle).into_owned(),
            needle_is_ascii: needle.is_ascii(),
            text: Vec::new(),
            found: needle.is_empty(),
        }
    }

    /// Octets at which a stretch is full: many times the needle, since its length is searched
    /// twice.
    fn full(&self) -> usize {
        WINDOW.max(4 * self.finder.needle().len())
    }

    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.found && !rest.is_empty() {
            let room = self.full() - self.text.len();
            let (now, later) = rest.split_at(rest.len().min(room));
            let start = self.text.len();
            self.text.extend_from_slice(now);
            self.text[start..].make_ascii_lowercase();
            rest = later;
            if self.text.len() == self.full() {
                self.search();
                let kept = self.finder.needle().len().saturating_sub(1);
                self.text.drain(..self.text.len() - kept);
            }
        }
    }

    fn push_text(&mut self, bytes: &[u8], charset: Option<&mut CharsetDecoder>) {
        match charset {
            None => self.push(bytes),
            Some(charset) => {
                let mut text = String::new();
                charset.feed(bytes, &mut text);
                self.push_folded(&text);
            }
        }
    }

    fn push_folded(&mut self, text: &str) {
        let mut folded = String::with_capacity(text.len());
        casefold(text, &mut folded);
        self.push(folded.as_bytes());
    }

    /// The text is over; the next has nothing to do with it.
    fn end(&mut self) {
        self.search();
        self.text.clear();
    }

    fn search(&mut self) {
        self.found = self.found || self.finder.find(&self.text).is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "Subject: =?utf-8?Q?A=C3=91O?= nuevo\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n\
        --b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Ma=D1ana por=\r\n la tarde\r\n\
        --b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        PGI+SGVs\r\nbG8gV29ybGQ8L2I+\r\n\
        --b\r\nContent-Type: application/pdf; name=secret.pdf\r\n\r\nhidden\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nInner Words\r\n\
        --b--\r\nepilogue\r\n";

    /// Found however the message is cut.
    fn check(needle: &str, scope: Scope, expected: bool) {
        let message = MESSAGE.as_bytes();
        for size in [1, 2, 3, 7, 64, message.len()] {
            let mut searcher = TextSearcher::new(needle, scope);
            for chunk in message.chunks(size) {
                searcher.feed(chunk);
            }
            assert_eq!(searcher.finish(), expected, "{needle} in {scope:?} by {size}");
        }
    }

    #[test]
    fn text_is_found_where_the_scope_says() {
        for (needle, text, body) in [
            ("", true, true),
            ("ma\u{f1}ana por la tarde", true, true),
            ("por la tarde", true, true),
            ("<b>hello world</b>", true, true),
            ("inner words", true, true),
            ("a\u{f1}o nuevo", true, false),
            ("=?utf-8?q?a=c3=91o?=", true, false),
            ("subject: inner", true, false),
            ("secret.pdf", true, false),
            ("hidden", false, false),
            ("preamble", false, false),
            ("epilogue", false, false),
            ("tardehello", false, false),
            ("pgi+sgvs", false, false),
        ] {
            check(needle, Scope::Text, text);
            check(needle, Scope::Body, body);
        }
    }

    #[test]
    fn a_needle_between_two_windows_is_found() {
        for before in WINDOW - 12..WINDOW + 2 {
            let message = format!("\r\n{}NEEDLE here", "x".repeat(before));
            let mut searcher = TextSearcher::new("needle here", Scope::Body);
            searcher.feed(message.as_bytes());
            assert!(searcher.finish(), "{before}");
        }
    }

    #[test]
    fn a_needle_longer_than_a_window_is_found() {
        let needle = "ab".repeat(WINDOW);
        let message = format!("\r\nb{}a", needle.to_uppercase());
        for size in [1000, message.len()] {
            let mut searcher = TextSearcher::new(&needle, Scope::Body);
            for chunk in message.as_bytes().chunks(size) {
                searcher.feed(chunk);
            }
            assert!(searcher.finish());
        }
    }

    #[test]
    fn a_charset_whose_second_octets_look_like_ascii_does_not_mislead() {
        // Shift_JIS writes U+8868 as 0x95 0x5C, the second a backslash.
        let message = b"Content-Type: text/plain; charset=shift_jis\r\n\r\n\x95\x5c";
        for (needle, expected) in [("\\", false), ("\u{8868}", true)] {
            let mut searcher = TextSearcher::new(needle, Scope::Body);
            searcher.feed(message);
            assert_eq!(searcher.finish(), expected);
        }
    }
}
