//! Searching a mailbox.

mod content;
mod judge;
mod prepared;
mod scan;

pub(crate) use scan::Scan;

use crate::{EXPUNGED, Mailboxes, Rows, View};
use core_store::BlobId;
use judge::Facts;
use prepared::Prepared;
use scan::Pace;
use std::ops::Range;
use words_base::Timestamp;
use words_mail::{Flags, ModSeq, NumberSet, Refusal};
use words_message::SummaryRef;

/// Rows that are looked at before their summaries are.
const WINDOW: usize = 256;

/// What is looked for. Texts are UTF-8 and compared without regard to case. Whoever makes one
/// bounds how deep it goes: it is walked by recursion.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// All of these.
    And(Vec<Query>),
    /// One of these.
    Or(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
    /// The UID is one of these.
    Uids(NumberSet),
    /// All these flags are set.
    Flags(Flags),
    /// The last change is this one or a later.
    ModSeq(ModSeq),
    /// INTERNALDATE lies in there.
    Received(Range<Timestamp>),
    /// SAVEDATE lies in there.
    Saved(Range<Timestamp>),
    /// The day of the Date field, as the sender's calendar showed it, lies in there: days since
    /// 1970-01-01. A message without a date is on no day.
    Sent(Range<i64>),
    /// RFC822.SIZE lies in there.
    Size(Range<u64>),
    /// The octets are these.
    Blob(BlobId),
    /// The subject has this text.
    Subject(String),
    /// An address of the field, or its display name, has this text.
    Address(AddressField, String),
    /// A field of that name has this text; if that is empty, there is such a field.
    Header(String, String),
    /// The content of a text part has this text.
    Body(String),
    /// A header or the content of a text part has this text.
    Text(String),
}

/// A field of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressField {
    /// Bcc
    Bcc,
    /// Cc
    Cc,
    /// From
    From,
    /// To
    To,
}

impl AddressField {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            AddressField::Bcc => "Bcc",
            AddressField::Cc => "Cc",
            AddressField::From => "From",
            AddressField::To => "To",
        }
    }
}

impl Mailboxes {
    /// The places of `rows` whose messages are what `query` says, rising. What can be told from the
    /// rows is asked first, then the summaries, and the messages themselves only where nothing else
    /// decides. Lets others have their turn now and then. Errors: `Limit` if the query has too many
    /// texts to look for at once.
    pub async fn search(
        &self,
        view: &View,
        rows: &Rows,
        query: &Query,
    ) -> Result<Vec<usize>, Refusal> {
        let prepared = Prepared::new(query)?;
        let mut search = Search { mailboxes: self, view, rows, prepared, pace: Pace::default() };
        let mut found = Vec::new();
        let mut from = 0;
        while from < rows.len() {
            search.window(from, &mut found).await?;
            from += WINDOW;
        }
        Ok(found)
    }
}

/// A query asked of what is known of a message without reading it.
pub(crate) struct Glance(Prepared);

impl Glance {
    /// Errors: as [`Mailboxes::search`].
    pub fn new(query: &Query) -> Result<Glance, Refusal> {
        Prepared::new(query).map(Glance)
    }

    /// Is it known that the message is what the query says?
    pub fn finds(&self, row: &crate::Row, summary: &[u8]) -> bool {
        let facts = Facts { row, summary: Some(SummaryRef::new(summary)), needs: None };
        self.0.judge(&facts) == Some(true)
    }
}

struct Search<'a> {
    mailboxes: &'a Mailboxes,
    view: &'a View,
    rows: &'a Rows,
    prepared: Prepared,
    pace: Pace,
}

impl Search<'_> {
    /// Looks at the rows from `from` on, [`WINDOW`] of them.
    async fn window(&mut self, from: usize, found: &mut Vec<usize>) -> Result<(), Refusal> {
        let before = found.len();
        let mut undecided = Vec::new();
        for (place, row) in self.rows.iter_from(from).take(WINDOW) {
            match self.prepared.judge(&Facts::row(row)) {
                Some(true) => found.push(place),
                Some(false) => {}
                None => undecided.push(place),
            }
        }
        self.pace.rows(WINDOW).await;
        if !undecided.is_empty() {
            self.look_closer(&undecided, found).await?;
            found[before..].sort_unstable();
        }
        Ok(())
    }

    async fn look_closer(
        &mut self,
        places: &[usize],
        found: &mut Vec<usize>,
    ) -> Result<(), Refusal> {
        if !self.prepared.asks_summaries() {
            for place in places {
                self.look_inside(*place, None, found).await?;
            }
            return Ok(());
        }
        let mut scan = Scan::new(self.mailboxes, self.view, self.rows, places);
        while let Some(page) = scan.next().await? {
            for (place, summary) in page {
                // Without a summary there is no message any more.
                let Some(summary) = summary else { continue };
                let summary = SummaryRef::new(&summary);
                self.look_inside(place, Some(summary), found).await?;
            }
        }
        Ok(())
    }

    /// Decides on one message, by its octets if nothing else helps.
    async fn look_inside(
        &mut self,
        place: usize,
        summary: Option<Option<SummaryRef<'_>>>,
        found: &mut Vec<usize>,
    ) -> Result<(), Refusal> {
        let Some(row) = self.rows.get(place) else {
            return Ok(());
        };
        let facts = Facts { row, summary, needs: None };
        let matches = match self.prepared.judge(&facts) {
            Some(matches) => matches,
            None => self.read(facts).await?,
        };
        if matches {
            found.push(place);
        }
        Ok(())
    }

    /// What has been expunged meanwhile is not found; anything else that cannot be read is an error,
    /// since nobody could say whether it matches.
    async fn read(&mut self, facts: Facts<'_>) -> Result<bool, Refusal> {
        let content = match self.mailboxes.content(self.view, facts.row).await {
            Ok(content) => content,
            Err(EXPUNGED) => return Ok(false),
            Err(refusal) => return Err(refusal),
        };
        match content::judge(&self.prepared, &facts, &content, &mut self.pace).await {
            Err(EXPUNGED) => Ok(false),
            judged => judged,
        }
    }
}
