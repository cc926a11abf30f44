//! Which question of IMAP is which call of the core.
//!
//! An [`ImapDesk`] answers one session. It holds what the core handed out for it: the account's
//! mailboxes, the open view, and the rows that this session's client has been told of. Sequence
//! numbers are places in those rows; they change only by what `Sync` tells. One file a topic.

mod answer;
mod append;
mod copy;
mod criteria;
mod desk;
mod fetch;
mod list;
mod log;
mod login;
mod mailbox;
mod numbers;
mod pattern;
mod quota;
mod search;
mod section;
mod select;
mod selected;
mod set;
mod slots;
mod store;
mod structure;
mod sync;

pub use desk::{ImapDesk, Office, Options};
