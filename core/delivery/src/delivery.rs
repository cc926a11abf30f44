//! Who gets it, and may it come.

use crate::maildir::{Outside, Trouble};
use crate::{Incoming, Origin};
use core_directory::{Account, Directory, LocalRecipient};
use core_mailbox::{Allowance, Mail, Usage};
use core_world::{Files, World};
use std::sync::Arc;
use words_mail::{ForwardPath, Refusal, ReversePath};

/// The road in. Cheap to share.
pub struct Delivery {
    road: Arc<Road>,
}

/// What every message on the road needs.
pub(crate) struct Road {
    pub(crate) directory: Arc<Directory>,
    pub(crate) mail: Mail,
    pub(crate) world: World,
    pub(crate) options: Options,
    /// For accounts whose mail goes to a Maildir.
    pub(crate) outside: Option<Outside>,
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

/// A forward-path that was accepted, and the accounts that it leads to.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// As the client named it.
    pub forward_path: ForwardPath,
    /// Where it leads.
    pub local: Vec<LocalRecipient>,
}

impl Delivery {
    /// The road into `mail`, for whom `directory` knows.
    pub fn new(directory: Arc<Directory>, mail: Mail, world: World, options: Options) -> Delivery {
        Delivery { road: Arc::new(Road { directory, mail, world, options, outside: None }) }
    }

    /// The same road, that also leads to Maildirs of the file system: without it, mail for accounts
    /// that have one is refused for the time being. `trouble` is told what goes wrong there.
    pub fn with_files(self, files: Arc<dyn Files>, trouble: Trouble) -> Delivery {
        let Road { directory, mail, world, options, .. } = &*self.road;
        let outside = Some(Outside { files, trouble });
        let (directory, mail) = (directory.clone(), mail.clone());
        let (world, options) = (world.clone(), options.clone());
        Delivery { road: Arc::new(Road { directory, mail, world, options, outside }) }
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

    /// May a message of `size` octets (0: not told) go to `path`? `trusted`: the peer has logged in
    /// or is in a configured network. Errors: `NoSuchRecipient`, `RelayDenied` (elsewhere, stranger),
    /// `NoRouteYet` (elsewhere, trusted), `MailboxFull`, `TooLarge`, `Unavailable`.
    ///
    /// An alias leads to all its targets or is refused: nobody is left out without a word. It is
    /// refused as `NoRouteYet`, whoever asks, if a target is elsewhere.
    pub async fn recipient(
        &self,
        path: &ForwardPath,
        size: u64,
        trusted: bool,
    ) -> Result<Recipient, Refusal> {
        check_size(size, self.road.options.size_max)?;
        let resolved = self.road.directory.resolve(path).await?;
        if !resolved.elsewhere.is_empty() {
            let is_itself = |path: &ForwardPath| match path {
                ForwardPath::Address(address) => resolved.elsewhere.contains(address),
                ForwardPath::Postmaster => false,
            };
            let stranger = is_itself(path) && !trusted;
            return Err(if stranger { Refusal::RelayDenied } else { Refusal::NoRouteYet });
        }
        for local in &resolved.local {
            check_size(size, local.account.size_max.unwrap_or(u64::MAX))?;
            self.road.check_quota(&local.account, size).await?;
        }
        Ok(Recipient { forward_path: path.clone(), local: resolved.local })
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
