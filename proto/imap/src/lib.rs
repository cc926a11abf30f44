//! IMAP4rev1 and its extensions, server side: grammar and order of the protocol. Knows no account,
//! no mailbox and no socket; drives as [`proto_line::Session`], and asks what [`Ask`] lists.

pub mod ask;

pub use ask::{Answer, Ask};
