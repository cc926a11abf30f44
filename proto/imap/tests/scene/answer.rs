//! Answers, each in a line: a word for the kind, then `key=value` and bare words, then rows, each
//! behind `|`. Values hold no spaces; lists are divided by commas.
//!
//! ```text
//! selected exists=3 uidnext=9 uidvalidity=1 modseq=12 id=F1 unseen=2 keywords=$Junk
//! changes exists=4 modseq=13 | 2 uid=5 modseq=13 flags=\Seen,$Junk
//! fetched | 1 uid=5 modseq=3 flags=\Seen message=plain
//! ```

use super::message;
use proto_imap::Answer;
use proto_imap::ask::{
    Changes, FetchCursor, FetchItems, FetchPage, FetchRow, FlagRow, Found, Listed, QuotaResource,
    Selected, Status, Stored, Thread,
};
use proto_sasl::{KeyPair, Keys};
use std::str::FromStr;
use words_base::Timestamp;
use words_mail::{
    Flags, Keyword, MailboxName, ModSeq, NumberSet, Refusal, SeqNum, SpecialUse, SystemFlag, Uid,
    UidValidity,
};

/// Reads one answer.
pub fn read(text: &str, wanted: &FetchItems) -> Result<Answer, String> {
    let mut rows = text.split('|').map(Fields::read);
    let head = rows.next().unwrap_or_default();
    let rows: Vec<Fields> = rows.collect();
    Ok(match head.words.first().map_or("", String::as_str) {
        "done" => Answer::Done,
        "refused" => Answer::Refused(refusal(head.word(1)?)?),
        "accepted" => Answer::Login(proto_sasl::Answer::Accepted),
        "keys" => Answer::Login(proto_sasl::Answer::Keys(keys())),
        "listed" => Answer::Listed(rows.iter().map(listed).collect::<Result<_, _>>()?),
        "status" => Answer::Status(status(&head)?),
        "created" => Answer::Created(head.word(1)?.to_string()),
        "selected" => Answer::Selected(Box::new(selected(&head, &rows)?)),
        "quota" => Answer::Quota(rows.iter().map(resource).collect::<Result<_, _>>()?),
        "appended" => Answer::Appended {
            uid_validity: UidValidity(number(head.word(1)?)?),
            uids: set(head.word(2)?)?.iter().map(Uid).collect(),
        },
        "copied" => copied(&head)?,
        "stored" => Answer::Stored(Stored {
            rows: flag_rows(&rows)?,
            modified: head.set("modified")?.unwrap_or_default(),
            expunge_issued: head.has("expunge-issued"),
        }),
        "fetched" => Answer::Fetched(FetchPage {
            vanished_earlier: head.set("vanished")?,
            rows: rows.iter().map(|row| fetch_row(row, wanted)).collect::<Result<_, _>>()?,
            next: head.number("next")?.map(FetchCursor),
            expunge_issued: head.has("expunge-issued"),
        }),
        "found" => Answer::Found(Found {
            numbers: head.words[1..].iter().map(|w| number(w)).collect::<Result<_, _>>()?,
            threads: Vec::new(),
            modseq: head.number("modseq")?.map(ModSeq),
        }),
        "threads" => {
            let threads = threads(text.strip_prefix("threads").unwrap_or_default().trim())?;
            Answer::Found(Found { threads, ..Found::default() })
        }
        "changes" => Answer::Changes(changes(&head, &rows)?),
        other => return Err(format!("no answer begins with {other:?}")),
    })
}

/// Words and `key=value` of one part of a line.
#[derive(Default)]
struct Fields {
    words: Vec<String>,
    values: Vec<(String, String)>,
}

impl Fields {
    fn read(text: &str) -> Fields {
        let mut fields = Fields::default();
        for word in text.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) => fields.values.push((key.to_string(), value.to_string())),
                None => fields.words.push(word.to_string()),
            }
        }
        fields
    }

    fn word(&self, at: usize) -> Result<&str, String> {
        self.words.get(at).map(String::as_str).ok_or(format!("no word {at}"))
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.values.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    fn number<N: FromStr>(&self, key: &str) -> Result<Option<N>, String> {
        self.value(key).map(number).transpose()
    }

    fn number_or<N: FromStr>(&self, key: &str, default: N) -> Result<N, String> {
        Ok(self.number(key)?.unwrap_or(default))
    }

    fn set(&self, key: &str) -> Result<Option<NumberSet>, String> {
        self.value(key).map(set).transpose()
    }

    fn list(&self, key: &str) -> Option<Vec<String>> {
        self.value(key)
            .map(|v| v.split(',').filter(|w| !w.is_empty()).map(str::to_string).collect())
    }

    fn flags(&self) -> Result<Flags, String> {
        let mut flags = Flags::new();
        for word in self.list("flags").unwrap_or_default() {
            match (SystemFlag::parse(&word), Keyword::parse(&word)) {
                (Some(flag), _) => flags.insert(flag),
                (None, Some(keyword)) => flags.insert_keyword(keyword),
                (None, None) => return Err(format!("{word} is no flag")),
            }
        }
        Ok(flags)
    }
}

fn number<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().or(Err(format!("{text:?} is no number")))
}

fn set(text: &str) -> Result<NumberSet, String> {
    let mut set = NumberSet::new();
    for range in text.split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        set.insert_range(number(first)?, number(last)?);
    }
    Ok(set)
}

fn refusal(word: &str) -> Result<Refusal, String> {
    Ok(match word {
        "no-such-mailbox" => Refusal::NoSuchMailbox,
        "mailbox-exists" => Refusal::MailboxExists,
        "bad-name" => Refusal::BadMailboxName("INBOX stays"),
        "not-permitted" => Refusal::NotPermitted("INBOX cannot be deleted"),
        "full" => Refusal::MailboxFull,
        "too-large" => Refusal::TooLarge { size_max: 1000 },
        "login-failed" => Refusal::LoginFailed,
        "limit" => Refusal::Limit("connections of this account"),
        "unavailable" => Refusal::Unavailable,
        other => return Err(format!("{other:?} is no refusal")),
    })
}

/// Of RFC 7677 §3: user `user`, password `pencil`; the nonce is made up.
fn keys() -> Keys {
    let octets = |text: &str| proto_sasl::decode(text.as_bytes()).unwrap_or_default();
    let key = |text: &str| octets(text).try_into().unwrap_or([0; 32]);
    Keys {
        salt: octets("W22ZaJ0SNY7soEsUEjb6gQ=="),
        iterations: 4096,
        pairs: vec![KeyPair {
            stored_key: key("WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="),
            server_key: key("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="),
        }],
        nonce: [9; 18],
    }
}

fn name(text: &str) -> Result<MailboxName, String> {
    MailboxName::parse(&text.replace('_', " ")).map_err(|error| error.to_string())
}

/// `Name [missing] [children] [subscribed] [child-subscribed] [use=\Sent] [messages=…]`
fn listed(row: &Fields) -> Result<Listed, String> {
    Ok(Listed {
        name: name(row.word(0)?)?,
        exists: !row.has("missing"),
        children: row.has("children"),
        subscribed: row.has("subscribed"),
        special_use: row.value("use").and_then(SpecialUse::parse),
        child_subscribed: row.has("child-subscribed"),
        status: row.value("messages").map(|_| status(row)).transpose()?,
    })
}

fn status(row: &Fields) -> Result<Status, String> {
    Ok(Status {
        messages: row.number_or("messages", 0)?,
        unseen: row.number_or("unseen", 0)?,
        deleted: row.number_or("deleted", 0)?,
        deleted_storage: row.number_or("deleted-storage", 0)?,
        size: row.number_or("size", 0)?,
        uid_next: Uid(row.number_or("uidnext", 1)?),
        uid_validity: UidValidity(row.number_or("uidvalidity", 1)?),
        highest_modseq: ModSeq(row.number_or("modseq", 1)?),
        mailbox_id: row.value("id").unwrap_or("F1").to_string(),
    })
}

fn selected(head: &Fields, rows: &[Fields]) -> Result<Selected, String> {
    Ok(Selected {
        exists: head.number_or("exists", 0)?,
        first_unseen: head.number("unseen")?.map(SeqNum),
        uid_next: Uid(head.number_or("uidnext", 1)?),
        uid_validity: UidValidity(head.number_or("uidvalidity", 1)?),
        highest_modseq: ModSeq(head.number_or("modseq", 1)?),
        mailbox_id: head.value("id").unwrap_or("F1").to_string(),
        keywords: head.list("keywords").unwrap_or_default(),
        vanished_earlier: head.set("vanished")?,
        changed: flag_rows(rows)?,
    })
}

/// `STORAGE used limit`
fn resource(row: &Fields) -> Result<QuotaResource, String> {
    let name = match row.word(0)? {
        "STORAGE" => "STORAGE",
        "MESSAGE" => "MESSAGE",
        other => return Err(format!("{other:?} is no resource")),
    };
    Ok(QuotaResource { name, usage: number(row.word(1)?)?, limit: number(row.word(2)?)? })
}

/// `copied 38505 304,319:320 to 3956:3958`
fn copied(head: &Fields) -> Result<Answer, String> {
    let uids = match head.words.len() {
        2 => Vec::new(),
        _ => {
            let (from, to) = (set(head.word(2)?)?, set(head.word(4)?)?);
            from.iter().map(Uid).zip(to.iter().map(Uid)).collect()
        }
    };
    let modseq = ModSeq(head.number_or("modseq", 1)?);
    Ok(Answer::Copied { uid_validity: UidValidity(number(head.word(1)?)?), uids, modseq })
}

/// `seq uid=… modseq=… flags=…`
fn flag_rows(rows: &[Fields]) -> Result<Vec<FlagRow>, String> {
    let row = |row: &Fields| {
        Ok(FlagRow {
            seq: SeqNum(number(row.word(0)?)?),
            uid: Uid(row.number_or("uid", 1)?),
            flags: row.flags()?,
            modseq: ModSeq(row.number_or("modseq", 1)?),
        })
    };
    rows.iter().map(row).collect()
}

/// `seq [changed] uid=… modseq=… flags=… [message=name]`
fn fetch_row(row: &Fields, wanted: &FetchItems) -> Result<FetchRow, String> {
    let message = message::load(row.value("message").unwrap_or("plain"))?;
    Ok(FetchRow {
        seq: SeqNum(number(row.word(0)?)?),
        uid: Uid(row.number_or("uid", 1)?),
        flags: row.flags()?,
        flags_changed: row.has("changed"),
        modseq: ModSeq(row.number_or("modseq", 1)?),
        size: message.len() as u64,
        received_at: Timestamp::from_seconds(row.number_or("at", 837_596_665)?),
        saved_at: Timestamp::from_seconds(row.number_or("saved", 837_596_666)?),
        email_id: row.number_or("email", 17)?,
        summary: wanted.envelope.then(|| message::summary(&message)),
        structure: wanted.structure.then(|| message::structure(&message)),
        sections: wanted.sections.iter().map(|s| message::section(&message, s)).collect(),
    })
}

fn changes(head: &Fields, rows: &[Fields]) -> Result<Changes, String> {
    let expunged = head.list("expunged").unwrap_or_default();
    Ok(Changes {
        expunged: expunged.iter().map(|n| number(n).map(SeqNum)).collect::<Result<_, _>>()?,
        vanished: head.set("vanished")?.unwrap_or_default(),
        exists: head.number("exists")?,
        flags: flag_rows(rows)?,
        highest_modseq: ModSeq(head.number_or("modseq", 1)?),
        keywords: head.list("keywords"),
        removed: head.has("removed"),
    })
}

/// `(2) (3 6 (4 23) (44 7 96))`: numbers in brackets answer each other in a chain, and brackets
/// within fork from the number before them.
fn threads(text: &str) -> Result<Vec<Thread>, String> {
    let mut open: Vec<Vec<Thread>> = vec![Vec::new()];
    for token in text.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match token {
            "(" => open.push(Vec::new()),
            ")" => {
                let list = chained(open.pop().unwrap_or_default());
                let is_root = open.len() == 1;
                let around = open.last_mut().ok_or("one bracket too many")?;
                match around.last_mut() {
                    Some(above) if !is_root => above.children.extend(list),
                    _ => around.extend(list),
                }
            }
            token => open
                .last_mut()
                .ok_or("no bracket")?
                .push(Thread { number: number(token)?, children: Vec::new() }),
        }
    }
    open.pop().ok_or("no bracket".to_string())
}

/// A chain as its first message, each of the others below the one before.
fn chained(chain: Vec<Thread>) -> Option<Thread> {
    chain.into_iter().rev().reduce(|below, mut above| {
        above.children.push(below);
        above
    })
}
