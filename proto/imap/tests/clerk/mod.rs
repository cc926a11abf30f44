//! A desk that always says yes, and a driver, for tests that care for bytes alone.

use proto_imap::ask::{
    Changes, FetchCursor, FetchPage, FetchRow, Found, Listed, Section, Selected, Status, Stored,
    Stretch,
};
use proto_imap::{Answer, Ask, ImapServer, Options};
use proto_line::{Session, Step};
use std::sync::Arc;
use std::time::Instant;
use words_base::Timestamp;
use words_mail::{Flags, MailboxName, ModSeq, NumberSet, SeqNum, Uid, UidValidity};
use words_message::{StructureScanner, Summary};

const MESSAGE: &[u8] = b"From: ana@mired.org\r\nSubject: hola\r\n\r\nhola\r\n";

/// A connection whose peer reads everything at once.
pub struct Connection {
    pub session: ImapServer,
    pub sent: Vec<u8>,
    pub is_closed: bool,
    /// Octets of every question's text, for tests that look for what was understood.
    pub asked: Vec<String>,
    now: Instant,
}

impl Connection {
    /// Of a server in its lab, greeting said.
    pub fn open() -> Connection {
        let options = Options { cleartext_login: true, errors_max: u32::MAX, ..Options::default() };
        let session = ImapServer::new(Arc::new(options));
        let now = Instant::now();
        let mut connection =
            Connection { session, sent: Vec::new(), is_closed: false, asked: Vec::new(), now };
        connection.run();
        connection
    }

    /// Hands over bytes, and lets the session do what it can.
    pub fn say(&mut self, bytes: &[u8]) {
        if !self.is_closed {
            self.session.input(bytes);
            self.run();
        }
    }

    fn run(&mut self) {
        loop {
            match self.session.step(self.now) {
                Step::Send(bytes) => {
                    self.sent.extend_from_slice(&bytes);
                    self.session.give_back(bytes);
                }
                Step::Stream(stretch) => {
                    let (offset, len) = (stretch.offset as usize, stretch.len as usize);
                    self.sent.extend_from_slice(&MESSAGE[offset..offset + len]);
                }
                Step::Ask(ask) => {
                    let answer = answer(&ask);
                    // Chunks are cut as the packets were; what matters is their sum.
                    if !matches!(ask, Ask::AppendWrite(_)) {
                        self.asked.push(format!("{ask:?}"));
                    }
                    self.session.answer(answer);
                }
                Step::Wait { .. } => return,
                Step::StartTls => return,
                Step::Close => {
                    self.is_closed = true;
                    return;
                }
            }
        }
    }
}

fn answer(ask: &Ask) -> Answer {
    match ask {
        Ask::Login(_) => Answer::Login(proto_sasl::Answer::Accepted),
        Ask::List(_) => Answer::Listed(vec![listed()]),
        Ask::Status(_) => Answer::Status(Status::default()),
        Ask::Create(..) => Answer::Created("F1".to_string()),
        Ask::Select(_) => Answer::Selected(Box::new(selected())),
        Ask::Quota => Answer::Quota(Vec::new()),
        Ask::AppendCommit => Answer::Appended { uid_validity: UidValidity(1), uids: vec![Uid(7)] },
        Ask::Fetch(fetch) => Answer::Fetched(page(fetch)),
        Ask::Store(_) => Answer::Stored(Stored::default()),
        Ask::Copy { .. } => Answer::Copied {
            uid_validity: UidValidity(1),
            uids: vec![(Uid(1), Uid(2))],
            modseq: ModSeq(1),
        },
        Ask::Search(_) => Answer::Found(Found { numbers: vec![1, 2, 5], ..Found::default() }),
        Ask::Sync(_) => Answer::Changes(Changes {
            exists: Some(3),
            vanished: NumberSet::from_range(5, 6),
            expunged: vec![SeqNum(2)],
            ..Changes::default()
        }),
        Ask::Identified(_)
        | Ask::Delete(_)
        | Ask::Rename(..)
        | Ask::Subscribe(..)
        | Ask::Unselect
        | Ask::AppendBegin(_)
        | Ask::AppendMessage { .. }
        | Ask::AppendWrite(_)
        | Ask::AppendMessageEnd
        | Ask::AppendAbort
        | Ask::Expunge(_)
        | Ask::Watch(_) => Answer::Done,
    }
}

fn listed() -> Listed {
    Listed {
        name: MailboxName::inbox(),
        exists: true,
        children: false,
        subscribed: true,
        special_use: None,
        child_subscribed: false,
        status: Some(Status::default()),
    }
}

fn selected() -> Selected {
    Selected {
        exists: 3,
        first_unseen: None,
        uid_next: Uid(9),
        uid_validity: UidValidity(1),
        highest_modseq: ModSeq(4),
        mailbox_id: "F1".to_string(),
        keywords: Vec::new(),
        vanished_earlier: None,
        changed: Vec::new(),
    }
}

/// Two pages of one row each.
fn page(fetch: &proto_imap::ask::Fetch) -> FetchPage {
    let first = fetch.cursor.is_none();
    let mut scanner = StructureScanner::new();
    scanner.feed(MESSAGE);
    let stretch = Stretch { len: 6, body: Arc::new(()), offset: 38 };
    let sections = fetch.items.sections.iter().enumerate().map(|(i, _)| match i % 3 {
        0 => Some(Section::Stretch(stretch.clone())),
        1 => Some(Section::Bytes(bytes::Bytes::from_static(b"x: y\r\n\r\n"))),
        _ => None,
    });
    let row = FetchRow {
        seq: SeqNum(if first { 1 } else { 2 }),
        uid: Uid(5),
        flags: Flags::new(),
        flags_changed: fetch.items.set_seen,
        modseq: ModSeq(4),
        size: MESSAGE.len() as u64,
        received_at: Timestamp::from_seconds(0),
        saved_at: Timestamp::from_seconds(0),
        email_id: 3,
        summary: fetch.items.envelope.then(|| Summary::of_header(MESSAGE).encode().into()),
        structure: fetch.items.structure.then(|| Arc::new(scanner.finish())),
        sections: sections.collect(),
    };
    FetchPage { rows: vec![row], next: first.then_some(FetchCursor(1)), ..FetchPage::default() }
}
