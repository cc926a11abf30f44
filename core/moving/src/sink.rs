//! Where an account's mail is written to.

use core_world::{FileError, Later};
use words_base::Timestamp;
use words_mail::{Flags, Keyword, MailboxName, Uid, UidValidity};

/// A boxed future of a sink's answer.
pub type SinkLater<'a, T> = Later<'a, Result<T, FileError>>;

/// What is written of a mailbox besides its messages.
#[derive(Clone, Debug)]
pub struct SinkMailbox {
    /// Its name.
    pub name: MailboxName,
    /// Of its UIDs.
    pub uid_validity: UidValidity,
    /// What the next message's UID will be.
    pub uid_next: Uid,
    /// Do people want to see it?
    pub subscribed: bool,
    /// Keywords of its messages.
    pub keywords: Vec<Keyword>,
    /// Are there mailboxes below it?
    pub has_children: bool,
}

/// One message to be written.
#[derive(Clone, Debug)]
pub struct SinkMessage {
    /// Its UID.
    pub uid: Uid,
    /// What POP3 calls it.
    pub unique_id: String,
    /// Flags and keywords.
    pub flags: Flags,
    /// INTERNALDATE.
    pub received_at: Timestamp,
    /// Octets, with CRLF line ends.
    pub size: u64,
}

/// Mail elsewhere, to be written.
pub trait Sink: Send {
    /// Begins a mailbox, or goes on with one that an earlier run wrote.
    fn open<'a>(&'a mut self, mailbox: &'a SinkMailbox) -> SinkLater<'a, Box<dyn SinkFolder + 'a>>;

    /// Every mailbox was written.
    fn finish<'a>(&'a mut self, mailboxes: &'a [SinkMailbox]) -> SinkLater<'a, Vec<String>>;
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is not there: begin it.
    Missing,
    /// It is there.
    There,
    /// It is there, and has these flags now.
    Reflagged,
}

/// A mailbox being written.
pub trait SinkFolder: Send {
    /// Is the message there already? If so its flags are brought up to date.
    fn meet<'a>(&'a mut self, message: &'a SinkMessage) -> SinkLater<'a, Standing>;

    /// Begins a message.
    fn begin<'a>(&'a mut self, message: &'a SinkMessage) -> SinkLater<'a, ()>;

    /// Its next octets, with CRLF line ends.
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> SinkLater<'a, ()>;

    /// The message begun last is complete.
    fn end(&mut self) -> SinkLater<'_, ()>;

    /// The message begun last cannot be read to its end: nothing of it stays.
    fn give_up(&mut self) -> SinkLater<'_, ()>;

    /// Every message was written: all is made durable. Gives remarks.
    fn close(&mut self) -> SinkLater<'_, Vec<String>>;
}
