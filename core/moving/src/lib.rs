//! Moving in from other mail stores and out again, without losing a flag.
//!
//! A [`Source`] is somebody's mail elsewhere: folders, messages with flags, dates, UIDs and unique
//! ids, and their octets in pieces. [`Importer`] brings it into an account; what was brought once is
//! not brought again, so that it can be repeated until the day of the cut-over, and goes on where it
//! was killed. A [`Sink`] is the other way: [`export`] fills it. [`MaildirSource`], [`MboxSource`],
//! [`MaildirSink`] and [`MboxSink`] are those that lie in files; a source on another machine tells
//! [`SourceError::Temporary`] of what passes, and is asked again.
//!
//! Memory is bounded: octets of messages pass in pieces, and of a folder there is one small entry a
//! message.

mod aside;
mod compare;
mod error;
mod export;
mod import;
mod import_folder;
mod known;
mod maildir_sink;
mod maildir_source;
mod mbox_reader;
mod mbox_sink;
mod mbox_source;
pub mod plan;
mod report;
mod sink;
mod source;
mod text_file;

pub use aside::keep_scripts;
pub use error::{MoveError, SourceError};
pub use export::{ExportOptions, export};
pub use import::{ImportOptions, Importer};
pub use known::forget;
pub use maildir_sink::MaildirSink;
pub use maildir_source::{MaildirOptions, MaildirSource};
pub use mbox_sink::MboxSink;
pub use mbox_source::MboxSource;
pub use report::{Compared, ExportReport, ExportedFolder, FolderReport, ImportReport, Trouble};
pub use sink::{Sink, SinkFolder, SinkLater, SinkMailbox, SinkMessage, Standing};
pub use source::{
    Body, Folder, Found, Item, Numbers, OctetStream, OpenFolder, Source, SourceKind, SourceLater,
    Told,
};
