//! ENABLE (RFC 5161).

use super::{Next, Parsed, Run};
use crate::capability::is_on;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::print::Utf8;
use crate::tagged::Tagged;

struct Enable(Vec<Extension>);

/// What can be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    CondStore,
    QResync,
    Utf8Accept,
}

const EXTENSIONS: [(&str, Extension); 3] = [
    ("CONDSTORE", Extension::CondStore),
    ("QRESYNC", Extension::QResync),
    ("UTF8=ACCEPT", Extension::Utf8Accept),
];

/// `enable = "ENABLE" 1*(SP capability)`. Names that are not known are passed over (§3.1).
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    let mut extensions = Vec::new();
    cursor.space()?;
    loop {
        let name = cursor.atom("the name of a capability")?;
        let known = EXTENSIONS.iter().find(|e| e.0.as_bytes().eq_ignore_ascii_case(name));
        extensions.extend(known.map(|e| e.1).filter(|e| !extensions.contains(e)));
        if cursor.is_at_end() {
            return Ok(Box::new(Enable(extensions)));
        }
        cursor.space()?;
    }
}

impl Run for Enable {
    fn start(&mut self, cx: &mut Context) -> Next {
        cx.put(b"* ENABLED");
        let wanted = |e: &&(&str, Extension)| self.0.contains(&e.1);
        let on: Vec<_> = EXTENSIONS.iter().filter(wanted).filter(|e| is_on(e.0, cx)).collect();
        for (name, _) in &on {
            cx.put(b" ");
            cx.put(name);
        }
        cx.put(b"\r\n");
        on.iter().for_each(|(_, extension)| extension.enable(cx));
        Next::Done(Tagged::ok("Enabled"))
    }
}

impl Extension {
    fn enable(self, cx: &mut Context) {
        match self {
            Extension::CondStore => cx.enable_condstore(),
            // RFC 7162 §3.2.3: QRESYNC enables CONDSTORE too.
            Extension::QResync => {
                cx.enabled.qresync = true;
                cx.enable_condstore();
            }
            Extension::Utf8Accept => cx.enabled.utf8 = Utf8::Accepted,
        }
    }
}
