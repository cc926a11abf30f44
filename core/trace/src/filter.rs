//! Which messages are looked for.

use crate::find::{Event, Traced};
use words_base::Timestamp;

/// Which messages are looked for: those that answer to all that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// That came at this time or later,
    pub since: Option<Timestamp>,
    /// and before this one.
    pub until: Option<Timestamp>,
    /// Whose reverse-path, or who had logged in, holds this text, in any case; `<>`: the null path.
    pub sender: Option<String>,
    /// One of whose recipients, as named or as the address that led to, holds this text, in any case.
    pub recipient: Option<String>,
    /// Whose Message-ID holds this text; with angle brackets around it: is just this.
    pub message_id: Option<String>,
    /// Of this id: the one in Received and in the log.
    pub id: Option<String>,
}

impl Filter {
    /// Does `traced` answer to it? Time and id are not looked at: what is read is chosen by them.
    pub(crate) fn takes(&self, traced: &Traced) -> bool {
        self.takes_sender(traced) && self.takes_recipient(traced) && self.takes_message_id(traced)
    }

    fn takes_sender(&self, traced: &Traced) -> bool {
        let Some(wanted) = &self.sender else { return true };
        traced.arrivals().any(|arrival| match (&arrival.reverse_path, wanted.as_str()) {
            (Some(path), "<>") => path.is_empty(),
            (None, "<>") => false,
            (path, wanted) => {
                let texts = path.iter().chain(&arrival.login);
                holds_one(texts.map(String::as_str), wanted)
            }
        })
    }

    fn takes_recipient(&self, traced: &Traced) -> bool {
        let Some(wanted) = &self.recipient else { return true };
        traced.events.iter().any(|event| match event {
            Event::Arrived(arrival) => {
                let lines = arrival.lines.iter();
                holds_one(lines.flat_map(|l| [l.named.as_str(), &l.address]), wanted)
            }
            Event::Attempted(attempt) => {
                holds_one(attempt.tried.iter().map(|t| t.address.as_str()), wanted)
            }
        })
    }

    fn takes_message_id(&self, traced: &Traced) -> bool {
        let Some(wanted) = &self.message_id else { return true };
        let is_whole = wanted.starts_with('<') && wanted.ends_with('>');
        let mut ids = traced.arrivals().filter_map(|arrival| arrival.message_id.as_deref());
        ids.any(|id| if is_whole { id == wanted } else { id.contains(wanted.as_str()) })
    }
}

fn holds_one<'a>(mut texts: impl Iterator<Item = &'a str>, wanted: &str) -> bool {
    let wanted = wanted.trim_start_matches('<').trim_end_matches('>').to_lowercase();
    texts.any(|text| text.to_lowercase().contains(&wanted))
}
