//! One account on a server elsewhere, command by command.

mod support;

use serve_collect::{Begun, Encryption, RemoteError, RemoteImap};
use std::collections::VecDeque;
use support::{Script, Server, login};
use words_mail::{Uid, UidValidity};

async fn open(
    script: Script,
    piece_len: usize,
    encryption: Encryption,
) -> Result<RemoteImap, RemoteError> {
    RemoteImap::open(&Server::new(&[script], piece_len), &login(encryption)).await
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
