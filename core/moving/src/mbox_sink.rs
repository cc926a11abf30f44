//! One mbox file a mailbox (mboxrd), with flags, keywords and UIDs in the fields that Dovecot, Pine
//! and mutt know.

use crate::aside::make_above;
use crate::sink::{Sink, SinkFolder, SinkLater, SinkMailbox, SinkMessage, Standing};
use core_world::{FileError, FileErrorKind, NewFile, Tree};
use std::path::PathBuf;
use std::sync::Arc;
use words_archive::mbox::{FieldFilter, Found, FromLine, metadata_fields, quote_mboxrd};
use words_archive::{folder, to_lf};

/// Mode of files: mail is its owner's alone.
const MODE: u32 = 0o600;
/// Octets that are gathered before they are written.
const PIECE: usize = 256 * 1024;
/// What stands for a mailbox that has others below it, in the directory of these.
pub(crate) const WITH_CHILDREN: &str = "mbox";

/// Mbox files in a directory. A file is written under another name and gets its own when it is
/// complete; one that is there already is not touched.
pub struct MboxSink {
    tree: Arc<dyn Tree>,
}

impl MboxSink {
    /// At the root of `tree`.
    pub fn new(tree: Arc<dyn Tree>) -> MboxSink {
        MboxSink { tree }
    }

    async fn open_folder(&self, mailbox: &SinkMailbox) -> Result<MboxFolder, FileError> {
        let mut path = PathBuf::from(folder::to_levels(&mailbox.name, "/"));
        if mailbox.has_children {
            path.push(WITH_CHILDREN);
        }
        let tree = self.tree.clone();
        let is_there = match tree.metadata(&path).await {
            Ok(_) => true,
            Err(error) if error.kind == FileErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        let part = path.with_file_name(format!(
            ".{}.part",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
        let file = match is_there {
            true => None,
            false => {
                make_above(&*tree, &path).await?;
                let _ = tree.remove(&part).await;
                Some(tree.create(&part, MODE).await?)
            }
        };
        let (mailbox, writing, gathered) = (mailbox.clone(), None, Vec::new());
        Ok(MboxFolder { tree, path, part, file, mailbox, is_first: true, writing, gathered })
    }
}

impl Sink for MboxSink {
    fn open<'a>(&'a mut self, mailbox: &'a SinkMailbox) -> SinkLater<'a, Box<dyn SinkFolder + 'a>> {
        Box::pin(
            async move { Ok(Box::new(self.open_folder(mailbox).await?) as Box<dyn SinkFolder>) },
        )
    }

    fn finish<'a>(&'a mut self, _mailboxes: &'a [SinkMailbox]) -> SinkLater<'a, Vec<String>> {
        Box::pin(async move {
            self.tree.sync_all().await?;
            Ok(Vec::new())
        })
    }
}

/// A message being written.
struct Writing {
    message: SinkMessage,
    /// The header, while it is being read.
    filter: Option<FieldFilter>,
    held: bool,
    /// A line whose end has not come.
    line: Vec<u8>,
    /// Where the message begins among what is gathered, while nothing of it was written.
    start: Option<usize>,
}

/// A file being written.
struct MboxFolder {
    tree: Arc<dyn Tree>,
    path: PathBuf,
    part: PathBuf,
    /// `None`: it was there already.
    file: Option<Box<dyn NewFile>>,
    mailbox: SinkMailbox,
    is_first: bool,
    writing: Option<Writing>,
    gathered: Vec<u8>,
}

impl MboxFolder {
    async fn write_out(&mut self) -> Result<(), FileError> {
        if let Some(writing) = &mut self.writing {
            writing.start = None;
        }
        if let Some(file) = &mut self.file {
            file.write(&self.gathered).await?;
        }
        self.gathered.clear();
        Ok(())
    }

    /// The fields that tell flags and UID.
    fn fields(&mut self, message: &SinkMessage) -> String {
        let last = words_mail::Uid(self.mailbox.uid_next.0.saturating_sub(1));
        let base = (self.mailbox.uid_validity, last, &self.mailbox.keywords[..]);
        let base = std::mem::replace(&mut self.is_first, false).then_some(base);
        metadata_fields(&message.flags, message.uid, base)
    }

    /// Takes one line, with its LF or the last one without.
    fn line(&mut self, writing: &mut Writing, line: &[u8]) {
        let Some(filter) = &mut writing.filter else {
            quote_mboxrd(line, &mut self.gathered);
            return;
        };
        match filter.feed(line) {
            Found::Message => quote_mboxrd(line, &mut self.gathered),
            // Another program's, or ours from an earlier time: flags are told anew.
            Found::Own => {}
            Found::End => {
                writing.filter = None;
                let fields = self.fields(&writing.message);
                self.gathered.extend_from_slice(fields.as_bytes());
                self.gathered.extend_from_slice(line);
            }
        }
    }

    async fn octets(&mut self, octets: &[u8]) -> Result<(), FileError> {
        let Some(mut writing) = self.writing.take() else { return Ok(()) };
        let mut text = Vec::new();
        to_lf(octets, &mut writing.held, &mut text);
        for piece in text.split_inclusive(|octet| *octet == b'\n') {
            if piece.ends_with(b"\n") && writing.line.is_empty() {
                self.line(&mut writing, piece);
                continue;
            }
            writing.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || writing.line.len() > PIECE {
                let line = std::mem::take(&mut writing.line);
                self.line(&mut writing, &line);
            }
        }
        self.writing = Some(writing);
        if self.gathered.len() >= PIECE {
            self.write_out().await?;
        }
        Ok(())
    }

    async fn finish_message(&mut self) -> Result<(), FileError> {
        let Some(mut writing) = self.writing.take() else { return Ok(()) };
        writing.line.extend(writing.held.then_some(b'\r'));
        if !writing.line.is_empty() {
            // An mbox has whole lines only.
            let mut line = std::mem::take(&mut writing.line);
            line.push(b'\n');
            self.line(&mut writing, &line);
        }
        if writing.filter.is_some() {
            self.line(&mut writing, b"\n");
        }
        self.gathered.push(b'\n');
        if self.gathered.len() >= PIECE {
            self.write_out().await?;
        }
        Ok(())
    }
}

impl SinkFolder for MboxFolder {
    fn meet<'a>(&'a mut self, _message: &'a SinkMessage) -> SinkLater<'a, Standing> {
        let standing = if self.file.is_none() { Standing::There } else { Standing::Missing };
        Box::pin(async move { Ok(standing) })
    }

    fn begin<'a>(&'a mut self, message: &'a SinkMessage) -> SinkLater<'a, ()> {
        Box::pin(async move {
            let start = Some(self.gathered.len());
            let from = FromLine { sender: String::new(), at: message.received_at };
            self.gathered.extend_from_slice(format!("{from}\n").as_bytes());
            let filter = Some(FieldFilter::new());
            let (message, line) = (message.clone(), Vec::new());
            self.writing = Some(Writing { message, filter, held: false, line, start });
            Ok(())
        })
    }

    fn write<'a>(&'a mut self, octets: &'a [u8]) -> SinkLater<'a, ()> {
        Box::pin(self.octets(octets))
    }

    fn end(&mut self) -> SinkLater<'_, ()> {
        Box::pin(self.finish_message())
    }

    fn give_up(&mut self) -> SinkLater<'_, ()> {
        Box::pin(async move {
            match self.writing.as_ref().and_then(|writing| writing.start) {
                Some(start) => {
                    self.gathered.truncate(start);
                    self.writing = None;
                    Ok(())
                }
                // A part of it is written; what there is ends like a message.
                None => self.finish_message().await,
            }
        })
    }

    fn close(&mut self) -> SinkLater<'_, Vec<String>> {
        Box::pin(async move {
            self.write_out().await?;
            let Some(mut file) = self.file.take() else {
                let what = "was there already and is as it was; remove it to have it written anew";
                return Ok(vec![format!("{}: {what}", self.path.display())]);
            };
            file.sync().await?;
            self.tree.rename(&self.part, &self.path).await?;
            Ok(Vec::new())
        })
    }
}
