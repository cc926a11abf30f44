//! Names of folders: directories of a Maildir++ (`.Work.Projects`), of a plain tree
//! (`Work/Projects`), and lines of lists.
//!
//! Levels are written in modified UTF-7 by default and in UTF-8 by some; what is not valid modified
//! UTF-7 is taken as it stands.

use words_mail::{MailboxName, modified_utf7};

/// Where a character may not stand in a name here, this stands.
const SUBSTITUTE: char = '_';

/// The directory of a Maildir++ that a mailbox's folder is: `.Work.Projects`; `None` for INBOX, which
/// is the top. A level with a dot in it gets another character there, since none would be found
/// again. Names are written in modified UTF-7.
pub fn to_maildirpp(name: &MailboxName) -> Option<String> {
    (!name.is_inbox()).then(|| format!(".{}", to_levels(name, ".")))
}

/// Its levels, joined; what the separator is may not stand in one.
pub fn to_levels(name: &MailboxName, separator: &str) -> String {
    let levels = name.as_str().split(MailboxName::SEPARATOR);
    let clean = |level: &str| {
        let level = level.replace(separator, &SUBSTITUTE.to_string());
        modified_utf7::encode(&level)
    };
    levels.map(clean).collect::<Vec<_>>().join(separator)
}

/// The mailbox of a folder `.Work.Projects`; `None` if it is no folder's name.
///
/// ```
/// # use words_archive::folder::from_maildirpp;
/// assert_eq!(from_maildirpp(".Entw&APw-rfe.2024").unwrap().as_str(), "Entwürfe/2024");
/// ```
pub fn from_maildirpp(directory: &str) -> Option<MailboxName> {
    from_levels(directory.strip_prefix('.')?.split('.'))
}

/// The mailbox of these levels, from the top down. `None`: there is no name in them.
pub fn from_levels<'a>(levels: impl Iterator<Item = &'a str>) -> Option<MailboxName> {
    let levels: Vec<String> = levels.map(level).filter(|level| !level.is_empty()).collect();
    MailboxName::parse(&levels.join("/")).ok()
}

/// One level as people read it, with nothing in it that a name here may not have.
fn level(text: &str) -> String {
    let decoded = modified_utf7::decode(text).unwrap_or_else(|| text.to_string());
    let is_bad = |c: char| {
        c == MailboxName::SEPARATOR || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
    };
    decoded.chars().map(|c| if is_bad(c) { SUBSTITUTE } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_both_ways() {
        for (directory, name) in [
            (".Sent", "Sent"),
            (".Work.Projects", "Work/Projects"),
            (".Entw&APw-rfe", "Entwürfe"),
            (".R&-D", "R&D"),
            (".INBOX.Sub", "INBOX/Sub"),
        ] {
            let parsed = from_maildirpp(directory).unwrap();
            assert_eq!(parsed.as_str(), name);
            assert_eq!(to_maildirpp(&parsed).as_deref(), Some(directory));
        }
        assert_eq!(to_maildirpp(&MailboxName::inbox()), None);
    }

    #[test]
    fn strange_folders_are_named_all_the_same() {
        for (directory, name) in [
            (".R&D", "R&D"),
            (".Entwürfe", "Entwürfe"),
            ("..a..b.", "a/b"),
            (".a/b", "a_b"),
            (".a\tb", "a_b"),
            (".a&AAo-b", "a_b"),
        ] {
            assert_eq!(from_maildirpp(directory).unwrap().as_str(), name, "{directory}");
        }
        for none in ["", ".", "..", "x", "..."] {
            assert_eq!(from_maildirpp(none), None, "{none}");
        }
        let dotted = MailboxName::parse("v1.2/x").unwrap();
        assert_eq!(to_maildirpp(&dotted).as_deref(), Some(".v1_2.x"));
        assert_eq!(to_levels(&dotted, "/"), "v1.2/x");
    }
}
