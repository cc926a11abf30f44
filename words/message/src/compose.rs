//! Fields we write ourselves. Whatever the parameters hold, a field stays one field: controls,
//! CR, LF and NUL among them, become `?`.

use crate::date::DateTime;

/// Octets after which a line is folded where it can be (RFC 5322 §2.1.1).
const LINE_WANTED: usize = 78;
/// Octets of one word; with its neighbours a line stays under 998 (RFC 5322 §2.1.1).
const WORD_MAX: usize = 400;

/// What a `Received` field tells (RFC 5321 §4.4).
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// What the client called itself in EHLO, HELO or LHLO; empty if it did not.
    pub helo: &'a str,
    /// The name of the client's address in DNS, if it was looked up.
    pub client_name: Option<&'a str>,
    /// The client's address, without brackets; IPv6 is recognised by its colons.
    pub client_address: Option<&'a str>,
    /// Our own name.
    pub by: &'a str,
    /// The protocol: `ESMTPSA` and its like (RFC 3848).
    pub with: &'a str,
    /// Version and cipher of TLS, to stand in a comment: `TLS1.3 with cipher …`.
    pub tls: Option<&'a str>,
    /// The message's id here.
    pub id: &'a str,
    /// The recipient, if there is one only: no blind copy is given away.
    pub recipient: Option<&'a str>,
    /// When.
    pub at: DateTime,
}

impl Received<'_> {
    /// The field with its line end.
    pub fn to_field(&self) -> String {
        let mut words = vec![format!("from {}", atom(or_unknown(self.helo)))];
        words.extend(self.client());
        words.push(format!("by {}", atom(self.by)));
        words.push(format!("with {}", atom(self.with)));
        words.extend(self.tls.map(|tls| format!("({})", comment(tls))));
        words.push(format!("id {}", atom(self.id)));
        words.extend(self.recipient.map(|to| format!("for <{}>", path(to))));
        if let Some(last) = words.last_mut() {
            last.push(';');
        }
        words.push(self.at.to_field());
        fold("Received:", &words)
    }

    fn client(&self) -> Option<String> {
        let address = self.client_address.map(|address| match address.contains(':') {
            true => format!("[IPv6:{}]", atom(address)),
            false => format!("[{}]", atom(address)),
        });
        let name = self.client_name.map(atom);
        let known: Vec<String> = name.into_iter().chain(address).collect();
        (!known.is_empty()).then(|| format!("({})", known.join(" ")))
    }
}

/// The field that keeps the reverse-path at final delivery (RFC 5321 §4.4); empty for the null
/// path.
pub fn return_path(reverse_path: &str) -> String {
    fold("Return-Path:", &[format!("<{}>", path(reverse_path))])
}

/// The field that names the address it was delivered to (RFC 9228), and shows a loop.
pub fn delivered_to(address: &str) -> String {
    fold("Delivered-To:", &[path(address)])
}

/// Any field, its value folded at blanks.
pub fn field(name: &str, value: &str) -> String {
    let words: Vec<String> = value.split(' ').map(line_safe).collect();
    fold(&format!("{}:", atom(name).replace(':', "?")), &words)
}

/// A new message identifier with its angle brackets (RFC 5322 §3.6.4).
pub fn message_id(random: &[u8; 16], host: &str) -> String {
    let left: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<{left}@{}>", atom(host))
}

/// Puts the words on lines, as many on each as are wanted.
fn fold(name: &str, words: &[String]) -> String {
    let mut out = name.to_string();
    let mut column = out.len();
    for (at, word) in words.iter().enumerate() {
        // Nothing is gained by folding before the first word, and some readers stumble. A line of
        // blanks only would end the header for others (RFC 5322 §3.2.2 forbids to make one).
        if at > 0 && !word.is_empty() && column + 1 + word.len() > LINE_WANTED {
            out.push_str("\r\n");
            column = 0;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + word.len();
    }
    out.truncate(out.trim_end_matches(' ').len());
    out.push_str("\r\n");
    out
}

fn or_unknown(name: &str) -> &str {
    if name.is_empty() { "unknown" } else { name }
}

/// A name that can stand outside of quotes and comments.
fn atom(text: &str) -> String {
    safe(text, |c| c.is_whitespace() || "()<>;,\"\\".contains(c))
}

fn comment(text: &str) -> String {
    safe(text, |c| "()\\".contains(c))
}

fn path(text: &str) -> String {
    safe(text, |c| "<>".contains(c))
}

fn line_safe(text: &str) -> String {
    safe(text, |_| false)
}

/// At most [`WORD_MAX`] octets of `text`, with `?` for controls and for what is `unsafe_here`.
fn safe(text: &str, unsafe_here: impl Fn(char) -> bool) -> String {
    let end = text.floor_char_boundary(WORD_MAX);
    text[..end].chars().map(|c| if c.is_control() || unsafe_here(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Header;

    const EVIL: &str = "a\r\nX-Evil: 1\r\n\r\n\0) (b; c> <d";

    fn received<'a>(text: &'a str) -> Received<'a> {
        Received {
            helo: text,
            client_name: Some(text),
            client_address: Some(text),
            by: text,
            with: text,
            tls: Some(text),
            id: text,
            recipient: Some(text),
            at: DateTime::utc(words_base::Timestamp::from_seconds(1_795_508_984)),
        }
    }

    #[test]
    fn a_received_field_is_folded() {
        let field = Received {
            helo: "client.example",
            client_name: None,
            client_address: Some("2001:db8::1"),
            by: "mail.mired.org",
            with: "ESMTPS",
            tls: Some("TLS1.3 with cipher TLS_AES_256_GCM_SHA384"),
            id: "abc123",
            recipient: Some("\"a b\"@mired.org"),
            ..received("")
        };
        assert_eq!(
            field.to_field(),
            "Received: from client.example ([IPv6:2001:db8::1]) by mail.mired.org\r\n \
             with ESMTPS (TLS1.3 with cipher TLS_AES_256_GCM_SHA384) id abc123\r\n \
             for <\"a b\"@mired.org>; Tue, 24 Nov 2026 08:29:44 +0000\r\n"
        );
    }

    #[test]
    fn the_small_fields_are_written() {
        assert_eq!(return_path(""), "Return-Path: <>\r\n");
        assert_eq!(return_path("ana@x"), "Return-Path: <ana@x>\r\n");
        assert_eq!(delivered_to("ana@x"), "Delivered-To: ana@x\r\n");
        assert_eq!(message_id(&[0xab; 16], "x.org"), format!("<{}@x.org>", "ab".repeat(16)));
        assert_eq!(field("Date", "now"), "Date: now\r\n");
        assert_eq!(field("X", ""), "X:\r\n");
    }

    #[test]
    fn no_parameter_makes_a_second_field_or_a_second_line() {
        let long = "w".repeat(5000);
        let spaced = "w ".repeat(2000);
        for text in [EVIL, &long, &spaced, "\u{e9}\u{85}\u{2028}\u{1f600}", "\\", "(", ""] {
            let id = message_id(&[0; 16], text);
            let fields = [
                received(text).to_field(),
                return_path(text),
                delivered_to(text),
                field("X-Y", text),
                field(text, "v"),
                format!("Message-ID: {id}\r\n"),
            ];
            for field in fields {
                assert_eq!(Header::new(field.as_bytes()).fields().count(), 1, "{field:?}");
                let lines: Vec<&str> = field.split_terminator("\r\n").collect();
                assert!(
                    lines[1..].iter().all(|l| l.starts_with(' ') && !l.trim().is_empty()),
                    "{field:?}"
                );
                assert!(lines.iter().all(|line| line.len() <= 998), "{field:?}");
                assert!(!lines.concat().contains(['\r', '\n', '\0']), "{field:?}");
            }
        }
    }
}
