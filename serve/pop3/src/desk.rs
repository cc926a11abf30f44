//! The counter of one POP3 session.

use bytes::Bytes;
use core_mailbox::{Content, Mail, Mailboxes, Row, Rows, View};
use proto_line::{Broken, Desk, News};
use proto_pop3::{Answer, Ask, Entry, Listing};
use serve_login::{Guest, Login, Peer, Protocol};
use std::sync::Arc;
use std::time::Duration;
use tracing::info;
use words_mail::{MailboxName, NumberSet, Refusal};

/// Octets of a message read at a time.
const READ_MAX: usize = 64 * 1024;

/// Answers one POP3 session; holds what the core handed out for it.
pub struct Pop3Desk {
    login: Login,
    mail: Mail,
    peer: Peer,
    guest: Option<Guest>,
    /// Of the answer just given.
    delay: Duration,
    maildrop: Option<Maildrop>,
}

/// INBOX as it was at login: sessions are not shut out by one another (RFC 1939 §4 would lock), each
/// has its own moment, and QUIT removes by UID.
struct Maildrop {
    mailboxes: Mailboxes,
    view: Arc<View>,
    rows: Rows,
    /// The message that is being read.
    open: Option<(u32, Content)>,
    /// The message whose turn will probably be next.
    next: Option<u32>,
    /// Its first octets, read while the client was busy with the one before.
    ahead: Option<(u32, Bytes)>,
}

impl Maildrop {
    fn row(&self, number: u32) -> Result<&Row, Refusal> {
        let place = (number as usize).checked_sub(1).ok_or(Refusal::NoSuchMailbox)?;
        self.rows.get(place).ok_or(Refusal::NoSuchMailbox)
    }

    async fn entries(
        &self,
        from: u32,
        count_max: u32,
        listing: Listing,
    ) -> Result<Vec<Entry>, Refusal> {
        let (place, count_max) = ((from as usize).saturating_sub(1), count_max as usize);
        match listing {
            Listing::Sizes => {
                let rows = self.rows.iter_from(place).take(count_max);
                Ok(rows.map(|(_, row)| Entry::Size(row.size)).collect())
            }
            Listing::UniqueIds => {
                let ids = self.mailboxes.unique_ids(&self.view, &self.rows, place, count_max);
                Ok(ids.await?.into_iter().map(Entry::UniqueId).collect())
            }
        }
    }

    async fn read(&mut self, number: u32, offset: u64) -> Result<Bytes, Refusal> {
        if offset == 0
            && let Some((ahead, octets)) = self.ahead.take()
            && ahead == number
        {
            self.next = Some(number + 1);
            return Ok(octets);
        }
        let octets = self.content(number).await?.read(offset, READ_MAX).await?;
        self.next = Some(number + 1);
        Ok(octets)
    }

    async fn content(&mut self, number: u32) -> Result<&Content, Refusal> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != number) {
            let content = self.mailboxes.content(&self.view, self.row(number)?).await?;
            self.open = Some((number, content));
        }
        self.open.as_ref().map(|(_, content)| content).ok_or(Refusal::Unavailable)
    }

    /// Most clients ask for one message after the other: reads the next one's first octets.
    async fn read_ahead(&mut self) {
        let Some(number) = self.next.take() else { return };
        // What cannot be read now will be told when it is asked for.
        if self.row(number).is_ok()
            && let Ok(content) = self.content(number).await
            && let Ok(octets) = content.read(0, READ_MAX).await
        {
            self.ahead = Some((number, octets));
        }
    }

    /// Removes by UID: what another session has removed meanwhile is no matter.
    async fn remove(&self, numbers: &NumberSet) -> Result<NumberSet, Refusal> {
        let uids: Result<NumberSet, Refusal> =
            numbers.iter().map(|n| self.row(n).map(|row| row.uid.0)).collect();
        self.mailboxes.remove(&self.view, &uids?).await
    }
}

impl Pop3Desk {
    /// A counter for `peer`, before login.
    pub fn new(login: Login, mail: Mail, peer: Peer) -> Pop3Desk {
        Pop3Desk { login, mail, peer, guest: None, delay: Duration::ZERO, maildrop: None }
    }

    async fn put(&mut self, ask: Ask) -> Result<Answer, Refusal> {
        if let Some(guest) = &mut self.guest {
            self.login.check(guest).await?;
        }
        match ask {
            Ask::Login(ask) => self.login(ask).await.map(Answer::Login),
            Ask::Open => self.open().await,
            Ask::List { from, count_max, listing } => {
                self.maildrop()?.entries(from, count_max, listing).await.map(Answer::Listed)
            }
            Ask::Size(number) => Ok(Answer::Size(self.maildrop()?.row(number)?.size)),
            Ask::Read { number, offset } => self.read(number, offset).await,
            Ask::Remove(numbers) => self.remove(&numbers).await,
        }
    }

    fn maildrop(&mut self) -> Result<&mut Maildrop, Refusal> {
        self.maildrop.as_mut().ok_or(Refusal::NotPermitted("log in first"))
    }

    async fn login(&mut self, ask: proto_sasl::Ask) -> Result<proto_sasl::Answer, Refusal> {
        let turn = match self.login.answer(ask, &self.peer, Protocol::Pop3).await {
            Ok(turn) => turn,
            Err(refused) => {
                self.delay = refused.delay;
                return Err(refused.refusal);
            }
        };
        self.guest = turn.guest.or(self.guest.take());
        Ok(turn.answer)
    }

    async fn open(&mut self) -> Result<Answer, Refusal> {
        let account = self.guest.as_ref().map(|guest| &guest.account);
        let account = account.ok_or(Refusal::LoginFailed)?;
        let mailboxes = self.mail.account(account.id);
        let view = mailboxes.open(&MailboxName::inbox()).await?;
        let rows = view.refresh().await?;
        let size = rows.iter_from(0).map(|(_, row)| row.size).sum();
        let count = u32::try_from(rows.len()).map_err(|_| Refusal::Limit("messages"))?;
        self.maildrop =
            Some(Maildrop { mailboxes, view, rows, open: None, next: None, ahead: None });
        Ok(Answer::Opened { count, size })
    }

    async fn read(&mut self, number: u32, offset: u64) -> Result<Answer, Refusal> {
        let octets = self.maildrop()?.read(number, offset).await?;
        if offset == 0 {
            let uid = self.maildrop()?.row(number)?.uid;
            info!(mailbox = "INBOX", messages = 1, uids = %uid, "read");
        }
        Ok(Answer::Octets(octets))
    }

    async fn remove(&mut self, numbers: &NumberSet) -> Result<Answer, Refusal> {
        let removed = self.maildrop()?.remove(numbers).await?;
        info!(mailbox = "INBOX", messages = removed.len(), uids = %removed, "deleted");
        Ok(Answer::Removed)
    }
}

impl Desk for Pop3Desk {
    type Ask = Ask;
    type Answer = Answer;
    type Stretch = std::convert::Infallible;

    async fn answer(&mut self, ask: Ask) -> Answer {
        self.put(ask).await.unwrap_or_else(Answer::Refused)
    }

    fn delay(&mut self) -> Duration {
        std::mem::take(&mut self.delay)
    }

    async fn read(
        &mut self,
        stretch: &std::convert::Infallible,
        _offset: u64,
        _len_max: usize,
    ) -> Result<Bytes, Broken> {
        match *stretch {}
    }

    async fn news(&mut self) -> News {
        // A maildrop stays as it was at login (RFC 1939 §8), so there is none of it; but there is time.
        if let Some(maildrop) = &mut self.maildrop {
            maildrop.read_ahead().await;
        }
        match &mut self.guest {
            Some(guest) => self.login.shut_out(guest).await,
            None => std::future::pending().await,
        }
        News::ShutOut
    }
}
