//! Bringing one folder.

use crate::compare::Expected;
use crate::import::{ImportOptions, Importer};
use crate::known::{self, Known, MessageKey, digest};
use crate::report::FolderReport;
use crate::source::{Item, Numbers, OpenFolder, SourceKind, Told};
use crate::{MoveError, SourceError, aside};
use core_mailbox::{Brought, FlagChange, Mailbox, Mailboxes, Rows, SourceId, View};
use core_store::{BlobWriter, Body};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::{Flags, NumberSet, Uid};
use words_message::HeaderCollector;

/// Messages looked at together, and most that come in one commit.
const PAGE: usize = 500;
/// Octets of bodies after which those that wait are committed.
const WAITING_MAX: u64 = 2 << 20;

/// How often a message is asked for whose source says that it may pass.
const ATTEMPTS: usize = 3;

/// One folder on its way in.
pub(crate) struct FolderImport<'a> {
    importer: &'a Importer,
    boxes: &'a Mailboxes,
    kind: SourceKind,
    target: &'a Mailbox,
    options: &'a ImportOptions,
    known: Known,
    waiting: Vec<Waiting>,
    waiting_octets: u64,
    expected: Vec<Expected>,
    /// Do UIDs mean here what they mean there?
    keeps_uids: bool,
    /// What the source's next UID is, until the mailbox has been told.
    uid_next: Option<Uid>,
    pub report: FolderReport,
}

/// A message whose body has been read, on its way into a commit.
struct Waiting {
    brought: Brought,
    key: MessageKey,
    digest: u64,
}

/// A message as it was read.
struct Fetched {
    body: Body,
    header: Vec<u8>,
    received_at: Timestamp,
}

/// What keys of a source hang on in the account's memory of what was brought.
pub(crate) fn id(kind: SourceKind) -> SourceId {
    SourceId(kind as u64)
}

/// What names a message in the mailbox that it comes to. Where the source lies does not count, so
/// that a copy of it elsewhere is the same source.
pub(crate) fn key(kind: SourceKind, mailbox: words_mail::MailboxId, item: &Item) -> MessageKey {
    let mut hash = blake3::Hasher::new();
    hash.update(&(kind as u64).to_be_bytes()).update(&mailbox.0.to_be_bytes()).update(&item.key);
    let digest = hash.finalize();
    digest.as_bytes().first_chunk::<16>().copied().unwrap_or_default()
}

impl<'a> FolderImport<'a> {
    pub fn new(
        importer: &'a Importer,
        boxes: &'a Mailboxes,
        kind: SourceKind,
        target: &'a Mailbox,
        options: &'a ImportOptions,
    ) -> FolderImport<'a> {
        FolderImport {
            importer,
            boxes,
            kind,
            target,
            options,
            known: Known::new(importer.store.clone(), boxes.account(), target.id),
            waiting: Vec::new(),
            waiting_octets: 0,
            expected: Vec::new(),
            keeps_uids: false,
            uid_next: None,
            report: FolderReport::default(),
        }
    }

    /// What was done, and what should now be there.
    pub fn finish(self) -> (FolderReport, Vec<Expected>) {
        (self.report, self.expected)
    }

    /// Brings what is new; carries over flags that changed in the source.
    pub async fn bring(
        &mut self,
        folder: &mut dyn OpenFolder,
        numbers: Numbers,
        told: &dyn Told,
    ) -> Result<(), MoveError> {
        let view = self.boxes.open(&self.target.name).await?;
        self.keeps_uids = numbers.uid_validity == Some(self.target.uid_validity);
        self.uid_next = numbers.uid_next.filter(|_| self.keeps_uids);
        loop {
            let items = folder.next(PAGE).await?;
            if items.is_empty() {
                return self.raise_uids().await;
            }
            self.page(folder, &view, &items, told, numbers.messages).await?;
        }
    }

    /// UIDs that the source gave to messages that are gone are not given again.
    async fn raise_uids(&mut self) -> Result<(), MoveError> {
        let Some(uid_next) = self.uid_next.take() else { return Ok(()) };
        self.flush().await?;
        self.boxes.adopt(&self.target.name, self.target.uid_validity, uid_next).await?;
        Ok(())
    }

    async fn page(
        &mut self,
        folder: &mut dyn OpenFolder,
        view: &Arc<View>,
        items: &[Item],
        told: &dyn Told,
        all: Option<u64>,
    ) -> Result<(), MoveError> {
        let keys: Vec<MessageKey> =
            items.iter().map(|item| key(self.kind, self.target.id, item)).collect();
        let source_keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
        let brought = self.boxes.brought(id(self.kind), &source_keys).await?;
        let new = |(item, before): (_, &Option<_>)| before.is_none().then_some(item);
        folder.expect(&items.iter().zip(&brought).filter_map(new).collect::<Vec<_>>());
        let mut old = Vec::new();
        for ((item, key), before) in items.iter().zip(&keys).zip(&brought) {
            match before {
                Some((_, uid)) => old.push((item, *key, *uid)),
                None => {
                    // Those that the source has not numbered yet come last.
                    if item.uid.is_none() {
                        self.raise_uids().await?;
                    }
                    self.fetch(folder, item, *key).await?;
                }
            }
            self.report.found += 1;
            told.progress(&self.report.mailbox, self.report.found, all);
        }
        self.flush().await?;
        if !old.is_empty() {
            self.meet_again(view, &old).await?;
        }
        Ok(())
    }

    /// Reads one message and lets it wait for the next commit.
    async fn fetch(
        &mut self,
        folder: &mut dyn OpenFolder,
        item: &Item,
        key: MessageKey,
    ) -> Result<(), MoveError> {
        let mut fetched = self.read(folder, item, key).await;
        for _ in 1..ATTEMPTS {
            if !matches!(fetched, Err(MoveError::Source(SourceError::Temporary(_)))) {
                break;
            }
            fetched = self.read(folder, item, key).await;
        }
        let fetched = match fetched {
            Ok(Some(fetched)) => fetched,
            Ok(None) => return Ok(()),
            Err(MoveError::Source(SourceError::Gone)) => {
                self.report.gone += 1;
                return Ok(());
            }
            Err(MoveError::Source(SourceError::Message(why))) => {
                self.report.note_failed(&item.label, why);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let digest = digest(&item.flags);
        self.expected.push(Expected {
            uid: Uid(0),
            wished: item.uid.unwrap_or_default(),
            size: Some(fetched.body.len),
            digest,
            received_at: Some(fetched.received_at),
            unique_id: item.unique_id.as_deref().map(crate::compare::text_digest),
            may_be_gone: false,
        });
        self.waiting_octets += fetched.body.len;
        let brought = Brought {
            body: fetched.body,
            header: fetched.header.into(),
            flags: item.flags.clone(),
            received_at: fetched.received_at,
            uid: item.uid.filter(|_| self.keeps_uids),
            unique_id: item.unique_id.clone(),
            source_key: key.to_vec(),
        };
        self.waiting.push(Waiting { brought, key, digest });
        if self.waiting_octets >= WAITING_MAX || self.waiting.len() >= PAGE {
            self.flush().await?;
        }
        Ok(())
    }

    /// `None`: it is too large, and kept aside.
    async fn read(
        &mut self,
        folder: &mut dyn OpenFolder,
        item: &Item,
        key: MessageKey,
    ) -> Result<Option<Fetched>, MoveError> {
        let mut body = folder.body(item).await?;
        let mut writer = self.importer.mail.begin_body();
        let mut header = HeaderCollector::new();
        let (mut fits, mut first) = (true, None);
        while let Some(piece) = body.octets.next().await? {
            if first.is_none() {
                first = Some(begins_with_field(&piece));
            }
            fits = fits && header.feed(&piece).is_ok();
            write(&mut writer, &piece).await?;
            if writer.len() > self.options.size_max {
                drop((writer, body));
                return self.keep_aside(folder, item, key).await.map(|()| None);
            }
        }
        if let Some(why) = body.complaint.take() {
            self.report.note_broken(&item.label, why);
        }
        let received_at = body.received_at;
        let len = writer.len();
        match first {
            None => self.report.note_broken(&item.label, "it is empty".to_string()),
            Some(false) => {
                let why = "it does not begin with a header field";
                self.report.note_broken(&item.label, why.to_string());
            }
            Some(true) if !fits => {
                let why = "its header is too long; what lists show of it is cut";
                self.report.note_broken(&item.label, why.to_string());
            }
            Some(true) => {}
        }
        if let Some(told) = item.size.filter(|told| *told != len) {
            let why = format!("the source tells {told} octets with CRLF, it has {len}");
            self.report.note_broken(&item.label, why);
        }
        let body = writer.finish().await.map_err(known::refuse)?;
        Ok(Some(Fetched { body, header: header.into_bytes(), received_at }))
    }

    /// A message that is larger than anything here may be.
    async fn keep_aside(
        &mut self,
        folder: &mut dyn OpenFolder,
        item: &Item,
        key: MessageKey,
    ) -> Result<(), MoveError> {
        let max = self.options.size_max;
        let why = format!("larger than {max} octets, the most that a message here may have");
        let Some(tree) = &self.options.aside else {
            self.report.note_failed(&item.label, why);
            return Ok(());
        };
        let name: String = key.iter().map(|octet| format!("{octet:02x}")).collect();
        let path = PathBuf::from("messages").join(format!("{name}.eml"));
        let part = path.with_extension("part");
        aside::make_above(&**tree, &path).await?;
        let _ = tree.remove(&part).await;
        let mut file = tree.create(&part, 0o600).await?;
        let mut body = folder.body(item).await?;
        while let Some(piece) = body.octets.next().await? {
            file.write(&piece).await?;
        }
        file.sync().await?;
        tree.rename(&part, &path).await?;
        tree.sync_directory(path.parent().unwrap_or(&path)).await?;
        self.report.note_failed(&item.label, format!("{why}; kept aside as {}", path.display()));
        Ok(())
    }

    /// Commits those that wait. What their flags are is known before they are there: a run that ends
    /// in between is told by the next that they have not come.
    async fn flush(&mut self) -> Result<(), MoveError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_octets = 0;
        let digests: Vec<(MessageKey, u64)> = waiting.iter().map(|w| (w.key, w.digest)).collect();
        self.known.put(&digests).await?;
        let sizes: Vec<u64> = waiting.iter().map(|w| w.brought.body.len).collect();
        let messages = waiting.into_iter().map(|w| w.brought).collect();
        let (source, allowance) = (id(self.kind), self.options.allowance);
        let told = self.boxes.bring(self.target.id, source, messages, allowance).await?;
        let first = self.expected.len() - told.len();
        for ((expected, as_), size) in self.expected[first..].iter_mut().zip(&told).zip(sizes) {
            expected.uid = as_.uid;
            if as_.is_repeated {
                // Twice in the source under one name.
                expected.may_be_gone = true;
                self.report.already += 1;
            } else {
                self.report.brought += 1;
                self.report.brought_octets += size;
            }
        }
        Ok(())
    }

    /// Messages that came before: their flags may have changed on either side since.
    async fn meet_again(
        &mut self,
        view: &Arc<View>,
        old: &[(&Item, MessageKey, Uid)],
    ) -> Result<(), MoveError> {
        let rows = view.refresh().await?;
        let keys: Vec<MessageKey> = old.iter().map(|(_, key, _)| *key).collect();
        let before = self.known.get(&keys).await?;
        let mut changes: HashMap<u64, (Flags, NumberSet)> = HashMap::new();
        let mut digests = Vec::new();
        for ((item, key, uid), before) in old.iter().zip(before) {
            self.report.already += 1;
            let now = digest(&item.flags);
            let here = flags_here(&rows, *uid);
            let mut expect = now;
            match here {
                None => self.report.removed_here += 1,
                Some(here) if here == now => {}
                Some(here) if before == Some(here) => {
                    self.report.reflagged += 1;
                    let (_, uids) =
                        changes.entry(now).or_insert((item.flags.clone(), NumberSet::new()));
                    uids.insert(uid.0);
                }
                Some(here) => {
                    self.report.kept_flags += u64::from(before != Some(now));
                    expect = here;
                }
            }
            if before != Some(now) {
                digests.push((*key, now));
            }
            self.expected.push(Expected {
                uid: *uid,
                wished: item.uid.unwrap_or_default(),
                size: item.size,
                digest: expect,
                received_at: item.received_at,
                unique_id: item.unique_id.as_deref().map(crate::compare::text_digest),
                may_be_gone: true,
            });
        }
        let since = rows.highest_modseq();
        for (flags, uids) in changes.into_values() {
            let change = FlagChange::Set(flags);
            self.boxes.store_flags(view, &uids, &change, Some(since)).await?;
        }
        Ok(self.known.put(&digests).await?)
    }
}

fn flags_here(rows: &Rows, uid: Uid) -> Option<u64> {
    rows.get(rows.find(uid).ok()?).map(|row| digest(&row.flags))
}

async fn write(writer: &mut Box<dyn BlobWriter>, piece: &[u8]) -> Result<(), MoveError> {
    writer.write(piece).await.map_err(|error| MoveError::Refused(known::refuse(error)))
}

/// Does a message begin with `Name:`?
fn begins_with_field(piece: &[u8]) -> bool {
    let line = piece.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
    let is_name = |octet: &u8| octet.is_ascii_graphic();
    name.len() < line.len() && !name.is_empty() && name.trim_ascii_end().iter().all(is_name)
}
