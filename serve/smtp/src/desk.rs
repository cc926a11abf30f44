//! The counter of one SMTP session.

use crate::log;
use crate::refusal::{reply_to, reply_to_login};
use bytes::Bytes;
use core_delivery::{Asked, Delivered, Delivery, Incoming, Origin, Parameters, Recipient, Taken};
use core_directory::Account;
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
}

/// Answers one SMTP session; holds what the core handed out for it.
pub struct SmtpDesk {
    login: Login,
    delivery: Arc<Delivery>,
    visitor: Visitor,
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
}

/// The session asks in an order in which this cannot be; should it ever, nothing is promised.
const OUT_OF_ORDER: Refusal = Refusal::Unavailable;

impl SmtpDesk {
    /// A counter for `visitor`, before login.
    pub fn new(login: Login, delivery: Arc<Delivery>, visitor: Visitor) -> SmtpDesk {
        SmtpDesk { login, delivery, visitor, guest: None, delay: Duration::ZERO, transaction: None }
    }

    async fn log_in(&mut self, ask: proto_sasl::Ask) -> Answer {
        match self.login.answer(ask, &self.visitor.peer, Protocol::Smtp).await {
            Ok(turn) => {
                self.guest = turn.guest.or(self.guest.take());
                Answer::Login(turn.answer)
            }
            Err(refused) => {
                self.delay = refused.delay;
                Answer::Refused(reply_to_login(&refused.refusal))
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
        self.transaction = Some(Transaction { sender, recipients: Vec::new(), incoming: None });
        Answer::Accepted
    }

    /// May send anywhere through us.
    fn is_trusted(&self) -> bool {
        self.guest.is_some() || self.visitor.standing == Standing::Trusted
    }

    async fn recipient(&mut self, recipient: &proto_smtp::Recipient) -> Answer {
        let trusted = self.is_trusted();
        let Some(transaction) = &mut self.transaction else { return refused(&OUT_OF_ORDER) };
        let Transaction { sender, recipients, .. } = transaction;
        let path = &recipient.forward_path;
        let asked = Asked {
            path,
            notify: recipient.parameters.notify,
            orcpt: recipient.parameters.orcpt.as_ref(),
            reverse_path: &sender.reverse_path,
            size: sender.parameters.size.unwrap_or(0),
            trusted,
        };
        match self.delivery.recipient(&asked).await {
            Ok(recipient) => {
                recipients.push(recipient);
                Answer::Accepted
            }
            Err(refusal) => {
                log::refused("RCPT", path, &refusal);
                let sender = sender.clone();
                self.delivery.refused(&self.origin(&sender, &[]), Some(path), &refusal);
                refused(&refusal)
            }
        }
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
        let is_stranger = !self.is_trusted() && !sender.with.contains("LMTP");
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
        let Transaction { sender, recipients, incoming } = transaction;
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
            // Nobody stands at the door yet.
            Ask::Come => Answer::GreetAfter(Duration::ZERO),
            Ask::SpokeEarly => Answer::Accepted,
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
