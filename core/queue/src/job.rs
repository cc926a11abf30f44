//! Work that is due.

use crate::lease::Lease;
use crate::{Class, Destination};
use bytes::Bytes;
use core_store::BlobId;
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::{AccountId, Address, BodyType, Notify, OriginalRecipient, Ret, ReversePath};

/// A message as the queue keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedMessage {
    /// What names it.
    pub id: String,
    /// Its octets, behind `prefix`.
    pub blob: BlobId,
    /// How many there are in `blob`.
    pub size: u64,
    /// Fields that go in front.
    pub prefix: Bytes,
    /// The sender.
    pub reverse_path: ReversePath,
    /// Who has submitted it.
    pub submitter: Option<AccountId>,
    /// `BODY=`
    pub body: BodyType,
    /// Does it need SMTPUTF8?
    pub smtputf8: bool,
    /// Only over certain TLS?
    pub requiretls: bool,
    /// `RET=`
    pub ret: Option<Ret>,
    /// `ENVID=`
    pub envid: Option<String>,
    /// How it is treated.
    pub class: Class,
    /// When it was accepted.
    pub queued_at: Timestamp,
    /// Recipients that it had when it was queued, those delivered here and to be reported included.
    pub recipients: u32,
}

impl QueuedMessage {
    /// Octets that leave: prefix and body.
    pub fn size_whole(&self) -> u64 {
        self.size + self.prefix.len() as u64
    }
}

/// One message for one destination. It is nobody else's until it is given to [`crate::Queue::report`];
/// dropped, or forgotten by a kill, it is due again.
#[derive(Debug)]
pub struct Job {
    /// What is to be sent.
    pub message: Arc<QueuedMessage>,
    /// Whereto.
    pub destination: Destination,
    /// To whom: 1 to [`crate::Options::recipients_max`].
    pub recipients: Vec<JobRecipient>,
    /// Which attempt this is for the one who was tried most often, from 1 on.
    pub attempt: u32,
    pub(crate) lease: Lease,
}

/// One recipient of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecipient {
    /// Its number in the message.
    pub number: u32,
    /// Where it goes.
    pub address: Address,
    /// `NOTIFY=`
    pub notify: Notify,
    /// `ORCPT=`
    pub orcpt: Option<OriginalRecipient>,
    /// Attempts before this one.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: Timestamp,
}
