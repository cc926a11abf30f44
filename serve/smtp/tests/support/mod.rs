//! A post office in memory, and a client that speaks to a real session at a real desk.
#![allow(dead_code, reason = "each test file uses its own part")]

use core_delivery::{AttemptsTraced, Delivery};
use core_directory::{AccountChange, Directory, NewAccount, NewDevice, NewPassword};
use core_mailbox::Mail;
use core_queue::{ByDomain, Queue};
use core_store::MemoryStore;
use core_trace::{Filter, Order, Trace, Traced};
use core_world::World;
use core_world::testing::TestWorld;
use proto_line::{Desk, Secured, Session, Step};
use proto_smtp::{Cleartext, Mode, Options, Peer, SmtpSession, Standing};
use serve_login::Login;
use serve_smtp::{Guard, SmtpDesk, Visitor};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use words_mail::{AccountId, Address, Domain, MailboxName};

/// mired.org with ana and bob, each with the password of that name.
pub struct Office {
    pub store: Arc<MemoryStore>,
    directory: Arc<Directory>,
    mail: Mail,
    login: Login,
    delivery: Arc<Delivery>,
    /// What is to leave, of one that is connected.
    pub queue: Queue,
    pub trace: Trace,
    pub world: World,
}

impl Office {
    /// The same, and mail may leave: `list` and `out` lead elsewhere, whatever is for nobody goes to bob.
    pub fn connected() -> Office {
        let mut office = Office::mired();
        let options = delivery_options();
        let Office { directory, mail, world, queue, store, trace, .. } = &office;
        let delivery = Delivery::new(directory.clone(), mail.clone(), world.clone(), options)
            .with_way_out(queue.clone(), store.clone())
            .with_trace(trace.clone());
        office.delivery = Arc::new(delivery);
        for (name, targets) in
            [("list", &["ana@mired.org", "x@elsewhere.org"][..]), ("out", &["y@elsewhere.org"])]
        {
            let targets: Vec<Address> = targets.iter().map(|t| address(t)).collect();
            let name = address(&format!("{name}@mired.org"));
            now(office.directory.admin().add_alias(&name, &targets)).unwrap();
        }
        office
    }

    /// Where each message in the queue goes, as `from to to`.
    pub fn queued(&self) -> Vec<String> {
        let mut queued = Vec::new();
        let mut jobs = Vec::new();
        while let Some(job) = now(self.queue.take(self.world.clock.now())).unwrap() {
            let mut text = job.message.reverse_path.to_string();
            job.recipients.iter().for_each(|r| text.push_str(&format!(" {}", r.address)));
            queued.push(text);
            // Kept: given back, it would be taken again.
            jobs.push(job);
        }
        queued.sort();
        queued
    }

    /// All that was traced.
    pub fn traced(&self) -> Vec<Traced> {
        now(self.trace.write_pending()).unwrap();
        now(self.trace.find(&Filter::default(), Order::OldestFirst, None, 100)).unwrap().traced
    }

    pub fn mired() -> Office {
        let store = MemoryStore::new();
        let world = TestWorld::new().world();
        let directory =
            Directory::new(store.clone(), world.clone(), core_directory::Options::default());
        let directory = Arc::new(directory);
        let options = core_mailbox::Options::default();
        let mail = Mail::new(store.clone(), store.clone(), world.clone(), options);
        let options = delivery_options();
        let delivery = Delivery::new(directory.clone(), mail.clone(), world.clone(), options);
        let login = Login::new(directory.clone(), world.clone());
        let delivery = Arc::new(delivery);
        let trace = Trace::new(store.clone(), world.clone(), Default::default());
        let queue = Queue::new(
            store.clone(),
            store.clone(),
            world.clone(),
            Arc::new(ByDomain),
            Arc::new(AttemptsTraced(trace.clone())),
            core_queue::Options::new("mail.mired.org"),
        );
        let office = Office { store, directory, mail, login, delivery, queue, trace, world };
        now(office.directory.admin().add_domain(&Domain::parse("mired.org").unwrap())).unwrap();
        for name in ["ana", "bob"] {
            let password = Some(name.as_bytes().to_vec());
            let new = NewAccount::new(address(&format!("{name}@mired.org")), password);
            let provision = |batch: &mut _, id| office.mail.provision(batch, id, &[]);
            now(office.directory.admin().add_account(&new, provision)).unwrap();
        }
        office
    }

    /// Lets `name` keep no more than so many octets.
    pub fn set_quota(&self, name: &str, bytes: u64) {
        let change = AccountChange { quota_bytes: Some(Some(bytes)), ..Default::default() };
        now(self.directory.admin().set_account(&address(name), &change)).unwrap();
    }

    /// The messages in the INBOX of account `number`, in the order of their UIDs.
    pub fn inbox(&self, number: u32) -> Vec<String> {
        let mailboxes = self.mail.account(AccountId(number));
        let view = now(mailboxes.open(&MailboxName::inbox())).unwrap();
        let rows = now(view.refresh()).unwrap();
        let read = |row| {
            let content = now(mailboxes.content(&view, row)).unwrap();
            let octets = now(content.read(0, usize::MAX)).unwrap();
            String::from_utf8_lossy(&octets).into_owned()
        };
        rows.iter_from(0).map(|(_, row)| read(row)).collect()
    }

    /// Comes in from 192.0.2.7 at a port for other servers, at whose door `guard` stands.
    pub fn come(&self, guard: &Arc<Guard>) -> Client {
        let mut options = Options::new("mail.mired.org", Mode::Relay);
        options.ask_who_comes = true;
        let Client { session: _, desk } = self.connect(Mode::Relay, Standing::Stranger);
        let peer = Peer { standing: Standing::Stranger, cleartext: Cleartext::Allowed };
        let session = SmtpSession::new(Arc::new(options), peer);
        Client { session, desk: desk.guarded(guard.clone()) }
    }

    /// Comes in at a listener of `mode` and hears the banner.
    pub fn connect(&self, mode: Mode, standing: Standing) -> Client {
        let options = Options::new("mail.mired.org", mode);
        let cleartext = match standing {
            Standing::Trusted => Cleartext::Allowed,
            Standing::Stranger => Cleartext::Refused,
        };
        let session = SmtpSession::new(Arc::new(options), Peer { standing, cleartext });
        let peer = serve_login::Peer {
            session: "1".to_string(),
            address: "192.0.2.7".to_string(),
            protocol: "smtp",
        };
        let address = "192.0.2.7".parse().unwrap();
        let visitor = Visitor { peer, address, standing, examined: true };
        let desk = SmtpDesk::new(self.login.clone(), self.delivery.clone(), visitor);
        Client { session, desk }
    }
}

impl Office {
    pub fn set_password(&self, name: &str, password: &str) {
        let password = Some(NewPassword::Clear(password.as_bytes().to_vec()));
        let change = AccountChange { password, ..AccountChange::default() };
        now(self.directory.admin().set_account(&address(name), &change)).unwrap();
    }

    /// Gives its password.
    pub fn add_device(&self, name: &str, device: &str, protocols: &str) -> String {
        let (device, protocols) = (device.to_string(), protocols.parse().unwrap());
        let new = NewDevice { name: device, protocols, expires_at: None };
        now(self.directory.admin().add_device(&address(name), &new)).unwrap().1
    }
}

/// One connection.
pub struct Client {
    session: SmtpSession,
    desk: SmtpDesk,
}

impl Client {
    /// TLS from the first octet.
    pub fn secured(mut self) -> Client {
        let cipher = "TLS13_AES_256_GCM_SHA384".to_string();
        self.session.secured(Secured { version: "TLS1.3", cipher, exporter: Some([7; 32]) });
        self
    }

    /// Sends `text`, its lines ended by CRLF, and gives the last line that comes back.
    pub fn say(&mut self, text: &str) -> String {
        self.session.input(format!("{}\r\n", text.replace('\n', "\r\n")).as_bytes());
        self.hear()
    }

    /// The last line that comes without a word.
    pub fn hear(&mut self) -> String {
        self.run().trim_end().rsplit("\r\n").next().unwrap_or_default().to_string()
    }

    /// Everything that comes back.
    fn run(&mut self) -> String {
        let mut heard = Vec::new();
        loop {
            match self.session.step(Instant::now()) {
                Step::Send(octets) => heard.extend(octets),
                Step::Ask(ask) => {
                    let answer = now(self.desk.answer(ask));
                    self.session.answer(answer);
                }
                Step::Stream(never) => match never {},
                Step::Wait { .. } | Step::StartTls | Step::Close => break,
            }
        }
        String::from_utf8(heard).unwrap()
    }

    /// The last line that comes of the news there is while the session waits, if there is any.
    pub fn news(&mut self) -> Option<String> {
        let news = {
            let news = pin!(self.desk.news());
            match news.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(news) => news,
                Poll::Pending => return None,
            }
        };
        self.session.news(news);
        Some(self.hear())
    }

    /// Says each line, nothing if it is empty, and expects each reply to begin so.
    pub fn expect(&mut self, dialogue: &[(&str, &str)]) {
        for (said, want) in dialogue {
            let heard = if said.is_empty() { self.hear() } else { self.say(said) };
            assert!(heard.starts_with(want), "{said:?}: {heard:?}, not {want:?}");
        }
    }
}

fn delivery_options() -> core_delivery::Options {
    core_delivery::Options {
        host_name: "mail.mired.org".to_string(),
        size_max: 1 << 20,
        received_max: core_delivery::Options::RECEIVED_MAX,
    }
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// The output of a future that waits for nothing outside this thread.
pub fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("a future of this test waits for something");
}
