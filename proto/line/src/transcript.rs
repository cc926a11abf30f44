//! The transcript player: a second driver of [`Session`], for tests. No port, no task.

use crate::{News, Secured, Session, Step};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How a protocol's questions and answers are written in `Q:` and `A:` lines.
pub trait Scene {
    /// The session under test.
    type Session: Session;

    /// A new session, as a transcript's first line finds it.
    fn open(&self) -> Self::Session;

    /// One line of text for a question.
    fn question(&self, ask: &<Self::Session as Session>::Ask) -> String;

    /// Reads an answer; `Err` says what is wrong with the line.
    fn answer(&self, text: &str) -> Result<<Self::Session as Session>::Answer, String>;

    /// The octets of a stretch, made up by the scene.
    fn stretch(&self, stretch: &<Self::Session as Session>::Stretch) -> Vec<u8>;
}

/// Plays one transcript. `Err` holds the whole transcript as it really went, to be compared.
///
/// `C:` bytes from the client, a CRLF added (`\r`, `\n`, `\xNN`, `\\` are read as in Rust, and a
/// line that ends in `\c` gets no CRLF); consecutive `C:` lines are handed over together.
/// `S:` a line from the server. `S: <close>`, `S: <starttls>` for those steps. `Q:` a question,
/// `A:` the answer to give, `N: changed|shutdown|shut-out` news, `T: +5m` (`s`, `m`, `h`) moves the clock,
/// `TLS:` secures the connection from its beginning. `#` begins a comment, empty lines are skipped.
pub fn play<S: Scene>(scene: &S, text: &str) -> Result<(), String> {
    let mut player = Player {
        scene,
        session: scene.open(),
        now: Instant::now(), // tidy: any beginning will do, transcripts only move on from it
        went: String::new(),
        closed: false,
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    let mut answers: Vec<&str>;
    let mut started = false;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        let (kind, rest) = line.split_once(':').unwrap_or((line, ""));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match kind {
            "C" | "N" | "T" | "TLS" => {
                // The answers that this input will ask for stand further down, up to the next input.
                let more_input = |l: &&&str| kind == "C" && l.starts_with("C:");
                let skipped = lines[at..].iter().take_while(more_input).count();
                answers = answers_ahead(&lines[at + skipped..]);
                if !started && kind != "TLS" {
                    started = true;
                    player.run(&mut answers)?;
                }
                let _ = writeln!(player.went, "{line}");
                let more = kind == "C" && lines.get(at).is_some_and(|l| l.starts_with("C:"));
                player.input(kind, rest)?;
                if !more && kind != "TLS" {
                    player.run(&mut answers)?;
                }
            }
            "S" | "Q" | "A" => {
                if !started {
                    started = true;
                    // A session may have a question before anything has come.
                    answers = answers_ahead(&lines[at - 1..]);
                    player.run(&mut answers)?;
                }
            }
            _ => {
                let _ = writeln!(player.went, "{line}");
            }
        }
    }
    let normal = |t: &str| {
        let keep = |l: &&str| !l.trim().is_empty() && !l.starts_with('#');
        t.lines().filter(keep).map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    match_lines(&normal(text), &normal(&player.went))
        .map_err(|why| format!("{why}\n--- went:\n{}", player.went))
}

/// The answers up to the next input, the first one last.
fn answers_ahead<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let is_input = |l: &str| ["C:", "N:", "T:", "TLS:"].iter().any(|kind| l.starts_with(kind));
    let until_input = lines.iter().take_while(|l| !is_input(l));
    let answers = until_input.filter_map(|l| l.strip_prefix("A:").map(str::trim));
    let mut answers: Vec<&str> = answers.collect();
    answers.reverse();
    answers
}

struct Player<'a, S: Scene> {
    scene: &'a S,
    session: S::Session,
    now: Instant,
    went: String,
    closed: bool,
}

impl<S: Scene> Player<'_, S> {
    fn input(&mut self, kind: &str, rest: &str) -> Result<(), String> {
        match kind {
            "C" => self.session.input(&unescape(rest)?),
            "N" if rest == "changed" => self.session.news(News::Changed),
            "N" if rest == "shut-out" => self.session.news(News::ShutOut),
            "N" => self.session.news(News::ShuttingDown),
            "T" => self.now += span(rest)?,
            _ => self.session.secured(Secured {
                version: "TLS1.3",
                cipher: "TLS13_AES_256_GCM_SHA384".to_string(),
                exporter: Some([7; 32]),
            }),
        }
        Ok(())
    }

    fn run(&mut self, answers: &mut Vec<&str>) -> Result<(), String> {
        let mut sent = Vec::new();
        while !self.closed {
            match self.session.step(self.now) {
                Step::Send(bytes) => {
                    sent.extend_from_slice(&bytes);
                    self.session.give_back(bytes);
                }
                Step::Stream(stretch) => sent.extend(self.scene.stretch(&stretch)),
                Step::Ask(ask) => {
                    self.flush(&mut sent);
                    let _ = writeln!(self.went, "Q: {}", self.scene.question(&ask));
                    let answer = answers.pop().ok_or(format!("no answer\n{}", self.went))?;
                    let _ = writeln!(self.went, "A: {answer}");
                    self.session.answer(self.scene.answer(answer)?);
                }
                Step::Wait { .. } => break,
                Step::StartTls => {
                    self.flush(&mut sent);
                    let _ = writeln!(self.went, "S: <starttls>");
                    self.input("TLS", "")?;
                }
                Step::Close => {
                    self.flush(&mut sent);
                    let _ = writeln!(self.went, "S: <close>");
                    self.closed = true;
                }
            }
        }
        self.flush(&mut sent);
        Ok(())
    }

    fn flush(&mut self, sent: &mut Vec<u8>) {
        for line in sent.split_inclusive(|b| *b == b'\n') {
            let _ = writeln!(self.went, "S: {}", escape(line));
        }
        sent.clear();
    }
}

/// A line as transcripts show it: its CRLF gone, other odd octets escaped, `\c` if it has no end.
fn escape(line: &[u8]) -> String {
    let (line, end) = match line.strip_suffix(b"\r\n") {
        Some(line) => (line, ""),
        None => (line, "\\c"),
    };
    let mut out = String::new();
    for b in line {
        match b {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(*b as char),
            b => {
                let _ = write!(out, "\\x{b:02x}");
            }
        }
    }
    out + end
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        match bytes.next() {
            Some(b'r') => out.push(b'\r'),
            Some(b'n') => out.push(b'\n'),
            Some(b'0') => out.push(0),
            Some(b'\\') => out.push(b'\\'),
            Some(b'c') => return Ok(out),
            Some(b'x') => {
                let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                let text = String::from_utf8_lossy(&digits).into_owned();
                out.push(u8::from_str_radix(&text, 16).map_err(|e| format!("\\x{text}: {e}"))?);
            }
            other => return Err(format!("unknown escape {other:?} in {text:?}")),
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(out)
}

fn span(text: &str) -> Result<Duration, String> {
    let text = text.trim_start_matches('+');
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let number: u64 = number.parse().map_err(|e| format!("{text}: {e}"))?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3600)),
        _ => Err(format!("{text}: expected a unit of s, m or h")),
    }
}

/// Compares line by line; `$name` in a wanted line binds one word at first sight.
fn match_lines(want: &str, went: &str) -> Result<(), String> {
    let mut bound: HashMap<String, String> = HashMap::new();
    let (want, went): (Vec<_>, Vec<_>) = (want.lines().collect(), went.lines().collect());
    for i in 0..want.len().max(went.len()) {
        let (a, b) =
            (want.get(i).copied().unwrap_or("<end>"), went.get(i).copied().unwrap_or("<end>"));
        if !line_matches(a, b, &mut bound) {
            return Err(format!("wanted: {a}\ngot:    {b}"));
        }
    }
    Ok(())
}

fn line_matches(want: &str, went: &str, bound: &mut HashMap<String, String>) -> bool {
    if !want.contains(" $") && !want.contains("<$") {
        return want == went;
    }
    let (a, b): (Vec<_>, Vec<_>) = (want.split(' ').collect(), went.split(' ').collect());
    a.len() == b.len()
        && a.iter().zip(&b).all(|(a, b)| match a.strip_prefix('$') {
            Some(name) if name.chars().all(|c| c.is_ascii_lowercase()) && !name.is_empty() => {
                bound.entry(name.to_string()).or_insert_with(|| b.to_string()) == b
            }
            _ => a == b,
        })
}
