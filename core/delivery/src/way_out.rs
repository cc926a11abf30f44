//! Who is elsewhere: what is queued for them, and under which reverse-path.

use crate::Recipient;
use crate::recipient::Forward;
use bytes::Bytes;
use core_queue::{Class, NewMessage, NewRecipient, Queue};
use core_store::{Batch, BlobId, Key, Store, StoreError};
use core_world::Random;
use std::sync::{Arc, OnceLock};
use words_base::Timestamp;
use words_mail::{
    AccountId, Address, BodyType, Notify, OriginalRecipient, Refusal, Ret, ReversePath,
};
use words_message::compose;

/// Where the secret stands with which reverse-paths are rewritten: version 1, 32 octets.
const SECRET_KEY: &[u8] = b"fS";
const SECRET_VERSION: u8 = 1;
const SECRET_LEN: usize = 32;
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// The way out: a queue, and the secret with which reverse-paths of forwarded mail are rewritten.
pub(crate) struct WayOut {
    pub(crate) queue: Queue,
    pub(crate) store: Arc<dyn Store>,
    secret: OnceLock<[u8; SECRET_LEN]>,
}

/// What MAIL said that matters to those elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `BODY=`
    pub body: BodyType,
    /// `SMTPUTF8`
    pub smtputf8: bool,
    /// `REQUIRETLS`
    pub requiretls: bool,
    /// `RET=`
    pub ret: Option<Ret>,
    /// `ENVID=`, decoded.
    pub envid: Option<String>,
}

/// What all that is queued of one message has in common.
pub(crate) struct Leaving<'a> {
    pub(crate) id: &'a str,
    pub(crate) blob: BlobId,
    pub(crate) size: u64,
    pub(crate) reverse_path: &'a ReversePath,
    pub(crate) submitter: Option<AccountId>,
    pub(crate) parameters: &'a Parameters,
    /// Signatures.
    pub(crate) signatures: &'a [u8],
    /// Authentication-Results, for those to whom it is forwarded.
    pub(crate) results: &'a str,
    /// Is it a report of ours?
    pub(crate) is_report: bool,
    pub(crate) at: Timestamp,
}

impl WayOut {
    pub(crate) fn new(queue: Queue, store: Arc<dyn Store>) -> WayOut {
        WayOut { queue, store, secret: OnceLock::new() }
    }

    /// The secret; made when it is first asked for. Errors: `Unavailable`.
    pub(crate) async fn secret(&self, random: &dyn Random) -> Result<[u8; SECRET_LEN], Refusal> {
        if let Some(secret) = self.secret.get() {
            return Ok(*secret);
        }
        let secret = match self.read_secret().await? {
            Some(secret) => secret,
            None => self.make_secret(random).await?,
        };
        Ok(*self.secret.get_or_init(|| secret))
    }

    async fn read_secret(&self) -> Result<Option<[u8; SECRET_LEN]>, Refusal> {
        let snapshot = self.store.snapshot().await.map_err(unavailable)?;
        let Some(record) = snapshot.get(SECRET_KEY).await.map_err(unavailable)? else {
            return Ok(None);
        };
        let secret = record.strip_prefix(&[SECRET_VERSION]).and_then(|s| s.try_into().ok());
        secret.map(Some).ok_or(Refusal::Unavailable)
    }

    async fn make_secret(&self, random: &dyn Random) -> Result<[u8; SECRET_LEN], Refusal> {
        let mut secret = [0; SECRET_LEN];
        random.fill(&mut secret);
        let mut batch = Batch::new();
        batch.expect_absent(Key::from_static(SECRET_KEY));
        batch.put(SECRET_KEY, [&[SECRET_VERSION][..], &secret].concat());
        match self.store.commit(batch).await {
            Ok(_) => Ok(secret),
            // Somebody else has made it just now.
            Err(StoreError::Conflict { .. }) => {
                self.read_secret().await?.ok_or(Refusal::Unavailable)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// What is to be queued for those `beyond`, one message for each reverse-path. The first keeps the
    /// sender's own, and also tells of those who were `told` here, if the sender wants to know.
    pub(crate) async fn messages(
        &self,
        leaving: &Leaving<'_>,
        told: &[&Recipient],
        beyond: &[&Recipient],
        random: &dyn Random,
    ) -> Result<Vec<NewMessage>, Refusal> {
        let mut messages = vec![leaving.message(leaving.reverse_path.clone(), 0)];
        let mut hops: Vec<Vec<&Address>> = vec![Vec::new()];
        for recipient in beyond {
            let new = |address: &Address| NewRecipient {
                address: address.clone(),
                notify: recipient.notify_beyond(),
                orcpt: recipient.orcpt_beyond(),
            };
            let nth = match &recipient.forward {
                None => 0,
                Some(forward) => {
                    let path = self.path(leaving, forward, random).await?;
                    let known = messages.iter().position(|m| m.reverse_path == path);
                    let nth = known.unwrap_or_else(|| {
                        messages.push(leaving.message(path, messages.len()));
                        hops.push(Vec::new());
                        messages.len() - 1
                    });
                    if !hops[nth].contains(&&forward.alias) {
                        hops[nth].push(&forward.alias);
                    }
                    nth
                }
            };
            for address in &recipient.elsewhere {
                let there = &mut messages[nth].recipients;
                if !there.iter().any(|r| r.address == *address) {
                    there.push(new(address));
                }
            }
        }
        for recipient in told.iter().filter(|recipient| recipient.tells_success_here()) {
            messages[0].delivered.extend(recipient.success_here());
        }
        for (message, hops) in messages.iter_mut().zip(hops) {
            message.prefix = leaving.prefix(&hops);
            message.class = match leaving.is_report {
                true => Class::Report,
                false => Class::of(leaving.size, message.recipients.len()),
            };
        }
        messages.retain(NewMessage::has_work);
        Ok(messages)
    }

    /// The reverse-path under which a message is forwarded. A submission's is ours already.
    async fn path(
        &self,
        leaving: &Leaving<'_>,
        forward: &Forward,
        random: &dyn Random,
    ) -> Result<ReversePath, Refusal> {
        if leaving.submitter.is_some() || leaving.reverse_path.is_null() || forward.comes_back {
            return Ok(leaving.reverse_path.clone());
        }
        let secret = self.secret(random).await?;
        let ours = forward.alias.domain();
        let rewritten =
            rules_sender::srs::forward(leaving.reverse_path, ours, &secret, day(leaving.at));
        Ok(rewritten.unwrap_or_else(|| ReversePath(Address::new("postmaster", ours.clone()).ok())))
    }

    /// Where a bounce to `address` of ours leads, if it is a reverse-path that we have rewritten.
    pub(crate) async fn back(
        &self,
        address: &Address,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Option<Address>, Refusal> {
        use rules_sender::srs::{self, SrsError};
        if !srs::is_rewritten(address.local_part()) {
            return Ok(None);
        }
        let secret = self.secret(random).await?;
        match srs::back(address.local_part(), &secret, day(now)) {
            Ok(address) => Ok(Some(address)),
            Err(SrsError::NotOurs) => Ok(None),
            Err(SrsError::Forged | SrsError::Expired) => Err(Refusal::NoSuchRecipient),
        }
    }
}

impl Leaving<'_> {
    fn message(&self, reverse_path: ReversePath, nth: usize) -> NewMessage {
        let id = match nth {
            0 => self.id.to_string(),
            nth => format!("{}.{}", self.id, nth + 1),
        };
        NewMessage {
            id,
            blob: self.blob,
            size: self.size,
            prefix: Bytes::new(),
            reverse_path,
            submitter: self.submitter,
            body: self.parameters.body,
            smtputf8: self.parameters.smtputf8,
            requiretls: self.parameters.requiretls,
            ret: self.parameters.ret,
            envid: self.parameters.envid.clone(),
            class: Class::Interactive,
            queued_at: self.at,
            recipients: Vec::new(),
            delivered: Vec::new(),
        }
    }

    /// What stands in front for those elsewhere. An alias that it came by is named, so that it is not
    /// forwarded a second time.
    fn prefix(&self, hops: &[&Address]) -> Bytes {
        let mut prefix = Vec::new();
        for alias in hops {
            prefix.extend_from_slice(compose::delivered_to(&alias.to_string()).as_bytes());
        }
        prefix.extend_from_slice(self.signatures);
        if !hops.is_empty() {
            prefix.extend_from_slice(self.results.as_bytes());
        }
        prefix.into()
    }
}

/// The days since 1970.
fn day(at: Timestamp) -> u64 {
    (at.millis().max(0) / DAY_MILLIS) as u64
}

fn unavailable(error: StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StorageFull,
        _ => Refusal::Unavailable,
    }
}

/// `path` as ORCPT names it (RFC 3461 §4.2).
pub(crate) fn original(address: &Address) -> OriginalRecipient {
    let kind = if address.to_string().is_ascii() { "rfc822" } else { "utf-8" };
    OriginalRecipient { kind: kind.to_string(), address: address.to_string() }
}

/// What those beyond an alias with several targets are still to report: the success was told here.
pub(crate) fn without_success(notify: Notify) -> Notify {
    match notify {
        Notify::On { failure: false, delay: false, .. } => Notify::Never,
        Notify::On { failure, delay, .. } => Notify::On { success: false, failure, delay },
        notify => notify,
    }
}
