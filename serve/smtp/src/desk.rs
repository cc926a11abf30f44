//! The counter of one SMTP session.

use crate::guard::Guard;
use crate::log;
use crate::refusal::{reply_to, reply_to_login};
use bytes::Bytes;
use core_delivery::{Asked, Delivered, Delivery, Incoming, Origin, Parameters, Recipient, Taken};
use core_directory::Account;
use core_guard::{Offence, Sent};
use proto_line::{Broken, Desk, News};
use proto_smtp::{Answer, Ask, Finished, Reply, Sender, Standing, reply};
use serve_login::{Guest, Login, Peer, Protocol};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use words_mail::{EnhancedStatus, ForwardPath, Refusal};

/// Who stands at the counter.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// For the log.
    pub peer: Peer,
    /// For the Received field.
    pub address: IpAddr,
    /// Is it in a network that may send anywhere through us?
    pub standing: Standing,
    /// Is it looked whether its senders are genuine, unless it is trusted?
    pub examined: bool,
}

/// Answers one SMTP session; holds what the core handed out for it.
pub struct SmtpDesk {
    login: Login,
    delivery: Arc<Delivery>,
    visitor: Visitor,
    guard: Option<Arc<Guard>>,
    guest: Option<Guest>,
    /// Of the answer just given.
    delay: Duration,
    transaction: Option<Transaction>,
}

/// From an accepted MAIL on.
struct Transaction {
    sender: Sender,
    recipients: Vec<Recipient>,
    incoming: Option<Incoming>,
    /// What who has logged in had sent before, once that was asked.
    sent: Option<Sent>,
}

/// The session asks in an order in which this cannot be; should it ever, nothing is promised.
const OUT_OF_ORDER: Refusal = Refusal::Unavailable;

impl SmtpDesk {
    /// A counter for `visitor`, before login.
    pub fn new(login: Login, delivery: Arc<Delivery>, visitor: Visitor) -> SmtpDesk {
        let (guard, guest, transaction) = (None, None, None);
        SmtpDesk { login, delivery, visitor, guard, guest, delay: Duration::ZERO, transaction }
    }

    /// The same, with somebody at the door.
    pub fn guarded(self, guard: Arc<Guard>) -> SmtpDesk {
        SmtpDesk { guard: Some(guard), ..self }
    }

    /// The peer has misbehaved: the answer to `otherwise`, or goodbye.
    fn offended(&self, offence: Offence, otherwise: Answer) -> Answer {
        if self.is_trusted() {
            return otherwise;
        }
        let guard = self.guard.as_ref();
        let goodbye = guard.and_then(|guard| guard.offend(self.visitor.address, offence));
        goodbye.map_or(otherwise, Answer::Refused)
    }

    async fn log_in(&mut self, ask: proto_sasl::Ask) -> Answer {
        match self.login.answer(ask, &self.visitor.peer, Protocol::Smtp).await {
            Ok(turn) => {
                self.guest = turn.guest.or(self.guest.take());
                Answer::Login(turn.answer)
            }
            Err(refused) => {
                self.delay = refused.delay;
                let answer = Answer::Refused(reply_to_login(&refused.refusal));
                match refused.refusal {
                    Refusal::LoginFailed => self.offended(Offence::WrongPassword, answer),
                    _ => answer,
                }
            }
        }
    }

    /// Who has logged in.
    fn account(&self) -> Option<&Account> {
        self.guest.as_ref().map(|guest| &guest.account)
    }

    /// May who has logged in still be here?
    async fn check(&mut self) -> Result<(), Refusal> {
        match &mut self.guest {
            Some(guest) => self.login.check(guest).await,
            None => Ok(()),
        }
    }

    async fn sender(&mut self, sender: Sender) -> Answer {
        self.transaction = None;
        if let Some(guard) = &self.guard {
            guard.waited(self.visitor.address);
        }
        match self.check().await {
            Ok(()) => {}
            Err(Refusal::LoginFailed) => return Answer::Refused(shut_out()),
            Err(refusal) => return refused(&refusal),
        }
        let size = sender.parameters.size.unwrap_or(0);
        let checked = self.delivery.sender(self.account(), &sender.reverse_path, size).await;
        if let Err(refusal) = checked {
            log::refused("MAIL", &sender.reverse_path, &refusal);
            self.delivery.refused(&self.origin(&sender, &[]), None, &refusal);
            return refused(&refusal);
        }
        let recipients = Vec::new();
        self.transaction = Some(Transaction { sender, recipients, incoming: None, sent: None });
        Answer::Accepted
    }

    /// May send anywhere through us.
    fn is_trusted(&self) -> bool {
        self.guest.is_some() || self.visitor.standing == Standing::Trusted
    }

    async fn recipient(&mut self, recipient: &proto_smtp::Recipient) -> Answer {
        let path = &recipient.forward_path;
        match self.accept(recipient).await {
            Ok(answer) => answer,
            Err(refusal) => {
                log::refused("RCPT", path, &refusal);
                if let Some(Transaction { sender, .. }) = &self.transaction {
                    self.delivery.refused(&self.origin(sender, &[]), Some(path), &refusal);
                }
                let answer = refused(&refusal);
                match refusal {
                    Refusal::NoSuchRecipient => self.offended(Offence::UnknownRecipient, answer),
                    Refusal::RelayDenied => self.offended(Offence::RelayTried, answer),
                    _ => answer,
                }
            }
        }
    }

    /// May it go to one more?
    async fn accept(&mut self, recipient: &proto_smtp::Recipient) -> Result<Answer, Refusal> {
        let trusted = self.is_trusted();
        let stranger = self.guard.clone().filter(|_| !trusted);
        let account = self.guest.as_ref().map(|guest| &guest.account);
        let Some(transaction) = &mut self.transaction else { return Err(OUT_OF_ORDER) };
        let reverse_path = &transaction.sender.reverse_path;
        if let Some(guard) = &stranger {
            guard.recipient(self.visitor.address)?;
        }
        let asked = Asked {
            path: &recipient.forward_path,
            notify: recipient.parameters.notify,
            orcpt: recipient.parameters.orcpt.as_ref(),
            reverse_path,
            size: transaction.sender.parameters.size.unwrap_or(0),
            trusted,
        };
        let accepted = self.delivery.recipient(&asked).await?;
        if let (Some(guard), ForwardPath::Address(to)) = (&stranger, &recipient.forward_path)
            && let Some(reply) = guard.judge(self.visitor.address, reverse_path, to).await
        {
            return Ok(Answer::Refused(reply));
        }
        if let (Some(guard), Some(account)) = (&self.guard, account)
            && !accepted.elsewhere.is_empty()
        {
            let sent = match transaction.sent {
                Some(sent) => sent,
                None => *transaction.sent.insert(guard.sent(account).await?),
            };
            let before: usize = transaction.recipients.iter().map(|r| r.elsewhere.len()).sum();
            let more = (before + accepted.elsewhere.len()) as u64;
            guard.may_send(account, sent, more)?;
        }
        transaction.recipients.push(accepted);
        Ok(Answer::Accepted)
    }

    fn begin(&mut self) -> Answer {
        let Some(transaction) = &self.transaction else { return refused(&OUT_OF_ORDER) };
        let origin = self.origin(&transaction.sender, &transaction.recipients);
        let incoming = self.delivery.begin(origin);
        if let Some(transaction) = &mut self.transaction {
            transaction.incoming = Some(incoming);
        }
        Answer::Accepted
    }

    fn origin(&self, sender: &Sender, recipients: &[Recipient]) -> Origin {
        let secured = sender.client.secured.as_ref();
        let parameters = &sender.parameters;
        // Whoever hands mail over by LMTP has taken it in from strangers, and examined them.
        let is_stranger =
            self.visitor.examined && !self.is_trusted() && !sender.with.contains("LMTP");
        Origin {
            reverse_path: sender.reverse_path.clone(),
            parameters: Parameters {
                body: parameters.body,
                smtputf8: parameters.smtputf8,
                requiretls: parameters.requiretls,
                ret: parameters.ret,
                envid: parameters.envid.clone(),
            },
            helo: sender.client.name.clone(),
            peer: match self.visitor.address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("IPv6:{address}"),
            },
            examine: is_stranger.then_some(self.visitor.address),
            protocol: sender.with,
            tls: secured.map(|s| format!("{} {}", s.version, s.cipher)),
            submitter: self.account().map(|a| (a.id, a.address.clone())),
            only_recipient: match recipients {
                [Recipient { forward_path: ForwardPath::Address(only), .. }] => Some(only.clone()),
                _ => None,
            },
            is_report: false,
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Answer {
        let Some(transaction) = &mut self.transaction else { return refused(&OUT_OF_ORDER) };
        let Some(incoming) = &mut transaction.incoming else { return refused(&OUT_OF_ORDER) };
        let Err(refusal) = incoming.write(octets).await else { return Answer::Accepted };
        let id = incoming.id().to_string();
        log::finished(&transaction.sender, &transaction.recipients, &Err(refusal.clone()), &id);
        // After a refusal neither Finish nor Abort comes.
        self.transaction = None;
        refused(&refusal)
    }

    async fn finish(&mut self) -> Answer {
        let Some(transaction) = self.transaction.take() else { return refused(&OUT_OF_ORDER) };
        let Transaction { sender, recipients, incoming, .. } = transaction;
        let Some(incoming) = incoming else { return refused(&OUT_OF_ORDER) };
        let id = incoming.id().to_string();
        let result = incoming.finish(&recipients).await;
        log::finished(&sender, &recipients, &result, &id);
        match result {
            Ok(delivered) => Answer::Finished(Finished::Each(replies(&delivered))),
            Err(refusal) => refused(&refusal),
        }
    }
}

/// What somebody is told whose account is disabled or gone, or whose password was replaced or
/// revoked, since they came.
fn shut_out() -> Reply {
    let text = "the account may no longer log in, or its password was changed";
    reply(421, EnhancedStatus(4, 7, 0), text)
}

fn refused(refusal: &Refusal) -> Answer {
    Answer::Refused(reply_to(refusal))
}

/// One for each recipient; where the protocol has a single one, the session picks the worst.
fn replies(delivered: &Delivered) -> Vec<Reply> {
    let done = |how| reply(250, EnhancedStatus(2, 0, 0), format!("{how} as {}", delivered.id));
    let reply = |outcome: &Result<Taken, Refusal>| match outcome {
        Ok(Taken::Filed) => done("delivered"),
        Ok(Taken::Queued | Taken::FiledAndQueued) => done("queued"),
        Err(refusal) => reply_to(refusal),
    };
    delivered.recipients.iter().map(reply).collect()
}

impl Desk for SmtpDesk {
    type Ask = Ask;
    type Answer = Answer;
    type Stretch = Infallible;

    async fn answer(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Come => match &self.guard {
                Some(guard) => guard.come(self.visitor.address).await,
                None => Answer::GreetAfter(Duration::ZERO),
            },
            Ask::SpokeEarly => self.offended(Offence::EarlyTalk, Answer::Accepted),
            Ask::Login(ask) => self.log_in(ask).await,
            Ask::Sender(sender) => self.sender(*sender).await,
            Ask::Recipient(recipient) => self.recipient(&recipient).await,
            Ask::Begin => self.begin(),
            Ask::Write(octets) => self.write(&octets).await,
            Ask::Finish => self.finish().await,
            Ask::Abort => {
                self.transaction = None;
                Answer::Accepted
            }
        }
    }

    fn delay(&mut self) -> Duration {
        std::mem::take(&mut self.delay)
    }

    async fn read(&mut self, never: &Infallible, _: u64, _: usize) -> Result<Bytes, Broken> {
        match *never {}
    }

    async fn news(&mut self) -> News {
        match &mut self.guest {
            Some(guest) => self.login.shut_out(guest).await,
            // Nothing that happens elsewhere concerns a session that only brings mail.
            None => std::future::pending().await,
        }
        News::ShutOut
    }
}
