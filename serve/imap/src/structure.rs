//! The structures of messages that this session has looked at last.

use core_mailbox::{Content, Row};
use core_store::BlobId;
use std::collections::VecDeque;
use std::sync::Arc;
use words_mail::Refusal;
use words_message::{Structure, StructureScanner};

/// Clients ask for the structure first, then part by part.
const STRUCTURES_MAX: usize = 8;
/// Octets of a message that are read at once.
pub(crate) const PIECE: usize = 64 << 10;

/// Which message: its octets are the prefix and the blob, and places depend on the prefix's length
/// alone.
type Key = (BlobId, u16);

/// A few structures, the last used in front.
#[derive(Debug, Default)]
pub(crate) struct Structures(VecDeque<(Key, Arc<Structure>)>);

impl Structures {
    /// The structure of a message, read from its octets if it is not known.
    pub async fn of(&mut self, row: &Row, content: &Content) -> Result<Arc<Structure>, Refusal> {
        let key = (row.blob, row.prefix_len);
        let known = self.0.iter().position(|(k, _)| *k == key).and_then(|at| self.0.remove(at));
        let structure = match known {
            Some((_, structure)) => structure,
            None => Arc::new(scan(content).await?),
        };
        self.0.truncate(STRUCTURES_MAX - 1);
        self.0.push_front((key, structure.clone()));
        Ok(structure)
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.0 = VecDeque::new();
    }
}

async fn scan(content: &Content) -> Result<Structure, Refusal> {
    let mut scanner = StructureScanner::new();
    let mut offset = 0;
    while offset < content.len() {
        let piece = content.read(offset, PIECE).await?;
        if piece.is_empty() {
            break;
        }
        scanner.feed(&piece);
        offset += piece.len() as u64;
    }
    Ok(scanner.finish())
}
