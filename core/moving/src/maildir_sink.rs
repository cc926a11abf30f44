//! A Maildir++ that Dovecot takes over with UIDs, unique ids, keywords and subscriptions.

use crate::aside::{make_directory, put};
use crate::sink::{Sink, SinkFolder, SinkLater, SinkMailbox, SinkMessage, Standing};
use crate::text_file;
use core_world::{FileError, FileErrorKind, NewFile, Tree};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words_archive::{
    KeywordList, MaildirName, UidEntry, UidList, UidListHeader, folder, subscriptions, to_lf,
};
use words_mail::{Flags, Keyword, MailboxName, UidValidity};

/// Mode of files: mail is its owner's alone.
const MODE: u32 = 0o600;
/// Octets of the lists that are read.
const LIST_MAX: usize = 512 << 20;
/// Entries of a directory that are read at once.
const PAGE: usize = 4_000;

/// A Maildir++ in a directory. Messages are named by UIDVALIDITY and UID, so that a later run writes
/// only what is new, and brings flags up to date; nothing is removed.
pub struct MaildirSink {
    tree: Arc<dyn Tree>,
}

impl MaildirSink {
    /// At the root of `tree`.
    pub fn new(tree: Arc<dyn Tree>) -> MaildirSink {
        MaildirSink { tree }
    }

    async fn open_folder(&self, mailbox: &SinkMailbox) -> Result<MaildirFolder, FileError> {
        let directory = PathBuf::from(folder::to_maildirpp(&mailbox.name).unwrap_or_default());
        let tree = self.tree.clone();
        if !directory.as_os_str().is_empty() {
            make_directory(&*tree, &directory).await?;
            // Other programs know a folder by this file.
            tree.append(&directory.join("maildirfolder"), MODE).await?;
        }
        for inside in ["cur", "new", "tmp"] {
            make_directory(&*tree, &directory.join(inside)).await?;
        }
        let mut opened = MaildirFolder {
            tree,
            directory,
            header: UidListHeader {
                uid_validity: Some(mailbox.uid_validity),
                uid_next: Some(mailbox.uid_next),
            },
            uid_validity: mailbox.uid_validity,
            keywords: KeywordList::new(),
            there: HashMap::new(),
            entries: Vec::new(),
            writing: None,
            left_over: 0,
        };
        opened.look().await?;
        Ok(opened)
    }
}

impl Sink for MaildirSink {
    fn open<'a>(&'a mut self, mailbox: &'a SinkMailbox) -> SinkLater<'a, Box<dyn SinkFolder + 'a>> {
        Box::pin(
            async move { Ok(Box::new(self.open_folder(mailbox).await?) as Box<dyn SinkFolder>) },
        )
    }

    fn finish<'a>(&'a mut self, mailboxes: &'a [SinkMailbox]) -> SinkLater<'a, Vec<String>> {
        Box::pin(async move {
            let path = Path::new("subscriptions");
            let before = text_file::read_text(&*self.tree, path, LIST_MAX).await?;
            let mut names = subscriptions::parse(&before.unwrap_or_default(), '.');
            for mailbox in mailboxes {
                names.retain(|name| *name != mailbox.name);
                let name = mailbox.name.as_str().replace('.', "_");
                let wanted = mailbox.subscribed.then(|| MailboxName::parse(&name).ok()).flatten();
                names.extend(wanted);
            }
            put(&*self.tree, path, subscriptions::to_text(&names).as_bytes()).await?;
            self.tree.sync_all().await?;
            Ok(Vec::new())
        })
    }
}

/// A message being written.
struct Writing {
    file: Box<dyn NewFile>,
    message: SinkMessage,
    path: PathBuf,
    held: bool,
    len: u64,
}

/// A folder being written.
struct MaildirFolder {
    tree: Arc<dyn Tree>,
    directory: PathBuf,
    header: UidListHeader,
    uid_validity: UidValidity,
    keywords: KeywordList,
    /// Files in `cur`, by what stays of their names.
    there: HashMap<String, String>,
    entries: Vec<UidEntry>,
    writing: Option<Writing>,
    /// Keywords for which there was no letter.
    left_over: u64,
}

impl MaildirFolder {
    /// What an earlier run wrote.
    async fn look(&mut self) -> Result<(), FileError> {
        let list = self.directory.join("dovecot-keywords");
        if let Some(text) = text_file::read_text(&*self.tree, &list, LIST_MAX).await? {
            self.keywords = KeywordList::parse(&text);
        }
        let mut listing = self.tree.list(&self.directory.join("cur")).await?;
        loop {
            let page = listing.next(PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            for name in page.into_iter().filter_map(|entry| entry.name.into_string().ok()) {
                let identity = MaildirName::parse(&name).identity().to_string();
                self.there.insert(identity, name);
            }
        }
    }

    fn identity(&self, message: &SinkMessage) -> String {
        let seconds = message.received_at.seconds().max(0);
        format!("{seconds}.V{}U{}.estafeta", self.uid_validity, message.uid)
    }

    fn cur(&self, name: &str) -> PathBuf {
        self.directory.join("cur").join(name)
    }

    /// A name with these flags; new keywords get letters. One that was passed on has `P`, which some
    /// programs know, and a letter besides, which Dovecot wants.
    fn name(&mut self, base: String, flags: &Flags) -> MaildirName {
        let (keywords, left_over) = self.keywords.letters(flags.keywords());
        self.left_over += left_over as u64;
        let is_passed = |k: &Keyword| k.as_str().eq_ignore_ascii_case("$Forwarded");
        let mut name = MaildirName::parse(&base);
        name.flags = Flags::from_parts(flags.system_bits(), Vec::new());
        name.passed = flags.keywords().iter().any(is_passed);
        name.keywords = keywords;
        name
    }

    fn list(&mut self, message: &SinkMessage, base: &str) {
        self.entries.push(UidEntry {
            uid: message.uid,
            unique_id: Some(message.unique_id.clone()),
            base: base.to_string(),
        });
    }

    async fn meet_again(&mut self, message: &SinkMessage) -> Result<Standing, FileError> {
        let identity = self.identity(message);
        let Some(name) = self.there.get(&identity).cloned() else { return Ok(Standing::Missing) };
        let parsed = MaildirName::parse(&name);
        // A file that a power cut left short is written again.
        let metadata = self.tree.metadata(&self.cur(&name)).await?;
        if parsed.size != Some(metadata.len) {
            self.tree.remove(&self.cur(&name)).await?;
            return Ok(Standing::Missing);
        }
        let now = self.name(parsed.base.clone(), &message.flags).to_string();
        self.list(message, &parsed.base);
        if now == name {
            return Ok(Standing::There);
        }
        self.tree.rename(&self.cur(&name), &self.cur(&now)).await?;
        Ok(Standing::Reflagged)
    }

    async fn finish_message(&mut self) -> Result<(), FileError> {
        let Some(mut writing) = self.writing.take() else { return Ok(()) };
        if writing.held {
            writing.file.write(b"\r").await?;
            writing.len += 1;
        }
        writing.file.set_modified(writing.message.received_at).await?;
        let Writing { message, path, len, .. } = writing;
        let base = format!("{},S={len},W={}", self.identity(&message), message.size);
        let name = self.name(base.clone(), &message.flags).to_string();
        self.list(&message, &base);
        self.tree.rename(&path, &self.cur(&name)).await
    }

    /// Writes the lists beside the messages.
    async fn write_lists(&mut self) -> Result<Vec<String>, FileError> {
        let mut remarks = Vec::new();
        if self.left_over > 0 {
            remarks.push(format!(
                "{}: {} keywords were left out: a Maildir has letters for 26 of a folder",
                self.directory.display(),
                self.left_over
            ));
        }
        if !self.keywords.is_empty() {
            let path = self.directory.join("dovecot-keywords");
            put(&*self.tree, &path, self.keywords.to_text().as_bytes()).await?;
        }
        let path = self.directory.join("dovecot-uidlist");
        let before = text_file::read_text(&*self.tree, &path, LIST_MAX).await?;
        let before = before.map(|text| UidList::parse(&text)).unwrap_or_default();
        match before.header.uid_validity {
            Some(other) if other != self.uid_validity => remarks.push(format!(
                "{}: it has UIDs of its own already; messages get new ones there",
                path.display()
            )),
            _ => {
                let text = self.uid_list(before);
                put(&*self.tree, &path, text.as_bytes()).await?;
            }
        }
        Ok(remarks)
    }

    /// The list, with what it had of messages that are not ours.
    fn uid_list(&mut self, before: UidList) -> String {
        let mut entries: HashMap<u32, UidEntry> =
            before.entries.into_iter().map(|entry| (entry.uid.0, entry)).collect();
        entries.extend(self.entries.drain(..).map(|entry| (entry.uid.0, entry)));
        let mut entries: Vec<UidEntry> = entries.into_values().collect();
        entries.sort_unstable_by_key(|entry| entry.uid);
        self.header.uid_next = self.header.uid_next.max(before.header.uid_next);
        let mut text = self.header.to_string();
        entries.iter().for_each(|entry| text += &entry.to_string());
        text
    }
}

impl SinkFolder for MaildirFolder {
    fn meet<'a>(&'a mut self, message: &'a SinkMessage) -> SinkLater<'a, Standing> {
        Box::pin(self.meet_again(message))
    }

    fn begin<'a>(&'a mut self, message: &'a SinkMessage) -> SinkLater<'a, ()> {
        Box::pin(async move {
            let path = self.directory.join("tmp").join(self.identity(message));
            // What a run that was killed left behind.
            match self.tree.remove(&path).await {
                Err(error) if error.kind != FileErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = self.tree.create(&path, MODE).await?;
            let message = message.clone();
            self.writing = Some(Writing { file, message, path, held: false, len: 0 });
            Ok(())
        })
    }

    fn write<'a>(&'a mut self, octets: &'a [u8]) -> SinkLater<'a, ()> {
        Box::pin(async move {
            let Some(writing) = &mut self.writing else { return Ok(()) };
            let mut out = Vec::new();
            to_lf(octets, &mut writing.held, &mut out);
            writing.len += out.len() as u64;
            writing.file.write(&out).await
        })
    }

    fn end(&mut self) -> SinkLater<'_, ()> {
        Box::pin(self.finish_message())
    }

    fn give_up(&mut self) -> SinkLater<'_, ()> {
        Box::pin(async move {
            let Some(writing) = self.writing.take() else { return Ok(()) };
            self.tree.remove(&writing.path).await
        })
    }

    fn close(&mut self) -> SinkLater<'_, Vec<String>> {
        Box::pin(self.write_lists())
    }
}
