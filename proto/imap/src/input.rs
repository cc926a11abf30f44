//! Octets from the client, cut into commands: lines, and the literals that lines announce
//! (RFC 3501 §4.3, RFC 7888).

use crate::cursor::clipped;
use crate::options::{
    COMMAND_LEN_MAX, COMMAND_LEN_MAX_BEFORE_LOGIN, DISCARD_MAX, LINE_LEN_MAX,
    LINE_LEN_MAX_BEFORE_LOGIN, LITERAL_LEN_MAX_BEFORE_LOGIN,
};
use proto_line::{LineBuffer, LineError};

/// Longest tag that is remembered of a line too long to be kept, in octets.
const TAG_LEN_MAX: usize = 64;

/// Does a client wait for `+` before it sends a literal?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    /// `{n}`: it waits.
    Waits,
    /// `{n+}`: the octets come at once.
    Sends,
}

/// A literal announced at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Literal {
    /// Octets announced, at most `u64::MAX`.
    pub len: u64,
    /// Does the client wait?
    pub sync: Sync,
    /// Where in the line its announcement begins.
    pub starts_at: usize,
}

impl Literal {
    /// `["~"] "{" number ["+"] "}"` at the end of a line.
    pub fn at_end_of(line: &[u8]) -> Option<Literal> {
        let inner = line.strip_suffix(b"}")?;
        let (inner, sync) = match inner.strip_suffix(b"+") {
            Some(inner) => (inner, Sync::Sends),
            None => (inner, Sync::Waits),
        };
        let digits_len = inner.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let (before, digits) = inner.split_at(inner.len() - digits_len);
        let before = before.strip_suffix(b"{").filter(|_| digits_len > 0)?;
        let before = before.strip_suffix(b"~").unwrap_or(before);
        Some(Literal { len: clipped(digits), sync, starts_at: before.len() })
    }
}

/// How much a command may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Octets of one line.
    pub line_len_max: usize,
    /// Octets of one literal.
    pub literal_len_max: u64,
    /// Octets of everything.
    pub command_len_max: usize,
}

impl Limits {
    /// Of a stranger.
    pub const BEFORE_LOGIN: Limits = Limits {
        line_len_max: LINE_LEN_MAX_BEFORE_LOGIN,
        literal_len_max: LITERAL_LEN_MAX_BEFORE_LOGIN,
        command_len_max: COMMAND_LEN_MAX_BEFORE_LOGIN,
    };
    /// Of a client that has logged in.
    pub const AFTER_LOGIN: Limits = Limits {
        line_len_max: LINE_LEN_MAX,
        literal_len_max: COMMAND_LEN_MAX as u64,
        command_len_max: COMMAND_LEN_MAX,
    };
}

/// What has been read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Not enough; wait for more octets.
    More,
    /// The client waits for `+` before it sends a literal.
    Invite,
    /// A whole command, literals within, without its last line end.
    Command(Vec<u8>),
    /// A command up to the announcement of a literal that is to be read in pieces.
    Stream(Vec<u8>, Literal),
    /// A line, or the command in all, is longer than allowed. Holds what was its first word;
    /// [`Read::Discarded`] follows when the client is at its next command.
    TooLong(Vec<u8>),
    /// A literal is announced that is larger than allowed. Followed likewise.
    TooBig(Vec<u8>),
    /// What was refused has been dropped.
    Discarded,
    /// A literal so large is sent unasked that it will not even be dropped.
    Hopeless,
}

/// Collects commands.
#[derive(Debug, Default)]
pub(crate) struct Input {
    buffer: LineBuffer,
    /// What the command has so far: whole lines with their CRLF, and whole literals.
    command: Vec<u8>,
    /// Octets of a literal still to come into `command`.
    literal_len: usize,
    /// Reading on only to drop.
    discard: Option<Discard>,
}

impl Input {
    /// Adds octets from the client.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
    }

    /// Drops everything, as before TLS.
    pub fn clear(&mut self) {
        *self = Input::default();
    }

    /// Octets as they come, for commands that read on by themselves.
    pub fn buffer(&mut self) -> &mut LineBuffer {
        &mut self.buffer
    }

    /// Drops what belongs to a refused command whose last line announced `literal`.
    /// [`Read::Discarded`] tells when that is done.
    pub fn discard(&mut self, literal: Option<Literal>) {
        self.command = Vec::new();
        self.discard = Some(Discard::after(literal));
    }

    /// Reads on. `streams` says of a command up to an announced literal whether that is to be
    /// read in pieces.
    pub fn read(&mut self, limits: &Limits, streams: impl Fn(&[u8]) -> bool) -> Read {
        loop {
            if let Some(discard) = &mut self.discard {
                return match discard.go_on(&mut self.buffer, limits.line_len_max) {
                    Discarded::More => Read::More,
                    Discarded::Hopeless => Read::Hopeless,
                    Discarded::Done => {
                        self.discard = None;
                        Read::Discarded
                    }
                };
            }
            if !self.take_literal() {
                return Read::More;
            }
            let word = self.first_word();
            match self.buffer.line(limits.line_len_max) {
                None => return Read::More,
                Some(Err(LineError::TooLong)) => {
                    self.discard(None);
                    return Read::TooLong(word);
                }
                // An empty line before a tag, as iOS sends them, is no command.
                Some(Ok(line)) if line.is_empty() && self.command.is_empty() => {}
                Some(Ok(line)) => {
                    if let Some(read) = self.take_line(line, limits, &streams) {
                        return read;
                    }
                }
            }
        }
    }

    /// Moves octets of the announced literal into the command. False if more must come.
    fn take_literal(&mut self) -> bool {
        let unread = self.buffer.unread();
        let len = unread.len().min(self.literal_len);
        if len > 0 {
            self.command.extend_from_slice(&unread[..len]);
            self.buffer.consume(len);
            self.literal_len -= len;
        }
        self.literal_len == 0
    }

    /// `None`: the command goes on with a literal that the client sends unasked.
    fn take_line(
        &mut self,
        line: Vec<u8>,
        limits: &Limits,
        streams: impl Fn(&[u8]) -> bool,
    ) -> Option<Read> {
        let literal = Literal::at_end_of(&line);
        if self.command.is_empty() {
            self.command = line;
        } else {
            self.command.extend_from_slice(&line);
        }
        if self.command.len() > limits.command_len_max {
            let word = first_word(&self.command);
            self.discard(literal);
            return Some(Read::TooLong(word));
        }
        let Some(literal) = literal else {
            return Some(Read::Command(std::mem::take(&mut self.command)));
        };
        if streams(&self.command) {
            return Some(Read::Stream(std::mem::take(&mut self.command), literal));
        }
        let room = limits.command_len_max - self.command.len();
        if literal.len > limits.literal_len_max.min(room as u64) {
            let word = first_word(&self.command);
            self.discard(Some(literal));
            return Some(Read::TooBig(word));
        }
        self.command.extend_from_slice(b"\r\n");
        self.literal_len = literal.len as usize;
        (literal.sync == Sync::Waits).then_some(Read::Invite)
    }

    /// The tag of the command that is being read. Looked at before a line is asked for, since a
    /// line that is too long is not kept.
    fn first_word(&self) -> Vec<u8> {
        let unread = self.buffer.unread();
        if unread.len() < LINE_LEN_MAX_BEFORE_LOGIN {
            return Vec::new();
        }
        first_word(if self.command.is_empty() { unread } else { &self.command })
    }
}

fn first_word(octets: &[u8]) -> Vec<u8> {
    let octets = &octets[..octets.len().min(TAG_LEN_MAX)];
    octets.split(|b| *b <= b' ').next().unwrap_or_default().to_vec()
}

/// Drops what a client still sends of a command that has been refused: the literal it sends
/// unasked, the line after it, and whatever that line announces in the same manner.
#[derive(Debug)]
pub(crate) struct Discard {
    literal_len: u64,
    total: u64,
    is_done: bool,
}

/// How far the dropping has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discarded {
    /// More octets must come.
    More,
    /// The client is at its next command.
    Done,
    /// It has announced more than we are willing to read and drop.
    Hopeless,
}

impl Discard {
    /// After a line that ended in `literal`, or in nothing.
    pub fn after(literal: Option<Literal>) -> Discard {
        let mut discard = Discard { literal_len: 0, total: 0, is_done: false };
        discard.announced(literal);
        discard
    }

    /// In the middle of a literal of which `literal_len` octets are still to come.
    pub fn amid(literal_len: u64) -> Discard {
        Discard { literal_len, total: literal_len, is_done: false }
    }

    /// Is nothing left to drop?
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    fn announced(&mut self, literal: Option<Literal>) {
        match literal {
            Some(Literal { len, sync: Sync::Sends, .. }) => {
                self.literal_len = len;
                self.total = self.total.saturating_add(len);
            }
            // A client that waits is told by the tagged reply that it need not send.
            _ => self.is_done = true,
        }
    }

    /// Drops what is there.
    pub fn go_on(&mut self, buffer: &mut LineBuffer, line_len_max: usize) -> Discarded {
        loop {
            if self.is_done {
                return Discarded::Done;
            }
            if self.total > DISCARD_MAX {
                return Discarded::Hopeless;
            }
            let len = usize::try_from(self.literal_len).unwrap_or(usize::MAX);
            let len = len.min(buffer.unread().len());
            buffer.consume(len);
            self.literal_len -= len as u64;
            if self.literal_len > 0 {
                return Discarded::More;
            }
            match buffer.line(line_len_max) {
                None => return Discarded::More,
                Some(Ok(line)) => self.announced(Literal::at_end_of(&line)),
                Some(Err(LineError::TooLong)) => self.is_done = true,
            }
        }
    }
}

#[cfg(test)]
mod tests;
