//! The messages of a mailbox at one moment.

use crate::Changes;
use core_store::BlobId;
use std::collections::BTreeMap;
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::{Flags, Keyword, ModSeq, NumberSet, Uid};

/// Most rows that are copied because one of them changed.
pub(crate) const CHUNK_MAX: usize = 256;
/// A chunk that a change leaves smaller than this takes in its neighbour where both fit into one.
const CHUNK_MIN: usize = 64;

/// One message of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its UID.
    pub uid: Uid,
    /// The number of its last change.
    pub modseq: ModSeq,
    /// Its flags.
    pub flags: Flags,
    /// Octets, prefix and blob together: RFC822.SIZE.
    pub size: u64,
    /// INTERNALDATE.
    pub received_at: Timestamp,
    /// When it came into this mailbox (RFC 8514 SAVEDATE).
    pub saved_at: Timestamp,
    /// Its octets, without the prefix. Also its EMAILID (RFC 8474): copies share it.
    pub blob: BlobId,
    /// Octets of trace fields that are this recipient's alone, in front of the blob's.
    pub prefix_len: u32,
}

/// The messages of a mailbox at one moment, by rising UID; the place of a row, from 0, is its
/// sequence number less one. Immutable and cheap to clone: moments share what did not change.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    moment: Arc<Moment>,
}

/// What one moment holds.
#[derive(Debug, Default)]
struct Moment {
    chunks: Vec<Chunk>,
    len: usize,
    uid_last: Uid,
    highest_modseq: ModSeq,
}

/// A stretch of rows, at least one, shared by the moments that have it.
#[derive(Clone, Debug)]
struct Chunk {
    /// The place of its first row.
    start: usize,
    rows: Arc<Vec<Row>>,
}

impl Chunk {
    fn last_uid(&self) -> Uid {
        self.rows.last().map_or(Uid(0), |r| r.uid)
    }
}

impl Rows {
    /// How many messages.
    pub fn len(&self) -> usize {
        self.moment.len
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at a place.
    pub fn get(&self, place: usize) -> Option<&Row> {
        let chunk = self.moment.chunks.get(self.chunk_at(place)?)?;
        chunk.rows.get(place - chunk.start)
    }

    /// Which chunk holds a place.
    fn chunk_at(&self, place: usize) -> Option<usize> {
        self.moment.chunks.partition_point(|c| c.start <= place).checked_sub(1)
    }

    /// The place of a UID, or where it would stand.
    pub fn find(&self, uid: Uid) -> Result<usize, usize> {
        let at = self.moment.chunks.partition_point(|c| c.last_uid() < uid);
        let Some(chunk) = self.moment.chunks.get(at) else {
            return Err(self.len());
        };
        let found = chunk.rows.binary_search_by_key(&uid, |r| r.uid);
        found.map(|at| chunk.start + at).map_err(|at| chunk.start + at)
    }

    /// The rows from a place on, with their places.
    pub fn iter_from(&self, place: usize) -> impl Iterator<Item = (usize, &Row)> + '_ {
        let first = self.chunk_at(place).unwrap_or(0);
        let chunks = self.moment.chunks.get(first..).unwrap_or_default();
        let skip = chunks.first().map_or(0, |c| place - c.start);
        chunks.iter().flat_map(|c| c.rows.iter()).enumerate().skip(skip).map(move |(i, row)| {
            // `skip` rows of the first chunk stand before `place`.
            (place - skip + i, row)
        })
    }

    /// Are these the very same moment? Costs nothing.
    pub fn same(&self, other: &Rows) -> bool {
        Arc::ptr_eq(&self.moment, &other.moment)
    }

    /// What the next message's UID will be at least.
    pub fn uid_next(&self) -> Uid {
        Uid(self.moment.uid_last.0.saturating_add(1))
    }

    /// The number of the mailbox's last change, at least 1 (RFC 7162 §3.1.2.1).
    pub fn highest_modseq(&self) -> ModSeq {
        self.moment.highest_modseq.max(ModSeq(1))
    }

    /// Those UIDs of `set` that are here, rising.
    pub fn uids_in(&self, set: &NumberSet) -> Vec<Uid> {
        let mut uids = Vec::new();
        for (first, last) in set.ranges() {
            let place = self.find(Uid(*first)).unwrap_or_else(|place| place);
            let rows = self.iter_from(place).map(|(_, row)| row.uid);
            uids.extend(rows.take_while(|uid| uid.0 <= *last));
        }
        uids
    }

    /// The keywords that messages have, each once, at most `count_max`: for the FLAGS response.
    pub fn keywords(&self, count_max: usize) -> Vec<Keyword> {
        let mut found: Vec<Keyword> = Vec::new();
        for keyword in self.iter_from(0).flat_map(|(_, row)| row.flags.keywords()) {
            if found.len() < count_max && !found.contains(keyword) {
                found.push(keyword.clone());
            }
        }
        found
    }

    /// A first moment: `rows` by rising UID.
    pub(crate) fn from_rows(rows: Vec<Row>, uid_last: Uid, highest_modseq: ModSeq) -> Rows {
        let mut builder = Builder::default();
        builder.rows(rows);
        builder.finish(uid_last, highest_modseq)
    }

    /// A later moment: rows come, are replaced, or go (`None`); the rest is shared.
    pub(crate) fn with(
        &self,
        changes: BTreeMap<Uid, Option<Row>>,
        uid_last: Uid,
        highest_modseq: ModSeq,
    ) -> Rows {
        let uid_last = uid_last.max(self.moment.uid_last);
        let highest_modseq = highest_modseq.max(self.moment.highest_modseq);
        let mut changes = changes.into_iter().peekable();
        let mut builder = Builder::default();
        for (i, chunk) in self.moment.chunks.iter().enumerate() {
            let is_last = i + 1 == self.moment.chunks.len();
            let touched =
                changes.peek().is_some_and(|(uid, _)| is_last || *uid <= chunk.last_uid());
            if !touched {
                builder.chunk(&chunk.rows);
                continue;
            }
            builder.rows(merge(&chunk.rows, |uid| {
                changes.next_if(|(changed, _)| is_last || *changed <= uid)
            }));
        }
        builder.rows(changes.filter_map(|(_, row)| row).collect());
        builder.finish(uid_last, highest_modseq)
    }

    /// What became of `older`. Chunks that both share are passed over.
    pub fn changes_from(&self, older: &Rows) -> Changes {
        let mut changes = Changes { highest_modseq: self.highest_modseq(), ..Changes::default() };
        if self.same(older) {
            return changes;
        }
        let (mut old, mut new) = (Cursor::new(older), Cursor::new(self));
        loop {
            if old.skip_shared(&mut new) {
                continue;
            }
            match (old.row(), new.row()) {
                (None, None) => return changes,
                (Some(was), Some(is)) if was.uid == is.uid => {
                    if was != is {
                        changes.changed.push(new.place);
                    }
                    old.step();
                    new.step();
                }
                (Some(was), is) if is.is_none_or(|is| was.uid < is.uid) => {
                    changes.expunged.push(old.place);
                    changes.vanished.push(was.uid);
                    old.step();
                }
                _ => {
                    changes.arrived += 1;
                    new.step();
                }
            }
        }
    }
}

/// The rows of a chunk with the changes that `next` gives for UIDs up to one of its rows'.
fn merge(rows: &[Row], mut next: impl FnMut(Uid) -> Option<(Uid, Option<Row>)>) -> Vec<Row> {
    let Some(last) = rows.last() else {
        return Vec::new();
    };
    let mut merged = Vec::with_capacity(rows.len() + 1);
    let mut rest = rows;
    while let Some((uid, row)) = next(last.uid) {
        let (before, from) = rest.split_at(rest.partition_point(|r| r.uid < uid));
        merged.extend_from_slice(before);
        rest = match from.first() {
            Some(first) if first.uid == uid => &from[1..],
            _ => from,
        };
        merged.extend(row);
    }
    merged.extend_from_slice(rest);
    merged
}

/// Puts a moment together from shared and fresh chunks.
#[derive(Default)]
struct Builder {
    chunks: Vec<Chunk>,
    len: usize,
}

impl Builder {
    /// Takes over a chunk, shared, unless the one before is so small that both are better one.
    fn chunk(&mut self, rows: &Arc<Vec<Row>>) {
        if self.join(rows) {
            return;
        }
        self.chunks.push(Chunk { start: self.len, rows: rows.clone() });
        self.len += rows.len();
    }

    /// Adds fresh rows, cut into chunks.
    fn rows(&mut self, mut rows: Vec<Row>) {
        while rows.len() > CHUNK_MAX {
            let rest = rows.split_off(CHUNK_MAX);
            self.chunk(&Arc::new(std::mem::replace(&mut rows, rest)));
        }
        if !rows.is_empty() {
            self.chunk(&Arc::new(rows));
        }
    }

    fn join(&mut self, rows: &[Row]) -> bool {
        let Some(last) = self.chunks.last_mut() else {
            return false;
        };
        let small = last.rows.len() < CHUNK_MIN || rows.len() < CHUNK_MIN;
        if !small || last.rows.len() + rows.len() > CHUNK_MAX {
            return false;
        }
        Arc::make_mut(&mut last.rows).extend_from_slice(rows);
        self.len += rows.len();
        true
    }

    fn finish(self, uid_last: Uid, highest_modseq: ModSeq) -> Rows {
        let uid_last = self.chunks.last().map_or(Uid(0), Chunk::last_uid).max(uid_last);
        let moment = Moment { chunks: self.chunks, len: self.len, uid_last, highest_modseq };
        Rows { moment: Arc::new(moment) }
    }
}

/// A walk over the rows of a moment.
struct Cursor<'a> {
    chunks: &'a [Chunk],
    /// Within the first of `chunks`.
    at: usize,
    /// Within the moment.
    place: usize,
}

impl<'a> Cursor<'a> {
    fn new(rows: &'a Rows) -> Cursor<'a> {
        Cursor { chunks: &rows.moment.chunks, at: 0, place: 0 }
    }

    fn row(&self) -> Option<&'a Row> {
        self.chunks.first().and_then(|c| c.rows.get(self.at))
    }

    fn step(&mut self) {
        self.at += 1;
        self.place += 1;
        if self.chunks.first().is_some_and(|c| c.rows.len() == self.at) {
            self.chunks = &self.chunks[1..];
            self.at = 0;
        }
    }

    /// If both stand at the beginning of one and the same chunk, both pass it.
    fn skip_shared(&mut self, other: &mut Cursor<'a>) -> bool {
        let (Some(ours), Some(theirs)) = (self.chunks.first(), other.chunks.first()) else {
            return false;
        };
        if self.at != 0 || other.at != 0 || !Arc::ptr_eq(&ours.rows, &theirs.rows) {
            return false;
        }
        for cursor in [self, other] {
            cursor.place += cursor.chunks[0].rows.len();
            cursor.chunks = &cursor.chunks[1..];
        }
        true
    }
}
