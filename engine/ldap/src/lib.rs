//! People in an LDAP directory (RFC 4511): an authority for `core/directory`.
//!
//! Their passwords are verified by a bind, in one of two ways: as the DN that a template makes of the
//! name, or as the DN of the one entry that a search filter finds. No value of a stranger gets into a
//! DN or a filter without being escaped (RFC 4514 §2.4, RFC 4515 §3), and no bind is ever tried with
//! an empty password, which many servers take for an anonymous one that succeeds (RFC 4513 §5.1.2).

mod attributes;
mod connection;
mod entry;
mod error;
mod options;
mod pool;
mod template;

pub use attributes::Attributes;
pub use error::OptionsError;
pub use options::{Account, Encryption, Options, Way};

use connection::{Connection, Done, Work};
use core_world::{Authority, AuthorityError, Later, Person, Sought, Verdict};
use entry::Entry;
use error::Trouble;
use options::{Checked, CheckedWay};
use pool::{Kind, Pool};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use template::Escape;
use tokio::time::timeout;
use tracing::{info, warn};

/// What accounts are marked with.
const NAME: &str = "ldap";

/// An LDAP directory. Needs to be used inside a tokio runtime.
pub struct LdapAuthority(Arc<Inner>);

struct Inner {
    options: Checked,
    pool: Pool,
    /// Was the last question answered? So that the operator is told once.
    is_answering: AtomicBool,
}

impl LdapAuthority {
    /// Connects to nobody yet.
    pub fn new(options: Options) -> Result<LdapAuthority, OptionsError> {
        let options = Checked::new(options)?;
        let pool = Pool::new(options.connections_max);
        Ok(LdapAuthority(Arc::new(Inner { options, pool, is_answering: AtomicBool::new(true) })))
    }

    /// Puts a question, in time, and in a task of its own: it holds up nobody if it fails in a way
    /// that nobody has foreseen, and leaves no connection half-used if the asker goes away.
    async fn ask<T, F>(&self, question: impl FnOnce(Arc<Inner>) -> F) -> Result<T, AuthorityError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        let within = self.0.options.within;
        let task = tokio::spawn(timeout(within, question(self.0.clone())));
        let answer = match task.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Trouble::new("no answer in time")),
            Err(_) => Err(Trouble::new("the answer cannot be understood")),
        };
        self.0.tell(answer.as_ref().err());
        answer.map_err(|trouble| AuthorityError(trouble.to_string()))
    }
}

impl Inner {
    /// Tells the operator when things change.
    fn tell(&self, trouble: Option<&Trouble>) {
        let was_answering = self.is_answering.swap(trouble.is_none(), Relaxed);
        match (trouble, was_answering) {
            (Some(trouble), true) => warn!(
                why = trouble.to_string(),
                "the LDAP directory cannot be asked: logins of its people and mail for new ones are \
                 put off until it can"
            ),
            (None, false) => info!("the LDAP directory answers again"),
            _ => {}
        }
    }

    /// Does something with a connection. One that was left over from before may be dead without our
    /// knowing; then a new one is made.
    async fn with(&self, work: &Work<'_>) -> Result<Done, Trouble> {
        let (kind, attributes) = (work.kind(), &self.options.attributes);
        let _room = self.pool.room().await;
        if let Some(mut connection) = self.pool.take(kind) {
            match connection.work(work, attributes).await {
                Ok(done) => {
                    self.pool.give_back(kind, connection);
                    return Ok(done);
                }
                Err(trouble) if trouble.is_broken() => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let mut connection = Connection::open(&self.options).await?;
        if let (Kind::Service, Some(account)) = (kind, &self.options.service) {
            connection.bind_service(account).await?;
        }
        let done = connection.work(work, attributes).await?;
        self.pool.give_back(kind, connection);
        Ok(done)
    }

    /// The entry of somebody, as far as the service may read it.
    async fn find(&self, sought: &Sought) -> Result<Option<Entry>, Trouble> {
        let done = match &self.options.way {
            CheckedWay::Bind { dn } => {
                let Some(dn) = dn.fill(sought, Escape::Dn) else { return Ok(None) };
                self.with(&Work::Read { dn: &dn }).await?
            }
            CheckedWay::Search { base, filter } => {
                let Some(filter) = filter.fill(sought, Escape::Filter) else { return Ok(None) };
                self.with(&Work::Search { base, filter: &filter }).await?
            }
        };
        Ok(done.entry)
    }

    async fn look_up(&self, sought: &Sought) -> Result<Option<Person>, Trouble> {
        let entry = self.find(sought).await?;
        Ok(entry.and_then(|entry| self.person(&entry, sought)))
    }

    async fn verify(&self, sought: &Sought, password: &str) -> Result<Verdict, Trouble> {
        match &self.options.way {
            CheckedWay::Bind { dn } => {
                let Some(dn) = dn.fill(sought, Escape::Dn) else { return Ok(Verdict::Unknown) };
                // As themselves: they may read of their own entry what nobody else may.
                let done = self.with(&Work::BindAndRead { dn: &dn, password }).await?;
                let entry = done.entry.unwrap_or_else(|| Entry::unreadable(dn));
                Ok(match done.is_in {
                    true => self.verdict(&entry, sought),
                    // Perhaps there is nobody of that name.
                    false => Verdict::Unknown,
                })
            }
            CheckedWay::Search { .. } => {
                let Some(entry) = self.find(sought).await? else { return Ok(Verdict::Unknown) };
                let done = self.with(&Work::Bind { dn: &entry.dn, password }).await?;
                Ok(match done.is_in {
                    true => self.verdict(&entry, sought),
                    false => Verdict::Wrong,
                })
            }
        }
    }

    fn verdict(&self, entry: &Entry, sought: &Sought) -> Verdict {
        self.person(entry, sought).map_or(Verdict::Unknown, Verdict::Right)
    }

    fn person(&self, entry: &Entry, sought: &Sought) -> Option<Person> {
        // Where the DN is made of the name, that is who they are.
        let fallback = match self.options.way {
            CheckedWay::Bind { .. } => Some(sought.user.as_str()),
            CheckedWay::Search { .. } => None,
        };
        let person = entry.person(&self.options.attributes, fallback);
        if person.is_none() {
            let attribute = &self.options.attributes.user;
            warn!(dn = entry.dn, attribute, "an entry without a name; give it one");
        }
        person
    }
}

impl Authority for LdapAuthority {
    fn name(&self) -> &str {
        NAME
    }

    fn look_up<'a>(
        &'a self,
        sought: &'a Sought,
    ) -> Later<'a, Result<Option<Person>, AuthorityError>> {
        let sought = sought.clone();
        Box::pin(self.ask(|inner| async move { inner.look_up(&sought).await }))
    }

    fn verify<'a>(
        &'a self,
        sought: &'a Sought,
        password: &'a [u8],
    ) -> Later<'a, Result<Verdict, AuthorityError>> {
        let sought = sought.clone();
        let password = std::str::from_utf8(password).map(str::to_string);
        Box::pin(self.ask(|inner| async move {
            match password {
                // A password is a text (RFC 4513 §5.1.3), and the empty one is none (§5.1.2).
                Ok(password) if !password.is_empty() && !password.contains('\0') => {
                    inner.verify(&sought, &password).await
                }
                _ => Ok(Verdict::Wrong),
            }
        }))
    }
}
