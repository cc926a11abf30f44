//! A server that brings mail: one command at a time or many at once, DATA or BDAT; what was not
//! answered is sent again.

use super::{Company, Line, Lost};
use crate::house::{NAMES, Protocol};
use crate::ledger::Id;
use crate::letter::Letter;
use core_store::suite::Dice;

/// Letters of one sender in a run.
const LETTERS_MAX: u64 = 10;
/// How often a letter is sent at most.
const ATTEMPTS_MAX: u64 = 3;

/// What became of a letter.
#[derive(PartialEq, Eq)]
enum Fate {
    Taken,
    Refused,
    Later,
}

/// Sends letters until there is no more time.
pub async fn work(company: Company, mut dice: Dice) {
    for _ in 0..2 + dice.below(LETTERS_MAX) {
        let letter = company.letter(&mut dice);
        let mut to: Vec<usize> = (0..NAMES.len()).filter(|_| dice.once_in(2)).collect();
        if to.is_empty() {
            to.push(dice.below(NAMES.len() as u64) as usize);
        }
        for _ in 0..ATTEMPTS_MAX {
            company.pause(&mut dice).await;
            if !company.goes_on() {
                return;
            }
            let fate = match company.connect(Protocol::Smtp, &mut dice) {
                Ok(line) => Sender { line, company: &company, dice: &mut dice }
                    .bring(&letter, &to)
                    .await
                    .unwrap_or(Fate::Later),
                Err(Lost) => Fate::Later,
            };
            if fate != Fate::Later {
                break;
            }
        }
    }
}

struct Sender<'a> {
    line: Line,
    company: &'a Company,
    dice: &'a mut Dice,
}

impl Sender<'_> {
    async fn reply(&mut self) -> Result<u16, Lost> {
        loop {
            let line = self.line.line().await?;
            let text = String::from_utf8_lossy(&line);
            if text.as_bytes().get(3) != Some(&b'-') {
                let code = text.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
                if code == 0 || code == 500 || code == 501 || code == 503 && !text.contains("5.5.1")
                {
                    let fault = format!("SMTP said {text}");
                    self.company.ledger.borrow_mut().fault(fault);
                }
                return Ok(code);
            }
        }
    }

    async fn bring(mut self, letter: &Letter, to: &[usize]) -> Result<Fate, Lost> {
        if self.reply().await? != 220 {
            return Ok(Fate::Later);
        }
        self.line.send(b"EHLO client.example\r\n");
        if self.reply().await? != 250 {
            return Ok(Fate::Later);
        }
        let chunks = self.dice.once_in(2);
        let mut commands = vec!["MAIL FROM:<sender@client.example>\r\n".to_owned()];
        let recipient = |number: &usize| format!("RCPT TO:<{}@mired.org>\r\n", NAMES[*number]);
        commands.extend(to.iter().map(recipient));
        let pipelines = self.dice.once_in(2);
        let mut codes = Vec::new();
        if pipelines {
            self.line.send(commands.concat().as_bytes());
        }
        for command in &commands {
            if !pipelines {
                self.line.send(command.as_bytes());
            }
            codes.push(self.reply().await?);
        }
        if codes[0] != 250 {
            return Ok(Fate::Later);
        }
        let taken: Vec<usize> =
            to.iter().zip(&codes[1..]).filter(|(_, c)| **c == 250).map(|(n, _)| *n).collect();
        if taken.is_empty() {
            return Ok(Fate::Later);
        }
        // From here on the answer alone tells.
        let begin = |number: &usize| {
            let mut ledger = self.company.ledger.borrow_mut();
            (*number, ledger.bring(*number, "INBOX", vec![letter.token]))
        };
        let ids: Vec<(usize, Id)> = taken.iter().map(begin).collect();
        let code = match chunks {
            true => self.chunks(letter).await,
            false => self.data(letter).await,
        };
        let mut ledger = self.company.ledger.borrow_mut();
        let token = letter.token;
        self.company
            .world
            .note(|| format!("letter {token} to {taken:?}: {:?}", code.as_ref().ok()));
        match code {
            Ok(250) => {
                ids.iter().for_each(|(number, id)| ledger.delivered(*number, *id));
                Ok(if taken.len() == to.len() { Fate::Taken } else { Fate::Refused })
            }
            Ok(code @ (552 | 550 | 554)) => {
                let _ = code;
                ids.iter().for_each(|(number, id)| ledger.not_brought(*number, *id));
                Ok(Fate::Refused)
            }
            Ok(_) | Err(Lost) => {
                ledger.counts.doubts += 1;
                Ok(Fate::Later)
            }
        }
    }

    async fn data(&mut self, letter: &Letter) -> Result<u16, Lost> {
        self.line.send(b"DATA\r\n");
        let code = self.reply().await?;
        if code != 354 {
            return Ok(code);
        }
        let mut stuffed = Vec::with_capacity(letter.octets.len() + 100);
        for line in letter.octets.split_inclusive(|octet| *octet == b'\n') {
            if line.starts_with(b".") {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
        stuffed.extend_from_slice(b".\r\n");
        self.line.send(&stuffed);
        self.reply().await
    }

    async fn chunks(&mut self, letter: &Letter) -> Result<u16, Lost> {
        let mut rest = &letter.octets[..];
        let mut count = 0;
        loop {
            let len = (1 + self.dice.below(rest.len() as u64) as usize).min(rest.len());
            let last = len == rest.len() || count > 6;
            let len = if last { rest.len() } else { len };
            let word = if last { " LAST" } else { "" };
            self.line.send(format!("BDAT {len}{word}\r\n").as_bytes());
            self.line.send(&rest[..len]);
            rest = &rest[len..];
            count += 1;
            if last {
                break;
            }
        }
        let mut code = 0;
        for _ in 0..count {
            code = self.reply().await?;
            if code != 250 {
                return Ok(code);
            }
        }
        Ok(code)
    }
}
