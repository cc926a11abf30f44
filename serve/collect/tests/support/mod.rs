//! Servers that say what the script wants, cut into pieces of any length.
#![allow(dead_code)] // Each test file uses its part.

use core_world::{Dial, DialError, DialTls, Dialer, Later, Protection, Trust, Wire, WireError};
use proto_sasl::Secret;
use serve_collect::{Encryption, Login};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

/// What the client must write, and what it then hears. `\n` stands for CRLF.
pub type Script = &'static [(&'static str, &'static str)];

/// One script for each connection.
pub struct Server {
    scripts: Mutex<VecDeque<Script>>,
    piece_len: usize,
}

impl Server {
    pub fn new(scripts: &[Script], piece_len: usize) -> Server {
        Server { scripts: Mutex::new(scripts.iter().copied().collect()), piece_len }
    }

    /// Connections that nobody has made.
    pub fn left(&self) -> usize {
        self.scripts.lock().unwrap().len()
    }
}

struct Scripted {
    script: VecDeque<(&'static str, &'static str)>,
    piece_len: usize,
    unread: Vec<u8>,
    written: Vec<u8>,
}

impl Scripted {
    /// Answers whatever has been written in full.
    fn go_on(&mut self) {
        while let Some((wanted, answer)) = self.script.front() {
            let wanted = wanted.replace('\n', "\r\n");
            if !self.written.starts_with(wanted.as_bytes()) {
                let part = String::from_utf8_lossy(&self.written).into_owned();
                assert!(wanted.starts_with(&part), "wanted {wanted:?}, written {part:?}");
                return;
            }
            self.written.drain(..wanted.len());
            self.unread.extend(answer.replace('\n', "\r\n").bytes());
            self.script.pop_front();
        }
    }
}

impl Wire for Scripted {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
        _within: Duration,
    ) -> Later<'a, Result<usize, WireError>> {
        self.go_on();
        let len = self.unread.len().min(self.piece_len).min(buffer.len());
        buffer[..len].copy_from_slice(&self.unread[..len]);
        self.unread.drain(..len);
        Box::pin(async move { Ok(len) })
    }

    fn write<'a>(
        &'a mut self,
        bytes: &'a [u8],
        _within: Duration,
    ) -> Later<'a, Result<(), WireError>> {
        self.written.extend_from_slice(bytes);
        Box::pin(async { Ok(()) })
    }

    /// What somebody pushed in before TLS is still there for whoever reads on.
    fn secure<'a>(
        &'a mut self,
        _host: &'a str,
        _trust: &'a Trust,
        _within: Duration,
    ) -> Later<'a, Result<(), DialError>> {
        Box::pin(async { Ok(()) })
    }

    fn protection(&self) -> Option<&Protection> {
        None
    }
}

impl Dialer for Server {
    fn dial<'a>(&'a self, _to: &'a Dial) -> Later<'a, Result<Box<dyn Wire>, DialError>> {
        let script = self.scripts.lock().unwrap().pop_front();
        let piece_len = self.piece_len;
        Box::pin(async move {
            let script = script.ok_or(DialError::TimedOut)?.iter().copied().collect();
            let wire = Scripted { script, piece_len, unread: Vec::new(), written: Vec::new() };
            Ok(Box::new(wire) as Box<dyn Wire>)
        })
    }
}

pub fn login(encryption: Encryption) -> Login {
    let dial = Dial {
        host: "old.example".to_string(),
        address: None,
        port: 143,
        source: None,
        tls: DialTls::Later,
        trust: Trust::Authorities,
        within: Duration::from_secs(1),
    };
    Login { dial, encryption, name: "ana".to_string(), password: Secret::new(b"ana".to_vec()) }
}
