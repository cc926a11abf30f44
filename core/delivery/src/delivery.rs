//! Who gets it, and may it come.

use crate::{Incoming, Origin};
use core_directory::{Account, Directory, LocalRecipient};
use core_mailbox::Mail;
use core_world::World;
use std::sync::Arc;
use words_mail::{ForwardPath, Refusal, ReversePath};

/// The road in. Cheap to share.
pub struct Delivery {
    #[allow(dead_code)]
    directory: Arc<Directory>,
    #[allow(dead_code)]
    mail: Mail,
    #[allow(dead_code)]
    world: World,
    #[allow(dead_code)]
    options: Options,
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
        Delivery { directory, mail, world, options }
    }

    /// May a message of `size` octets (0: not told) come under `path`? `sender` is who has logged
    /// in. Errors: `SenderNotOwned`, `TooLarge`, `Unavailable`.
    pub async fn sender(
        &self,
        sender: Option<&Account>,
        path: &ReversePath,
        size: u64,
    ) -> Result<(), Refusal> {
        let _ = (sender, path, size);
        todo!()
    }

    /// May a message of `size` octets (0: not told) go to `path`? `trusted`: the peer has logged in
    /// or is in a configured network. Errors: `NoSuchRecipient`, `RelayDenied` (elsewhere, stranger),
    /// `NoRouteYet` (elsewhere, trusted), `MailboxFull`, `TooLarge`, `Unavailable`.
    pub async fn recipient(
        &self,
        path: &ForwardPath,
        size: u64,
        trusted: bool,
    ) -> Result<Recipient, Refusal> {
        let _ = (path, size, trusted);
        todo!()
    }

    /// A message begins to come in. `origin` gives what trace fields tell.
    pub fn begin(&self, origin: Origin) -> Incoming {
        let _ = origin;
        todo!()
    }
}
