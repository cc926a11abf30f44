//! The real house on a simulated disk: engine, core, serve and proto as `app` wires them, without
//! sockets and threads.

use crate::disk::SimDisk;
use crate::driver::{self, Stop, Stopping};
use crate::executor::{Side, World};
use crate::fault::{Broken, FaultyStore};
use crate::network::{End, wire};
use crate::outside::Outside;
use core_delivery::Delivery;
use core_directory::{AccountChange, Directory, NewAccount};
use core_mailbox::Mail;
use core_store::{Blobs, Store};
use engine_store_embedded::{EmbeddedStore, OpenError, Options, Steps};
use proto_imap::ImapServer;
use proto_pop3::Pop3Server;
use proto_smtp::{Cleartext, Mode, SmtpSession, Standing};
use serve_imap::ImapDesk;
use serve_login::Login;
use serve_pop3::Pop3Desk;
use serve_smtp::{SmtpDesk, Visitor};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use words_mail::{Address, Domain, MailboxName, SpecialUse};

/// Who lives here; each one's password is their name.
pub const NAMES: [&str; 3] = ["ana", "bob", "eva"];
/// Octets that eva may keep.
const QUOTA: u64 = 60_000;
/// Polls of a future that nothing moves on, before the simulation takes it for stuck.
const IDLE_MAX: usize = 1_000;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Mail from other servers.
    Smtp,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
}

/// The house while its process lives.
pub struct House {
    /// The engine.
    pub store: Arc<EmbeddedStore>,
    /// Its work; none while it is closed because the disk has failed.
    pub steps: Option<Steps>,
    /// The accounts' numbers, in the order of [`NAMES`].
    pub accounts: Vec<u32>,
    /// What everybody in it is told when it goes down.
    pub stopping: Stopping,
    /// What keeps mailboxes.
    pub mail: Mail,
    seam: (Arc<dyn Store>, Arc<dyn Blobs>),
    outside: Arc<Outside>,
    directory: Arc<Directory>,
    login: Login,
    delivery: Arc<Delivery>,
    office: Arc<serve_imap::Office>,
}

impl House {
    /// Starts the process on what the disk holds. `broken` is a fault put in on purpose.
    pub fn open(
        disk: &SimDisk,
        options: &Options,
        outside: &Arc<Outside>,
        broken: Broken,
    ) -> Result<House, OpenError> {
        let (store, steps) = EmbeddedStore::open_stepped(
            Arc::new(disk.clone()),
            Path::new("simulated"),
            options.clone(),
        )?;
        let seam: (Arc<dyn Store>, Arc<dyn Blobs>) = match broken {
            Broken::Nothing => (store.clone(), store.clone()),
            broken => (Arc::new(FaultyStore::new(store.clone(), broken)), store.clone()),
        };
        let world = outside.world();
        let directory = Directory::new(seam.0.clone(), world.clone(), Default::default());
        let directory = Arc::new(directory);
        let mail = Mail::new(seam.0.clone(), seam.1.clone(), world.clone(), Default::default());
        let delivery = core_delivery::Options {
            host_name: "mail.mired.org".to_owned(),
            size_max: 1 << 20,
            received_max: core_delivery::Options::RECEIVED_MAX,
        };
        let delivery = Delivery::new(directory.clone(), mail.clone(), world.clone(), delivery);
        let login = Login::new(directory.clone(), world.clone());
        let office =
            serve_imap::Office::new(login.clone(), mail.clone(), world, Default::default());
        Ok(House {
            login,
            delivery: Arc::new(delivery),
            office: Arc::new(office),
            accounts: (1..=NAMES.len() as u32).collect(),
            stopping: Stopping::new(Stop::default().into()),
            store,
            steps: Some(steps),
            mail,
            seam,
            outside: outside.clone(),
            directory,
        })
    }

    /// Makes the accounts, once.
    pub fn settle(&mut self) {
        let directory = self.directory.clone();
        let mail = self.mail.clone();
        self.block(async move {
            let domain = Domain::parse("mired.org").expect("a domain");
            directory.admin().add_domain(&domain).await.expect("added");
            for name in NAMES {
                let address = Address::new(name, domain.clone()).expect("an address");
                let password = Some(name.as_bytes().to_vec());
                let new = NewAccount::new(address.clone(), password);
                let archive = MailboxName::parse("Archive").expect("a name");
                let names = [(archive, Some(SpecialUse::Archive))];
                let provision = |batch: &mut _, id| mail.provision(batch, id, &names);
                directory.admin().add_account(&new, provision).await.expect("added");
                if name == "eva" {
                    let quota_bytes = Some(Some(QUOTA));
                    let change = AccountChange { quota_bytes, ..AccountChange::default() };
                    directory.admin().set_account(&address, &change).await.expect("set");
                }
            }
        });
    }

    /// As another process would see the mailboxes: it has read nothing yet.
    pub fn another_mail(&self) -> Mail {
        let (store, blobs) = self.seam.clone();
        Mail::new(store, blobs, self.outside.world(), Default::default())
    }

    /// Ends as it should.
    pub fn close(self) {
        let House { store, steps, .. } = self;
        steps.into_iter().for_each(Steps::close);
        store.close();
    }

    /// Does all the engine's work that waits. Did anything?
    pub fn work(&mut self) -> bool {
        let mut worked = false;
        let Some(steps) = &mut self.steps else { return false };
        while steps.commit() || steps.checkpoint() || steps.collect() || steps.prepare_segment() {
            worked = true;
        }
        worked
    }

    /// Waits for a future while nobody else does anything.
    pub fn block<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        let mut idle = 0;
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            idle = if self.work() { 0 } else { idle + 1 };
            assert!(idle < IDLE_MAX, "the house waits for something that never comes");
        }
    }

    /// Somebody connects; `breaks_after` so many octets.
    pub fn connect(&self, world: &World, protocol: Protocol, breaks_after: Option<u64>) -> End {
        let (ours, theirs) = wire(world, breaks_after);
        let stopping = self.stopping.clone();
        let peer = |protocol| serve_login::Peer {
            session: "sim".to_owned(),
            address: "192.0.2.7:1".to_owned(),
            protocol,
        };
        match protocol {
            Protocol::Smtp => {
                let options = proto_smtp::Options::new("mail.mired.org", Mode::Relay);
                let standing = Standing::Stranger;
                let known = proto_smtp::Peer { standing, cleartext: Cleartext::Allowed };
                let session = SmtpSession::new(Arc::new(options), known);
                let address = [192, 0, 2, 7].into();
                let peer = peer("smtp");
                let visitor = Visitor { peer, address, standing, examined: false };
                let desk = SmtpDesk::new(self.login.clone(), self.delivery.clone(), visitor);
                world
                    .spawn(Side::Server, driver::run(world.clone(), session, desk, ours, stopping));
            }
            Protocol::Imap => {
                let options = proto_imap::Options {
                    cleartext_login: true,
                    tls_available: false,
                    ..proto_imap::Options::default()
                };
                let session = ImapServer::new(Arc::new(options));
                let desk = ImapDesk::new(self.office.clone(), peer("imap"));
                world
                    .spawn(Side::Server, driver::run(world.clone(), session, desk, ours, stopping));
            }
            Protocol::Pop3 => {
                let session = Pop3Server::new(proto_pop3::Options {
                    cleartext_login: true,
                    tls_available: false,
                    ..proto_pop3::Options::default()
                });
                let desk = Pop3Desk::new(self.login.clone(), self.mail.clone(), peer("pop3"));
                world
                    .spawn(Side::Server, driver::run(world.clone(), session, desk, ours, stopping));
            }
        }
        theirs
    }
}
