//! How results are told: `SEARCH` and `SORT` by RFC 3501 and 5256, `ESEARCH` by RFC 4731 and 5267.

use crate::ask::SequenceSet;
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::print;
use words_mail::ModSeq;

/// What a client wants to know of the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::command) struct Return {
    pub min: bool,
    pub max: bool,
    pub all: bool,
    pub count: bool,
    /// Keep them for `$` (RFC 5182).
    pub save: bool,
}

impl Return {
    /// ```abnf
    /// search-return-opts = "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP
    /// search-return-opt  = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"
    /// ```
    /// None of them is ALL.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Option<Return>, ParseError> {
        if !cursor.word("RETURN") {
            return Ok(None);
        }
        cursor.space()?;
        let mut returned = Return::default();
        cursor.list::<ParseError>(|cursor| {
            let start = cursor.clone();
            match cursor.take_while(|b| b.is_ascii_alphabetic()).to_ascii_uppercase().as_slice() {
                b"MIN" => returned.min = true,
                b"MAX" => returned.max = true,
                b"ALL" => returned.all = true,
                b"COUNT" => returned.count = true,
                b"SAVE" => returned.save = true,
                _ => start.expected("MIN, MAX, ALL, COUNT or SAVE")?,
            }
            Ok(())
        })?;
        returned.all |= returned == Return::default();
        cursor.space()?;
        Ok(Some(returned))
    }

    /// Is nothing wanted but MIN or MAX?
    pub fn is_about_ends(self) -> bool {
        (self.min || self.max) && !self.all && !self.count
    }

    /// Those of the results that MIN and MAX name.
    pub fn ends(self, numbers: &[u32]) -> SequenceSet {
        let first = numbers.first().filter(|_| self.min);
        let last = numbers.last().filter(|_| self.max);
        first.into_iter().chain(last).map(|number| (Some(*number), Some(*number))).collect()
    }

    /// ```abnf
    /// esearch-response = "ESEARCH" [SP "(" "TAG" SP string ")"] [SP "UID"] *(SP search-return-data)
    /// ```
    pub fn tell(self, numbers: &[u32], uid: bool, modseq: Option<ModSeq>, cx: &mut Context) {
        if self == (Return { save: true, ..Return::default() }) {
            return;
        }
        cx.put("* ESEARCH (TAG ");
        let tag = std::mem::take(&mut cx.tag);
        print::quoted(&mut cx.out, &tag);
        cx.tag = tag;
        cx.put(if uid { ") UID" } else { ")" });
        for (is_wanted, name, number) in
            [(self.min, " MIN ", numbers.first()), (self.max, " MAX ", numbers.last())]
        {
            if let Some(number) = number.filter(|_| is_wanted) {
                cx.put(name);
                cx.number(*number);
            }
        }
        if self.all && !numbers.is_empty() {
            cx.put(" ALL ");
            print::runs(&mut cx.out, numbers.iter().copied());
        }
        if self.count {
            cx.put(" COUNT ");
            cx.number(numbers.len() as u64);
        }
        if let Some(modseq) = modseq.filter(|_| !numbers.is_empty()) {
            cx.put(" MODSEQ ");
            cx.number(modseq.0);
        }
        cx.put("\r\n");
    }
}

/// `mailbox-data = "SEARCH" [1*(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]]`
pub(super) fn tell(response: &str, numbers: &[u32], modseq: Option<ModSeq>, cx: &mut Context) {
    cx.put("* ");
    cx.put(response);
    for number in numbers {
        cx.put(" ");
        cx.number(*number);
    }
    if let Some(modseq) = modseq.filter(|_| !numbers.is_empty()) {
        cx.put(" (MODSEQ ");
        cx.number(modseq.0);
        cx.put(")");
    }
    cx.put("\r\n");
}
