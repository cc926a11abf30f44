//! One folder of a Maildir.

use super::MaildirOptions;
use crate::source::{Body, Item, Numbers, OctetStream, OpenFolder, SourceLater};
use crate::{SourceError, text_file};
use core_world::{FileErrorKind, FileKind, OpenFile, Tree};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use words_archive::{KeywordList, LineEnds, MaildirName, UidList, UidListHeader, UniqueIdFormat};
use words_mail::{Keyword, Uid};

/// Octets of a list of UIDs: some millions of messages.
const UID_LIST_MAX: usize = 512 << 20;
/// Octets of a list of keywords.
const KEYWORDS_MAX: usize = 64 * 1024;
/// Entries of a directory that are read at once.
const PAGE: usize = 4_000;

/// Lists of UIDs: Dovecot's, Courier's.
const UID_LISTS: [&str; 2] = ["dovecot-uidlist", "courierimapuiddb"];

/// A file in `cur` or `new`.
struct FileName {
    uid: u32,
    is_new: bool,
    name: OsString,
}

/// A folder open for reading: the names of its files, sorted.
pub(super) struct MaildirFolder {
    tree: Arc<dyn Tree>,
    directory: PathBuf,
    header: UidListHeader,
    unique_ids: HashMap<u32, String>,
    format: Option<UniqueIdFormat>,
    keywords: KeywordList,
    files: Vec<FileName>,
    next: usize,
    /// Messages with keyword letters that have no name.
    nameless: u64,
    remarks: Vec<String>,
}

impl MaildirFolder {
    pub async fn open(
        tree: Arc<dyn Tree>,
        directory: PathBuf,
        options: &MaildirOptions,
    ) -> Result<MaildirFolder, SourceError> {
        let mut folder = MaildirFolder {
            tree,
            directory,
            header: UidListHeader::default(),
            unique_ids: HashMap::new(),
            format: options.unique_ids.clone(),
            keywords: KeywordList::new(),
            files: Vec::new(),
            next: 0,
            nameless: 0,
            remarks: Vec::new(),
        };
        folder.read_keywords().await?;
        let uids = folder.read_uids().await?;
        folder.read_names("new", &uids).await?;
        folder.read_names("cur", &uids).await?;
        folder.sort();
        Ok(folder)
    }

    async fn read_keywords(&mut self) -> Result<(), SourceError> {
        let path = self.directory.join("dovecot-keywords");
        if let Some(text) = text_file::read_text(&*self.tree, &path, KEYWORDS_MAX).await? {
            self.keywords = KeywordList::parse(&text);
        }
        let courier = self.directory.join("courierimapkeywords");
        if self.tree.metadata(&courier).await.is_ok_and(|m| m.kind == FileKind::Directory) {
            let why = format!("{}: keywords of Courier are not read", courier.display());
            self.remarks.push(why);
        }
        Ok(())
    }

    /// The UID of each base.
    async fn read_uids(&mut self) -> Result<HashMap<String, u32>, SourceError> {
        for list in UID_LISTS {
            let path = self.directory.join(list);
            let Some(text) = text_file::read_text(&*self.tree, &path, UID_LIST_MAX).await? else {
                continue;
            };
            let list = UidList::parse(&text);
            if list.skipped > 0 {
                let count = list.skipped;
                self.remarks.push(format!("{}: {count} lines make no sense", path.display()));
            }
            self.header = list.header;
            // Without a validity, the numbers mean nothing.
            if self.header.uid_validity.is_none() {
                continue;
            }
            // The first line is not rewritten for every message.
            let last = list.entries.last().map(|entry| Uid(entry.uid.0.saturating_add(1)));
            self.header.uid_next = self.header.uid_next.max(last);
            let mut uids = HashMap::with_capacity(list.entries.len());
            for entry in list.entries {
                if let Some(text) = entry.unique_id {
                    self.unique_ids.insert(entry.uid.0, text);
                }
                uids.insert(entry.base, entry.uid.0);
            }
            return Ok(uids);
        }
        Ok(HashMap::new())
    }

    async fn read_names(
        &mut self,
        inside: &str,
        uids: &HashMap<String, u32>,
    ) -> Result<(), SourceError> {
        let directory = self.directory.join(inside);
        let mut listing = match self.tree.list(&directory).await {
            Ok(listing) => listing,
            Err(error) if error.kind == FileErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        loop {
            let page = listing.next(PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            for entry in page {
                let text = entry.name.to_string_lossy();
                if text.starts_with('.') || entry.kind == FileKind::Directory {
                    continue;
                }
                if entry.kind != FileKind::File {
                    let path = directory.join(&entry.name);
                    let what = "no regular file; not read, links are not followed";
                    self.remarks.push(format!("{}: {what}", path.display()));
                    continue;
                }
                let uid = uids.get(&MaildirName::parse(&text).base).copied().unwrap_or(0);
                self.files.push(FileName { uid, is_new: inside == "new", name: entry.name });
            }
        }
    }

    /// By UID; what has none comes last, by name, which is by time.
    fn sort(&mut self) {
        self.files.sort_unstable_by(|a, b| {
            (a.uid == 0, a.uid, &a.name).cmp(&(b.uid == 0, b.uid, &b.name))
        });
        self.files.shrink_to_fit();
    }

    fn path(&self, file: &FileName) -> PathBuf {
        self.directory.join(if file.is_new { "new" } else { "cur" }).join(&file.name)
    }

    fn item(&mut self, place: usize) -> Option<Item> {
        let file = self.files.get(place)?;
        let label = file.name.to_string_lossy().into_owned();
        let name = MaildirName::parse(&label);
        let mut flags = name.flags.clone();
        let nameless = self.keywords.add(name.keywords, &mut flags);
        if name.passed {
            Keyword::parse("$Forwarded").into_iter().for_each(|k| flags.insert_keyword(k));
        }
        let uid = (file.uid != 0).then_some(Uid(file.uid));
        let unique_id = uid.and_then(|uid| self.unique_id(uid, name.identity()));
        self.nameless += u64::from(nameless > 0);
        let key = match file.name.to_str() {
            Some(_) => name.identity().as_bytes().to_vec(),
            None => file.name.as_encoded_bytes().to_vec(),
        };
        let size = name.virtual_size;
        let place = place as u64;
        Some(Item { key, place, label, uid, unique_id, flags, received_at: None, size })
    }

    fn unique_id(&self, uid: Uid, file_name: &str) -> Option<String> {
        if let Some(known) = self.unique_ids.get(&uid.0) {
            return Some(known.clone());
        }
        let validity = self.header.uid_validity?;
        Some(self.format.as_ref()?.make(uid, validity, file_name))
    }

    /// Opens the file of an item, under the name that it has now.
    async fn open_file(&mut self, place: usize) -> Result<Box<dyn OpenFile>, SourceError> {
        for attempt in 0..2 {
            let file = self.files.get(place).ok_or(SourceError::Gone)?;
            match self.tree.open(&self.path(file)).await {
                Ok(file) => return Ok(file),
                Err(error) if error.kind == FileErrorKind::NotFound && attempt == 0 => {
                    self.find_again(place).await?;
                }
                Err(error) if error.kind == FileErrorKind::NotFound => break,
                Err(error) => return Err(SourceError::Message(error.to_string())),
            }
        }
        Err(SourceError::Gone)
    }

    /// Looks for a file whose flags have changed, or that went from `new` to `cur`.
    async fn find_again(&mut self, place: usize) -> Result<(), SourceError> {
        let Some(file) = self.files.get(place) else { return Ok(()) };
        let base = |name: &OsStr| MaildirName::parse(&name.to_string_lossy()).base;
        let wanted = base(&file.name);
        let mut listing = self.tree.list(&self.directory.join("cur")).await?;
        loop {
            let page = listing.next(PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            if let Some(entry) = page.into_iter().find(|e| base(&e.name) == wanted) {
                if let Some(file) = self.files.get_mut(place) {
                    file.name = entry.name;
                    file.is_new = false;
                }
                return Ok(());
            }
        }
    }
}

impl OpenFolder for MaildirFolder {
    fn numbers(&self) -> Numbers {
        Numbers {
            uid_validity: self.header.uid_validity,
            uid_next: self.header.uid_next,
            messages: Some(self.files.len() as u64),
        }
    }

    fn next(&mut self, count_max: usize) -> SourceLater<'_, Vec<Item>> {
        let end = self.next.saturating_add(count_max).min(self.files.len());
        let items = (self.next..end).filter_map(|place| self.item(place)).collect();
        self.next = end;
        Box::pin(async move { Ok(items) })
    }

    fn body<'a>(&'a mut self, item: &'a Item) -> SourceLater<'a, Body<'a>> {
        Box::pin(async move {
            let place = usize::try_from(item.place).unwrap_or(usize::MAX);
            let file = self.open_file(place).await?;
            let metadata = *file.metadata();
            let told = MaildirName::parse(&item.label).size;
            let differs = told.filter(|told| *told != metadata.len);
            let complaint = differs
                .map(|told| format!("its name tells {told} octets, the file has {}", metadata.len));
            let stream = FileStream { file, offset: 0, ends: LineEnds::new() };
            let octets = Box::new(stream) as Box<dyn OctetStream>;
            Ok(Body { received_at: metadata.modified, octets, complaint })
        })
    }

    fn octets(&mut self) -> SourceLater<'_, u64> {
        Box::pin(async move {
            let mut sum: u64 = 0;
            for file in &self.files {
                let told = MaildirName::parse(&file.name.to_string_lossy()).size;
                sum += match told {
                    Some(told) => told,
                    None => self.tree.metadata(&self.path(file)).await.map_or(0, |m| m.len),
                };
            }
            Ok(sum)
        })
    }

    fn remarks(&mut self) -> Vec<String> {
        let nameless = std::mem::take(&mut self.nameless);
        if nameless > 0 {
            let list = self.directory.join("dovecot-keywords");
            let what = "messages have keyword letters that it does not name";
            self.remarks.push(format!("{}: {nameless} {what}", list.display()));
        }
        std::mem::take(&mut self.remarks)
    }
}

/// A file's octets, its line ends made CRLF.
struct FileStream {
    file: Box<dyn OpenFile>,
    offset: u64,
    ends: LineEnds,
}

impl OctetStream for FileStream {
    fn next(&mut self) -> SourceLater<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            // The length is known, so that most files need one reading; one that grows is read on.
            let len = self.file.metadata().len;
            if self.offset > 0 && self.offset == len {
                return Ok(None);
            }
            let left = usize::try_from(len.saturating_sub(self.offset)).unwrap_or(usize::MAX);
            let wanted = left.clamp(1, text_file::PIECE);
            let piece = self.file.read_at(self.offset, wanted).await;
            let piece = piece.map_err(|error| SourceError::Message(error.to_string()))?;
            if piece.is_empty() {
                return Ok(None);
            }
            self.offset += piece.len() as u64;
            let mut out = Vec::new();
            self.ends.feed(&piece, &mut out);
            Ok(Some(out))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_world::{Files, MemoryFiles};
    use std::path::Path;
    use words_base::Timestamp;

    #[tokio::test]
    async fn a_file_that_is_renamed_meanwhile_is_found_again() {
        let files = MemoryFiles::new();
        let at = Timestamp::from_seconds(1);
        files.put("/m/new/1.a.h", b"x: 1\n\n", at);
        files.put("/m/new/2.a.h", b"x: 2\n\n", at);
        files.put_directory("/m/cur");
        let tree = files.root(Path::new("/m")).await.unwrap();
        let options = MaildirOptions::default();
        let mut folder = MaildirFolder::open(tree.clone(), PathBuf::new(), &options).await.unwrap();
        let items = folder.next(10).await.unwrap();
        assert_eq!(items.iter().map(|i| i.label.as_str()).collect::<Vec<_>>(), ["1.a.h", "2.a.h"]);
        tree.rename(Path::new("new/1.a.h"), Path::new("cur/1.a.h:2,S")).await.unwrap();
        tree.remove(Path::new("new/2.a.h")).await.unwrap();
        let mut body = folder.body(&items[0]).await.unwrap();
        assert_eq!(body.octets.next().await.unwrap().unwrap(), b"x: 1\r\n\r\n");
        assert_eq!(body.octets.next().await.unwrap(), None);
        drop(body);
        assert_eq!(folder.body(&items[1]).await.err(), Some(SourceError::Gone));
    }
}
