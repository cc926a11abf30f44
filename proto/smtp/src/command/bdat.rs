//! BDAT (RFC 3030 §2).

use super::{Command, Mistake};
use crate::ask::Ask;
use crate::body::{Incoming, Source};
use crate::command::mail::too_large;
use crate::path::Brackets;
use crate::reply::{Reply, reply};
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use crate::state::{Pending, Receiving};
use crate::transaction::Transaction;
use words_mail::EnhancedStatus;

/// Most chunks of one message. Real clients send pieces of many kilobytes.
pub(crate) const CHUNKS_MAX: u32 = 10_000;

/// ```abnf
/// bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF
/// ```
/// Whatever else stands there, octets of a message may follow, and must not be taken for commands.
pub(crate) fn parse(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    scanner.skip_spaces();
    let out_of_step =
        |scanner: &Scanner<'_>, expected| Mistake::OutOfStep(scanner.mistake(expected));
    let size = scanner.clone().word();
    let digits = !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit());
    let size = size.parse().ok().filter(|_| digits);
    let size = size.ok_or_else(|| out_of_step(scanner, "a number of octets"))?;
    scanner.word();
    scanner.skip_spaces();
    let last = match scanner.clone().word() {
        "" => false,
        word if word.eq_ignore_ascii_case("LAST") => true,
        _ => return Err(out_of_step(scanner, "LAST or nothing")),
    };
    scanner.word();
    scanner.end().map_err(Mistake::OutOfStep)?;
    Ok(Command::Bdat { size, last })
}

/// Why the octets of this chunk will be read and dropped.
fn check(transaction: Option<&Transaction>) -> Result<(), Reply> {
    let Some(transaction) = transaction else {
        return Err(reply(503, EnhancedStatus(5, 5, 1), "send MAIL FROM first"));
    };
    match (transaction.recipients, transaction.refused) {
        (0, 0) => Err(reply(503, EnhancedStatus(5, 5, 1), "send RCPT TO first")),
        (0, _) => Err(reply(554, EnhancedStatus(5, 5, 1), "no valid recipients")),
        _ => Ok(()),
    }
}

impl SmtpSession {
    pub(crate) fn run_bdat(
        &mut self,
        size: u64,
        last: bool,
        transaction: Option<Transaction>,
    ) -> Flow {
        let source = Source::Chunk { size, remaining: size, last };
        if size > self.octets_read_max() {
            return self.hang_up(too_large(self.options.size_max));
        }
        match (check(transaction.as_ref()), transaction) {
            (Ok(()), Some(mut transaction)) => match transaction.incoming.take() {
                Some(mut incoming) => {
                    incoming.count_chunk();
                    self.receive_on(Receiving { transaction: Some(transaction), incoming, source })
                }
                None => self.ask(Ask::Begin, Pending::Begin(transaction, source)),
            },
            (Err(reply), transaction) => {
                let incoming = Incoming::dropping(reply);
                self.receive_on(Receiving { transaction, incoming, source })
            }
            (Ok(()), None) => unreachable!("check refuses a chunk without a transaction"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::parse_line;

    #[test]
    fn sizes_and_last_are_read() {
        for (line, size, last) in
            [("BDAT 0", 0, false), ("bdat  12 last ", 12, true), ("BDAT 007 LAST", 7, true)]
        {
            let command = parse_line(line, Brackets::Required);
            assert_eq!(command, Ok(Command::Bdat { size, last }), "{line}");
        }
    }

    #[test]
    fn anything_else_puts_us_out_of_step() {
        for line in [
            "BDAT",
            "BDAT x",
            "BDAT +1",
            "BDAT -1",
            "BDAT 1 LAST x",
            "BDAT 1 x",
            "BDAT 99999999999999999999999",
        ] {
            let command = parse_line(line, Brackets::Required);
            assert!(matches!(command, Err(Mistake::OutOfStep(_))), "{line}");
        }
    }
}
