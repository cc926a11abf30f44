//! A message on its way in.

use crate::Recipient;
use crate::compose::{Coming, delivered_before};
use crate::delivery::{Road, check_size};
use crate::filing::Filing;
use crate::names::named;
use crate::plan::{Group, Plan, Replies, groups};
use crate::rewrite::{Ended, HeaderTooLarge, Rewrite};
use bytes::Bytes;
use core_store::{BlobWriter, StoreError};
use core_trace::new_id;
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::{AccountId, Address, Refusal, ReversePath};

/// Where a message comes from: what its trace fields tell (RFC 5321 §4.4).
#[derive(Clone, Debug)]
pub struct Origin {
    /// From MAIL.
    pub reverse_path: ReversePath,
    /// What the client called itself.
    pub helo: String,
    /// The peer's address, as Received shows it: `127.0.0.1`, `IPv6:::1`.
    pub peer: String,
    /// `ESMTPS` and the like (RFC 3848).
    pub protocol: &'static str,
    /// `TLS1.3 TLS13_AES_256_GCM_SHA384`, if it came so.
    pub tls: Option<String>,
    /// Who has logged in: their message is a submission, completed (Date, Message-ID, From) and
    /// cleaned (Bcc, Return-Path).
    pub submitter: Option<(AccountId, Address)>,
    /// The only recipient, if there is just one: Received says `for <…>`.
    pub only_recipient: Option<Address>,
}

impl Origin {
    /// LMTP gives each recipient a reply of its own (RFC 2033 §4.2), SMTP all of them one.
    fn replies(&self) -> Replies {
        if self.protocol.contains("LMTP") { Replies::Each } else { Replies::One }
    }
}

/// A message on its way in: bounded memory, nothing promised yet. Dropped, it leaves no trace.
pub struct Incoming {
    road: Arc<Road>,
    origin: Origin,
    id: String,
    begun_at: Timestamp,
    /// Octets that came.
    size: u64,
    rewrite: Rewrite,
    /// The header as it is kept, once its end was found.
    header: Bytes,
    message_id: Option<String>,
    writer: Box<dyn BlobWriter>,
    /// Why it will not be filed.
    failed: Option<Refusal>,
}

/// What the sender may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The id in Received, in the log, and in the reply: names this message's coming for ever.
    pub id: String,
    /// Octets of the message as kept, without per-recipient fields.
    pub size: u64,
    /// Its Message-ID field, for the log.
    pub message_id: Option<String>,
    /// For each recipient given to [`Incoming::finish`], in order: filed, or why not.
    pub recipients: Vec<Result<(), Refusal>>,
}

impl Incoming {
    pub(crate) fn new(road: Arc<Road>, origin: Origin) -> Incoming {
        let begun_at = road.world.clock.now();
        let id = new_id(begun_at, &*road.world.random);
        let writer = road.mail.begin_body();
        Incoming {
            road,
            origin,
            id,
            begun_at,
            size: 0,
            rewrite: Rewrite::default(),
            header: Bytes::new(),
            message_id: None,
            writer,
            failed: None,
        }
    }

    /// The id that the message will have; the log names it from the start.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Takes decoded octets (dots unstuffed, CRLF line ends). Errors: `TooLarge`, `Malformed`,
    /// `Unavailable`; after one, more octets may be given and are dropped.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        if self.failed.is_some() {
            return Ok(());
        }
        let taken = self.take(chunk).await;
        if let Err(refusal) = &taken {
            self.failed = Some(refusal.clone());
        }
        match taken {
            // Found in the middle, it is told at the end, as all that is wrong with a header is.
            Err(Refusal::Loop) => Ok(()),
            taken => taken,
        }
    }

    /// Files the message for all recipients in one durable commit. `Err` if for none of them.
    /// Errors also `Loop`, `Malformed`.
    ///
    /// Over LMTP each recipient has its own answer. Over SMTP one answer is for all, so a message
    /// that is too large for one of them, or one of whom is full by now, is refused for all; who is
    /// in the message's own Delivered-To fields has it already and is passed over.
    pub async fn finish(mut self, recipients: &[Recipient]) -> Result<Delivered, Refusal> {
        self.end().await?;
        let plan = self.plan(recipients).await?;
        if plan.copies.is_empty() {
            let refused = plan.answers(&[]).into_iter().find_map(Result::err);
            return Err(refused.unwrap_or(Refusal::NoSuchRecipient));
        }
        let size = self.writer.len();
        let body = self.writer.finish().await.map_err(unavailable)?;
        let filing = Filing {
            road: &self.road,
            id: &self.id,
            reverse_path: &self.origin.reverse_path,
            replies: self.origin.replies(),
        };
        let filed = filing.file(&plan.copies, body, self.header).await?;
        let answers = plan.answers(&filed);
        if let Some(Err(refusal)) = answers.first()
            && answers.iter().all(Result::is_err)
        {
            return Err(refusal.clone());
        }
        let (id, message_id) = (self.id, self.message_id);
        Ok(Delivered { id, size, message_id, recipients: answers })
    }

    async fn take(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.size = self.size.saturating_add(chunk.len() as u64);
        check_size(self.size, self.road.options.size_max)?;
        let fed = self.rewrite.feed(chunk);
        let fed = fed.map_err(|HeaderTooLarge| Refusal::Malformed("header section over 1 MiB"))?;
        if let Some(header) = fed.header {
            self.keep_header(header).await?;
        }
        self.keep(fed.body).await
    }

    /// No more octets come. Errors: whatever was wrong with them.
    async fn end(&mut self) -> Result<(), Refusal> {
        if let Some(refusal) = self.failed.take() {
            return Err(refusal);
        }
        if let Some(header) = self.rewrite.finish() {
            self.keep_header(header).await?;
        }
        let Some((submitter, _)) = self.origin.submitter else { return Ok(()) };
        match self.road.directory.account(submitter).await {
            Ok(account) => check_size(self.size, account.size_max.unwrap_or(u64::MAX)),
            Err(Refusal::LoginFailed) => Err(Refusal::NotPermitted("the account is disabled")),
            Err(refusal) => Err(refusal),
        }
    }

    async fn keep_header(&mut self, ended: Ended) -> Result<(), Refusal> {
        let sender = match speaks_for_others(&self.road, &self.origin, &ended.fields).await? {
            true => self.origin.submitter.as_ref().map(|(_, address)| address),
            false => None,
        };
        let coming = Coming {
            origin: &self.origin,
            id: &self.id,
            host_name: &self.road.options.host_name,
            at: self.begun_at,
            sender,
        };
        let (header, facts) = coming.compose(&ended.fields);
        if facts.received > self.road.options.received_max {
            return Err(Refusal::Loop);
        }
        self.header = header.into();
        self.message_id = facts.message_id;
        let header = self.header.clone();
        self.keep(&header).await?;
        self.keep(&ended.lead).await
    }

    async fn keep(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        if octets.is_empty() {
            return Ok(());
        }
        self.writer.write(octets).await.map_err(unavailable)
    }

    /// Who gets a copy.
    async fn plan<'r>(&mut self, recipients: &'r [Recipient]) -> Result<Plan<'r>, Refusal> {
        let before = delivered_before(&self.header);
        let size = self.size;
        let road = self.road.clone();
        let mut plan = Plan::new(recipients.len());
        for group in groups(recipients, self.origin.replies(), &before) {
            match check_group(&road, &group, size).await {
                Ok(()) => plan.accept(&group, recipients),
                Err(Refusal::Unavailable) => return Err(Refusal::Unavailable),
                Err(refusal) => plan.refuse(&group, &refusal),
            }
        }
        Ok(plan)
    }
}

/// May a message of `size` octets be filed for all members? If they share one reply, the quota is
/// looked at here: full is full, but what was not announced may pass it by this message.
async fn check_group(road: &Road, group: &Group<'_>, size: u64) -> Result<(), Refusal> {
    for member in &group.members {
        check_size(size, member.account.size_max.unwrap_or(u64::MAX))?;
        if group.is_shared() {
            road.check_quota(&member.account, 0).await?;
        }
    }
    Ok(())
}

/// Does a submission name an author or sender who is not the submitter? Errors: `Unavailable`.
async fn speaks_for_others(road: &Road, origin: &Origin, fields: &[u8]) -> Result<bool, Refusal> {
    let Some((id, own)) = &origin.submitter else { return Ok(false) };
    let Some(named) = named(fields) else { return Ok(true) };
    for address in named.into_iter().filter(|address| address != own) {
        let path = ReversePath(Some(address));
        match road.directory.may_account_send_as(*id, &path).await {
            Ok(()) => {}
            Err(Refusal::Unavailable) => return Err(Refusal::Unavailable),
            Err(_) => return Ok(true),
        }
    }
    Ok(false)
}

/// The answer when the store fails. Whoever runs the store logs why.
fn unavailable(error: StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StorageFull,
        _ => Refusal::Unavailable,
    }
}
