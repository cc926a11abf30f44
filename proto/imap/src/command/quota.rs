//! GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208). An account has one quota root, named `""`.

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask, QuotaResource};
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::print;
use crate::tagged::{Code, Tagged};
use words_mail::MailboxName;

struct Quota {
    /// GETQUOTAROOT was asked of this mailbox, which need not exist (§4.1.2).
    mailbox: Option<MailboxName>,
}

/// `getquota = "GETQUOTA" SP quota-root-name`
pub(super) fn parse_get(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    if !cursor.astring("the name of a quota root")?.is_empty() {
        let text = "The only quota root is \"\"";
        return Err(ParseError::Refused(Tagged::no(Code::Word("NONEXISTENT"), text)));
    }
    Ok(Box::new(Quota { mailbox: None }))
}

/// `getquotaroot = "GETQUOTAROOT" SP mailbox`
pub(super) fn parse_get_root(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    Ok(Box::new(Quota { mailbox: Some(cursor.mailbox()?) }))
}

/// ```abnf
/// setquota      = "SETQUOTA" SP quota-root-name SP setquota-list
/// setquota-list = "(" [atom SP number *(SP atom SP number)] ")"
/// ```
/// Quotas are set by whoever runs the server, and not from here.
pub(super) fn parse_set(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    cursor.astring("the name of a quota root")?;
    cursor.space()?;
    cursor.list::<ParseError>(|cursor| {
        cursor.atom("the name of a resource")?;
        cursor.space()?;
        cursor.number()?;
        Ok(())
    })?;
    cursor.end()?;
    let text = "Quotas are set by the administrator";
    Err(ParseError::Refused(Tagged::no(Code::Word("NOPERM"), text)))
}

impl Run for Quota {
    fn start(&mut self, _: &mut Context) -> Next {
        Next::Ask(Ask::Quota)
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Quota(resources) = answer else { mismatch(&answer) };
        if let Some(name) = &self.mailbox {
            cx.put("* QUOTAROOT ");
            cx.mailbox(name.as_str());
            cx.line(if resources.is_empty() { "" } else { " \"\"" });
        }
        match (resources.is_empty(), &self.mailbox) {
            (false, _) => tell(&resources, cx),
            // Where nothing is limited, there is no root (a list of no resources cannot be written).
            (true, Some(_)) => {}
            (true, None) => {
                let text = "Nothing is limited";
                return Next::Done(Tagged::no(Code::Word("NONEXISTENT"), text));
            }
        }
        Next::Done(Tagged::ok("That is all"))
    }
}

/// `quota-response = "QUOTA" SP quota-root-name SP "(" quota-resource *(SP quota-resource) ")"`
fn tell(resources: &[QuotaResource], cx: &mut Context) {
    cx.put("* QUOTA \"\" (");
    let start = cx.out.len();
    for resource in resources {
        print::separate(&mut cx.out, start);
        cx.put(resource.name);
        cx.put(" ");
        cx.number(resource.usage);
        cx.put(" ");
        cx.number(resource.limit);
    }
    cx.line(")");
}
