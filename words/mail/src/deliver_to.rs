//! Where an account's mail is filed, if elsewhere than in its mailboxes here.

use crate::Address;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use words_base::SyntaxError;

/// How the text begins.
const MAILDIR: &str = "maildir:";
/// What stands for the account's local-part,
const USER: &str = "{user}";
/// and for its domain.
const DOMAIN: &str = "{domain}";
/// Most octets of the text.
const LEN_MAX: usize = 500;
/// Most octets of a name in a path.
const NAME_MAX: usize = 200;

/// A Maildir of the file system, read by other programs: `maildir:/home/{user}/Maildir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverTo(String);

impl DeliverTo {
    /// Reads `maildir:` and an absolute path, in which `{user}` stands for the local-part of the
    /// account's address and `{domain}` for its domain, both in lower case.
    pub fn parse(text: &str) -> Result<DeliverTo, SyntaxError> {
        let wrong = |at, expected| Err(SyntaxError::new(at, expected));
        let Some(path) = text.strip_prefix(MAILDIR) else { return wrong(0, "maildir:") };
        if text.len() > LEN_MAX {
            return wrong(LEN_MAX, "a shorter path");
        }
        if !path.starts_with('/') || Path::new(path).components().nth(1).is_none() {
            return wrong(MAILDIR.len(), "an absolute path of a Maildir");
        }
        if let Some(at) = text.find(|c: char| c.is_control()) {
            return wrong(at, "a path without control characters");
        }
        let is_plain = |c| matches!(c, Component::RootDir | Component::Normal(_));
        if !Path::new(path).components().all(is_plain) {
            return wrong(MAILDIR.len(), "a path without \"..\"");
        }
        let fixed = path.replace(USER, "").replace(DOMAIN, "");
        if fixed.contains(['{', '}']) {
            return wrong(MAILDIR.len(), "no other braces than {user} and {domain}");
        }
        Ok(DeliverTo(text.to_string()))
    }

    /// Where the mail of the account of that address goes. `None`: its address does not make a name
    /// of a directory.
    pub fn place(&self, address: &Address) -> Option<Place> {
        let user = name(&address.local_part().to_lowercase())?;
        let domain = name(&address.domain().to_string().to_lowercase())?;
        let path = Path::new(self.0.strip_prefix(MAILDIR)?);
        let mut place = Place { root: PathBuf::from("/"), below: PathBuf::new() };
        let parts: Vec<&str> = path.components().filter_map(|c| c.as_os_str().to_str()).collect();
        let is_made = |part: &&str| part.contains(USER) || part.contains(DOMAIN);
        // Where nothing is made of the address, only the first name is the operator's for sure.
        let fixed = parts.iter().position(is_made).unwrap_or(2).clamp(1, parts.len() - 1);
        for (nth, part) in parts.iter().enumerate().skip(1) {
            let part = part.replace(USER, &user).replace(DOMAIN, &domain);
            if nth < fixed { place.root.push(part) } else { place.below.push(part) }
        }
        Some(place)
    }
}

/// A place in the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is the operator's: links in it may be followed.
    pub root: PathBuf,
    /// What may be the account's own: links in it must not be followed. Never empty.
    pub below: PathBuf,
}

/// A text as one name of a path: nothing that leads elsewhere, is hidden, or looks like an option.
fn name(text: &str) -> Option<String> {
    let is_plain = !text.is_empty()
        && text.len() <= NAME_MAX
        && !text.starts_with(['.', '-', '~'])
        && !text.contains(|c: char| c == '/' || c == '\\' || c.is_control());
    is_plain.then(|| text.to_string())
}

impl fmt::Display for DeliverTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, address: &str) -> Option<(String, String)> {
        let place = DeliverTo::parse(text).unwrap().place(&Address::parse(address).unwrap())?;
        Some((place.root.to_str()?.to_string(), place.below.to_str()?.to_string()))
    }

    #[test]
    fn a_place_is_made_of_the_address() {
        let both = |root: &str, below: &str| Some((root.to_string(), below.to_string()));
        for (text, address, want) in [
            ("maildir:/home/{user}/Maildir", "Ana@mired.org", both("/home", "ana/Maildir")),
            ("maildir:/v/mail/{domain}/{user}", "a+b@x.org", both("/v/mail", "x.org/a+b")),
            ("maildir:/v/m-{user}.{domain}/in", "ana@x.org", both("/v", "m-ana.x.org/in")),
            ("maildir:/{user}", "ana@x.org", both("/", "ana")),
            ("maildir:/home/ana/Maildir", "bob@x.org", both("/home", "ana/Maildir")),
            ("maildir:/home//ana/./Maildir/", "bob@x.org", both("/home", "ana/Maildir")),
            ("maildir:/mail", "bob@x.org", both("/", "mail")),
        ] {
            assert_eq!(place(text, address), want, "{text} {address}");
        }
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        let home = "maildir:/home/{user}/Maildir";
        for address in [
            "\"..\"@x.org",
            "\".\"@x.org",
            "\"../bob\"@x.org",
            "a/b@x.org",
            "-rf@x.org",
            "~bob@x.org",
        ] {
            assert_eq!(place(home, address), None, "{address}");
        }
        for text in [
            "",
            "/home/ana",
            "mbox:/home/ana",
            "maildir:",
            "maildir:/",
            "maildir:home/{user}",
            "maildir:/home/../{user}",
            "maildir:/home/{user}/../bob",
            "maildir:/home/{home}",
            "maildir:/home/{user",
            "maildir:/home/\nx",
        ] {
            assert!(DeliverTo::parse(text).is_err(), "{text}");
        }
        assert!(DeliverTo::parse(&format!("maildir:/{}", "x".repeat(LEN_MAX))).is_err());
        let text = "maildir:/home/{user}/Maildir";
        assert_eq!(DeliverTo::parse(text).unwrap().to_string(), text);
    }
}
