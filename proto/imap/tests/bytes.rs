//! Laws about bytes: where they are cut does not matter, and nothing that a stranger sends brings
//! the session down.

mod clerk;

use clerk::Connection;
use proptest::prelude::*;

/// Everything a busy client may say, literals and all.
const TALK: &[u8] = b"\r\n1 capability\r\n2 AUTHENTICATE PLAIN\r\nAGFuYQBhbmE=\r\n\
    3 ID (\"name\" \"x\")\r\n4 LIST \"\" {1}\r\n*\r\n5 SELECT {5+}\r\nINBOX\r\n\
    6 FETCH 1:2 (FLAGS ENVELOPE BODYSTRUCTURE BODY[] BODY.PEEK[HEADER.FIELDS (X)] BODY[9])\r\n\
    7 APPEND INBOX (\\Seen) {5+}\r\n7 NO\n UTF8 (~{6}\r\n{9+}\r\n)\r\n\
    8 SEARCH OR SUBJECT {3}\r\na b FROM \"c\"\r\n9 IDLE\r\nDONE\r\n10 NOOP\n\
    11 APPEND INBOX {0+}\r\n\r\n12 APPEND INBOX {999999999}\r\n13 BAD {3+}\r\n()(\r\n\
    14 LOGIN {2000000+}\r\n";

fn told(pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> (Vec<u8>, Vec<String>) {
    let mut connection = Connection::open();
    pieces.for_each(|piece| connection.say(piece.as_ref()));
    (connection.sent, connection.asked)
}

#[test]
fn bytes_split_anywhere_give_the_same_answers() {
    let whole = told([TALK].iter());
    for size in (1..50).chain([100, 333]) {
        assert!(told(TALK.chunks(size)) == whole, "pieces of {size}");
    }
    for at in 0..TALK.len() {
        let (one, other) = TALK.split_at(at);
        assert!(told([one, other].iter()) == whole, "cut at {at}");
    }
}

#[test]
fn every_command_of_the_talk_is_answered_once_and_in_order() {
    let (sent, _) = told([TALK].iter());
    let text = String::from_utf8_lossy(&sent).into_owned();
    let mut rest = text.as_str();
    for tag in 1..=13 {
        let line = format!("\r\n{tag} ");
        assert_eq!(text.matches(&line).count(), 1, "{tag} in {text}");
        rest = rest.split_once(&line).expect("in order").1;
    }
}

/// Words of the grammar, to get further into it than random bytes would.
const WORDS: &[&str] = &[
    "a ",
    "b ",
    ". ",
    "* ",
    "UID ",
    "FETCH ",
    "STORE ",
    "SEARCH ",
    "SORT ",
    "THREAD ",
    "LIST ",
    "LSUB ",
    "STATUS ",
    "SELECT ",
    "EXAMINE ",
    "APPEND ",
    "COPY ",
    "MOVE ",
    "IDLE",
    "DONE",
    "ENABLE ",
    "ID ",
    "LOGIN ",
    "AUTHENTICATE ",
    "CREATE ",
    "DELETE ",
    "RENAME ",
    "EXPUNGE",
    "CLOSE",
    "NOOP",
    "PLAIN",
    "SCRAM-SHA-256 ",
    "QRESYNC ",
    "CONDSTORE ",
    "UTF8=ACCEPT ",
    "INBOX",
    "1:*",
    "1",
    "$",
    "*",
    ",",
    ":",
    "(",
    ")",
    " ",
    "\"",
    "\\",
    "{3}",
    "{3+}",
    "{0+}",
    "~{5+}",
    "{99999}",
    "{70000+}",
    "{4294967296}",
    "\r\n",
    "\r\n",
    "\r\n",
    "\n",
    "\r",
    "\0",
    "FLAGS ",
    "+FLAGS.SILENT ",
    "\\Seen",
    "$Junk",
    "BODY[",
    "]",
    "<0.5>",
    "HEADER.FIELDS ",
    "BODY.PEEK[]",
    "ENVELOPE",
    "BODYSTRUCTURE",
    "RETURN ",
    "ALL",
    "SAVE",
    "MIN",
    "UTF-8 ",
    "CHARSET ",
    "NOT ",
    "OR ",
    "SUBJECT ",
    "BEFORE ",
    "1-Feb-1994",
    "MODSEQ ",
    "CHANGEDSINCE ",
    "VANISHED",
    "UNCHANGEDSINCE ",
    "REFERENCES ",
    "STATUS (",
    "MESSAGES",
    "UTF8 (",
    "&AP-",
    "\u{f1}",
    "=",
    "biwsbj1h",
];

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn nothing_brings_the_session_down(
        words in prop::collection::vec(word(), 0..120),
        login in any::<bool>(),
        size in 1usize..64,
    ) {
        let mut talk = Vec::new();
        if login {
            talk.extend_from_slice(b"x LOGIN ana ana\r\ny SELECT INBOX\r\n");
        }
        talk.extend(words.concat());
        let whole = told([&talk].iter());
        prop_assert!(told(talk.chunks(size)) == whole);
    }
}

#[test]
fn a_line_of_100_megabytes_a_million_brackets_and_deep_nesting_are_refused() {
    let mut connection = Connection::open();
    connection.say(b"x LOGIN ana ana\r\ny SELECT INBOX\r\nlong ");
    let piece = vec![b'('; 64 * 1024];
    (0..1600).for_each(|_| connection.say(&piece));
    connection.say(b"\r\n");
    for open in ["(", "NOT ", "OR ALL "] {
        let keys = open.repeat(8000);
        connection.say(format!("deep SEARCH {keys}\r\n").as_bytes());
    }
    connection.say(b"ok NOOP\r\n");
    let text = String::from_utf8_lossy(&connection.sent).into_owned();
    assert!(text.contains("long BAD Command too long\r\n"), "{text}");
    assert_eq!(text.matches("deep NO [LIMIT]").count(), 3, "{text}");
    assert!(text.ends_with("ok OK Nothing done\r\n"), "{text}");
}

#[test]
fn a_literal_of_a_gigabyte_is_not_invited_and_not_awaited() {
    for (announced, reply) in [
        ("{1073741824}", "big NO [TOOBIG] Message over the limit of 52428800 octets\r\n"),
        ("{1073741824+}", "* BYE Literal too large\r\n"),
    ] {
        let mut connection = Connection::open();
        connection.say(b"x LOGIN ana ana\r\n");
        connection.say(format!("big APPEND INBOX {announced}\r\n").as_bytes());
        let text = String::from_utf8_lossy(&connection.sent).into_owned();
        assert!(text.ends_with(reply), "{text}");
    }
}

#[test]
fn a_message_is_handed_on_in_pieces_as_it_comes() {
    let mut connection = Connection::open();
    connection.say(b"x LOGIN ana ana\r\nbig APPEND INBOX {20000000+}\r\n");
    let piece = vec![b'x'; 1_000_000];
    (0..20).for_each(|_| connection.say(&piece));
    connection.say(b"\r\n");
    let text = String::from_utf8_lossy(&connection.sent).into_owned();
    assert!(text.ends_with("big OK [APPENDUID 1 7] Appended\r\n"), "{text}");
}
