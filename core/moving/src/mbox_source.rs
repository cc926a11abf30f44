//! An mbox file, or a directory of them.

use crate::mbox_reader::MessageReader;
use crate::mbox_sink::WITH_CHILDREN;
use crate::source::{
    Body, Folder, Found, Item, Numbers, OctetStream, OpenFolder, Source, SourceKind, SourceLater,
};
use crate::{SourceError, text_file};
use core_world::{FileKind, OpenFile, Tree};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words_archive::mbox::{FromLine, Variant};
use words_archive::{folder, subscriptions};
use words_base::Timestamp;
use words_mail::{Flags, MailboxName, Uid};
use words_message::{DateTime, Header, HeaderCollector};

/// Deepest directory that is looked into.
const DEPTH_MAX: usize = 32;
/// Most files.
const FILES_MAX: usize = 10_000;
/// Octets at a file's beginning that tell whether it is an mbox.
const PROBE: usize = 1_000;
/// Octets of a list of subscriptions.
const LIST_MAX: usize = 4 << 20;
/// The list of subscriptions that Dovecot keeps among mbox files.
const LIST: &str = ".subscriptions";

/// Mail in mbox files. Nothing is changed.
pub struct MboxSource {
    tree: Arc<dyn Tree>,
    /// The one file, if it is one.
    file: Option<PathBuf>,
    variant: Variant,
}

impl MboxSource {
    /// Every mbox file below the root of `tree`; the names of directories are levels.
    pub fn of_directory(tree: Arc<dyn Tree>, variant: Variant) -> MboxSource {
        MboxSource { tree, file: None, variant }
    }

    /// One file in `tree`, which becomes INBOX.
    pub fn of_file(tree: Arc<dyn Tree>, file: PathBuf, variant: Variant) -> MboxSource {
        MboxSource { tree, file: Some(file), variant }
    }

    async fn scan(&self) -> Result<Found, SourceError> {
        let mut found = Found::default();
        let mut waiting = vec![(PathBuf::new(), 0)];
        while let Some((directory, depth)) = waiting.pop() {
            let mut listing = self.tree.list(&directory).await?;
            loop {
                let page = listing.next(1_000).await?;
                if page.is_empty() {
                    break;
                }
                for entry in page {
                    let path = directory.join(&entry.name);
                    let hidden = entry.name.as_encoded_bytes().starts_with(b".");
                    match entry.kind {
                        FileKind::Directory if !hidden && depth < DEPTH_MAX => {
                            waiting.push((path, depth + 1));
                        }
                        FileKind::File if !hidden => self.file(&path, &mut found).await?,
                        FileKind::Link => {
                            let what = "a symbolic link; not followed";
                            found.remarks.push(format!("{}: {what}", path.display()));
                        }
                        _ => {}
                    }
                }
            }
        }
        if found.folders.is_empty() {
            let why = "there is no mbox file in this directory";
            return Err(SourceError::Failed(why.to_string()));
        }
        found.folders.sort_by(|a, b| {
            (!a.name.is_inbox(), &a.name, &a.place).cmp(&(!b.name.is_inbox(), &b.name, &b.place))
        });
        self.subscribe(&mut found).await?;
        Ok(found)
    }

    /// Notes a file, if it is an mbox.
    async fn file(&self, path: &Path, found: &mut Found) -> Result<(), SourceError> {
        if found.folders.len() >= FILES_MAX {
            let why = format!("more than {FILES_MAX} files; move them in parts");
            return Err(SourceError::Failed(why));
        }
        let text = path.to_string_lossy();
        let opened = self.tree.open(path).await?;
        let beginning = opened.read_at(0, PROBE).await?;
        let line = beginning.trim_ascii_start().split(|b| *b == b'\n').next().unwrap_or_default();
        if !beginning.is_empty() && FromLine::parse(line).is_none() {
            found.remarks.push(format!("{text}: no mbox file; not read"));
            return Ok(());
        }
        // A mailbox with others below it is a file in the directory of these.
        let named = text.strip_suffix(WITH_CHILDREN).and_then(|rest| rest.strip_suffix('/'));
        let Some(name) = folder::from_levels(named.unwrap_or(&text).split('/')) else {
            found.remarks.push(format!("{text}: no name can be made of this; rename it"));
            return Ok(());
        };
        let place = text.into_owned();
        found.folders.push(Folder { name, place, subscribed: None, special_use: None });
        Ok(())
    }

    async fn subscribe(&self, found: &mut Found) -> Result<(), SourceError> {
        let text = text_file::read_text(&*self.tree, Path::new(LIST), LIST_MAX).await?;
        let Some(text) = text else { return Ok(()) };
        let mut names = subscriptions::parse(&text, '/');
        for folder in &mut found.folders {
            folder.subscribed = Some(names.contains(&folder.name) || folder.name.is_inbox());
        }
        names.retain(|name| !name.is_inbox() && found.folders.iter().all(|f| f.name != *name));
        found.subscribed = names;
        Ok(())
    }
}

impl Source for MboxSource {
    fn kind(&self) -> SourceKind {
        SourceKind::Mbox
    }

    fn folders(&mut self) -> SourceLater<'_, Found> {
        Box::pin(async move {
            let Some(file) = &self.file else { return self.scan().await };
            let place = file.to_string_lossy().into_owned();
            let name = MailboxName::inbox();
            let folder = Folder { name, place, subscribed: None, special_use: None };
            Ok(Found { folders: vec![folder], ..Found::default() })
        })
    }

    fn open<'a>(&'a mut self, folder: &'a Folder) -> SourceLater<'a, Box<dyn OpenFolder + 'a>> {
        Box::pin(async move {
            let file = self.tree.open(Path::new(&folder.place)).await?;
            let folder = MboxFolder::read(file, self.variant).await?;
            Ok(Box::new(folder) as Box<dyn OpenFolder>)
        })
    }
}

/// A message of an mbox file.
struct Place {
    offset: u64,
    key: [u8; 16],
    uid: Option<Uid>,
    flags: Flags,
    received_at: Timestamp,
    size: u64,
}

/// An mbox file, read through once.
struct MboxFolder {
    file: Box<dyn OpenFile>,
    variant: Variant,
    numbers: Numbers,
    places: Vec<Place>,
    next: usize,
    remarks: Vec<String>,
}

impl MboxFolder {
    async fn read(file: Box<dyn OpenFile>, variant: Variant) -> Result<MboxFolder, SourceError> {
        let mut folder = MboxFolder {
            file,
            variant,
            numbers: Numbers::default(),
            places: Vec::new(),
            next: 0,
            remarks: Vec::new(),
        };
        folder.index().await?;
        // UIDs that do not rise are no UIDs.
        let uids: Vec<Option<Uid>> = folder.places.iter().map(|p| p.uid).collect();
        let rise = uids.iter().flatten().is_sorted_by(|a, b| a < b);
        if folder.numbers.uid_validity.is_none() || !rise {
            folder.places.iter_mut().for_each(|place| place.uid = None);
            folder.numbers.uid_validity = None;
        }
        folder.places.sort_by_key(|place| (place.uid.is_none(), place.uid));
        folder.numbers.messages = Some(folder.places.len() as u64);
        Ok(folder)
    }

    async fn index(&mut self) -> Result<(), SourceError> {
        let mut offset = 0;
        // Messages with the same octets are told apart by counting them.
        let mut same: HashMap<[u8; 16], u64> = HashMap::new();
        while let Some(mut reader) = MessageReader::open(&*self.file, offset, self.variant).await? {
            let mut hash = blake3::Hasher::new();
            let mut header = HeaderCollector::new();
            let mut size = 0;
            let mut fits = true;
            while let Some(piece) = reader.next().await? {
                hash.update(&piece);
                size += piece.len() as u64;
                fits = fits && header.feed(&piece).is_ok();
            }
            let (end, outline) = reader.finish();
            let is_first = offset == 0;
            if is_first {
                self.numbers.uid_validity = outline.metadata.uid_validity;
                let next = outline.metadata.uid_last.map(|last| Uid(last.0.saturating_add(1)));
                self.numbers.uid_next = next;
            }
            if !(is_first && outline.metadata.is_internal) {
                let digest = hash.finalize();
                let mut key: [u8; 16] = digest.as_bytes()[..16].try_into().unwrap_or_default();
                let count = same.entry(key).or_default();
                key[..8].iter_mut().zip(count.to_be_bytes()).for_each(|(k, c)| *k ^= c);
                *count += 1;
                self.places.push(Place {
                    offset,
                    key,
                    uid: outline.metadata.uid,
                    flags: outline.metadata.flags,
                    received_at: received_at(&outline.from, header.bytes()),
                    size,
                });
            }
            offset = end;
        }
        Ok(())
    }
}

/// When a message came: as its `From ` line says, unless that is the epoch, which means that nobody
/// knew; then as the first Received field says.
fn received_at(from: &FromLine, header: &[u8]) -> Timestamp {
    if from.at.seconds() > 0 {
        return from.at;
    }
    let received = Header::new(header).find("Received");
    let date = received.and_then(|field| {
        let value = field.unfolded();
        let at = value.iter().rposition(|b| *b == b';')?;
        DateTime::parse_field(&value[at + 1..])
    });
    date.map_or(from.at, |date| date.at)
}

impl OpenFolder for MboxFolder {
    fn numbers(&self) -> Numbers {
        self.numbers
    }

    fn next(&mut self, count_max: usize) -> SourceLater<'_, Vec<Item>> {
        let end = self.next.saturating_add(count_max).min(self.places.len());
        let item = |(nth, place): (usize, &Place)| Item {
            key: place.key.to_vec(),
            place: nth as u64,
            label: format!("message at octet {}", place.offset),
            uid: place.uid,
            unique_id: None,
            flags: place.flags.clone(),
            received_at: Some(place.received_at),
            size: Some(place.size),
        };
        let items = self.places.iter().enumerate().take(end).skip(self.next).map(item).collect();
        self.next = end;
        Box::pin(async move { Ok(items) })
    }

    fn body<'a>(&'a mut self, item: &'a Item) -> SourceLater<'a, Body<'a>> {
        Box::pin(async move {
            let place = usize::try_from(item.place).unwrap_or(usize::MAX);
            let place = self.places.get(place).ok_or(SourceError::Gone)?;
            let reader = MessageReader::open(&*self.file, place.offset, self.variant).await?;
            let reader = reader.ok_or(SourceError::Gone)?;
            let stream = MboxStream { reader };
            let octets = Box::new(stream) as Box<dyn OctetStream>;
            Ok(Body { received_at: place.received_at, octets, complaint: None })
        })
    }

    fn octets(&mut self) -> SourceLater<'_, u64> {
        let len = self.file.metadata().len;
        Box::pin(async move { Ok(len) })
    }

    fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }
}

struct MboxStream<'a> {
    reader: MessageReader<'a>,
}

impl OctetStream for MboxStream<'_> {
    fn next(&mut self) -> SourceLater<'_, Option<Vec<u8>>> {
        Box::pin(async move { self.reader.next().await })
    }
}
