//! EHLO, HELO (RFC 5321 §4.1.1.1) and LHLO (RFC 2033 §4.1).

use super::{Command, Mistake};
use crate::ask::Client;
use crate::path::Brackets;
use crate::reply::bare_reply;
use crate::scanner::Scanner;
use crate::session::{Flow, Hello, SmtpSession};
use crate::state::State;
use crate::{Dsn, Login, Mode, RequireTls, StartTls};
use proto_sasl::Mechanism;
use std::sync::Arc;

/// Longest name of a client, in octets.
const NAME_MAX: usize = 255;

pub(crate) fn parse_extended(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    Ok(Command::Hello { name: parse_name(scanner)?, extended: true })
}

pub(crate) fn parse_plain(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    Ok(Command::Hello { name: parse_name(scanner)?, extended: false })
}

/// Departs from RFC 5321 §4.1.1.1: any printable word will do. Printers and phones send one label,
/// underscores, or `localhost`, and a refusal stops them for good.
fn parse_name(scanner: &mut Scanner<'_>) -> Result<String, Mistake> {
    scanner.skip_spaces();
    let fits = |c: char| !c.is_control() && !c.is_whitespace();
    let name = scanner.clone().word();
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(fits) {
        return Err(scanner.mistake("the name of your host").into());
    }
    Ok(name.to_string())
}

impl SmtpSession {
    /// A new greeting forgets the transaction and keeps the login.
    pub(crate) fn run_hello(&mut self, name: String, extended: bool) -> Flow {
        let client = Arc::new(Client { name, secured: self.secured.clone() });
        self.hello = Some(Hello { client, extended });
        let text = match extended {
            true => self.capabilities(),
            false => format!("{} greets you", self.options.host_name),
        };
        self.say(bare_reply(250, text));
        self.state = State::Commands(None);
        Flow::Again
    }

    /// The reply to EHLO, a line each; what is offered depends on TLS and login.
    fn capabilities(&self) -> String {
        let options = &self.options;
        let mut text = format!("{} greets you\nPIPELINING", options.host_name);
        text += &format!("\nSIZE {}", options.size_max);
        text += "\n8BITMIME\nBINARYMIME\nCHUNKING\nSMTPUTF8\nENHANCEDSTATUSCODES";
        if options.dsn == Dsn::Offered {
            text += "\nDSN";
        }
        if self.takes_requiretls() {
            text += "\nREQUIRETLS";
        }
        text += &format!(
            "\nLIMITS MAILMAX={} RCPTMAX={}",
            options.messages_max, options.recipients_max
        );
        if options.starttls == StartTls::Offered && self.secured.is_none() && !self.logged_in {
            text += "\nSTARTTLS";
        }
        if let Some(first) = self.mechanisms().next() {
            text += &format!("\nAUTH {}", first.name());
            self.mechanisms().skip(1).for_each(|m| text += &format!(" {}", m.name()));
        }
        text
    }

    /// May a message be sent to us that must not go on without TLS? Only one that came so itself
    /// (RFC 8689 §2).
    pub(crate) fn takes_requiretls(&self) -> bool {
        self.options.requiretls == RequireTls::Offered && self.secured.is_some()
    }

    /// The mechanisms that this client may use now.
    pub(crate) fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        let offered = self.options.login == Login::Offered && !self.logged_in;
        let rows = Mechanism::offered(self.may_reveal_password(), &self.binding());
        let scram = self.options.scram;
        rows.filter(move |row| offered && (scram || row.spec().reveals_password))
    }

    /// The protocol's name in the Received field (RFC 3848, RFC 6531 §4.3).
    pub(crate) fn with(&self, smtputf8: bool) -> &'static str {
        let extended = self.hello.as_ref().is_some_and(|h| h.extended);
        let lmtp = self.options.mode == Mode::Lmtp;
        if !extended {
            return "SMTP";
        }
        let row = match (smtputf8, lmtp) {
            (false, false) => &["ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA"],
            (false, true) => &["LMTP", "LMTPA", "LMTPS", "LMTPSA"],
            (true, false) => &["UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"],
            (true, true) => &["UTF8LMTP", "UTF8LMTPA", "UTF8LMTPS", "UTF8LMTPSA"],
        };
        row[usize::from(self.secured.is_some()) * 2 + usize::from(self.logged_in)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::parse_line;

    #[test]
    fn names_of_real_clients_are_taken() {
        for name in
            ["NPIF65E56", "localhost", "my_pc", "[127.0.0.1]", "[IPv6:::1]", "ñandú.example"]
        {
            let want = Command::Hello { name: name.to_string(), extended: true };
            assert_eq!(parse_line(&format!("ehlo  {name} "), Brackets::Required), Ok(want));
        }
        for line in ["EHLO", "HELO  ", "EHLO a\u{7}b"] {
            assert!(parse_line(line, Brackets::Required).is_err(), "{line}");
        }
    }
}
