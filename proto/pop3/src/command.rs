//! Every command, in one table.

use words_mail::NumberSet;

/// When a command may come (RFC 1939 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before login.
    Authorization,
    /// After login.
    Transaction,
}

use Stage::{Authorization, Transaction};

/// What is true of a command.
pub struct Spec {
    /// As it stands on the wire.
    pub verb: &'static str,
    /// When it may come.
    pub stages: &'static [Stage],
    /// Reads its arguments: everything after the first blank.
    pub parse: fn(&[u8]) -> Result<Command, &'static str>,
}

/// Every command that this server speaks. The dispatcher reads it.
pub const COMMANDS: &[Spec] = &[
    Spec { verb: "USER", stages: &[Authorization], parse: |a| word(a).map(Command::User) },
    Spec { verb: "PASS", stages: &[Authorization], parse: |a| Ok(Command::Pass(a.to_vec())) },
    Spec { verb: "AUTH", stages: &[Authorization], parse: parse_auth },
    Spec { verb: "STLS", stages: &[Authorization], parse: |a| none(a, Command::Stls) },
    Spec { verb: "APOP", stages: &[Authorization], parse: |_| Ok(Command::Apop) },
    Spec { verb: "CAPA", stages: &[Authorization, Transaction], parse: |a| none(a, Command::Capa) },
    Spec { verb: "UTF8", stages: &[Authorization], parse: |a| none(a, Command::Utf8) },
    Spec { verb: "STAT", stages: &[Transaction], parse: |a| none(a, Command::Stat) },
    Spec { verb: "LIST", stages: &[Transaction], parse: |a| optional(a).map(Command::List) },
    Spec { verb: "UIDL", stages: &[Transaction], parse: |a| optional(a).map(Command::Uidl) },
    Spec { verb: "RETR", stages: &[Transaction], parse: |a| number(a).map(Command::Retr) },
    Spec { verb: "TOP", stages: &[Transaction], parse: parse_top },
    Spec { verb: "DELE", stages: &[Transaction], parse: |a| number(a).map(Command::Dele) },
    Spec { verb: "RSET", stages: &[Transaction], parse: |a| none(a, Command::Rset) },
    Spec { verb: "LAST", stages: &[Transaction], parse: |_| Ok(Command::Last) },
    Spec { verb: "NOOP", stages: &[Authorization, Transaction], parse: |a| none(a, Command::Noop) },
    Spec { verb: "QUIT", stages: &[Authorization, Transaction], parse: |a| none(a, Command::Quit) },
];

/// A command that was read. Numbers are as the client wrote them, not checked against the maildrop.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Command {
    User(String),
    /// The password is all that follows the blank, blanks included (RFC 1939 §7).
    Pass(Vec<u8>),
    /// Mechanism and initial response; no mechanism asks for the list.
    Auth(Option<(String, Option<Vec<u8>>)>),
    Stls,
    Apop,
    Capa,
    Utf8,
    Stat,
    List(Option<u32>),
    Uidl(Option<u32>),
    Retr(u32),
    Top(u32, u64),
    Dele(u32),
    Rset,
    Last,
    Noop,
    Quit,
}

/// Why a line is no command that may come now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// No such verb.
    Unknown,
    /// Not before, or not after, login.
    WrongStage(&'static Spec),
    /// The arguments are not as they should be: says what was expected.
    Arguments(&'static str),
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.verb)
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Spec) -> bool {
        self.verb == other.verb
    }
}

impl Eq for Spec {}

impl Command {
    /// Reads a line without its line end.
    pub fn parse(line: &[u8], stage: Stage) -> Result<Command, Mistake> {
        let at = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
        let (verb, rest) = line.split_at(at);
        let arguments = rest.get(1..).unwrap_or_default();
        let found = COMMANDS.iter().find(|s| s.verb.as_bytes().eq_ignore_ascii_case(verb));
        let spec = found.ok_or(Mistake::Unknown)?;
        if !spec.stages.contains(&stage) {
            return Err(Mistake::WrongStage(spec));
        }
        (spec.parse)(arguments).map_err(Mistake::Arguments)
    }
}

fn none(arguments: &[u8], command: Command) -> Result<Command, &'static str> {
    match arguments.trim_ascii() {
        b"" => Ok(command),
        _ => Err("expected no argument"),
    }
}

fn word(arguments: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(arguments).map_err(|_| "expected a name in UTF-8")?.trim();
    let good = !text.is_empty() && text.len() <= 512 && !text.chars().any(char::is_control);
    good.then(|| text.to_string()).ok_or("expected a name of at most 512 octets")
}

/// A message number: digits; one too large for any maildrop becomes one that none has.
fn number(arguments: &[u8]) -> Result<u32, &'static str> {
    let text = arguments.trim_ascii();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err("expected a message number");
    }
    let digits = std::str::from_utf8(text).unwrap_or_default();
    Ok(digits.parse().unwrap_or(u32::MAX))
}

fn optional(arguments: &[u8]) -> Result<Option<u32>, &'static str> {
    match arguments.trim_ascii() {
        b"" => Ok(None),
        text => number(text).map(Some),
    }
}

/// `TOP msg n`
fn parse_top(arguments: &[u8]) -> Result<Command, &'static str> {
    let expected = "expected a message number and a count of lines";
    let text = std::str::from_utf8(arguments).map_err(|_| expected)?;
    let mut words = text.split_ascii_whitespace();
    let (Some(n), Some(lines), None) = (words.next(), words.next(), words.next()) else {
        return Err(expected);
    };
    if !lines.bytes().all(|b| b.is_ascii_digit()) {
        return Err(expected);
    }
    // fetchmail asks for 99999999 lines and means all of them; larger numbers mean no less.
    Ok(Command::Top(number(n.as_bytes())?, lines.parse().unwrap_or(u64::MAX)))
}

/// `AUTH [mechanism [initial-response]]` (RFC 5034 §4). Outlook probes with a blank and nothing.
fn parse_auth(arguments: &[u8]) -> Result<Command, &'static str> {
    let text = std::str::from_utf8(arguments).map_err(|_| "expected a mechanism")?;
    let mut words = text.split_ascii_whitespace();
    let Some(mechanism) = words.next() else { return Ok(Command::Auth(None)) };
    let initial = words.next().map(|w| w.as_bytes().to_vec());
    match words.next() {
        None => Ok(Command::Auth(Some((mechanism.to_string(), initial)))),
        Some(_) => Err("expected a mechanism and at most one initial response"),
    }
}

/// Octets that DELE has taken from a maildrop, and which messages.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    pub(crate) numbers: NumberSet,
    pub(crate) size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_spellings_are_read() {
        let table: &[(&str, Stage, Command)] = &[
            ("user  ana ", Authorization, Command::User("ana".into())),
            ("PASS  two  blanks ", Authorization, Command::Pass(b" two  blanks ".to_vec())),
            ("auth ", Authorization, Command::Auth(None)),
            (
                "AUTH PLAIN =",
                Authorization,
                Command::Auth(Some(("PLAIN".into(), Some(b"=".to_vec())))),
            ),
            ("list", Transaction, Command::List(None)),
            ("LIST 4294967296", Transaction, Command::List(Some(u32::MAX))),
            ("TOP 1 0", Transaction, Command::Top(1, 0)),
            ("top 2 99999999999999999999", Transaction, Command::Top(2, u64::MAX)),
            ("quit ", Transaction, Command::Quit),
        ];
        for (line, stage, want) in table {
            assert!(Command::parse(line.as_bytes(), *stage) == Ok(want.clone()), "{line}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let table: &[(&str, Stage, &str)] = &[
            ("RETR", Transaction, "expected a message number"),
            ("RETR -1", Transaction, "expected a message number"),
            ("TOP 1", Transaction, "expected a message number and a count of lines"),
            ("TOP 1 x", Transaction, "expected a message number and a count of lines"),
            ("STAT 1", Transaction, "expected no argument"),
            ("USER", Authorization, "expected a name of at most 512 octets"),
        ];
        for (line, stage, want) in table {
            let got = Command::parse(line.as_bytes(), *stage);
            assert!(got == Err(Mistake::Arguments(want)), "{line}");
        }
        assert!(matches!(Command::parse(b"RETR 1", Authorization), Err(Mistake::WrongStage(_))));
        assert!(matches!(Command::parse(b"\x00\xff", Transaction), Err(Mistake::Unknown)));
    }
}
