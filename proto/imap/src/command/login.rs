//! LOGIN (RFC 3501 §6.2.3), and what every login ends with.

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask};
use crate::capability;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::state::State;
use crate::tagged::{Code, Tagged};
use proto_sasl::{Answer as SaslAnswer, Ask as SaslAsk, Secret};

struct Login {
    /// Taken when it is asked.
    ask: Option<SaslAsk>,
}

/// ```abnf
/// login    = "LOGIN" SP userid SP password
/// userid   = astring
/// password = astring
/// ```
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    let authcid = cursor.text("a user name")?;
    cursor.space()?;
    let password = Secret::new(cursor.astring("a password")?.into_owned());
    let ask = SaslAsk::Password { authcid, authzid: String::new(), password };
    Ok(Box::new(Login { ask: Some(ask) }))
}

impl Run for Login {
    fn start(&mut self, cx: &mut Context) -> Next {
        match self.ask.take() {
            Some(ask) if cx.allows_password() => Next::Ask(Ask::Login(ask)),
            _ => Next::Done(privacy_required()),
        }
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        match answer {
            Answer::Login(SaslAnswer::Accepted) => Next::Done(logged_in(cx)),
            answer => mismatch(&answer),
        }
    }
}

/// A password will not be taken in the clear (RFC 5530 §3). It has been sent nevertheless, so the
/// client ought to be told loudly; nobody was asked whether it is right.
pub(super) fn privacy_required() -> Tagged {
    Tagged::no(Code::Word("PRIVACYREQUIRED"), "Start TLS before you log in")
}

/// The capabilities stand inside the tagged reply, since some clients throw an untagged list away
/// and others do not ask again.
pub(super) fn logged_in(cx: &mut Context) -> Tagged {
    cx.state = State::Authenticated;
    Tagged::ok("Logged in").with(Code::Printed(capability::list(cx)))
}
