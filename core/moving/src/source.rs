//! Somebody's mail elsewhere, as it is read.

use crate::SourceError;
use core_world::Later;
use words_base::Timestamp;
use words_mail::{Flags, MailboxName, SpecialUse, Uid, UidValidity};

/// A boxed future of a source's answer.
pub type SourceLater<'a, T> = Later<'a, Result<T, SourceError>>;

/// What is told while it goes on.
pub trait Told: Send + Sync {
    /// `done` of `all` messages of `folder` have been looked at.
    fn progress(&self, folder: &str, done: u64, all: Option<u64>);
}

/// Which kind of store a message comes from; it and the message's key make sure that nothing comes
/// twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum SourceKind {
    /// Files named by Maildir's rules, unique everywhere.
    Maildir = 1,
    /// Messages named by their octets.
    Mbox = 2,
    /// An IMAP server; keys hold UIDVALIDITY and UID.
    Imap = 3,
}

/// Mail elsewhere.
pub trait Source: Send {
    /// Of which kind.
    fn kind(&self) -> SourceKind;

    /// Its folders and whatever else is there.
    fn folders(&mut self) -> SourceLater<'_, Found>;

    /// Opens a folder to read its messages.
    fn open<'a>(&'a mut self, folder: &'a Folder) -> SourceLater<'a, Box<dyn OpenFolder + 'a>>;
}

/// What a source has.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Folders, those above before those below.
    pub folders: Vec<Folder>,
    /// Names that are subscribed though there is no folder.
    pub subscribed: Vec<MailboxName>,
    /// What the operator should know.
    pub remarks: Vec<String>,
}

/// A folder of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// What it is called here.
    pub name: MailboxName,
    /// What the source calls it, for the report; and how it finds it again.
    pub place: String,
    /// Do people want to see it? `None`: the source does not say.
    pub subscribed: Option<bool>,
    /// What it is for, if the source says.
    pub special_use: Option<SpecialUse>,
}

/// Numbers of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Of its UIDs. `None`: it has no UIDs that mean anything.
    pub uid_validity: Option<UidValidity>,
    /// What the next message's UID will be.
    pub uid_next: Option<Uid>,
    /// Messages, if known beforehand.
    pub messages: Option<u64>,
}

/// A folder open for reading.
pub trait OpenFolder: Send {
    /// Its numbers.
    fn numbers(&self) -> Numbers;

    /// At most `count_max` more messages, by rising UID, those without one last; none at the end.
    fn next(&mut self, count_max: usize) -> SourceLater<'_, Vec<Item>>;

    /// These are read next, in this order: a source far away may ask for them ahead.
    fn expect(&mut self, _items: &[&Item]) {}

    /// The octets of a message that [`OpenFolder::next`] gave.
    fn body<'a>(&'a mut self, item: &'a Item) -> SourceLater<'a, Body<'a>>;

    /// Octets of all its messages as the source keeps them: for a plan, so that about is enough.
    fn octets(&mut self) -> SourceLater<'_, u64>;

    /// What the operator should know of this folder, so far.
    fn remarks(&mut self) -> Vec<String>;
}

/// What is known of a message without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What names it in its folder for ever, however its flags change.
    pub key: Vec<u8>,
    /// How the source finds it again.
    pub place: u64,
    /// For the report: a file name, a UID.
    pub label: String,
    /// Its UID.
    pub uid: Option<Uid>,
    /// What POP3 calls it.
    pub unique_id: Option<String>,
    /// Flags and keywords.
    pub flags: Flags,
    /// INTERNALDATE, if it is known already.
    pub received_at: Option<Timestamp>,
    /// Octets with CRLF line ends, if known.
    pub size: Option<u64>,
}

/// A message being read.
pub struct Body<'a> {
    /// INTERNALDATE.
    pub received_at: Timestamp,
    /// Its octets, with CRLF line ends.
    pub octets: Box<dyn OctetStream + 'a>,
    /// What is wrong with it though it can be read.
    pub complaint: Option<String>,
}

/// Octets in pieces.
pub trait OctetStream: Send {
    /// The next piece; `None` at the end.
    fn next(&mut self) -> SourceLater<'_, Option<Vec<u8>>>;
}
