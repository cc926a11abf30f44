//! Commands, as they go to the server. Each is written with its tag and ends with CRLF.

use crate::print::{self, Utf8};
use proto_sasl::encode;
use words_mail::Uid;

/// The tag of the `number`th command: short, and never the same twice in a session.
pub fn tag(number: u32) -> String {
    format!("e{number}")
}

/// A command without arguments, as `CAPABILITY`, `NOOP`, `STARTTLS`, `LOGOUT`.
pub fn bare(tag: &str, verb: &str) -> Vec<u8> {
    format!("{tag} {verb}\r\n").into_bytes()
}

/// `LOGIN`, or `None` if name or password hold what a quoted string cannot: then only AUTHENTICATE
/// can carry them.
pub fn login(tag: &str, name: &[u8], password: &[u8]) -> Option<Vec<u8>> {
    let quotable = |text: &[u8]| text.iter().all(|b| (b' '..0x7f).contains(b));
    if !quotable(name) || !quotable(password) {
        return None;
    }
    let mut out = format!("{tag} LOGIN ").into_bytes();
    print::quoted(&mut out, name);
    out.push(b' ');
    print::quoted(&mut out, password);
    out.extend_from_slice(b"\r\n");
    Some(out)
}

/// `AUTHENTICATE PLAIN`, to be followed by [`plain`] after the server's `+` (RFC 4616).
pub fn authenticate_plain(tag: &str) -> Vec<u8> {
    bare(tag, "AUTHENTICATE PLAIN")
}

/// The answer to that `+`.
pub fn plain(name: &[u8], password: &[u8]) -> Vec<u8> {
    let message = [b"\0", name, b"\0", password].concat();
    format!("{}\r\n", encode(&message)).into_bytes()
}

/// `LIST "" "*"`: every mailbox there is.
pub fn list(tag: &str) -> Vec<u8> {
    format!("{tag} LIST \"\" \"*\"\r\n").into_bytes()
}

/// `LSUB "" "*"`: those that are subscribed, and this is understood everywhere.
pub fn subscribed(tag: &str) -> Vec<u8> {
    format!("{tag} LSUB \"\" \"*\"\r\n").into_bytes()
}

/// `EXAMINE`: open a mailbox without changing anything in it. `name` is as the server wrote it.
pub fn examine(tag: &str, name: &[u8]) -> Vec<u8> {
    let mut out = format!("{tag} EXAMINE ").into_bytes();
    print::astring(&mut out, name, Utf8::Accepted);
    out.extend_from_slice(b"\r\n");
    out
}

/// What is known of the messages `first` to `last`, without opening them.
pub fn fetch_facts(tag: &str, first: u32, last: u32) -> Vec<u8> {
    format!("{tag} FETCH {first}:{last} (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n").into_bytes()
}

/// The octets of one message; `\Seen` is not set.
pub fn fetch_body(tag: &str, uid: Uid) -> Vec<u8> {
    format!("{tag} UID FETCH {} (UID BODY.PEEK[])\r\n", uid.0).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Input, Limits, Read};

    /// What our own server would take it for.
    fn whole(octets: &[u8]) -> bool {
        let mut input = Input::default();
        input.extend(octets);
        matches!(input.read(&Limits::AFTER_LOGIN, |_| false), Read::Command(_))
    }

    #[test]
    fn passwords_are_quoted_or_not_sent_so() {
        let login = |password: &str| login("e1", b"ana", password.as_bytes());
        assert_eq!(login("a\"b\\c").unwrap(), b"e1 LOGIN \"ana\" \"a\\\"b\\\\c\"\r\n");
        assert_eq!(login("contrase\u{f1}a"), None);
        assert_eq!(login("two\r\nlines"), None);
        assert_eq!(plain(b"ana", b"ana"), b"AGFuYQBhbmE=\r\n");
    }

    #[test]
    fn every_command_is_one_line() {
        let commands = [
            bare("e1", "CAPABILITY"),
            list("e1"),
            subscribed("e1"),
            examine("e1", b"INBOX"),
            examine("e1", b"two words"),
            fetch_facts("e1", 1, 1000),
            fetch_body("e1", Uid(7)),
        ];
        for command in commands {
            assert!(whole(&command), "{}", String::from_utf8_lossy(&command));
        }
        assert_eq!(examine("e2", b"R&AOk-s"), b"e2 EXAMINE R&AOk-s\r\n");
    }
}
