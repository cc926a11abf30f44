//! LOGIN, as an expired draft (draft-murchison-sasl-login) and a generation of clients have it.

use crate::exchange::{Failure, PASSWORD_MAX, Turn, name};
use crate::{Ask, Secret, base64};
use zeroize::Zeroizing;

/// Waits for the name, then for the password.
#[derive(Debug, Default)]
pub(crate) struct Login {
    authcid: Option<String>,
}

impl Login {
    /// Some clients quit at any other challenge than these two.
    pub const USERNAME: &[u8] = b"Username:";
    const PASSWORD: &[u8] = b"Password:";

    pub fn take(&mut self, message: Vec<u8>) -> Result<Turn, Failure> {
        let Some(authcid) = self.authcid.take() else {
            self.authcid = Some(name(&message)?);
            return Ok(Turn::Challenge(base64::encode(Login::PASSWORD)));
        };
        let message = Zeroizing::new(message);
        // Some clients end the password with the NUL of their C string.
        let password = message.strip_suffix(b"\0").unwrap_or(&message);
        if password.is_empty() || password.len() > PASSWORD_MAX {
            return Err(Failure::Malformed("expected a password of 1 to 1024 octets"));
        }
        let password = Secret::new(password.to_vec());
        Ok(Turn::Ask(Ask::Password { authcid, authzid: String::new(), password }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Binding, Exchange, Mechanism};

    #[test]
    fn the_name_may_come_as_initial_response() {
        let (mut exchange, turn) =
            Exchange::start(Mechanism::Login, Some(b"dXNlcg=="), Binding::Unavailable);
        assert_eq!(turn, Turn::Challenge("UGFzc3dvcmQ6".to_string()));
        let want = Ask::Password {
            authcid: "user".to_string(),
            authzid: String::new(),
            password: Secret::new(b"pass".to_vec()),
        };
        assert_eq!(exchange.respond(b"cGFzcw=="), Turn::Ask(want));
        assert_eq!(exchange.answer(Answer::Accepted), Turn::Accepted);
    }

    #[test]
    fn an_empty_name_or_password_fails() {
        let (mut exchange, _) = Exchange::start(Mechanism::Login, None, Binding::Unavailable);
        assert!(matches!(exchange.respond(b""), Turn::Failed(Failure::Malformed(_))));
        let (mut exchange, _) =
            Exchange::start(Mechanism::Login, Some(b"dXNlcg=="), Binding::Unavailable);
        assert!(matches!(exchange.respond(b""), Turn::Failed(Failure::Malformed(_))));
    }
}
