//! Lines from the client: commands, and responses to challenges.

use super::{Flow, SmtpSession};
use crate::ask::Ask;
use crate::command::{self, Command, Mistake, Spec, Verb};
use crate::path::Brackets;
use crate::reply::reply;
use crate::scanner::Scanner;
use crate::state::{Pending, State, stage};
use crate::transaction::Transaction;
use proto_line::LineError;
use proto_sasl::Exchange;
use words_mail::EnhancedStatus;

/// Longest command line, in octets: RFC 5321's 512, and what extensions add to it.
const COMMAND_MAX: usize = 2048;
/// Longest line of a login, in octets (RFC 4954 §4), which an AUTH command may be.
const RESPONSE_MAX: usize = 12_288;

impl SmtpSession {
    /// The next line as a command. A line may end in LF alone: people type by hand.
    pub(super) fn command_line(&mut self, transaction: Option<Transaction>) -> Flow {
        let line = self.input.line(if self.logged_in { COMMAND_MAX } else { RESPONSE_MAX });
        let Some(line) = line else {
            self.state = State::Commands(transaction);
            return Flow::Starved;
        };
        self.heard();
        self.counts.commands += 1;
        if self.counts.commands > self.options.commands_max {
            let text = "too many commands without a message, closing";
            return self.hang_up(reply(421, EnhancedStatus(4, 7, 0), text));
        }
        match line {
            Ok(line) => self.command_text(&line, transaction),
            Err(LineError::TooLong) => {
                self.state = State::Commands(transaction);
                self.refuse(reply(500, EnhancedStatus(5, 5, 2), "line too long"))
            }
        }
    }

    fn command_text(&mut self, line: &[u8], transaction: Option<Transaction>) -> Flow {
        let Ok(line) = std::str::from_utf8(line) else {
            self.state = State::Commands(transaction);
            let text = "expected UTF-8 in a command";
            return self.refuse(reply(500, EnhancedStatus(5, 5, 2), text));
        };
        let mut scanner = Scanner::new(line);
        scanner.skip_spaces();
        match command::find(scanner.word(), self.options.mode) {
            Verb::Spoken(spec) => self.spoken(spec, scanner, transaction),
            Verb::Foreign => {
                let text = "this is a mail server, closing";
                self.hang_up(reply(421, EnhancedStatus(4, 7, 0), text))
            }
            Verb::Other(reply) => {
                self.state = State::Commands(transaction);
                self.refuse(reply)
            }
        }
    }

    fn spoken(
        &mut self,
        spec: &Spec,
        mut scanner: Scanner<'_>,
        transaction: Option<Transaction>,
    ) -> Flow {
        if spec.ends_group && self.is_stranger() && !self.input.unread().is_empty() {
            let text = "nothing may be sent behind this command before its reply (RFC 2920)";
            return self.hang_up(reply(554, EnhancedStatus(5, 5, 0), text));
        }
        let stage = stage(self.hello.is_some(), transaction.as_ref());
        if !spec.stages.contains(&stage) {
            let refused = transaction.as_ref().map_or(0, |t| t.refused);
            self.state = State::Commands(transaction);
            return self.refuse(command::out_of_order(
                spec.verb,
                stage,
                self.options.mode,
                refused,
            ));
        }
        match (spec.parse)(&mut scanner, self.brackets()) {
            Ok(command) => self.dispatch(spec, command, transaction),
            Err(mistake @ Mistake::OutOfStep(_)) => self.hang_up(mistake.reply(spec)),
            Err(mistake) => {
                self.state = State::Commands(transaction);
                self.refuse(mistake.reply(spec))
            }
        }
    }

    /// Strangers write paths by the book.
    fn brackets(&self) -> Brackets {
        if self.is_stranger() { Brackets::Required } else { Brackets::Optional }
    }

    fn dispatch(
        &mut self,
        spec: &Spec,
        command: Command,
        transaction: Option<Transaction>,
    ) -> Flow {
        if command == Command::StartTls
            && let Err(reply) = self.check_starttls()
        {
            self.state = State::Commands(transaction);
            return self.refuse(reply);
        }
        match transaction.as_ref().and_then(|t| t.incoming.as_ref()) {
            Some(incoming) if spec.resets && incoming.is_with_desk() => {
                self.ask(Ask::Abort, Pending::AbortBefore(command))
            }
            _ => self.run(command, transaction),
        }
    }

    /// Carries a command out. The stage is right: the row has been consulted.
    pub(super) fn run(&mut self, command: Command, transaction: Option<Transaction>) -> Flow {
        match (command, transaction) {
            (Command::Hello { name, extended }, _) => self.run_hello(name, extended),
            (Command::Mail(path, parameters), _) => self.run_mail(path, parameters),
            (Command::Rcpt(recipient), Some(transaction)) => self.run_rcpt(recipient, transaction),
            (Command::Data, Some(transaction)) => self.run_data(transaction),
            (Command::Rcpt(_) | Command::Data, None) => {
                unreachable!("the row wants a transaction")
            }
            (Command::Bdat { size, last }, transaction) => self.run_bdat(size, last, transaction),
            (Command::Rset, _) => self.run_rset(),
            (Command::Quit, _) => self.run_quit(),
            (Command::StartTls, _) => self.run_starttls(),
            (Command::Auth { mechanism, initial }, _) => {
                self.run_auth(&mechanism, initial.as_deref())
            }
            (command @ (Command::Noop | Command::Vrfy | Command::Help), transaction) => {
                self.state = State::Commands(transaction);
                match command {
                    Command::Vrfy => self.run_vrfy(),
                    Command::Help => self.run_help(),
                    _ => self.run_noop(),
                }
            }
        }
    }

    /// The next line as a response to a challenge of `exchange`.
    pub(super) fn response_line(&mut self, mut exchange: Exchange) -> Flow {
        let Some(line) = self.input.line(RESPONSE_MAX) else {
            self.state = State::Authenticating(exchange);
            return Flow::Starved;
        };
        self.heard();
        match line {
            Ok(line) => {
                let turn = exchange.respond(&line);
                self.take_turn(exchange, turn)
            }
            Err(LineError::TooLong) => {
                self.state = State::Commands(None);
                self.refuse(reply(500, EnhancedStatus(5, 5, 6), "line too long"))
            }
        }
    }
}
