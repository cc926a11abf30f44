//! The octets of a queued message, in pieces.

use core_queue::QueuedMessage;
use core_store::{Blobs, StoreError};
use proto_smtp::client::Client;

/// Octets read at once.
const PIECE: u64 = 64 * 1024;

/// Reads a queued message from its beginning: the fields in front, then the body.
pub struct BodyReader<'a> {
    blobs: &'a dyn Blobs,
    message: &'a QueuedMessage,
    begun: bool,
    at: u64,
}

impl<'a> BodyReader<'a> {
    /// At the beginning of `message`.
    pub fn new(blobs: &'a dyn Blobs, message: &'a QueuedMessage) -> BodyReader<'a> {
        BodyReader { blobs, message, begun: false, at: 0 }
    }

    /// Hands the next piece to the client, with the fields in front of the first, and tells it of
    /// the end together with the last.
    pub async fn feed(&mut self, client: &mut Client) -> Result<(), StoreError> {
        let piece = self.next().await?;
        if !std::mem::replace(&mut self.begun, true) {
            client.body(&self.message.prefix);
        }
        client.body(&piece);
        if self.at >= self.message.size {
            client.body_end();
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<bytes::Bytes, StoreError> {
        let end = self.message.size.min(self.at + PIECE);
        if self.at >= end {
            return Ok(bytes::Bytes::new());
        }
        let piece = self.blobs.read(self.message.blob, self.at..end).await?;
        self.at += piece.len() as u64;
        match piece.is_empty() {
            true => Err(StoreError::Corrupt(format!("the body of {} is cut", self.message.id))),
            false => Ok(piece),
        }
    }

    /// Has the message nothing but ASCII, whatever was said of it?
    pub async fn all_ascii(mut self) -> Result<bool, StoreError> {
        if !self.message.prefix.is_ascii() {
            return Ok(false);
        }
        while self.at < self.message.size {
            if !self.next().await?.is_ascii() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
