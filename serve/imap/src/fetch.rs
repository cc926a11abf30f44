//! FETCH, page by page (RFC 9051 §6.4.5, RFC 7162 §3.1.4 and §3.2.6).

use crate::desk::ImapDesk;
use crate::log::LoggedSet;
use crate::numbers::{Places, resolve};
use crate::section::Opened;
use crate::select::{Gone, vanished_of};
use crate::selected::{Selected, current, seq};
use crate::set::intersection;
use crate::structure::Structures;
use bytes::Bytes;
use core_mailbox::{EXPUNGED, FlagChange, Mailboxes, Row, Rows};
use proto_imap::ask::{
    Answer, Fetch, FetchCursor, FetchItems, FetchPage, FetchRow, Numbers, Section, SectionText,
};
use tracing::{info, warn};
use words_mail::{Flags, NumberSet, Refusal, SystemFlag};
use words_message::SummaryRef;

/// Rows of a page.
const ROWS_MAX: usize = 256;
/// Rows of a page for which messages are opened: what is looked up for all of them beforehand and
/// then finds no room must be looked up again.
const ROWS_OPENED_MAX: usize = 32;
/// Octets after which a page is full.
const PAGE_FULL: usize = 128 << 10;
/// Octets of one row.
const ROW_MAX: usize = 4 << 20;
/// What a structure counts for in a page, at most: it is no larger than its message, and mostly far
/// smaller.
const STRUCTURE_COUNTED: u64 = 16 << 10;
/// Summaries in a gap of so many places are read and thrown away sooner than sought again.
const GAP_MAX: usize = 8;

impl ImapDesk {
    pub(crate) async fn fetch(&mut self, fetch: Fetch) -> Result<Answer, Refusal> {
        let mailboxes = self.mailboxes()?;
        // Not through `self.selected()`: the structures are borrowed beside it.
        let selected = self.selected.as_mut();
        let selected = selected.ok_or(Refusal::NotPermitted("no mailbox selected"))?;
        let places = selected.places(&fetch.numbers);
        let newest = match fetch.cursor {
            None => selected.view.refresh().await?,
            Some(_) => selected.view.rows(),
        };
        let mut page = FetchPage::default();
        if fetch.cursor.is_none() {
            page.vanished_earlier = selected.vanished_earlier(&fetch).await?;
            log_reading(selected, &fetch.items, &places);
        }
        let chosen = choose(selected, &newest, &places, &fetch);
        let mut filling = Filling { selected, mailboxes: &mailboxes, newest: &newest, page };
        filling.fill(&chosen, &fetch.items, &mut self.structures).await?;
        let mut page = filling.page;
        selected.set_seen(&mailboxes, &fetch.items, &mut page).await;
        Ok(Answer::Fetched(page))
    }
}

/// Bodies that are read are logged once a command; headers are what every list shows.
fn log_reading(selected: &Selected, items: &FetchItems, places: &Places) {
    let is_body = |text: &SectionText| matches!(text, SectionText::All | SectionText::Text);
    if !places.is_empty() && items.sections.iter().any(|section| is_body(&section.text)) {
        let uids = places.uids(&selected.known);
        info!(mailbox = %selected.name, messages = places.len(), uids = %LoggedSet(&uids), "read");
    }
}

/// The places of one page, and where the next one begins.
struct Chosen {
    places: Vec<usize>,
    next: Option<usize>,
}

fn choose(selected: &Selected, newest: &Rows, places: &Places, fetch: &Fetch) -> Chosen {
    let from = fetch.cursor.map_or(0, |cursor| cursor.0 as usize);
    let opens = fetch.items.structure || !fetch.items.sections.is_empty();
    let rows_max = if opens { ROWS_OPENED_MAX } else { ROWS_MAX };
    let since = fetch.changed_since.filter(|since| since.0 > 0);
    let wanted = |place: &usize| {
        since.is_none_or(|since| {
            // What is gone has not changed: it will be told as gone.
            current(&selected.known, newest, *place).is_some_and(|row| row.modseq > since)
        })
    };
    let mut places = places.from(from).filter(wanted);
    let page: Vec<usize> = places.by_ref().take(rows_max).collect();
    Chosen { places: page, next: places.next() }
}

/// A page in the making.
struct Filling<'a> {
    selected: &'a Selected,
    mailboxes: &'a Mailboxes,
    newest: &'a Rows,
    page: FetchPage,
}

impl Filling<'_> {
    /// Adds rows until the page is full.
    async fn fill(
        &mut self,
        chosen: &Chosen,
        items: &FetchItems,
        structures: &mut Structures,
    ) -> Result<(), Refusal> {
        let mut summaries = match items.envelope {
            true => self.summaries(&chosen.places).await?.into_iter(),
            false => Vec::new().into_iter(),
        };
        let mut octets = 0;
        for place in &chosen.places {
            if octets >= PAGE_FULL {
                self.page.next = Some(FetchCursor(*place as u64));
                return Ok(());
            }
            let summary = summaries.next().flatten();
            octets += self.add(*place, summary, items, structures).await?;
        }
        self.page.next = chosen.next.map(|place| FetchCursor(place as u64));
        Ok(())
    }

    /// Adds one row; tells how many octets it holds. A message that has gone, and its octets with
    /// it, is passed over.
    async fn add(
        &mut self,
        place: usize,
        summary: Option<Bytes>,
        items: &FetchItems,
        structures: &mut Structures,
    ) -> Result<usize, Refusal> {
        let now = current(&self.selected.known, self.newest, place);
        let Some(row) = now.or_else(|| self.selected.known.get(place)) else {
            return Ok(0);
        };
        let mut fetched = bare(place, row);
        fetched.summary = summary;
        match self.open(row, items, structures, &mut fetched).await {
            Ok(octets) => {
                let octets = octets + fetched.summary.as_ref().map_or(0, Bytes::len);
                self.page.rows.push(fetched);
                Ok(octets)
            }
            Err(EXPUNGED) => {
                self.page.expunge_issued = true;
                Ok(0)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Adds what only the message itself tells; says how many octets that is.
    async fn open(
        &self,
        row: &Row,
        items: &FetchItems,
        structures: &mut Structures,
        fetched: &mut FetchRow,
    ) -> Result<usize, Refusal> {
        let summary = fetched.summary.as_deref().and_then(SummaryRef::new);
        // Where the summary is cut or cannot be read, the header tells all of it.
        let is_cut = items.envelope && summary.is_none_or(|summary| summary.is_cut());
        if items.envelope && fetched.summary.is_none() {
            return Err(EXPUNGED);
        }
        if !items.structure && items.sections.is_empty() && !is_cut {
            return Ok(0);
        }
        let content = self.mailboxes.content(&self.selected.view, row).await?;
        let mut opened = Opened::new(content);
        if is_cut {
            fetched.summary = Some(opened.whole_summary().await?);
        }
        if items.structure {
            fetched.structure = Some(opened.structure(row, structures).await?);
        }
        let mut octets = match items.structure {
            true => row.size.min(STRUCTURE_COUNTED) as usize,
            false => 0,
        };
        for item in &items.sections {
            let section = opened.section(item, row, structures).await?;
            if let Some(Section::Bytes(bytes)) = &section {
                octets += bytes.len();
            }
            if octets > ROW_MAX {
                return Err(Refusal::Limit("octets of one message's FETCH items"));
            }
            fetched.sections.push(section);
        }
        Ok(octets)
    }

    /// One for each place; those side by side by one scan.
    async fn summaries(&self, places: &[usize]) -> Result<Vec<Option<Bytes>>, Refusal> {
        let (view, known) = (&self.selected.view, &self.selected.known);
        let mut found = Vec::with_capacity(places.len());
        for run in places.chunk_by(|a, b| b - a <= GAP_MAX) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let mut scanned = Vec::with_capacity(last + 1 - first);
            while first + scanned.len() <= *last {
                let from = first + scanned.len();
                let more = self.mailboxes.summaries(view, known, from, last + 1 - from).await?;
                if more.is_empty() {
                    break;
                }
                scanned.extend(more);
            }
            found.extend(run.iter().map(|p| scanned.get_mut(p - first).and_then(Option::take)));
        }
        Ok(found)
    }
}

/// What a row tells without a look at the message.
fn bare(place: usize, row: &Row) -> FetchRow {
    FetchRow {
        seq: seq(place),
        uid: row.uid,
        flags: row.flags.clone(),
        flags_changed: false,
        modseq: row.modseq,
        size: row.size,
        received_at: row.received_at,
        saved_at: row.saved_at,
        email_id: row.blob.0,
        summary: None,
        structure: None,
        sections: Vec::new(),
    }
}

impl Selected {
    /// For VANISHED: UIDs that the client asks about and that are gone since. `*` is the greatest
    /// UID ever given: the last message may be the one that is gone.
    async fn vanished_earlier(&self, fetch: &Fetch) -> Result<Option<NumberSet>, Refusal> {
        let (true, Some(since)) = (fetch.vanished, fetch.changed_since) else {
            return Ok(None);
        };
        let last = self.known.uid_next().0.saturating_sub(1);
        let asked = match &fetch.numbers {
            Numbers::Uid(set) => resolve(set, last),
            Numbers::Saved => self.saved.clone(),
            Numbers::Seq(_) => self.places(&fetch.numbers).uids(&self.known),
        };
        let asked = intersection(&asked, &NumberSet::from_range(1, last));
        let (Gone::Logged(gone) | Gone::Missing(gone)) =
            vanished_of(&self.view, &self.known, &asked, since).await?;
        Ok(Some(gone))
    }

    /// Sets `\Seen` on what has been read, in one commit, and says so in the page. If that cannot
    /// be done the messages can be read all the same.
    async fn set_seen(&mut self, mailboxes: &Mailboxes, items: &FetchItems, page: &mut FetchPage) {
        if !items.set_seen || self.read_only {
            return;
        }
        let unseen = page.rows.iter().filter(|row| !row.flags.contains(SystemFlag::Seen));
        let uids: NumberSet = unseen.map(|row| row.uid.0).collect();
        if uids.is_empty() {
            return;
        }
        let mut seen = Flags::new();
        seen.insert(SystemFlag::Seen);
        let add = FlagChange::Add(seen);
        let stored = mailboxes.store_flags(&self.view, &uids, &add, None).await;
        let newest = match stored {
            Ok(_) => self.view.refresh().await,
            Err(refusal) => Err(refusal),
        };
        match newest {
            Ok(newest) => self.tell_seen(&newest, &uids, page),
            Err(refusal) => warn!(%refusal, mailbox = %self.name, "\\Seen cannot be stored"),
        }
    }

    fn tell_seen(&mut self, newest: &Rows, uids: &NumberSet, page: &mut FetchPage) {
        for fetched in page.rows.iter_mut().filter(|row| uids.contains(row.uid.0)) {
            let row = newest.find(fetched.uid).ok().and_then(|place| newest.get(place));
            if let Some(row) = row {
                fetched.flags = row.flags.clone();
                fetched.modseq = row.modseq;
                fetched.flags_changed = true;
                self.told.insert(row.uid, row.modseq);
            }
        }
    }
}
