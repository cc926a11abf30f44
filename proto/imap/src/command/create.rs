//! CREATE (RFC 3501 §6.3.3), with a special use (RFC 6154 §3), answered with MAILBOXID (RFC 8474 §4.1).

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask};
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::tagged::{Code, Tagged};
use words_mail::{MailboxName, SpecialUse};

struct Create {
    name: MailboxName,
    special_use: Option<SpecialUse>,
}

/// ```abnf
/// create       = "CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]
/// create-param = "USE" SP "(" [use-attr *(SP use-attr)] ")"
/// ```
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    let name = cursor.mailbox()?;
    let mut special_use = None;
    if !cursor.is_at_end() {
        cursor.space()?;
        cursor.list::<ParseError>(|cursor| {
            if !cursor.word("USE") {
                cursor.expected("USE")?;
            }
            cursor.space()?;
            cursor.list(|cursor| use_attribute(cursor, &mut special_use))
        })?;
    }
    // A mailbox INBOX below INBOX is the work of clients that guess at a prefix.
    if name.as_str().eq_ignore_ascii_case("INBOX/INBOX") {
        let text = "INBOX has no second INBOX below it";
        return Err(ParseError::Refused(Tagged::no(Code::Word("CANNOT"), text)));
    }
    Ok(Box::new(Create { name, special_use }))
}

/// A use that is not known here, or a second one, is refused with USEATTR (RFC 6154 §3).
fn use_attribute(
    cursor: &mut Cursor<'_>,
    found: &mut Option<SpecialUse>,
) -> Result<(), ParseError> {
    let use_attr = |text| ParseError::Refused(Tagged::no(Code::Word("USEATTR"), text));
    cursor.expect(b'\\', "a special use like \\Sent")?;
    let name = cursor.atom("a special use like \\Sent")?;
    let attribute = format!("\\{}", String::from_utf8_lossy(name));
    let special_use = SpecialUse::parse(&attribute).ok_or(use_attr("Special use not known"))?;
    match found.replace(special_use) {
        None => Ok(()),
        Some(_) => Err(use_attr("A mailbox has at most one special use here")),
    }
}

impl Run for Create {
    fn start(&mut self, _: &mut Context) -> Next {
        Next::Ask(Ask::Create(self.name.clone(), self.special_use))
    }

    fn answer(&mut self, answer: Answer, _: &mut Context) -> Next {
        match answer {
            Answer::Created(id) => {
                let code = Code::Printed(format!("MAILBOXID ({id})").into_bytes());
                Next::Done(Tagged::ok("Created").with(code))
            }
            answer => mismatch(&answer),
        }
    }
}
