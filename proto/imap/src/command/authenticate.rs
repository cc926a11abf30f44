//! AUTHENTICATE (RFC 3501 §6.2.2), with SASL-IR (RFC 4959).

use super::login::{logged_in, privacy_required};
use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask};
use crate::capability::is_on;
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::options::LINE_LEN_MAX_BEFORE_LOGIN;
use crate::tagged::{Code, Tagged};
use proto_line::{LineBuffer, LineError};
use proto_sasl::{Exchange, Failure, Mechanism, Turn};

struct Authenticate {
    mechanism: Mechanism,
    initial: Option<Vec<u8>>,
    exchange: Option<Exchange>,
}

/// ```abnf
/// authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)
/// auth-type    = atom
/// ```
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    let name = cursor.atom("the name of a mechanism")?;
    let Some(mechanism) = Mechanism::parse(name) else {
        return Err(ParseError::Refused(not_known()));
    };
    let mut initial = None;
    if !cursor.is_at_end() {
        cursor.space()?;
        initial = Some(cursor.take_while(|b| b.is_ascii_graphic()).to_vec());
    }
    Ok(Box::new(Authenticate { mechanism, initial, exchange: None }))
}

impl Run for Authenticate {
    fn start(&mut self, cx: &mut Context) -> Next {
        let spec = self.mechanism.spec();
        if !is_on(&format!("AUTH={}", spec.name), cx) {
            return Next::Done(not_known());
        }
        if spec.reveals_password && !cx.allows_password() {
            return Next::Done(privacy_required());
        }
        let (exchange, turn) =
            Exchange::start(self.mechanism, self.initial.as_deref(), cx.binding());
        self.exchange = Some(exchange);
        follow(turn, cx)
    }

    fn read(&mut self, buffer: &mut LineBuffer, cx: &mut Context) -> Next {
        match (buffer.line(LINE_LEN_MAX_BEFORE_LOGIN), &mut self.exchange) {
            (None, _) => Next::Read,
            (Some(Ok(line)), Some(exchange)) => follow(exchange.respond(&line), cx),
            (Some(Err(LineError::TooLong)) | Some(Ok(_)), _) => {
                Next::Done(Tagged::bad("Response too long"))
            }
        }
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        match (answer, &mut self.exchange) {
            (Answer::Login(answer), Some(exchange)) => follow(exchange.answer(answer), cx),
            (answer, _) => mismatch(&answer),
        }
    }
}

fn follow(turn: Turn, cx: &mut Context) -> Next {
    match turn {
        Turn::Challenge(base64) => {
            cx.put(b"+ ");
            cx.line(base64);
            Next::Read
        }
        Turn::Ask(ask) => Next::Ask(Ask::Login(ask)),
        Turn::Accepted => Next::Done(logged_in(cx)),
        Turn::Failed(failure) => Next::Done(failed(failure)),
    }
}

fn not_known() -> Tagged {
    Tagged::no(Code::Word("CANNOT"), "Mechanism not known")
}

fn failed(failure: Failure) -> Tagged {
    match failure {
        // RFC 3501 §6.2.2: a cancelled exchange is rejected with BAD.
        Failure::Cancelled | Failure::NotBase64 | Failure::Malformed(_) => {
            Tagged::bad(failure.text())
        }
        Failure::Downgrade | Failure::WrongBinding | Failure::WrongProof => {
            Tagged::no(Code::Word("AUTHENTICATIONFAILED"), failure.text())
        }
    }
}
