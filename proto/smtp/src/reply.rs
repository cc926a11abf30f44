//! Replies (RFC 5321 §4.2) with enhanced status codes (RFC 2034).

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use words_mail::EnhancedStatus;

/// The three digits of a reply (RFC 5321 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyCode(pub u16);

impl ReplyCode {
    /// 5yz: no use in trying the same again.
    pub fn is_permanent(self) -> bool {
        self.0 >= 500
    }

    /// 2yz or 3yz.
    pub fn is_positive(self) -> bool {
        self.0 < 400
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

/// One reply. A line feed in the text begins another line of a multi-line reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What happened, for programs.
    pub code: ReplyCode,
    /// What happened, more precisely; greetings, `354` and `334` have none.
    pub status: Option<EnhancedStatus>,
    /// What happened, for people.
    pub text: Cow<'static, str>,
}

/// A reply with an enhanced status code.
///
/// ```
/// use proto_smtp::reply;
/// use words_mail::EnhancedStatus;
/// let reply = reply(550, EnhancedStatus(5, 1, 1), "no such recipient here");
/// assert_eq!(reply.to_string(), "550 5.1.1 no such recipient here\r\n");
/// ```
pub fn reply(code: u16, status: EnhancedStatus, text: impl Into<Cow<'static, str>>) -> Reply {
    Reply { code: ReplyCode(code), status: Some(status), text: text.into() }
}

/// A reply without an enhanced status code.
pub fn bare_reply(code: u16, text: impl Into<Cow<'static, str>>) -> Reply {
    Reply { code: ReplyCode(code), status: None, text: text.into() }
}

impl Reply {
    /// Appends the reply as it goes over the wire.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let divider = if lines.peek().is_some() { b'-' } else { b' ' };
            out.extend_from_slice(&digits(self.code));
            out.push(divider);
            if let Some(status) = self.status {
                // A vector takes everything.
                let _ = write!(out, "{status} ");
            }
            // Text may hold what a stranger wrote: it must not be able to end the line.
            out.extend(line.bytes().map(|b| if b < b' ' || b == 0x7f { b'?' } else { b }));
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn digits(code: ReplyCode) -> [u8; 3] {
    [code.0 / 100 % 10, code.0 / 10 % 10, code.0 % 10].map(|digit| b'0' + digit as u8)
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_reply_has_code_and_status() {
        let reply = reply(214, EnhancedStatus(2, 0, 0), "one\ntwo");
        assert_eq!(reply.to_string(), "214-2.0.0 one\r\n214 2.0.0 two\r\n");
        assert_eq!(bare_reply(354, "go on").to_string(), "354 go on\r\n");
    }

    #[test]
    fn text_cannot_break_out_of_its_line() {
        assert_eq!(bare_reply(250, "a\r250 b\0").to_string(), "250 a?250 b?\r\n");
    }
}
