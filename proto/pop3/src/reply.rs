//! Answers to the client.

use words_mail::Refusal;

/// The response code and text of a refusal (RFC 2449 §8, RFC 3206).
pub(crate) fn refused(refusal: &Refusal) -> String {
    let code = match refusal {
        Refusal::LoginFailed => "[AUTH] ",
        Refusal::Unavailable | Refusal::StorageFull | Refusal::Limit(_) => "[SYS/TEMP] ",
        Refusal::NoSuchMailbox => "[SYS/PERM] ",
        Refusal::NoSuchRecipient
        | Refusal::RelayDenied
        | Refusal::NotGenuine { .. }
        | Refusal::NoRouteYet
        | Refusal::SenderNotOwned
        | Refusal::MailboxFull
        | Refusal::TooLarge { .. }
        | Refusal::Loop
        | Refusal::Malformed(_)
        | Refusal::MailboxExists
        | Refusal::BadMailboxName(_)
        | Refusal::NotPermitted(_) => "",
    };
    format!("{code}{refusal}")
}
