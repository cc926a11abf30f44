//! Real sessions at real desks over a store in memory.

use core_directory::{AccountChange, Directory, NewAccount, NewDevice, NewPassword};
use core_mailbox::{Allowance, Arrival, Brought, Mail, SourceId};
use core_store::MemoryStore;
use core_store::suite::block_on;
use core_world::testing::TestWorld;
use proto_line::{Desk, News, Session, Step};
use proto_pop3::{Options, Pop3Server};
use serve_login::{Login, Peer};
use serve_pop3::Pop3Desk;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use words_base::Timestamp;
use words_mail::{AccountId, Address, Domain, Flags, MailboxName, Uid};

/// mired.org with ana, whose password is her name.
struct Office {
    store: Arc<MemoryStore>,
    directory: Arc<Directory>,
    mail: Mail,
    login: Login,
}

impl Office {
    fn open() -> Office {
        let store = MemoryStore::new();
        let world = TestWorld::new().world();
        let options = core_directory::Options::default();
        let directory = Arc::new(Directory::new(store.clone(), world.clone(), options));
        let options = core_mailbox::Options::default();
        let mail = Mail::new(store.clone(), store.clone(), world.clone(), options);
        block_on(directory.admin().add_domain(&Domain::parse("mired.org").unwrap())).unwrap();
        let new = NewAccount::new(address(), Some(b"ana".to_vec()));
        let provision = |batch: &mut _, id| mail.provision(batch, id, &[]);
        block_on(directory.admin().add_account(&new, provision)).unwrap();
        let login = Login::new(directory.clone(), world);
        Office { store, directory, mail, login }
    }

    fn file(&self, message: &str) {
        let mailboxes = self.mail.account(AccountId(1));
        let inbox = block_on(mailboxes.find(&MailboxName::inbox())).unwrap();
        let mut writer = self.mail.begin_body();
        block_on(writer.write(message.as_bytes())).unwrap();
        let body = block_on(writer.finish()).unwrap();
        let header = message.split_inclusive("\r\n\r\n").next().unwrap().to_string().into();
        let received_at = Timestamp::from_seconds(1);
        let arrival = Arrival { body, header, flags: Flags::new(), received_at };
        block_on(mailboxes.append(inbox.id, vec![arrival])).unwrap();
    }

    /// Brings a message that POP3 called `unique_id` elsewhere, where it had this UID.
    fn bring(&self, uid: u32, unique_id: &str) {
        let mailboxes = self.mail.account(AccountId(1));
        let inbox = block_on(mailboxes.find(&MailboxName::inbox())).unwrap();
        let mut writer = self.mail.begin_body();
        block_on(writer.write(message(uid as usize).as_bytes())).unwrap();
        let brought = Brought {
            body: block_on(writer.finish()).unwrap(),
            header: format!("Subject: {uid}\r\n").into(),
            flags: Flags::new(),
            received_at: Timestamp::from_seconds(1),
            uid: Some(Uid(uid)),
            unique_id: Some(unique_id.to_string()),
            source_key: uid.to_be_bytes().to_vec(),
        };
        let all = Allowance::UNLIMITED;
        block_on(mailboxes.bring(inbox.id, SourceId(1), vec![brought], all)).unwrap();
    }

    fn connect(&self) -> Client {
        let peer =
            Peer { session: "1".to_string(), address: "192.0.2.7".to_string(), protocol: "pop3" };
        let options = Options { cleartext_login: true, ..Options::default() };
        let desk = Pop3Desk::new(self.login.clone(), self.mail.clone(), peer);
        Client { session: Pop3Server::new(options), desk }
    }

    fn connect_as_ana(&self) -> Client {
        let mut client = self.connect();
        let heard = client.say("USER ana\r\nPASS ana\r\n");
        assert!(heard.contains(" octets)"), "{heard}");
        client
    }
}

fn ids(client: &mut Client) -> Vec<String> {
    let heard = client.say("UIDL\r\n");
    let lines = heard.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit()));
    lines.map(|l| l.split(' ').nth(1).unwrap().to_string()).collect()
}

fn address() -> Address {
    Address::parse("ana@mired.org").unwrap()
}

struct Client {
    session: Pop3Server,
    desk: Pop3Desk,
}

impl Client {
    /// Everything that comes back. While the session waits the desk has its time, as with a driver.
    fn say(&mut self, text: &str) -> String {
        self.session.input(text.as_bytes());
        let mut heard = Vec::new();
        loop {
            match self.session.step(Instant::now()) {
                Step::Send(octets) => heard.extend(octets),
                Step::Ask(ask) => {
                    let answer = block_on(self.desk.answer(ask));
                    self.session.answer(answer);
                }
                Step::Stream(never) => match never {},
                Step::Wait { .. } => break,
                Step::StartTls | Step::Close => {
                    heard.extend_from_slice(b"<close>");
                    break;
                }
            }
        }
        if !heard.ends_with(b"<close>") {
            assert_eq!(self.news(), None, "a maildrop stays as it is");
        }
        String::from_utf8(heard).unwrap()
    }

    /// News, if there is any while the session waits.
    fn news(&mut self) -> Option<News> {
        let news = pin!(self.desk.news());
        match news.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(news) => Some(news),
            Poll::Pending => None,
        }
    }
}

fn message(number: usize) -> String {
    format!("Subject: {number}\r\n\r\n{}\r\n", number.to_string().repeat(number * 100))
}

#[test]
fn every_message_comes_as_it_is_in_any_order() {
    let office = Office::open();
    (1..=6).for_each(|n| office.file(&message(n)));
    let mut client = office.connect_as_ana();
    // Forwards, where the next one was read ahead; backwards, twice, and past the end.
    for number in [1, 2, 3, 2, 1, 6, 5, 5, 6, 4] {
        let heard = client.say(&format!("RETR {number}\r\n"));
        let text = message(number);
        assert_eq!(heard, format!("+OK {} octets\r\n{text}.\r\n", text.len()), "{number}");
    }
    assert!(client.say("RETR 7\r\n").starts_with("-ERR no such message"));
    assert_eq!(client.say("TOP 2 0\r\n").matches("Subject: 2\r\n\r\n.\r\n").count(), 1);
}

#[test]
fn a_large_message_comes_in_pieces() {
    let office = Office::open();
    let text = format!("Subject: large\r\n\r\n{}", ".dots and more\r\n".repeat(20_000));
    office.file(&text);
    office.file(&message(2));
    let heard = office.connect_as_ana().say("RETR 1\r\nRETR 2\r\n");
    assert!(heard.contains(&text.replace("\r\n.", "\r\n..")));
    assert!(heard.ends_with(&format!("{}.\r\n", message(2))));
}

#[test]
fn a_session_sees_the_maildrop_as_it_was_at_login() {
    let office = Office::open();
    office.file(&message(1));
    office.file(&message(2));
    let (mut first, mut second) = (office.connect_as_ana(), office.connect_as_ana());
    office.file(&message(3));
    assert!(first.say("STAT\r\n").starts_with("+OK 2 "));
    assert!(first.say("DELE 1\r\nQUIT\r\n").ends_with("+OK good-bye\r\n<close>"));
    // The other one keeps its numbers; what is gone cannot be read, what is there can.
    assert!(second.say("STAT\r\n").starts_with("+OK 2 "));
    assert!(second.say("RETR 2\r\n").contains("Subject: 2"));
    assert!(second.say("DELE 1\r\nDELE 2\r\nQUIT\r\n").ends_with("+OK good-bye\r\n<close>"));
    assert!(office.connect_as_ana().say("STAT\r\n").starts_with("+OK 1 "));
}

#[test]
fn unique_ids_never_change_and_never_come_again() {
    let office = Office::open();
    (1..=3).for_each(|n| office.file(&message(n)));
    let before = ids(&mut office.connect_as_ana());
    office.connect_as_ana().say("DELE 3\r\nQUIT\r\n");
    office.file(&message(4));
    let after = ids(&mut office.connect_as_ana());
    assert_eq!((before.len(), &after[..2]), (3, &before[..2]));
    assert!(!before.contains(&after[2]));
}

#[test]
fn messages_brought_from_elsewhere_keep_their_unique_ids() {
    let office = Office::open();
    office.file(&message(1));
    office.bring(20, "0000001455667788");
    office.bring(21, "UID21-1234");
    let mut client = office.connect_as_ana();
    let all = ids(&mut client);
    assert_eq!(all[1..], ["0000001455667788", "UID21-1234"]);
    assert_eq!(client.say("UIDL 3\r\n"), "+OK 3 UID21-1234\r\n");
    client.say("DELE 2\r\nQUIT\r\n");
    office.file(&message(22));
    let after = ids(&mut office.connect_as_ana());
    assert_eq!(after[..2], [all[0].clone(), all[2].clone()]);
    assert!(!all.contains(&after[2]));
}

#[test]
fn nothing_goes_without_quit_or_when_the_store_fails() {
    let office = Office::open();
    office.file(&message(1));
    let mut dropped = office.connect_as_ana();
    dropped.say("DELE 1\r\n");
    drop(dropped);
    let mut failing = office.connect_as_ana();
    failing.say("DELE 1\r\n");
    office.store.unavailable(true);
    let heard = failing.say("QUIT\r\n");
    assert!(heard.contains("-ERR [SYS/TEMP]") && heard.ends_with("<close>"), "{heard}");
    office.store.unavailable(false);
    assert!(office.connect_as_ana().say("STAT\r\n").starts_with("+OK 1 "));
}

#[test]
fn who_is_disabled_gets_nothing_more() {
    let office = Office::open();
    office.file(&message(1));
    let mut client = office.connect_as_ana();
    let change = AccountChange { disabled: Some(true), ..AccountChange::default() };
    block_on(office.directory.admin().set_account(&address(), &change)).unwrap();
    let heard = client.say("RETR 1\r\n");
    assert!(!heard.contains("Subject: 1"), "{heard}");
    assert!(office.connect().say("USER ana\r\nPASS ana\r\n").contains("-ERR [AUTH]"));
}

#[test]
fn a_new_password_ends_a_session_that_says_nothing() {
    let office = Office::open();
    let mut client = office.connect_as_ana();
    let password = Some(NewPassword::Clear(b"new".to_vec()));
    let change = AccountChange { password, ..AccountChange::default() };
    block_on(office.directory.admin().set_account(&address(), &change)).unwrap();
    assert_eq!(client.news(), Some(News::ShutOut));
    assert_eq!(office.connect().say("USER ana\r\nPASS new\r\n").matches("+OK").count(), 3);
}

#[test]
fn a_device_comes_only_by_its_own_protocol_and_is_told_so() {
    let office = Office::open();
    let add = |name: &str, protocols: &str| {
        let protocols = protocols.parse().unwrap();
        let new = NewDevice { name: name.to_string(), protocols, expires_at: None };
        block_on(office.directory.admin().add_device(&address(), &new)).unwrap().1
    };
    let login = |password: &str| office.connect().say(&format!("USER ana\r\nPASS {password}\r\n"));
    assert!(login(&add("old phone", "pop3")).contains(" octets)"));
    let heard = login(&add("printer", "smtp"));
    assert!(heard.contains("-ERR not permitted: this device password is for another"), "{heard}");
}
