//! The counter that one IMAP session stands at.

use crate::append::Appending;
use crate::login::Login;
use crate::selected::Selected;
use crate::slots::Slots;
use crate::structure::Structures;
use bytes::Bytes;
use core_mailbox::{Content, Mail, Mailboxes, Watch};
use core_world::World;
use proto_imap::ask::{Answer, Ask, Stretch};
use proto_line::{Broken, Desk, News};
use serve_login::{First, Peer, first};
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;
use tracing::error;
use words_mail::Refusal;

/// Limits, each with a name.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sessions that one account may have open.
    pub sessions_max: usize,
    /// Largest message that APPEND takes, in octets.
    pub size_max: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { sessions_max: 40, size_max: 52_428_800 }
    }
}

/// What all desks share.
pub struct Office {
    pub(crate) login: serve_login::Login,
    pub(crate) mail: Mail,
    pub(crate) world: World,
    pub(crate) options: Options,
    pub(crate) slots: Arc<Slots>,
}

impl Office {
    /// Where desks look things up.
    pub fn new(login: serve_login::Login, mail: Mail, world: World, options: Options) -> Office {
        Office { login, mail, world, options, slots: Arc::default() }
    }
}

impl Office {
    /// The same with other limits; sessions and attempts to log in are counted together.
    pub fn with(&self, options: Options) -> Office {
        Office {
            login: self.login.clone(),
            mail: self.mail.clone(),
            world: self.world.clone(),
            options,
            slots: self.slots.clone(),
        }
    }
}

/// Answers one session. The log lines it writes belong to the session's span, which whoever runs
/// it has entered.
pub struct ImapDesk {
    pub(crate) office: Arc<Office>,
    pub(crate) peer: Peer,
    pub(crate) login: Option<Login>,
    pub(crate) selected: Option<Selected>,
    pub(crate) appending: Option<Appending>,
    pub(crate) structures: Structures,
    pub(crate) watch: Option<Watching>,
    /// Of the answer just given.
    pub(crate) delay: Duration,
}

/// What [`Desk::news`] waits for.
pub(crate) struct Watching {
    pub watch: Watch,
    /// Something happened before the watch began, and nobody has been told.
    pub overdue: bool,
}

impl ImapDesk {
    /// A desk for a session that nobody has logged in to yet.
    pub fn new(office: Arc<Office>, peer: Peer) -> ImapDesk {
        ImapDesk {
            office,
            peer,
            login: None,
            selected: None,
            appending: None,
            structures: Structures::default(),
            watch: None,
            delay: Duration::ZERO,
        }
    }

    /// Who is logged in.
    pub(crate) fn login(&self) -> Result<&Login, Refusal> {
        self.login.as_ref().ok_or(Refusal::NotPermitted("not logged in"))
    }

    /// Their mailboxes.
    pub(crate) fn mailboxes(&self) -> Result<Mailboxes, Refusal> {
        Ok(self.login()?.mailboxes.clone())
    }

    /// The selected mailbox.
    pub(crate) fn selected(&mut self) -> Result<&mut Selected, Refusal> {
        self.selected.as_mut().ok_or(Refusal::NotPermitted("no mailbox selected"))
    }

    /// The selected mailbox, if it may be changed.
    pub(crate) fn writable(&mut self) -> Result<&mut Selected, Refusal> {
        let selected = self.selected()?;
        if selected.read_only {
            return Err(Refusal::NotPermitted("mailbox was opened with EXAMINE"));
        }
        Ok(selected)
    }
}

impl Desk for ImapDesk {
    type Ask = Ask;
    type Answer = Answer;
    type Stretch = Stretch;

    async fn answer(&mut self, ask: Ask) -> Answer {
        self.answer_or_refuse(ask).await.unwrap_or_else(Answer::Refused)
    }

    fn delay(&mut self) -> Duration {
        take(&mut self.delay)
    }

    async fn read(
        &mut self,
        stretch: &Stretch,
        offset: u64,
        len_max: usize,
    ) -> Result<Bytes, Broken> {
        let left = stretch.len.saturating_sub(offset).min(len_max as u64) as usize;
        if left == 0 {
            return Ok(Bytes::new());
        }
        let Some(content) = stretch.body.downcast_ref::<Content>() else {
            error!("a stretch of no message");
            return Err(Broken);
        };
        match content.read(stretch.offset + offset, left).await {
            Ok(octets) if !octets.is_empty() => Ok(octets),
            Ok(_) => {
                error!(offset, "a message is shorter than it was");
                Err(Broken)
            }
            Err(refusal) => {
                error!(%refusal, offset, "a message cannot be read on");
                Err(Broken)
            }
        }
    }

    async fn news(&mut self) -> News {
        let ImapDesk { office, login, watch, .. } = self;
        let changed = async {
            match watch {
                Some(watching) if watching.overdue => watching.overdue = false,
                Some(watching) => watching.watch.changed().await,
                None => std::future::pending().await,
            }
        };
        let shut_out = async {
            match login {
                Some(login) => office.login.shut_out(&mut login.guest).await,
                None => std::future::pending().await,
            }
        };
        match first(changed, shut_out).await {
            First::One => News::Changed,
            First::Other => News::ShutOut,
        }
    }
}
