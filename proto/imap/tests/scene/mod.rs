//! How IMAP's questions and answers are written in transcripts, and a mailbox's messages made up
//! from the files in `tests/messages`.

mod answer;
mod message;
mod question;

use proto_imap::ask::{FetchItems, Stretch};
use proto_imap::{Answer, Ask, ImapServer, Options};
use proto_line::Scene;
use std::cell::RefCell;
use std::sync::Arc;

/// The scene of every transcript.
#[derive(Default)]
pub struct Mailroom {
    options: Options,
    /// What the last FETCH asked, so that its answer can be made up from whole messages.
    wanted: RefCell<Arc<FetchItems>>,
}

impl Mailroom {
    /// With options of one's own.
    pub fn new(options: Options) -> Mailroom {
        Mailroom { options, ..Mailroom::default() }
    }
}

impl Scene for Mailroom {
    type Session = ImapServer;

    fn open(&self) -> ImapServer {
        ImapServer::new(Arc::new(self.options.clone()))
    }

    fn question(&self, ask: &Ask) -> String {
        if let Ask::Fetch(fetch) = ask {
            *self.wanted.borrow_mut() = Arc::clone(&fetch.items);
        }
        question::text(ask)
    }

    fn answer(&self, text: &str) -> Result<Answer, String> {
        answer::read(text, &self.wanted.borrow())
    }

    fn stretch(&self, stretch: &Stretch) -> Vec<u8> {
        message::octets(stretch)
    }
}
