//! The machine: replies in, commands out.

use super::capabilities::Capabilities;
use super::login::Authenticating;
use super::mailing::{Mailing, Turn};
use super::options::ClientOptions;
use super::outcome::{Cause, Fate, Lost, Outcome, Said, Stage};
use super::reply::{Reply, ReplyReader};
use super::transaction::Transaction;
use crate::ReplyCode;
use proto_line::LineBuffer;
use proto_sasl::Binding;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the client wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Write these octets to the server, all of them.
    Send(Vec<u8>),
    /// Wait for octets of the server and hand them over with [`Client::input`], or say with
    /// [`Client::closed`] that no more will come; step again then, or at `until`.
    Wait {
        /// When the patience ends.
        until: Instant,
    },
    /// Start TLS, drop whatever was read before it, and say so with [`Client::secured`]; if it
    /// cannot be started, say [`Client::closed`].
    StartTls,
    /// A transaction may begin ([`Client::begin`]), or the session end ([`Client::quit`]).
    Ready,
    /// Give the next octets of the message with [`Client::body`], or say [`Client::body_end`].
    NeedBody,
    /// What became of the transaction. The next step says whether another may begin.
    Done(Outcome),
    /// No session came to be; why. The next steps lead to `Closed`.
    Failed(Fate),
    /// Close the connection.
    Closed,
}

/// One connection to a server. See the module's first page for how to drive it. Not printable: it
/// may hold a password.
pub struct Client {
    pub(super) options: ClientOptions,
    unread: LineBuffer,
    reader: ReplyReader,
    pub(super) out: Vec<u8>,
    pub(super) state: State,
    pub(super) capabilities: Capabilities,
    /// The channel of the connection's TLS, if it has one.
    pub(super) secured: Option<Binding>,
    pub(super) logged_in: bool,
    /// The server would not start TLS although it had offered to.
    pub(super) tls_refused: bool,
    /// The server remembers a transaction that came to nothing.
    pub(super) dirty: bool,
    deadline: Option<Instant>,
    /// No more octets will come or go; how that was.
    gone: Option<String>,
}

/// How far the session has come.
pub(super) enum State {
    Greeting,
    /// EHLO, HELO or LHLO was sent.
    Hello(Hello),
    /// STARTTLS was sent.
    StartTls,
    /// The server has agreed to it.
    AwaitingTls,
    Authenticating(Box<Authenticating>),
    Ready,
    Mailing(Box<Mailing>),
    /// To be told, and then to part.
    Failed(Fate),
    /// To be told.
    Finished(Outcome),
    /// QUIT was sent.
    Quitting,
    Closed,
}

/// How we have said our name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hello {
    /// With EHLO or LHLO.
    Extended,
    /// With HELO.
    Plain,
}

impl Client {
    /// For a connection over which nothing has gone yet.
    pub fn new(options: ClientOptions) -> Client {
        Client {
            options,
            unread: LineBuffer::new(),
            reader: ReplyReader::default(),
            out: Vec::new(),
            state: State::Greeting,
            capabilities: Capabilities::default(),
            secured: None,
            logged_in: false,
            tls_refused: false,
            dirty: false,
            deadline: None,
            gone: None,
        }
    }

    /// Hands over octets of the server. They are kept until [`Client::step`] uses them.
    pub fn input(&mut self, octets: &[u8]) {
        self.unread.extend(octets);
    }

    /// No more octets will come, or none can be sent; `how` is for people and may be empty. What
    /// was handed over before still counts.
    pub fn closed(&mut self, how: &str) {
        self.gone.get_or_insert_with(|| how.to_string());
    }

    /// TLS is up: from the first octet, or after [`Step::StartTls`]. Nothing that was read before
    /// survives (RFC 3207 §4.2). `exporter` is the connection's channel binding (RFC 9266).
    pub fn secured(&mut self, exporter: Option<[u8; 32]>) {
        self.forget_input();
        self.secured = Some(Binding::from_exporter(exporter));
        self.capabilities = Capabilities::default();
        self.deadline = None;
        if matches!(self.state, State::AwaitingTls) {
            self.greet(Hello::Extended);
        }
    }

    /// What the server offers, since [`Step::Ready`].
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Is there TLS?
    pub fn is_secured(&self) -> bool {
        self.secured.is_some()
    }

    /// Has the login succeeded?
    pub fn is_logged_in(&self) -> bool {
        self.logged_in
    }

    /// Begins a transaction, after [`Step::Ready`]. At any other time it comes to nothing, and
    /// [`Step::Done`] says so.
    pub fn begin(&mut self, transaction: Transaction) {
        match self.state {
            State::Ready => self.begin_mailing(transaction),
            // One transaction at a time; the one under way is not disturbed.
            State::Mailing(_) | State::Finished(_) => {}
            _ => {
                let how = self.gone.clone().unwrap_or_default();
                let lost = Fate::Lost(Lost { stage: Stage::Mail, cause: Cause::Closed(how) });
                self.gone.get_or_insert_default();
                self.state = State::Finished(Outcome {
                    recipients: vec![lost; transaction.recipients.len()],
                    dsn: Transaction::dsn(&self.capabilities),
                });
            }
        }
    }

    /// The next octets of the message, after [`Step::NeedBody`]: a piece of 64 KiB or less keeps
    /// the memory of the connection small. Lines may end as they like; they leave with CR LF.
    pub fn body(&mut self, octets: &[u8]) {
        if let State::Mailing(mailing) = &mut self.state {
            mailing.body(octets, &mut self.out);
        }
    }

    /// The message is whole.
    pub fn body_end(&mut self) {
        if let State::Mailing(mailing) = &mut self.state {
            mailing.body_end(&mut self.out);
        }
    }

    /// The rest of the message cannot be had. The connection ends before the message does, so that
    /// the server drops it.
    pub fn body_broken(&mut self) {
        if let State::Mailing(mailing) = &mut self.state
            && mailing.wants_body()
        {
            self.out.clear();
            self.lose(Cause::BodyBroken);
        }
    }

    /// Ends the session politely, after [`Step::Ready`] or [`Step::Failed`].
    pub fn quit(&mut self) {
        if matches!(self.state, State::Ready) {
            self.say("QUIT");
            self.state = State::Quitting;
        }
    }

    /// How long the last [`Step::Send`] may take to leave.
    pub fn patience(&self) -> Duration {
        let times = &self.options.timeouts;
        match &self.state {
            State::Greeting => times.greeting,
            State::Mailing(mailing) => mailing.patience(times),
            State::Quitting | State::Closed => times.quit,
            _ => times.command,
        }
    }

    /// Goes on until something is needed from outside. `now` drives every time-out.
    pub fn step(&mut self, now: Instant) -> Step {
        loop {
            if !self.out.is_empty() {
                if self.gone.is_none() {
                    return self.send();
                }
                // Nobody will read it; what was heard before may still say why.
                self.out.clear();
            }
            match &mut self.state {
                State::Ready => match self.listen_idly() {
                    Some(step) => return step,
                    None => continue,
                },
                State::AwaitingTls if self.gone.is_none() => return Step::StartTls,
                State::Mailing(mailing) => match mailing.turn(&self.capabilities, &mut self.out) {
                    Turn::Again => continue,
                    Turn::Hear => {}
                    Turn::NeedBody if self.gone.is_none() => return Step::NeedBody,
                    // Why it is gone may have been said.
                    Turn::NeedBody => {}
                    Turn::Done { dirty, dead } => {
                        self.finish(dirty, dead);
                        continue;
                    }
                },
                State::Failed(_) => return self.tell_failure(),
                State::Finished(_) => return self.tell_outcome(),
                State::Closed => return Step::Closed,
                State::Greeting
                | State::Hello(_)
                | State::StartTls
                | State::AwaitingTls
                | State::Authenticating(_)
                | State::Quitting => {}
            }
            if let Some(step) = self.hear(now) {
                return step;
            }
        }
    }

    fn send(&mut self) -> Step {
        self.deadline = None;
        if let State::Mailing(mailing) = &mut self.state {
            mailing.sent();
        }
        Step::Send(std::mem::take(&mut self.out))
    }

    /// Takes up the next reply, or waits for it.
    fn hear(&mut self, now: Instant) -> Option<Step> {
        let (used, reply) = self.reader.read(self.unread.unread());
        self.unread.consume(used);
        match reply {
            Some(Ok(reply)) => {
                self.deadline = None;
                self.heard(reply);
                return None;
            }
            Some(Err(no_reply)) => {
                self.lose(Cause::NotUnderstood(no_reply.0));
                return None;
            }
            None => {}
        }
        if let Some(how) = &self.gone {
            let cause = Cause::Closed(how.clone());
            self.lose(cause);
            return None;
        }
        let until = *self.deadline.get_or_insert(now + self.patience());
        if now >= until {
            self.lose(Cause::TimedOut);
            return None;
        }
        Some(Step::Wait { until })
    }

    fn heard(&mut self, reply: Reply) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Greeting => self.heard_greeting(reply),
            State::Hello(hello) => self.heard_hello(hello, reply),
            State::StartTls => self.heard_starttls(reply),
            State::Authenticating(login) => self.heard_auth(login, reply),
            State::Mailing(mut mailing) => {
                mailing.heard(reply);
                self.state = State::Mailing(mailing);
            }
            // To QUIT; or to a STARTTLS that never began.
            State::Quitting | State::AwaitingTls | State::Closed => {}
            state @ (State::Ready | State::Failed(_) | State::Finished(_)) => self.state = state,
        }
    }

    /// Between transactions nothing is expected: a server that says something then says goodbye.
    fn listen_idly(&mut self) -> Option<Step> {
        if self.gone.is_none() && self.unread.unread().is_empty() && !self.reader.is_inside() {
            return Some(Step::Ready);
        }
        self.state = State::Closed;
        None
    }

    /// No reply will come any more.
    pub(super) fn lose(&mut self, cause: Cause) {
        if self.gone.is_none() {
            self.gone = Some(cause.to_string());
        }
        let stage = match &mut self.state {
            State::Greeting => Stage::Greeting,
            State::Hello(_) => Stage::Hello,
            State::StartTls | State::AwaitingTls => Stage::StartTls,
            State::Authenticating(_) => Stage::Auth,
            State::Mailing(mailing) => return mailing.lose(cause),
            State::Ready | State::Quitting | State::Closed => {
                self.state = State::Closed;
                return;
            }
            State::Failed(_) | State::Finished(_) => return,
        };
        self.fail(Fate::Lost(Lost { stage, cause }));
    }

    /// There will be no session.
    pub(super) fn fail(&mut self, fate: Fate) {
        self.state = State::Failed(fate);
    }

    /// There will be no session, in the server's own words.
    pub(super) fn fail_said(&mut self, reply: Reply, stage: Stage) {
        self.fail(Fate::Said(Said { reply: Arc::new(reply), stage }));
    }

    fn tell_failure(&mut self) -> Step {
        let State::Failed(fate) = std::mem::replace(&mut self.state, State::Closed) else {
            return Step::Closed;
        };
        let polite = match &fate {
            Fate::Said(said) => said.reply.code != ReplyCode(421),
            Fate::NotOffered(_) => true,
            Fate::Lost(_) | Fate::Login(_) => false,
        };
        if polite && self.gone.is_none() {
            self.say("QUIT");
            self.state = State::Quitting;
        }
        Step::Failed(fate)
    }

    fn finish(&mut self, dirty: bool, dead: bool) {
        self.dirty = dirty;
        if dead {
            self.gone.get_or_insert_default();
        }
        if let State::Mailing(mailing) = std::mem::replace(&mut self.state, State::Closed) {
            self.state = State::Finished(mailing.into_outcome(&self.capabilities));
        }
    }

    fn tell_outcome(&mut self) -> Step {
        let next = if self.gone.is_some() { State::Closed } else { State::Ready };
        match std::mem::replace(&mut self.state, next) {
            State::Finished(outcome) => Step::Done(outcome),
            _ => Step::Closed,
        }
    }

    pub(super) fn forget_input(&mut self) {
        self.unread = LineBuffer::new();
        self.reader = ReplyReader::default();
    }

    /// Takes up a line to be sent.
    pub(super) fn say(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }
}
