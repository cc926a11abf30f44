//! A mailbox elsewhere, open for reading.

use crate::error::RemoteError;
use crate::imap::{Begun, Opened};
use crate::source::{ImapSource, trouble};
use core_moving::{Body, Item, Numbers, OctetStream, OpenFolder, SourceError, SourceLater};
use proto_imap::client::Fetched;
use std::collections::VecDeque;
use words_mail::Uid;

/// Messages whose facts are asked for at once.
const FACTS_MAX: u32 = 1_000;

/// A message of which not all octets came.
const CUT_SHORT: &str = "in the middle of a message";

/// A mailbox of an [`ImapSource`].
pub(crate) struct RemoteFolder<'a> {
    source: &'a mut ImapSource,
    place: String,
    opened: Opened,
    /// Numbers of messages whose facts have been asked for.
    told: u32,
    /// Messages that will be read, in order, and have not been asked for.
    expected: VecDeque<Uid>,
    remarks: Vec<String>,
}

impl<'a> RemoteFolder<'a> {
    pub fn new(source: &'a mut ImapSource, place: String, opened: Opened) -> RemoteFolder<'a> {
        let mut remarks = Vec::new();
        if opened.uid_validity.is_none() {
            remarks.push(format!("{place}: the server gives no lasting numbers (UIDVALIDITY)"));
        }
        RemoteFolder { source, place, opened, told: 0, expected: VecDeque::new(), remarks }
    }

    /// Connects again and opens the same mailbox, if the connection was lost.
    async fn reopen(&mut self, lost: bool) -> Result<(), RemoteError> {
        if !lost {
            return Ok(());
        }
        self.source.hang_up();
        let opened = self.source.examine(&self.place).await?;
        match opened.uid_validity == self.opened.uid_validity {
            true => Ok(()),
            false => Err(RemoteError::MadeAnew),
        }
    }

    async fn facts(&mut self, first: u32, last: u32) -> Result<Vec<Fetched>, RemoteError> {
        let mut lost = false;
        loop {
            self.reopen(lost).await?;
            match self.source.remote().await?.facts(first, last).await {
                Err(error) if error.is_temporary() && !lost => lost = true,
                facts => return facts,
            }
        }
    }

    async fn page(&mut self, count_max: usize) -> Result<Vec<Item>, RemoteError> {
        let count = u32::try_from(count_max).unwrap_or(u32::MAX).min(FACTS_MAX);
        // A page may come back empty because all of it was expunged; the end is another thing.
        while self.told < self.opened.exists {
            let first = self.told + 1;
            let last = self.told.saturating_add(count).min(self.opened.exists);
            let facts = self.facts(first, last).await?;
            self.told = last;
            let items: Vec<Item> = facts.into_iter().filter_map(|f| self.item(f)).collect();
            if !items.is_empty() {
                return Ok(items);
            }
        }
        Ok(Vec::new())
    }

    fn item(&self, fetched: Fetched) -> Option<Item> {
        let uid = fetched.uid?;
        let validity = self.opened.uid_validity.map_or(0, |validity| validity.0);
        Some(Item {
            key: self.source.key(validity, uid),
            place: u64::from(uid.0),
            label: format!("UID {uid}"),
            uid: self.opened.uid_validity.is_some().then_some(uid),
            unique_id: None,
            flags: fetched.flags.unwrap_or_default(),
            received_at: fetched.internal_date,
            size: fetched.size,
        })
    }

    async fn begin(&mut self, uid: Uid) -> Result<Begun, RemoteError> {
        // What was asked for ahead is what comes; anything else is asked for by itself.
        if self.expected.front() != Some(&uid) && !self.source.remote().await?.is_asked(uid) {
            self.expected.push_front(uid);
        }
        let remote = self.source.remote().await?;
        remote.ask_bodies(&mut self.expected).await?;
        remote.begin_body(uid).await
    }

    async fn begin_or_reopen(&mut self, uid: Uid) -> Result<Begun, RemoteError> {
        if !self.source.is_connected() {
            self.reopen(true).await?;
        }
        match self.begin(uid).await {
            Err(error) if error.is_temporary() => {
                self.reopen(true).await?;
                self.begin(uid).await
            }
            begun => begun,
        }
    }

    /// Every message that was asked for on a connection that is gone is lost with it.
    fn give_up(&mut self, error: &RemoteError) -> SourceError {
        self.source.hang_up();
        trouble(error)
    }
}

impl OpenFolder for RemoteFolder<'_> {
    fn numbers(&self) -> Numbers {
        Numbers {
            uid_validity: self.opened.uid_validity,
            uid_next: self.opened.uid_next,
            messages: Some(u64::from(self.opened.exists)),
        }
    }

    fn next(&mut self, count_max: usize) -> SourceLater<'_, Vec<Item>> {
        Box::pin(async move {
            self.expected.clear();
            let page = self.page(count_max).await;
            page.map_err(|error| self.give_up(&error))
        })
    }

    fn expect(&mut self, items: &[&Item]) {
        self.expected = items.iter().map(|item| uid_of(item)).collect();
    }

    fn body<'b>(&'b mut self, item: &'b Item) -> SourceLater<'b, Body<'b>> {
        Box::pin(async move {
            let left = match self.begin_or_reopen(uid_of(item)).await {
                Ok(Begun::Octets(len)) => len,
                Ok(Begun::Missing(_)) => return Err(SourceError::Gone),
                Err(error) => return Err(self.give_up(&error)),
            };
            let complaint = match item.received_at {
                Some(_) => None,
                None => Some("the server tells no date for it".to_string()),
            };
            let received_at = item.received_at.unwrap_or_default();
            let octets = Box::new(Octets { source: self.source, left });
            Ok(Body { received_at, octets, complaint })
        })
    }

    fn octets(&mut self) -> SourceLater<'_, u64> {
        Box::pin(async move {
            let mut sum = 0u64;
            let mut first = 1;
            while first <= self.opened.exists {
                let last = first.saturating_add(FACTS_MAX - 1).min(self.opened.exists);
                let facts = self.facts(first, last).await;
                let facts = facts.map_err(|error| self.give_up(&error))?;
                sum += facts.iter().filter_map(|fetched| fetched.size).sum::<u64>();
                first = last + 1;
            }
            Ok(sum)
        })
    }

    fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }
}

fn uid_of(item: &Item) -> Uid {
    Uid(u32::try_from(item.place).unwrap_or(u32::MAX))
}

/// The octets of the message that has begun.
struct Octets<'a> {
    source: &'a mut ImapSource,
    /// Still to come.
    left: u64,
}

impl Octets<'_> {
    /// On a connection that is new there is nothing of a message that began on another one: only
    /// what was announced and has come is whole.
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, RemoteError> {
        let piece = self.source.remote().await?.piece().await?;
        match &piece {
            Some(octets) => self.left = self.left.saturating_sub(octets.len() as u64),
            None if self.left > 0 => return Err(RemoteError::HungUp(CUT_SHORT.to_string())),
            None => {}
        }
        Ok(piece)
    }
}

impl OctetStream for Octets<'_> {
    fn next(&mut self) -> SourceLater<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let piece = self.piece().await;
            piece.map_err(|error| {
                self.source.hang_up();
                trouble(&error)
            })
        })
    }
}
