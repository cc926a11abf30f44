//! What: mailboxes, messages, flags, and the change log. Knows no protocol and no socket.
//!
//! [`Mail`] is the process's one door to everybody's mailboxes; [`Mailboxes`] is one account's, and
//! holding it is the authority to use them. An open mailbox is a [`View`], shared by all who have it
//! open; what it holds at one moment are [`Rows`], immutable, shared chunk by chunk, cheap to keep.
//! Every commit that alters an account appends one numbered entry to its change log; views, IDLE and
//! whatever else wants to notice read that log.

mod advance;
mod append;
mod bell;
mod change;
mod clear;
mod cold;
mod content;
mod copy;
mod count;
mod deposit;
mod draft;
mod expunge;
mod flags;
mod hot;
mod key;
mod log;
mod mail;
mod mailbox;
mod mailboxes;
mod name;
mod names;
mod octets;
mod recent;
mod rows;
mod summary;
mod tree;
mod view;

pub use append::{Appended, Arrival};
pub use bell::Watch;
pub use change::{Changes, Event};
pub use content::{Content, EXPUNGED};
pub use copy::Copied;
pub use deposit::Deposit;
pub use flags::{FlagChange, Stored};
pub use mail::{Allowance, Mail, Options, Usage};
pub use mailbox::{Mailbox, Status};
pub use mailboxes::Mailboxes;
pub use rows::{Row, Rows};
pub use tree::SPECIAL_USE_TAKEN;
pub use view::View;

mod query;
mod sort;
mod thread;

pub use query::{AddressField, Query};
pub use sort::{Order, SortBy, SortKey};
pub use thread::{ThreadAlgorithm, Threaded};

/// How often something is tried that conflicts with what others do at the same time. One of those
/// who conflict always gets through, so more than a few in a row tell of a fault.
const ATTEMPTS_MAX: usize = 16;
