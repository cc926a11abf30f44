//! ID (RFC 2971): who is at the other end, for the log.

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask};
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::tagged::Tagged;
use words_mail::Refusal;

/// Most fields that are kept (RFC 2971 §3.3).
const FIELDS_MAX: usize = 30;
/// Longest field name and value that are kept, in characters (RFC 2971 §3.3).
const NAME_LEN_MAX: usize = 30;
const VALUE_LEN_MAX: usize = 1024;

struct Id(Vec<(String, Option<String>)>);

/// ```abnf
/// id             = "ID" SP id-params-list
/// id-params-list = "(" string SP nstring *(SP string SP nstring) ")" / nil
/// ```
/// `()` is taken as well: some servers want the one form, some the other, and clients send both.
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    if cursor.word("NIL") {
        return Ok(Box::new(Id(Vec::new())));
    }
    let mut fields = Vec::new();
    cursor.list::<ParseError>(|cursor| {
        let name = clipped(&cursor.string("a field name in quotes, or NIL")?, NAME_LEN_MAX);
        cursor.space()?;
        let value = cursor.nstring("a field value in quotes, or NIL")?;
        if fields.len() < FIELDS_MAX {
            fields.push((name, value.map(|value| clipped(&value, VALUE_LEN_MAX))));
        }
        Ok(())
    })?;
    Ok(Box::new(Id(fields)))
}

fn clipped(text: &[u8], len_max: usize) -> String {
    String::from_utf8_lossy(text).chars().take(len_max).collect()
}

impl Run for Id {
    fn start(&mut self, cx: &mut Context) -> Next {
        cx.line(b"* ID (\"name\" \"Estafeta\")");
        Next::Ask(Ask::Identified(std::mem::take(&mut self.0)))
    }

    fn answer(&mut self, answer: Answer, _: &mut Context) -> Next {
        match answer {
            Answer::Done => Next::Done(Tagged::ok("Pleased to meet you")),
            answer => mismatch(&answer),
        }
    }

    /// A name that went unheard is no reason to refuse.
    fn refused(&mut self, _: Refusal, _: &mut Context) -> Next {
        Next::Done(Tagged::ok("Pleased to meet you"))
    }
}
