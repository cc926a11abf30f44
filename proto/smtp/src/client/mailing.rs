//! One transaction: MAIL, RCPT, then the message by DATA or BDAT (RFC 5321 §3.3, RFC 2920,
//! RFC 3030), over SMTP or LMTP.

use super::body::{Encoder, Form};
use super::capabilities::Capabilities;
use super::machine::{Client, State};
use super::opening::is_ok;
use super::options::{Mode, Timeouts};
use super::outcome::{Cause, Fate, Lost, Outcome, Said, Stage};
use super::reply::Reply;
use super::transaction::Transaction;
use crate::ReplyCode;
use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use words_mail::BodyType;

/// Most octets of commands sent before their replies are read: fewer than any system's buffers hold,
/// so that the two sides never wait for each other (RFC 2920 §3.1).
const GROUP_MAX: usize = 8 * 1024;
/// Octets of a chunk, the last one excepted.
const CHUNK: usize = 64 * 1024;
/// Most chunks sent before their replies are read, where that is allowed.
const CHUNKS_AHEAD: usize = 8;

/// What a reply is awaited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Rset,
    Mail,
    /// The recipient of that index.
    Rcpt(usize),
    Data,
    /// BDAT, not the last.
    Chunk,
    /// The end of the message, for all recipients.
    End,
    /// The same in LMTP, for one.
    EndOf(usize),
    /// The lone dot of a message that nobody gets.
    LoneDot,
}

/// How far the transaction has come.
#[derive(Debug)]
enum Phase {
    /// MAIL is next, with RSET before it if the server remembers another transaction.
    Beginning { reset: bool },
    /// The recipient of that index is next.
    Recipients(usize),
    /// DATA was sent, or is next.
    Data { sent: bool },
    /// The octets of the message are next.
    Body(Body),
    /// Nothing more will be sent.
    Ended,
}

#[derive(Debug)]
struct Body {
    encoder: Encoder,
    /// What waits to become a chunk of BDAT; unused with DATA.
    chunk: Option<Vec<u8>>,
}

/// What one recipient has come to.
#[derive(Clone, Debug, PartialEq)]
enum Standing {
    /// Nothing heard yet.
    Open,
    /// RCPT was accepted; the rest is the message's.
    Accepted,
    Settled(Fate),
}

/// What the machine shall do for the transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Come again, after sending.
    Again,
    /// Take up a reply.
    Hear,
    /// Ask for octets of the message.
    NeedBody,
    /// Tell what became of it.
    Done {
        /// Does the server remember it?
        dirty: bool,
        /// Is the connection of no more use?
        dead: bool,
    },
}

/// A transaction under way.
#[derive(Debug)]
pub(super) struct Mailing {
    transaction: Transaction,
    mode: Mode,
    standings: Vec<Standing>,
    awaited: VecDeque<Awaited>,
    phase: Phase,
    /// Does the server hold a transaction of ours, as far as we know?
    dirty: bool,
    dead: bool,
    /// Has the reply to DATA asked for the message?
    go_ahead: bool,
    /// Has the end of the message left?
    given: bool,
}

impl Client {
    pub(super) fn begin_mailing(&mut self, transaction: Transaction) {
        let mut mailing = Mailing {
            standings: vec![Standing::Open; transaction.recipients.len()],
            transaction,
            mode: self.options.mode,
            awaited: VecDeque::new(),
            phase: Phase::Beginning { reset: self.dirty },
            dirty: self.dirty,
            dead: false,
            go_ahead: false,
            given: false,
        };
        if let Some(needed) = mailing.transaction.missing(&self.capabilities) {
            mailing.settle(&Fate::NotOffered(needed));
            mailing.phase = Phase::Ended;
        }
        if mailing.standings.is_empty() {
            mailing.phase = Phase::Ended;
        }
        self.state = State::Mailing(Box::new(mailing));
    }
}

impl Mailing {
    pub fn turn(&mut self, offered: &Capabilities, out: &mut Vec<u8>) -> Turn {
        if self.dead {
            return Turn::Done { dirty: self.dirty, dead: true };
        }
        if let Phase::Body(body) = &self.phase {
            if !self.is_anybody_open() {
                self.phase = Phase::Ended;
                return Turn::Again;
            }
            let ahead = match (&body.chunk, offered.pipelining) {
                (Some(_), true) => CHUNKS_AHEAD,
                (Some(_), false) | (None, _) => 1,
            };
            return if self.awaited.len() < ahead { Turn::NeedBody } else { Turn::Hear };
        }
        if !self.awaited.is_empty() {
            return Turn::Hear;
        }
        if matches!(self.phase, Phase::Ended) {
            return Turn::Done { dirty: self.dirty, dead: self.dead };
        }
        self.go_on(offered, out);
        Turn::Again
    }

    /// Every reply so far was heard: what is next? Where commands may be pipelined, as many as fit.
    fn go_on(&mut self, offered: &Capabilities, out: &mut Vec<u8>) {
        loop {
            match self.phase {
                Phase::Beginning { reset: true } => {
                    out.extend_from_slice(b"RSET\r\n");
                    self.awaited.push_back(Awaited::Rset);
                    self.phase = Phase::Beginning { reset: false };
                }
                Phase::Beginning { reset: false } => {
                    self.transaction.write_mail(offered, out);
                    self.awaited.push_back(Awaited::Mail);
                    self.phase = Phase::Recipients(0);
                }
                // MAIL was refused, and so all were: nobody else need be named.
                Phase::Recipients(_) | Phase::Data { sent: false } if !self.is_anybody_open() => {
                    self.phase = Phase::Ended;
                }
                Phase::Recipients(index) if index < self.standings.len() => {
                    self.transaction.write_rcpt(index, offered, out);
                    self.awaited.push_back(Awaited::Rcpt(index));
                    self.phase = Phase::Recipients(index + 1);
                }
                // The octets of a chunk would be for nothing if nobody may get them.
                Phase::Recipients(_) if offered.chunking && !self.awaited.is_empty() => return,
                Phase::Recipients(_) if offered.chunking => return self.begin_chunks(),
                Phase::Recipients(_) => self.phase = Phase::Data { sent: false },
                // Ends a group (RFC 2920 §3.1).
                Phase::Data { sent: false } => {
                    out.extend_from_slice(b"DATA\r\n");
                    self.awaited.push_back(Awaited::Data);
                    self.phase = Phase::Data { sent: true };
                    return;
                }
                Phase::Data { sent: true } => return self.after_data(out),
                Phase::Body(_) | Phase::Ended => return,
            }
            let one_each = !offered.pipelining && !self.awaited.is_empty();
            if one_each || out.len() >= GROUP_MAX {
                return;
            }
        }
    }

    fn begin_chunks(&mut self) {
        let form = match self.transaction.body {
            BodyType::BinaryMime => Form::Octets,
            BodyType::SevenBit | BodyType::EightBitMime => Form::Lines,
        };
        self.phase = Phase::Body(Body { encoder: Encoder::new(form), chunk: Some(Vec::new()) });
    }

    /// DATA was answered, and all before it.
    fn after_data(&mut self, out: &mut Vec<u8>) {
        if !self.go_ahead {
            self.phase = Phase::Ended;
        } else if self.is_anybody_open() {
            let encoder = Encoder::new(Form::Stuffed);
            self.phase = Phase::Body(Body { encoder, chunk: None });
        } else {
            // The server wants a message that nobody shall get (RFC 2920 §3.1).
            out.extend_from_slice(b".\r\n");
            self.phase = Phase::Ended;
            match self.mode {
                Mode::Smtp => self.awaited.push_back(Awaited::LoneDot),
                // No recipient, no reply (RFC 2033 §4.2); or is there one?
                Mode::Lmtp => self.dead = true,
            }
        }
    }

    /// May anybody still get the message?
    fn is_anybody_open(&self) -> bool {
        self.standings.iter().any(|standing| !matches!(standing, Standing::Settled(_)))
    }

    pub fn wants_body(&self) -> bool {
        matches!(self.phase, Phase::Body(_))
    }

    pub fn body(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let Phase::Body(body) = &mut self.phase else { return };
        let Some(chunk) = &mut body.chunk else { return body.encoder.encode(octets, out) };
        body.encoder.encode(octets, chunk);
        if chunk.len() >= CHUNK {
            write_chunk(chunk, "", out);
            self.awaited.push_back(Awaited::Chunk);
        }
    }

    pub fn body_end(&mut self, out: &mut Vec<u8>) {
        let Phase::Body(body) = &mut self.phase else { return };
        match &mut body.chunk {
            Some(chunk) => {
                body.encoder.finish(chunk);
                write_chunk(chunk, " LAST", out);
            }
            None => body.encoder.finish(out),
        }
        self.phase = Phase::Ended;
        match self.mode {
            Mode::Smtp => self.awaited.push_back(Awaited::End),
            Mode::Lmtp => {
                let accepted = |(at, standing): (usize, &Standing)| {
                    (*standing == Standing::Accepted).then_some(Awaited::EndOf(at))
                };
                self.awaited.extend(self.standings.iter().enumerate().filter_map(accepted));
            }
        }
    }

    /// What was written has been handed to the driver.
    pub fn sent(&mut self) {
        self.given |= matches!(self.phase, Phase::Ended);
    }

    pub fn patience(&self, times: &Timeouts) -> Duration {
        match self.awaited.front() {
            None if self.wants_body() => times.block,
            None | Some(Awaited::Rset | Awaited::Mail) => times.command,
            Some(Awaited::Rcpt(_)) => times.rcpt,
            Some(Awaited::Data) => times.data,
            Some(Awaited::Chunk) => times.block,
            Some(Awaited::End | Awaited::EndOf(_) | Awaited::LoneDot) => times.end,
        }
    }

    pub fn heard(&mut self, reply: Reply) {
        // The machine hears only what is awaited, or what a server says while it gets the message.
        let awaited = self.awaited.pop_front();
        let stage = self.stage(awaited);
        let said = Said { reply: Arc::new(reply), stage };
        if said.reply.code == ReplyCode(421) {
            self.dead = true;
            return self.settle(&Fate::Said(said));
        }
        let ok = is_ok(&said.reply);
        match awaited {
            Some(Awaited::Rset) | Some(Awaited::LoneDot) => self.dirty = !ok,
            Some(Awaited::Mail) if ok => self.dirty = true,
            Some(Awaited::Mail) => self.settle(&Fate::Said(said)),
            Some(Awaited::Rcpt(at)) if ok => self.change(at, Standing::Accepted),
            Some(Awaited::Rcpt(at)) => self.change(at, Standing::Settled(Fate::Said(said))),
            Some(Awaited::Data) if said.reply.code == ReplyCode(354) => self.go_ahead = true,
            Some(Awaited::Chunk) if ok => {}
            Some(Awaited::Data) => {
                // Neither yes nor no: the two sides are out of step.
                self.dead |= said.reply.is_positive();
                self.settle(&Fate::Said(said));
            }
            Some(Awaited::Chunk) => {
                self.dead |= self.mode == Mode::Lmtp;
                self.settle(&Fate::Said(said));
            }
            Some(Awaited::End) => {
                // After a chunk that was refused, only RSET helps (RFC 3030 §2).
                self.dirty = !ok || !self.is_anybody_open();
                self.settle(&Fate::Said(said));
            }
            Some(Awaited::EndOf(at)) => {
                self.dirty = false;
                self.change(at, Standing::Settled(Fate::Said(said)));
            }
            // Nothing was asked: whatever it is, the message did not arrive whole.
            None => {
                self.dead = true;
                self.settle(&Fate::Said(said));
            }
        }
    }

    /// No reply will come any more.
    pub fn lose(&mut self, cause: Cause) {
        let stage = self.stage(self.awaited.front().copied());
        self.dead = true;
        self.settle(&Fate::Lost(Lost { stage, cause }));
    }

    /// Gives a recipient its standing, unless it is settled.
    fn change(&mut self, at: usize, to: Standing) {
        if let Some(standing) = self.standings.get_mut(at).filter(|s| !s.is_settled()) {
            *standing = to;
        }
    }

    /// Settles everybody who is not.
    fn settle(&mut self, fate: &Fate) {
        for standing in self.standings.iter_mut().filter(|standing| !standing.is_settled()) {
            *standing = Standing::Settled(fate.clone());
        }
    }

    fn stage(&self, awaited: Option<Awaited>) -> Stage {
        match awaited {
            Some(Awaited::Rset | Awaited::Mail) => Stage::Mail,
            Some(Awaited::Rcpt(_)) => Stage::Rcpt,
            Some(Awaited::End | Awaited::EndOf(_)) if self.given => Stage::End,
            Some(_) => Stage::Data,
            None => match self.phase {
                Phase::Beginning { .. } => Stage::Mail,
                Phase::Recipients(_) => Stage::Rcpt,
                Phase::Data { .. } | Phase::Body(_) => Stage::Data,
                Phase::Ended if self.given => Stage::End,
                Phase::Ended => Stage::Data,
            },
        }
    }

    /// What became of it.
    pub fn into_outcome(self, offered: &Capabilities) -> Outcome {
        let never = |stage| Fate::Lost(Lost { stage, cause: Cause::Closed(String::new()) });
        let stage = self.stage(None);
        let fates = self.standings.into_iter().map(|standing| match standing {
            Standing::Settled(fate) => fate,
            Standing::Open | Standing::Accepted => never(stage),
        });
        Outcome { recipients: fates.collect(), dsn: Transaction::dsn(offered) }
    }
}

impl Standing {
    fn is_settled(&self) -> bool {
        matches!(self, Standing::Settled(_))
    }
}

fn write_chunk(chunk: &mut Vec<u8>, last: &str, out: &mut Vec<u8>) {
    // A vector takes everything.
    let _ = write!(out, "BDAT {}{last}\r\n", chunk.len());
    out.extend_from_slice(chunk);
    chunk.clear();
}
