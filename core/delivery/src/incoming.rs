//! A message on its way in.

use crate::companion::Companion;
use crate::compose::{Coming, delivered_before};
use crate::delivery::{Road, check_size};
use crate::filing::Filing;
use crate::genuine::{Judged, Watchers};
use crate::names::named;
use crate::noted::Head;
use crate::plan::{Group, Plan, Replies, groups, leads_elsewhere};
use crate::rewrite::{Ended, HeaderTooLarge, Rewrite};
use crate::way_out::Leaving;
use crate::{Parameters, Recipient};
use bytes::Bytes;
use core_queue::NewMessage;
use core_store::{Batch, BlobWriter, Body, StoreError};
use core_trace::new_id;
use rules_sender::Decision;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use words_base::Timestamp;
use words_mail::{AccountId, Address, BodyType, Refusal, ReversePath};

/// Where a message comes from: what its trace fields tell (RFC 5321 §4.4).
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// From MAIL.
    pub reverse_path: ReversePath,
    /// What else MAIL said.
    pub parameters: Parameters,
    /// What the client called itself.
    pub helo: String,
    /// The peer's address, as Received shows it: `127.0.0.1`, `IPv6:::1`.
    pub peer: String,
    /// The peer's address, if it is a stranger whose mail is examined.
    pub examine: Option<IpAddr>,
    /// `ESMTPS` and the like (RFC 3848).
    pub protocol: &'static str,
    /// `TLS1.3 TLS13_AES_256_GCM_SHA384`, if it came so.
    pub tls: Option<String>,
    /// Who has logged in: their message is a submission, completed (Date, Message-ID, From) and
    /// cleaned (Bcc, Return-Path).
    pub submitter: Option<(AccountId, Address)>,
    /// The only recipient, if there is just one: Received says `for <…>`.
    pub only_recipient: Option<Address>,
    /// Is it a report of our own?
    pub is_report: bool,
}

impl Origin {
    /// LMTP gives each recipient a reply of its own (RFC 2033 §4.2), SMTP all of them one.
    fn replies(&self) -> Replies {
        if self.protocol.contains("LMTP") { Replies::Each } else { Replies::One }
    }
}

/// A message on its way in: bounded memory, nothing promised yet. Dropped, it leaves no trace.
pub struct Incoming {
    known: Known,
    rewrite: Rewrite,
    /// Until it is filed.
    writer: Option<Box<dyn BlobWriter>>,
    /// Those who look at the octets as they come.
    watchers: Watchers,
    /// Why it will not be filed.
    failed: Option<Refusal>,
}

/// What is known of the message.
struct Known {
    road: Arc<Road>,
    origin: Origin,
    id: String,
    begun_at: Timestamp,
    /// Octets that came.
    size: u64,
    /// The header as it is kept, once its end was found.
    header: Bytes,
    message_id: Option<String>,
    /// Has an octet of it the highest bit?
    is_8bit: bool,
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
    /// For each recipient given to [`Incoming::finish`], in order: where it went, or why it did not.
    pub recipients: Vec<Result<Taken, Refusal>>,
}

/// Where a message went for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is filed here.
    Filed,
    /// It is queued, to be brought elsewhere.
    Queued,
    /// Both, since an alias leads here and elsewhere.
    FiledAndQueued,
}

impl Incoming {
    pub(crate) fn new(road: Arc<Road>, origin: Origin) -> Incoming {
        let begun_at = road.world.clock.now();
        let id = new_id(begun_at, &*road.world.random);
        let writer = Some(road.mail.begin_body());
        let watchers = Watchers::new(&road, &origin, begun_at);
        let known = Known {
            road,
            origin,
            id,
            begun_at,
            size: 0,
            header: Bytes::new(),
            message_id: None,
            is_8bit: false,
        };
        Incoming { known, rewrite: Rewrite::default(), writer, watchers, failed: None }
    }

    /// The id that the message will have; the log names it from the start.
    pub fn id(&self) -> &str {
        &self.known.id
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

    /// Files the message for all recipients here, and queues it for those elsewhere, in one durable
    /// commit. `Err` if for none of them. Errors also `Loop`, `Malformed`, `NotGenuine`.
    ///
    /// Over LMTP each recipient has its own answer. Over SMTP one answer is for all, so a message
    /// that is too large for one of them, or one of whom is full by now, is refused for all; who is
    /// in the message's own Delivered-To fields has it already and is passed over.
    pub async fn finish(self, recipients: &[Recipient]) -> Result<Delivered, Refusal> {
        self.finish_beside(recipients, None).await
    }

    /// The same; `also` happens in that very commit.
    pub(crate) async fn finish_beside(
        mut self,
        recipients: &[Recipient],
        also: Option<Batch>,
    ) -> Result<Delivered, Refusal> {
        let mut judged = Judged::default();
        let settled = self.settle(recipients, also.as_ref(), &mut judged).await;
        if let (Err(refusal), Some(trace)) = (&settled, &self.known.road.trace) {
            self.known.head(&judged).refused(trace, &self.known.id, recipients, refusal);
        }
        settled
    }

    async fn settle(
        &mut self,
        recipients: &[Recipient],
        also: Option<&Batch>,
        judged: &mut Judged,
    ) -> Result<Delivered, Refusal> {
        self.end().await?;
        *judged = std::mem::take(&mut self.watchers).finish(&self.known.road).await;
        if let Decision::Reject { status, reason } = &judged.decision {
            return Err(Refusal::NotGenuine { status: *status, reason: reason.clone() });
        }
        let before = delivered_before(&self.known.header);
        let plan = self.known.plan(recipients, &before).await?;
        let beyond = plan.accepted(recipients);
        let beyond: Vec<_> = beyond.into_iter().filter(|r| leads_elsewhere(r, &before)).collect();
        if plan.copies.is_empty() && beyond.is_empty() {
            let refused = plan.answers(&[]).into_iter().find_map(Result::err);
            return Err(refused.unwrap_or(Refusal::NoSuchRecipient));
        }
        let Some(writer) = self.writer.take() else { return Err(Refusal::Unavailable) };
        let size = writer.len();
        let body = writer.finish().await.map_err(unavailable)?;
        let told = plan.accepted(recipients);
        let messages = self.known.leave(&body, judged, &told, &beyond).await?;
        let (maildirs, deposits) =
            plan.copies.iter().partition(|copy| copy.to.account.deliver_to.is_some());
        let head = self.known.head(judged);
        let queue = self.known.road.way_out.as_ref().map(|way_out| &way_out.queue);
        let companion = Companion {
            id: &self.known.id,
            head: &head,
            trace: self.known.road.trace.as_ref(),
            acquaints: self.known.road.acquaints,
            queue: queue.map(|queue| (queue, messages.as_slice())),
            also,
            deposits,
            maildirs,
            beyond: beyond.clone(),
            done: Mutex::default(),
        };
        let filing = Filing {
            road: &self.known.road,
            id: &self.known.id,
            reverse_path: &self.known.origin.reverse_path,
            replies: self.known.origin.replies(),
            results: &judged.results,
            is_junk: matches!(judged.decision, Decision::Junk(_)),
        };
        let filed = filing.file(&plan.copies, body, self.known.header.clone(), &companion).await?;
        drop(companion);
        let answers = plan.answers(&filed);
        if let Some(Err(refusal)) = answers.first()
            && answers.iter().all(Result::is_err)
        {
            return Err(refusal.clone());
        }
        let taken = |recipient: &Recipient| match leads_elsewhere(recipient, &before) {
            true if recipient.local.is_empty() => Taken::Queued,
            true => Taken::FiledAndQueued,
            false => Taken::Filed,
        };
        let answers = answers.into_iter().zip(recipients);
        let recipients = answers.map(|(answer, to)| answer.map(|()| taken(to))).collect();
        let message_id = self.known.message_id.clone();
        Ok(Delivered { id: self.known.id.clone(), size, message_id, recipients })
    }

    async fn take(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.known.size = self.known.size.saturating_add(chunk.len() as u64);
        self.known.is_8bit = self.known.is_8bit || !chunk.is_ascii();
        check_size(self.known.size, self.known.road.options.size_max)?;
        let fed = self.rewrite.feed(chunk);
        let fed = fed.map_err(|HeaderTooLarge| Refusal::Malformed("header section over 1 MiB"))?;
        if let Some(header) = fed.header {
            self.keep_header(header).await?;
        }
        self.watchers.body(fed.body);
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
        let Some((submitter, _)) = self.known.origin.submitter else { return Ok(()) };
        match self.known.road.directory.account(submitter).await {
            Ok(account) => check_size(self.known.size, account.size_max.unwrap_or(u64::MAX)),
            Err(Refusal::LoginFailed) => Err(Refusal::NotPermitted("the account is disabled")),
            Err(refusal) => Err(refusal),
        }
    }

    async fn keep_header(&mut self, ended: Ended) -> Result<(), Refusal> {
        let sender =
            match speaks_for_others(&self.known.road, &self.known.origin, &ended.fields).await? {
                true => self.known.origin.submitter.as_ref().map(|(_, address)| address),
                false => None,
            };
        let coming = Coming {
            origin: &self.known.origin,
            id: &self.known.id,
            host_name: &self.known.road.options.host_name,
            at: self.known.begun_at,
            sender,
        };
        let (header, facts) = coming.compose(&ended.fields);
        if facts.received > self.known.road.options.received_max {
            return Err(Refusal::Loop);
        }
        self.known.header = header.into();
        self.known.message_id = facts.message_id;
        let header = self.known.header.clone();
        let (road, origin, at) = (&self.known.road, &self.known.origin, self.known.begun_at);
        self.watchers.header(road, origin, &ended.fields, &header, at).await?;
        self.keep(&header).await?;
        self.watchers.body(&ended.lead);
        self.keep(&ended.lead).await
    }

    async fn keep(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        if octets.is_empty() {
            return Ok(());
        }
        let Some(writer) = &mut self.writer else { return Err(Refusal::Unavailable) };
        writer.write(octets).await.map_err(unavailable)
    }
}

impl Known {
    fn head<'a>(&'a self, judged: &'a Judged) -> Head<'a> {
        Head {
            origin: &self.origin,
            at: self.begun_at,
            message_id: self.message_id.as_deref(),
            size: self.size,
            judged,
        }
    }

    /// What is to be queued: for those `beyond`, and for the success of others that is to be told.
    async fn leave(
        &self,
        body: &Body,
        judged: &Judged,
        told: &[&Recipient],
        beyond: &[&Recipient],
    ) -> Result<Vec<NewMessage>, Refusal> {
        let Some(way_out) = &self.road.way_out else { return Ok(Vec::new()) };
        let tells = |r: &&Recipient| r.tells_success_here();
        if beyond.is_empty() && !told.iter().any(tells) {
            return Ok(Vec::new());
        }
        let mut parameters = self.origin.parameters.clone();
        if self.is_8bit && parameters.body == BodyType::SevenBit {
            parameters.body = BodyType::EightBitMime;
        }
        let leaving = Leaving {
            id: &self.id,
            blob: body.id,
            size: body.len,
            reverse_path: &self.origin.reverse_path,
            submitter: self.origin.submitter.as_ref().map(|(id, _)| *id),
            parameters: &parameters,
            signatures: &judged.signatures,
            results: &judged.results,
            is_report: self.origin.is_report,
            at: self.begun_at,
        };
        way_out.messages(&leaving, told, beyond, &*self.road.world.random).await
    }

    /// Who gets a copy.
    async fn plan<'r>(
        &self,
        recipients: &'r [Recipient],
        before: &HashSet<String>,
    ) -> Result<Plan<'r>, Refusal> {
        let (size, road) = (self.size, &self.road);
        let mut plan = Plan::new(recipients.len());
        for group in groups(recipients, self.origin.replies(), before) {
            match check_group(road, &group, size).await {
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
