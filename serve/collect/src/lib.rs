//! Mail that is fetched from servers elsewhere. [`RemoteImap`] is an account on one of them: it
//! lists mailboxes, tells what is in them, and hands over messages in pieces. It changes nothing
//! there, and knows nothing of where the mail goes. [`ImapSource`] is the same as a source of mail
//! that moves in.

mod error;
mod folder;
mod imap;
mod line;
mod names;
mod source;

pub use error::RemoteError;
pub use imap::{Begun, Opened, RemoteImap};
pub use line::{Encryption, Login};
pub use source::ImapSource;
