//! `subscriptions` (Dovecot) and `courierimapsubscribed`: which mailboxes people want to see.

use crate::folder;
use words_mail::MailboxName;

/// The first line of a list whose levels are divided by tabs.
const VERSION_2: &str = "V\t2";

/// The names in a list. Version 1 has one name a line, its levels divided by `separator`; version 2
/// divides them by tabs. Both write levels as directories are written, mostly in modified UTF-7. Lines that name nothing are passed over.
///
/// ```
/// # use words_archive::subscriptions::parse;
/// let names = parse("V\t2\n\nWork\tProjects\nSent\n", '.');
/// assert_eq!(names[0].as_str(), "Work/Projects");
/// ```
pub fn parse(text: &str, separator: char) -> Vec<MailboxName> {
    let mut names = Vec::new();
    let name = |line: &str| match text.starts_with(VERSION_2) {
        true => levels_2(line),
        false => folder::from_levels(line.split(separator)),
    };
    for line in text.lines().filter(|line| *line != VERSION_2) {
        if let Some(name) = name(line).filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    names
}

fn levels_2(line: &str) -> Option<MailboxName> {
    let levels: Vec<String> = line.split('\t').map(unescape).collect();
    folder::from_levels(levels.iter().map(String::as_str))
}

/// A list of version 2.
pub fn to_text(names: &[MailboxName]) -> String {
    let mut text = format!("{VERSION_2}\n\n");
    for name in names {
        text += &folder::to_levels(name, "\t");
        text += "\n";
    }
    text
}

fn unescape(level: &str) -> String {
    let mut out = String::new();
    let mut chars = level.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1}' => match chars.next() {
                Some('0') => out.push('\0'),
                Some('1') => out.push('\u{1}'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[MailboxName]) -> Vec<&str> {
        names.iter().map(MailboxName::as_str).collect()
    }

    #[test]
    fn both_versions_are_read() {
        let names = parse("Sent\nWork.Pl&AOE-n\n\nSent\nINBOX\n", '.');
        assert_eq!(texts(&names), ["Sent", "Work/Plán", "INBOX"]);
        let names = parse("V\t2\n\nWork\tR&-D\nEntw&APw-rfe\nEntwürfe\n\u{1}tx\n", '.');
        assert_eq!(texts(&names), ["Work/R&D", "Entwürfe", "_x"]);
        assert_eq!(parse(&to_text(&names), '/'), names);
    }
}
