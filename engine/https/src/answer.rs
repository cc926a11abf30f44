//! An answer as it comes in (RFC 9112 §4, §6, §7.1).

use core_world::FetchError;

/// The longest head of an answer.
const HEAD_MAX: usize = 16 * 1024;
/// Most fields of one.
const FIELDS_MAX: usize = 100;
/// The longest line that announces a chunk.
const CHUNK_LINE_MAX: usize = 1024;
/// Most answers that only say that another follows (RFC 9110 §15.2).
const INTERIM_MAX: usize = 8;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status: 200 is good.
    pub status: u16,
    /// The fields, their names in lower case.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first field of that name, in lower case, as text; empty if there is none.
    pub fn field(&self, name: &str) -> String {
        let found = self.fields.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }
}

/// Takes in octets until an answer is whole.
#[derive(Debug)]
pub(crate) struct Reading {
    size_max: usize,
    /// The answer to HEAD has no body, whatever its fields say.
    bodiless: bool,
    unread: Vec<u8>,
    answer: Answer,
    interim: usize,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    /// So many octets of the body are still to come.
    Counted(usize),
    /// The line that announces a chunk.
    ChunkLine,
    /// So many octets of a chunk are still to come, and the line end.
    Chunk(usize),
    /// The fields behind the last chunk.
    Trailer,
    /// The body ends where the connection does.
    ToEnd,
    Whole,
}

/// Is there more to read?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Whole,
}

fn not_http(why: impl ToString) -> FetchError {
    FetchError::NotHttp(why.to_string())
}

impl Reading {
    /// An answer to `method` whose body has at most `size_max` octets.
    pub fn new(size_max: usize, method: &str) -> Reading {
        let bodiless = method == "HEAD";
        let answer = Answer { status: 0, fields: Vec::new(), body: Vec::new() };
        Reading { size_max, bodiless, unread: Vec::new(), answer, interim: 0, stage: Stage::Head }
    }

    /// Takes in what came.
    pub fn take(&mut self, octets: &[u8]) -> Result<Progress, FetchError> {
        self.unread.extend_from_slice(octets);
        while self.step()? {}
        Ok(if self.stage == Stage::Whole { Progress::Whole } else { Progress::More })
    }

    /// The peer sends no more.
    pub fn end(self) -> Result<Answer, FetchError> {
        match self.stage {
            Stage::Whole | Stage::ToEnd => Ok(self.answer),
            _ => Err(FetchError::Broken("the server hung up in the middle".to_string())),
        }
    }

    /// Goes on as far as one stage; false if octets are missing, or none is wanted.
    fn step(&mut self) -> Result<bool, FetchError> {
        match self.stage {
            Stage::Head => self.head(),
            Stage::Counted(left) => self.counted(left, Stage::Whole, Stage::Counted),
            Stage::ToEnd => {
                let came = std::mem::take(&mut self.unread);
                self.add(&came).map(|()| false)
            }
            Stage::ChunkLine => self.chunk_line(),
            Stage::Chunk(0) => self.line_end(),
            Stage::Chunk(left) => self.counted(left, Stage::Chunk(0), Stage::Chunk),
            Stage::Trailer => self.trailer(),
            Stage::Whole => Ok(false),
        }
    }

    fn add(&mut self, octets: &[u8]) -> Result<(), FetchError> {
        if self.answer.body.len() + octets.len() > self.size_max {
            return Err(FetchError::TooLarge);
        }
        self.answer.body.extend_from_slice(octets);
        Ok(())
    }

    fn head(&mut self) -> Result<bool, FetchError> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut head = httparse::Response::new(&mut fields);
        let len = match head.parse(&self.unread).map_err(not_http)? {
            httparse::Status::Complete(len) if len <= HEAD_MAX => len,
            httparse::Status::Partial if self.unread.len() <= HEAD_MAX => return Ok(false),
            _ => return Err(not_http("its head is too long")),
        };
        self.answer.status = head.code.unwrap_or(0);
        self.answer.fields = head
            .headers
            .iter()
            .map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()))
            .collect();
        self.unread.drain(..len);
        if (100..200).contains(&self.answer.status) {
            self.interim += 1;
            return match self.interim <= INTERIM_MAX && self.answer.status != 101 {
                true => Ok(true),
                false => Err(not_http("it never comes to the answer")),
            };
        }
        self.stage = self.body_stage()?;
        Ok(true)
    }

    /// How the body's end is known (RFC 9112 §6.3).
    fn body_stage(&self) -> Result<Stage, FetchError> {
        let all = |name: &str| -> Vec<&[u8]> {
            let fields = self.answer.fields.iter().filter(|(n, _)| n == name);
            fields.map(|(_, value)| value.as_slice()).collect()
        };
        if self.bodiless || matches!(self.answer.status, 204 | 304) {
            return Ok(Stage::Whole);
        }
        match (&all("transfer-encoding")[..], &all("content-length")[..]) {
            ([], []) => Ok(Stage::ToEnd),
            ([], [first, rest @ ..]) if rest.iter().all(|other| other == first) => {
                let text = std::str::from_utf8(first).unwrap_or_default();
                let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
                let len: Option<u64> = digits.then(|| text.parse().ok()).flatten();
                match len.ok_or_else(|| not_http("its length is no number"))? {
                    0 => Ok(Stage::Whole),
                    len => match usize::try_from(len) {
                        Ok(len) if len <= self.size_max => Ok(Stage::Counted(len)),
                        _ => Err(FetchError::TooLarge),
                    },
                }
            }
            ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Stage::ChunkLine),
            _ => Err(not_http("nobody can tell where its body ends")),
        }
    }

    fn counted(
        &mut self,
        left: usize,
        then: Stage,
        rest: fn(usize) -> Stage,
    ) -> Result<bool, FetchError> {
        if self.unread.is_empty() {
            return Ok(false);
        }
        let count = left.min(self.unread.len());
        let piece: Vec<u8> = self.unread.drain(..count).collect();
        self.add(&piece)?;
        self.stage = if count == left { then } else { rest(left - count) };
        Ok(true)
    }

    fn chunk_line(&mut self) -> Result<bool, FetchError> {
        let parsed = httparse::parse_chunk_size(&self.unread);
        match parsed.map_err(|_| not_http("a chunk has no size"))? {
            httparse::Status::Partial if self.unread.len() > CHUNK_LINE_MAX => {
                Err(not_http("a chunk's line is too long"))
            }
            httparse::Status::Partial => Ok(false),
            httparse::Status::Complete((len, size)) => {
                self.unread.drain(..len);
                let size = usize::try_from(size).map_err(|_| FetchError::TooLarge)?;
                self.stage = match size {
                    0 => Stage::Trailer,
                    size if size <= self.size_max - self.answer.body.len() => Stage::Chunk(size),
                    _ => return Err(FetchError::TooLarge),
                };
                Ok(true)
            }
        }
    }

    fn line_end(&mut self) -> Result<bool, FetchError> {
        match self.unread.get(..2) {
            None => Ok(false),
            Some(b"\r\n") => {
                self.unread.drain(..2);
                self.stage = Stage::ChunkLine;
                Ok(true)
            }
            Some(_) => Err(not_http("a chunk is longer than it says")),
        }
    }

    /// What stands behind the last chunk is not needed; that it ends is.
    fn trailer(&mut self) -> Result<bool, FetchError> {
        let ends = self.unread.starts_with(b"\r\n")
            || self.unread.windows(4).any(|window| window == b"\r\n\r\n");
        match ends {
            true => self.stage = Stage::Whole,
            false if self.unread.len() > HEAD_MAX => {
                return Err(not_http("its trailer is too long"));
            }
            false => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The answer in pieces of `piece` octets, then the end.
    fn read(text: &str, piece: usize, size_max: usize) -> Result<Answer, FetchError> {
        let mut reading = Reading::new(size_max, "GET");
        for piece in text.as_bytes().chunks(piece) {
            if reading.take(piece)? == Progress::Whole {
                break;
            }
        }
        reading.end()
    }

    #[test]
    fn bodies_end_in_three_ways() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello and more",
            "HTTP/1.1 200 OK\r\nCONTENT-TYPE: a/b\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: Chunked\r\n\r\n\
             2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n\
             5\r\nhello\r\n0\r\nA: b\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
        ] {
            for piece in [1, 2, 3, 7, 1000] {
                // With the length, octets behind it can come only in the same piece.
                let answer = read(text, piece, 5).unwrap();
                assert_eq!((answer.status, &answer.body[..]), (200, &b"hello"[..]), "{text}");
                assert_eq!(answer.field("content-type"), "a/b");
            }
            if !text.contains("more") {
                assert_eq!(read(text, 1, 4), Err(FetchError::TooLarge), "{text}");
            }
        }
        let empty = read("HTTP/1.1 204 No Content\r\n\r\n", 1, 0).unwrap();
        assert_eq!((empty.status, empty.body.len()), (204, 0));
    }

    #[test]
    fn what_is_no_answer() {
        let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(HEAD_MAX));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(FIELDS_MAX + 1));
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(INTERIM_MAX + 1);
        for text in [
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
            "HTTP/1.1 101 Switching\r\n\r\n",
            &long,
            &many,
            &interim,
        ] {
            for piece in [7, 1000, 100_000] {
                let got = read(text, piece, 100);
                assert!(matches!(got, Err(FetchError::NotHttp(_))), "{text:.60} {got:?}");
            }
        }
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ] {
            assert!(matches!(read(text, 1, 100), Err(FetchError::Broken(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn octets_are_no_harm(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            text.extend_from_slice(&octets);
            for text in [&text, &octets] {
                let mut reading = Reading::new(50, "GET");
                if reading.take(text).is_ok() {
                    prop_assert!(reading.answer.body.len() <= 50);
                }
            }
        }
    }
}
