//! The octets of a message, from the wire to the desk.

use super::{Flow, SmtpSession};
use crate::ask::Ask;
use crate::body::{Fate, LineEnds, Source};
use crate::command::mail::too_large;
use crate::options::Mode;
use crate::reply::{Reply, reply};
use crate::state::{Pending, Receiving, State};
use crate::transaction::Transaction;
use words_mail::{BodyType, EnhancedStatus};

/// How many times the largest message's octets are read of a message that is too large, so that its
/// sender may hear why, before we hang up.
const DROPPED_FACTOR: u64 = 3;

impl SmtpSession {
    /// Most octets of one message that are read at all.
    pub(crate) fn octets_read_max(&self) -> u64 {
        self.options.size_max.saturating_mul(DROPPED_FACTOR)
    }

    pub(crate) fn line_ends(&self, body: BodyType) -> LineEnds {
        match body {
            BodyType::BinaryMime => LineEnds::Binary,
            _ if self.is_stranger() => LineEnds::Strict,
            _ => LineEnds::Normalised,
        }
    }

    /// Begins or goes on to receive.
    pub(crate) fn receive_on(&mut self, receiving: Receiving) -> Flow {
        self.state = State::Receiving(Box::new(receiving));
        Flow::Again
    }

    /// Takes what has come, and gives it on when it is much or the message is whole.
    pub(super) fn receive(&mut self, mut receiving: Box<Receiving>) -> Flow {
        let Receiving { incoming, source, .. } = &mut *receiving;
        if !source.is_over() {
            if self.input.unread().is_empty() {
                self.state = State::Receiving(receiving);
                return Flow::Starved;
            }
            incoming.pull(&mut self.input, source);
            self.heard();
        }
        let whole = source.is_over() && source.is_last();
        if whole {
            incoming.end();
        }
        if incoming.octets() > self.octets_read_max() {
            return self.hang_up(too_large(self.options.size_max));
        }
        let incoming = &mut receiving.incoming;
        if incoming.fate == Fate::Writing {
            if let Err(reply) = incoming.check(self.options.size_max) {
                incoming.drop_with(reply);
                return self.ask(Ask::Abort, Pending::Abort(receiving));
            }
            if let Some(chunk) = incoming.take_full(whole) {
                return self.ask(Ask::Write(chunk), Pending::Write(receiving));
            }
        } else {
            incoming.forget();
        }
        match receiving.source.is_over() {
            true => self.received(*receiving),
            false => self.receive_on(*receiving),
        }
    }

    /// Everything that DATA or this BDAT brings is here.
    fn received(&mut self, receiving: Receiving) -> Flow {
        let Receiving { transaction, incoming, source } = receiving;
        match (transaction, &incoming.fate, source.is_last()) {
            (Some(transaction), Fate::Writing, true) => {
                self.ask(Ask::Finish, Pending::Finish(transaction))
            }
            (Some(transaction), Fate::Dropping(reply), true) => {
                let reply = reply.clone();
                self.finish(&transaction, std::iter::repeat(reply))
            }
            (None, Fate::Dropping(reply), _) => {
                self.state = State::Commands(None);
                self.refuse(reply.clone())
            }
            (Some(mut transaction), fate, false) => {
                let reply = match fate {
                    Fate::Writing => chunk_received(&source),
                    Fate::Dropping(reply) => reply.clone(),
                };
                let refused = *fate != Fate::Writing;
                // A chunk that was refused for want of a recipient leaves the transaction as it was.
                transaction.incoming = (transaction.recipients > 0).then_some(incoming);
                self.state = State::Commands(Some(transaction));
                if refused {
                    return self.refuse(reply);
                }
                self.say(reply);
                Flow::Again
            }
            (None, Fate::Writing, _) => unreachable!("nothing is kept without a transaction"),
        }
    }

    /// The transaction is over, and this is what has become of it for each recipient.
    pub(super) fn finish(
        &mut self,
        transaction: &Transaction,
        replies: impl Iterator<Item = Reply>,
    ) -> Flow {
        self.state = State::Commands(None);
        self.counts.messages += 1;
        let count = match self.options.mode {
            Mode::Lmtp => transaction.recipients.max(1),
            _ => 1,
        };
        let missing = reply(451, EnhancedStatus(4, 3, 0), "not known what became of it");
        for reply in replies.chain(std::iter::repeat(missing)).take(count) {
            if reply.code.is_positive() {
                self.counts.commands = 0;
                self.bore_fruit();
            }
            self.say(reply);
        }
        Flow::Again
    }
}

fn chunk_received(source: &Source) -> Reply {
    let size = match source {
        Source::Chunk { size, .. } => *size,
        Source::Data { .. } => 0,
    };
    reply(250, EnhancedStatus(2, 0, 0), format!("{size} octets received"))
}
