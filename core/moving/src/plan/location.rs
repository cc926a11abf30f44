//! `mail_location`: which kind of store, and where.

use std::path::PathBuf;
use words_archive::dovecot_conf::{Node, blocks, setting};

/// Where somebody's mail is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A Maildir.
    Maildir {
        /// The directory.
        path: PathBuf,
        /// Where INBOX is, if elsewhere.
        inbox: Option<PathBuf>,
    },
    /// Mbox files.
    Mbox {
        /// The directory of all but INBOX.
        path: PathBuf,
        /// The file of INBOX, if elsewhere.
        inbox: Option<PathBuf>,
    },
    /// One of two that are looked for, in this order: Dovecot does so where nothing is told.
    Either {
        /// A Maildir here,
        maildir: PathBuf,
        /// or mbox files here.
        mbox: PathBuf,
    },
}

/// The location of everybody's mail, before it is expanded.
pub(super) fn template(nodes: &[Node]) -> String {
    if let Some(location) = setting(nodes, "mail_location").filter(|l| !l.is_empty()) {
        return location.to_string();
    }
    // As 2.4 writes it.
    if let (Some(driver), Some(path)) = (setting(nodes, "mail_driver"), setting(nodes, "mail_path"))
    {
        let inbox = setting(nodes, "mail_inbox_path").map(|p| format!(":INBOX={p}"));
        return format!("{driver}:{path}{}", inbox.unwrap_or_default());
    }
    let spaces = blocks(nodes, "namespace");
    let inbox = spaces.iter().find(|(_, nodes)| setting(nodes, "inbox") == Some("yes"));
    inbox.and_then(|(_, nodes)| setting(nodes, "location")).unwrap_or_default().to_string()
}

/// Reads a location that is expanded already; remarks go to `remarks`. The error says what is to be
/// done instead.
pub(super) fn read(text: &str, home: &str, remarks: &mut Vec<String>) -> Result<Location, String> {
    if text.is_empty() {
        let home = PathBuf::from(home);
        return Ok(Location::Either { maildir: home.join("Maildir"), mbox: home.join("mail") });
    }
    let (kind, rest) = text.split_once(':').unwrap_or(("", text));
    let mut parts = rest.split(':');
    let below_home = |path: &str| match path.strip_prefix("~/") {
        Some(below) => PathBuf::from(home).join(below),
        None if path == "~" => PathBuf::from(home),
        None => PathBuf::from(home).join(path),
    };
    let path = below_home(parts.next().unwrap_or_default());
    let mut inbox = None;
    for part in parts {
        match part.split_once('=') {
            Some(("INBOX", value)) => inbox = Some(below_home(value)),
            Some(("CONTROL", value)) => remarks.push(format!(
                "lists of UIDs are kept apart in {value}, and are not read: messages get new UIDs"
            )),
            _ => {}
        }
    }
    match kind {
        "maildir" => Ok(Location::Maildir { path, inbox }),
        "mbox" => Ok(Location::Mbox { path, inbox }),
        other => Err(format!(
            "mail of kind {other:?} is not read; turn it into a Maildir first: doveadm backup -u USER \
             maildir:DIRECTORY"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words_archive::dovecot_conf::parse;

    #[test]
    fn locations_are_read() {
        let maildir = |path: &str, inbox: Option<&str>| {
            Ok(Location::Maildir { path: path.into(), inbox: inbox.map(PathBuf::from) })
        };
        let mbox = |path: &str, inbox: Option<&str>| {
            Ok(Location::Mbox { path: path.into(), inbox: inbox.map(PathBuf::from) })
        };
        let either = Location::Either { maildir: "/h/Maildir".into(), mbox: "/h/mail".into() };
        for (text, want) in [
            ("maildir:~/Maildir", maildir("/h/Maildir", None)),
            ("maildir:/v/m:LAYOUT=fs:INBOX=~/in", maildir("/v/m", Some("/h/in"))),
            ("mbox:~/mail:INBOX=/var/mail/ana", mbox("/h/mail", Some("/var/mail/ana"))),
            ("", Ok(either)),
        ] {
            assert_eq!(read(text, "/h", &mut Vec::new()), want, "{text}");
        }
        assert!(read("mdbox:~/m", "/h", &mut Vec::new()).unwrap_err().contains("doveadm"));
        let mut remarks = Vec::new();
        read("maildir:~/m:CONTROL=/c", "/h", &mut remarks).unwrap();
        assert_eq!(remarks.len(), 1);
    }

    #[test]
    fn the_location_is_found_where_versions_write_it() {
        for (text, want) in [
            ("mail_location = maildir:~/M\n", "maildir:~/M"),
            ("mail_driver = maildir\nmail_path = ~/M\n", "maildir:~/M"),
            (
                "mail_driver = mbox\nmail_path = ~/m\nmail_inbox_path = /v/%u\n",
                "mbox:~/m:INBOX=/v/%u",
            ),
            ("namespace x {\ninbox = yes\nlocation = maildir:~/N\n}\n", "maildir:~/N"),
            ("", ""),
        ] {
            assert_eq!(template(&parse(text)), want);
        }
    }
}
