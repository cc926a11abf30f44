//! What a server says, read leniently.

use crate::cursor::Cursor;
use crate::print::Utf8;
use words_base::{SyntaxError, Timestamp};
use words_mail::{Flags, SpecialUse, Uid, UidValidity, modified_utf7};

/// How a command ended, or what the server says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `OK`
    Ok,
    /// `NO`
    No,
    /// `BAD`
    Bad,
    /// `PREAUTH`: no login is needed.
    PreAuth,
    /// `BYE`: it hangs up.
    Bye,
}

/// A code in square brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// `UIDVALIDITY`
    UidValidity(UidValidity),
    /// `UIDNEXT`
    UidNext(Uid),
    /// `CAPABILITY` and its words, in upper case.
    Capability(Vec<String>),
    /// Any other, its first word in upper case.
    Other(String),
}

/// A condition with what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The condition.
    pub condition: Condition,
    /// Its code, if it has one.
    pub code: Option<Code>,
    /// The rest, for people.
    pub text: String,
}

/// A mailbox of LIST or LSUB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name as the server wrote it, and wants it back.
    pub name: Vec<u8>,
    /// The name in Unicode; octets that say nothing stand for themselves.
    pub text: String,
    /// What separates levels, if there are any.
    pub separator: Option<char>,
    /// Can it be opened?
    pub selectable: bool,
    /// What it is for (RFC 6154).
    pub special_use: Option<SpecialUse>,
    /// Did it come from LSUB, or with `\Subscribed`?
    pub subscribed: bool,
}

/// What STATUS tells of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusOf {
    /// Its name as the server wrote it.
    pub name: Vec<u8>,
    /// `MESSAGES`
    pub messages: Option<u64>,
    /// `UIDNEXT`
    pub uid_next: Option<u64>,
    /// `UIDVALIDITY`
    pub uid_validity: Option<u64>,
}

/// What FETCH tells of a message, of what we ask for.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Its number in the mailbox.
    pub number: u32,
    /// `UID`
    pub uid: Option<Uid>,
    /// `FLAGS`
    pub flags: Option<Flags>,
    /// `INTERNALDATE`
    pub internal_date: Option<Timestamp>,
    /// `RFC822.SIZE`, octets.
    pub size: Option<u64>,
}

/// Flags are equal if they print alike.
impl PartialEq for Fetched {
    fn eq(&self, other: &Fetched) -> bool {
        let flags = |fetched: &Fetched| fetched.flags.as_ref().map(Flags::to_string);
        (self.number, self.uid, self.internal_date, self.size, flags(self))
            == (other.number, other.uid, other.internal_date, other.size, flags(other))
    }
}

impl Eq for Fetched {}

/// One response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// `+`: the server waits for more of the command.
    Continue,
    /// The end of the command with this tag.
    Tagged {
        /// The tag.
        tag: String,
        /// How it ended.
        said: Said,
    },
    /// A condition without a tag: the greeting, a warning, a goodbye.
    Said(Said),
    /// `CAPABILITY`: words in upper case.
    Capability(Vec<String>),
    /// `LIST` or `LSUB`.
    List(Listed),
    /// `STATUS`.
    Status(StatusOf),
    /// `EXISTS`: messages in the open mailbox.
    Exists(u32),
    /// `EXPUNGE`: this number is gone.
    Expunge(u32),
    /// `FETCH`.
    Fetch(Fetched),
    /// Anything else; not needed, or not understood.
    Other,
}

impl Response {
    /// Reads one whole response without its line end.
    pub fn parse(octets: &[u8]) -> Response {
        let mut cursor = Cursor::new(octets, Utf8::Accepted);
        read(&mut cursor).unwrap_or(Response::Other)
    }
}

fn read(cursor: &mut Cursor<'_>) -> Result<Response, SyntaxError> {
    if cursor.take(b'+') {
        return Ok(Response::Continue);
    }
    if !cursor.take(b'*') {
        let tag = String::from_utf8_lossy(cursor.atom("a tag")?).into_owned();
        cursor.space()?;
        return Ok(Response::Tagged { tag, said: said(cursor)? });
    }
    cursor.space()?;
    if cursor.peek().is_some_and(|b| b.is_ascii_digit()) {
        return numbered(cursor);
    }
    if cursor.word("CAPABILITY") {
        return Ok(Response::Capability(words(cursor.rest())));
    }
    if cursor.word("LIST") {
        return listed(cursor, false);
    }
    if cursor.word("LSUB") {
        return listed(cursor, true);
    }
    if cursor.word("STATUS") {
        return status(cursor);
    }
    Ok(Response::Said(said(cursor)?))
}

fn numbered(cursor: &mut Cursor<'_>) -> Result<Response, SyntaxError> {
    let number = cursor.number32()?;
    cursor.space()?;
    if cursor.word("EXISTS") {
        return Ok(Response::Exists(number));
    }
    if cursor.word("EXPUNGE") {
        return Ok(Response::Expunge(number));
    }
    if cursor.word("FETCH") {
        cursor.space()?;
        return fetched(cursor, number).map(Response::Fetch);
    }
    Ok(Response::Other)
}

/// ```abnf
/// resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text
/// resp-text       = ["[" resp-text-code "]" SP] text
/// ```
fn said(cursor: &mut Cursor<'_>) -> Result<Said, SyntaxError> {
    let known = [
        ("OK", Condition::Ok),
        ("NO", Condition::No),
        ("BAD", Condition::Bad),
        ("PREAUTH", Condition::PreAuth),
        ("BYE", Condition::Bye),
    ];
    let Some((_, condition)) = known.into_iter().find(|(word, _)| cursor.word(word)) else {
        return cursor.expected("a condition");
    };
    while cursor.take(b' ') {}
    let mut code = None;
    if cursor.take(b'[') {
        // Flags in a code may hold anything but the bracket that ends it.
        let inner = cursor.take_while(|b| b != b']');
        cursor.take(b']');
        while cursor.take(b' ') {}
        code = read_code(inner);
    }
    let text = String::from_utf8_lossy(cursor.rest()).into_owned();
    Ok(Said { condition, code, text })
}

fn read_code(inner: &[u8]) -> Option<Code> {
    let all = words(inner);
    let (first, rest) = all.split_first()?;
    let number = || rest.first()?.parse::<u32>().ok();
    let read = match first.as_str() {
        "UIDVALIDITY" => number().map(|n| Code::UidValidity(UidValidity(n))),
        "UIDNEXT" => number().map(|n| Code::UidNext(Uid(n))),
        "CAPABILITY" => Some(Code::Capability(rest.to_vec())),
        _ => None,
    };
    Some(read.unwrap_or_else(|| Code::Other(first.clone())))
}

fn words(octets: &[u8]) -> Vec<String> {
    let word = |word: &[u8]| String::from_utf8_lossy(word).to_ascii_uppercase();
    octets.split(|b| *b == b' ').filter(|w| !w.is_empty()).map(word).collect()
}

/// `mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox`
fn listed(cursor: &mut Cursor<'_>, subscribed: bool) -> Result<Response, SyntaxError> {
    cursor.space()?;
    let mut attributes = Vec::new();
    cursor.list::<SyntaxError>(|cursor| {
        let word = cursor.take_while(|b| !b" ()".contains(&b));
        attributes.push(String::from_utf8_lossy(word).to_ascii_lowercase());
        if word.is_empty() { cursor.expected("an attribute") } else { Ok(()) }
    })?;
    cursor.space()?;
    let separator = cursor.nstring("a separator")?;
    let separator = separator.and_then(|s| String::from_utf8_lossy(&s).chars().next());
    cursor.space()?;
    let name = cursor.astring("a mailbox name")?.into_owned();
    let raw = String::from_utf8_lossy(&name).into_owned();
    let has = |wanted: &str| attributes.iter().any(|a| a == wanted);
    Ok(Response::List(Listed {
        text: modified_utf7::decode(&raw).unwrap_or(raw),
        separator,
        selectable: !has("\\noselect") && !has("\\nonexistent"),
        special_use: attributes.iter().find_map(|a| SpecialUse::parse(a)),
        subscribed: subscribed || has("\\subscribed"),
        name,
    }))
}

fn status(cursor: &mut Cursor<'_>) -> Result<Response, SyntaxError> {
    cursor.space()?;
    let mut status =
        StatusOf { name: cursor.astring("a mailbox name")?.into_owned(), ..StatusOf::default() };
    cursor.space()?;
    cursor.list::<SyntaxError>(|cursor| {
        let item = cursor.atom("an item")?.to_ascii_uppercase();
        cursor.space()?;
        let number = Some(cursor.number()?);
        match item.as_slice() {
            b"MESSAGES" => status.messages = number,
            b"UIDNEXT" => status.uid_next = number,
            b"UIDVALIDITY" => status.uid_validity = number,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Response::Status(status))
}

fn fetched(cursor: &mut Cursor<'_>, number: u32) -> Result<Fetched, SyntaxError> {
    let mut fetched = Fetched { number, ..Fetched::default() };
    cursor.list::<SyntaxError>(|cursor| {
        let item = cursor.take_while(|b| !b" ()".contains(&b)).to_ascii_uppercase();
        cursor.space()?;
        match item.as_slice() {
            b"UID" => fetched.uid = Some(Uid(cursor.number32()?)),
            b"RFC822.SIZE" => fetched.size = Some(cursor.number()?),
            b"FLAGS" => fetched.flags = Some(cursor.flag_list()?),
            b"INTERNALDATE" => fetched.internal_date = Some(cursor.date_time()?),
            _ => skip(cursor)?,
        }
        Ok(())
    })?;
    Ok(fetched)
}

/// Passes over a value that was not asked for: a string, an atom, or a list of them.
fn skip(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
    let mut depth = 0usize;
    loop {
        match cursor.peek() {
            Some(b'(') => {
                cursor.advance(1);
                depth += 1;
            }
            Some(b')') if depth > 0 => {
                cursor.advance(1);
                depth -= 1;
            }
            Some(b' ') if depth > 0 => cursor.advance(1),
            _ if cursor.is_at_string() => drop(cursor.string("a string")?),
            _ => {
                if cursor.take_while(|b| !b" ()\"{".contains(&b)).is_empty() {
                    return cursor.expected("a value");
                }
            }
        }
        if depth == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Response {
        Response::parse(text.as_bytes())
    }

    #[test]
    fn conditions_have_codes() {
        for (text, condition, code) in [
            ("* OK [UIDVALIDITY 3857529045] UIDs valid", Condition::Ok, "UIDVALIDITY"),
            ("* OK [UIDNEXT 4392] Predicted", Condition::Ok, "UIDNEXT"),
            ("* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited", Condition::Ok, "OTHER"),
            ("* BYE bye", Condition::Bye, ""),
            ("* PREAUTH hello", Condition::PreAuth, ""),
            ("* no [ALERT] full", Condition::No, "OTHER"),
            ("* OK", Condition::Ok, ""),
        ] {
            let Response::Said(said) = parse(text) else { panic!("{text}") };
            assert_eq!(said.condition, condition, "{text}");
            let found = match said.code {
                Some(Code::UidValidity(_)) => "UIDVALIDITY",
                Some(Code::UidNext(_)) => "UIDNEXT",
                Some(Code::Capability(_)) => "CAPABILITY",
                Some(Code::Other(_)) => "OTHER",
                None => "",
            };
            assert_eq!(found, code, "{text}");
        }
        let Response::Tagged { tag, said } = parse("a1 OK [CAPABILITY IMAP4rev1 idle] in") else {
            panic!()
        };
        let words = vec!["IMAP4REV1".to_string(), "IDLE".to_string()];
        assert_eq!((tag.as_str(), said.code), ("a1", Some(Code::Capability(words))));
    }

    #[test]
    fn mailboxes_come_in_many_spellings() {
        for (line, text, separator, selectable) in [
            ("* LIST (\\HasNoChildren) \"/\" INBOX", "INBOX", Some('/'), true),
            ("* LIST () \".\" \"Papelera.R&AOk-s\"", "Papelera.Rés", Some('.'), true),
            ("* LIST (\\Noselect \\HasChildren) \"/\" \"[Gmail]\"", "[Gmail]", Some('/'), false),
            ("* LIST () NIL \"flat\"", "flat", None, true),
            ("* LIST () \"\\\\\" a", "a", Some('\\'), true),
            ("* LIST () \"/\" año", "año", Some('/'), true),
        ] {
            let Response::List(listed) = parse(line) else { panic!("{line}") };
            assert_eq!(listed.text, text, "{line}");
            assert_eq!((listed.separator, listed.selectable), (separator, selectable), "{line}");
        }
        let Response::List(listed) = parse("* LIST (\\Sent \\Subscribed) \"/\" Gesendet") else {
            panic!()
        };
        assert_eq!((listed.special_use, listed.subscribed), (Some(SpecialUse::Sent), true));
    }

    #[test]
    fn a_fetch_tells_what_was_asked_and_more() {
        let text = "* 12 FETCH (FLAGS (\\Seen \\Recent NonJunk) MODSEQ (624) UID 77 X-GM-LABELS \
                    (\"\\\\Inbox\" (a b)) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" \
                    RFC822.SIZE 4286 BODY[] \"\")";
        let Response::Fetch(fetched) = parse(text) else { panic!() };
        assert_eq!(fetched.number, 12);
        assert_eq!(fetched.uid, Some(Uid(77)));
        assert_eq!(fetched.size, Some(4286));
        assert_eq!(fetched.flags.unwrap().to_string(), "\\Seen NonJunk");
        assert_eq!(fetched.internal_date.unwrap().seconds(), 837_596_665);
    }

    #[test]
    fn what_is_not_understood_is_other() {
        for text in ["", "*", "* ", "* SEARCH 1 2", "* 1 RECENT", "* 7 FETCH (UID", "* FLAGS (a)"] {
            assert_eq!(parse(text), Response::Other, "{text}");
        }
        assert_eq!(parse("+ idling"), Response::Continue);
        assert_eq!(parse("* 4294967296 EXISTS"), Response::Exists(u32::MAX));
    }

    #[test]
    fn nesting_costs_nothing() {
        let deep = format!("* 1 FETCH (X {}", "(".repeat(200_000));
        assert_eq!(parse(&deep), Response::Other);
    }
}
