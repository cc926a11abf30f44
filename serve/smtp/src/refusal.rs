//! From what the core will not do to what SMTP says.

use proto_smtp::{Reply, reply};
use words_mail::{EnhancedStatus as Status, Refusal};

/// The reply for `refusal`. Whatever the core cannot mean here is temporary: the peer keeps its
/// message.
pub(crate) fn reply_to(refusal: &Refusal) -> Reply {
    let (code, status) = match refusal {
        Refusal::NoSuchRecipient => (550, Status(5, 1, 1)),
        Refusal::RelayDenied => (550, Status(5, 7, 1)),
        Refusal::NoRouteYet => (550, Status(5, 4, 4)),
        Refusal::SenderNotOwned => (553, Status(5, 7, 1)),
        Refusal::MailboxFull => (452, Status(4, 2, 2)),
        Refusal::StorageFull => (452, Status(4, 3, 1)),
        Refusal::TooLarge { .. } => (552, Status(5, 3, 4)),
        Refusal::Loop => (554, Status(5, 4, 6)),
        Refusal::NotGenuine { status, .. } => (550, *status),
        Refusal::Malformed(_) => (550, Status(5, 6, 0)),
        Refusal::NotPermitted(_) => (550, Status(5, 7, 1)),
        Refusal::LoginFailed => (535, Status(5, 7, 8)),
        Refusal::Limit(_) => (451, Status(4, 7, 0)),
        Refusal::NoSuchMailbox
        | Refusal::MailboxExists
        | Refusal::BadMailboxName(_)
        | Refusal::Unavailable => (451, Status(4, 3, 0)),
    };
    reply(code, status, refusal.to_string())
}

/// The same for a login. Only 535 says that name or password are wrong; clients drop a password
/// upon it, so trouble of ours is 454 (RFC 4954 §6).
pub(crate) fn reply_to_login(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::Unavailable | Refusal::StorageFull | Refusal::Limit(_) => {
            reply(454, Status(4, 7, 0), refusal.to_string())
        }
        // A device's password that is right, but not for this.
        Refusal::NotPermitted(_) => reply(535, Status(5, 7, 8), refusal.to_string()),
        refusal => reply_to(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_status_are_of_one_class() {
        for refusal in [
            Refusal::NoSuchRecipient,
            Refusal::RelayDenied,
            Refusal::NoRouteYet,
            Refusal::SenderNotOwned,
            Refusal::MailboxFull,
            Refusal::TooLarge { size_max: 1 },
            Refusal::Loop,
            Refusal::NotGenuine { status: Status(5, 7, 26), reason: "x".to_string() },
            Refusal::Malformed("x"),
            Refusal::NoSuchMailbox,
            Refusal::MailboxExists,
            Refusal::BadMailboxName("x"),
            Refusal::NotPermitted("x"),
            Refusal::LoginFailed,
            Refusal::Limit("x"),
            Refusal::StorageFull,
            Refusal::Unavailable,
        ] {
            for reply in [reply_to(&refusal), reply_to_login(&refusal)] {
                let class = reply.status.map(|s| u16::from(s.0));
                assert_eq!(class, Some(reply.code.0 / 100), "{refusal:?}");
            }
        }
    }

    #[test]
    fn trouble_of_ours_is_temporary() {
        let full = reply_to(&Refusal::StorageFull);
        assert_eq!((full.code.0, full.status), (452, Some(Status(4, 3, 1))));
        assert_eq!(reply_to_login(&Refusal::StorageFull).code.0, 454);
        assert_eq!(reply_to(&Refusal::Unavailable).code.0, 451);
        assert_eq!(reply_to_login(&Refusal::Unavailable).code.0, 454);
        assert_eq!(reply_to_login(&Refusal::LoginFailed).code.0, 535);
    }
}
