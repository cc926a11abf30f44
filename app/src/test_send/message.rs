//! The message of a test.

use crate::cli::TestSend;
use anyhow::{Context, Result};
use core_world::{Clock, Random};
use engine_system::{SystemClock, SystemRandom};
use std::io::Read;
use std::path::Path;
use words_message::DateTime;

/// Largest message of a test, in octets.
const SIZE_MAX: u64 = 1 << 30;

/// As it was given, or made.
pub fn of(options: &TestSend) -> Result<Vec<u8>> {
    match &options.message {
        Some(path) => read(path),
        None => Ok(compose(options).into_bytes()),
    }
}

/// The header section of a message.
pub fn header_of(message: &[u8]) -> &[u8] {
    let end = message.windows(3).position(|w| w == b"\n\r\n" || w.starts_with(b"\n\n"));
    message.get(..end.unwrap_or(message.len())).unwrap_or_default()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let source: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => {
            Box::new(std::fs::File::open(path).with_context(|| format!("cannot read {shown}"))?)
        }
    };
    let mut octets = Vec::new();
    source
        .take(SIZE_MAX)
        .read_to_end(&mut octets)
        .with_context(|| format!("cannot read {shown}"))?;
    Ok(octets)
}

/// What every message must have, unless it was given with `--header`, which comes first.
fn compose(options: &TestSend) -> String {
    let given = |name: &str| {
        options.headers.iter().any(|field| {
            field.split_once(':').is_some_and(|(own, _)| own.trim().eq_ignore_ascii_case(name))
        })
    };
    let mut random = [0; 16];
    SystemRandom.fill(&mut random);
    let host = options.from.0.as_ref().map_or("localhost", |from| from.domain().as_str());
    let from = match &options.from.0 {
        Some(from) => from.to_string(),
        None => "postmaster@localhost".to_string(),
    };
    let to: Vec<String> = options.to.iter().map(ToString::to_string).collect();
    let mut text = String::new();
    for (name, value) in [
        ("Date", DateTime::utc(SystemClock.now()).to_field()),
        ("From", from),
        ("To", to.join(",\r\n ")),
        ("Subject", "test".to_string()),
        ("Message-ID", words_message::compose::message_id(&random, host)),
    ] {
        if !given(name) {
            text += &format!("{name}: {value}\r\n");
        }
    }
    if !options.body.is_ascii() && !given("Content-Type") {
        text += "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
        text += "Content-Transfer-Encoding: 8bit\r\n";
    }
    for field in &options.headers {
        text += &format!("{field}\r\n");
    }
    text += "\r\n";
    for line in options.body.lines() {
        text += &format!("{line}\r\n");
    }
    text
}
