//! How much a Maildir++ may hold: kept in its `maildirsize`, as all programs that file mail there do.

use super::{FILE_MODE, Failure, Maildir};
use core_directory::Quota;
use core_world::{FileError, FileErrorKind, FileKind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use words_archive::{MaildirName, MaildirQuota, MaildirSize};
use words_base::Timestamp;
use words_mail::{Refusal, SystemFlag};

/// The file.
pub(super) const FILE: &str = "maildirsize";
/// A longer one is made anew.
const FILE_MAX: usize = 5_120;
/// Entries of a directory that are read at once.
const PAGE: usize = 4_000;
/// Who was full when all was counted is full for so long, unless something changes.
const COUNT_ANEW_AFTER: Duration = Duration::from_secs(15 * 60);
/// The folder whose messages do not count.
const TRASH: &str = ".Trash";

impl Maildir {
    /// May a message of `size` octets come? Tells whether the Maildir counts its messages. The limit
    /// is the account's, or else what the file says. Errors: `MailboxFull`.
    pub(super) async fn check_quota(
        &self,
        name: &str,
        quota: Quota,
        size: u64,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let known = self.read_size().await?;
        let ours = MaildirQuota { bytes: quota.bytes, messages: quota.messages };
        let quota = match (ours == MaildirQuota::default(), &known) {
            (false, _) => ours,
            (true, Some((known, _))) => known.quota,
            (true, None) => return Ok(false),
        };
        if let Some((known, written_at)) = known.filter(|(known, _)| known.quota == quota) {
            if known.has_room(size) {
                return Ok(true);
            }
            // Counting takes long where there is much: not for each message that finds no room.
            if known.changes == 1 && now.since(written_at) < COUNT_ANEW_AFTER {
                return Err(Failure::Refused(Refusal::MailboxFull));
            }
        }
        // Messages may have gone that nobody has counted.
        let counted = self.count_anew(name, quota, now).await?;
        match counted.has_room(size) {
            true => Ok(true),
            false => Err(Failure::Refused(Refusal::MailboxFull)),
        }
    }

    /// What the file says, if it is there and makes sense, and when it was written; of one that is
    /// too long, its quota.
    async fn read_size(&self) -> Result<Option<(MaildirSize, Timestamp)>, FileError> {
        let file = match self.tree.open(&self.path.join(FILE)).await {
            Err(error) if error.kind == FileErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let octets = file.read_at(0, FILE_MAX + 1).await?;
        let text = String::from_utf8_lossy(&octets);
        if octets.len() <= FILE_MAX {
            return Ok(MaildirSize::parse(&text).map(|size| (size, file.metadata().modified)));
        }
        let quota = text.lines().next().and_then(MaildirQuota::parse);
        let (bytes, messages) = (i64::MAX, i64::MAX);
        let full = |quota| MaildirSize { quota, bytes, messages, changes: usize::MAX };
        Ok(quota.map(|quota| (full(quota), Timestamp::default())))
    }

    /// Counts all there is, and writes that down.
    async fn count_anew(
        &self,
        name: &str,
        quota: MaildirQuota,
        now: Timestamp,
    ) -> Result<MaildirSize, FileError> {
        let mut size = MaildirSize { quota, ..MaildirSize::default() };
        for folder in self.folders().await? {
            for inside in ["cur", "new"] {
                self.count_directory(&folder.join(inside), &mut size).await?;
            }
        }
        let tmp = self.path.join("tmp").join(format!("{name}.{FILE}"));
        let mut file = self.tree.create(&tmp, FILE_MODE).await?;
        file.write(size.to_string().as_bytes()).await?;
        file.set_modified(now).await?;
        self.tree.rename(&tmp, &self.path.join(FILE)).await?;
        Ok(size)
    }

    /// The Maildir itself and its folders, without the trash.
    async fn folders(&self) -> Result<Vec<PathBuf>, FileError> {
        let mut folders = vec![self.path.clone()];
        let mut listing = self.tree.list(&self.path).await?;
        loop {
            let page = listing.next(PAGE).await?;
            if page.is_empty() {
                return Ok(folders);
            }
            for entry in page.iter().filter(|entry| entry.kind == FileKind::Directory) {
                if let Some(name) = entry.name.to_str()
                    && name.starts_with('.')
                    && name != TRASH
                {
                    folders.push(self.path.join(name));
                }
            }
        }
    }

    async fn count_directory(&self, path: &Path, size: &mut MaildirSize) -> Result<(), FileError> {
        let mut listing = match self.tree.list(path).await {
            Err(error) if error.kind == FileErrorKind::NotFound => return Ok(()),
            listing => listing?,
        };
        loop {
            let page = listing.next(PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            for entry in page.iter().filter(|entry| entry.kind == FileKind::File) {
                let name = entry.name.to_string_lossy();
                let parsed = MaildirName::parse(&name);
                // What is only waiting to be removed does not count.
                if name.starts_with('.') || parsed.flags.contains(SystemFlag::Deleted) {
                    continue;
                }
                let bytes = match parsed.size {
                    Some(bytes) => bytes,
                    None => self.len_of(&path.join(&entry.name)).await?,
                };
                size.bytes = size.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
                size.messages += 1;
            }
        }
    }

    /// A file may go or get another name while it is looked at.
    async fn len_of(&self, path: &Path) -> Result<u64, FileError> {
        match self.tree.metadata(path).await {
            Err(error) if error.kind == FileErrorKind::NotFound => Ok(0),
            metadata => Ok(metadata?.len),
        }
    }
}
