//! Backups: consistent, incremental, verified copies of a store, and what is in them.
//!
//! A backup directory holds any number of backups; what they have in common it holds once. Each has a
//! [manifest](manifest), written last and in one step: a backup without one was interrupted, counts
//! for nothing, and what it left is used or removed by the next. `docs/records.md` draws the
//! directory, `docs/backup.md` tells the operator how to use it.
//!
//! The moment of a backup is a checkpoint made after it began, so that everything acknowledged before
//! is in it. While it is taken, no file that this moment needs is removed; nobody waits for it.

mod copy;
mod disk;
mod manifest;
mod needs;
mod pace;
mod report;
mod restore;
mod retain;
mod run;
mod target;
mod verify;
mod view;

pub use pace::{Progress, Watch};
pub use report::{BackupError, BackupReport, Copies, Tally};
pub use restore::RestoreReport;
pub use retain::Keep;
pub use run::{BackupOptions, Linking};
pub use target::{BackupDirectory, Listed, State as BackupState};
pub use verify::VerifyReport;
pub use view::BackupView;

use pace::Pace;
