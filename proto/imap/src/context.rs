//! What the commands of one session share.

use crate::options::Options;
use crate::print::{self, Utf8};
use crate::state::State;
use proto_line::Secured;
use proto_sasl::Binding;
use std::sync::Arc;
use words_mail::ModSeq;

/// What the client has switched on (RFC 5161). Nothing of it is ever switched off again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Enabled {
    /// MODSEQ in every FETCH of flags (RFC 7162 §3.1).
    pub condstore: bool,
    /// VANISHED in place of EXPUNGE (RFC 7162 §3.2).
    pub qresync: bool,
    /// Raw UTF-8 in names and texts (RFC 9755 §3).
    pub utf8: Utf8,
}

/// What the commands of one session share.
#[derive(Debug)]
pub(crate) struct Context {
    pub options: Arc<Options>,
    /// Everything printed and not yet sent.
    pub out: Vec<u8>,
    pub state: State,
    pub enabled: Enabled,
    /// The TLS below, if there is any.
    pub secured: Option<Secured>,
    /// Tag of the command being carried out.
    pub tag: Vec<u8>,
    /// Commands that could not be read, and logins that failed.
    pub errors: u32,
}

impl Context {
    pub fn new(options: Arc<Options>) -> Context {
        Context {
            options,
            out: Vec::new(),
            state: State::default(),
            enabled: Enabled::default(),
            secured: None,
            tag: Vec::new(),
            errors: 0,
        }
    }

    /// Prints octets as they are.
    pub fn put(&mut self, octets: impl AsRef<[u8]>) {
        self.out.extend_from_slice(octets.as_ref());
    }

    /// Prints one line, with its CRLF.
    pub fn line(&mut self, line: impl AsRef<[u8]>) {
        self.put(line);
        self.put(b"\r\n");
    }

    /// Prints a number.
    pub fn number(&mut self, number: impl Into<u64>) {
        print::number(&mut self.out, number.into());
    }

    /// Prints a mailbox's name.
    pub fn mailbox(&mut self, name: &str) {
        print::mailbox(&mut self.out, name, self.enabled.utf8);
    }

    /// Prints `* OK [code number] text`.
    pub fn ok_number(&mut self, code: &str, number: u64, text: &str) {
        self.put(b"* OK [");
        self.put(code);
        self.put(b" ");
        self.number(number);
        self.put(b"] ");
        self.line(text);
    }

    /// May a password cross the connection as it is?
    pub fn allows_password(&self) -> bool {
        self.secured.is_some() || self.options.cleartext_login
    }

    /// What an exchange can be bound to.
    pub fn binding(&self) -> Binding {
        Binding::from_exporter(self.secured.as_ref().and_then(|s| s.exporter))
    }

    /// Notes that the client knows CONDSTORE, by ENABLE or by a command that says so
    /// (RFC 7162 §3.1). If it has a mailbox open it is told where that stands, since MODSEQ comes
    /// with every change from now on.
    pub fn enable_condstore(&mut self) {
        if std::mem::replace(&mut self.enabled.condstore, true) {
            return;
        }
        if let Some(ModSeq(highest)) = self.state.selected().map(|s| s.highest_modseq) {
            self.ok_number("HIGHESTMODSEQ", highest, "Highest");
        }
    }
}
