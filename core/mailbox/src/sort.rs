//! Messages in order (RFC 5256 §3, RFC 5957).

use crate::query::Scan;
use crate::thread::sent;
use crate::{Mailboxes, Row, Rows, View};
use std::cmp::Ordering;
use words_mail::Refusal;
use words_message::{
    MailboxRef, Mailboxes as Addresses, SummaryRef, base_subject, casefold, decode_header,
};

/// Octets of a text by which messages are sorted; those that differ later only count as equal.
const TEXT_MAX: usize = 256;

/// One criterion of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// By what.
    pub by: SortBy,
    /// Rising or falling.
    pub order: Order,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The least first.
    Rising,
    /// REVERSE: the greatest first.
    Falling,
}

/// By what messages can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// INTERNALDATE.
    Arrival,
    /// The local-part of the first Cc address.
    Cc,
    /// The Date field, or INTERNALDATE where it tells nothing.
    Date,
    /// The display name of the first From address, or the address.
    DisplayFrom,
    /// The same of To.
    DisplayTo,
    /// The local-part of the first From address.
    From,
    /// RFC822.SIZE.
    Size,
    /// The base subject.
    Subject,
    /// The local-part of the first To address.
    To,
}

/// The values of all messages for one criterion.
enum Column {
    Numbers(Vec<i64>),
    Texts(Vec<Box<str>>),
}

impl Mailboxes {
    /// The places of `rows` in the order of `keys`, the first of which counts most. Messages that
    /// are equal in all stand in the order of the mailbox, in which `places` are given.
    pub async fn sort(
        &self,
        view: &View,
        rows: &Rows,
        places: &[usize],
        keys: &[SortKey],
    ) -> Result<Vec<usize>, Refusal> {
        let mut columns: Vec<Column> = keys.iter().map(|key| Column::new(key.by)).collect();
        if keys.iter().any(|key| key.by.asks_summaries()) {
            let mut scan = Scan::new(self, view, rows, places);
            while let Some(page) = scan.next().await? {
                for (place, summary) in page {
                    let summary = summary.as_deref().and_then(SummaryRef::new);
                    add(&mut columns, keys, rows.get(place), summary.as_ref());
                }
            }
        } else {
            places.iter().for_each(|place| add(&mut columns, keys, rows.get(*place), None));
        }
        let mut order: Vec<u32> = (0..places.len() as u32).collect();
        order.sort_by(|a, b| compare(&columns, keys, *a as usize, *b as usize));
        Ok(order.into_iter().filter_map(|i| places.get(i as usize).copied()).collect())
    }
}

fn add(
    columns: &mut [Column],
    keys: &[SortKey],
    row: Option<&Row>,
    summary: Option<&SummaryRef<'_>>,
) {
    for (column, key) in columns.iter_mut().zip(keys) {
        match column {
            Column::Numbers(numbers) => {
                numbers.push(row.map_or(0, |row| key.by.number(row, summary)));
            }
            Column::Texts(texts) => {
                texts.push(summary.map_or(Box::default(), |summary| key.by.text(summary)));
            }
        }
    }
}

fn compare(columns: &[Column], keys: &[SortKey], a: usize, b: usize) -> Ordering {
    let by = |(column, key): (&Column, &SortKey)| {
        let ordering = match column {
            Column::Numbers(numbers) => numbers.get(a).cmp(&numbers.get(b)),
            Column::Texts(texts) => texts.get(a).cmp(&texts.get(b)),
        };
        match key.order {
            Order::Rising => ordering,
            Order::Falling => ordering.reverse(),
        }
    };
    let first = columns.iter().zip(keys).map(by).find(|ordering| ordering.is_ne());
    first.unwrap_or(a.cmp(&b))
}

impl Column {
    fn new(by: SortBy) -> Column {
        match by {
            SortBy::Arrival | SortBy::Date | SortBy::Size => Column::Numbers(Vec::new()),
            SortBy::Cc
            | SortBy::DisplayFrom
            | SortBy::DisplayTo
            | SortBy::From
            | SortBy::Subject
            | SortBy::To => Column::Texts(Vec::new()),
        }
    }
}

impl SortBy {
    fn asks_summaries(self) -> bool {
        !matches!(self, SortBy::Arrival | SortBy::Size)
    }

    fn number(self, row: &Row, summary: Option<&SummaryRef<'_>>) -> i64 {
        match self {
            SortBy::Size => i64::try_from(row.size).unwrap_or(i64::MAX),
            SortBy::Date => sent(row, summary).millis(),
            _ => row.received_at.millis(),
        }
    }

    fn text(self, summary: &SummaryRef<'_>) -> Box<str> {
        match self {
            SortBy::Cc => local_part(summary.cc()),
            SortBy::From => local_part(summary.from()),
            SortBy::To => local_part(summary.to()),
            SortBy::DisplayFrom => display(summary.from()),
            SortBy::DisplayTo => display(summary.to()),
            SortBy::Subject => cut(base_subject(summary.subject().unwrap_or_default()).text),
            SortBy::Arrival | SortBy::Date | SortBy::Size => Box::default(),
        }
    }
}

/// The first address's local-part; of a group, its name.
fn local_part(mut addresses: Addresses<'_>) -> Box<str> {
    let local = addresses.next().and_then(|mailbox| mailbox.local);
    folded(&String::from_utf8_lossy(local.unwrap_or_default()))
}

/// The first address as people read it (RFC 5957 §4).
fn display(mut addresses: Addresses<'_>) -> Box<str> {
    match addresses.next() {
        Some(MailboxRef { name: Some(name), .. }) if !name.trim_ascii().is_empty() => {
            folded(&decode_header(name))
        }
        Some(MailboxRef { local: Some(local), host: Some(host), .. }) => {
            let (local, host) = (String::from_utf8_lossy(local), String::from_utf8_lossy(host));
            folded(&format!("{local}@{host}"))
        }
        Some(MailboxRef { local: Some(group), .. }) => folded(&decode_header(group)),
        _ => Box::default(),
    }
}

fn folded(text: &str) -> Box<str> {
    let mut folded = String::with_capacity(text.len());
    casefold(text, &mut folded);
    cut(folded)
}

fn cut(mut text: String) -> Box<str> {
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
    }
    text.into_boxed_str()
}
