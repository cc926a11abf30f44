//! What the desk's answers do to the session.

use super::{Flow, SmtpSession};
use crate::ask::{Answer, Finished};
use crate::body::{Fate, Incoming, Source};
use crate::options::Mode;
use crate::reply::{Reply, ReplyCode, bare_reply, reply};
use crate::state::{Pending, Receiving, State};
use crate::transaction::Transaction;
use words_mail::EnhancedStatus;

impl SmtpSession {
    pub(super) fn apply(&mut self, pending: Pending, answer: Answer) -> Flow {
        self.heard();
        if let Answer::Refused(reply) = &answer
            && reply.code == ReplyCode(421)
        {
            return self.hang_up(reply.clone());
        }
        match (pending, answer) {
            (Pending::Come, Answer::GreetAfter(delay)) => self.greet_after(delay),
            (Pending::Come, Answer::Refused(reply)) => self.hang_up(reply),
            (Pending::SpokeEarly, _) => self.hang_up_early(),
            (Pending::Login(mut exchange), Answer::Login(answer)) => {
                let turn = exchange.answer(answer);
                self.take_turn(exchange, turn)
            }
            (Pending::Login(_), Answer::Refused(reply)) => {
                self.state = State::Commands(None);
                self.refuse_login(reply)
            }
            (Pending::Sender(transaction), Answer::Accepted) => {
                self.state = State::Commands(Some(transaction));
                self.say(reply(250, EnhancedStatus(2, 1, 0), "sender ok"));
                Flow::Again
            }
            (Pending::Sender(_), Answer::Refused(reply)) => {
                self.state = State::Commands(None);
                self.say(reply);
                Flow::Again
            }
            (Pending::Recipient(mut transaction), Answer::Accepted) => {
                transaction.recipients += 1;
                self.state = State::Commands(Some(transaction));
                self.say(reply(250, EnhancedStatus(2, 1, 5), "recipient ok"));
                Flow::Again
            }
            (Pending::Recipient(mut transaction), Answer::Refused(reply)) => {
                transaction.refused += 1;
                self.state = State::Commands(Some(transaction));
                self.refuse_recipient(reply)
            }
            (Pending::Begin(transaction, source), Answer::Accepted) => {
                self.begun(transaction, source)
            }
            (Pending::Begin(transaction, source), Answer::Refused(reply)) => {
                self.not_begun(transaction, source, reply)
            }
            (Pending::Write(receiving) | Pending::Abort(receiving), Answer::Accepted) => {
                self.receive_on(*receiving)
            }
            (Pending::Write(mut receiving), Answer::Refused(reply)) => {
                receiving.incoming.drop_with(reply);
                self.receive_on(*receiving)
            }
            (Pending::Finish(transaction), Answer::Finished(finished)) => {
                self.finished(&transaction, finished)
            }
            (Pending::Finish(transaction), Answer::Refused(reply)) => {
                self.finished(&transaction, Finished::All(reply))
            }
            (Pending::AbortBefore(command), Answer::Accepted) => self.run(command, None),
            (pending, answer) => unreachable!("{answer:?} answers nothing in {pending:?}"),
        }
    }

    fn begun(&mut self, transaction: Transaction, source: Source) -> Flow {
        let incoming = Incoming::new(self.line_ends(transaction.body), source);
        if let Source::Data { .. } = source {
            self.say(bare_reply(
                354,
                "send the message, then a dot alone on a line: <CR><LF>.<CR><LF>",
            ));
        }
        self.receive_on(Receiving { transaction: Some(transaction), incoming, source })
    }

    /// After DATA no octets follow; after BDAT they do.
    fn not_begun(&mut self, transaction: Transaction, source: Source, reply: Reply) -> Flow {
        match source {
            Source::Data { .. } => {
                self.state = State::Commands(Some(transaction));
                self.say(reply);
                Flow::Again
            }
            Source::Chunk { .. } => {
                let incoming = Incoming::dropping(reply);
                self.receive_on(Receiving { transaction: Some(transaction), incoming, source })
            }
        }
    }

    fn finished(&mut self, transaction: &Transaction, finished: Finished) -> Flow {
        match finished {
            Finished::All(reply) => self.finish(transaction, std::iter::repeat(reply)),
            Finished::Each(replies) if self.options.mode == Mode::Lmtp => {
                self.finish(transaction, replies.into_iter())
            }
            // One reply has to do for all: the worst, since a message that comes twice is better
            // than one that is lost.
            Finished::Each(replies) => {
                self.finish(transaction, replies.into_iter().max_by_key(|r| r.code).into_iter())
            }
        }
    }
}

impl Incoming {
    /// Does the desk have a message begun that must be dropped?
    pub(super) fn is_with_desk(&self) -> bool {
        self.fate == Fate::Writing
    }
}
