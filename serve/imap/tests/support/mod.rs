//! A post office in memory; clients that type at a real session, and clients that ask a desk.
#![allow(dead_code, reason = "each test file uses its own part")]

use core_directory::{AccountChange, Directory, NewAccount, NewDevice, NewPassword, Protocols};
use core_mailbox::Mail;
use core_store::MemoryStore;
use core_world::testing::TestWorld;
use proto_imap::ask::{
    Answer, Ask, Changes, Expunges, Fetch, FetchItems, FetchRow, Found, Numbers, Order, Search,
    SearchKey, Select, Selected,
};
use proto_imap::{ImapServer, Options};
use proto_line::{Desk, Session, Step};
use serve_imap::{ImapDesk, Office};
use serve_login::Login;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use words_mail::{AccountId, Address, Domain, MailboxName, SpecialUse, Uid};

/// mired.org with ana and bob, each with the password of that name.
pub struct PostOffice {
    pub mail: Mail,
    directory: Arc<Directory>,
    office: Arc<Office>,
    outside: Arc<TestWorld>,
}

impl PostOffice {
    pub fn open() -> PostOffice {
        PostOffice::open_with(serve_imap::Options::default())
    }

    /// One that keeps nothing of expunged messages.
    pub fn forgetful() -> PostOffice {
        PostOffice::open_as(serve_imap::Options::default(), std::time::Duration::ZERO)
    }

    pub fn open_with(options: serve_imap::Options) -> PostOffice {
        PostOffice::open_as(options, core_mailbox::Options::default().keep_expunged)
    }

    fn open_as(options: serve_imap::Options, keep_expunged: std::time::Duration) -> PostOffice {
        let store = MemoryStore::new();
        let outside = TestWorld::new();
        let world = outside.world();
        let directory =
            Directory::new(store.clone(), world.clone(), core_directory::Options::default());
        let directory = Arc::new(directory);
        // So that a test can have the log forget.
        let mail_options =
            core_mailbox::Options { log_min: 2, keep_expunged, ..core_mailbox::Options::default() };
        let mail = Mail::new(store.clone(), store, world.clone(), mail_options);
        now(directory.admin().add_domain(&Domain::parse("mired.org").unwrap())).unwrap();
        for name in ["ana", "bob"] {
            let password = Some(name.as_bytes().to_vec());
            let new = NewAccount::new(address(name), password);
            let names = [(mailbox("Sent"), Some(SpecialUse::Sent)), (mailbox("Work"), None)];
            let provision = |batch: &mut _, id| mail.provision(batch, id, &names);
            now(directory.admin().add_account(&new, provision)).unwrap();
        }
        let office =
            Office::new(Login::new(directory.clone(), world.clone()), mail.clone(), world, options);
        PostOffice { mail, directory, office: Arc::new(office), outside }
    }

    /// How much `name` may keep.
    pub fn set_quota(&self, name: &str, bytes: Option<u64>, messages: Option<u64>) {
        let change = AccountChange {
            quota_bytes: Some(bytes),
            quota_messages: Some(messages),
            ..AccountChange::default()
        };
        now(self.directory.admin().set_account(&address(name), &change)).unwrap();
    }

    /// Lets `name` in or not.
    pub fn set_disabled(&self, name: &str, disabled: bool) {
        let change = AccountChange { disabled: Some(disabled), ..AccountChange::default() };
        now(self.directory.admin().set_account(&address(name), &change)).unwrap();
    }

    /// Removes `name`.
    pub fn remove_account(&self, name: &str) {
        now(self.directory.admin().remove_account(&address(name))).unwrap();
    }

    pub fn set_password(&self, name: &str, password: &str) {
        let password = Some(NewPassword::Clear(password.as_bytes().to_vec()));
        let change = AccountChange { password, ..AccountChange::default() };
        now(self.directory.admin().set_account(&address(name), &change)).unwrap();
    }

    /// Gives its password.
    pub fn add_device(&self, name: &str, device: &str) -> String {
        let (device, protocols) = (device.to_string(), Protocols::ANY);
        let new = NewDevice { name: device, protocols, expires_at: None };
        now(self.directory.admin().add_device(&address(name), &new)).unwrap().1
    }

    pub fn remove_device(&self, name: &str, device: &str) {
        now(self.directory.admin().remove_device(&address(name), device)).unwrap();
    }

    pub fn pass(&self, seconds: i64) {
        self.outside.pass(Duration::from_secs(seconds.unsigned_abs()));
    }

    /// Forgets all but the last few entries of ana's log.
    pub fn trim_log(&self) {
        while !now(self.mail.trim_page(AccountId(1))).unwrap() {}
    }

    pub fn ana(&self) -> core_mailbox::Mailboxes {
        self.mail.account(AccountId(1))
    }

    pub fn desk(&self) -> ImapDesk {
        let peer = serve_login::Peer {
            session: "1".to_string(),
            address: "192.0.2.7".to_string(),
            protocol: "imap",
        };
        ImapDesk::new(self.office.clone(), peer)
    }

    /// A client that types.
    pub fn connect(&self) -> Client {
        let options = Options { cleartext_login: true, ..Options::default() };
        let mut client =
            Client { session: ImapServer::new(Arc::new(options)), desk: self.desk(), tag: 0 };
        client.type_in(b"");
        client
    }

    /// A client that types, logged in as ana.
    pub fn connect_as_ana(&self) -> Client {
        let mut client = self.connect();
        client.ok("LOGIN ana ana");
        client
    }

    /// A client that asks the desk, logged in as ana.
    pub fn ask_as_ana(&self) -> Asker {
        let mut asker = Asker { desk: self.desk() };
        let ask = proto_sasl::Ask::Password {
            authcid: "ana".to_string(),
            authzid: String::new(),
            password: proto_sasl::Secret::new(b"ana".to_vec()),
        };
        assert!(matches!(asker.ask(Ask::Login(ask)), Answer::Login(proto_sasl::Answer::Accepted)));
        asker
    }
}

fn address(name: &str) -> Address {
    Address::parse(&format!("{name}@mired.org")).unwrap()
}

pub fn mailbox(name: &str) -> MailboxName {
    MailboxName::parse(name).unwrap()
}

/// One connection, from the client's side.
pub struct Client {
    session: ImapServer,
    pub desk: ImapDesk,
    tag: u32,
}

impl Client {
    /// Sends octets; gives everything that comes back.
    pub fn type_in(&mut self, octets: &[u8]) -> String {
        self.session.input(octets);
        let mut heard = Vec::new();
        loop {
            match self.session.step(Instant::now()) {
                Step::Send(octets) => {
                    heard.extend_from_slice(&octets);
                    self.session.give_back(octets);
                }
                Step::Ask(ask) => {
                    let answer = now(self.desk.answer(ask));
                    self.session.answer(answer);
                }
                Step::Stream(stretch) => {
                    let before = heard.len() as u64;
                    while heard.len() as u64 - before < stretch.len {
                        let at = heard.len() as u64 - before;
                        heard.extend(now(self.desk.read(&stretch, at, 1000)).unwrap());
                    }
                }
                Step::Wait { .. } | Step::StartTls | Step::Close => break,
            }
        }
        String::from_utf8(heard).unwrap()
    }

    /// Types a command; gives the untagged lines, and the tagged one without its tag.
    pub fn say(&mut self, command: &str) -> String {
        self.tag += 1;
        let tag = format!("a{}", self.tag);
        let heard = self.type_in(format!("{tag} {command}\r\n").as_bytes());
        heard
            .replace(&format!("\r\n{tag} "), "\r\n")
            .trim_start_matches(&format!("{tag} "))
            .to_string()
    }

    /// Types a command that must succeed; gives the untagged lines.
    pub fn ok(&mut self, command: &str) -> String {
        let heard = self.say(command);
        let (untagged, tagged) = split_last(&heard);
        assert!(tagged.starts_with("OK"), "{command}: {heard}");
        untagged.to_string()
    }

    /// Types a command that must be refused; gives the tagged line.
    pub fn no(&mut self, command: &str) -> String {
        let heard = self.say(command);
        let (_, tagged) = split_last(&heard);
        assert!(tagged.starts_with("NO"), "{command}: {heard}");
        tagged.to_string()
    }

    /// Appends a message that must be taken, its lines ended by CRLF.
    pub fn append(&mut self, mailbox: &str, flags: &str, text: &str) -> String {
        let text = text.replace('\n', "\r\n");
        self.ok(&format!("APPEND {mailbox} ({flags}) {{{}+}}\r\n{text}", text.len()))
    }

    /// What comes when something has happened elsewhere; nothing if nothing has.
    pub fn news(&mut self) -> Option<String> {
        let news = poll_once(pin!(self.desk.news()))?;
        self.session.news(news);
        Some(self.type_in(b""))
    }
}

fn split_last(heard: &str) -> (&str, &str) {
    let trimmed = heard.strip_suffix("\r\n").unwrap_or(heard);
    match trimmed.rfind("\r\n") {
        Some(at) => (&heard[..at + 2], &trimmed[at + 2..]),
        None => ("", trimmed),
    }
}

/// One session, without its wire.
pub struct Asker {
    pub desk: ImapDesk,
}

impl Asker {
    pub fn ask(&mut self, ask: Ask) -> Answer {
        now(self.desk.answer(ask))
    }

    pub fn select(&mut self, select: Select) -> Selected {
        match self.ask(Ask::Select(select)) {
            Answer::Selected(selected) => *selected,
            other => panic!("{other:?}"),
        }
    }

    pub fn select_inbox(&mut self) -> Selected {
        self.select(Select { name: MailboxName::inbox(), read_only: false, qresync: None })
    }

    pub fn sync(&mut self, expunges: Expunges) -> Changes {
        match self.ask(Ask::Sync(expunges)) {
            Answer::Changes(changes) => changes,
            other => panic!("{other:?}"),
        }
    }

    /// Every row, over all pages; and whether some message was found gone.
    pub fn fetch(&mut self, numbers: Numbers, items: FetchItems) -> (Vec<FetchRow>, bool) {
        let mut fetch = Fetch {
            numbers,
            items: Arc::new(items),
            changed_since: None,
            vanished: false,
            cursor: None,
        };
        let (mut rows, mut gone) = (Vec::new(), false);
        loop {
            match self.ask(Ask::Fetch(fetch.clone())) {
                Answer::Fetched(page) => {
                    rows.extend(page.rows);
                    gone |= page.expunge_issued;
                    fetch.cursor = page.next;
                }
                other => panic!("{other:?}"),
            }
            if fetch.cursor.is_none() {
                return (rows, gone);
            }
        }
    }

    pub fn search(&mut self, key: SearchKey) -> Found {
        let search = Search { key, order: Order::Mailbox, uid: false, save: false };
        match self.ask(Ask::Search(search)) {
            Answer::Found(found) => found,
            other => panic!("{other:?}"),
        }
    }

    pub fn append(&mut self, name: &str, text: &str) -> Uid {
        let flags = words_mail::Flags::new();
        let size = text.len() as u64;
        for ask in [
            Ask::AppendBegin(mailbox(name)),
            Ask::AppendMessage { flags, received_at: None, size },
            Ask::AppendWrite(text.as_bytes().to_vec()),
            Ask::AppendMessageEnd,
        ] {
            assert!(matches!(self.ask(ask), Answer::Done));
        }
        match self.ask(Ask::AppendCommit) {
            Answer::Appended { uids, .. } => uids[0],
            other => panic!("{other:?}"),
        }
    }
}

/// Every number, as a set of that kind.
pub fn all_seqs() -> Numbers {
    Numbers::Seq(vec![(Some(1), None)])
}

pub fn seqs(first: u32, last: u32) -> Numbers {
    Numbers::Seq(vec![(Some(first), Some(last))])
}

pub fn uids(first: u32, last: u32) -> Numbers {
    Numbers::Uid(vec![(Some(first), Some(last))])
}

pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The output of a future that waits for nothing outside this thread.
pub fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..10_000 {
        if let Some(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
    panic!("a future of this test waits for something");
}
