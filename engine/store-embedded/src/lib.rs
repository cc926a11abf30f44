//! Store and Blobs in files of one directory.
//!
//! A **segment log** of checksummed frames holds the bodies and is the write-ahead log; a **memtable**
//! in front of **redb** holds the metadata; a second thread writes **checkpoints**. One committer
//! thread makes one batch of whatever waits and syncs once for all of it.
//!
//! ```no_run
//! use core_store::{Batch, Store};
//! use engine_store_embedded::{EmbeddedStore, Options};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = EmbeddedStore::open("data".as_ref(), Options::default())?;
//! let mut batch = Batch::new();
//! batch.put(&b"key"[..], &b"value"[..]);
//! store.commit(batch).await?; // durable from here on
//! store.close();
//! # Ok(())
//! # }
//! ```
//!
//! The road of a commit: `store` checks limits and computes checksums, `committer` groups, numbers
//! and encodes, `log` writes and syncs, `memtable` and `view` show it to readers, `checkpoint` moves
//! it to `base`, `recovery` finds it again, `collect` gives back what was released. The format is
//! drawn in `docs/records.md`.

mod backup;
mod base;
mod blob;
mod check;
mod checkpoint;
mod collect;
mod committer;
pub mod disk;
mod dump;
mod files;
mod frame;
mod group;
mod keeper;
mod log;
mod memtable;
mod options;
mod record;
mod recovery;
mod room;
mod running;
mod salvage;
mod scrub;
mod settle;
mod shared;
mod spare;
mod stats;
mod stepped;
mod store;
mod thread;
mod twin;
mod usage;
mod view;
mod writer;

pub use backup::{
    BackupDirectory, BackupError, BackupOptions, BackupReport, BackupState, BackupView, Copies,
    Keep, Linking, Listed, Progress, RestoreReport, Tally, VerifyReport, Watch,
};
pub use check::{CheckReport, Finding};
pub use options::{OpenError, Options};
pub use salvage::{
    Damaged, ORPHANS, Origin, SalvageError, SalvageProgress, SalvageReport, salvage, salvage_into,
};
pub use stats::Stats;
pub use stepped::Steps;
pub use store::{EmbeddedStore, Recovery};
pub use writer::INLINE_MAX;
