//! Cuts what a server sends into responses; a message's octets come in pieces.

use super::response::Response;
use crate::input::{Input, Limits, Literal, Read};
use words_base::SyntaxError;

/// Longest line, literal within a line, and both together, in octets. Generous: a server may list
/// hundreds of keywords.
const LIMITS: Limits =
    Limits { line_len_max: 256 * 1024, literal_len_max: 64 * 1024, command_len_max: 512 * 1024 };
/// Octets of a message that are handed over at once.
const PIECE_LEN_MAX: usize = 64 * 1024;

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// More octets must come first.
    Nothing,
    /// A whole response. Of a FETCH with a body, after all of its pieces.
    Response(Response),
    /// The octets of a message begin; there will be so many.
    Body(u64),
    /// The next of these octets.
    Piece(Vec<u8>),
    /// A line was too long to be kept, and has been left out.
    LeftOut,
}

/// Reads responses. Holds no more than a line, whatever the server sends.
#[derive(Debug, Default)]
pub struct Responses {
    input: Input,
    /// The FETCH whose body is read: its text before the body, once one has begun.
    fetch: Option<Vec<u8>>,
    /// Octets of that body still to come.
    body_len: u64,
}

impl Responses {
    /// Adds octets from the server.
    pub fn input(&mut self, octets: &[u8]) {
        self.input.extend(octets);
    }

    /// Forgets what came in the clear: for the moment before TLS.
    pub fn clear(&mut self) {
        *self = Responses::default();
    }

    /// The next thing heard. The error is a server that cannot be followed any more: it announces
    /// more than anybody could read.
    pub fn hear(&mut self) -> Result<Heard, SyntaxError> {
        loop {
            if self.body_len > 0 {
                return Ok(self.piece());
            }
            match self.input.read(&LIMITS, is_body) {
                Read::More => return Ok(Heard::Nothing),
                // Nobody waits on this side: the octets come by themselves.
                Read::Invite | Read::Discarded => {}
                Read::Stream(text, literal) => return Ok(self.begin_body(text, literal)),
                Read::Command(line) => {
                    let text = match self.fetch.take() {
                        Some(before) => [before, line].concat(),
                        None => line,
                    };
                    return Ok(Heard::Response(Response::parse(&text)));
                }
                Read::TooLong(_) | Read::TooBig(_) => {
                    self.fetch = None;
                    return Ok(Heard::LeftOut);
                }
                Read::Hopeless => return Err(SyntaxError::new(0, "a literal that can be read")),
            }
        }
    }

    fn begin_body(&mut self, mut text: Vec<u8>, literal: Literal) -> Heard {
        let keep = text.len() - announcement_len(&text, literal);
        text.truncate(keep);
        // In its place stands an empty string, so that the whole can be read as any other line.
        text.extend_from_slice(b"\"\"");
        let before = self.fetch.take().unwrap_or_default();
        self.fetch = Some([before, text].concat());
        self.body_len = literal.len;
        Heard::Body(literal.len)
    }

    fn piece(&mut self) -> Heard {
        let unread = self.input.buffer().unread();
        let most = usize::try_from(self.body_len).unwrap_or(usize::MAX).min(PIECE_LEN_MAX);
        let piece = unread[..unread.len().min(most)].to_vec();
        if piece.is_empty() {
            return Heard::Nothing;
        }
        self.input.buffer().consume(piece.len());
        self.body_len -= piece.len() as u64;
        Heard::Piece(piece)
    }
}

/// Octets of the announcement at the end of `text`, whose last line it ends.
fn announcement_len(text: &[u8], literal: Literal) -> usize {
    let line_start = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    text.len().saturating_sub(line_start + literal.starts_at)
}

/// Does `text` end with the announcement of a message's octets?
fn is_body(text: &[u8]) -> bool {
    let line_start = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = &text[line_start..];
    let Some(literal) = Literal::at_end_of(line) else { return false };
    let before = line[..literal.starts_at].trim_ascii_end().to_ascii_uppercase();
    text.starts_with(b"* ") && (before.ends_with(b"BODY[]") || before.ends_with(b"RFC822"))
}

#[cfg(test)]
mod tests {
    use super::super::{Condition, Fetched, Response};
    use super::*;
    use proptest::prelude::*;
    use words_mail::{Flags, SystemFlag, Uid};

    /// Everything heard of `octets`, the pieces of a body joined.
    fn all(octets: &[&[u8]]) -> Vec<Heard> {
        let mut responses = Responses::default();
        let mut heard: Vec<Heard> = Vec::new();
        for part in octets {
            responses.input(part);
            loop {
                match responses.hear().unwrap() {
                    Heard::Nothing => break,
                    Heard::Piece(more) => match heard.last_mut() {
                        Some(Heard::Piece(piece)) => piece.extend(more),
                        _ => heard.push(Heard::Piece(more)),
                    },
                    other => heard.push(other),
                }
            }
        }
        heard
    }

    const TALK: &[u8] = b"* OK hello\r\n* LIST (\\HasNoChildren) \"/\" {9}\r\ntwo words\r\n\
        * 3 FETCH (UID 7 BODY[] {11}\r\nhi\r\n* 9 EXI FLAGS (\\Seen))\r\ne4 OK done\r\n";

    #[test]
    fn a_body_comes_in_pieces_and_its_fetch_after_it() {
        let heard = all(&[TALK]);
        let mut flags = Flags::new();
        flags.insert(SystemFlag::Seen);
        assert_eq!(heard[2], Heard::Body(11));
        assert_eq!(heard[3], Heard::Piece(b"hi\r\n* 9 EXI".to_vec()));
        let Heard::Response(Response::Fetch(fetched)) = &heard[4] else { panic!("{heard:?}") };
        assert_eq!(fetched.uid, Some(Uid(7)));
        let Heard::Response(Response::Tagged { tag, said }) = &heard[5] else { panic!() };
        assert_eq!((tag.as_str(), said.condition), ("e4", Condition::Ok));
    }

    #[test]
    fn an_empty_body_is_a_body() {
        let heard = all(&[b"* 1 FETCH (BODY[] {0}\r\n UID 5)\r\n"]);
        assert_eq!(heard[0], Heard::Body(0));
        let fetched = Fetched { number: 1, uid: Some(Uid(5)), ..Fetched::default() };
        assert_eq!(heard[1], Heard::Response(Response::Fetch(fetched)));
    }

    #[test]
    fn a_line_without_end_holds_nothing() {
        let mut responses = Responses::default();
        let mut left_out = 0;
        for _ in 0..100 {
            responses.input(&[b'x'; 64 * 1024]);
            left_out += usize::from(responses.hear() == Ok(Heard::LeftOut));
        }
        responses.input(b"\r\n* 1 EXISTS\r\n");
        assert_eq!(left_out, 1);
        assert_eq!(responses.hear(), Ok(Heard::Response(Response::Exists(1))));
    }

    proptest! {
        #[test]
        fn octets_cut_anywhere_give_the_same(cuts in prop::collection::vec(0..TALK.len(), 0..6)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut parts = Vec::new();
            let mut start = 0;
            for cut in cuts {
                parts.push(&TALK[start..cut]);
                start = cut;
            }
            parts.push(&TALK[start..]);
            prop_assert_eq!(all(&parts), all(&[TALK]));
        }

        #[test]
        fn noise_is_never_a_panic(noise in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut responses = Responses::default();
            responses.input(&noise);
            for _ in 0..500 {
                match responses.hear() {
                    Ok(Heard::Nothing) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        }
    }
}
