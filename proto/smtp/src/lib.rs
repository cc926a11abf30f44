//! SMTP, submission and LMTP, server side.

mod ask;
mod options;
mod reply;

pub use ask::{
    Answer, Ask, BodyType, Client, Finished, MailParameters, Notify, RcptParameters, Recipient,
    Ret, Sender,
};
pub use options::{Cleartext, Login, Mode, Options, Peer, Standing, StartTls, Timeouts};
pub use reply::{Reply, ReplyCode, bare_reply, reply};
