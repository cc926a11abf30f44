//! Passwords from the person at the keyboard.

use crate::cli::PasswordChoice;
use anyhow::{Context, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write, stderr, stdin};

/// A password on its way to whoever needs it. Never printed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

/// The password of an account elsewhere: as it was chosen to be given, or asked for once.
pub fn of_account_elsewhere(choice: PasswordChoice, name: &str, server: &str) -> Result<Hidden> {
    if let Some(password) = given(choice)? {
        return Ok(Hidden(password));
    }
    if !stdin().is_terminal() {
        bail!("no password for {name} at {server}; give it with --password-stdin");
    }
    hidden(&format!("Password for {name} at {server}: ")).map(Hidden)
}

/// The password, as it was chosen to be given; `None` if it was not.
pub fn given(choice: PasswordChoice) -> Result<Option<String>> {
    if choice.password_stdin {
        let line = stdin().lines().next().context("no password on standard input")?;
        return Ok(Some(line.context("cannot read standard input")?));
    }
    if choice.password.is_some() {
        eprintln!(
            "estafeta: warning: others may see --password in the process list and the shell's \
             history; --password-stdin keeps it to yourself"
        );
    }
    Ok(choice.password)
}

/// Asks for a new password, twice, without showing it.
pub fn ask(address: &str) -> Result<String> {
    if !stdin().is_terminal() {
        bail!("no password; give one with --password-stdin, or leave it open with --no-password");
    }
    let first = hidden(&format!("Password for {address}: "))?;
    if hidden("The same again: ")? != first {
        bail!("the two differ; nothing was changed, try again");
    }
    Ok(first)
}

fn hidden(prompt: &str) -> Result<String> {
    eprint!("{prompt}");
    stderr().flush()?;
    let shown = tcgetattr(stdin())?;
    let mut secret = shown.clone();
    secret.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin(), OptionalActions::Flush, &secret)?;
    let mut line = String::new();
    let read = stdin().lock().read_line(&mut line);
    let restored = tcsetattr(stdin(), OptionalActions::Flush, &shown);
    eprintln!();
    read.and(restored.map(|()| 0).map_err(io::Error::from))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_string())
}
