//! The messages of a mailbox at one moment.

use core_store::BlobId;
use words_base::Timestamp;
use words_mail::{Flags, ModSeq, Uid};

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
pub struct Rows {}

impl Rows {
    /// How many messages.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at a place.
    pub fn get(&self, place: usize) -> Option<&Row> {
        let _ = place;
        todo!()
    }

    /// The place of a UID, or where it would stand.
    pub fn find(&self, uid: Uid) -> Result<usize, usize> {
        let _ = uid;
        todo!()
    }

    /// The rows from a place on, with their places.
    pub fn iter_from(&self, place: usize) -> impl Iterator<Item = (usize, &Row)> + '_ {
        let _ = place;
        std::iter::empty()
    }

    /// Are these the very same moment? Costs nothing.
    pub fn same(&self, other: &Rows) -> bool {
        let _ = other;
        todo!()
    }
}
