//! Mailboxes closed not long ago: a client that comes back every minute reads what is new, not
//! everything.

use crate::Rows;
use crate::view::Progress;
use std::collections::VecDeque;
use words_mail::{AccountId, MailboxId};

/// Most mailboxes that are remembered.
const MAILBOXES_MAX: usize = 256;
/// Most rows of them all.
const ROWS_MAX: usize = 200_000;

/// A closed mailbox: its rows, and how far in the log they are.
pub(crate) struct Closed {
    pub account: AccountId,
    pub mailbox: MailboxId,
    pub rows: Rows,
    pub progress: Progress,
}

/// The mailboxes closed last, the oldest first.
#[derive(Default)]
pub(crate) struct Recent {
    closed: VecDeque<Closed>,
    rows: usize,
}

impl Recent {
    /// Remembers a mailbox, and forgets the oldest if there are too many.
    pub fn put(&mut self, closed: Closed) {
        drop(self.take(closed.account, closed.mailbox));
        self.rows += closed.rows.len();
        self.closed.push_back(closed);
        while self.rows > ROWS_MAX || self.closed.len() > MAILBOXES_MAX {
            let Some(oldest) = self.closed.pop_front() else { return };
            self.rows -= oldest.rows.len();
        }
    }

    /// Gives back a mailbox, if it is remembered.
    pub fn take(&mut self, account: AccountId, mailbox: MailboxId) -> Option<Closed> {
        let same = |c: &Closed| c.account == account && c.mailbox == mailbox;
        let at = self.closed.iter().position(same)?;
        let closed = self.closed.remove(at)?;
        self.rows -= closed.rows.len();
        Some(closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(mailbox: u32, count: u32) -> Closed {
        let rows = (1..=count).map(|uid| crate::rows::tests::row(uid, 1)).collect();
        Closed {
            account: AccountId(1),
            mailbox: MailboxId(mailbox),
            rows: Rows::from_rows(rows, words_mail::Uid(0), words_mail::ModSeq(1)),
            progress: Progress::default(),
        }
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut recent = Recent::default();
        (0..300).for_each(|n| recent.put(closed(n, 1)));
        assert_eq!((recent.closed.len(), recent.rows), (MAILBOXES_MAX, MAILBOXES_MAX));
        assert!(recent.take(AccountId(1), MailboxId(43)).is_none());
        assert!(recent.take(AccountId(2), MailboxId(44)).is_none());
        assert!(recent.take(AccountId(1), MailboxId(44)).is_some());
        recent.put(closed(500, ROWS_MAX as u32));
        assert_eq!((recent.closed.len(), recent.rows), (1, ROWS_MAX));
        recent.put(closed(500, 3));
        assert_eq!((recent.closed.len(), recent.rows), (1, 3));
        recent.put(closed(501, ROWS_MAX as u32 + 1));
        assert_eq!((recent.closed.len(), recent.rows), (0, 0));
    }
}
