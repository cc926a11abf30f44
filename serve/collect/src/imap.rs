//! An account that is read over IMAP.

use crate::error::RemoteError;
use crate::line::{Line, Login};
use core_world::Dialer;
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

/// What came of asking for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// So many octets follow, in pieces.
    Octets(u64),
    /// The server has nothing under this UID any more, or will not give it; says why.
    Missing(String),
}

/// How far the answer to the oldest question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Its message has not come yet.
    Before,
    /// Its octets are coming.
    Inside,
    /// They have all come; its tag is still to come.
    After,
}

/// The account, logged in.
pub struct RemoteImap {
    line: Line,
    /// Messages asked for and not yet done with, the oldest first.
    asked: VecDeque<(String, Uid)>,
    reading: Reading,
}

impl RemoteImap {
    /// Connects and logs in.
    pub async fn open(dialer: &dyn Dialer, login: &Login) -> Result<RemoteImap, RemoteError> {
        let (mut line, needs_login) = Line::open(dialer, login).await?;
        if needs_login {
            line.log_in(login).await?;
        }
        Ok(RemoteImap { line, asked: VecDeque::new(), reading: Reading::Before })
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
        self.settle().await?;
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

    /// What is known of the messages numbered `first` to `last`, in their order. Messages that were
    /// asked for before are passed over.
    pub async fn facts(&mut self, first: u32, last: u32) -> Result<Vec<Fetched>, RemoteError> {
        self.settle().await?;
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

    /// Asks for the next of `uids`, as many as may be under way at once, and takes them off. They
    /// come in this order; nothing but bodies may be asked for until they have all come.
    pub async fn ask_bodies(&mut self, uids: &mut VecDeque<Uid>) -> Result<(), RemoteError> {
        while self.asked.len() < AHEAD
            && let Some(uid) = uids.pop_front()
        {
            let tag = self.line.tag();
            self.line.send(&command::fetch_body(&tag, uid)).await?;
            self.asked.push_back((tag, uid));
        }
        Ok(())
    }

    /// Has `uid` been asked for, and not yet come?
    pub fn is_asked(&self, uid: Uid) -> bool {
        let begun = usize::from(self.reading != Reading::Before);
        self.asked.iter().skip(begun).any(|(_, asked)| *asked == uid)
    }

    /// The message asked for next, when it begins. Those asked for before it are passed over.
    pub async fn begin_body(&mut self, uid: Uid) -> Result<Begun, RemoteError> {
        loop {
            let Some((_, front)) = self.asked.front() else {
                return Err(RemoteError::NotUnderstood("a message that was asked for"));
            };
            if *front == uid && self.reading == Reading::Before {
                return self.begin_front().await;
            }
            self.finish_front().await?;
        }
    }

    async fn begin_front(&mut self) -> Result<Begun, RemoteError> {
        loop {
            match self.hear().await? {
                Heard::Body(len) => {
                    self.reading = Reading::Inside;
                    return Ok(Begun::Octets(len));
                }
                Heard::Response(Response::Tagged { tag, said }) if self.ends(&tag) => {
                    return Ok(Begun::Missing(match said.condition {
                        Condition::Ok => "it is not there any more".to_string(),
                        _ => said.text,
                    }));
                }
                _ => {}
            }
        }
    }

    /// The next octets of the message that has begun; `None` when they have all come.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, RemoteError> {
        while self.reading == Reading::Inside {
            match self.hear().await? {
                Heard::Piece(octets) => return Ok(Some(octets)),
                Heard::Response(Response::Fetch(_)) => self.reading = Reading::After,
                // What followed the message was too long to be kept; the message is whole.
                Heard::LeftOut => self.reading = Reading::After,
                _ => {}
            }
        }
        Ok(None)
    }

    /// Passes over every message that was asked for and has not been read.
    async fn settle(&mut self) -> Result<(), RemoteError> {
        while !self.asked.is_empty() {
            self.finish_front().await?;
        }
        Ok(())
    }

    /// Reads on until the oldest question is answered.
    async fn finish_front(&mut self) -> Result<(), RemoteError> {
        loop {
            match self.hear().await? {
                Heard::Response(Response::Tagged { tag, .. }) if self.ends(&tag) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Is this the tag of the oldest question? Then that is done with.
    fn ends(&mut self, tag: &str) -> bool {
        let is_front = self.asked.front().is_some_and(|(front, _)| front == tag);
        if is_front {
            self.asked.pop_front();
            self.reading = Reading::Before;
        }
        is_front
    }

    async fn hear(&mut self) -> Result<Heard, RemoteError> {
        match self.line.hear().await? {
            Heard::Response(Response::Said(said)) if said.condition == Condition::Bye => {
                Err(RemoteError::HungUp(said.text))
            }
            heard => Ok(heard),
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
