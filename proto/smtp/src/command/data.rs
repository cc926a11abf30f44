//! DATA (RFC 5321 §4.1.1.4).

use super::{Command, Mistake, parse_alone};
use crate::ask::Ask;
use crate::body::Source;
use crate::path::Brackets;
use crate::reply::{Reply, reply};
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use crate::state::{Pending, State};
use crate::transaction::Transaction;
use words_mail::{BodyType, EnhancedStatus};

pub(crate) fn parse(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    parse_alone(scanner, Command::Data)
}

impl Transaction {
    /// May the message come as lines?
    fn check_data(&self) -> Result<(), Reply> {
        let text = if self.incoming.is_some() {
            "the message came by BDAT so far"
        } else if self.body == BodyType::BinaryMime {
            "BINARYMIME needs BDAT"
        } else {
            return Ok(());
        };
        Err(reply(503, EnhancedStatus(5, 5, 1), text))
    }
}

impl SmtpSession {
    pub(crate) fn run_data(&mut self, transaction: Transaction) -> Flow {
        match transaction.check_data() {
            Ok(()) => self.ask(Ask::Begin, Pending::Begin(transaction, Source::data())),
            Err(reply) => {
                self.state = State::Commands(Some(transaction));
                self.refuse(reply)
            }
        }
    }
}
