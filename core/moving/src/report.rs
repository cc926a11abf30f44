//! What came of it, folder by folder.

use serde::{Deserialize, Serialize};

/// Most troubles of a folder that are told one by one.
pub(crate) const TROUBLES_MAX: usize = 100;

/// A message that could not be moved, or that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What the source calls it.
    pub message: String,
    /// What is the matter.
    pub why: String,
}

/// What came of one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderReport {
    /// What the source calls it.
    pub place: String,
    /// What it is called here.
    pub mailbox: String,
    /// Messages in the source.
    pub found: u64,
    /// Octets of them as the source keeps them, if it was asked (a dry run does).
    pub octets: Option<u64>,
    /// Messages that came (in a dry run: would come) now.
    pub brought: u64,
    /// Octets of these, with CRLF line ends.
    pub brought_octets: u64,
    /// Messages that came in an earlier run.
    pub already: u64,
    /// Of these, how many have been removed here since; they do not come again.
    pub removed_here: u64,
    /// Messages whose flags changed in the source since the last run, and now here.
    pub reflagged: u64,
    /// Messages whose flags changed on both sides: those here stay.
    pub kept_flags: u64,
    /// Messages that were gone from the source when they were to be read.
    pub gone: u64,
    /// Messages that are strange but came, octet for octet: `broken_count` of them, the first ones
    /// told.
    pub broken: Vec<Trouble>,
    /// How many.
    pub broken_count: u64,
    /// Messages that did not come, the first ones told.
    pub failed: Vec<Trouble>,
    /// How many.
    pub failed_count: u64,
    /// UIDVALIDITY in the source, 0 if it has none,
    pub source_uid_validity: u32,
    /// and here.
    pub uid_validity: u32,
    /// What comparing both sides in the end gave.
    pub compared: Compared,
}

/// Both sides compared, message by message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Messages compared.
    pub messages: u64,
    /// Octets of these here.
    pub octets: u64,
    /// Should be here and are not.
    pub missing: u64,
    /// Sizes that differ.
    pub sizes: u64,
    /// Flags or keywords that differ, though nobody changed them here.
    pub flags: u64,
    /// INTERNALDATEs that differ.
    pub dates: u64,
    /// UIDs that are others.
    pub uids: u64,
    /// POP3 unique ids that are others.
    pub unique_ids: u64,
    /// Bodies read on both sides,
    pub bodies_read: u64,
    /// and those that differ.
    pub bodies: u64,
}

impl Compared {
    /// Does nothing differ that mail is?
    pub fn is_good(&self) -> bool {
        self.missing + self.sizes + self.flags + self.dates + self.bodies == 0
    }
}

impl FolderReport {
    /// Did everything come that could, and is it the same?
    pub fn is_good(&self) -> bool {
        self.failed_count == 0 && self.compared.is_good()
    }

    pub(crate) fn note_broken(&mut self, message: &str, why: String) {
        self.broken_count += 1;
        note(&mut self.broken, message, why);
    }

    pub(crate) fn note_failed(&mut self, message: &str, why: String) {
        self.failed_count += 1;
        note(&mut self.failed, message, why);
    }
}

fn note(troubles: &mut Vec<Trouble>, message: &str, why: String) {
    if troubles.len() < TROUBLES_MAX {
        troubles.push(Trouble { message: message.to_string(), why });
    }
}

/// What came of a whole source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Folder by folder.
    pub folders: Vec<FolderReport>,
    /// What the operator should know.
    pub remarks: Vec<String>,
    /// Why it ended early, if it did.
    pub ended: Option<String>,
}

impl ImportReport {
    /// Did everything come, and is it the same?
    pub fn is_good(&self) -> bool {
        self.ended.is_none() && self.folders.iter().all(FolderReport::is_good)
    }
}

/// What was written of one mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedFolder {
    /// Its name here.
    pub mailbox: String,
    /// Messages here.
    pub found: u64,
    /// Messages written now.
    pub written: u64,
    /// Octets of these, as they are here.
    pub written_octets: u64,
    /// Messages that an earlier run wrote.
    pub already: u64,
    /// Messages whose flags were brought up to date there.
    pub reflagged: u64,
    /// Messages that could not be read here, the first ones told.
    pub failed: Vec<Trouble>,
    /// How many.
    pub failed_count: u64,
}

/// What came of writing an account out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReport {
    /// Mailbox by mailbox.
    pub folders: Vec<ExportedFolder>,
    /// What the operator should know.
    pub remarks: Vec<String>,
}

impl ExportReport {
    /// Was everything written?
    pub fn is_good(&self) -> bool {
        self.folders.iter().all(|folder| folder.failed_count == 0)
    }
}
