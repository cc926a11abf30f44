//! The seam to storage, as the core sees it: ordered keys and values with atomic, durable batches
//! ([`Store`]), and bodies outside of them ([`Blobs`]). A new engine implements these two traits and
//! runs [`suite`]; if it passes, it is an engine.
//!
//! Laws: a commit is all or nothing and durable when it returns; a snapshot is one moment; a blob
//! lives while something holds it; limits are those of the smallest engine we mean to run on.

mod batch;
mod blob;
mod effect;
mod error;
mod memory;
mod page;
mod store;
pub mod suite;

pub use batch::{Assign, Assigned, Batch, Expect, Operation, Slot, Template};
pub use blob::{BlobId, BlobWriter, Blobs, Body, BodyBytes, Spilled};
pub use effect::{Effect, Latest};
pub use error::StoreError;
pub use memory::{MemoryStore, Outcome};
pub use page::PageFiller;
pub use store::{Committed, Direction, Key, Later, Limits, Page, Scan, Snapshot, Store, Value};
