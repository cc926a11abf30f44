//! A Maildir with its folders: Maildir++ (`.Work.Projects`) and plain trees (`Work/Projects`), as
//! Dovecot, Courier, mbsync and others write them.

mod folder;
mod scan;

use crate::source::{Folder, Found, OpenFolder, Source, SourceKind, SourceLater};
use core_world::Tree;
use std::path::PathBuf;
use std::sync::Arc;
use words_archive::UniqueIdFormat;

/// How a Maildir is read.
#[derive(Clone, Debug)]
pub struct MaildirOptions {
    /// What POP3 clients know messages by, where `dovecot-uidlist` does not tell. `None`: nothing
    /// that could be made of a UID.
    pub unique_ids: Option<UniqueIdFormat>,
}

impl Default for MaildirOptions {
    fn default() -> MaildirOptions {
        MaildirOptions { unique_ids: Some(UniqueIdFormat::default()) }
    }
}

/// A Maildir in a directory. Nothing in it is changed.
///
/// Its files may be renamed and moved while they are read: a message whose flags change is found
/// again by what stays of its name; one that is gone is told as gone.
pub struct MaildirSource {
    tree: Arc<dyn Tree>,
    options: MaildirOptions,
}

impl MaildirSource {
    /// The Maildir at the root of `tree`.
    pub fn new(tree: Arc<dyn Tree>, options: MaildirOptions) -> MaildirSource {
        MaildirSource { tree, options }
    }
}

impl Source for MaildirSource {
    fn kind(&self) -> SourceKind {
        SourceKind::Maildir
    }

    fn folders(&mut self) -> SourceLater<'_, Found> {
        Box::pin(async move { scan::scan(&*self.tree).await })
    }

    fn open<'a>(&'a mut self, folder: &'a Folder) -> SourceLater<'a, Box<dyn OpenFolder + 'a>> {
        Box::pin(async move {
            let directory = PathBuf::from(&folder.place);
            let opened =
                folder::MaildirFolder::open(self.tree.clone(), directory, &self.options).await?;
            Ok(Box::new(opened) as Box<dyn OpenFolder>)
        })
    }
}
