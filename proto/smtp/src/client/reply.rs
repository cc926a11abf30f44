//! Replies as they are heard (RFC 5321 §4.2): strict in what matters, which is where one ends, and
//! lenient in the rest.

use crate::ReplyCode;
use memchr::memchr;
use std::fmt;
use words_mail::EnhancedStatus;

/// Most octets kept of one line. RFC 5321 §4.5.3.1.5 allows 512; longer lines are cut.
const LINE_MAX: usize = 2048;
/// Most lines kept of one reply.
const LINES_KEPT_MAX: usize = 100;
/// Most octets kept of one reply.
const TEXT_MAX: usize = 16 * 1024;
/// Most lines of one reply: who says more says nothing.
const LINES_MAX: usize = 1000;

/// A reply, as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What happened, for programs; of the last line, if lines differ.
    pub code: ReplyCode,
    /// What happened, more precisely (RFC 2034): the first that stands in any line and fits the code.
    pub status: Option<EnhancedStatus>,
    /// What stands behind the code, line by line, the enhanced status included; control characters
    /// are shown as `?`. At most 100 lines and 16 KiB.
    pub lines: Vec<String>,
}

impl Reply {
    /// 2yz or 3yz.
    pub fn is_positive(&self) -> bool {
        self.code.is_positive()
    }

    /// The words without code and enhanced status, as one line.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let words = parse_status(line).map_or(line.as_str(), |(_, rest)| rest).trim();
            if !out.is_empty() && !words.is_empty() {
                out.push(' ');
            }
            out.push_str(words);
        }
        out
    }
}

/// Code, enhanced status and words on one line, as `Diagnostic-Code` of a report wants them
/// (RFC 3464 §2.3.6).
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        let text = self.text();
        if text.is_empty() { Ok(()) } else { write!(f, " {text}") }
    }
}

/// ```abnf
/// status-code = class "." subject "." detail
/// class       = "2" / "4" / "5"
/// ```
fn parse_status(line: &str) -> Option<(EnhancedStatus, &str)> {
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let mut numbers = word.split('.').map(|part| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u16>().ok().filter(|_| digits)
    });
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let class = u8::try_from(class).ok().filter(|class| [2, 4, 5].contains(class))?;
    numbers.next().is_none().then_some((EnhancedStatus(class, subject, detail), rest))
}

/// What came is no reply; the beginning of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotUnderstood(pub String);

/// Cuts what comes into replies. Takes no more memory than one reply may have.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    /// The line that has begun, as far as it is kept.
    line: Vec<u8>,
    /// The lines before it.
    lines: Vec<String>,
    octets: usize,
    count: usize,
    status: Option<EnhancedStatus>,
}

impl ReplyReader {
    /// Reads on; gives how many octets it has used, and a reply if one is whole.
    pub fn read(&mut self, input: &[u8]) -> (usize, Option<Result<Reply, NotUnderstood>>) {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let end = memchr(b'\n', rest);
            let piece = &rest[..end.unwrap_or(rest.len())];
            let room = LINE_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            used += piece.len();
            if end.is_none() {
                break;
            }
            used += 1;
            if let Some(result) = self.end_line() {
                return (used, Some(result));
            }
        }
        (used, None)
    }

    /// Has a reply begun that is not whole?
    pub fn is_inside(&self) -> bool {
        !self.line.is_empty() || self.count > 0
    }

    fn end_line(&mut self) -> Option<Result<Reply, NotUnderstood>> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        self.count += 1;
        if self.count > LINES_MAX {
            return Some(Err(self.no_reply(line)));
        }
        let Some((code, more, rest)) = parse_line(line) else {
            // Inside a reply some servers forget the code; its end is still to come.
            if self.count > 1 {
                self.keep(line);
                return None;
            }
            return Some(Err(self.no_reply(line)));
        };
        let text = self.keep(rest);
        let fits = |(status, _): &(EnhancedStatus, &str)| u16::from(status.0) == code / 100;
        if self.status.is_none() {
            self.status = parse_status(&text).filter(fits).map(|(status, _)| status);
        }
        if more {
            return None;
        }
        let whole = std::mem::take(self);
        let fits = |status: &EnhancedStatus| u16::from(status.0) == code / 100;
        let status = whole.status.filter(fits);
        Some(Ok(Reply { code: ReplyCode(code), status, lines: whole.lines }))
    }

    fn keep(&mut self, octets: &[u8]) -> String {
        let text = printable(octets);
        if self.lines.len() < LINES_KEPT_MAX && self.octets + text.len() <= TEXT_MAX {
            self.octets += text.len();
            self.lines.push(text.clone());
        }
        text
    }

    fn no_reply(&mut self, line: &[u8]) -> NotUnderstood {
        *self = ReplyReader::default();
        NotUnderstood(printable(&line[..line.len().min(200)]))
    }
}

/// ```abnf
/// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
/// Reply-code = %x32-35 %x30-35 %x30-39
/// ```
/// The second digit is not looked at, and anything but a hyphen behind the code ends the reply.
fn parse_line(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_first_chunk::<3>()?;
    if !(b'2'..=b'5').contains(&code[0]) || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest {
        [] => Some((code, false, rest)),
        [b'-', rest @ ..] => Some((code, true, rest)),
        [b' ' | b'\t', rest @ ..] => Some((code, false, rest)),
        // Four digits are no code.
        [b'0'..=b'9', ..] => None,
        _ => Some((code, false, rest)),
    }
}

fn printable(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    text.chars().map(|c| if c.is_control() && c != '\t' { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8]) -> Vec<Result<Reply, NotUnderstood>> {
        let mut reader = ReplyReader::default();
        let (mut at, mut out) = (0, Vec::new());
        while at < text.len() {
            let (used, reply) = reader.read(&text[at..]);
            at += used;
            out.extend(reply);
        }
        out
    }

    fn one(text: &str) -> Reply {
        let mut replies = all(text.as_bytes());
        assert_eq!(replies.len(), 1, "{text:?}");
        replies.remove(0).unwrap()
    }

    #[test]
    fn replies_of_real_servers_are_read() {
        for (text, code, status, shown) in [
            ("220 mx ESMTP\r\n", 220, None, "220 mx ESMTP"),
            ("250\r\n", 250, None, "250"),
            ("250 \n", 250, None, "250"),
            ("250-\r\n250 ok\n", 250, None, "250 ok"),
            ("550 5.1.1 <x>: no\r\n", 550, Some((5, 1, 1)), "550 5.1.1 <x>: no"),
            ("550-5.7.1 one\r\n550 5.7.1 two\r\n", 550, Some((5, 7, 1)), "550 5.7.1 one two"),
            ("550-one\r\n550 5.7.26 two\r\n", 550, Some((5, 7, 26)), "550 5.7.26 one two"),
            ("450-4.2.0 one\r\n550-5.2.2 x\r\n550 y\r\n", 550, None, "550 one x y"),
            ("250 4.0.0 odd\r\n", 250, None, "250 odd"),
            ("250 2.1.5\r\n", 250, Some((2, 1, 5)), "250 2.1.5"),
            ("250 2.1\r\n", 250, None, "250 2.1"),
            ("250 10.0.0.1 greets\r\n", 250, None, "250 10.0.0.1 greets"),
            ("220-one\r\nforgotten\r\n220 two\r\n", 220, None, "220 one forgotten two"),
            ("354:go on\r\n", 354, None, "354 :go on"),
            ("599 \x07\x1b[31m\r\n", 599, None, "599 ??[31m"),
        ] {
            let reply = one(text);
            let status = status.map(|(a, b, c)| EnhancedStatus(a, b, c));
            assert_eq!((reply.code, reply.status), (ReplyCode(code), status), "{text:?}");
            assert_eq!(reply.to_string(), shown, "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_no_reply() {
        for text in
            ["\r\n", "hello\r\n", "25\r\n", "099 x\r\n", "2500 x\r\n", "650 x\n", "-250 x\n"]
        {
            let replies = all(text.as_bytes());
            assert!(matches!(replies[..], [Err(_)]), "{text:?}: {replies:?}");
        }
    }

    #[test]
    fn a_reply_takes_bounded_memory() {
        let mut long = vec![b'x'; 1 << 20];
        long.splice(..4, *b"250 ");
        long.extend_from_slice(b"\r\n250 next\r\n");
        let replies = all(&long);
        assert_eq!(replies.len(), 2);
        assert_eq!(replies[0].as_ref().unwrap().lines[0].len(), LINE_MAX - 4);
        let endless = "250-more\r\n".repeat(2 * LINES_MAX);
        assert!(all(endless.as_bytes()).iter().all(Result::is_err));
        let many = "250-".to_string() + &"y".repeat(1000) + "\r\n";
        let many = many.repeat(LINES_MAX - 1) + "250 end\r\n";
        let reply = one(&many);
        assert!(reply.lines.iter().map(String::len).sum::<usize>() <= TEXT_MAX);
    }

    proptest! {
        #[test]
        fn cut_anywhere_the_same_is_heard(
            text in "((250|4[0-9]1|5.1)[- ](5\\.1\\.1 )?[a-z]{0,4}\r?\n|[ -~]{0,6}\n){0,8}",
            size in 1usize..9,
        ) {
            let mut reader = ReplyReader::default();
            let mut out = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                let mut at = 0;
                while at < piece.len() {
                    let (used, reply) = reader.read(&piece[at..]);
                    at += used;
                    out.extend(reply);
                }
            }
            prop_assert_eq!(out, all(text.as_bytes()));
        }

        #[test]
        fn no_octets_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            for reply in all(&octets).into_iter().flatten() {
                prop_assert!((200..600).contains(&reply.code.0));
                prop_assert!(!reply.to_string().contains(['\r', '\n']));
            }
        }
    }
}
