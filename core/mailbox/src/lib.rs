//! What: mailboxes, messages, flags, and the change log. Knows no protocol and no socket.
//!
//! [`Mail`] is the process's one door to everybody's mailboxes; [`Mailboxes`] is one account's, and
//! holding it is the authority to use them. An open mailbox is a [`View`], shared by all who have it
//! open; what it holds at one moment are [`Rows`], immutable, shared chunk by chunk, cheap to keep.
//! Every commit that alters an account appends one numbered entry to its change log; views, IDLE and
//! whatever else wants to notice read that log.
//!
//! ```
//! # use core_mailbox::{Deposit, Mail, Options};
//! # use words_mail::{AccountId, Flags, MailboxName, Refusal};
//! # use core_mailbox::NotDelivered;
//! # async fn example(mail: Mail, batch: &mut core_store::Batch) -> Result<(), NotDelivered> {
//! let account = AccountId(1);
//! mail.provision(batch, account, &[]); // in the batch that makes the account
//!
//! let mut writer = mail.begin_body();
//! writer.write(b"Subject: hello\r\n\r\nHi.\r\n").await.map_err(|_| Refusal::Unavailable)?;
//! let body = writer.finish().await.map_err(|_| Refusal::Unavailable)?;
//! let header = bytes::Bytes::from_static(b"Subject: hello\r\n");
//! let to = Deposit {
//!     account,
//!     mailbox: MailboxName::inbox(),
//!     prefix: bytes::Bytes::new(),
//!     flags: Flags::new(),
//!     allowance: core_mailbox::Allowance::UNLIMITED,
//! };
//! mail.deliver(body, header, Default::default(), vec![to], &()).await?; // durable from here on
//!
//! let mailboxes = mail.account(account);
//! let view = mailboxes.open(&MailboxName::inbox()).await?;
//! let rows = view.rows(); // stays as it is while the view goes on
//! for (place, row) in rows.iter_from(0) {
//!     println!("{} {} {}", place + 1, row.uid, row.flags);
//! }
//! let mut watch = mail.watch(account);
//! watch.changed().await;
//! let changes = view.refresh().await?.changes_from(&rows);
//! println!("{} new", changes.arrived);
//! # Ok(())
//! # }
//! ```

mod adopt;
mod advance;
mod append;
mod bell;
mod beside;
mod bring;
mod change;
mod clear;
mod cold;
mod content;
mod copy;
mod count;
mod deposit;
mod draft;
mod examine;
mod expiry;
mod expunge;
mod expunged;
mod flags;
mod history;
mod hot;
mod key;
mod log;
mod mail;
mod mailbox;
mod mailboxes;
mod name;
mod names;
mod octets;
mod orphan;
mod recent;
mod records;
mod recover;
mod rows;
mod skip;
mod summary;
mod tree;
mod unique_id;
mod view;

pub use append::{Appended, Arrival};
pub use bell::Watch;
pub use beside::{Beside, NOTE_BYTES_MAX, NOTE_OPERATIONS_MAX, NotDelivered, Placing, UidSlot};
pub use bring::{Brought, BroughtAs, SourceId};
pub use change::{Changes, Event};
pub use content::{Content, EXPUNGED};
pub use copy::Copied;
pub use deposit::Deposit;
pub use examine::{Examined, Known, Place};
pub use expunged::{Expunged, ExpungedId};
pub use flags::{FlagChange, Stored};
pub use history::Entry;
pub use mail::{Allowance, Mail, Options, Usage};
pub use mailbox::{Mailbox, Status};
pub use mailboxes::Mailboxes;
pub use recover::ExpungedFilter;
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
