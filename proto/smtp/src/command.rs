//! The commands, one row each; a file per command below.

pub(crate) mod auth;
pub(crate) mod bdat;
pub(crate) mod data;
pub(crate) mod hello;
pub(crate) mod help;
pub(crate) mod mail;
pub(crate) mod noop;
pub(crate) mod quit;
pub(crate) mod rcpt;
pub(crate) mod rset;
pub(crate) mod starttls;
pub(crate) mod vrfy;

use crate::path::Brackets;
use crate::reply::{Reply, reply};
use crate::scanner::Scanner;
use crate::{MailParameters, Mode, Recipient};
use words_base::SyntaxError;
use words_mail::{EnhancedStatus, ReversePath};

/// A command line, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Hello { name: String, extended: bool },
    Mail(ReversePath, MailParameters),
    Rcpt(Box<Recipient>),
    Data,
    Bdat { size: u64, last: bool },
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
    StartTls,
    Auth { mechanism: String, initial: Option<String> },
}

/// How far the client has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has our banner.
    Greeted,
    /// It has said its name.
    Hello,
    /// It has named a sender.
    Mail,
    /// It has named a recipient, and at least one was accepted.
    Rcpt,
}

use Stage::{Greeted, Hello, Mail, Rcpt};

/// What is true of a command.
pub(crate) struct Spec {
    pub verb: &'static str,
    /// With its arguments, for HELP and for replies about mistakes.
    pub usage: &'static str,
    pub modes: &'static [Mode],
    pub stages: &'static [Stage],
    /// Must nothing be pipelined behind it (RFC 2920 §3.1)?
    pub ends_group: bool,
    /// Does it end a transaction, hence drop a body begun with BDAT?
    pub resets: bool,
    pub parse: fn(&mut Scanner<'_>, Brackets) -> Result<Command, Mistake>,
}

const ALL: &[Mode] = &[Mode::Relay, Mode::Submission, Mode::Lmtp];
const SMTP: &[Mode] = &[Mode::Relay, Mode::Submission];
const LMTP: &[Mode] = &[Mode::Lmtp];
const ANY: &[Stage] = &[Greeted, Hello, Mail, Rcpt];

/// Every command this server speaks. The dispatcher and HELP read it.
#[rustfmt::skip]
pub(crate) const COMMANDS: &[Spec] = &[
    Spec { verb: "EHLO", usage: "EHLO your.host.name", modes: SMTP, stages: ANY, ends_group: true, resets: true, parse: hello::parse_extended },
    Spec { verb: "HELO", usage: "HELO your.host.name", modes: SMTP, stages: ANY, ends_group: true, resets: true, parse: hello::parse_plain },
    Spec { verb: "LHLO", usage: "LHLO your.host.name", modes: LMTP, stages: ANY, ends_group: true, resets: true, parse: hello::parse_extended },
    Spec { verb: "MAIL", usage: "MAIL FROM:<sender@example.org>", modes: ALL, stages: &[Hello], ends_group: false, resets: false, parse: mail::parse },
    Spec { verb: "RCPT", usage: "RCPT TO:<recipient@example.org>", modes: ALL, stages: &[Mail, Rcpt], ends_group: false, resets: false, parse: rcpt::parse },
    Spec { verb: "DATA", usage: "DATA", modes: ALL, stages: &[Rcpt], ends_group: true, resets: false, parse: data::parse },
    // Octets follow a BDAT whether it comes in order or not; it looks to that itself.
    Spec { verb: "BDAT", usage: "BDAT octets [LAST]", modes: ALL, stages: ANY, ends_group: false, resets: false, parse: bdat::parse },
    Spec { verb: "RSET", usage: "RSET", modes: ALL, stages: ANY, ends_group: false, resets: true, parse: rset::parse },
    Spec { verb: "NOOP", usage: "NOOP", modes: ALL, stages: ANY, ends_group: false, resets: false, parse: noop::parse },
    Spec { verb: "VRFY", usage: "VRFY address", modes: ALL, stages: ANY, ends_group: false, resets: false, parse: vrfy::parse },
    Spec { verb: "HELP", usage: "HELP", modes: ALL, stages: ANY, ends_group: false, resets: false, parse: help::parse },
    Spec { verb: "QUIT", usage: "QUIT", modes: ALL, stages: ANY, ends_group: false, resets: true, parse: quit::parse },
    Spec { verb: "STARTTLS", usage: "STARTTLS", modes: ALL, stages: ANY, ends_group: false, resets: true, parse: starttls::parse },
    Spec { verb: "AUTH", usage: "AUTH mechanism [initial-response]", modes: ALL, stages: &[Hello], ends_group: true, resets: false, parse: auth::parse },
];

/// Known, and not spoken here: 502 instead of 500 (RFC 5321 §4.2.4).
const OBSOLETE: &[&str] =
    &["EXPN", "SEND", "SOML", "SAML", "TURN", "ETRN", "ATRN", "BURL", "XCLIENT", "XFORWARD"];

/// First words of other protocols. A browser was sent here; it must not go on.
const FOREIGN: &[&str] = &["GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"];

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mistake {
    Syntax(SyntaxError),
    UnknownParameter(String),
    /// As octets of a message follow it, the two sides can no longer be in step.
    OutOfStep(SyntaxError),
}

impl From<SyntaxError> for Mistake {
    fn from(error: SyntaxError) -> Mistake {
        Mistake::Syntax(error)
    }
}

impl Mistake {
    pub fn reply(&self, spec: &Spec) -> Reply {
        match self {
            Mistake::Syntax(error) | Mistake::OutOfStep(error) => {
                let text = format!("{error}, as in: {}", spec.usage);
                reply(501, EnhancedStatus(5, 5, 4), text)
            }
            Mistake::UnknownParameter(keyword) => unknown_parameter(keyword),
        }
    }
}

/// What to say of a parameter that does not exist, or that was not offered.
pub(crate) fn unknown_parameter(keyword: &str) -> Reply {
    reply(555, EnhancedStatus(5, 5, 4), format!("parameter {keyword} is not known here"))
}

/// What the first word of a line is.
pub(crate) enum Verb {
    Spoken(&'static Spec),
    Foreign,
    Other(Reply),
}

/// Finds the row for a line's first word.
pub(crate) fn find(verb: &str, mode: Mode) -> Verb {
    let is_verb = |word: &&&str| word.eq_ignore_ascii_case(verb);
    if let Some(spec) = COMMANDS.iter().find(|s| s.verb.eq_ignore_ascii_case(verb)) {
        return match spec.modes.contains(&mode) {
            true => Verb::Spoken(spec),
            false => Verb::Other(wrong_mode(mode)),
        };
    }
    if FOREIGN.iter().any(|word| is_verb(&word)) {
        return Verb::Foreign;
    }
    Verb::Other(match OBSOLETE.iter().find(is_verb) {
        Some(word) => reply(502, EnhancedStatus(5, 5, 1), format!("{word} is not spoken here")),
        None if verb.is_empty() => {
            reply(500, EnhancedStatus(5, 5, 2), "expected a command, got an empty line")
        }
        None => reply(500, EnhancedStatus(5, 5, 1), "no such command; HELP lists them"),
    })
}

fn wrong_mode(mode: Mode) -> Reply {
    let text = match mode {
        Mode::Lmtp => "this is LMTP; greet with LHLO",
        Mode::Relay | Mode::Submission => "this is SMTP; greet with EHLO",
    };
    reply(500, EnhancedStatus(5, 5, 1), text)
}

/// What to say of a command that comes too early or too late; `refused` counts the recipients
/// refused so far.
pub(crate) fn out_of_order(verb: &str, stage: Stage, mode: Mode, refused: usize) -> Reply {
    let text = match stage {
        Greeted if mode == Mode::Lmtp => "send LHLO first",
        Greeted => "send EHLO first",
        Hello => "send MAIL FROM first",
        Mail | Rcpt if verb == "MAIL" => "a message is begun already; RSET forgets it",
        Mail | Rcpt if verb == "AUTH" => "not while a message is begun; RSET forgets it",
        Mail if refused > 0 => {
            return reply(554, EnhancedStatus(5, 5, 1), "no valid recipients");
        }
        Mail => "send RCPT TO first",
        Rcpt => "not now",
    };
    reply(503, EnhancedStatus(5, 5, 1), text)
}

/// A command without arguments.
fn parse_alone(scanner: &mut Scanner<'_>, command: Command) -> Result<Command, Mistake> {
    scanner.end()?;
    Ok(command)
}

#[cfg(test)]
pub(crate) fn parse_line(line: &str, brackets: Brackets) -> Result<Command, Mistake> {
    let mut scanner = Scanner::new(line);
    let verb = scanner.word();
    let spec = COMMANDS.iter().find(|s| s.verb.eq_ignore_ascii_case(verb)).expect("a command");
    (spec.parse)(&mut scanner, brackets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_verb_is_there_once_and_in_upper_case() {
        for spec in COMMANDS {
            assert_eq!(COMMANDS.iter().filter(|s| s.verb == spec.verb).count(), 1);
            assert_eq!(spec.verb.to_ascii_uppercase(), spec.verb);
            assert!(spec.usage.starts_with(spec.verb) && !spec.modes.is_empty());
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(row in 0..COMMANDS.len(), arguments in "\\PC{0,60}") {
            let line = format!("{} {arguments}", COMMANDS[row].verb);
            let _ = parse_line(&line, Brackets::Optional);
        }
    }
}
