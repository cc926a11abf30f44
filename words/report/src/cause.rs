//! Why it was not delivered, as far as a person can do something about it.

use words_mail::EnhancedStatus;

/// A kind of reason, told from an enhanced status code (RFC 3463 and the registry it began).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody has the address.
    UnknownUser,
    /// Nothing takes mail for the domain.
    NoSuchDomain,
    /// The mailbox has no room.
    MailboxFull,
    /// The mailbox takes no mail.
    MailboxDisabled,
    /// The message is too large.
    TooLarge,
    /// The other side does not want it.
    Policy,
    /// The other side does not believe that it comes from whom it says.
    NotGenuine,
    /// There is no TLS of the kind that is demanded.
    TlsDemanded,
    /// No server of the domain could be reached.
    Unreachable,
    /// It goes round in circles.
    Loop,
    /// The other side does not understand this kind of message.
    NotUnderstood,
    /// The other side has trouble of its own.
    Trouble,
    /// Nobody knows.
    Other,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 13] = [
        Cause::UnknownUser,
        Cause::NoSuchDomain,
        Cause::MailboxFull,
        Cause::MailboxDisabled,
        Cause::TooLarge,
        Cause::Policy,
        Cause::NotGenuine,
        Cause::TlsDemanded,
        Cause::Unreachable,
        Cause::Loop,
        Cause::NotUnderstood,
        Cause::Trouble,
        Cause::Other,
    ];

    /// The cause behind a status.
    pub fn of(status: EnhancedStatus) -> Cause {
        let EnhancedStatus(_, subject, detail) = status;
        match (subject, detail) {
            (1, 1 | 3 | 4 | 6) => Cause::UnknownUser,
            (1, 2 | 10) => Cause::NoSuchDomain,
            (2, 2) => Cause::MailboxFull,
            (2, 1) => Cause::MailboxDisabled,
            (2, 3) | (3, 4) => Cause::TooLarge,
            (7, 10 | 11 | 30) => Cause::TlsDemanded,
            (7, 20..=29) => Cause::NotGenuine,
            (7, _) => Cause::Policy,
            (4, 6) => Cause::Loop,
            (4, 1 | 2 | 3 | 4 | 7) => Cause::Unreachable,
            (6, _) => Cause::NotUnderstood,
            (3..=5, _) => Cause::Trouble,
            _ => Cause::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_from_status_codes() {
        for (status, cause) in [
            ((5, 1, 1), Cause::UnknownUser),
            ((5, 1, 10), Cause::NoSuchDomain),
            ((4, 2, 2), Cause::MailboxFull),
            ((5, 2, 1), Cause::MailboxDisabled),
            ((5, 3, 4), Cause::TooLarge),
            ((5, 7, 1), Cause::Policy),
            ((5, 7, 26), Cause::NotGenuine),
            ((5, 7, 10), Cause::TlsDemanded),
            ((4, 4, 1), Cause::Unreachable),
            ((5, 4, 6), Cause::Loop),
            ((5, 6, 7), Cause::NotUnderstood),
            ((4, 3, 0), Cause::Trouble),
            ((5, 0, 0), Cause::Other),
            ((9, 99, 999), Cause::Other),
        ] {
            assert_eq!(
                Cause::of(EnhancedStatus(status.0, status.1, status.2)),
                cause,
                "{status:?}"
            );
        }
    }
}
