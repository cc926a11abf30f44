//! The post office: store, directory and mail, tied together.

use crate::config::Config;
use crate::data::Data;
use crate::doors::Kind;
use crate::outgoing;
use crate::users::Users;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core_delivery::AttemptsTraced;
use core_directory::{AdminError, Directory};
use core_guard::{Doorkeeper, Pace};
use core_mailbox::Mail;
use core_queue::{ByDomain, NextHop, Queue};
use core_store::Batch;
use core_trace::Trace;
use core_world::World;
use engine_net::Tls;
use engine_password::Argon2Passwords;
use engine_store_embedded::{EmbeddedStore, OpenError};
use engine_system::{SystemClock, SystemRandom};
use serve_relay::Routes;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use words_mail::{AccountId, Domain, MailboxName, SpecialUse};

/// The mailboxes that every new account gets besides INBOX.
const MAILBOXES: [(&str, Option<SpecialUse>); 6] = [
    ("Drafts", Some(SpecialUse::Drafts)),
    ("Sent", Some(SpecialUse::Sent)),
    ("Trash", Some(SpecialUse::Trash)),
    ("Junk", Some(SpecialUse::Junk)),
    ("Archive", Some(SpecialUse::Archive)),
    ("Templates", None),
];

/// Largest message that the configuration may allow, in octets; what it does allow is looked at
/// where messages come in.
const SIZE_MAX: u64 = 2 << 30;
/// Room for the trace fields that we put on top of it.
const TRACE_MAX: u64 = 64 * 1024;

/// Octets of the store's metadata that a command keeps in memory,
const COMMAND_CACHE: usize = 4 << 20;
/// and of what it committed before a checkpoint,
const COMMAND_MEMORY: usize = 3 << 20;
/// and of the log, which is also what is read again after a kill.
const COMMAND_LOG: u64 = 24 << 20;

/// Everything that answers questions. Cheap to clone.
#[derive(Clone)]
pub struct Office {
    /// What it is all kept in.
    pub store: Arc<EmbeddedStore>,
    /// Clock, randomness, passwords.
    pub world: World,
    /// Who.
    pub directory: Arc<Directory>,
    /// What.
    pub mail: Mail,
    /// What waits to leave.
    pub queue: Queue,
    /// What became of each message.
    pub trace: Trace,
    /// Ways other than those of the DNS.
    pub routes: Arc<Routes>,
    /// How strangers have behaved, as long as it serves.
    pub doorkeeper: Arc<Doorkeeper>,
    duty: Arc<OnceLock<Duty>>,
}

/// What an office serves with, while it does.
pub struct Duty {
    /// Since when.
    pub since: SystemTime,
    /// What it was configured with when it began.
    pub config: Config,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// Where everything is kept.
    pub data: Data,
    /// What is open, and where.
    pub doors: Vec<(Kind, SocketAddr)>,
    /// The certificates.
    pub tls: Tls,
    /// Does the kernel keep it from most files?
    pub is_confined: bool,
}

impl Office {
    /// Opens the store in `data`, or makes it, for one command: with little memory, since a server
    /// on the same machine may need it, and an import commits more than any server does. Takes a
    /// while: not for a thread that serves others.
    pub fn open(data: &Data) -> Result<Office, OpenError> {
        let options = engine_store_embedded::Options {
            cache_size: COMMAND_CACHE,
            checkpoint_memory: COMMAND_MEMORY,
            checkpoint_log: COMMAND_LOG,
            ..engine_store_embedded::Options::default()
        };
        Office::open_with(data, &Config::default(), Arc::default(), Users::default(), options)
    }

    /// The same for a server, as the configuration says; `users` are asked about people whom nobody
    /// has entered.
    pub fn open_as(
        data: &Data,
        config: &Config,
        routes: Arc<Routes>,
        users: Users,
    ) -> Result<Office, OpenError> {
        Office::open_with(data, config, routes, users, engine_store_embedded::Options::default())
    }

    fn open_with(
        data: &Data,
        config: &Config,
        routes: Arc<Routes>,
        users: Users,
        options: engine_store_embedded::Options,
    ) -> Result<Office, OpenError> {
        let store = EmbeddedStore::open(&data.store(), options)?;
        let random = Arc::new(SystemRandom);
        let passwords = Arc::new(Argon2Passwords::new(random.clone()));
        let world = World { clock: Arc::new(SystemClock), random, passwords };
        let keeping = &config.mail;
        let options = core_mailbox::Options {
            size_max: SIZE_MAX + TRACE_MAX,
            keep_expunged: keeping.keep_expunged(),
            ..core_mailbox::Options::default()
        };
        let mail = Mail::new(store.clone(), store.clone(), world.clone(), options);
        let options = core_directory::Options { separator: keeping.separator.0 };
        let boxes = mail.clone();
        let provision = Arc::new(move |batch: &mut Batch, id| provision(&boxes, batch, id));
        let directory = Directory::new(store.clone(), world.clone(), options)
            .with_elsewhere(users.elsewhere(&world, provision));
        let directory = Arc::new(directory);
        let trace = Trace::new(store.clone(), world.clone(), core_trace::Options::default());
        let next_hop: Arc<dyn NextHop> = match config.route.is_empty() {
            true => Arc::new(ByDomain),
            false => routes.clone(),
        };
        let tracer = Arc::new(AttemptsTraced(trace.clone()));
        let options = outgoing::queue_options(config);
        let (blobs, clone) = (store.clone(), world.clone());
        let queue = Queue::new(store.clone(), blobs, clone, next_hop, tracer, options);
        let duty = Arc::default();
        let doorkeeper = Arc::new(Doorkeeper::new(Pace::default()));
        Ok(Office { store, world, directory, mail, queue, trace, routes, duty, doorkeeper })
    }

    /// What the DNS shall say of the keys of a domain: selectors and records.
    pub async fn published_keys(
        &self,
        domain: &Domain,
    ) -> Result<Vec<(String, String)>, AdminError> {
        let keys = self.directory.admin().list_dkim_keys(domain).await?;
        let record = |key: core_directory::DkimKeyEntry| {
            let public = STANDARD.encode(&key.public);
            let text = format!("v=DKIM1; k={}; p={public}", key.algorithm);
            (key.selector, text)
        };
        Ok(keys.into_iter().map(record).collect())
    }

    /// From now on it serves.
    pub fn begin_duty(&self, duty: Duty) {
        // It begins once.
        let _ = self.duty.set(duty);
    }

    /// What it serves with, if it does.
    pub fn duty(&self) -> Option<&Duty> {
        self.duty.get()
    }

    /// Adds to `batch` the first mailboxes of a new account.
    pub fn provision(&self, batch: &mut Batch, account: AccountId) {
        provision(&self.mail, batch, account);
    }
}

fn provision(mail: &Mail, batch: &mut Batch, account: AccountId) {
    let named =
        |(name, special_use): (&str, _)| Some((MailboxName::parse(name).ok()?, special_use));
    let names: Vec<_> = MAILBOXES.into_iter().filter_map(named).collect();
    mail.provision(batch, account, &names);
}
