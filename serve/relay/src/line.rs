//! One connection to a server: the client's machine, driven over a wire.

use crate::body::BodyReader;
use core_world::{Clock, DialError, Protection, Trust, Wire, WireError};
use proto_smtp::client::{
    Cause, Client, ClientOptions, Dsn, Fate, Lost, Outcome, Stage, Step, Transaction,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use words_base::Timestamp;

/// Octets read at once: replies are short.
const READ_LEN: usize = 4 * 1024;

/// A connection over which messages go.
pub struct Line {
    wire: Box<dyn Wire>,
    client: Client,
    buffer: Vec<u8>,
    time: Stopwatch,
    /// Who is at the other end.
    pub peer: Peer,
    /// Messages that it was used for.
    pub messages: u32,
    /// When the last of them was done.
    pub idle_since: Timestamp,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The name, or the address if there is none.
    pub name: String,
    /// The address, if we have looked it up.
    pub address: Option<IpAddr>,
}

impl Peer {
    /// `mx.example [192.0.2.1]`, for reports.
    pub fn label(&self) -> String {
        match self.address {
            Some(address) if address.to_string() == self.name => format!("[{address}]"),
            Some(address) => format!("{} [{address}]", self.name),
            None => self.name.clone(),
        }
    }
}

/// Why there is no session.
#[derive(Debug)]
pub enum NoSession {
    /// TLS was begun and has failed.
    Handshake(DialError),
    /// The server would not, or was gone.
    Fate(Fate),
}

/// How TLS is begun when the server has agreed to it.
pub struct Handshake<'a> {
    /// Whose certificate will do.
    pub trust: &'a Trust,
    /// How long it may take.
    pub within: Duration,
}

impl Line {
    /// Hears the greeting, says hello, begins TLS, logs in: until a transaction may begin.
    pub async fn open(
        wire: Box<dyn Wire>,
        options: ClientOptions,
        peer: Peer,
        clock: (Arc<dyn Clock>, Instant),
        handshake: Handshake<'_>,
    ) -> Result<Line, NoSession> {
        let mut client = Client::new(options);
        if wire.protection().is_some() {
            client.secured(None);
        }
        let time = Stopwatch::new(clock.0, clock.1);
        let idle_since = time.last;
        let buffer = vec![0; READ_LEN];
        let mut line = Line { wire, client, buffer, time, peer, messages: 0, idle_since };
        loop {
            match line.drive().await {
                Step::Ready => return Ok(line),
                Step::StartTls => line.secure(&handshake).await?,
                Step::Failed(fate) => {
                    line.part().await;
                    return Err(NoSession::Fate(fate));
                }
                Step::Send(_) | Step::Wait { .. } | Step::NeedBody | Step::Done(_) => {}
                Step::Closed => {
                    let cause = Cause::Closed(String::new());
                    let lost = Lost { stage: Stage::Hello, cause };
                    return Err(NoSession::Fate(Fate::Lost(lost)));
                }
            }
        }
    }

    async fn secure(&mut self, handshake: &Handshake<'_>) -> Result<(), NoSession> {
        let begun = self.wire.secure(&self.peer.name, handshake.trust, handshake.within).await;
        self.time.pass(handshake.within);
        begun.map_err(NoSession::Handshake)?;
        self.client.secured(None);
        Ok(())
    }

    /// Does what the machine wants, until it wants something other than octets.
    async fn drive(&mut self) -> Step {
        loop {
            match self.client.step(self.time.now) {
                Step::Send(octets) => {
                    let within = self.client.patience();
                    if let Err(error) = self.wire.write(&octets, within).await {
                        self.client.closed(&how(&error));
                    }
                    self.time.pass(within);
                }
                Step::Wait { until } => {
                    let within = until.saturating_duration_since(self.time.now);
                    match self.wire.read(&mut self.buffer, within).await {
                        Ok(0) => self.client.closed(""),
                        Ok(len) => self.client.input(&self.buffer[..len.min(READ_LEN)]),
                        Err(WireError::TimedOut) => self.time.now = until,
                        Err(error) => self.client.closed(&how(&error)),
                    }
                    self.time.pass(within);
                }
                step => return step,
            }
        }
    }

    /// One message for some recipients.
    pub async fn transact(
        &mut self,
        transaction: Transaction,
        mut body: BodyReader<'_>,
    ) -> Outcome {
        let count = transaction.recipients.len();
        self.messages += 1;
        self.client.begin(transaction);
        loop {
            match self.drive().await {
                Step::NeedBody => {
                    if let Err(error) = body.feed(&mut self.client).await {
                        tracing::error!(%error, "a queued message cannot be read");
                        self.client.body_broken();
                    }
                }
                Step::Done(outcome) => return outcome,
                Step::Ready | Step::StartTls | Step::Failed(_) | Step::Closed => {
                    let cause = Cause::Closed(String::new());
                    let lost = Fate::Lost(Lost { stage: Stage::Mail, cause });
                    return Outcome { recipients: vec![lost; count], dsn: Dsn::NotOffered };
                }
                Step::Send(_) | Step::Wait { .. } => {}
            }
        }
    }

    /// May another transaction begin? No octet moves.
    pub fn is_ready(&mut self) -> bool {
        matches!(self.client.step(self.time.now), Step::Ready)
    }

    /// Most recipients of a transaction, and most messages of a session, as far as the server has
    /// told (RFC 9422).
    pub fn limits(&self) -> (usize, u32) {
        let offered = self.client.capabilities();
        let recipients = offered.recipients_max.map_or(usize::MAX, |max| max as usize);
        let messages = offered.messages_max.and_then(|max| max.try_into().ok());
        (recipients.max(1), messages.unwrap_or(u32::MAX))
    }

    /// How it is protected, if it is.
    pub fn protection(&self) -> Option<&Protection> {
        self.wire.protection()
    }

    /// Says QUIT. The answer is not waited for: nothing depends on it, and a lane has better to do.
    pub async fn quit(mut self) {
        if self.is_ready() {
            self.client.quit();
            self.part().await;
        }
    }

    /// Sends what is still to be sent.
    async fn part(&mut self) {
        while let Step::Send(octets) = self.client.step(self.time.now) {
            if self.wire.write(&octets, self.client.patience()).await.is_err() {
                return;
            }
        }
    }
}

/// What the driver knows of a broken connection.
fn how(error: &WireError) -> String {
    match error {
        WireError::TimedOut => error.to_string(),
        WireError::Broken(how) => how.clone(),
    }
}

/// Time as one connection sees it. It is read off the clock on the wall, but however that jumps, no
/// more passes than the last wait can have taken.
struct Stopwatch {
    clock: Arc<dyn Clock>,
    last: Timestamp,
    now: Instant,
}

impl Stopwatch {
    fn new(clock: Arc<dyn Clock>, now: Instant) -> Stopwatch {
        Stopwatch { last: clock.now(), clock, now }
    }

    /// Something was waited for, at most so long.
    fn pass(&mut self, most: Duration) {
        let at = self.clock.now();
        self.now += at.since(self.last).min(most);
        self.last = at;
    }
}
