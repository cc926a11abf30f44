//! One connection: reads commands one after the other, carries each out, tells what happened
//! meanwhile, and says how it went.

use crate::ask::{Answer, Ask, Expunges, Stretch};
use crate::capability;
use crate::command::{self, Next, Run, Spec};
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::input::{Input, Limits, Literal, Read};
use crate::options::{Options, SEND_LEN, WAITING_BUFFER_LEN_MAX};
use crate::state::State;
use crate::sync::{self, Synced};
use crate::tagged::{Code, Condition, Tagged};
use proto_line::{News, Secured, Session, Step};
use std::mem::take;
use std::sync::Arc;
use std::time::Instant;
use words_mail::Refusal;

/// What somebody is told whose account is disabled or gone, or whose password is replaced or
/// revoked, while they are logged in.
const SHUT_OUT: &str = "The account may no longer log in, or its password was changed";
/// What a stranger is told who stays for too long.
const LOGIN_OVERDUE: &str = "Not logged in for too long";

/// The server's side of one connection. See the crate for how it is driven.
pub struct ImapServer {
    cx: Context,
    input: Input,
    phase: Phase,
    answer: Option<Answer>,
    /// A step that must wait until everything printed has been sent.
    held: Option<Step<Ask, Stretch>>,
    /// What a refused command will be told when all of it has been dropped.
    refusal: Option<Tagged>,
    /// Has the client done something since `until` was set?
    is_active: bool,
    until: Option<Instant>,
    /// When it must be logged in.
    login_until: Option<Instant>,
    has_changed: bool,
    is_stopping: bool,
    is_shut_out: bool,
}

/// What the session is doing.
enum Phase {
    Greeting,
    Reading,
    Running(Running),
    Closing,
}

/// A command under way.
struct Running {
    spec: &'static Spec,
    run: Box<dyn Run>,
    turn: Turn,
}

/// Whose turn it is.
enum Turn {
    /// The command's, to begin.
    Start,
    /// The core's.
    Answer,
    /// The command's, to go on.
    Resume,
    /// The client's.
    Read,
    /// The core's, to say what has happened; then this reply ends it.
    Sync(Tagged),
}

/// What came of a bit of work.
enum Advance {
    /// There is more to do.
    On,
    /// Nothing to do before octets or news come.
    Wait,
    /// This, after everything printed.
    Step(Step<Ask, Stretch>),
}

impl ImapServer {
    /// A session that has not greeted yet. Call [`Session::secured`] first if TLS is up already.
    pub fn new(options: Arc<Options>) -> ImapServer {
        ImapServer {
            cx: Context::new(options),
            input: Input::default(),
            phase: Phase::Greeting,
            answer: None,
            held: None,
            refusal: None,
            is_active: false,
            until: None,
            login_until: None,
            has_changed: false,
            is_stopping: false,
            is_shut_out: false,
        }
    }

    fn advance(&mut self) -> Advance {
        match std::mem::replace(&mut self.phase, Phase::Reading) {
            Phase::Greeting => self.greet(),
            Phase::Reading => self.read(),
            Phase::Running(running) => self.run(running),
            Phase::Closing => {
                self.phase = Phase::Closing;
                Advance::Step(Step::Close)
            }
        }
    }

    /// `* OK [CAPABILITY …] host …`
    fn greet(&mut self) -> Advance {
        self.cx.put(b"* OK [");
        let capabilities = capability::list(&self.cx);
        self.cx.put(capabilities);
        self.cx.put(b"] ");
        let options = Arc::clone(&self.cx.options);
        self.cx.put(&options.host);
        self.cx.line(b" Estafeta ready");
        Advance::On
    }

    fn read(&mut self) -> Advance {
        let is_authenticated = self.cx.state.is_authenticated();
        let limits = if is_authenticated { &Limits::AFTER_LOGIN } else { &Limits::BEFORE_LOGIN };
        let utf8 = self.cx.enabled.utf8;
        let streams = |command: &[u8]| is_authenticated && command::append::streams(command, utf8);
        match self.input.read(limits, streams) {
            Read::More => return Advance::Wait,
            Read::Invite => self.cx.line(b"+ Ready for the literal"),
            Read::Command(command) => self.begin(&command, None),
            Read::Stream(command, literal) => self.begin(&command, Some(literal)),
            Read::TooLong(word) => self.refuse(word, Tagged::bad("Command too long")),
            Read::TooBig(word) => {
                self.refuse(word, Tagged::no(Code::Word("TOOBIG"), "Literal too large"));
            }
            Read::Discarded => {
                if let Some(tagged) = self.refusal.take() {
                    self.finish(tagged);
                }
            }
            Read::Hopeless => self.bye("Literal too large"),
        }
        Advance::On
    }

    /// Remembers a reply until the command it belongs to has been dropped.
    fn refuse(&mut self, word: Vec<u8>, tagged: Tagged) {
        self.cx.tag = if word.is_empty() { b"*".to_vec() } else { word };
        self.refusal = Some(tagged);
    }

    /// Begins a command that has been read, up to the announcement of a literal if there is one.
    fn begin(&mut self, command: &[u8], literal: Option<Literal>) {
        let mut cursor = Cursor::new(command, self.cx.enabled.utf8);
        self.cx.tag = cursor.take_while(is_tag_char).to_vec();
        let parsed = match (self.cx.tag.is_empty(), cursor.space()) {
            (true, _) => {
                self.cx.tag = b"*".to_vec();
                cursor.expected("a tag").map_err(ParseError::from)
            }
            (false, Err(error)) => Err(error.into()),
            (false, Ok(())) => command::parse(&mut cursor, &self.cx),
        };
        match parsed {
            Ok((spec, run)) => {
                self.phase = Phase::Running(Running { spec, run, turn: Turn::Start });
            }
            Err(error) => {
                let tagged = match error {
                    ParseError::Syntax(error) => Tagged::bad(error.to_string()),
                    ParseError::Refused(tagged) => tagged,
                };
                self.input.discard(literal);
                self.refusal = Some(tagged);
            }
        }
    }

    fn run(&mut self, mut running: Running) -> Advance {
        let (run, cx) = (&mut running.run, &mut self.cx);
        let next = match running.turn {
            Turn::Start => run.start(cx),
            Turn::Answer => match self.answer.take() {
                Some(Answer::Refused(Refusal::LoginFailed)) if cx.state.is_authenticated() => {
                    self.bye(SHUT_OUT);
                    return Advance::On;
                }
                Some(Answer::Refused(refusal)) => run.refused(refusal, cx),
                Some(answer) => run.answer(answer, cx),
                None => unreachable!("a step without an answer"),
            },
            Turn::Resume => run.resume(cx),
            Turn::Read if take(&mut self.has_changed) => run.news(cx),
            Turn::Read => match run.read(self.input.buffer(), cx) {
                Next::Read => {
                    self.phase = Phase::Running(running);
                    return Advance::Wait;
                }
                next => {
                    self.is_active = true;
                    next
                }
            },
            Turn::Sync(tagged) => {
                self.synced(tagged);
                return Advance::On;
            }
        };
        self.follow(running, next)
    }

    fn follow(&mut self, mut running: Running, next: Next) -> Advance {
        let (turn, advance) = match next {
            Next::Ask(ask) => (Turn::Answer, Advance::Step(Step::Ask(ask))),
            Next::Stream(stretch) => (Turn::Resume, Advance::Step(Step::Stream(stretch))),
            Next::Flush => (Turn::Resume, Advance::On),
            Next::Read => (Turn::Read, Advance::On),
            Next::Done(tagged) => match self.expunges(running.spec, &tagged) {
                Some(expunges) => {
                    (Turn::Sync(tagged), Advance::Step(Step::Ask(Ask::Sync(expunges))))
                }
                None => {
                    self.finish(tagged);
                    return Advance::On;
                }
            },
            Next::StartTls(tagged) => {
                self.finish(tagged);
                // What came in the clear must never be taken for what comes under TLS.
                self.input.clear();
                return Advance::Step(Step::StartTls);
            }
            Next::Bye(text) => {
                self.bye(text);
                return Advance::On;
            }
        };
        running.turn = turn;
        self.phase = Phase::Running(running);
        advance
    }

    /// What may be told before the reply.
    fn expunges(&self, spec: &Spec, tagged: &Tagged) -> Option<Expunges> {
        self.cx.state.selected()?;
        spec.sync.filter(|_| tagged.condition != Condition::Bad)
    }

    /// Tells what the core said has happened, then the reply.
    fn synced(&mut self, mut tagged: Tagged) {
        let synced = match self.answer.take() {
            Some(Answer::Changes(changes)) => sync::tell(&changes, &mut self.cx),
            Some(Answer::Refused(Refusal::NoSuchMailbox)) => Synced::Removed,
            Some(Answer::Refused(Refusal::LoginFailed)) => {
                self.finish(tagged);
                return self.bye(SHUT_OUT);
            }
            // The command itself was done; what happened will be told another time.
            Some(Answer::Refused(_)) => Synced::Told,
            Some(answer) => command::mismatch(&answer),
            None => unreachable!("a step without an answer"),
        };
        if tagged.code == Code::HighestModSeq
            && synced == Synced::Expunged
            && self.cx.enabled.qresync
        {
            tagged.code = self.highest_modseq();
        }
        self.finish(tagged);
        if synced == Synced::Removed {
            self.bye(sync::REMOVED);
        }
    }

    fn highest_modseq(&self) -> Code {
        match self.cx.state.selected() {
            Some(selected) => Code::modseq("HIGHESTMODSEQ", selected.highest_modseq),
            None => Code::None,
        }
    }

    /// Prints the tagged reply; the session is ready for the next command.
    fn finish(&mut self, tagged: Tagged) {
        let tag = take(&mut self.cx.tag);
        tagged.print(&mut self.cx.out, &tag);
        self.is_active = true;
        self.phase = Phase::Reading;
        if matches!(self.cx.state, State::Logout) {
            self.phase = Phase::Closing;
        }
        self.count_error(&tagged);
    }

    fn count_error(&mut self, tagged: &Tagged) {
        let login_failed = tagged.code == Code::Word("AUTHENTICATIONFAILED");
        if tagged.condition == Condition::Bad || login_failed {
            self.cx.errors += 1;
            if self.cx.errors >= self.cx.options.errors_max {
                self.bye("Too many errors");
            }
        }
    }

    fn bye(&mut self, text: &str) {
        self.cx.put(b"* BYE ");
        self.cx.line(text);
        self.phase = Phase::Closing;
    }

    fn send(&mut self) -> Step<Ask, Stretch> {
        Step::Send(take(&mut self.cx.out))
    }

    /// Waits, unless it is time to part.
    fn wait(&mut self, now: Instant) -> Step<Ask, Stretch> {
        let timeout = self.timeout();
        let until = *self.until.get_or_insert(now + timeout);
        let until = self.login_until(now).map_or(until, |login_until| login_until.min(until));
        if self.is_stopping && !self.is_receiving() {
            self.bye("Server is going down, please come back");
        } else if self.is_shut_out && !self.is_receiving() {
            self.bye(SHUT_OUT);
        } else if self.is_login_overdue(now) {
            self.bye(LOGIN_OVERDUE);
        } else if now >= until {
            self.bye("Autologout, idle for too long");
        }
        if !self.cx.out.is_empty() {
            return self.send();
        }
        self.cx.out.shrink_to(WAITING_BUFFER_LEN_MAX);
        Step::Wait { until }
    }

    /// Is a message of the client's on its way in? It may come to its end.
    fn is_receiving(&self) -> bool {
        matches!(&self.phase, Phase::Running(running) if running.run.is_receiving())
    }

    /// Until when a session that is not logged in may stay.
    fn login_until(&mut self, now: Instant) -> Option<Instant> {
        let deadline = self.cx.options.login_deadline;
        let until = *self.login_until.get_or_insert(now + deadline);
        (!self.cx.state.is_authenticated()).then_some(until)
    }

    fn is_login_overdue(&mut self, now: Instant) -> bool {
        self.login_until(now).is_some_and(|until| now >= until)
    }

    fn timeout(&self) -> std::time::Duration {
        let options = &self.cx.options;
        if self.cx.state.is_authenticated() { options.idle_timeout } else { options.login_timeout }
    }
}

/// `tag = 1*<any ASTRING-CHAR except "+">`
fn is_tag_char(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"(){%*\"\\+".contains(&octet)
}

impl Session for ImapServer {
    type Ask = Ask;
    type Answer = Answer;
    type Stretch = Stretch;

    fn input(&mut self, bytes: &[u8]) {
        self.input.extend(bytes);
        // Before login only whole commands count, so that nobody stays by sending an octet a minute.
        self.is_active |= self.cx.state.is_authenticated();
    }

    fn answer(&mut self, answer: Answer) {
        self.answer = Some(answer);
    }

    fn news(&mut self, news: News) {
        match news {
            News::Changed => self.has_changed = true,
            News::ShuttingDown => self.is_stopping = true,
            News::ShutOut => self.is_shut_out = true,
        }
    }

    fn secured(&mut self, secured: Secured) {
        self.input.clear();
        self.cx.secured = Some(secured);
    }

    fn step(&mut self, now: Instant) -> Step<Ask, Stretch> {
        if let Some(step) = self.held.take() {
            return step;
        }
        // Who goes on sending is never waited for, and must not stay for that.
        if matches!(self.phase, Phase::Reading) && self.is_login_overdue(now) {
            self.bye(LOGIN_OVERDUE);
        }
        loop {
            if take(&mut self.is_active) {
                self.until = Some(now + self.timeout());
            }
            if self.cx.out.len() >= SEND_LEN {
                return self.send();
            }
            match self.advance() {
                Advance::On => {}
                Advance::Wait => return self.wait(now),
                Advance::Step(step) => {
                    if self.cx.out.is_empty() || matches!(step, Step::Ask(_)) {
                        return step;
                    }
                    self.held = Some(step);
                    return self.send();
                }
            }
        }
    }

    fn give_back(&mut self, mut buffer: Vec<u8>) {
        if self.cx.out.is_empty() && self.cx.out.capacity() < buffer.capacity() {
            buffer.clear();
            self.cx.out = buffer;
        }
    }

    fn last_words(&self) -> Vec<u8> {
        b"* BYE Internal fault, please come back later\r\n".to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_session_is_small() {
        // Thousands of clients wait in IDLE at once.
        assert!(size_of::<ImapServer>() <= 1024, "{} octets", size_of::<ImapServer>());
        let mut session = ImapServer::new(Arc::default());
        session.input(&b"a NOOP\r\n".repeat(10_000));
        let now = Instant::now();
        loop {
            match session.step(now) {
                Step::Send(buffer) => session.give_back(buffer),
                Step::Wait { .. } => break,
                step => panic!("{step:?}"),
            }
        }
        assert!(session.cx.out.capacity() <= WAITING_BUFFER_LEN_MAX);
    }
}
