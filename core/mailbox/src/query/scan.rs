//! Reading many summaries, and letting others have their turn.

use crate::{Mailboxes, Rows, View};
use bytes::Bytes;
use std::future::poll_fn;
use std::task::Poll;
use words_mail::Refusal;

/// Summaries of a page.
const PAGE: usize = 256;
/// Summaries in a gap of so many places are read and thrown away sooner than sought again.
const GAP_MAX: usize = 16;
/// Rows that are looked at without letting others have their turn.
const ROWS_MAX: usize = 4096;
/// Octets of messages read, the same.
const OCTETS_MAX: usize = 256 << 10;
/// What opening a message costs, in octets read.
const OPENING: usize = 4 << 10;

/// The summaries of some rows, page by page. Ends every page with a turn for others.
pub(crate) struct Scan<'a> {
    mailboxes: &'a Mailboxes,
    view: &'a View,
    rows: &'a Rows,
    places: &'a [usize],
}

impl<'a> Scan<'a> {
    /// Of the rows at `places`, which rise.
    pub fn new(
        mailboxes: &'a Mailboxes,
        view: &'a View,
        rows: &'a Rows,
        places: &'a [usize],
    ) -> Scan<'a> {
        Scan { mailboxes, view, rows, places }
    }

    /// Places, and the encoded summary of each: `None` where the message has gone.
    pub async fn next(&mut self) -> Result<Option<Vec<(usize, Option<Bytes>)>>, Refusal> {
        let Some(first) = self.places.first().copied() else {
            return Ok(None);
        };
        let near = |pair: &[usize]| pair[1] - pair[0] <= GAP_MAX && pair[1] - first < PAGE;
        let count = 1 + self.places.windows(2).take_while(|pair| near(pair)).count();
        let (run, rest) = self.places.split_at(count);
        let span = run.last().map_or(0, |last| last + 1 - first);
        let mut scanned = self.read(first, span).await?;
        self.places = rest;
        yield_now().await;
        Ok(Some(
            run.iter().map(|p| (*p, scanned.get_mut(p - first).and_then(Option::take))).collect(),
        ))
    }

    /// The store may give fewer at once than were asked for.
    async fn read(&self, first: usize, span: usize) -> Result<Vec<Option<Bytes>>, Refusal> {
        let mut scanned = Vec::with_capacity(span);
        while scanned.len() < span {
            let (from, left) = (first + scanned.len(), span - scanned.len());
            let more = self.mailboxes.summaries(self.view, self.rows, from, left).await?;
            if more.is_empty() {
                break;
            }
            scanned.extend(more);
        }
        Ok(scanned)
    }
}

/// Work done since others last had their turn.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    rows: usize,
    octets: usize,
}

impl Pace {
    /// So many rows were looked at.
    pub async fn rows(&mut self, count: usize) {
        self.rows += count;
        if self.rows >= ROWS_MAX {
            self.rest().await;
        }
    }

    /// So many octets of a message were read.
    pub async fn octets(&mut self, count: usize) {
        self.octets += count.max(OPENING);
        if self.octets >= OCTETS_MAX {
            self.rest().await;
        }
    }

    async fn rest(&mut self) {
        *self = Pace::default();
        yield_now().await;
    }
}

/// Lets the runtime do something else first, whichever runtime it is.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
