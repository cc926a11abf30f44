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
    pub prefix_len: u16,
    /// Does POP3 show it under the unique id that it was brought with?
    pub has_unique_id: bool,
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
    fn rows(&mut self, rows: Vec<Row>) {
        if rows.len() <= CHUNK_MAX {
            if !rows.is_empty() {
                self.chunk(&Arc::new(rows));
            }
            return;
        }
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        while left > 0 {
            let mut chunk = Vec::with_capacity(left.min(CHUNK_MAX));
            chunk.extend(rows.by_ref().take(CHUNK_MAX));
            left -= chunk.len();
            self.chunk(&Arc::new(chunk));
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn row(uid: u32, modseq: u64) -> Row {
        Row {
            uid: Uid(uid),
            modseq: ModSeq(modseq),
            flags: Flags::new(),
            size: 1,
            received_at: Timestamp::default(),
            saved_at: Timestamp::default(),
            blob: BlobId(1),
            prefix_len: 0,
            has_unique_id: false,
        }
    }

    fn rows(uids: impl Iterator<Item = u32>) -> Rows {
        Rows::from_rows(uids.map(|uid| row(uid, 1)).collect(), Uid(0), ModSeq(1))
    }

    fn plain(rows: &Rows) -> Vec<Row> {
        rows.iter_from(0).map(|(_, row)| row.clone()).collect()
    }

    #[test]
    fn places_and_uids_lead_to_each_other() {
        let rows = rows((1..=1000).map(|n| n * 2));
        assert_eq!(rows.len(), 1000);
        for place in 0..1000 {
            let uid = Uid(place as u32 * 2 + 2);
            assert_eq!(rows.get(place).unwrap().uid, uid);
            assert_eq!(rows.find(uid), Ok(place));
            assert_eq!(rows.find(Uid(uid.0 - 1)), Err(place));
            assert_eq!(rows.iter_from(place).next().unwrap().0, place);
            assert_eq!(rows.iter_from(place).count(), 1000 - place);
        }
        assert_eq!(rows.find(Uid(2001)), Err(1000));
        assert!(rows.get(1000).is_none());
        assert_eq!(rows.iter_from(1000).count(), 0);
        assert_eq!(rows.iter_from(5000).count(), 0);
        let empty = Rows::default();
        assert_eq!((empty.len(), empty.find(Uid(1)), empty.iter_from(0).count()), (0, Err(0), 0));
        assert_eq!((empty.uid_next(), empty.highest_modseq()), (Uid(1), ModSeq(1)));
        let set: NumberSet = [1, 2, 4, 512, 513, 514, 2000, 3000].into_iter().collect();
        assert_eq!(rows.uids_in(&set), [2, 4, 512, 514, 2000].map(Uid));
        assert_eq!(rows.uids_in(&NumberSet::from_range(1, u32::MAX)).len(), 1000);
    }

    #[test]
    fn moments_share_the_chunks_that_did_not_change() {
        let older = rows(1..=10_000);
        let changes = BTreeMap::from([(Uid(5_000), None), (Uid(10_001), Some(row(10_001, 2)))]);
        let newer = older.with(changes, Uid(10_001), ModSeq(2));
        let shared = |chunk: &&Chunk| {
            newer.moment.chunks.iter().any(|other| Arc::ptr_eq(&chunk.rows, &other.rows))
        };
        let chunks = &older.moment.chunks;
        assert_eq!(chunks.iter().filter(shared).count(), chunks.len() - 2);
        let changes = newer.changes_from(&older);
        assert_eq!((changes.expunged, changes.arrived), (vec![4_999], 1));
        assert_eq!(older.len(), 10_000);
    }

    #[test]
    fn chunks_do_not_stay_small() {
        let mut rows = rows(1..=10_000);
        let all_but_some = (1..=10_000).filter(|n| n % 50 != 0);
        for uid in all_but_some {
            rows = rows.with(BTreeMap::from([(Uid(uid), None)]), Uid(0), ModSeq(2));
        }
        assert_eq!(rows.len(), 200);
        assert!(rows.moment.chunks.len() <= 4, "{}", rows.moment.chunks.len());
        for uid in 10_001..=12_000 {
            let arrival = BTreeMap::from([(Uid(uid), Some(row(uid, 3)))]);
            rows = rows.with(arrival, Uid(uid), ModSeq(3));
        }
        assert_eq!(rows.len(), 2_200);
        assert!(rows.moment.chunks.len() <= 12, "{}", rows.moment.chunks.len());
    }

    proptest! {
        #[test]
        fn changes_replayed_on_the_older_moment_give_the_newer(
            count in 0..1500_u32,
            steps in prop::collection::vec(
                prop::collection::vec((0..1600_u32, 0..3_u8), 0..60), 1..5),
        ) {
            let older = rows(1..=count);
            let mut newer = older.clone();
            let mut last = count;
            for (modseq, step) in (2..).zip(steps) {
                let mut changes = BTreeMap::new();
                for (uid, kind) in step {
                    if kind == 0 {
                        last += 1;
                        changes.insert(Uid(last), Some(row(last, modseq)));
                    } else if newer.find(Uid(uid)).is_ok() {
                        changes.insert(Uid(uid), (kind == 1).then(|| row(uid, modseq)));
                    }
                }
                let mut plain_rows: BTreeMap<Uid, Row> =
                    plain(&newer).into_iter().map(|row| (row.uid, row)).collect();
                for (uid, change) in &changes {
                    match change {
                        Some(row) => plain_rows.insert(*uid, row.clone()),
                        None => plain_rows.remove(uid),
                    };
                }
                newer = newer.with(changes, Uid(last), ModSeq(modseq));
                prop_assert_eq!(plain(&newer), plain_rows.into_values().collect::<Vec<_>>());
                prop_assert_eq!(newer.len(), plain(&newer).len());
            }
            let changes = newer.changes_from(&older);
            let mut replayed = plain(&older);
            for (place, uid) in changes.expunged.iter().zip(&changes.vanished).rev() {
                prop_assert_eq!(replayed.remove(*place).uid, *uid);
            }
            for place in changes.changed {
                replayed[place] = newer.get(place).unwrap().clone();
            }
            let arrived = newer.iter_from(newer.len() - changes.arrived);
            replayed.extend(arrived.map(|(_, row)| row.clone()));
            prop_assert_eq!(replayed, plain(&newer));
        }
    }
}
