//! What mailboxes elsewhere are called here.

use proto_imap::client::Listed;
use std::collections::HashSet;
use words_mail::MailboxName;

/// A mailbox elsewhere with its name here.
#[derive(Debug)]
pub(crate) struct Named {
    /// Its name here.
    pub name: MailboxName,
    /// Could it not keep its own?
    pub renamed: bool,
    /// The mailbox.
    pub listed: Listed,
}

/// A name for each, those above before those below, no two the same.
pub(crate) fn of(mut all: Vec<Listed>) -> Vec<Named> {
    let below_inbox = all_below_inbox(&all);
    all.sort_by(|a, b| a.text.cmp(&b.text));
    let mut taken = HashSet::new();
    let mut named = Vec::new();
    for listed in all {
        let (text, mut renamed) = here(&listed, below_inbox);
        let mut name = MailboxName::parse(&text).ok();
        // A number behind it makes any name its own; there are fewer mailboxes than numbers.
        for number in 2u64.. {
            if let Some(name) = name.take_if(|name| !taken.contains(name.as_str())) {
                taken.insert(name.as_str().to_string());
                named.push(Named { name, renamed, listed });
                break;
            }
            renamed = true;
            let stem = if MailboxName::parse(&text).is_ok() { &text } else { "Mailbox" };
            name = MailboxName::parse(&format!("{stem} {number}")).ok();
        }
    }
    named
}

/// Do all mailboxes stand below INBOX, as Courier and older Dovecots have them? Then that prefix
/// is the server's way to say "yours", and no level.
fn all_below_inbox(all: &[Listed]) -> bool {
    let is_inbox = |listed: &Listed| listed.text.eq_ignore_ascii_case("INBOX");
    all.len() > 1 && all.iter().all(|listed| is_inbox(listed) || prefix(listed).is_some())
}

/// The name without `INBOX` and its separator, if it begins so.
fn prefix(listed: &Listed) -> Option<&str> {
    let (first, rest) = listed.text.split_once(listed.separator?)?;
    (first.eq_ignore_ascii_case("INBOX") && !rest.is_empty()).then_some(rest)
}

/// The name with our separator; and whether more than that had to change.
fn here(listed: &Listed, below_inbox: bool) -> (String, bool) {
    let text = match prefix(listed) {
        Some(rest) if below_inbox => rest,
        _ => &listed.text,
    };
    if listed.separator == Some('/') {
        return (text.to_string(), false);
    }
    let renamed = text.contains('/');
    let text = text.replace('/', "_");
    match listed.separator {
        Some(separator) => (text.replace(separator, "/"), renamed),
        None => (text, renamed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str, separator: Option<char>) -> Listed {
        Listed {
            name: text.as_bytes().to_vec(),
            text: text.to_string(),
            separator,
            selectable: true,
            special_use: None,
            subscribed: true,
        }
    }

    fn names(texts: &[&str], separator: Option<char>) -> Vec<String> {
        let all = texts.iter().map(|text| listed(text, separator)).collect();
        of(all)
            .into_iter()
            .map(|n| format!("{}{}", n.name, if n.renamed { "!" } else { "" }))
            .collect()
    }

    #[test]
    fn names_keep_their_levels() {
        for (texts, separator, wanted) in [
            (&["INBOX", "Work/2026", "Work"][..], Some('/'), &["INBOX", "Work", "Work/2026"][..]),
            (&["INBOX", "Work.2026"], Some('.'), &["INBOX", "Work/2026"]),
            (&["INBOX", "INBOX.Sent", "INBOX.a.b"], Some('.'), &["INBOX", "Sent", "a/b"]),
            (&["INBOX", "INBOX.Sent", "old"], Some('.'), &["INBOX", "INBOX/Sent", "old"]),
            (&["INBOX", "AC/DC"], Some('.'), &["AC_DC!", "INBOX"]),
            (&["INBOX", "a.b/c"], None, &["INBOX", "a.b_c!"]),
        ] {
            assert_eq!(names(texts, separator), wanted, "{texts:?}");
        }
    }

    #[test]
    fn no_two_share_a_name_and_none_is_left_out() {
        assert_eq!(names(&["a/b", "a_b"], None), ["a_b!", "a_b 2!"]);
        assert_eq!(names(&["a//b", "/"], Some('/')), ["Mailbox 2!", "Mailbox 3!"]);
    }
}
