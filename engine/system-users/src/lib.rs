//! Users of the system, as `/etc/passwd` lists them: an authority for `core/directory`. Their
//! passwords are verified by PAM, in a build with the feature `pam`, or else by `/etc/shadow`.
//!
//! A user is whoever has a number of a person's (`UID_MIN` to `UID_MAX` of `/etc/login.defs`) and a
//! shell that lets in. The files are read each time, so that a new user is there at once.

mod files;
#[cfg(feature = "pam")]
mod pam;
mod shadow;

use core_world::{Authority, AuthorityError, Clock, Later, Passwords, Person, Sought, Verdict};
use files::Listing;
use shadow::Shadow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::{info, warn};

/// What accounts are marked with.
const NAME: &str = "system";
/// Questions at once; each holds a thread while a file is read, or PAM thinks.
const AT_ONCE_MAX: usize = 16;

/// Can this build ask PAM?
pub const HAS_PAM: bool = cfg!(feature = "pam");

/// Where the users are.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who there is.
    pub passwd: PathBuf,
    /// Hashes of their passwords.
    pub shadow: PathBuf,
    /// Which numbers are people's.
    pub login_defs: PathBuf,
    /// The service of PAM that verifies passwords, in a build that can; `None`: the hashes do.
    pub pam_service: Option<String>,
    /// How long an answer may take in all.
    pub within: Duration,
}

/// The users of this system. Needs to be used inside a tokio runtime.
pub struct SystemUsers {
    options: Options,
    clock: Arc<dyn Clock>,
    passwords: Arc<dyn Passwords>,
    room: Arc<Semaphore>,
    /// Was the last question answered? So that the operator is told once.
    is_answering: AtomicBool,
}

impl SystemUsers {
    /// Reads nothing yet. `passwords` verifies hashes of others.
    pub fn new(
        options: Options,
        clock: Arc<dyn Clock>,
        passwords: Arc<dyn Passwords>,
    ) -> SystemUsers {
        let room = Arc::new(Semaphore::new(AT_ONCE_MAX));
        SystemUsers { options, clock, passwords, room, is_answering: AtomicBool::new(true) }
    }

    /// Can it know who there is, and their passwords? Errors: why not, and what to do.
    pub fn probe(options: &Options) -> Result<(), AuthorityError> {
        Listing::read(options)?;
        match &options.pam_service {
            Some(_) if HAS_PAM => Ok(()),
            _ => Shadow::read(options).map(|_| ()),
        }
    }

    async fn bounded<T>(
        &self,
        question: impl Future<Output = Result<T, AuthorityError>>,
    ) -> Result<T, AuthorityError> {
        let answer = timeout(self.options.within, question).await;
        let answer = answer.unwrap_or_else(|_| Err(AuthorityError("no answer in time".into())));
        let was_answering = self.is_answering.swap(answer.is_ok(), Relaxed);
        match (&answer, was_answering) {
            (Err(why), true) => warn!(%why, "the users of the system cannot be asked"),
            (Ok(_), false) => info!("the users of the system can be asked again"),
            _ => {}
        }
        answer
    }

    /// Does something that blocks, where it holds up nobody. It keeps its place until it has ended,
    /// even if nobody waits for it any more.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Options) -> Result<T, AuthorityError> + Send + 'static,
    ) -> Result<T, AuthorityError> {
        let gone = || AuthorityError("no thread for it".to_string());
        let place: OwnedSemaphorePermit =
            self.room.clone().acquire_owned().await.map_err(|_| gone())?;
        let options = self.options.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&options)
        });
        task.await.map_err(|_| gone())?
    }

    async fn find(&self, user: &str) -> Result<Option<String>, AuthorityError> {
        let user = user.to_string();
        self.blocking(move |options| Ok(Listing::read(options)?.find(&user))).await
    }

    async fn verify_now(&self, user: &str, password: &[u8]) -> Result<Verdict, AuthorityError> {
        let found = self.find(user).await?;
        let right = match &self.options.pam_service {
            #[cfg(feature = "pam")]
            Some(service) => self.by_pam(service, found.as_deref(), password).await?,
            _ => self.by_hash(found.as_deref(), password).await?,
        };
        Ok(match found {
            None => Verdict::Unknown,
            Some(user) if right => Verdict::Right(person(user)),
            Some(_) => Verdict::Wrong,
        })
    }

    #[cfg(feature = "pam")]
    async fn by_pam(
        &self,
        service: &str,
        user: Option<&str>,
        password: &[u8],
    ) -> Result<bool, AuthorityError> {
        // PAM takes its time to refuse; for nobody it shall take as long.
        let user = user.unwrap_or(pam::NOBODY).to_string();
        let (service, password) = (service.to_string(), password.to_vec());
        self.blocking(move |_| pam::verify(&service, &user, &password)).await
    }

    async fn by_hash(&self, user: Option<&str>, password: &[u8]) -> Result<bool, AuthorityError> {
        let user = user.map(str::to_string);
        let now = self.clock.now();
        let (theirs, anybodys) = self
            .blocking(move |options| {
                let shadow = Shadow::read(options)?;
                let theirs = user.and_then(|user| shadow.hash_of(&user, now));
                Ok((theirs, shadow.any_hash()))
            })
            .await?;
        // Somebody else's hash takes as long as theirs would; that it fits says nothing.
        let is_theirs = theirs.is_some();
        let Some(hash) = theirs.or(anybodys) else { return Ok(false) };
        let fits = self.passwords.verify(&hash, password).await;
        let fits = fits.map_err(|error| {
            AuthorityError(format!("a password's hash cannot be verified: {error:?}"))
        })?;
        Ok(fits && is_theirs)
    }
}

fn person(user: String) -> Person {
    Person { user, ..Person::default() }
}

impl Authority for SystemUsers {
    fn name(&self) -> &str {
        NAME
    }

    fn look_up<'a>(
        &'a self,
        sought: &'a Sought,
    ) -> Later<'a, Result<Option<Person>, AuthorityError>> {
        Box::pin(self.bounded(async { Ok(self.find(&sought.user).await?.map(person)) }))
    }

    fn verify<'a>(
        &'a self,
        sought: &'a Sought,
        password: &'a [u8],
    ) -> Later<'a, Result<Verdict, AuthorityError>> {
        Box::pin(self.bounded(async {
            match password.is_empty() || password.contains(&0) {
                true => Ok(Verdict::Wrong),
                false => self.verify_now(&sought.user, password).await,
            }
        }))
    }
}
