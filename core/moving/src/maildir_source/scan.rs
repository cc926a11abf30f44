//! Which folders a Maildir has.

use crate::source::{Folder, Found};
use crate::{SourceError, text_file};
use core_world::{Entry, FileKind, Tree};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use words_archive::{folder, subscriptions};
use words_mail::{MailboxName, SpecialUse};

/// Deepest directory that is looked into.
const DEPTH_MAX: usize = 32;
/// Most folders.
const FOLDERS_MAX: usize = 10_000;
/// Most entries that a directory of folders may have.
const ENTRIES_MAX: usize = 100_000;
/// Octets of a list of subscriptions.
const LIST_MAX: usize = 4 << 20;

/// Directories that are part of a folder, or no mail at all.
const NO_FOLDERS: [&str; 4] = ["cur", "new", "tmp", "sieve"];

/// Lists of subscriptions: Dovecot's, Courier's.
const LISTS: [&str; 2] = ["subscriptions", "courierimapsubscribed"];

/// What is usually kept in folders of these names, for those whose names here differ.
const SPECIAL: [(&str, SpecialUse); 5] = [
    ("Drafts", SpecialUse::Drafts),
    ("Sent", SpecialUse::Sent),
    ("Trash", SpecialUse::Trash),
    ("Junk", SpecialUse::Junk),
    ("Archive", SpecialUse::Archive),
];

/// Looks through it.
pub(super) async fn scan(tree: &dyn Tree) -> Result<Found, SourceError> {
    let mut scan = Scan { tree, found: Found::default(), names: BTreeSet::new() };
    let mut waiting = vec![(PathBuf::new(), Vec::new())];
    while let Some((directory, levels)) = waiting.pop() {
        waiting.extend(scan.directory(&directory, &levels).await?);
    }
    let mut found = scan.found;
    if found.folders.is_empty() {
        let why = "there is no mail in this directory: a Maildir has directories named cur and new";
        return Err(SourceError::Failed(why.to_string()));
    }
    found.folders.sort_by(|a, b| {
        (!a.name.is_inbox(), &a.name, &a.place).cmp(&(!b.name.is_inbox(), &b.name, &b.place))
    });
    subscribe(tree, &mut found).await?;
    Ok(found)
}

struct Scan<'a> {
    tree: &'a dyn Tree,
    found: Found,
    names: BTreeSet<MailboxName>,
}

impl Scan<'_> {
    /// Notes the folder that a directory is, and gives the directories in it that are to be looked
    /// through, with their levels.
    async fn directory(
        &mut self,
        directory: &Path,
        levels: &[String],
    ) -> Result<Vec<(PathBuf, Vec<String>)>, SourceError> {
        let is_top = directory.as_os_str().is_empty();
        let entries = self.entries(directory).await?;
        let is_mail = entries
            .iter()
            .any(|e| e.kind == FileKind::Directory && (e.name == "cur" || e.name == "new"));
        if is_mail {
            let name = match is_top {
                true => Some(MailboxName::inbox()),
                false => folder::from_levels(levels.iter().map(String::as_str)),
            };
            self.note(directory, name);
        }
        let mut below = Vec::new();
        for entry in &entries {
            let Some(name) = entry.name.to_str() else {
                self.remark(directory, entry, "its name is no UTF-8; rename it and run this again");
                continue;
            };
            match entry.kind {
                FileKind::Directory if NO_FOLDERS.contains(&name) => {}
                FileKind::Directory => {
                    let mut inner = levels.to_vec();
                    match name.strip_prefix('.') {
                        Some(dotted) => inner.extend(dotted.split('.').map(str::to_string)),
                        None => inner.push(name.to_string()),
                    }
                    below.push((directory.join(name), inner));
                }
                FileKind::Link if name == ".dovecot.sieve" => {}
                FileKind::Link => self.remark(directory, entry, "a symbolic link; not followed"),
                _ => {}
            }
        }
        if levels.len() >= DEPTH_MAX {
            below.clear();
        }
        if self.found.folders.len() > FOLDERS_MAX {
            let why = format!("more than {FOLDERS_MAX} folders; move them in parts");
            return Err(SourceError::Failed(why));
        }
        Ok(below)
    }

    async fn entries(&mut self, directory: &Path) -> Result<Vec<Entry>, SourceError> {
        let mut listing = self.tree.list(directory).await?;
        let mut entries = Vec::new();
        loop {
            let page = listing.next(1_000).await?;
            if page.is_empty() || entries.len() > ENTRIES_MAX {
                return Ok(entries);
            }
            // Files are not looked at here, and there may be many of them.
            let wanted = |e: &Entry| matches!(e.kind, FileKind::Directory | FileKind::Link);
            entries.extend(page.into_iter().filter(wanted));
        }
    }

    fn note(&mut self, directory: &Path, name: Option<MailboxName>) {
        let place = directory.to_string_lossy().into_owned();
        let Some(name) = name else {
            let why = format!("{place}: no name can be made of this; rename it and run this again");
            self.found.remarks.push(why);
            return;
        };
        if !self.names.insert(name.clone()) {
            let why = format!("{place}: goes into {name} too, since that is what its name means");
            self.found.remarks.push(why);
        }
        let special_use = SPECIAL.iter().find(|(n, _)| *n == name.as_str()).map(|(_, use_)| *use_);
        self.found.folders.push(Folder { name, place, subscribed: None, special_use });
    }

    fn remark(&mut self, directory: &Path, entry: &Entry, what: &str) {
        let path = directory.join(&entry.name);
        self.found.remarks.push(format!("{}: {what}", path.display()));
    }
}

/// Reads the lists of subscriptions.
async fn subscribe(tree: &dyn Tree, found: &mut Found) -> Result<(), SourceError> {
    let is_maildirpp = found.folders.iter().any(|f| f.place.starts_with('.'))
        || found.folders.iter().all(|f| f.place.is_empty());
    let separator = if is_maildirpp { '.' } else { '/' };
    for list in LISTS {
        let Some(text) = text_file::read_text(tree, Path::new(list), LIST_MAX).await? else {
            continue;
        };
        let mut names = subscriptions::parse(&text, separator);
        if list == "courierimapsubscribed" {
            names = names.iter().map(without_inbox).collect();
        }
        for folder in &mut found.folders {
            folder.subscribed = Some(names.contains(&folder.name) || folder.name.is_inbox());
        }
        let known: BTreeSet<&MailboxName> = found.folders.iter().map(|f| &f.name).collect();
        names.retain(|name| !known.contains(name) && !name.is_inbox());
        found.subscribed = names;
        break;
    }
    Ok(())
}

/// Courier writes `INBOX.Sent` of what is `.Sent`.
fn without_inbox(name: &MailboxName) -> MailboxName {
    let rest = name.as_str().strip_prefix("INBOX/").and_then(|rest| MailboxName::parse(rest).ok());
    rest.unwrap_or_else(|| name.clone())
}
