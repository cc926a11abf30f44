//! Which question of SMTP, submission and LMTP is which call of the core: [`SmtpDesk`] answers one
//! session. Holds what the core has handed out for it (account, recipients, the message on its way
//! in) and no rule of its own.

mod desk;
mod guard;
mod log;
mod refusal;

pub use desk::{SmtpDesk, Visitor};
pub use guard::Guard;
