//! A question to the person at the keyboard.

use anyhow::{Result, bail};
use std::fmt::Display;
use std::io::{BufRead, Write, stderr, stdin};

/// Asks until `parse` can read the answer. Nothing said means `usual`, if there is one.
pub fn ask<T: Display, E: Display>(
    question: &str,
    usual: Option<T>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T> {
    loop {
        match &usual {
            Some(usual) => eprint!("{question} [{usual}]: "),
            None => eprint!("{question}: "),
        }
        stderr().flush()?;
        let mut line = String::new();
        if stdin().lock().read_line(&mut line)? == 0 {
            bail!("no answer; nothing was written");
        }
        if line.trim().is_empty()
            && let Some(usual) = usual
        {
            return Ok(usual);
        }
        match parse(line.trim()) {
            Ok(answer) => return Ok(answer),
            Err(error) => eprintln!("{error}"),
        }
    }
}
