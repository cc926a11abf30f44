//! From the greeting to a session that is ready (RFC 5321 §3.1, §3.2; RFC 3207).

use super::capabilities::Capabilities;
use super::machine::{Client, Hello, State};
use super::options::{Mode, Tls};
use super::outcome::{Fate, Needed, Stage};
use super::reply::Reply;
use crate::ReplyCode;

/// Longest name of ours that is said, in octets.
const NAME_MAX: usize = 255;

/// 2yz.
pub(super) fn is_ok(reply: &Reply) -> bool {
    (200..300).contains(&reply.code.0)
}

impl Client {
    pub(super) fn heard_greeting(&mut self, reply: Reply) {
        if is_ok(&reply) {
            self.greet(Hello::Extended);
        } else {
            self.fail_said(reply, Stage::Greeting);
        }
    }

    /// Says our name.
    pub(super) fn greet(&mut self, hello: Hello) {
        let verb = match (self.options.mode, hello) {
            (Mode::Lmtp, _) => "LHLO",
            (Mode::Smtp, Hello::Extended) => "EHLO",
            (Mode::Smtp, Hello::Plain) => "HELO",
        };
        let fits = |c: &char| !c.is_control() && !c.is_whitespace();
        let name: String = self.options.hello_name.chars().filter(fits).take(NAME_MAX).collect();
        let name = if name.is_empty() { "localhost" } else { &name };
        let line = format!("{verb} {name}");
        self.say(&line);
        self.state = State::Hello(hello);
    }

    /// A server that does not know EHLO is asked with HELO (RFC 5321 §3.2).
    pub(super) fn heard_hello(&mut self, hello: Hello, reply: Reply) {
        if is_ok(&reply) {
            self.capabilities = match hello {
                Hello::Extended => Capabilities::read(&reply),
                Hello::Plain => Capabilities::default(),
            };
            // A promise that only TLS can keep (RFC 8689 §2).
            self.capabilities.requiretls &= self.secured.is_some();
            return self.open_on();
        }
        let extended = hello == Hello::Extended && self.options.mode == Mode::Smtp;
        if extended && reply.code.is_permanent() {
            self.greet(Hello::Plain);
        } else {
            self.fail_said(reply, Stage::Hello);
        }
    }

    /// What stands between EHLO and the first message: TLS, then the login.
    fn open_on(&mut self) {
        if self.secured.is_none() && !self.tls_refused && self.options.tls != Tls::Never {
            if self.capabilities.starttls {
                self.say("STARTTLS");
                self.state = State::StartTls;
                return;
            }
            if self.options.tls == Tls::Required {
                return self.fail(Fate::NotOffered(Needed::StartTls));
            }
        }
        if self.options.login.is_some() && !self.logged_in {
            return self.begin_login();
        }
        self.state = State::Ready;
    }

    pub(super) fn heard_starttls(&mut self, reply: Reply) {
        if is_ok(&reply) {
            // Whatever stands behind the reply was said by nobody knows whom (RFC 3207 §6).
            self.forget_input();
            self.state = State::AwaitingTls;
        } else if self.options.tls == Tls::Required || reply.code == ReplyCode(421) {
            self.fail_said(reply, Stage::StartTls);
        } else {
            self.tls_refused = true;
            self.open_on();
        }
    }

    /// The login has succeeded.
    pub(super) fn opened(&mut self) {
        self.logged_in = true;
        self.state = State::Ready;
    }
}
