//! Mail that is fetched from servers elsewhere. [`RemoteImap`] is an account on one of them: it
//! lists mailboxes, tells what is in them, and hands over messages in pieces. It changes nothing
//! there, and knows nothing of where the mail goes.

mod error;
mod imap;
mod line;

pub use error::RemoteError;
pub use imap::{Begun, Opened, RemoteImap};
pub use line::{Encryption, Login};
