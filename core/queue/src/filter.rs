//! What an operator asks for, and sees.

use crate::{Class, Destination, Said};
use core_store::Key;
use words_base::Timestamp;
use words_mail::{Address, ReversePath};

/// Which recipients are meant; all that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The message's id.
    pub id: Option<String>,
    /// The recipient's address, or a part of it; letters of either case.
    pub to: Option<String>,
    /// The sender's, likewise; `<>` is the null path.
    pub from: Option<String>,
    /// The recipient's domain.
    pub domain: Option<String>,
    /// Where it goes.
    pub destination: Option<Destination>,
    /// Queued before this.
    pub before: Option<Timestamp>,
    /// Held, or not.
    pub held: Option<bool>,
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(pub(crate) Key);

/// A part of the queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// By destination, and then as they will be taken.
    pub rows: Vec<Listed>,
    /// Where it goes on; `None` at the end. A listing may be short or empty and yet go on: it looks
    /// at a bounded part of the queue.
    pub next: Option<Position>,
}

/// A recipient who waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The message's.
    pub id: String,
    /// Its number in the message.
    pub number: u32,
    /// The sender.
    pub reverse_path: ReversePath,
    /// Octets of the message.
    pub size: u64,
    /// Who.
    pub address: Address,
    /// Whereto.
    pub destination: Destination,
    /// How it is treated.
    pub class: Class,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// What of it.
    pub state: RowState,
    /// What was said last.
    pub last: Option<LastWords>,
}

/// What was said at a recipient's last attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWords {
    /// When.
    pub at: Timestamp,
    /// What.
    pub said: Said,
}

/// What a recipient waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// It is being tried at this moment.
    Underway,
    /// For its next attempt.
    Waiting {
        /// Not before.
        next_at: Timestamp,
    },
    /// For its destination, which cannot be reached.
    Paused {
        /// When that is tried again.
        until: Timestamp,
    },
    /// For an operator.
    Held,
}

/// What an operator does to recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// They wait until they are released.
    Hold,
    /// Those on hold are due now.
    Release,
    /// They are due now, and so is their destination, whatever its pause.
    Retry,
    /// They go elsewhere from now on, and are due now.
    Reroute(Destination),
    /// They are forgotten; the sender is not told.
    Delete,
    /// They are given up, and the sender is told so.
    Bounce,
}

/// What a change came to so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changed {
    /// Recipients that were changed.
    pub changed: u64,
    /// Recipients that fit, and are underway at this moment: left alone.
    pub busy: u64,
    /// Where it goes on; `None` at the end.
    pub next: Option<Position>,
}

/// What waits for one destination.
#[derive(Clone, Debug, PartialEq)]
pub struct DestinationCount {
    /// Which.
    pub destination: Destination,
    /// Recipients that wait, those on hold not counted.
    pub waiting: u64,
    /// Recipients on hold.
    pub held: u64,
    /// When the oldest of them was queued.
    pub oldest: Option<Timestamp>,
    /// Jobs at this moment.
    pub jobs: u16,
    /// When it is tried again, and what was said, if it cannot be reached.
    pub paused: Option<(Timestamp, Said)>,
}

/// Counts of some destinations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// In the order of their names.
    pub destinations: Vec<DestinationCount>,
    /// Where it goes on; a destination that is continued comes again, with the rest of its count.
    pub next: Option<Position>,
}
