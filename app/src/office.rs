//! The post office: store, directory and mail, tied together.

use crate::config::Keeping;
use crate::data::Data;
use crate::doors::Kind;
use crate::users::Users;
use core_directory::Directory;
use core_mailbox::Mail;
use core_store::Batch;
use core_world::World;
use engine_net::Tls;
use engine_password::Argon2Passwords;
use engine_store_embedded::{EmbeddedStore, OpenError};
use engine_system::{SystemClock, SystemRandom};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use words_mail::{AccountId, MailboxName, SpecialUse};

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
    duty: Arc<OnceLock<Duty>>,
}

/// What an office serves with, while it does.
pub struct Duty {
    /// Since when.
    pub since: SystemTime,
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
        Office::open_with(data, &Keeping::default(), Users::default(), options)
    }

    /// The same for a server; mail is kept as the configuration says, and `users` are asked about
    /// people whom nobody has entered.
    pub fn open_as(data: &Data, keeping: &Keeping, users: Users) -> Result<Office, OpenError> {
        Office::open_with(data, keeping, users, engine_store_embedded::Options::default())
    }

    fn open_with(
        data: &Data,
        keeping: &Keeping,
        users: Users,
        options: engine_store_embedded::Options,
    ) -> Result<Office, OpenError> {
        let store = EmbeddedStore::open(&data.store(), options)?;
        let random = Arc::new(SystemRandom);
        let passwords = Arc::new(Argon2Passwords::new(random.clone()));
        let world = World { clock: Arc::new(SystemClock), random, passwords };
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
        Ok(Office { store, world, directory, mail, duty: Arc::default() })
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
