//! What: mailboxes, messages, flags, and the change log. Knows no protocol and no socket.
//!
//! [`Mail`] is the process's one door to everybody's mailboxes; [`Mailboxes`] is one account's, and
//! holding it is the authority to use them. An open mailbox is a [`View`], shared by all who have it
//! open; what it holds at one moment are [`Rows`], immutable, shared chunk by chunk, cheap to keep.
//! Every commit that alters an account appends one numbered entry to its change log; views, IDLE and
//! whatever else wants to notice read that log.

mod change;
mod content;
mod mail;
mod mailboxes;
mod mailbox;
mod rows;
mod view;

pub use change::{Changes, Event};
pub use content::Content;
pub use mail::{Mail, Options, Usage, Watch};
pub use mailbox::{Mailbox, Status};
pub use mailboxes::{Appended, Arrival, Copied, FlagChange, Mailboxes, Stored};
pub use rows::{Row, Rows};
pub use view::View;
