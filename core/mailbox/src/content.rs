//! The octets of a message.

use bytes::Bytes;
use words_mail::Refusal;

/// The octets of one message: its own prefix, then its blob's. Outlives an expunge for a while.
#[derive(Clone)]
pub struct Content {}

impl Content {
    /// Octets of the whole message.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Is it without octets?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most `len_max` octets from `offset`; fewer only at the end.
    pub async fn read(&self, offset: u64, len_max: usize) -> Result<Bytes, Refusal> {
        let _ = (offset, len_max);
        todo!()
    }
}
