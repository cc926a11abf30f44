//! Asking a query of one message, as far as is known of it.

use super::AddressField;
use super::prepared::{Prepared, RowTest, SummaryPart, SummaryTest, Test};
use crate::Row;
use words_message::{Mailboxes, SummaryRef, header_contains};

/// What is known of a message so far.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub row: &'a Row,
    /// `None`: not looked at yet. `Some(None)`: it cannot be read.
    pub summary: Option<Option<SummaryRef<'a>>>,
    /// Answers to the prepared query's needs, as far as they are known.
    pub needs: Option<&'a [Option<bool>]>,
}

impl<'a> Facts<'a> {
    /// Nothing but its row.
    pub fn row(row: &'a Row) -> Facts<'a> {
        Facts { row, summary: None, needs: None }
    }

    fn need(&self, index: usize) -> Option<bool> {
        self.needs.and_then(|needs| needs.get(index).copied().flatten())
    }
}

impl Prepared {
    /// Does the message match? `None`: what is known does not tell.
    pub fn judge(&self, facts: &Facts<'_>) -> Option<bool> {
        self.test.judge(facts)
    }

    /// Marks the needs whose answers would help.
    pub fn mark_needs(&self, facts: &Facts<'_>, marked: &mut [bool]) {
        self.test.mark_needs(facts, marked);
    }
}

impl Test {
    fn judge(&self, facts: &Facts<'_>) -> Option<bool> {
        match self {
            Test::And(tests) => judge_all(tests, facts, false),
            Test::Or(tests) => judge_all(tests, facts, true),
            Test::Not(test) => test.judge(facts).map(|matches| !matches),
            Test::Row(test) => Some(test.judge(facts)),
            Test::Summary(test) => test.judge(facts),
            Test::Need(index) => facts.need(*index),
        }
    }

    fn mark_needs(&self, facts: &Facts<'_>, marked: &mut [bool]) {
        if self.judge(facts).is_some() {
            return;
        }
        match self {
            Test::And(tests) | Test::Or(tests) => {
                tests.iter().for_each(|test| test.mark_needs(facts, marked));
            }
            Test::Not(test) => test.mark_needs(facts, marked),
            Test::Row(_) => {}
            Test::Summary(SummaryTest { else_need: index, .. }) | Test::Need(index) => {
                if let Some(marked) = marked.get_mut(*index) {
                    *marked = true;
                }
            }
        }
    }
}

/// One `decisive` answer decides; without one, all must be known.
fn judge_all(tests: &[Test], facts: &Facts<'_>, decisive: bool) -> Option<bool> {
    let mut known = true;
    for test in tests {
        match test.judge(facts) {
            Some(answer) if answer == decisive => return Some(decisive),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!decisive)
}

impl RowTest {
    fn judge(&self, facts: &Facts<'_>) -> bool {
        let row = facts.row;
        match self {
            RowTest::Uids(uids) => uids.contains(row.uid.0),
            RowTest::Flags(flags) => {
                let system = flags.system_bits();
                row.flags.system_bits() & system == system
                    && flags.keywords().iter().all(|k| row.flags.contains_keyword(k))
            }
            RowTest::ModSeq(modseq) => row.modseq >= *modseq,
            RowTest::Received(range) => range.contains(&row.received_at),
            RowTest::Saved(range) => range.contains(&row.saved_at),
            RowTest::Size(range) => range.contains(&row.size),
            RowTest::Blob(blob) => row.blob == *blob,
        }
    }
}

impl SummaryTest {
    fn judge(&self, facts: &Facts<'_>) -> Option<bool> {
        let by_header = || facts.need(self.else_need);
        match facts.summary {
            None => by_header(),
            Some(None) => by_header(),
            Some(Some(summary)) if self.what.is_in(&summary) => Some(true),
            Some(Some(summary)) if summary.is_cut() => by_header(),
            Some(Some(_)) => Some(false),
        }
    }
}

impl SummaryPart {
    fn is_in(&self, summary: &SummaryRef<'_>) -> bool {
        let has = |value: Option<&[u8]>, text: &str| {
            value.is_some_and(|value| header_contains(value, text))
        };
        match self {
            SummaryPart::Subject(text) => has(summary.subject(), text),
            SummaryPart::MessageId(text) => has(summary.message_id(), text),
            SummaryPart::InReplyTo(text) => has(summary.in_reply_to(), text),
            SummaryPart::Address(field, text) => addresses(*field, summary).any_has(text),
            SummaryPart::Sent(days) => {
                summary.sent().is_some_and(|sent| days.contains(&sent.date().days()))
            }
        }
    }
}

fn addresses<'a>(field: AddressField, summary: &SummaryRef<'a>) -> Mailboxes<'a> {
    match field {
        AddressField::Bcc => summary.bcc(),
        AddressField::Cc => summary.cc(),
        AddressField::From => summary.from(),
        AddressField::To => summary.to(),
    }
}

trait AnyHas {
    /// Is the text in one of the addresses, as they are shown?
    fn any_has(self, text: &str) -> bool;
}

impl AnyHas for Mailboxes<'_> {
    fn any_has(mut self, text: &str) -> bool {
        let mut shown = Vec::new();
        self.any(|mailbox| {
            shown.clear();
            if let Some(name) = mailbox.name {
                shown.extend_from_slice(name);
                shown.extend_from_slice(b" <");
            }
            shown.extend_from_slice(mailbox.local.unwrap_or_default());
            if let Some(host) = mailbox.host {
                shown.push(b'@');
                shown.extend_from_slice(host);
            }
            if mailbox.name.is_some() {
                shown.push(b'>');
            }
            header_contains(&shown, text)
        })
    }
}
