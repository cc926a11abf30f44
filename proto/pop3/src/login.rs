//! Everything before the maildrop: USER, PASS, AUTH, CAPA.

use crate::session::Options;
use proto_sasl::{Ask, Binding, Mechanism, Secret};

/// The question that USER and PASS put together.
pub(crate) fn password_ask(name: String, password: Vec<u8>) -> Ask {
    Ask::Password { authcid: name, authzid: String::new(), password: Secret::new(password) }
}

/// Lines of CAPA (RFC 2449), without the status line and the dot. USER and STLS as this connection
/// may use them; UIDL and TOP already before login, since some clients look only there.
pub(crate) fn capabilities(
    options: &Options,
    cleartext: bool,
    tls: bool,
    binding: &Binding,
    logged_in: bool,
) -> Vec<String> {
    let mut lines: Vec<String> =
        ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"].map(String::from).to_vec();
    lines.push("UTF8 USER".to_string());
    lines.push("EXPIRE NEVER".to_string());
    if logged_in {
        lines.push("IMPLEMENTATION Estafeta".to_string());
        return lines;
    }
    if cleartext {
        lines.push("USER".to_string());
    }
    let names: Vec<&str> = options.mechanisms(cleartext, binding).map(Mechanism::name).collect();
    if !names.is_empty() {
        lines.push(format!("SASL {}", names.join(" ")));
    }
    if options.tls_available && !tls {
        lines.push("STLS".to_string());
    }
    lines
}
