//! Where the header of an arriving message ends.
//!
//! Takes the octets as they come, holds the fields back and lets the body through. What it finds
//! does not depend on where the octets are cut.

use std::ops::ControlFlow;

/// Octets left for the fields that we add, so that what we keep is a header that all can read.
const TRACE_MAX: usize = 16 * 1024;
/// Most octets of a header section.
pub(crate) const HEADER_MAX: usize = words_message::HEADER_MAX - TRACE_MAX;
/// Longest field name with the blanks behind it: no line may be longer (RFC 5322 §2.1.1), so what
/// has no colon until then is no field.
const NAME_MAX: usize = 998;

/// The header section is longer than [`HEADER_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeaderTooLarge;

/// A message of which the header is awaited, or was found.
#[derive(Debug, Default)]
pub(crate) struct Rewrite {
    /// Whole lines of the header, and the beginning of the next line.
    kept: Vec<u8>,
    /// Where that line begins.
    line: usize,
    /// Octets of the first line, if it looks like the `From ` line of an mbox file. It is one, and
    /// no part of the message, if a field follows; otherwise it is text.
    mbox: usize,
    over: bool,
}

/// What a chunk brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fed<'c> {
    /// The header, in the chunk with which it is known.
    pub(crate) header: Option<Ended>,
    /// The rest of the chunk, which is body.
    pub(crate) body: &'c [u8],
}

/// A header whose end was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its fields, each with its line end, and not the empty line.
    pub(crate) fields: Vec<u8>,
    /// The beginning of the body, where it had to be read to know that it is body.
    pub(crate) lead: Vec<u8>,
}

/// What a line in a header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// It cannot be told yet.
    Open,
    /// A field, or more of one.
    Field,
    /// Perhaps of an mbox file; shows with the next line.
    Mbox,
    /// The empty line: behind it is the body.
    Empty,
    /// No field. The header ended before it without an empty line.
    Text,
}

impl Rewrite {
    /// Takes the next octets of the message.
    pub(crate) fn feed<'c>(&mut self, chunk: &'c [u8]) -> Result<Fed<'c>, HeaderTooLarge> {
        let mut rest = chunk;
        while !self.over && !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let room = HEADER_MAX - self.kept.len();
            let (taken, behind) = rest.split_at(end.min(room));
            self.kept.extend_from_slice(taken);
            rest = behind;
            if let ControlFlow::Break(header) = self.advance(self.kept.ends_with(b"\n")) {
                return Ok(Fed { header: Some(header), body: rest });
            }
            if self.kept.len() == HEADER_MAX {
                return Err(HeaderTooLarge);
            }
        }
        Ok(Fed { header: None, body: rest })
    }

    /// The message is over. Gives the header if it was not known before.
    pub(crate) fn finish(&mut self) -> Option<Ended> {
        if self.over {
            return None;
        }
        if self.line < self.kept.len()
            && let ControlFlow::Break(header) = self.advance(true)
        {
            return Some(header);
        }
        if self.kept.len() == self.mbox {
            return Some(self.end(0, 0));
        }
        if !self.kept.ends_with(b"\n") {
            self.kept.extend_from_slice(b"\r\n");
        }
        Some(self.end(self.kept.len(), self.kept.len()))
    }

    /// Looks at the line that was read last; `whole` if no more of it comes.
    fn advance(&mut self, whole: bool) -> ControlFlow<Ended> {
        let line = &self.kept[self.line..];
        let is_first = self.line == 0;
        let has_fields = self.line > self.mbox;
        match judge(line, whole, is_first, has_fields) {
            Line::Field | Line::Mbox if !whole => {}
            Line::Open => {}
            Line::Field => self.line = self.kept.len(),
            Line::Mbox => {
                self.mbox = self.kept.len();
                self.line = self.mbox;
            }
            // Departs from RFC 5322 §2.1, after which such a message has no body: what people type
            // by hand and what broken programs write is kept where all readers find it. Without
            // any field in front, the `From ` line was text as well, as is the empty line.
            Line::Text | Line::Empty if self.mbox > 0 && !has_fields => {
                return ControlFlow::Break(self.end(0, 0));
            }
            Line::Text => return ControlFlow::Break(self.end(self.line, self.line)),
            Line::Empty => return ControlFlow::Break(self.end(self.line, self.kept.len())),
        }
        ControlFlow::Continue(())
    }

    /// The fields end at `end`; of what was kept, the body begins at `body`.
    fn end(&mut self, end: usize, body: usize) -> Ended {
        self.over = true;
        let mut fields = std::mem::take(&mut self.kept);
        let lead = fields.split_off(body);
        fields.truncate(end);
        fields.drain(..self.mbox.min(end));
        Ended { fields, lead }
    }
}

/// What `line` is. Never changes its mind when more of the line comes.
fn judge(line: &[u8], whole: bool, is_first: bool, has_fields: bool) -> Line {
    match line {
        [b'\n', ..] | [b'\r', b'\n', ..] => Line::Empty,
        [b' ' | b'\t', ..] if has_fields => Line::Field,
        [] | [b'\r'] if !whole => Line::Open,
        _ => judge_name(line, whole, is_first),
    }
}

/// What `line` is, if it is neither empty nor more of a field.
fn judge_name(line: &[u8], whole: bool, is_first: bool) -> Line {
    // field-name is of printable ASCII; obsolete syntax has blanks behind it (RFC 5322 §4.5).
    let begin = &line[..line.len().min(NAME_MAX)];
    let name = begin.iter().take_while(|b| b.is_ascii_graphic() && **b != b':').count();
    let blanks = begin[name..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    match begin.get(name + blanks) {
        _ if name == 0 => Line::Text,
        Some(b':') => Line::Field,
        Some(_) if is_first && blanks > 0 && matches!(&begin[..name], b"From" | b">From") => {
            if line.len() > NAME_MAX { Line::Text } else { Line::Mbox }
        }
        Some(_) => Line::Text,
        None if begin.len() == NAME_MAX => Line::Text,
        None => {
            if whole {
                Line::Text
            } else {
                Line::Open
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields, and body, of `message` fed in pieces of `size`.
    fn split(message: &[u8], size: usize) -> (Vec<u8>, Vec<u8>) {
        let mut rewrite = Rewrite::default();
        let (mut header, mut body) = (None, Vec::new());
        for chunk in message.chunks(size) {
            let fed = rewrite.feed(chunk).unwrap();
            take(fed.header, &mut header, &mut body);
            body.extend_from_slice(fed.body);
        }
        take(rewrite.finish(), &mut header, &mut body);
        assert_eq!(rewrite.finish(), None);
        (header.expect("every message has a header"), body)
    }

    fn take(ended: Option<Ended>, header: &mut Option<Vec<u8>>, body: &mut Vec<u8>) {
        if let Some(ended) = ended {
            assert_eq!(*header, None, "one header");
            *header = Some(ended.fields);
            body.extend(ended.lead);
        }
    }

    fn check(message: &str, fields: &str, body: &str) {
        for size in 1..=message.len().max(1) {
            let (found, rest) = split(message.as_bytes(), size);
            let found = (String::from_utf8_lossy(&found), String::from_utf8_lossy(&rest));
            assert_eq!(found, (fields.into(), body.into()), "{message:?} by {size}");
        }
    }

    #[test]
    fn a_header_ends_at_the_empty_line() {
        check("A: 1\r\nB: 2\r\n\r\nhello\r\n", "A: 1\r\nB: 2\r\n", "hello\r\n");
        check("A: 1\r\n folded\r\n\r\n\r\nhi", "A: 1\r\n folded\r\n", "\r\nhi");
        check("A: 1\r\n \r\nB : 2\r\n\r\n", "A: 1\r\n \r\nB : 2\r\n", "");
        check("A: 1\n\nhello\n", "A: 1\n", "hello\n");
        check("A:\r\n\r\n", "A:\r\n", "");
    }

    #[test]
    fn a_header_without_an_empty_line_ends_with_its_last_field() {
        check("A: 1\r\n", "A: 1\r\n", "");
        check("A: 1\r\nB: 2", "A: 1\r\nB: 2\r\n", "");
        check("A: 1\r\n folded", "A: 1\r\n folded\r\n", "");
        check("A: 1\r\nhello there\r\nB: 2\r\n", "A: 1\r\n", "hello there\r\nB: 2\r\n");
        check("A: 1\r\nhello", "A: 1\r\n", "hello");
        check("A: 1\r\nhe\0llo: x\r\n", "A: 1\r\n", "he\0llo: x\r\n");
        check("A: 1\r\n\rB: 2", "A: 1\r\n", "\rB: 2");
        check("A: 1\r\n\r", "A: 1\r\n", "\r");
    }

    #[test]
    fn a_message_may_have_no_header_at_all() {
        check("", "", "");
        check("hello", "", "hello");
        check("hello\r\nA: 1\r\n\r\n", "", "hello\r\nA: 1\r\n\r\n");
        check("\r\nhello\r\n", "", "hello\r\n");
        check("\r\n", "", "");
        check(" folded: 1\r\n", "", " folded: 1\r\n");
        check(": 1\r\n", "", ": 1\r\n");
        check("¡hola!: 1\r\n", "", "¡hola!: 1\r\n");
    }

    #[test]
    fn the_line_of_an_mbox_file_is_no_part_of_a_message_that_has_fields() {
        let line = "From ana@mired.org Tue Nov 24 08:46:39 2026\r\n";
        check(&format!("{line}A: 1\r\n\r\nhi\r\n"), "A: 1\r\n", "hi\r\n");
        check(&format!(">{line}A: 1\r\n\r\nhi\r\n"), "A: 1\r\n", "hi\r\n");
        check(&format!("{line}A: 1"), "A: 1\r\n", "");
        check("From : ana@mired.org\r\n\r\n", "From : ana@mired.org\r\n", "");
        // Without fields it may be what somebody wrote.
        check("From here on\r\nit is text.\r\n", "", "From here on\r\nit is text.\r\n");
        check("From here on\r\n\r\nText.\r\n", "", "From here on\r\n\r\nText.\r\n");
        check("From here on\r\n", "", "From here on\r\n");
        check("From here", "", "From here");
        check("From ", "", "From ");
        check(&format!("{line}{line}A: 1\r\n"), "", &format!("{line}{line}A: 1\r\n"));
        check(&format!("A: 1\r\n{line}B: 2\r\n"), "A: 1\r\n", &format!("{line}B: 2\r\n"));
    }

    #[test]
    fn a_long_line_without_a_colon_is_text_however_it_comes() {
        for (first, is_field) in [("x".repeat(997), true), ("x".repeat(998), false)] {
            let message = format!("{first}: 1\r\n\r\nhi");
            let want: (&str, &str) =
                if is_field { (&message[..message.len() - 4], "hi") } else { ("", &message) };
            for size in [1, 7, 997, 998, 999, 5000] {
                let (fields, body) = split(message.as_bytes(), size);
                assert_eq!((&fields[..], &body[..]), (want.0.as_bytes(), want.1.as_bytes()));
            }
        }
        for long in [format!("From {}\r\nA: 1\r\n", "x".repeat(1000)), "x".repeat(3 << 20)] {
            for size in [1 << 10, 4 << 20] {
                assert_eq!(split(long.as_bytes(), size), (vec![], long.clone().into_bytes()));
            }
        }
    }

    #[test]
    fn a_header_over_the_limit_is_refused_and_memory_stays_flat() {
        let long_line = |n: usize| if n == 0 { b"A: ".to_vec() } else { vec![b'x'; 1 << 16] };
        let many_lines = |_| b"A: 1\r\n".repeat(1 << 13);
        let chunks: [&dyn Fn(usize) -> Vec<u8>; 2] = [&long_line, &many_lines];
        for chunk in chunks {
            let mut rewrite = Rewrite::default();
            let mut fed = (0..1000).map(|n| rewrite.feed(&chunk(n)).map(|fed| fed.body.len()));
            assert_eq!(fed.find(Result::is_err), Some(Err(HeaderTooLarge)));
            drop(fed);
            assert!(rewrite.kept.capacity() <= 2 * HEADER_MAX);
        }
    }

    #[test]
    fn the_greatest_header_is_taken_whole() {
        let mut message = b"A: ".to_vec();
        message.resize(HEADER_MAX - 5, b'x');
        message.extend_from_slice(b"\r\n\r\nbody");
        let (fields, body) = split(&message, 1 << 16);
        assert_eq!((fields.len(), &body[..]), (HEADER_MAX - 3, &b"body"[..]));
    }

    #[test]
    fn random_octets_cut_anywhere_are_the_same_message() {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 33) as usize % below
        };
        let alphabet = [
            &b"\r\n"[..],
            b"\n",
            b"\r",
            b" ",
            b"\t",
            b":",
            b"From ",
            b"A",
            b"B: ",
            b"\0",
            b"\xff",
            b"\r\n\r\n",
        ];
        for _ in 0..3_000 {
            let message: Vec<u8> =
                (0..next(12)).flat_map(|_| alphabet[next(alphabet.len())].to_vec()).collect();
            let whole = split(&message, usize::MAX);
            let (fields, body) = &whole;
            assert!(message.ends_with(body), "{message:?}: the body is let through as it is");
            let head = &message[..message.len() - body.len()];
            let kept = memchr::memmem::find(head, fields.trim_ascii_end());
            assert!(kept.is_some(), "{message:?}: the fields are kept as they are");
            let lost = (head.len() + 2).saturating_sub(fields.len());
            assert!(lost <= 4 || head.starts_with(b"From "), "{message:?}: nothing else is lost");
            for size in 1..=message.len() {
                assert_eq!(split(&message, size), whole, "{message:?} by {size}");
            }
        }
    }
}
