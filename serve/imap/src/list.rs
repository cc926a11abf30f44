//! LIST and LSUB (RFC 9051 §6.3.9, RFC 3501 §6.3.9, RFC 5258, RFC 5819, RFC 6154).

use crate::desk::ImapDesk;
use crate::mailbox::status_of;
use crate::pattern::Pattern;
use core_mailbox::Mailbox;
use proto_imap::ask::{Answer, List, Listed};
use std::collections::BTreeMap;
use words_mail::{MailboxName, Refusal};

impl ImapDesk {
    pub(crate) async fn list(&mut self, list: &List) -> Result<Answer, Refusal> {
        let mailboxes = self.mailboxes()?;
        let existing = mailboxes.list().await?;
        let gone = match list.select_subscribed || list.lsub {
            true => mailboxes.subscribed_without_mailbox().await?,
            false => Vec::new(),
        };
        let tree = Tree::new(&existing, &gone);
        let mut lines = tree.select(list);
        if list.return_status {
            for line in lines.iter_mut().filter(|line| line.exists) {
                if let Some(mailbox) = tree.mailbox(&line.name) {
                    line.status = Some(status_of(&mailboxes, mailbox.id).await?);
                }
            }
        }
        Ok(Answer::Listed(lines))
    }
}

/// Every name that is a mailbox, is subscribed, or stands above one of these.
struct Tree<'a> {
    nodes: BTreeMap<MailboxName, Node<'a>>,
}

#[derive(Default)]
struct Node<'a> {
    mailbox: Option<&'a Mailbox>,
    subscribed: bool,
    /// Is there a mailbox below it?
    children: bool,
    /// Is there a subscribed name below it?
    child_subscribed: bool,
}

impl<'a> Tree<'a> {
    fn new(existing: &'a [Mailbox], subscribed_without: &[MailboxName]) -> Tree<'a> {
        let mut tree = Tree { nodes: BTreeMap::new() };
        for mailbox in existing {
            let node = tree.nodes.entry(mailbox.name.clone()).or_default();
            node.mailbox = Some(mailbox);
            node.subscribed = mailbox.subscribed;
            tree.mark_above(&mailbox.name, true, mailbox.subscribed);
        }
        for name in subscribed_without {
            tree.nodes.entry(name.clone()).or_default().subscribed = true;
            tree.mark_above(name, false, true);
        }
        tree
    }

    /// Tells all names above `name` what is below them.
    fn mark_above(&mut self, name: &MailboxName, exists: bool, subscribed: bool) {
        let mut above = name.parent();
        while let Some(name) = above {
            above = name.parent();
            let node = self.nodes.entry(name).or_default();
            node.children |= exists;
            node.child_subscribed |= subscribed;
        }
    }

    fn mailbox(&self, name: &MailboxName) -> Option<&'a Mailbox> {
        self.nodes.get(name).and_then(|node| node.mailbox)
    }

    /// The lines of an answer: INBOX first, the others by name.
    fn select(&self, list: &List) -> Vec<Listed> {
        let patterns: Vec<Pattern> =
            list.patterns.iter().map(|p| Pattern::new(&list.reference, p)).collect();
        let fits = |name: &MailboxName| patterns.iter().any(|p| p.fits(name));
        let chosen = |(name, node): &(&MailboxName, &Node)| node.is_chosen(list) && fits(name);
        let mut lines: Vec<Listed> =
            self.nodes.iter().filter(chosen).map(|(n, o)| o.line(n, list)).collect();
        lines.sort_by_key(|line| !line.name.is_inbox());
        lines
    }
}

impl Node<'_> {
    /// May it be named, if it fits a pattern?
    fn is_chosen(&self, list: &List) -> bool {
        if list.lsub {
            // With `%`, a name above a subscribed one is told in its stead (RFC 3501 §6.3.9).
            let by_level = list.patterns.iter().any(|p| p.contains('%'));
            return self.subscribed || (self.child_subscribed && by_level);
        }
        if list.select_subscribed {
            let below = list.select_recursive && self.child_subscribed;
            return (self.subscribed || below) && self.has_wanted_use(list);
        }
        // A name that is no mailbox but has some below is told too, so that a client that asks
        // level by level finds them.
        self.has_wanted_use(list) && (self.mailbox.is_some() || self.children)
    }

    fn has_wanted_use(&self, list: &List) -> bool {
        !list.select_special_use || self.mailbox.is_some_and(|m| m.special_use.is_some())
    }

    fn line(&self, name: &MailboxName, list: &List) -> Listed {
        Listed {
            name: name.clone(),
            // What LSUB tells only for its children is `\Noselect`, mailbox or not.
            exists: self.mailbox.is_some() && (self.subscribed || !list.lsub),
            children: self.children,
            subscribed: self.subscribed,
            special_use: self.mailbox.and_then(|m| m.special_use),
            child_subscribed: self.child_subscribed,
            status: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words_mail::{MailboxId, SpecialUse, UidValidity};

    fn name(text: &str) -> MailboxName {
        MailboxName::parse(text).unwrap()
    }

    /// Mailboxes by name; a `+` in front: subscribed.
    fn existing() -> Vec<Mailbox> {
        let names = ["+INBOX", "+Sent", "Work", "Work/2025", "+Work/2026/June", "Fruit/Apple"];
        let mailbox = |(i, text): (usize, &&str)| Mailbox {
            id: MailboxId(i as u32),
            name: name(text.trim_start_matches('+')),
            special_use: (*text == "+Sent").then_some(SpecialUse::Sent),
            subscribed: text.starts_with('+'),
            uid_validity: UidValidity(1),
        };
        names.iter().enumerate().map(mailbox).collect()
    }

    /// `!` no such mailbox, `<` has children, `+` subscribed, `(` a child is subscribed.
    fn listed(list: List) -> String {
        let (existing, gone) = (existing(), vec![name("Gone"), name("Fruit/Banana")]);
        let gone = if list.select_subscribed || list.lsub { gone } else { vec![] };
        let lines = Tree::new(&existing, &gone).select(&list);
        let mark = |yes: bool, mark: &'static str| if yes { mark } else { "" };
        let text = lines.iter().map(|l| {
            let marks = [mark(!l.exists, "!"), mark(l.children, "<"), mark(l.subscribed, "+")];
            format!("{}{}{}", marks.concat(), mark(l.child_subscribed, "("), l.name)
        });
        text.collect::<Vec<_>>().join(" ")
    }

    fn list(reference: &str, patterns: &[&str]) -> List {
        let patterns = patterns.iter().map(|p| p.to_string()).collect();
        List { reference: reference.to_string(), patterns, ..List::default() }
    }

    #[test]
    fn plain_lists_name_every_mailbox_and_the_levels_above() {
        let table = [
            (
                "",
                "*",
                "+INBOX !<Fruit Fruit/Apple +Sent <(Work Work/2025 !<(Work/2026 +Work/2026/June",
            ),
            ("", "%", "+INBOX !<Fruit +Sent <(Work"),
            ("Work/", "%", "Work/2025 !<(Work/2026"),
            ("", "Work/%/%", "+Work/2026/June"),
            ("", "inbox", "+INBOX"),
            ("", "Nothing", ""),
        ];
        for (reference, pattern, want) in table {
            assert_eq!(listed(list(reference, &[pattern])), want, "{reference:?} {pattern:?}");
        }
        assert_eq!(listed(list("", &["Sent", "Work", "S*"])), "+Sent <(Work");
    }

    #[test]
    fn lsub_names_the_levels_above_what_is_subscribed() {
        let lsub = |pattern| listed(List { lsub: true, ..list("", &[pattern]) });
        assert_eq!(lsub("*"), "+INBOX !+Fruit/Banana !+Gone +Sent +Work/2026/June");
        assert_eq!(lsub("%"), "+INBOX !<(Fruit !+Gone +Sent !<(Work");
    }

    #[test]
    fn recursivematch_names_what_has_a_subscribed_child() {
        let subscribed = List { select_subscribed: true, ..list("", &["%"]) };
        assert_eq!(listed(subscribed.clone()), "+INBOX !+Gone +Sent");
        let recursive = List { select_recursive: true, ..subscribed };
        assert_eq!(listed(recursive), "+INBOX !<(Fruit !+Gone +Sent <(Work");
    }

    #[test]
    fn special_use_selects() {
        assert_eq!(listed(List { select_special_use: true, ..list("", &["*"]) }), "+Sent");
    }
}
