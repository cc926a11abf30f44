//! Against servers that say what the script wants, cut into pieces of any length.

use core_world::{Dial, DialError, DialTls, Dialer, Later, Protection, Trust, Wire, WireError};
use proto_sasl::Secret;
use serve_collect::{Begun, Encryption, Login, RemoteError, RemoteImap};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use words_mail::{Uid, UidValidity};

/// What the client must write, and what it then hears. `\n` stands for CRLF.
type Script = &'static [(&'static str, &'static str)];

struct Server {
    script: Mutex<VecDeque<(&'static str, &'static str)>>,
    piece_len: usize,
}

struct Scripted {
    server: Arc<Server>,
    unread: Vec<u8>,
    written: Vec<u8>,
    secured: bool,
}

impl Scripted {
    /// Answers whatever has been written in full.
    fn go_on(&mut self) {
        let mut script = self.server.script.lock().unwrap();
        while let Some((wanted, answer)) = script.front() {
            let wanted = wanted.replace('\n', "\r\n");
            if !self.written.starts_with(wanted.as_bytes()) {
                let part = String::from_utf8_lossy(&self.written).into_owned();
                assert!(wanted.starts_with(&part), "wanted {wanted:?}, written {part:?}");
                return;
            }
            self.written.drain(..wanted.len());
            self.unread.extend(answer.replace('\n', "\r\n").bytes());
            script.pop_front();
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
        let len = self.unread.len().min(self.server.piece_len).min(buffer.len());
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

    fn secure<'a>(
        &'a mut self,
        _host: &'a str,
        _trust: &'a Trust,
        _within: Duration,
    ) -> Later<'a, Result<(), DialError>> {
        // What an attacker pushed in before TLS is still there for whoever reads on.
        self.secured = true;
        Box::pin(async { Ok(()) })
    }

    fn protection(&self) -> Option<&Protection> {
        None
    }
}

impl Dialer for Server {
    fn dial<'a>(&'a self, _to: &'a Dial) -> Later<'a, Result<Box<dyn Wire>, DialError>> {
        let server = Arc::new(Server {
            script: Mutex::new(std::mem::take(&mut self.script.lock().unwrap())),
            piece_len: self.piece_len,
        });
        let wire = Scripted { server, unread: Vec::new(), written: Vec::new(), secured: false };
        Box::pin(async move { Ok(Box::new(wire) as Box<dyn Wire>) })
    }
}

fn login(encryption: Encryption) -> Login {
    let dial = Dial {
        host: "old.example".to_string(),
        port: 143,
        tls: DialTls::Later,
        trust: Trust::Authorities,
        within: Duration::from_secs(1),
    };
    Login { dial, encryption, name: "ana".to_string(), password: Secret::new(b"ana".to_vec()) }
}

async fn open(
    script: Script,
    piece_len: usize,
    encryption: Encryption,
) -> Result<RemoteImap, RemoteError> {
    let script = Mutex::new(script.iter().copied().collect());
    RemoteImap::open(&Server { script, piece_len }, &login(encryption)).await
}

/// Reads `uids`, as a source does it: asked ahead, in order.
async fn read(remote: &mut RemoteImap, uids: &[Uid]) -> Vec<String> {
    let mut ahead: VecDeque<Uid> = uids.iter().copied().collect();
    let mut texts = Vec::new();
    for uid in uids {
        remote.ask_bodies(&mut ahead).await.unwrap();
        let mut text = match remote.begin_body(*uid).await.unwrap() {
            Begun::Octets(len) => format!("{len}:"),
            Begun::Missing(why) => why,
        };
        while let Some(octets) = remote.piece().await.unwrap() {
            text += std::str::from_utf8(&octets).unwrap();
        }
        texts.push(text);
    }
    texts
}

const CLEAR: (&str, &str) = ("", "* OK ready\n");
const ABLE: (&str, &str) = ("e1 CAPABILITY\n", "* CAPABILITY IMAP4rev1\ne1 OK\n");
const IN: (&str, &str) = ("e2 LOGIN \"ana\" \"ana\"\n", "e2 OK in\n");

#[tokio::test]
async fn mailboxes_and_messages_are_read_in_pieces_of_any_length() {
    const SCRIPT: Script = &[
        CLEAR,
        ABLE,
        IN,
        (
            "e3 LIST \"\" \"*\"\n",
            "* LIST () \".\" INBOX\n* LIST (\\Noselect) \".\" old\n* LIST () \".\" old.R&AOk-s\ne3 OK\n",
        ),
        ("e4 LSUB \"\" \"*\"\n", "* LSUB () \".\" INBOX\ne4 OK\n"),
        (
            "e5 EXAMINE old.R&AOk-s\n",
            "* 3 EXISTS\n* OK [UIDVALIDITY 77] ok\n* OK [UIDNEXT 12] next\ne5 OK [READ-ONLY] done\n",
        ),
        (
            "e6 FETCH 1:3 (UID FLAGS INTERNALDATE RFC822.SIZE)\n",
            "* 2 FETCH (UID 8 FLAGS () RFC822.SIZE 4)\n* 1 FETCH (FLAGS (\\Seen) UID 7 RFC822.SIZE 4)\n\
             * 1 FETCH (FLAGS ())\n* 3 FETCH (UID 9 RFC822.SIZE 1)\ne6 OK\n",
        ),
        (
            "e7 UID FETCH 7 (UID BODY.PEEK[])\ne8 UID FETCH 8 (UID BODY.PEEK[])\n\
             e9 UID FETCH 9 (UID BODY.PEEK[])\n",
            "* 1 FETCH (UID 7 BODY[] {4}\n7\n.)\n* 4 EXISTS\ne7 OK\ne8 OK\n\
             * 3 FETCH (BODY[] {0}\n UID 9)\ne9 OK\n",
        ),
        (
            "e10 UID FETCH 7 (UID BODY.PEEK[])\ne11 UID FETCH 8 (UID BODY.PEEK[])\n",
            "* 1 FETCH (UID 7 BODY[] {4}\n7\n.)\ne10 OK\n* 2 FETCH (UID 8 BODY[] {1}\n8)\ne11 OK\n",
        ),
        ("e12 LOGOUT\n", "* BYE\ne12 OK\n"),
    ];
    for piece_len in [1, 2, 7, 4096] {
        let mut remote = open(SCRIPT, piece_len, Encryption::None).await.unwrap();
        let mailboxes = remote.mailboxes().await.unwrap();
        let names: Vec<_> = mailboxes.iter().map(|m| (m.text.as_str(), m.subscribed)).collect();
        assert_eq!(names, [("INBOX", true), ("old", false), ("old.Rés", false)]);
        assert!(!mailboxes[1].selectable);
        let opened = remote.examine(&mailboxes[2].name).await.unwrap();
        assert_eq!((opened.exists, opened.uid_validity), (3, Some(UidValidity(77))));
        assert_eq!(opened.uid_next, Some(Uid(12)));
        let facts = remote.facts(1, 3).await.unwrap();
        let uids: Vec<Uid> = facts.iter().filter_map(|f| f.uid).collect();
        assert_eq!(uids, [Uid(7), Uid(8), Uid(9)]);
        let wanted = ["4:7\r\n.", "it is not there any more", "0:"];
        assert_eq!(read(&mut remote, &uids).await, wanted);
        // Whoever begins one and does not care for the rest has the next one all the same.
        let mut ahead = VecDeque::from([Uid(7), Uid(8)]);
        remote.ask_bodies(&mut ahead).await.unwrap();
        assert_eq!(remote.begin_body(Uid(7)).await, Ok(Begun::Octets(4)));
        assert_eq!(remote.begin_body(Uid(8)).await, Ok(Begun::Octets(1)));
        assert_eq!(remote.piece().await, Ok(Some(b"8".to_vec())));
        remote.log_out().await;
    }
}

#[tokio::test]
async fn nothing_that_came_before_tls_is_believed() {
    const SCRIPT: Script = &[
        CLEAR,
        ("e1 CAPABILITY\n", "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\ne1 OK\n"),
        ("e2 STARTTLS\n", "e2 OK go on\n* CAPABILITY IMAP4rev1\ne3 OK injected\n"),
        ("e3 CAPABILITY\n", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\ne3 OK\n"),
        ("e4 AUTHENTICATE PLAIN\n", "+ \n"),
        ("AGFuYQBhbmE=\n", "e4 OK in\n"),
    ];
    assert!(open(SCRIPT, 4096, Encryption::StartTls).await.is_ok());
}

#[tokio::test]
async fn without_tls_no_password_is_sent() {
    const NONE: Script = &[CLEAR, ABLE];
    let refused = open(NONE, 64, Encryption::StartTls).await.err();
    assert_eq!(refused, Some(RemoteError::NoTls));
    const KNOWN: Script = &[("", "* PREAUTH already in\n")];
    assert_eq!(open(KNOWN, 64, Encryption::StartTls).await.err(), Some(RemoteError::NoTls));
}

#[tokio::test]
async fn every_end_has_its_error() {
    let in_vain: [(Script, &str, bool); 5] = [
        (&[("", "* BYE too busy\n")], "the server hung up: too busy", true),
        (&[("", "220 smtp.example\n")], "not understood: expected a greeting of IMAP", false),
        (&[CLEAR, ABLE, (IN.0, "e2 NO [AUTHENTICATIONFAILED] no\n")], "login refused: no", false),
        (
            &[CLEAR, ABLE, (IN.0, "* BYE in the middle\n")],
            "the server hung up: in the middle",
            true,
        ),
        (&[CLEAR, ABLE, (IN.0, "")], "the server hung up: without a word", true),
    ];
    for (script, text, temporary) in in_vain {
        let error = open(script, 64, Encryption::None).await.err().unwrap();
        assert_eq!((error.to_string().as_str(), error.is_temporary()), (text, temporary));
    }
}
