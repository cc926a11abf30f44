//! Address lists (RFC 5322 §3.4 and §4.4), read leniently in one pass.
//!
//! ```text
//! address      = mailbox / group
//! mailbox      = [display-name] "<" [obs-route] addr-spec ">" / addr-spec
//! group        = display-name ":" [mailbox-list] ";"
//! ```
//!
//! No rule of the grammar calls itself here: comments are counted, groups are a flag. Each octet
//! is looked at a bounded number of times, whatever the list holds.

use crate::address_token::{Input, Token};

/// Octets kept of each text of an address; the rest is cut.
pub const ADDRESS_TEXT_MAX: usize = 998;

/// One entry of an address list, shaped as ENVELOPE shows it (RFC 3501 §7.4.2, RFC 9051 §7.5.2).
///
/// A group is an entry without a host whose `local` is the group's name, then its members, then an
/// entry with nothing. A mailbox always has both `local` and `host`; what the sender left out is
/// the empty string. Quoting is taken off; encoded words stay as they are; there is no NUL, CR or
/// LF; octets over 127 may occur.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, or the comment that stands for one.
    pub name: Option<Vec<u8>>,
    /// The local-part, or the name of the group that begins here.
    pub local: Option<Vec<u8>>,
    /// The domain, as written.
    pub host: Option<Vec<u8>>,
}

/// Reads an address list and calls `take` with each entry, until that says no.
/// A group that was begun is always ended, as long as `take` says yes.
pub fn parse_addresses(value: &[u8], take: impl FnMut(Mailbox) -> bool) {
    let mut list =
        List { input: Input::new(value), entry: Entry::default(), in_group: false, take };
    list.run();
}

/// Reads an address list whole.
pub fn addresses(value: &[u8]) -> Vec<Mailbox> {
    let mut found = Vec::new();
    parse_addresses(value, |mailbox| {
        found.push(mailbox);
        true
    });
    found
}

struct List<'a, Take> {
    input: Input<'a>,
    entry: Entry,
    in_group: bool,
    take: Take,
}

impl<Take: FnMut(Mailbox) -> bool> List<'_, Take> {
    fn run(&mut self) {
        while let Some(token) = self.input.next() {
            if !self.apply(token) {
                return;
            }
        }
        if self.end_entry() && self.in_group {
            (self.take)(Mailbox::default());
        }
    }

    /// False when nothing more is wanted.
    fn apply(&mut self, token: Token) -> bool {
        match token {
            Token::Blank => self.entry.blank = true,
            Token::Comment(text) => self.entry.take_comment(text),
            Token::Word(text) => self.entry.take_word(&text),
            // `<@a,@b:ana@c>`: this comma is the route's.
            Token::Special(b',') if self.entry.place == Place::Route => {}
            Token::Special(b',') => return self.end_entry(),
            Token::Special(b';') => return self.end_group(),
            Token::Special(b':') if !self.in_group && self.entry.may_name_a_group() => {
                return self.begin_group();
            }
            Token::Special(b'<') => self.entry.open_angle(),
            Token::Special(b'>') => self.entry.close_angle(),
            Token::Special(b'@') => self.entry.take_at(),
            Token::Special(b':') => self.entry.take_colon(),
            // `.` and stray specials are text.
            Token::Special(byte) => self.entry.take_word(&[byte]),
        }
        true
    }

    fn end_entry(&mut self) -> bool {
        match std::mem::take(&mut self.entry).finish() {
            Some(mailbox) => (self.take)(mailbox),
            None => true,
        }
    }

    fn begin_group(&mut self) -> bool {
        self.in_group = true;
        let name = std::mem::take(&mut self.entry).phrase;
        (self.take)(Mailbox { name: None, local: Some(name), host: None })
    }

    /// A `;` outside of a group is the comma of some senders.
    fn end_group(&mut self) -> bool {
        let wanted = self.end_entry();
        let in_group = std::mem::take(&mut self.in_group);
        wanted && (!in_group || (self.take)(Mailbox::default()))
    }
}

/// Where in an address the next word belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before any `<`: a display name, or a bare addr-spec.
    #[default]
    Outside,
    /// After `@` outside of angle brackets.
    OutsideHost,
    /// After `<`.
    Angle,
    /// After `<@`: an obsolete route, up to its colon (RFC 5322 §4.4).
    Route,
    /// After `@` inside angle brackets.
    AngleHost,
    /// After `>`.
    Done,
}

/// What is known of the entry being read.
#[derive(Debug, Default)]
struct Entry {
    place: Place,
    /// All words outside of angle brackets, one blank between.
    phrase: Vec<u8>,
    /// Where in `phrase` the present chain of words and dots began.
    chain_at: usize,
    local: Vec<u8>,
    host: Vec<u8>,
    /// A blank or a comment stands before the next word.
    blank: bool,
    /// The last word ended in a dot, so that the next belongs to it across a blank.
    after_dot: bool,
    comment: Option<Vec<u8>>,
    has_spec: bool,
}

impl Entry {
    fn take_comment(&mut self, text: Vec<u8>) {
        self.blank = true;
        if !text.is_empty() {
            self.comment = Some(text);
        }
    }

    fn take_word(&mut self, word: &[u8]) {
        // RFC 5322 §4.4 lets blanks stand around the dots of an addr-spec.
        let joined = !self.blank || self.after_dot || word.first() == Some(&b'.');
        match self.place {
            Place::Outside => self.take_outside(word, joined),
            Place::OutsideHost if joined || self.host.is_empty() => {
                push_bounded(&mut self.host, word);
                push_bounded(&mut self.phrase, word);
            }
            // A word after a whole addr-spec: it was the display name of something to come.
            Place::OutsideHost => {
                self.place = Place::Outside;
                self.take_outside(word, false);
            }
            Place::Angle => push_bounded(&mut self.local, word),
            Place::AngleHost => push_bounded(&mut self.host, word),
            Place::Route | Place::Done => {}
        }
        self.blank = false;
        self.after_dot = word.last() == Some(&b'.');
    }

    fn take_outside(&mut self, word: &[u8], joined: bool) {
        if self.blank && !self.phrase.is_empty() {
            push_bounded(&mut self.phrase, b" ");
        }
        if !self.has_spec {
            if !joined || self.phrase.is_empty() {
                self.chain_at = self.phrase.len();
                self.local.clear();
            }
            push_bounded(&mut self.local, word);
        }
        push_bounded(&mut self.phrase, word);
    }

    fn open_angle(&mut self) {
        if matches!(self.place, Place::Outside | Place::OutsideHost) {
            self.place = Place::Angle;
            self.has_spec = true;
            self.chain_at = self.phrase.len();
            self.local.clear();
            self.host.clear();
        }
    }

    fn close_angle(&mut self) {
        if matches!(self.place, Place::Angle | Place::AngleHost | Place::Route) {
            self.place = Place::Done;
        }
    }

    fn take_at(&mut self) {
        match self.place {
            Place::Outside if !self.has_spec => {
                self.has_spec = true;
                self.place = Place::OutsideHost;
                push_bounded(&mut self.phrase, b"@");
            }
            Place::Outside => push_bounded(&mut self.phrase, b"@"),
            Place::Angle if self.local.is_empty() => self.place = Place::Route,
            Place::Angle => self.place = Place::AngleHost,
            Place::OutsideHost | Place::AngleHost => push_bounded(&mut self.host, b"@"),
            Place::Route | Place::Done => {}
        }
        self.blank = false;
        self.after_dot = false;
    }

    fn take_colon(&mut self) {
        match self.place {
            Place::Route => self.place = Place::Angle,
            _ => self.take_word(b":"),
        }
    }

    fn may_name_a_group(&self) -> bool {
        self.place == Place::Outside && !self.has_spec && !self.phrase.is_empty()
    }

    /// `None` if nothing was written.
    fn finish(mut self) -> Option<Mailbox> {
        if !self.has_spec {
            return self.finish_without_spec();
        }
        let bare = matches!(self.place, Place::Outside | Place::OutsideHost);
        if bare {
            self.phrase.truncate(self.chain_at);
        }
        let name = self.take_name();
        Some(Mailbox { name, local: Some(self.local), host: Some(self.host) })
    }

    /// One word alone is a local-part without its domain; several are a name without an address.
    fn finish_without_spec(mut self) -> Option<Mailbox> {
        if self.phrase.is_empty() {
            return None;
        }
        if self.chain_at == 0 {
            let name = self.comment.take();
            return Some(Mailbox { name, local: Some(self.phrase), host: Some(Vec::new()) });
        }
        let name = self.take_name();
        Some(Mailbox { name, local: Some(Vec::new()), host: Some(Vec::new()) })
    }

    fn take_name(&mut self) -> Option<Vec<u8>> {
        let end = self.phrase.trim_ascii_end().len();
        self.phrase.truncate(end);
        match self.phrase.is_empty() {
            false => Some(std::mem::take(&mut self.phrase)),
            true => self.comment.take(),
        }
    }
}

fn push_bounded(text: &mut Vec<u8>, more: &[u8]) {
    let room = ADDRESS_TEXT_MAX.saturating_sub(text.len());
    text.extend_from_slice(&more[..more.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name|local@host`, a group as `{name` and `}`.
    fn print(mailbox: &Mailbox) -> String {
        let text = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
        };
        match mailbox {
            Mailbox { local: None, .. } => "}".to_string(),
            Mailbox { host: None, .. } => format!("{{{}", text(&mailbox.local)),
            Mailbox { name: None, .. } => {
                format!("{}@{}", text(&mailbox.local), text(&mailbox.host))
            }
            _ => {
                format!("{}|{}@{}", text(&mailbox.name), text(&mailbox.local), text(&mailbox.host))
            }
        }
    }

    fn check(list: &str, expected: &[&str]) {
        let found: Vec<String> = addresses(list.as_bytes()).iter().map(print).collect();
        assert_eq!(found, expected, "{list}");
    }

    #[test]
    fn well_formed_lists_are_read() {
        check("ana@mired.org", &["ana@mired.org"]);
        check("Ana <ana@mired.org>, bob@x.org", &["Ana|ana@mired.org", "bob@x.org"]);
        check("\"Lopez, Ana\" <ana@x>", &["Lopez, Ana|ana@x"]);
        check("\"a \\\"b\\\" c\" <ana@x>", &["a \"b\" c|ana@x"]);
        check("Ana  M. Lopez\r\n <ana@x>", &["Ana M. Lopez|ana@x"]);
        check("\"a b\"@x.org", &["a b@x.org"]);
        check("=?utf-8?Q?a=2C?= <ana@x>", &["=?utf-8?Q?a=2C?=|ana@x"]);
        check("ana@[127.0.0.1]", &["ana@[127.0.0.1]"]);
        check("<ana@[IPv6:::1]>", &["ana@[IPv6:::1]"]);
    }

    #[test]
    fn groups_have_a_beginning_and_an_end() {
        check("friends: ana@x, Bob <bob@y>;", &["{friends", "ana@x", "Bob|bob@y", "}"]);
        check("undisclosed-recipients:;", &["{undisclosed-recipients", "}"]);
        check("A Group: ;, ana@x", &["{A Group", "}", "ana@x"]);
        check("open: ana@x", &["{open", "ana@x", "}"]);
        check("a: b: c@x;", &["{a", "b:|c@x", "}"]);
    }

    #[test]
    fn obsolete_forms_are_read() {
        check("<@a.org,@b.org:ana@x.org>", &["ana@x.org"]);
        check("Ana <@a.org:ana@x.org>", &["Ana|ana@x.org"]);
        check("ana . lopez @ x . org", &["ana.lopez@x.org"]);
        check("ana@x.org (Ana Lopez)", &["Ana Lopez|ana@x.org"]);
        check("ana(a (nested \\) comment))@x.org", &["a (nested ) comment)|ana@x.org"]);
        check("ana(one)@(two)x.org", &["two|ana@x.org"]);
        check(" , ,ana@x,, bob@y,", &["ana@x", "bob@y"]);
        check("John Q. Public <j@x>", &["John Q. Public|j@x"]);
    }

    #[test]
    fn broken_lists_give_what_they_can() {
        check("", &[]);
        check("ana", &["ana@"]);
        check("Ana Lopez", &["Ana Lopez|@"]);
        check("<>", &["@"]);
        check("<ana>", &["ana@"]);
        check("<ana@x", &["ana@x"]);
        check("Ana <ana@x, bob@y", &["Ana|ana@x", "bob@y"]);
        check("ana@x <ana@x>", &["ana@x|ana@x"]);
        check("ana@x bob@y", &["ana@x"]);
        check("Ana Lopez ana@x", &["Ana Lopez|ana@x"]);
        check("a@x; b@y", &["a@x", "b@y"]);
        check("[Club] Ana <ana@x>", &["[Club] Ana|ana@x"]);
        check("\"open <ana@x>", &["open <ana@x>@"]);
        check("ana@x (open", &["open|ana@x"]);
        check("a@b@c", &["a@b@c"]);
        check("=?utf-8?Q?Lopez,_Ana?= <ana@x>", &["=?utf-8?Q?Lopez,_Ana?=|ana@x"]);
        check(">@<:;\"", &["@|:@"]);
    }

    #[test]
    fn texts_are_cut_and_hold_no_nul_nor_line_end() {
        let list =
            format!("\"{}\0\r\n\" <{}@{}>", "n".repeat(5000), "l".repeat(5000), "h".repeat(5000));
        for mailbox in addresses(list.as_bytes()) {
            for text in [mailbox.name, mailbox.local, mailbox.host].into_iter().flatten() {
                assert_eq!(text.len(), ADDRESS_TEXT_MAX);
                assert!(!text.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')));
            }
        }
    }

    #[test]
    fn reading_stops_when_no_more_is_wanted() {
        let mut count = 0;
        parse_addresses(&b"a@x,".repeat(1000), |_| {
            count += 1;
            count < 3
        });
        assert_eq!(count, 3);
    }

    #[test]
    fn a_hundred_thousand_brackets_are_read_in_one_pass() {
        for text in ["(", "<", "\"", ":", "@", "=?", "[", ".", "\\", "a ", "=?a?q?"] {
            addresses(text.repeat(100_000 / text.len()).as_bytes());
        }
    }
}
