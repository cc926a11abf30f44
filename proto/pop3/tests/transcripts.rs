//! Plays every file of `tests/transcripts`.
//!
//! Questions and answers: `login password ana "ana"` → `ok`, `login keys …`; `open` → `opened 2 320`;
//! `list 1 sizes` → `sizes 120 200`, `list 1 ids` → `ids a b`, `listed` for an empty page;
//! `size 1` → `size 120`; `read 1 0` → `octets "Subject: x\r\n"`; `remove 1:2` → `removed`;
//! any → `refused NAME`.

use proto_line::{Scene, play};
use proto_pop3::{Answer, Ask, Entry, Listing, Options, Pop3Server};
use words_mail::Refusal;

struct Pop3 {
    cleartext_login: bool,
}

impl Scene for Pop3 {
    type Session = Pop3Server;

    fn open(&self) -> Pop3Server {
        Pop3Server::new(Options {
            host_name: "asterix.mired.org".to_string(),
            cleartext_login: self.cleartext_login,
            ..Options::default()
        })
    }

    fn question(&self, ask: &Ask) -> String {
        match ask {
            Ask::Login(proto_sasl::Ask::Password { authcid, password, .. }) => {
                format!("login password {authcid} {}", String::from_utf8_lossy(password.expose()))
            }
            Ask::Login(proto_sasl::Ask::Keys { authcid }) => format!("login keys {authcid}"),
            Ask::Login(proto_sasl::Ask::Proven { authcid, .. }) => {
                format!("login proven {authcid}")
            }
            Ask::Open => "open".to_string(),
            Ask::List { from, listing: Listing::Sizes, .. } => format!("list {from} sizes"),
            Ask::List { from, listing: Listing::UniqueIds, .. } => format!("list {from} ids"),
            Ask::Size(number) => format!("size {number}"),
            Ask::Read { number, offset } => format!("read {number} {offset}"),
            Ask::Remove(numbers) => format!("remove {numbers}"),
        }
    }

    fn answer(&self, text: &str) -> Result<Answer, String> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let number = |t: &str| t.parse::<u64>().map_err(|e| format!("{t}: {e}"));
        let words = || rest.split_whitespace();
        Ok(match kind {
            "ok" => Answer::Login(proto_sasl::Answer::Accepted),
            "opened" => {
                let numbers: Vec<u64> = words().map(number).collect::<Result<_, _>>()?;
                Answer::Opened { count: numbers[0] as u32, size: numbers[1] }
            }
            "sizes" => Answer::Listed(
                words().map(|w| number(w).map(Entry::Size)).collect::<Result<_, _>>()?,
            ),
            "ids" => Answer::Listed(words().map(|w| Entry::UniqueId(w.to_string())).collect()),
            "listed" => Answer::Listed(Vec::new()),
            "size" => Answer::Size(number(rest)?),
            "octets" => {
                let text = rest.trim_matches('"').replace("\\r", "\r").replace("\\n", "\n");
                Answer::Octets(text.replace("\\0", "\0").into_bytes().into())
            }
            "removed" => Answer::Removed,
            "refused" => Answer::Refused(match rest {
                "login-failed" => Refusal::LoginFailed,
                "unavailable" => Refusal::Unavailable,
                other => return Err(format!("unknown refusal {other}")),
            }),
            other => return Err(format!("unknown answer {other}")),
        })
    }

    fn stretch(&self, stretch: &std::convert::Infallible) -> Vec<u8> {
        match *stretch {}
    }
}

#[test]
fn every_transcript_goes_as_written() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut played = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // Most transcripts are as in the lab; those that say so forbid cleartext logins.
        let scene = Pop3 { cleartext_login: !text.contains("# cleartext login: no") };
        play(&scene, &text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        played += 1;
    }
    assert!(played >= 8, "only {played} transcripts found");
}
