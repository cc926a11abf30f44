//! Mail filed where other programs read it: a Maildir of the file system.
//!
//! A message is written into `tmp` and made durable there; only when all that belongs to the same
//! reply has come so far it gets its name in `new`, which is made durable too. Line ends are LF there,
//! as other programs have them.

mod quota;

use crate::delivery::Road;
use bytes::Bytes;
use core_directory::{Account, Quota};
use core_mailbox::Mail;
use core_store::Body;
use core_world::{FileError, FileErrorKind, Files, Tree};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words_archive::{MaildirSize, to_lf};
use words_mail::{Address, DeliverTo, Place, Refusal};

/// Octets of a body that are read at once.
const PIECE: u64 = 64 * 1024;
/// Mode of files: mail is its owner's alone.
const FILE_MODE: u32 = 0o600;
/// Mode of directories.
const DIRECTORY_MODE: u32 = 0o700;
/// The directories of a Maildir.
const DIRECTORIES: [&str; 3] = ["cur", "new", "tmp"];

/// Told of what went wrong while mail for that account was filed in a Maildir.
pub type Trouble = Arc<dyn Fn(&Address, &FileError) + Send + Sync>;

/// The file system, and who is told when it fails.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) trouble: Trouble,
}

/// A message in `tmp`, durable, that is not in `new` yet.
pub(crate) struct Written {
    tree: Arc<dyn Tree>,
    maildir: PathBuf,
    tmp: PathBuf,
    new: PathBuf,
    /// Octets of the file, for a Maildir that counts them.
    counted: Option<u64>,
}

/// What is to be written.
#[derive(Clone, Copy)]
pub(crate) struct Letter<'a> {
    /// The message's own name.
    pub(crate) id: &'a str,
    /// Trace fields of this recipient alone.
    pub(crate) prefix: &'a [u8],
    /// The rest.
    pub(crate) body: &'a Body,
}

impl Road {
    /// Writes a message for `account` into its Maildir, but for its final name.
    /// Errors: `MailboxFull`, `StorageFull`, `Unavailable`.
    pub(crate) async fn write_maildir(
        &self,
        account: &Account,
        deliver_to: &DeliverTo,
        letter: Letter<'_>,
    ) -> Result<Written, Refusal> {
        let outside = self.outside.as_ref().ok_or(Refusal::Unavailable)?;
        let place = deliver_to.place(&account.address).ok_or(Refusal::Unavailable)?;
        let name = self.name(account, letter.id);
        let written = match Maildir::open(&*outside.files, &place).await {
            Ok(maildir) => maildir.write(self, &name, account.quota, letter).await,
            Err(error) => Err(Failure::File(error)),
        };
        written.map_err(|failure| match failure {
            Failure::File(error) => self.refuse_file(account, &error),
            Failure::Refused(refusal) => refusal,
        })
    }

    /// Gives a message its final name, durably.
    pub(crate) async fn publish(&self, account: &Account, written: Written) -> Result<(), Refusal> {
        written.publish().await.map_err(|error| self.refuse_file(account, &error))
    }

    /// Sorts by time, and is no other message's: `1795514400.0DFG….A7.mail.mired.org`.
    fn name(&self, account: &Account, id: &str) -> String {
        let seconds = self.world.clock.now().seconds().max(0);
        let host: String = self.options.host_name.chars().filter(|c| is_plain(*c)).collect();
        format!("{seconds}.{id}A{}.{host}", account.id)
    }

    fn refuse_file(&self, account: &Account, error: &FileError) -> Refusal {
        if let Some(outside) = &self.outside {
            (outside.trouble)(&account.address, error);
        }
        match error.kind {
            FileErrorKind::Full => Refusal::StorageFull,
            _ => Refusal::Unavailable,
        }
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-')
}

/// Why a message was not written.
enum Failure {
    File(FileError),
    Refused(Refusal),
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        Failure::File(error)
    }
}

/// An account's Maildir.
struct Maildir {
    tree: Arc<dyn Tree>,
    path: PathBuf,
}

impl Maildir {
    /// The Maildir at `place`; it and its directories are made if they are missing, what is above
    /// them is not.
    async fn open(files: &dyn Files, place: &Place) -> Result<Maildir, FileError> {
        let tree = files.root(&place.root).await?;
        let maildir = Maildir { tree, path: place.below.clone() };
        match maildir.tree.metadata(&maildir.path.join("tmp")).await {
            Err(error) if error.kind == FileErrorKind::NotFound => maildir.make().await?,
            found => drop(found?),
        }
        Ok(maildir)
    }

    async fn make(&self) -> Result<(), FileError> {
        self.make_directory(&self.path).await?;
        for inside in DIRECTORIES {
            self.make_directory(&self.path.join(inside)).await?;
        }
        self.tree.sync_directory(&self.path).await?;
        self.tree.sync_directory(self.path.parent().unwrap_or(Path::new(""))).await
    }

    async fn make_directory(&self, path: &Path) -> Result<(), FileError> {
        match self.tree.make_directory(path, DIRECTORY_MODE).await {
            Err(error) if error.kind == FileErrorKind::Exists => Ok(()),
            made => made,
        }
    }

    async fn write(
        self,
        road: &Road,
        name: &str,
        quota: Quota,
        letter: Letter<'_>,
    ) -> Result<Written, Failure> {
        // With LF it is a little smaller than it will be counted here.
        let size = letter.body.len + letter.prefix.len() as u64;
        let now = road.world.clock.now();
        let is_counted = self.check_quota(name, quota, size, now).await?;
        let tmp = self.path.join("tmp").join(name);
        match self.write_file(&road.mail, &tmp, letter).await {
            Ok(len) => {
                let new = self.path.join("new").join(format!("{name},S={len},W={size}"));
                let counted = is_counted.then_some(len);
                Ok(Written { tree: self.tree, maildir: self.path, tmp, new, counted })
            }
            Err(failure) => {
                // It may not even be there; whoever reads the Maildir clears `tmp` some day.
                let _ = self.tree.remove(&tmp).await;
                Err(failure)
            }
        }
    }

    /// Writes the file and makes it durable; tells its octets.
    async fn write_file(
        &self,
        mail: &Mail,
        path: &Path,
        letter: Letter<'_>,
    ) -> Result<u64, Failure> {
        let mut file = self.tree.create(path, FILE_MODE).await?;
        let (mut held, mut out, mut len) = (false, Vec::new(), 0);
        let mut offset = 0;
        let mut piece = Bytes::copy_from_slice(letter.prefix);
        loop {
            to_lf(&piece, &mut held, &mut out);
            let is_last = offset >= letter.body.len;
            if is_last && held {
                out.push(b'\r');
            }
            file.write(&out).await?;
            len += out.len() as u64;
            out.clear();
            if is_last {
                break;
            }
            let read = mail.read_unkept(letter.body, offset, PIECE).await;
            piece = read.map_err(Failure::Refused)?;
            if piece.is_empty() {
                return Err(Failure::Refused(Refusal::Unavailable));
            }
            offset += piece.len() as u64;
        }
        file.sync().await?;
        Ok(len)
    }
}

impl Written {
    async fn publish(self) -> Result<(), FileError> {
        self.tree.rename(&self.tmp, &self.new).await?;
        self.tree.sync_directory(&self.maildir.join("new")).await?;
        if let Some(len) = self.counted {
            // The message is there; a count that is missing is made good when all is counted anew.
            let _ = self.count(len).await;
        }
        Ok(())
    }

    async fn count(&self, len: u64) -> Result<(), FileError> {
        let mut file = self.tree.append(&self.maildir.join(quota::FILE), FILE_MODE).await?;
        file.write(MaildirSize::arrival(len).as_bytes()).await
    }

    /// It will not be published.
    pub(crate) async fn abandon(self) {
        let _ = self.tree.remove(&self.tmp).await;
    }
}
