//! PLAIN (RFC 4616).

use crate::exchange::{Failure, NAME_MAX, PASSWORD_MAX, Turn, name};
use crate::{Ask, Secret};
use zeroize::Zeroizing;

/// PLAIN has one message and no state.
#[derive(Debug)]
pub(crate) struct Plain;

const EXPECTED: Failure = Failure::Malformed("expected authzid NUL authcid NUL password");

impl Plain {
    /// ```abnf
    /// message = [authzid] UTF8NUL authcid UTF8NUL passwd
    /// ```
    pub fn take(&mut self, message: Vec<u8>) -> Result<Turn, Failure> {
        let message = Zeroizing::new(message);
        if message.len() > 2 * NAME_MAX + PASSWORD_MAX + 2 {
            return Err(EXPECTED);
        }
        let mut parts = message.split(|b| *b == 0);
        let (Some(authzid), Some(authcid), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(EXPECTED);
        };
        if password.is_empty() || password.len() > PASSWORD_MAX {
            return Err(EXPECTED);
        }
        let authzid = if authzid.is_empty() { String::new() } else { name(authzid)? };
        let password = Secret::new(password.to_vec());
        Ok(Turn::Ask(Ask::Password { authcid: name(authcid)?, authzid, password }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Binding, Exchange, Mechanism, encode};

    fn check(message: &[u8]) -> Turn {
        let line = encode(message);
        Exchange::start(Mechanism::Plain, Some(line.as_bytes()), Binding::Unavailable).1
    }

    #[test]
    fn the_three_parts_are_told_apart() {
        let want = |authcid: &str, authzid: &str, password: &str| {
            Turn::Ask(Ask::Password {
                authcid: authcid.to_string(),
                authzid: authzid.to_string(),
                password: Secret::new(password.as_bytes().to_vec()),
            })
        };
        assert_eq!(check(b"\0tim\0tanstaaftanstaaf"), want("tim", "", "tanstaaftanstaaf"));
        assert_eq!(check(b"Ursel\0Kurt\0xipj3plmq"), want("Kurt", "Ursel", "xipj3plmq"));
    }

    #[test]
    fn anything_else_fails() {
        let long = [&b"\0a\0"[..], &[b'x'; PASSWORD_MAX + 1]].concat();
        for bad in
            [&b""[..], b"ana", b"\0ana", b"\0ana\0", b"\0\0p", b"\0a\0p\0", b"\0\xff\0p", &long]
        {
            assert!(matches!(check(bad), Turn::Failed(Failure::Malformed(_))), "{bad:?}");
        }
    }

    #[test]
    fn without_initial_response_the_challenge_is_empty() {
        let (mut exchange, turn) = Exchange::start(Mechanism::Plain, None, Binding::Unavailable);
        assert_eq!(turn, Turn::Challenge(String::new()));
        assert_eq!(exchange.respond(b"*"), Turn::Failed(Failure::Cancelled));
        assert_eq!(exchange.respond(b"=a"), Turn::Failed(Failure::NotBase64));
    }

    #[test]
    fn an_equals_sign_is_the_empty_initial_response() {
        let (_, turn) = Exchange::start(Mechanism::Plain, Some(b"="), Binding::Unavailable);
        assert_eq!(turn, Turn::Failed(EXPECTED));
    }
}
