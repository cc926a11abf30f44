//! Which mechanisms there are.

/// A mechanism that the server side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 7677, bound to the TLS connection.
    ScramSha256Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 4616.
    Plain,
    /// Two challenges, never standardised, still the only one that many devices know.
    Login,
}

/// What is true of a mechanism.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// Its registered name.
    pub name: &'static str,
    /// Does it send the password itself? Then it needs TLS, or a peer on the same machine.
    pub reveals_password: bool,
    /// Does it need a channel binding, hence TLS?
    pub needs_binding: bool,
}

/// Every mechanism, the best first, as capability lists name them.
pub const MECHANISMS: &[Spec] = &[
    Spec {
        mechanism: Mechanism::ScramSha256Plus,
        name: "SCRAM-SHA-256-PLUS",
        reveals_password: false,
        needs_binding: true,
    },
    Spec {
        mechanism: Mechanism::ScramSha256,
        name: "SCRAM-SHA-256",
        reveals_password: false,
        needs_binding: false,
    },
    Spec {
        mechanism: Mechanism::Plain,
        name: "PLAIN",
        reveals_password: true,
        needs_binding: false,
    },
    Spec {
        mechanism: Mechanism::Login,
        name: "LOGIN",
        reveals_password: true,
        needs_binding: false,
    },
];

impl Mechanism {
    /// Its row in [`MECHANISMS`].
    pub fn spec(self) -> &'static Spec {
        match self {
            Mechanism::ScramSha256Plus => &MECHANISMS[0],
            Mechanism::ScramSha256 => &MECHANISMS[1],
            Mechanism::Plain => &MECHANISMS[2],
            Mechanism::Login => &MECHANISMS[3],
        }
    }

    /// Its registered name.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Reads a name, in any case.
    pub fn parse(name: &[u8]) -> Option<Mechanism> {
        let row = MECHANISMS.iter().find(|s| s.name.as_bytes().eq_ignore_ascii_case(name));
        row.map(|s| s.mechanism)
    }

    /// Those that may be offered now, the best first. `cleartext` says whether a password may cross
    /// the connection as it is: because of TLS, or because the peer is on this machine.
    pub fn offered(
        cleartext: bool,
        binding: &crate::Binding,
    ) -> impl Iterator<Item = Mechanism> + use<> {
        let bound = matches!(binding, crate::Binding::TlsExporter(_));
        let rows = MECHANISMS.iter();
        rows.filter(move |s| (cleartext || !s.reveals_password) && (bound || !s.needs_binding))
            .map(|s| s.mechanism)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Binding;

    #[test]
    fn every_row_is_its_mechanisms_own() {
        for spec in MECHANISMS {
            assert_eq!(spec.mechanism.spec().name, spec.name);
            assert_eq!(Mechanism::parse(spec.name.to_lowercase().as_bytes()), Some(spec.mechanism));
        }
        assert_eq!(Mechanism::parse(b"CRAM-MD5"), None);
    }

    #[test]
    fn what_is_offered_depends_on_tls() {
        use Mechanism::*;
        let offered = |cleartext, binding: Binding| -> Vec<_> {
            Mechanism::offered(cleartext, &binding).collect()
        };
        assert_eq!(offered(false, Binding::Unavailable), [ScramSha256]);
        assert_eq!(offered(true, Binding::Unavailable), [ScramSha256, Plain, Login]);
        let bound = Binding::TlsExporter([0; 32]);
        assert_eq!(offered(true, bound), [ScramSha256Plus, ScramSha256, Plain, Login]);
    }
}
