//! Accounts from a file: one a line, with passwords in the clear or as another server stored them.

use anyhow::{Context, Result, anyhow, bail};
use words_mail::Domain;

/// Fields of a line of Dovecot's passwd-file and of /etc/passwd.
const PASSWD_FIELDS: usize = 7;

/// An account of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Its address.
    pub address: String,
    /// How it will log in.
    pub password: Password,
}

/// A password, as the file has it.
#[derive(Debug, PartialEq, Eq)]
pub enum Password {
    /// None, or a locked one.
    None,
    /// Itself.
    Clear(String),
    /// As another server stored it.
    Hash(String),
}

/// The accounts of a file, and what of it was not taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// In the order of the file.
    pub lines: Vec<Line>,
    /// Lines with fields behind the password: numbers, homes, quotas of the other server.
    pub with_more: usize,
    /// Accounts without a password.
    pub without_password: usize,
}

/// Reads `ADDRESS:PASSWORD`, `ADDRESS:{SCHEME}hash`, `ADDRESS:$6$…`, and lines of a passwd-file or of
/// /etc/shadow; empty lines and those that begin with `#` are skipped. Names without a domain get
/// `domain`. The error names the line.
pub fn read(text: &str, domain: Option<&Domain>) -> Result<Accounts> {
    let mut accounts = Accounts::default();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (line, has_more) =
            read_line(line, domain).with_context(|| format!("line {}", number + 1))?;
        accounts.with_more += usize::from(has_more);
        accounts.without_password += usize::from(line.password == Password::None);
        accounts.lines.push(line);
    }
    Ok(accounts)
}

fn read_line(line: &str, domain: Option<&Domain>) -> Result<(Line, bool)> {
    let (name, rest) = line
        .split_once(':')
        .ok_or_else(|| anyhow!("expected ADDRESS:PASSWORD, or ADDRESS:{{SCHEME}}hash"))?;
    let address = match (name.contains('@'), domain) {
        (true, _) => name.to_string(),
        (false, Some(domain)) => format!("{name}@{domain}"),
        (false, None) => bail!("{name} is no address; say which domain with --domain"),
    };
    let (field, more) = rest.split_once(':').unwrap_or((rest, ""));
    let has_more = !more.trim_matches(':').is_empty();
    if is_hash(field) {
        return Ok((Line { address, password: Password::Hash(field.to_string()) }, has_more));
    }
    if field.is_empty() || field.starts_with(['!', '*']) && !more.is_empty() {
        return Ok((Line { address, password: Password::None }, has_more));
    }
    if is_passwd(line) {
        bail!(
            "a password without its scheme: put {{PLAIN}} in front if it is in the clear, \
             {{CRYPT}} if it is a hash of crypt(3)"
        );
    }
    // A password may hold colons.
    Ok((Line { address, password: Password::Clear(rest.to_string()) }, false))
}

/// `{SCHEME}…`, or `$6$…` as crypt(3) writes it. A password in the clear that begins so is written
/// with `{PLAIN}` in front.
fn is_hash(field: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    let scheme = field.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let crypt = field.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    scheme.or(crypt).is_some_and(|(word, _)| is_word(word))
}

/// Numbers stand where passwd has those of user and group.
fn is_passwd(line: &str) -> bool {
    let fields: Vec<&str> = line.split(':').collect();
    let is_number = |field: Option<&&str>| field.is_some_and(|f| f.parse::<u32>().is_ok());
    fields.len() >= PASSWD_FIELDS && is_number(fields.get(2)) && is_number(fields.get(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> (String, Password, usize) {
        let domain = Domain::parse("mired.org").unwrap();
        let mut accounts = read(line, Some(&domain)).unwrap();
        let Line { address, password } = accounts.lines.remove(0);
        (address, password, accounts.with_more)
    }

    #[test]
    fn lines_of_every_kind_are_read() {
        let clear = |text: &str| Password::Clear(text.to_string());
        let hash = |text: &str| Password::Hash(text.to_string());
        for (line, address, password, more) in [
            ("ana@x.org:secret", "ana@x.org", clear("secret"), 0),
            ("ana@x.org:a:b c:d", "ana@x.org", clear("a:b c:d"), 0),
            ("ana@x.org:{", "ana@x.org", clear("{"), 0),
            ("ana@x.org:{a b}c", "ana@x.org", clear("{a b}c"), 0),
            ("ana@x.org:$money$", "ana@x.org", hash("$money$"), 0),
            ("ana@x.org:!now", "ana@x.org", clear("!now"), 0),
            ("ana:{SSHA}abc=", "ana@mired.org", hash("{SSHA}abc="), 0),
            ("ana:{PLAIN}a b", "ana@mired.org", hash("{PLAIN}a b"), 0),
            (
                "ana:{SHA512-CRYPT}$6$a$b:1000:1000::/home/ana::userdb_quota_rule=*:storage=1G",
                "ana@mired.org",
                hash("{SHA512-CRYPT}$6$a$b"),
                1,
            ),
            ("ana:{SSHA256.HEX}00::::::", "ana@mired.org", hash("{SSHA256.HEX}00"), 0),
            ("ana:$6$salt$sum:19000:0:99999:7:::", "ana@mired.org", hash("$6$salt$sum"), 1),
            ("ana:!:19000:0:99999:7:::", "ana@mired.org", Password::None, 1),
            ("ana:*:19000:0:99999:7:::", "ana@mired.org", Password::None, 1),
            ("ana:", "ana@mired.org", Password::None, 0),
            ("ana::1000:1000::/home/ana:", "ana@mired.org", Password::None, 1),
        ] {
            assert_eq!(one(line), (address.to_string(), password, more), "{line}");
        }
    }

    #[test]
    fn an_error_names_the_line_and_the_next_step() {
        for (text, want) in [
            ("# x\n\nana", "line 3: expected ADDRESS:PASSWORD, or ADDRESS:{SCHEME}hash"),
            ("ana:x", "line 1: ana is no address; say which domain with --domain"),
            (
                "a@b.c:ab12:1000:1000::/home/a:",
                "line 1: a password without its scheme: put {PLAIN} in front if it is in the clear, \
                 {CRYPT} if it is a hash of crypt(3)",
            ),
        ] {
            assert_eq!(format!("{:#}", read(text, None).unwrap_err()), want);
        }
    }
}
