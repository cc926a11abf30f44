//! The dialogue with a server, shown with arrows as it goes, or kept for a program.

use crate::print::Output;
use anyhow::Result;
use proto_smtp::client::Fate;
use serde_json::{Value, json};
use std::io::{self, ErrorKind, Write, stdout};
use words_mail::Address;

/// Most lines of a message that are shown.
const LINES_MAX: usize = 40;
/// Most octets of a line that are shown.
const LINE_MAX: usize = 1000;

/// What has been said.
pub struct Dialogue {
    output: Output,
    kept: Vec<Value>,
    /// A reply of which the line's end has not come.
    half: Vec<u8>,
    /// Is a login under way? Then nothing that we say is shown.
    login: bool,
    /// Lines of the message so far, while it is sent.
    body: Option<usize>,
    /// Will what is sent next end it?
    ending: bool,
}

impl Dialogue {
    /// Shown, or kept.
    pub fn new(output: Output) -> Dialogue {
        let (kept, half) = (Vec::new(), Vec::new());
        Dialogue { output, kept, half, login: false, body: None, ending: false }
    }

    /// Something that neither side has said.
    pub fn note(&mut self, text: &str) -> Result<()> {
        self.line("==", "note", text)
    }

    /// We have said this.
    pub fn sent(&mut self, octets: &[u8]) -> Result<()> {
        for line in octets.split_inclusive(|b| *b == b'\n') {
            let shown = printable(line);
            if let Some(count) = &mut self.body {
                *count += 1;
                if *count > LINES_MAX && !self.ending {
                    continue;
                }
                if *count == LINES_MAX {
                    self.line("->", "client", "… (the rest of the message is not shown)")?;
                    continue;
                }
                if *count > LINES_MAX && shown != "." {
                    continue;
                }
            }
            let shown = match (self.login, shown.strip_prefix("AUTH ")) {
                (_, Some(rest)) if self.body.is_none() => {
                    self.login = true;
                    let mut words = rest.split(' ');
                    let mechanism = words.next().unwrap_or_default();
                    let more = if words.next().is_some() { " ********" } else { "" };
                    format!("AUTH {mechanism}{more}")
                }
                (true, None) if shown != "QUIT" => "********".to_string(),
                (_, _) => shown,
            };
            self.line("->", "client", &shown)?;
        }
        if std::mem::take(&mut self.ending) {
            self.body = None;
        }
        Ok(())
    }

    /// The server has said this.
    pub fn heard(&mut self, octets: &[u8]) -> Result<()> {
        self.half.extend_from_slice(octets);
        while let Some(end) = self.half.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.half.drain(..=end).collect();
            self.line("<-", "server", &printable(&line))?;
        }
        // A line without end is a stranger's; a part of it will do.
        self.half.truncate(LINE_MAX);
        Ok(())
    }

    /// The login is over, whatever came of it.
    pub fn logged_in(&mut self) {
        self.login = false;
    }

    /// What is sent from here on is the message,
    pub fn body_begins(&mut self) {
        self.body.get_or_insert(0);
    }

    /// and what is sent next ends it.
    pub fn body_ends(&mut self) {
        self.ending = true;
    }

    /// What became of each recipient; all of it at once, for a program.
    pub fn finish(mut self, to: &[Address], told: &[Fate]) -> Result<()> {
        if !self.half.is_empty() {
            let line = std::mem::take(&mut self.half);
            self.line("<-", "server", &printable(&line))?;
        }
        let pairs = || to.iter().zip(told);
        if self.output == Output::Table {
            for (address, fate) in pairs() {
                say(&format!("== {address}: {}: {fate}", word_of(fate)))?;
            }
            return Ok(());
        }
        let recipients: Vec<Value> = pairs()
            .map(|(address, fate)| {
                let reply = match fate {
                    Fate::Said(said) => Some(said.reply.to_string()),
                    Fate::Lost(_) | Fate::NotOffered(_) | Fate::Login(_) => None,
                };
                json!({
                    "address": address.to_string(),
                    "result": word_of(fate),
                    "reason": fate.to_string(),
                    "reply": reply,
                })
            })
            .collect();
        let value = json!({
            "good": told.iter().all(Fate::is_delivered),
            "recipients": recipients,
            "dialogue": self.kept,
        });
        say(&serde_json::to_string_pretty(&value)?)?;
        Ok(())
    }

    fn line(&mut self, arrow: &str, who: &str, text: &str) -> Result<()> {
        match self.output {
            Output::Table => say(format!("{arrow} {text}").trim_end())?,
            Output::Json => self.kept.push(json!({ "who": who, "line": text })),
        }
        Ok(())
    }
}

/// Prints a line at once. A reader that has seen enough is no fault.
fn say(text: &str) -> io::Result<()> {
    let mut out = stdout();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// One word for what became of a recipient.
fn word_of(fate: &Fate) -> &'static str {
    if fate.is_delivered() {
        "delivered"
    } else if fate.is_permanent() {
        "refused"
    } else if fate.is_unknown() {
        "unknown"
    } else {
        "not now"
    }
}

/// Nothing that a server says moves the terminal's cursor.
fn printable(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = String::from_utf8_lossy(line.get(..LINE_MAX).unwrap_or(line));
    text.chars().map(|c| if c.is_control() && c != '\t' { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(dialogue: &Dialogue) -> Vec<String> {
        let line = |value: &Value| format!("{}: {}", value["who"], value["line"]).replace('"', "");
        dialogue.kept.iter().map(line).collect()
    }

    #[test]
    fn no_password_is_shown() {
        let mut dialogue = Dialogue::new(Output::Json);
        dialogue.sent(b"EHLO x\r\n").unwrap();
        dialogue.heard(b"250-mx\r\n250 AUTH PLAIN LOG").unwrap();
        dialogue.heard(b"IN\r\n").unwrap();
        dialogue.sent(b"AUTH PLAIN AGFuYQBzZWNyZXQ=\r\n").unwrap();
        dialogue.heard(b"504 no\r\n").unwrap();
        dialogue.sent(b"AUTH LOGIN\r\n").unwrap();
        dialogue.sent(b"YW5h\r\n").unwrap();
        dialogue.sent(b"c2VjcmV0\r\n").unwrap();
        dialogue.logged_in();
        dialogue.sent(b"QUIT\r\n").unwrap();
        assert_eq!(
            lines(&dialogue),
            [
                "client: EHLO x",
                "server: 250-mx",
                "server: 250 AUTH PLAIN LOGIN",
                "client: AUTH PLAIN ********",
                "server: 504 no",
                "client: AUTH LOGIN",
                "client: ********",
                "client: ********",
                "client: QUIT",
            ]
        );
    }

    #[test]
    fn a_long_message_is_shown_in_part_and_its_end_always() {
        let mut dialogue = Dialogue::new(Output::Json);
        dialogue.body_begins();
        for _ in 0..1000 {
            dialogue.sent(b"a line\r\n").unwrap();
        }
        dialogue.body_ends();
        dialogue.sent(b"the last\r\n.\r\n").unwrap();
        dialogue.sent(b"QUIT\r\n").unwrap();
        let lines = lines(&dialogue);
        assert_eq!(lines.len(), LINES_MAX + 2);
        assert_eq!(lines[lines.len() - 2..], ["client: .", "client: QUIT"]);
        assert!(lines[LINES_MAX - 1].contains("not shown"));
    }

    #[test]
    fn the_terminal_is_left_alone() {
        assert_eq!(printable(b"220 \x1b[2Jx\x9b\r\n"), "220 ?[2Jx\u{fffd}");
    }
}
