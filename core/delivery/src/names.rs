//! In whose names a submission speaks.

use std::collections::HashSet;
use words_mail::{Address, Domain};
use words_message::{Header, Mailbox, parse_addresses};

/// Most mailboxes of From and Sender that are looked up; who names more speaks not just for
/// themselves.
const NAMED_MAX: usize = 16;

/// The addresses that From and Sender of `fields` name, each once. `None` if there are too many, or
/// one is no address: such a field may show readers anything.
pub(crate) fn named(fields: &[u8]) -> Option<HashSet<Address>> {
    let mut named = HashSet::new();
    for field in Header::new(fields).fields() {
        if !field.is_named("From") && !field.is_named("Sender") {
            continue;
        }
        let mut is_clear = false;
        parse_addresses(&field.unfolded(), |mailbox| {
            if mailbox.host.is_none() {
                // The beginning or the end of a group.
                return true;
            }
            let address = address(&mailbox);
            is_clear = address.is_some() && named.len() < NAMED_MAX;
            named.extend(address);
            is_clear
        });
        if !is_clear {
            return None;
        }
    }
    Some(named)
}

/// The address of a mailbox in a header, if it is one.
pub(crate) fn address(mailbox: &Mailbox) -> Option<Address> {
    let local = std::str::from_utf8(mailbox.local.as_deref()?).ok()?;
    let host = std::str::from_utf8(mailbox.host.as_deref()?).ok()?;
    Address::new(local, Domain::parse(host).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_readers_may_see_counts() {
        let named = |text: &str| {
            let mut named: Vec<_> =
                named(text.as_bytes())?.iter().map(Address::to_string).collect();
            named.sort();
            Some(named.join(" "))
        };
        for (fields, want) in [
            ("Subject: x\r\nTo: bob@x\r\n", Some("")),
            ("From: Ana <ana@X>\r\n", Some("ana@x")),
            ("from:\r\n ana@x, g: \"b b\"@x;\r\n", Some("\"b b\"@x ana@x")),
            ("From: ana@x\r\nFrom: boss@x\r\n", Some("ana@x boss@x")),
            ("From: ana@x\r\nSender: boss@x\r\n", Some("ana@x boss@x")),
            ("From:\r\n", None),
            ("From: The Boss\r\n", None),
            ("From: The Boss <>\r\n", None),
            ("From: ana@x, The Boss <boss>\r\n", None),
            ("From: The Boss <boss>, ana@x\r\n", None),
        ] {
            assert_eq!(named(fields).as_deref(), want, "{fields}");
        }
        let many = (0..100).map(|n| format!("a{n}@x,")).collect::<String>();
        assert_eq!(named(&format!("From: {many}\r\n")), None);
    }
}
