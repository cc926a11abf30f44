//! What the server says it can do.

use crate::context::Context;
use crate::print;
use crate::state::State;
use proto_sasl::Mechanism;

/// When a capability is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// Until login.
    BeforeLogin,
    /// From login on.
    AfterLogin,
    /// Until login, while TLS is possible and not yet there.
    BeforeTls,
    /// Until login, while no password may cross the connection.
    NoPassword,
}

/// One row of [`CAPABILITIES`].
pub(crate) struct Capability {
    /// Its name; after a final `=`, values follow.
    pub name: &'static str,
    /// When it is announced.
    pub when: When,
}

const fn row(name: &'static str, when: When) -> Capability {
    Capability { name, when }
}

/// Every capability, in the order in which they are announced. LITERAL- and LITERAL+ are never in
/// one list (RFC 7888 §5).
pub(crate) const CAPABILITIES: &[Capability] = &[
    row("IMAP4rev1", When::Always),
    row("LITERAL+", When::AfterLogin),
    row("LITERAL-", When::BeforeLogin),
    row("SASL-IR", When::Always),
    row("ID", When::Always),
    row("ENABLE", When::Always),
    row("IDLE", When::AfterLogin),
    row("NAMESPACE", When::AfterLogin),
    row("CHILDREN", When::AfterLogin),
    row("UNSELECT", When::AfterLogin),
    row("UIDPLUS", When::AfterLogin),
    row("MOVE", When::AfterLogin),
    row("MULTIAPPEND", When::AfterLogin),
    row("SPECIAL-USE", When::AfterLogin),
    row("CREATE-SPECIAL-USE", When::AfterLogin),
    row("LIST-EXTENDED", When::AfterLogin),
    row("LIST-STATUS", When::AfterLogin),
    row("ESEARCH", When::AfterLogin),
    row("SEARCHRES", When::AfterLogin),
    row("CONDSTORE", When::AfterLogin),
    row("QRESYNC", When::AfterLogin),
    row("QUOTA", When::AfterLogin),
    row("QUOTA=RES-STORAGE", When::AfterLogin),
    row("QUOTA=RES-MESSAGE", When::AfterLogin),
    row("STATUS=SIZE", When::AfterLogin),
    row("OBJECTID", When::AfterLogin),
    row("SAVEDATE", When::AfterLogin),
    row("WITHIN", When::AfterLogin),
    row("UTF8=ACCEPT", When::AfterLogin),
    row("SORT", When::AfterLogin),
    row("SORT=DISPLAY", When::AfterLogin),
    row("ESORT", When::AfterLogin),
    row("THREAD=ORDEREDSUBJECT", When::AfterLogin),
    row("THREAD=REFERENCES", When::AfterLogin),
    row("APPENDLIMIT=", When::AfterLogin),
    row("STARTTLS", When::BeforeTls),
    row("LOGINDISABLED", When::NoPassword),
    row("AUTH=", When::BeforeLogin),
];

/// May the client be told of a capability of this name, or is it switched off?
pub(crate) fn is_on(name: &str, cx: &Context) -> bool {
    !cx.options.capabilities_off.iter().any(|off| off.eq_ignore_ascii_case(name))
}

/// `CAPABILITY IMAP4rev1 …`, as a code and as a response have it.
pub(crate) fn list(cx: &Context) -> Vec<u8> {
    let mut out = b"CAPABILITY".to_vec();
    for row in CAPABILITIES.iter().filter(|row| row.when.is_now(cx)) {
        match row.name {
            "AUTH=" => mechanisms(&mut out, cx),
            name if !is_on(name.trim_end_matches('='), cx) => {}
            "APPENDLIMIT=" => {
                out.extend_from_slice(b" APPENDLIMIT=");
                print::number(&mut out, cx.options.size_max);
            }
            name => add(&mut out, name),
        }
    }
    out
}

fn mechanisms(out: &mut Vec<u8>, cx: &Context) {
    for mechanism in Mechanism::offered(cx.allows_password(), &cx.binding()) {
        let name = format!("AUTH={}", mechanism.name());
        if is_on(&name, cx) {
            add(out, &name);
        }
    }
}

fn add(out: &mut Vec<u8>, name: &str) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
}

impl When {
    fn is_now(self, cx: &Context) -> bool {
        let before_login = matches!(cx.state, State::NotAuthenticated);
        match self {
            When::Always => true,
            When::BeforeLogin => before_login,
            When::AfterLogin => !before_login,
            When::BeforeTls => before_login && cx.secured.is_none() && cx.options.tls_available,
            When::NoPassword => before_login && !cx.allows_password(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::COMMANDS;
    use crate::options::Options;
    use proto_line::Secured;
    use std::sync::Arc;

    fn text(options: Options, edit: impl FnOnce(&mut Context)) -> String {
        let mut cx = Context::new(Arc::new(options));
        edit(&mut cx);
        String::from_utf8(list(&cx)).unwrap()
    }

    #[test]
    fn the_list_before_login_depends_on_the_channel() {
        assert_eq!(
            text(Options::default(), |_| {}),
            "CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID ENABLE STARTTLS LOGINDISABLED \
             AUTH=SCRAM-SHA-256"
        );
        let loopback =
            Options { cleartext_login: true, tls_available: false, ..Options::default() };
        assert_eq!(
            text(loopback, |_| {}),
            "CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID ENABLE AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN"
        );
        let secured = Secured { version: "TLS1.3", cipher: String::new(), exporter: Some([0; 32]) };
        assert_eq!(
            text(Options::default(), |cx| cx.secured = Some(secured)),
            "CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID ENABLE \
             AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN"
        );
    }

    #[test]
    fn the_list_after_login_is_whole_and_its_rows_can_be_switched_off() {
        let all = text(Options::default(), |cx| cx.state = State::Authenticated);
        assert_eq!(
            all,
            "CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE CHILDREN UNSELECT \
             UIDPLUS MOVE MULTIAPPEND SPECIAL-USE CREATE-SPECIAL-USE LIST-EXTENDED LIST-STATUS \
             ESEARCH SEARCHRES CONDSTORE QRESYNC QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE \
             STATUS=SIZE OBJECTID SAVEDATE WITHIN UTF8=ACCEPT SORT SORT=DISPLAY ESORT \
             THREAD=ORDEREDSUBJECT THREAD=REFERENCES APPENDLIMIT=52428800"
        );
        let capabilities_off = vec!["idle".to_string(), "APPENDLIMIT".to_string()];
        let options = Options { capabilities_off, ..Options::default() };
        let less = text(options, |cx| cx.state = State::Authenticated);
        assert_eq!(less, all.replace(" IDLE", "").replace(" APPENDLIMIT=52428800", ""));
    }

    #[test]
    fn every_command_is_announced_by_a_capability() {
        for spec in COMMANDS {
            let known = |name: &str| name.trim_end_matches('=') == spec.capability;
            assert!(CAPABILITIES.iter().any(|row| known(row.name)), "{}", spec.verb);
        }
    }
}
