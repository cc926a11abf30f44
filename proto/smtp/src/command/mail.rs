//! MAIL (RFC 5321 §4.1.1.2) with SIZE (1870), BODY (6152, 3030), SMTPUTF8 (6531), REQUIRETLS
//! (8689), RET and ENVID (3461), AUTH (4954).

use super::{Command, Mistake, unknown_parameter};
use crate::ask::{Ask, MailParameters, Sender};
use crate::path::{Brackets, parse_address, parse_parameters, parse_path};
use crate::reply::{Reply, reply};
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use crate::state::{Pending, State};
use crate::transaction::Transaction;
use crate::{Dsn, Mode, Options};
use words_mail::{BodyType, EnhancedStatus, Ret, ReversePath, decode_xtext};

/// Longest ENVID, in octets (RFC 3461 §4.4).
const ENVID_MAX: usize = 100;

/// ```abnf
/// mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
/// ```
pub(crate) fn parse(scanner: &mut Scanner<'_>, brackets: Brackets) -> Result<Command, Mistake> {
    scanner.skip_spaces();
    scanner.expect("FROM", "FROM")?;
    scanner.skip_spaces();
    scanner.expect(":", "\":\" after FROM")?;
    let reverse_path = match parse_path(scanner, brackets)? {
        (_, "") => ReversePath(None),
        (at, path) => ReversePath(Some(parse_address(at, path)?)),
    };
    let mut parameters = MailParameters::default();
    parse_parameters(scanner, |keyword, value| parse_parameter(&mut parameters, keyword, value))?;
    Ok(Command::Mail(reverse_path, parameters))
}

fn parse_parameter(
    parameters: &mut MailParameters,
    keyword: &str,
    value: Option<&str>,
) -> Result<bool, &'static str> {
    match keyword {
        "SIZE" => parameters.size = parse_size(value.unwrap_or_default())?,
        "BODY" => parameters.body = parse_body(value.unwrap_or_default())?,
        "SMTPUTF8" if value.is_none() => parameters.smtputf8 = true,
        "SMTPUTF8" => return Err("SMTPUTF8 without a value"),
        "REQUIRETLS" if value.is_none() => parameters.requiretls = true,
        "REQUIRETLS" => return Err("REQUIRETLS without a value"),
        "RET" => parameters.ret = Some(parse_ret(value.unwrap_or_default())?),
        "ENVID" => parameters.envid = Some(parse_envid(value.unwrap_or_default())?),
        "AUTH" => parameters.auth = parse_auth(value.unwrap_or_default())?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Some clients send `SIZE=` with nothing behind it; that says nothing. A number too large for any
/// message is still a number.
fn parse_size(value: &str) -> Result<Option<u64>, &'static str> {
    match value {
        "" => Ok(None),
        digits if digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => Err("SIZE= and a number"),
    }
}

fn parse_body(value: &str) -> Result<BodyType, &'static str> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Ok(BodyType::SevenBit),
        "8BITMIME" => Ok(BodyType::EightBitMime),
        "BINARYMIME" => Ok(BodyType::BinaryMime),
        _ => Err("BODY= and 7BIT, 8BITMIME or BINARYMIME"),
    }
}

fn parse_ret(value: &str) -> Result<Ret, &'static str> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Ok(Ret::Full),
        "HDRS" => Ok(Ret::Headers),
        _ => Err("RET= and FULL or HDRS"),
    }
}

fn parse_envid(value: &str) -> Result<String, &'static str> {
    let fits = !value.is_empty() && value.len() <= ENVID_MAX;
    decode_xtext(value).filter(|_| fits).ok_or("ENVID= and at most 100 octets of xtext")
}

fn parse_auth(value: &str) -> Result<Option<String>, &'static str> {
    match value {
        "" => Ok(None),
        "<>" => Ok(Some(String::new())),
        value => decode_xtext(value).map(Some).ok_or("AUTH= and an address in xtext, or <>"),
    }
}

/// What neither the row nor the grammar can say.
fn check(
    options: &Options,
    reverse_path: &ReversePath,
    parameters: &MailParameters,
) -> Result<(), Reply> {
    if parameters.size.is_some_and(|size| size > options.size_max) {
        return Err(too_large(options.size_max));
    }
    let ascii = reverse_path.0.as_ref().is_none_or(|address| address.is_ascii());
    if !ascii && !parameters.smtputf8 {
        return Err(needs_smtputf8());
    }
    Ok(())
}

pub(crate) fn too_large(size_max: u64) -> Reply {
    reply(552, EnhancedStatus(5, 3, 4), format!("message over the limit of {size_max} octets"))
}

pub(crate) fn needs_smtputf8() -> Reply {
    let text = "an address beyond ASCII needs the parameter SMTPUTF8 of MAIL";
    reply(553, EnhancedStatus(5, 6, 7), text)
}

impl SmtpSession {
    /// Was what these parameters need offered?
    fn check_offered(&self, parameters: &MailParameters) -> Result<(), Reply> {
        let dsn = self.options.dsn == Dsn::Offered;
        let needs = [
            ("REQUIRETLS", parameters.requiretls && !self.takes_requiretls()),
            ("RET", parameters.ret.is_some() && !dsn),
            ("ENVID", parameters.envid.is_some() && !dsn),
        ];
        match needs.into_iter().find(|(_, missing)| *missing) {
            Some((keyword, _)) => Err(unknown_parameter(keyword)),
            None => Ok(()),
        }
    }

    pub(crate) fn run_mail(
        &mut self,
        reverse_path: ReversePath,
        parameters: MailParameters,
    ) -> Flow {
        self.state = State::Commands(None);
        let Some(hello) = &self.hello else { return Flow::Again };
        if self.options.mode == Mode::Submission && !self.logged_in {
            let text = match self.mechanisms().next() {
                Some(_) => "log in first",
                None => "start TLS and log in first",
            };
            return self.refuse(reply(530, EnhancedStatus(5, 7, 0), text));
        }
        if self.counts.messages >= self.options.messages_max {
            return self.hang_up(reply(
                421,
                EnhancedStatus(4, 5, 3),
                "enough messages for one session; connect again",
            ));
        }
        let checked = self
            .check_offered(&parameters)
            .and_then(|()| check(&self.options, &reverse_path, &parameters));
        if let Err(reply) = checked {
            self.say(reply);
            return Flow::Again;
        }
        let transaction = Transaction::new(parameters.body, parameters.smtputf8);
        let with = self.with(parameters.smtputf8);
        let sender = Sender { client: hello.client.clone(), with, reverse_path, parameters };
        self.ask(Ask::Sender(Box::new(sender)), Pending::Sender(transaction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::parse_line;
    use words_mail::Address;

    fn mail(path: &str, parameters: MailParameters) -> Result<Command, Mistake> {
        let path = ReversePath((!path.is_empty()).then(|| Address::parse(path).unwrap()));
        Ok(Command::Mail(path, parameters))
    }

    #[test]
    fn odd_but_real_spellings_are_read() {
        let none = MailParameters::default;
        let cases = [
            ("MAIL FROM:<a@x.org>", "a@x.org", none()),
            ("mail from: <a@x.org>", "a@x.org", none()),
            ("MAIL FROM : <a@x.org> ", "a@x.org", none()),
            ("MAIL FROM:a@x.org SIZE=3", "a@x.org", MailParameters { size: Some(3), ..none() }),
            (
                "MAIL FROM:<> BODY=8bitmime",
                "",
                MailParameters { body: BodyType::EightBitMime, ..none() },
            ),
            (
                "MAIL FROM: <a@x> SIZE= AUTH=<>",
                "a@x",
                MailParameters { auth: Some(String::new()), ..none() },
            ),
            (
                "MAIL FROM:<ñ@x> SMTPUTF8 requiretls RET=HDRS ENVID=a+2Bb AUTH=e+3Dmc2@example.com",
                "ñ@x",
                MailParameters {
                    smtputf8: true,
                    requiretls: true,
                    ret: Some(Ret::Headers),
                    envid: Some("a+b".to_string()),
                    auth: Some("e=mc2@example.com".to_string()),
                    ..none()
                },
            ),
        ];
        for (line, path, parameters) in cases {
            assert_eq!(parse_line(line, Brackets::Optional), mail(path, parameters), "{line}");
        }
    }

    #[test]
    fn mistakes_say_where() {
        for (line, at) in [
            ("MAIL", 4),
            ("MAIL <a@x>", 5),
            ("MAIL FROM <a@x>", 10),
            ("MAIL FROM:", 10),
            ("MAIL FROM:a@x", 10),
            ("MAIL FROM:<a>", 12),
            ("MAIL FROM:<a@x", 14),
            ("MAIL FROM:<a@x> SIZE=x", 16),
            ("MAIL FROM:<a@x> SIZE=1 size=2", 23),
            ("MAIL FROM:<a@x> BODY=9BIT", 16),
            ("MAIL FROM:<a@x> SMTPUTF8=1", 16),
            ("MAIL FROM:<a@x> REQUIRETLS=", 16),
        ] {
            let Err(Mistake::Syntax(e)) = parse_line(line, Brackets::Required) else {
                panic!("{line}")
            };
            assert_eq!(e.at, at, "{line}");
        }
        assert_eq!(
            parse_line("MAIL FROM:<a@x> foo=1", Brackets::Required),
            Err(Mistake::UnknownParameter("FOO".to_string()))
        );
    }
}
