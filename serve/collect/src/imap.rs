//! An account that is read over IMAP.

use crate::error::RemoteError;
use crate::line::{Line, Login};
use core_world::{Dialer, Later};
use proto_imap::client::{Code, Condition, Fetched, Heard, Listed, Response, command};
use std::collections::{BTreeSet, VecDeque};
use words_mail::{Uid, UidValidity};

/// Messages asked for before the first of them is there, so that the way to the server and back is
/// paid once, not for each.
const AHEAD: usize = 16;
/// Mailboxes of one account; more are not listed.
const MAILBOXES_MAX: usize = 100_000;

/// A mailbox that was opened to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Messages in it.
    pub exists: u32,
    /// UIDVALIDITY; a server that has none cannot be resumed.
    pub uid_validity: Option<UidValidity>,
    /// UIDNEXT, if it was told.
    pub uid_next: Option<Uid>,
}

/// Takes messages that come in pieces.
pub trait BodySink: Send {
    /// The octets of `uid` begin; there will be `len`.
    fn begin(&mut self, uid: Uid, len: u64) -> Later<'_, Result<(), String>>;
    /// The next of them.
    fn piece<'a>(&'a mut self, octets: &'a [u8]) -> Later<'a, Result<(), String>>;
    /// They are complete.
    fn end(&mut self) -> Later<'_, Result<(), String>>;
    /// The server has nothing under this UID any more, or will not give it; says why.
    fn missing(&mut self, uid: Uid, why: &str) -> Later<'_, Result<(), String>>;
}

/// The account, logged in.
pub struct RemoteImap {
    line: Line,
}

impl RemoteImap {
    /// Connects and logs in.
    pub async fn open(dialer: &dyn Dialer, login: &Login) -> Result<RemoteImap, RemoteError> {
        let (mut line, needs_login) = Line::open(dialer, login).await?;
        if needs_login {
            line.log_in(login).await?;
        }
        Ok(RemoteImap { line })
    }

    /// Every mailbox, those that are subscribed marked.
    pub async fn mailboxes(&mut self) -> Result<Vec<Listed>, RemoteError> {
        let mut all: Vec<Listed> = Vec::new();
        let mut take = |response| match response {
            Response::List(listed) if all.len() < MAILBOXES_MAX => all.push(listed),
            _ => {}
        };
        self.line.ask_for("LIST", command::list, &mut take).await?;
        let mut subscribed = BTreeSet::new();
        let mut take = |response| match response {
            Response::List(listed) if subscribed.len() < MAILBOXES_MAX => {
                subscribed.insert(listed.name);
            }
            _ => {}
        };
        match self.line.ask_for("LSUB", command::subscribed, &mut take).await {
            Ok(_) => {}
            // IMAP4rev2 has no LSUB any more: then all that is there is taken for subscribed.
            Err(RemoteError::Refused { .. }) => {
                subscribed.extend(all.iter().map(|listed| listed.name.clone()));
            }
            Err(error) => return Err(error),
        }
        for listed in &mut all {
            listed.subscribed |= subscribed.contains(&listed.name);
        }
        Ok(all)
    }

    /// Opens a mailbox to read, by the name that the server wrote.
    pub async fn examine(&mut self, name: &[u8]) -> Result<Opened, RemoteError> {
        let mut opened = Opened { exists: 0, uid_validity: None, uid_next: None };
        let mut take = |response| match response {
            Response::Exists(exists) => opened.exists = exists,
            Response::Said(said) => match said.code {
                Some(Code::UidValidity(uid_validity)) => opened.uid_validity = Some(uid_validity),
                Some(Code::UidNext(uid_next)) => opened.uid_next = Some(uid_next),
                _ => {}
            },
            _ => {}
        };
        self.line.ask_for("EXAMINE", |tag| command::examine(tag, name), &mut take).await?;
        Ok(opened)
    }

    /// What is known of the messages numbered `first` to `last`, in their order.
    pub async fn facts(&mut self, first: u32, last: u32) -> Result<Vec<Fetched>, RemoteError> {
        let mut all: Vec<Fetched> = Vec::new();
        let most = (last.saturating_sub(first) as usize).saturating_add(1);
        let mut take = |response| match response {
            // A change of flags that is told meanwhile has no size: it is no answer.
            Response::Fetch(fetched)
                if all.len() < most && fetched.uid.is_some() && fetched.size.is_some() =>
            {
                all.push(fetched);
            }
            _ => {}
        };
        self.line.ask_for("FETCH", |tag| command::fetch_facts(tag, first, last), &mut take).await?;
        all.sort_by_key(|fetched| fetched.number);
        Ok(all)
    }

    /// Hands the messages `uids` of the open mailbox to `sink`, one after the other.
    pub async fn bodies(
        &mut self,
        uids: &[Uid],
        sink: &mut dyn BodySink,
    ) -> Result<(), RemoteError> {
        let mut waiting: VecDeque<(String, Uid)> = VecDeque::new();
        let mut rest = uids.iter();
        // Has the message at the front of `waiting` come?
        let mut came = false;
        let mut inside = false;
        loop {
            while waiting.len() < AHEAD
                && let Some(uid) = rest.next()
            {
                let tag = self.line.tag();
                self.line.send(&command::fetch_body(&tag, *uid)).await?;
                waiting.push_back((tag, *uid));
            }
            let Some((tag, uid)) = waiting.front().cloned() else { return Ok(()) };
            let taken = match self.line.hear().await? {
                // A second body under one UID is nothing that we asked for.
                Heard::Body(len) if !came => {
                    (came, inside) = (true, true);
                    sink.begin(uid, len).await
                }
                Heard::Piece(octets) if inside => sink.piece(&octets).await,
                Heard::Response(Response::Fetch(_)) if inside => {
                    inside = false;
                    sink.end().await
                }
                Heard::Response(Response::Tagged { tag: ended, said }) if ended == tag => {
                    waiting.pop_front();
                    let said = (!std::mem::take(&mut came)).then_some(said);
                    match said {
                        Some(said) if said.condition == Condition::Ok => {
                            sink.missing(uid, "it is not there any more").await
                        }
                        Some(said) => sink.missing(uid, &said.text).await,
                        None => Ok(()),
                    }
                }
                Heard::Response(Response::Said(said)) if said.condition == Condition::Bye => {
                    return Err(RemoteError::HungUp(said.text));
                }
                _ => Ok(()),
            };
            taken.map_err(RemoteError::Sink)?;
        }
    }

    /// Says goodbye. That nobody answers is no loss.
    pub async fn log_out(mut self) {
        let tag = self.line.tag();
        if self.line.send(&command::bare(&tag, "LOGOUT")).await.is_ok() {
            while let Ok(heard) = self.line.hear().await {
                if matches!(heard, Heard::Response(Response::Tagged { .. })) {
                    break;
                }
            }
        }
    }

    /// Keeps the connection from being taken for dead.
    pub async fn noop(&mut self) -> Result<(), RemoteError> {
        self.line.ask("NOOP", |tag| command::bare(tag, "NOOP")).await.map(drop)
    }
}
