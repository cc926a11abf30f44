//! The nouns of mail, in the RFCs' own words: addresses, paths, mailboxes, flags, numbers, refusals.
//! Knows how each is written; does no I/O and holds no policy.

mod address;
mod deliver_to;
mod flag;
mod id;
mod mailbox_name;
pub mod modified_utf7;
mod number_set;
mod path;
mod refusal;
mod report;
mod special_use;
mod status;

pub use address::{Address, Domain};
pub use deliver_to::{DeliverTo, Place};
pub use flag::{Flags, Keyword, SystemFlag};
pub use id::{AccountId, MailboxId, ModSeq, SeqNum, Uid, UidValidity};
pub use mailbox_name::MailboxName;
pub use number_set::NumberSet;
pub use path::{ForwardPath, ReversePath};
pub use refusal::Refusal;
pub use report::{BodyType, Notify, OriginalRecipient, Ret, decode_xtext, encode_xtext};
pub use special_use::SpecialUse;
pub use status::EnhancedStatus;
