//! What is written together: the batches, moves and bodies of one append.

use crate::blob::{Entry, Locator};
use crate::committer::Reply;
use crate::frame;
use crate::log::Position;
use crate::record;
use crate::view::View;
use crate::writer::Prepared;
use core_store::{Batch, BlobId, Committed, Effect, Key, Latest, StoreError, Value};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Octets of the body's frame after its header.
pub fn payload_len(body: &Prepared) -> usize {
    body.payload.iter().map(|part| part.len()).sum()
}

/// What is written together.
pub struct Group {
    /// What was there before.
    pub view: Arc<View>,
    /// Keys and their new values.
    pub values: HashMap<Key, Option<Value>>,
    /// Blobs and their new entries.
    pub blobs: HashMap<BlobId, Pending>,
    /// Bodies to be written.
    pub bodies: Vec<Prepared>,
    /// Who waits for a commit, and what it will be told.
    pub replies: Vec<(Reply, Committed)>,
    /// Who waits for bodies to be moved.
    pub moved: Vec<oneshot::Sender<()>>,
}

/// A blob's entry before and after.
pub struct Pending {
    /// Before, if it was there.
    pub old: Option<Entry>,
    /// After.
    pub new: Entry,
}

impl Group {
    /// Nothing yet, on top of `view`.
    pub fn new(view: Arc<View>) -> Group {
        Group {
            view,
            values: HashMap::new(),
            blobs: HashMap::new(),
            bodies: Vec::new(),
            replies: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// Adds a batch that sees everything added before it, or nothing of it.
    pub fn add(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        let Effect { values, holders, bodies, committed } = batch.effect(self)?;
        let prepare = |(body, holders)| Ok((Prepared::new(body)?, holders));
        let prepared: Vec<_> =
            bodies.into_iter().map(prepare).collect::<Result<_, StoreError>>()?;
        let mut changed = Vec::with_capacity(holders.len());
        for (blob, holders) in holders {
            changed.push((blob, self.entry(blob)?.ok_or(StoreError::NoSuchBlob)?, holders));
        }
        for (blob, old, holders) in changed {
            let new = Entry { holders, ..old };
            self.blobs.entry(blob).or_insert(Pending { old: Some(old), new }).new = new;
        }
        self.values.extend(values);
        for (body, holders) in prepared {
            self.place_later(body, None, holders);
        }
        Ok(committed)
    }

    /// The body's place is known when the batch is complete; until then it has none.
    fn place_later(&mut self, body: Prepared, old: Option<Entry>, holders: u32) {
        let locator = Locator { segment: 0, offset: 0, len: body.len, large: body.large };
        let new = Entry { locator, holders };
        self.blobs.entry(body.id).or_insert(Pending { old, new }).new = new;
        self.bodies.push(body);
    }

    /// Adds bodies to be written anew; those given up or moved meanwhile are left out.
    pub fn relocate(&mut self, moves: Vec<(Locator, Prepared)>) {
        for (from, body) in moves {
            if let Ok(Some(entry)) = self.entry(body.id)
                && entry.locator == from
                && entry.holders > 0
            {
                self.place_later(body, Some(entry), entry.holders);
            }
        }
    }

    fn entry(&self, blob: BlobId) -> Result<Option<Entry>, StoreError> {
        match self.blobs.get(&blob) {
            Some(pending) => Ok(Some(pending.new)),
            None => self.view.blob(blob),
        }
    }

    /// Is there nothing to write?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.blobs.is_empty()
    }

    /// Octets of all frames.
    pub fn size(&self) -> u64 {
        let bodies = self.bodies.iter().map(|body| frame::frame_len(payload_len(body) as u64));
        let values =
            self.values.iter().map(|(key, value)| record::value_size(key, value.as_deref()));
        let blobs = self.blobs.len() as u64 * record::BLOB_SIZE;
        let payload = record::BEGIN_SIZE + values.sum::<u64>() + blobs;
        bodies.sum::<u64>() + frame::frame_len(payload)
    }

    /// Gives every body its place behind `end`.
    pub fn place(&mut self, end: Position) {
        let mut offset = end.offset;
        for body in &self.bodies {
            if let Some(pending) = self.blobs.get_mut(&body.id) {
                pending.new.locator.segment = end.segment;
                pending.new.locator.offset = offset;
            }
            offset += frame::frame_len(payload_len(body) as u64);
        }
    }

    /// It is durable: tells everybody.
    pub fn answer(self) {
        for (reply, committed) in self.replies {
            let _ = reply.send(Ok(committed));
        }
        for reply in self.moved {
            let _ = reply.send(());
        }
    }

    /// It was not done: tells everybody.
    pub fn refuse(self, error: &StoreError) {
        for (reply, _) in self.replies {
            let _ = reply.send(Err(error.clone()));
        }
    }
}

impl Latest for Group {
    fn value(&mut self, key: &[u8]) -> Result<Option<Value>, StoreError> {
        match self.values.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.view.value(key),
        }
    }

    fn holders(&mut self, blob: BlobId) -> Result<Option<u32>, StoreError> {
        Ok(self.entry(blob)?.map(|entry| entry.holders).filter(|holders| *holders > 0))
    }
}
