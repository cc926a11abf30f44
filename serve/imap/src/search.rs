//! SEARCH, SORT, THREAD: what is found, in the numbers of the session.

use crate::criteria::{Asker, names_modseq};
use crate::desk::ImapDesk;
use crate::numbers::last_uid;
use crate::selected::{Selected, seq};
use core_mailbox::{Mailboxes, Query, Rows, SortBy, SortKey, Threaded};
use proto_imap::ask::{self, Answer, Found, Order, Search, Thread};
use words_mail::{ModSeq, NumberSet, Refusal};

/// Messages inside of one another in a thread as it is told: clients, and the wire's parentheses,
/// take no more. What lies deeper stands beside the last.
const THREAD_DEPTH_MAX: usize = 100;

impl ImapDesk {
    pub(crate) async fn search(&mut self, search: Search) -> Result<Answer, Refusal> {
        let mailboxes = self.mailboxes()?;
        let now = self.office.world.clock.now();
        let selected = self.selected()?;
        let newest = selected.view.refresh().await?;
        let query = Asker { selected, now }.query(&search.key);
        if search.save {
            // A search that fails leaves nothing behind (RFC 5182 §2.1).
            selected.saved = NumberSet::new();
        }
        let finding = Finding { selected, mailboxes: &mailboxes, newest: &newest };
        let places = finding.places(query?).await?;
        let found = finding.found(&search, &places).await?;
        if search.save {
            let rows = places.iter().filter_map(|place| newest.get(*place));
            selected.saved = rows.map(|row| row.uid.0).collect();
        }
        Ok(Answer::Found(found))
    }
}

/// One search. It looks at the newest rows, of which the session may not know the last yet.
struct Finding<'a> {
    selected: &'a Selected,
    mailboxes: &'a Mailboxes,
    newest: &'a Rows,
}

impl Finding<'_> {
    /// What matches, of the messages that the session knows: places in the newest rows.
    async fn places(&self, query: Query) -> Result<Vec<usize>, Refusal> {
        let known = &self.selected.known;
        let mut places = self.mailboxes.search(&self.selected.view, self.newest, &query).await?;
        let last = last_uid(known);
        let is_known = |place: &usize| self.newest.get(*place).map(|row| row.uid) <= last;
        places.truncate(places.partition_point(is_known));
        Ok(places)
    }

    async fn found(&self, search: &Search, places: &[usize]) -> Result<Found, Refusal> {
        let (view, rows) = (&self.selected.view, self.newest);
        let mut found = Found::default();
        if names_modseq(&search.key) {
            found.modseq = self.highest_modseq(places);
        }
        match &search.order {
            Order::Mailbox => found.numbers = self.numbers(places, search.uid),
            Order::Sort(keys) => {
                let keys: Vec<SortKey> = keys.iter().map(sort_key).collect();
                let sorted = self.mailboxes.sort(view, rows, places, &keys).await?;
                found.numbers = self.numbers(&sorted, search.uid);
            }
            Order::Thread(algorithm) => {
                let algorithm = thread_algorithm(*algorithm);
                let threads = self.mailboxes.thread(view, rows, places, algorithm).await?;
                found.threads = nest(&threads, |place| self.number(place, search.uid));
            }
        }
        Ok(found)
    }

    fn numbers(&self, places: &[usize], uid: bool) -> Vec<u32> {
        places.iter().map(|place| self.number(*place, uid)).collect()
    }

    /// The UID, or the sequence number by which the session knows the message.
    fn number(&self, place: usize, uid: bool) -> u32 {
        let known = &self.selected.known;
        let Some(row) = self.newest.get(place) else { return 0 };
        if uid {
            return row.uid.0;
        }
        if self.newest.same(known) {
            return seq(place).0;
        }
        known.find(row.uid).map_or(0, |place| seq(place).0)
    }

    fn highest_modseq(&self, places: &[usize]) -> Option<ModSeq> {
        places.iter().filter_map(|place| self.newest.get(*place)).map(|row| row.modseq).max()
    }
}

fn sort_key(key: &ask::SortKey) -> SortKey {
    let by = match key.by {
        ask::SortBy::Arrival => SortBy::Arrival,
        ask::SortBy::Cc => SortBy::Cc,
        ask::SortBy::Date => SortBy::Date,
        ask::SortBy::From => SortBy::From,
        ask::SortBy::Size => SortBy::Size,
        ask::SortBy::Subject => SortBy::Subject,
        ask::SortBy::To => SortBy::To,
        ask::SortBy::DisplayFrom => SortBy::DisplayFrom,
        ask::SortBy::DisplayTo => SortBy::DisplayTo,
    };
    let order = match key.reverse {
        true => core_mailbox::Order::Falling,
        false => core_mailbox::Order::Rising,
    };
    SortKey { by, order }
}

fn thread_algorithm(algorithm: ask::ThreadAlgorithm) -> core_mailbox::ThreadAlgorithm {
    match algorithm {
        ask::ThreadAlgorithm::OrderedSubject => core_mailbox::ThreadAlgorithm::OrderedSubject,
        ask::ThreadAlgorithm::References => core_mailbox::ThreadAlgorithm::References,
    }
}

/// Makes a tree of what stands one after the other.
fn nest(threads: &[Threaded], number: impl Fn(usize) -> u32) -> Vec<Thread> {
    let mut roots = Vec::new();
    let mut path: Vec<Thread> = Vec::new();
    for at in threads {
        close(&mut path, &mut roots, at.depth.min(THREAD_DEPTH_MAX));
        path.push(Thread { number: at.place.map_or(0, &number), children: Vec::new() });
    }
    close(&mut path, &mut roots, 0);
    roots
}

/// Puts what is deeper than `depth` where it belongs.
fn close(path: &mut Vec<Thread>, roots: &mut Vec<Thread>, depth: usize) {
    while path.len() > depth {
        let Some(done) = path.pop() else { return };
        match path.last_mut() {
            Some(parent) => parent.children.push(done),
            None => roots.push(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(threads: &[Thread]) -> String {
        let one = |thread: &Thread| format!("({}{})", thread.number, printed(&thread.children));
        threads.iter().map(one).collect()
    }

    fn nested(depths: &[usize]) -> Vec<Thread> {
        let threaded = |(place, depth): (usize, &usize)| Threaded {
            place: (place != 2).then_some(place),
            depth: *depth,
        };
        let threads: Vec<Threaded> = depths.iter().enumerate().map(threaded).collect();
        nest(&threads, |place| place as u32 + 1)
    }

    #[test]
    fn threads_become_trees() {
        assert_eq!(printed(&nested(&[0, 1, 0, 1, 2, 1, 0])), "(1(2))(0(4(5))(6))(7)");
        assert_eq!(printed(&nested(&[])), "");
    }

    #[test]
    fn a_thread_is_told_no_deeper_than_the_limit() {
        let depths: Vec<usize> = (0..10_000).collect();
        let mut thread = &nested(&depths)[0];
        let mut depth = 0;
        while let Some(child) = thread.children.first() {
            (thread, depth) = (child, depth + 1);
        }
        assert_eq!(depth, THREAD_DEPTH_MAX);
    }
}
