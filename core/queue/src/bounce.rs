//! What there is to report.

/// What is reported of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// It was given up.
    Failed,
    /// It is late.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It was handed to a server that does not report.
    Relayed,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Failed, Kind::Delayed, Kind::Delivered, Kind::Relayed];

    pub fn to_octet(self) -> u8 {
        self as u8
    }

    pub fn from_octet(octet: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(octet)).copied()
    }
}
