//! RCPT (RFC 5321 §4.1.1.3) with NOTIFY and ORCPT (RFC 3461 §4.1, §4.2).

use super::{Command, Mistake, unknown_parameter};
use crate::ask::{Ask, RcptParameters, Recipient};
use crate::command::mail::needs_smtputf8;
use crate::path::{Brackets, parse_address, parse_parameters, parse_path};
use crate::reply::{Reply, reply};
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use crate::state::{Pending, State};
use crate::transaction::Transaction;
use crate::{Dsn, Options};
use words_mail::{EnhancedStatus, ForwardPath, Notify, OriginalRecipient};

/// ```abnf
/// rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )
///        [SP Rcpt-parameters] CRLF
/// ```
pub(crate) fn parse(scanner: &mut Scanner<'_>, brackets: Brackets) -> Result<Command, Mistake> {
    scanner.skip_spaces();
    scanner.expect("TO", "TO")?;
    scanner.skip_spaces();
    scanner.expect(":", "\":\" after TO")?;
    let forward_path = match parse_path(scanner, brackets)? {
        (_, path) if path.eq_ignore_ascii_case("postmaster") => ForwardPath::Postmaster,
        (at, path) => ForwardPath::Address(parse_address(at, path)?),
    };
    let mut parameters = RcptParameters::default();
    parse_parameters(scanner, |keyword, value| parse_parameter(&mut parameters, keyword, value))?;
    Ok(Command::Rcpt(Box::new(Recipient { forward_path, parameters })))
}

fn parse_parameter(
    parameters: &mut RcptParameters,
    keyword: &str,
    value: Option<&str>,
) -> Result<bool, &'static str> {
    match keyword {
        "NOTIFY" => parameters.notify = parse_notify(value.unwrap_or_default())?,
        "ORCPT" => parameters.orcpt = Some(parse_orcpt(value.unwrap_or_default())?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn parse_notify(value: &str) -> Result<Notify, &'static str> {
    Notify::parse(value).map_err(|_| "NOTIFY= and NEVER, or some of SUCCESS,FAILURE,DELAY")
}

fn parse_orcpt(value: &str) -> Result<OriginalRecipient, &'static str> {
    OriginalRecipient::parse(value).ok_or("ORCPT= and a type, \";\" and xtext")
}

impl Transaction {
    /// May one more recipient be named?
    fn check_rcpt(&self, recipient: &Recipient, options: &Options) -> Result<(), Reply> {
        if self.incoming.is_some() {
            let text = "the message is begun already; RSET forgets it";
            return Err(reply(503, EnhancedStatus(5, 5, 1), text));
        }
        let RcptParameters { notify, orcpt } = &recipient.parameters;
        if options.dsn == Dsn::Unavailable && *notify != Notify::Unsaid {
            return Err(unknown_parameter("NOTIFY"));
        }
        if options.dsn == Dsn::Unavailable && orcpt.is_some() {
            return Err(unknown_parameter("ORCPT"));
        }
        if self.recipients >= options.recipients_max {
            return Err(reply(452, EnhancedStatus(4, 5, 3), "too many recipients"));
        }
        match &recipient.forward_path {
            ForwardPath::Address(address) if !address.is_ascii() && !self.smtputf8 => {
                Err(needs_smtputf8())
            }
            ForwardPath::Address(_) | ForwardPath::Postmaster => Ok(()),
        }
    }
}

impl SmtpSession {
    pub(crate) fn run_rcpt(&mut self, recipient: Box<Recipient>, transaction: Transaction) -> Flow {
        match transaction.check_rcpt(&recipient, &self.options) {
            Ok(()) => self.ask(Ask::Recipient(recipient), Pending::Recipient(transaction)),
            Err(reply) => {
                self.state = State::Commands(Some(transaction));
                self.say(reply);
                Flow::Again
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::parse_line;
    use words_mail::Address;

    fn rcpt(path: &str, parameters: RcptParameters) -> Result<Command, Mistake> {
        let forward_path = match path {
            "Postmaster" => ForwardPath::Postmaster,
            path => ForwardPath::Address(Address::parse(path).unwrap()),
        };
        Ok(Command::Rcpt(Box::new(Recipient { forward_path, parameters })))
    }

    #[test]
    fn odd_but_real_spellings_are_read() {
        let none = RcptParameters::default;
        let notify = |success, failure, delay| RcptParameters {
            notify: Notify::On { success, failure, delay },
            ..none()
        };
        for (line, path, parameters) in [
            ("RCPT TO:<ana@mired.org>", "ana@mired.org", none()),
            ("rcpt to: <\"a b\"@x>", "\"a b\"@x", none()),
            ("RCPT TO:<postMASTER>", "Postmaster", none()),
            ("RCPT TO:<@relay:ana@mired.org>", "ana@mired.org", none()),
            (
                "RCPT TO:<a@x> NOTIFY=never",
                "a@x",
                RcptParameters { notify: Notify::Never, ..none() },
            ),
            ("RCPT TO:<a@x> NOTIFY=SUCCESS,delay", "a@x", notify(true, false, true)),
            (
                "RCPT TO:<a@x> ORCPT=rfc822;Bob+2Bx@y",
                "a@x",
                RcptParameters { orcpt: OriginalRecipient::parse("rfc822;Bob+2Bx@y"), ..none() },
            ),
        ] {
            assert_eq!(parse_line(line, Brackets::Required), rcpt(path, parameters), "{line}");
        }
    }

    #[test]
    fn mistakes_say_where() {
        for (line, at) in [
            ("RCPT FROM:<a@x>", 5),
            ("RCPT TO:<>", 9),
            ("RCPT TO:<a b@x>", 10),
            ("RCPT TO:<a@x> NOTIFY=NEVER,DELAY", 14),
            ("RCPT TO:<a@x> ORCPT=a", 14),
        ] {
            let Err(Mistake::Syntax(e)) = parse_line(line, Brackets::Required) else {
                panic!("{line}: {:?}", parse_line(line, Brackets::Required))
            };
            assert_eq!(e.at, at, "{line}");
        }
    }
}
