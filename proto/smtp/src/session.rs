//! The session: lines in, replies and questions out.

mod answers;
mod dialog;
mod receive;

use crate::ask::{Answer, Ask, Client};
use crate::options::{Mode, Options, Peer, Standing};
use crate::reply::{Reply, bare_reply, reply};
use crate::state::{Pending, State};
use crate::transaction::Transaction;
use proto_line::{LineBuffer, News, Secured, Session, Step};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use words_mail::EnhancedStatus;

/// Replies are gathered up to this many octets while the client pipelines.
const OUT_MAX: usize = 8 * 1024;
/// Most recipients refused in one session: who guesses addresses has to come again and again.
const REFUSED_MAX: usize = 200;
/// Most logins refused in one session.
const LOGINS_MAX: usize = 3;

/// The server's side of one connection. See the crate's first page for how to drive it.
/// Not printable: its unread input may hold a password.
pub struct SmtpSession {
    pub(crate) options: Arc<Options>,
    pub(crate) peer: Peer,
    pub(crate) input: LineBuffer,
    /// Replies that are not sent yet.
    out: Vec<u8>,
    pub(crate) state: State,
    pub(crate) hello: Option<Hello>,
    pub(crate) secured: Option<Secured>,
    pub(crate) logged_in: bool,
    pub(crate) counts: Counts,
    /// When we stop waiting; counted anew after everything that the client has brought to an end.
    deadline: Option<Instant>,
    /// The desk has said who may come, and how long the greeting waits.
    greeting: Greeting,
    /// When a login or a message must have come.
    fruit_due: Option<Instant>,
    shutting_down: bool,
    shut_out: bool,
}

/// What the client said of itself.
#[derive(Debug)]
pub(crate) struct Hello {
    pub client: Arc<Client>,
    /// By EHLO or LHLO.
    pub extended: bool,
}

/// How the greeting comes about.
#[derive(Clone, Copy, Debug)]
enum Greeting {
    /// The desk is asked whether at all.
    Unasked,
    /// So long after the next step.
    After(Duration),
    /// Not before this moment.
    At(Instant),
    /// Now.
    Due,
}

/// What is counted for limits.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Commands since the last message.
    pub commands: usize,
    pub errors: usize,
    pub messages: usize,
    /// Recipients refused.
    pub refused: usize,
    /// Logins refused.
    pub logins: usize,
}

/// What a part of the session wants next.
#[derive(Debug)]
pub(crate) enum Flow {
    /// To go on.
    Again,
    /// Bytes.
    Starved,
    /// An answer; the state has what it is for.
    Ask(Ask),
    /// TLS.
    StartTls,
    /// The end.
    Close,
}

impl SmtpSession {
    /// A session that has said nothing yet.
    pub fn new(options: Arc<Options>, peer: Peer) -> SmtpSession {
        let greeting = if options.ask_who_comes { Greeting::Unasked } else { Greeting::Due };
        SmtpSession {
            options,
            peer,
            greeting,
            input: LineBuffer::new(),
            out: Vec::new(),
            state: State::Banner,
            hello: None,
            secured: None,
            logged_in: false,
            counts: Counts::default(),
            deadline: None,
            fruit_due: None,
            shutting_down: false,
            shut_out: false,
        }
    }

    /// Takes up a reply to be sent.
    pub(crate) fn say(&mut self, reply: Reply) {
        reply.write(&mut self.out);
    }

    /// Says `reply`, which is about an error of the client; too many end the session.
    pub(crate) fn refuse(&mut self, refusal: Reply) -> Flow {
        self.say(refusal);
        self.counts.errors += 1;
        if self.counts.errors < self.options.errors_max {
            return Flow::Again;
        }
        self.hang_up(reply(421, EnhancedStatus(4, 7, 0), "too many errors, closing"))
    }

    /// One more recipient was refused, as `refusal` says; too many end the session.
    pub(crate) fn refuse_recipient(&mut self, refusal: Reply) -> Flow {
        self.say(refusal);
        self.counts.refused += 1;
        if self.counts.refused < REFUSED_MAX {
            return Flow::Again;
        }
        let text = "too many recipients refused, closing";
        self.hang_up(reply(421, EnhancedStatus(4, 7, 0), text))
    }

    /// One more login was refused, as `refusal` says; too many end the session.
    pub(crate) fn refuse_login(&mut self, refusal: Reply) -> Flow {
        self.counts.logins += 1;
        if self.counts.logins < LOGINS_MAX {
            return self.refuse(refusal);
        }
        self.say(refusal);
        self.hang_up(reply(421, EnhancedStatus(4, 7, 0), "too many failed logins, closing"))
    }

    /// The last reply.
    pub(crate) fn hang_up(&mut self, reply: Reply) -> Flow {
        self.say(reply);
        self.state = State::Closing;
        Flow::Again
    }

    pub(crate) fn ask(&mut self, ask: Ask, pending: Pending) -> Flow {
        self.state = State::Asking(pending, None);
        Flow::Ask(ask)
    }

    /// The client has brought something to an end, or is not to blame for the time that passed.
    pub(crate) fn heard(&mut self) {
        self.deadline = None;
    }

    /// Must the client be strict about line ends and pipelining? Nobody who is trusted or logged in.
    pub(crate) fn is_stranger(&self) -> bool {
        self.peer.standing == Standing::Stranger
            && !self.logged_in
            && self.options.mode != Mode::Submission
    }

    /// A login, or a message that was accepted: the client is no idler.
    pub(crate) fn bore_fruit(&mut self) {
        self.fruit_due = None;
    }

    fn banner(&mut self) -> Flow {
        // Who talks before the greeting talks at random, or means another server.
        let is_early = self.is_stranger() && !self.input.unread().is_empty();
        match self.greeting {
            Greeting::Unasked => return self.ask(Ask::Come, Pending::Come),
            _ if is_early && self.options.ask_who_comes => {
                return self.ask(Ask::SpokeEarly, Pending::SpokeEarly);
            }
            _ if is_early => return self.hang_up_early(),
            Greeting::After(_) | Greeting::At(_) => {
                self.state = State::Banner;
                return Flow::Starved;
            }
            Greeting::Due => {}
        }
        let protocol = if self.options.mode == Mode::Lmtp { "LMTP" } else { "ESMTP" };
        let options = &self.options;
        let text = format!("{} {protocol} {}", options.host_name, options.banner);
        self.say(bare_reply(220, text));
        self.state = State::Commands(None);
        Flow::Again
    }

    pub(crate) fn hang_up_early(&mut self) -> Flow {
        self.hang_up(reply(554, EnhancedStatus(5, 5, 0), "wait for the greeting"))
    }

    /// The desk lets them in; the greeting comes after so long.
    pub(crate) fn greet_after(&mut self, delay: Duration) -> Flow {
        let is_stranger = self.is_stranger() && !delay.is_zero();
        self.greeting = if is_stranger { Greeting::After(delay) } else { Greeting::Due };
        self.state = State::Banner;
        Flow::Again
    }

    /// Until when the greeting is held back; `None` when it is due.
    fn hold_greeting(&mut self, now: Instant) -> Option<Instant> {
        let until = match self.greeting {
            Greeting::After(delay) => now + delay,
            Greeting::At(until) => until,
            Greeting::Unasked | Greeting::Due => return None,
        };
        self.greeting = if now < until { Greeting::At(until) } else { Greeting::Due };
        (now < until).then_some(until)
    }

    fn go_on(&mut self) -> Flow {
        match std::mem::replace(&mut self.state, State::Closing) {
            State::Banner => self.banner(),
            State::Commands(None) if self.shutting_down => self.say_shutting_down(),
            State::Commands(transaction) => self.command_line(transaction),
            State::Authenticating(exchange) => self.response_line(exchange),
            State::Receiving(receiving) => self.receive(receiving),
            State::Asking(pending, Some(answer)) => self.apply(pending, *answer),
            State::Asking(_, None) => unreachable!("stepped before the answer"),
            State::StartingTls => {
                self.state = State::StartingTls;
                Flow::StartTls
            }
            State::Closing => Flow::Close,
        }
    }

    fn send(&mut self) -> Step<Ask, Infallible> {
        Step::Send(std::mem::take(&mut self.out))
    }

    /// Nothing more can be done with what has come: say goodbye, or wait.
    fn starve(&mut self, now: Instant) -> Option<Step<Ask, Infallible>> {
        if matches!(self.state, State::Banner) && !self.shutting_down {
            return self.hold_greeting(now).map(|until| Step::Wait { until });
        }
        if self.shutting_down && !self.is_in_transaction() {
            self.say_shutting_down();
            return None;
        }
        if self.shut_out && !self.is_in_transaction() {
            let text = "the account may no longer log in, or its password was changed";
            self.hang_up(reply(421, EnhancedStatus(4, 7, 0), text));
            return None;
        }
        let (timeout, until) = self.patience(now);
        let deadline = *self.deadline.get_or_insert(now + timeout);
        let until = until.min(deadline);
        if now >= until {
            self.part();
            return None;
        }
        Some(if self.out.is_empty() { Step::Wait { until } } else { self.send() })
    }

    /// Has the client begun with a message? It may bring that to its end.
    fn is_in_transaction(&self) -> bool {
        matches!(self.state, State::Receiving(_) | State::Commands(Some(_)))
    }

    /// RFC 5321 §3.8: a server that must go down may say so at any command.
    fn say_shutting_down(&mut self) -> Flow {
        let text = format!("{} is shutting down, try again later", self.options.host_name);
        self.hang_up(reply(421, EnhancedStatus(4, 3, 2), text))
    }

    /// Is the next line a command, and no message under way?
    fn is_between_bodies(&self) -> bool {
        match &self.state {
            State::Commands(Some(Transaction { incoming: Some(incoming), .. })) => {
                !incoming.is_with_desk()
            }
            State::Commands(_) => true,
            _ => false,
        }
    }

    /// Says goodbye to a client that was waited for too long.
    fn part(&mut self) {
        let host = &self.options.host_name;
        let text = format!("{host} has waited too long, closing");
        self.hang_up(reply(421, EnhancedStatus(4, 4, 2), text));
    }

    /// How long to wait for something, and until when for all that it belongs to.
    fn patience(&mut self, now: Instant) -> (Duration, Instant) {
        let timeouts = self.options.timeouts;
        let fruit_due = *self.fruit_due.get_or_insert(now + timeouts.fruitless);
        match &mut self.state {
            State::Receiving(receiving) if receiving.incoming.is_with_desk() => {
                let until = receiving.incoming.until.get_or_insert(now + timeouts.message);
                (timeouts.body, *until)
            }
            State::Receiving(_) => (timeouts.body, fruit_due),
            State::Commands(Some(Transaction { incoming: Some(incoming), .. }))
                if incoming.is_with_desk() =>
            {
                (timeouts.command, *incoming.until.get_or_insert(now + timeouts.message))
            }
            _ => (timeouts.command, fruit_due),
        }
    }
}

impl Session for SmtpSession {
    type Ask = Ask;
    type Answer = Answer;
    type Stretch = Infallible;

    fn input(&mut self, bytes: &[u8]) {
        self.input.extend(bytes);
    }

    fn answer(&mut self, answer: Answer) {
        match &mut self.state {
            State::Asking(_, slot) => *slot = Some(Box::new(answer)),
            _ => unreachable!("answered without a question"),
        }
    }

    fn news(&mut self, news: News) {
        match news {
            News::Changed => {}
            News::ShuttingDown => self.shutting_down = true,
            News::ShutOut => self.shut_out = true,
        }
    }

    /// Departs from RFC 3207 §4.2: the client's name is remembered, since some clients do not greet
    /// again; nothing depends on it. Everything else begins anew.
    fn secured(&mut self, secured: Secured) {
        self.input = LineBuffer::new();
        if let Some(hello) = &mut self.hello {
            let name = hello.client.name.clone();
            hello.client = Arc::new(Client { name, secured: Some(secured.clone()) });
        }
        self.secured = Some(secured);
        self.heard();
        if matches!(self.state, State::StartingTls) {
            self.state = State::Commands(None);
        }
    }

    fn step(&mut self, now: Instant) -> Step<Ask, Infallible> {
        // Who goes on sending is never waited for, and must not stay for that.
        if self.is_between_bodies() && self.fruit_due.is_some_and(|due| now >= due) {
            self.part();
        }
        loop {
            if self.out.len() >= OUT_MAX {
                return self.send();
            }
            match self.go_on() {
                Flow::Again => {}
                Flow::Ask(ask) => return Step::Ask(ask),
                Flow::StartTls | Flow::Close if !self.out.is_empty() => return self.send(),
                Flow::StartTls => return Step::StartTls,
                Flow::Close => return Step::Close,
                Flow::Starved => {
                    if let Some(step) = self.starve(now) {
                        return step;
                    }
                }
            }
        }
    }

    fn give_back(&mut self, mut buffer: Vec<u8>) {
        if self.out.capacity() == 0 && buffer.capacity() <= OUT_MAX {
            buffer.clear();
            self.out = buffer;
        }
    }

    fn last_words(&self) -> Vec<u8> {
        let text = format!("{} has had a mishap, try again later", self.options.host_name);
        let mut out = self.out.clone();
        reply(421, EnhancedStatus(4, 3, 0), text).write(&mut out);
        out
    }
}
