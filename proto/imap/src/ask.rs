//! What an IMAP session asks, and what it is told. This is the whole of what `serve/imap` answers.
//!
//! Sequence numbers, UIDs and what this session has been told of its mailbox are the desk's to
//! know: it holds the rows that the session knows, so that the session holds no message list.
//! Long answers come in pages: the session prints one and asks for the next with the same
//! question and the cursor that the page gave.

use std::sync::Arc;
use words_base::Timestamp;
use words_mail::{
    Flags, MailboxName, ModSeq, NumberSet, Refusal, SeqNum, SpecialUse, Uid, UidValidity,
};

/// What the session must learn from the core.
#[derive(Debug)]
pub enum Ask {
    /// LOGIN, or a turn of AUTHENTICATE.
    Login(proto_sasl::Ask),
    /// ID: what the client says of itself, for the log. Answered with [`Answer::Done`].
    Identified(Vec<(String, Option<String>)>),
    /// LIST and LSUB, with what LIST-EXTENDED, LIST-STATUS and SPECIAL-USE add.
    List(List),
    /// STATUS.
    Status(MailboxName),
    /// CREATE, with SPECIAL-USE (RFC 6154 §3).
    Create(MailboxName, Option<SpecialUse>),
    /// DELETE.
    Delete(MailboxName),
    /// RENAME.
    Rename(MailboxName, MailboxName),
    /// SUBSCRIBE (`true`) and UNSUBSCRIBE.
    Subscribe(MailboxName, bool),
    /// SELECT and EXAMINE. Whatever was selected is no longer.
    Select(Select),
    /// UNSELECT, or the part of CLOSE that follows the expunge.
    Unselect,
    /// GETQUOTA, GETQUOTAROOT.
    Quota,
    /// APPEND begins: may messages go into this mailbox? Asked before the literal is invited.
    AppendBegin(MailboxName),
    /// One message of it begins, of that many octets.
    AppendMessage {
        /// Flags to start with.
        flags: Flags,
        /// INTERNALDATE, if the client gave one.
        received_at: Option<Timestamp>,
        /// Octets announced.
        size: u64,
    },
    /// Octets of it.
    AppendWrite(Vec<u8>),
    /// Its last octet has come.
    AppendMessageEnd,
    /// All messages of the APPEND have come: file them, all or none.
    AppendCommit,
    /// Forget them.
    AppendAbort,
    /// A page of FETCH.
    Fetch(Fetch),
    /// STORE.
    Store(Store),
    /// COPY, or MOVE.
    Copy {
        /// Which.
        numbers: Numbers,
        /// Where to.
        to: MailboxName,
        /// Are they to leave where they are?
        moving: Moving,
    },
    /// EXPUNGE; UID EXPUNGE if a set is given.
    Expunge(Option<Numbers>),
    /// SEARCH, SORT, THREAD.
    Search(Search),
    /// What has happened in the selected mailbox since the session was last told.
    /// Asked at the end of every command and on [`proto_line::News::Changed`].
    Sync(Expunges),
    /// Tell by [`proto_line::News::Changed`] when the selected mailbox may have changed, from now on
    /// or no longer (IDLE and its DONE).
    Watch(Watching),
}

/// What the core says. Which variants may answer which question is said at each.
#[derive(Debug)]
pub enum Answer {
    /// Done, nothing to tell.
    Done,
    /// To anything: it will not.
    Refused(Refusal),
    /// To `Login`.
    Login(proto_sasl::Answer),
    /// To `List`: every line, in order.
    Listed(Vec<Listed>),
    /// To `Status`.
    Status(Status),
    /// To `Create`: its MAILBOXID (RFC 8474).
    Created(String),
    /// To `Select`.
    Selected(Box<Selected>),
    /// To `Quota`: resources of the account's one root.
    Quota(Vec<QuotaResource>),
    /// To `AppendCommit`.
    Appended {
        /// Of the UIDs.
        uid_validity: UidValidity,
        /// One a message, in order.
        uids: Vec<Uid>,
    },
    /// To `Fetch`.
    Fetched(FetchPage),
    /// To `Store`.
    Stored(Stored),
    /// To `Copy`. Empty sets: nothing was there to copy, which is OK.
    Copied {
        /// Of the target's UIDs.
        uid_validity: UidValidity,
        /// UIDs here and there, in matching order.
        uids: Vec<(Uid, Uid)>,
        /// The target is the selected mailbox of some session, maybe this one; nothing to do.
        modseq: ModSeq,
    },
    /// To `Search`.
    Found(Found),
    /// To `Sync`, and to `Expunge` (what it removed is told by the `Sync` that follows).
    Changes(Changes),
}

/// Message numbers of a command. `*` and clipping are the desk's to resolve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Sequence numbers.
    Seq(SequenceSet),
    /// UIDs.
    Uid(SequenceSet),
    /// `$`, the saved result of the last SEARCH (RFC 5182), as the desk keeps it, in a command
    /// that takes sequence numbers (`Uid` commands and others alike).
    Saved,
}

/// A sequence-set as it was written: ends in any order, `None` is `*`.
pub type SequenceSet = Vec<(Option<u32>, Option<u32>)>;

/// LIST.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The reference, UTF-8.
    pub reference: String,
    /// Patterns with `*` and `%`, UTF-8, not empty.
    pub patterns: Vec<String>,
    /// Only these: LSUB and the selection options.
    pub select_subscribed: bool,
    /// RECURSIVEMATCH.
    pub select_recursive: bool,
    /// SPECIAL-USE as a selection option.
    pub select_special_use: bool,
    /// STATUS in RETURN.
    pub return_status: bool,
    /// LSUB: subscribed names, and for `%` their parents with `\Noselect`.
    pub lsub: bool,
}

/// One line of LIST. The session prints what the command asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: MailboxName,
    /// Is there such a mailbox? If not, it is `\NonExistent` (`\Noselect`).
    pub exists: bool,
    /// Has it children?
    pub children: bool,
    /// `\Subscribed`
    pub subscribed: bool,
    /// Its special use.
    pub special_use: Option<SpecialUse>,
    /// Is a name below it subscribed? Told to RECURSIVEMATCH alone, as CHILDINFO ("SUBSCRIBED").
    pub child_subscribed: bool,
    /// For LIST-STATUS.
    pub status: Option<Status>,
}

/// Counts of one mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// MESSAGES
    pub messages: u64,
    /// UNSEEN
    pub unseen: u64,
    /// DELETED
    pub deleted: u64,
    /// DELETED-STORAGE (RFC 9208 §4.1.4), in octets.
    pub deleted_storage: u64,
    /// SIZE
    pub size: u64,
    /// UIDNEXT
    pub uid_next: Uid,
    /// UIDVALIDITY
    pub uid_validity: UidValidity,
    /// HIGHESTMODSEQ
    pub highest_modseq: ModSeq,
    /// MAILBOXID
    pub mailbox_id: String,
}

/// SELECT, EXAMINE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Which.
    pub name: MailboxName,
    /// EXAMINE?
    pub read_only: bool,
    /// The QRESYNC parameter (RFC 7162 §3.2.5).
    pub qresync: Option<Qresync>,
}

/// What a client knows from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qresync {
    /// The UIDVALIDITY it saw.
    pub uid_validity: UidValidity,
    /// Up to which change it knows.
    pub modseq: ModSeq,
    /// The UIDs it knows; all if not given.
    pub known_uids: Option<NumberSet>,
    /// Sequence numbers and their UIDs as it knows them.
    pub seq_match: Option<(NumberSet, NumberSet)>,
}

/// A mailbox as it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// EXISTS
    pub exists: u32,
    /// UNSEEN: the first message without `\Seen`.
    pub first_unseen: Option<SeqNum>,
    /// UIDNEXT
    pub uid_next: Uid,
    /// UIDVALIDITY
    pub uid_validity: UidValidity,
    /// HIGHESTMODSEQ, at least 1.
    pub highest_modseq: ModSeq,
    /// MAILBOXID
    pub mailbox_id: String,
    /// Keywords in use, for FLAGS.
    pub keywords: Vec<String>,
    /// For QRESYNC: UIDs gone since, within what the client knows.
    pub vanished_earlier: Option<NumberSet>,
    /// For QRESYNC: rows changed since.
    pub changed: Vec<FlagRow>,
}

/// A resource of QUOTA (RFC 9208).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaResource {
    /// `STORAGE` (in units of 1024 octets) or `MESSAGE`.
    pub name: &'static str,
    /// Used.
    pub usage: u64,
    /// Most.
    pub limit: u64,
}

/// Which message and what of it.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Which.
    pub numbers: Numbers,
    /// What of them; shared by the pages.
    pub items: Arc<FetchItems>,
    /// Only those changed after (RFC 7162); 0 is all.
    pub changed_since: Option<ModSeq>,
    /// VANISHED: tell UIDs that are gone since `changed_since` too (first page only).
    pub vanished: bool,
    /// `None` at first, then what the page before gave.
    pub cursor: Option<FetchCursor>,
}

/// Where a FETCH goes on: made and read by the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchCursor(pub u64);

/// What a FETCH needs of each message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchItems {
    /// ENVELOPE
    pub envelope: bool,
    /// BODY or BODYSTRUCTURE
    pub structure: bool,
    /// Sections: BODY[…], BINARY-less. RFC822 and its kind are here too.
    pub sections: Vec<SectionItem>,
    /// Does any of it set `\Seen` (BODY[…] without PEEK, not under EXAMINE)?
    pub set_seen: bool,
    /// FLAGS, UID, MODSEQ, RFC822.SIZE, INTERNALDATE, SAVEDATE, EMAILID: always given in
    /// [`FetchRow`], since they cost nothing.
    pub _always: (),
}

/// A section of a message (RFC 9051 §6.4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionItem {
    /// Part numbers, empty for the message itself.
    pub part: Vec<u32>,
    /// What of it.
    pub text: SectionText,
    /// `<offset.count>`
    pub partial: Option<(u64, u64)>,
}

/// What of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionText {
    /// `BODY[]`, `BODY[1.2]`
    All,
    /// `HEADER`
    Header,
    /// `HEADER.FIELDS`, field names as they were written.
    HeaderFields(Vec<String>),
    /// `HEADER.FIELDS.NOT`
    HeaderFieldsNot(Vec<String>),
    /// `TEXT`
    Text,
    /// `MIME`
    Mime,
}

/// A page of FETCH.
#[derive(Debug, Default)]
pub struct FetchPage {
    /// For VANISHED, on the first page.
    pub vanished_earlier: Option<NumberSet>,
    /// In order.
    pub rows: Vec<FetchRow>,
    /// Give it back for the next page; `None` at the end.
    pub next: Option<FetchCursor>,
    /// Some message of an earlier page's promise is gone: end with `NO [EXPUNGEISSUED]`.
    pub expunge_issued: bool,
}

/// One message of a page.
#[derive(Debug)]
pub struct FetchRow {
    /// Its sequence number for this session.
    pub seq: SeqNum,
    /// UID
    pub uid: Uid,
    /// FLAGS, as they are now (with `\Seen` if this FETCH set it).
    pub flags: Flags,
    /// Did this FETCH change the flags, so that they must be told?
    pub flags_changed: bool,
    /// MODSEQ
    pub modseq: ModSeq,
    /// RFC822.SIZE
    pub size: u64,
    /// INTERNALDATE
    pub received_at: Timestamp,
    /// SAVEDATE
    pub saved_at: Timestamp,
    /// EMAILID
    pub email_id: u64,
    /// The encoded `words_message` summary, if the envelope was asked for.
    pub summary: Option<bytes::Bytes>,
    /// If the structure was asked for.
    pub structure: Option<Arc<words_message::Structure>>,
    /// One for each of [`FetchItems::sections`], in order; `None` is NIL: no such part.
    pub sections: Vec<Option<Section>>,
}

/// The octets of a section.
#[derive(Debug)]
pub enum Section {
    /// At hand.
    Bytes(bytes::Bytes),
    /// A stretch of the stored body.
    Stretch(Stretch),
}

/// A stretch of a stored body: opaque but for its length.
#[derive(Clone)]
pub struct Stretch {
    /// Octets.
    pub len: u64,
    /// The desk's own.
    pub body: Arc<dyn std::any::Any + Send + Sync>,
    /// Where in the body it begins.
    pub offset: u64,
}

impl std::fmt::Debug for Stretch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stretch({}+{})", self.offset, self.len)
    }
}

/// STORE.
#[derive(Clone, Debug)]
pub struct Store {
    /// Which.
    pub numbers: Numbers,
    /// How.
    pub mode: StoreMode,
    /// What.
    pub flags: Flags,
    /// UNCHANGEDSINCE
    pub unchanged_since: Option<ModSeq>,
}

/// How flags are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// FLAGS
    Set,
    /// +FLAGS
    Add,
    /// -FLAGS
    Remove,
}

/// What STORE did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Every message named that is there, as it is now; the session prints as .SILENT allows.
    pub rows: Vec<FlagRow>,
    /// Those not changed because of UNCHANGEDSINCE: sequence numbers or UIDs, as the command's.
    pub modified: NumberSet,
    /// Some message named is gone for others already (RFC 5530 EXPUNGEISSUED), told in Sync.
    pub expunge_issued: bool,
}

/// The flags of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagRow {
    /// Its sequence number for this session.
    pub seq: SeqNum,
    /// UID
    pub uid: Uid,
    /// FLAGS
    pub flags: Flags,
    /// MODSEQ
    pub modseq: ModSeq,
}

/// Do copied messages leave where they were?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// COPY
    Stay,
    /// MOVE
    Leave,
}

/// May expunges be told at this point (RFC 9051 §7.5.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expunges {
    /// Yes.
    Tell,
    /// No: during FETCH, STORE and SEARCH with sequence numbers. If there are any, everything is
    /// held back until they may be told.
    HoldBack,
}

/// Is the session to hear of changes while it waits?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// From now on.
    Begin,
    /// No longer.
    End,
}

/// What has happened in the selected mailbox, in the order in which it must be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Sequence numbers for EXPUNGE lines, in order, each counted after those before it.
    pub expunged: Vec<SeqNum>,
    /// The same as UIDs, for VANISHED.
    pub vanished: NumberSet,
    /// EXISTS, if it grew.
    pub exists: Option<u32>,
    /// Flags changed by others, or by this session's own silent doings: already told ones not named.
    pub flags: Vec<FlagRow>,
    /// HIGHESTMODSEQ now.
    pub highest_modseq: ModSeq,
    /// New keywords have come into use: all of them, for a FLAGS line.
    pub keywords: Option<Vec<String>>,
    /// The mailbox is gone: BYE.
    pub removed: bool,
}

/// SEARCH, SORT or THREAD.
#[derive(Clone, Debug)]
pub struct Search {
    /// The criteria.
    pub key: SearchKey,
    /// What is done with what is found.
    pub order: Order,
    /// Are UIDs wanted?
    pub uid: bool,
    /// SAVE: keep the result for `$`.
    pub save: bool,
}

/// In which shape results are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// SEARCH: rising.
    Mailbox,
    /// SORT (RFC 5256 §3), with criteria in order.
    Sort(Vec<SortKey>),
    /// THREAD.
    Thread(ThreadAlgorithm),
}

/// A sort criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// REVERSE?
    pub reverse: bool,
    /// By what.
    pub by: SortBy,
}

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SortBy {
    Arrival,
    Cc,
    Date,
    From,
    Size,
    Subject,
    To,
    DisplayFrom,
    DisplayTo,
}

/// A THREAD algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadAlgorithm {
    /// ORDEREDSUBJECT
    OrderedSubject,
    /// REFERENCES
    References,
}

/// A search criterion; text is UTF-8, as decoded from the command's charset.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum SearchKey {
    All,
    And(Vec<SearchKey>),
    Or(Box<SearchKey>, Box<SearchKey>),
    Not(Box<SearchKey>),
    /// A sequence-set, a UID set, or `$`.
    Numbers(Numbers),
    /// A system flag or keyword is set: ANSWERED, SEEN, KEYWORD …
    Flag(Flags),
    /// It is not: UNSEEN, UNKEYWORD …
    NotFlag(Flags),
    /// RECENT and NEW find nothing, OLD finds all: we keep no `\Recent`.
    Recent(bool),
    Bcc(String),
    Cc(String),
    From(String),
    To(String),
    Subject(String),
    Body(String),
    Text(String),
    Header(String, String),
    /// Days since 1970-01-01 of INTERNALDATE, in UTC.
    Before(i32),
    On(i32),
    Since(i32),
    /// The same of the Date field, zone disregarded.
    SentBefore(i32),
    SentOn(i32),
    SentSince(i32),
    SavedBefore(i32),
    SavedOn(i32),
    SavedSince(i32),
    Larger(u64),
    Smaller(u64),
    /// Seconds (RFC 5032).
    Older(u32),
    Younger(u32),
    /// MODSEQ at least.
    ModSeq(ModSeq),
    EmailId(String),
    ThreadId(String),
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Sequence numbers or UIDs, in order (rising for SEARCH).
    pub numbers: Vec<u32>,
    /// For THREAD: roots; `numbers` is then empty.
    pub threads: Vec<Thread>,
    /// Highest MODSEQ among what was found, if the criteria named MODSEQ.
    pub modseq: Option<ModSeq>,
}

/// A message and what answers it. A missing message that only ties its children has number 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// Sequence number or UID; 0 for a missing one.
    pub number: u32,
    /// Rising by date.
    pub children: Vec<Thread>,
}
