//! Who gets it, and may it come.

use crate::genuine::Door;
use crate::maildir::{Outside, Trouble};
use crate::way_out::WayOut;
use crate::{Asked, Incoming, Origin, Recipient};
use core_directory::{Account, Directory};
use core_mailbox::{Allowance, Mail, Usage};
use core_queue::Queue;
use core_store::Store;
use core_trace::Trace;
use core_world::{Examiner, Files, Signer, World};
use rules_sender::Policy;
use std::sync::Arc;
use words_mail::{Refusal, ReversePath};

/// The road in. Cheap to share.
pub struct Delivery {
    pub(crate) road: Arc<Road>,
}

/// What every message on the road needs.
#[derive(Clone)]
pub(crate) struct Road {
    pub(crate) directory: Arc<Directory>,
    pub(crate) mail: Mail,
    pub(crate) world: World,
    pub(crate) options: Options,
    /// For accounts whose mail goes to a Maildir.
    pub(crate) outside: Option<Outside>,
    /// For who is elsewhere.
    pub(crate) way_out: Option<Arc<WayOut>>,
    /// Is it remembered to whom our people write?
    pub(crate) acquaints: bool,
    /// Where it is noted what became of each message.
    pub(crate) trace: Option<Trace>,
    /// Who examines strangers.
    pub(crate) door: Option<Door>,
    /// Who signs for our own people.
    pub(crate) signer: Option<Arc<dyn Signer>>,
}

/// What the road needs to be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server's name, for trace fields and Message-ID.
    pub host_name: String,
    /// Largest message, in octets.
    pub size_max: u64,
    /// More Received fields than this are a loop.
    pub received_max: usize,
}

impl Options {
    /// Received fields of a message that has come a long way, but not in a circle.
    pub const RECEIVED_MAX: usize = 50;
}

impl Delivery {
    /// The road into `mail`, for whom `directory` knows.
    pub fn new(directory: Arc<Directory>, mail: Mail, world: World, options: Options) -> Delivery {
        let (outside, way_out, trace, door, signer) = (None, None, None, None, None);
        let acquaints = false;
        let road = Road {
            directory,
            mail,
            world,
            options,
            outside,
            way_out,
            acquaints,
            trace,
            door,
            signer,
        };
        Delivery { road: Arc::new(road) }
    }

    /// The same road, that also leads to Maildirs of the file system: without it, mail for accounts
    /// that have one is refused for the time being. `trouble` is told what goes wrong there.
    pub fn with_files(self, files: Arc<dyn Files>, trouble: Trouble) -> Delivery {
        self.with(|road| road.outside = Some(Outside { files, trouble }))
    }

    /// The same road, that also leads elsewhere: without it, nothing leaves. `store` is the one that
    /// keeps `queue`; the secret of rewritten reverse-paths is there too.
    pub fn with_way_out(self, queue: Queue, store: Arc<dyn Store>) -> Delivery {
        self.with(|road| road.way_out = Some(Arc::new(WayOut::new(queue, store))))
    }

    /// The same road, on which it is noted what becomes of each message.
    pub fn with_trace(self, trace: Trace) -> Delivery {
        self.with(|road| road.trace = Some(trace))
    }

    /// The same road, on which strangers are examined; `policy` says what follows.
    pub fn with_examiner(self, examiner: Arc<dyn Examiner>, policy: Policy) -> Delivery {
        self.with(|road| road.door = Some(Door { examiner, policy }))
    }

    /// The same road, on which the mail of our own people is signed with the keys of their domain.
    pub fn with_signer(self, signer: Arc<dyn Signer>) -> Delivery {
        self.with(|road| road.signer = Some(signer))
    }

    /// The same road, on which it is remembered to whom our people write: their answers pass a
    /// [`core_guard::Greylist`] at once.
    pub fn with_acquaintances(self) -> Delivery {
        self.with(|road| road.acquaints = true)
    }

    fn with(self, change: impl FnOnce(&mut Road)) -> Delivery {
        let mut road = Arc::unwrap_or_clone(self.road);
        change(&mut road);
        Delivery { road: Arc::new(road) }
    }

    /// May a message of `size` octets (0: not told) come under `path`? `sender` is who has logged
    /// in. Errors: `SenderNotOwned`, `TooLarge`, `StorageFull`, `Unavailable`.
    pub async fn sender(
        &self,
        sender: Option<&Account>,
        path: &ReversePath,
        size: u64,
    ) -> Result<(), Refusal> {
        check_size(size, self.road.options.size_max)?;
        self.road.mail.check_room(size)?;
        let Some(account) = sender else { return Ok(()) };
        check_size(size, account.size_max.unwrap_or(u64::MAX))?;
        self.road.directory.may_send_as(account, path).await
    }

    /// May a message go to whom is asked for? Errors: `NoSuchRecipient`, `RelayDenied` (elsewhere, for a
    /// stranger), `NoRouteYet` (elsewhere, and there is no way out), `MailboxFull`, `TooLarge`,
    /// `Unavailable`.
    ///
    /// An alias leads to all its targets or is refused: nobody is left out without a word. Whoever may
    /// write to it may have it forwarded elsewhere; it is ours. So may a report come back to a sender
    /// under the reverse-path that we have given a message when we forwarded it.
    pub async fn recipient(&self, asked: &Asked<'_>) -> Result<Recipient, Refusal> {
        self.road.recipient(asked).await
    }

    /// A message begins to come in. `origin` gives what trace fields tell.
    pub fn begin(&self, origin: Origin) -> Incoming {
        Incoming::new(self.road.clone(), origin)
    }
}

impl Road {
    /// Has `account` room for a message of `size` octets (0: not told)? Errors: `MailboxFull`.
    pub(crate) async fn check_quota(&self, account: &Account, size: u64) -> Result<(), Refusal> {
        let allowance = allowance(account);
        // A Maildir is looked at when the message is there.
        if allowance == Allowance::UNLIMITED || account.deliver_to.is_some() {
            return Ok(());
        }
        let usage = self.mail.usage(account.id).await?;
        // Whatever its size, it is not nothing.
        allowance.check(usage, Usage { bytes: size.max(1), messages: 1 })
    }
}

/// What `account` may keep.
pub(crate) fn allowance(account: &Account) -> Allowance {
    Allowance { bytes: account.quota.bytes, messages: account.quota.messages }
}

/// Refuses more octets than `size_max`.
pub(crate) fn check_size(size: u64, size_max: u64) -> Result<(), Refusal> {
    if size > size_max { Err(Refusal::TooLarge { size_max }) } else { Ok(()) }
}
