//! Wishes about the roads of messages.

use super::Reply;
use crate::moment;
use crate::office::Office;
use crate::progress::{Progress, Tell};
use crate::words::{Words, told};
use core_trace::{Arrival, Attempt, Destination, Event, Filter, Order, Outcome, Traced};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use words_base::Timestamp;

/// A wish about the roads of messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceRequest {
    /// Which messages there were, and what became of them.
    Find {
        /// Which.
        which: TraceWhich,
        /// How many at most, the newest.
        at_most: usize,
        /// In which language it is told.
        language: String,
    },
    /// What happens from now on.
    Follow {
        /// In which language it is told.
        language: String,
        /// For programs?
        json: bool,
    },
}

/// Which messages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TraceWhich {
    /// Its id.
    pub id: Option<String>,
    /// A part of the sender's address.
    pub from: Option<String>,
    /// A part of a recipient's address.
    pub to: Option<String>,
    /// A part of its Message-ID.
    pub message_id: Option<String>,
    /// Since then, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Before then.
    pub until: Option<i64>,
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: TraceRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    match request {
        TraceRequest::Find { which, at_most, language } => {
            let filter = which.filter();
            let traced = find(office, &filter, at_most).await?;
            let words = Words::of(&language);
            let text = match traced.is_empty() {
                true => "no such message has come, or it is forgotten by now".to_string(),
                false => traced.iter().map(|one| whole(one, words)).collect::<Vec<_>>().join("\n"),
            };
            let good = !traced.is_empty();
            let value = Value::Array(traced.iter().map(value).collect());
            Ok(Reply::Report { text, value, good })
        }
        TraceRequest::Follow { language, json } => {
            let (words, mut follow) = (Words::of(&language), office.trace.follow());
            loop {
                let (id, event) = follow.next().await.map_err(|refusal| refusal.to_string())?;
                let lines = match json {
                    true => vec![json!({ "id": id, "event": event_value(&event) }).to_string()],
                    false => event_lines(&id, &event, words),
                };
                for what in lines {
                    tell(Progress { what, done: 0, all: None, unit: String::new() });
                }
            }
        }
    }
}

impl TraceWhich {
    fn filter(&self) -> Filter {
        Filter {
            since: self.since.map(Timestamp::from_millis),
            until: self.until.map(Timestamp::from_millis),
            sender: self.from.clone(),
            recipient: self.to.clone(),
            message_id: self.message_id.clone(),
            id: self.id.clone(),
        }
    }
}

/// The newest that fit, the oldest of them first.
async fn find(office: &Office, filter: &Filter, at_most: usize) -> Result<Vec<Traced>, String> {
    let (mut traced, mut rest) = (Vec::new(), None);
    while traced.len() < at_most {
        let wanted = at_most - traced.len();
        let found = office.trace.find(filter, Order::NewestFirst, rest, wanted).await;
        let found = found.map_err(|refusal| refusal.to_string())?;
        traced.extend(found.traced);
        rest = found.rest;
        if rest.is_none() {
            break;
        }
    }
    traced.truncate(at_most);
    traced.reverse();
    Ok(traced)
}

fn whole(traced: &Traced, words: &Words) -> String {
    let lines = traced.events.iter().flat_map(|event| event_lines(&traced.id, event, words));
    lines.map(|line| line + "\n").collect()
}

/// An event in sentences.
fn event_lines(id: &str, event: &Event, words: &Words) -> Vec<String> {
    match event {
        Event::Arrived(arrival) => arrival_lines(id, arrival, words),
        Event::Attempted(attempt) => attempt_lines(id, attempt, words),
    }
}

fn arrival_lines(id: &str, arrival: &Arrival, words: &Words) -> Vec<String> {
    let at = moment::show_seconds(arrival.at);
    let say = |name: &str, fields: &[(&str, &str)]| {
        format!("{at} {id} {}", told(words.road, name, fields))
    };
    let from = match arrival.reverse_path.as_deref() {
        None | Some("") => "<>",
        Some(path) => path,
    };
    let size = arrival.size.to_string();
    let how = match &arrival.login {
        Some(login) => format!("{} ({login})", arrival.protocol),
        None => arrival.protocol.clone(),
    };
    let tls = arrival.tls.as_deref().unwrap_or("-");
    let fields = [
        ("from", from),
        ("size", size.as_str()),
        ("peer", arrival.peer.as_str()),
        ("helo", arrival.helo.as_str()),
        ("how", how.as_str()),
        ("tls", tls),
    ];
    let mut lines = vec![say("came", &fields)];
    for finding in &arrival.findings {
        let (method, result) = (finding.method.as_str(), finding.result.as_str());
        let fields = [("method", method), ("result", result), ("reason", finding.reason.as_str())];
        lines.push(say("found", &fields));
    }
    if let Some(decision) = &arrival.decision {
        lines.push(say("decided", &[("decision", decision)]));
    }
    if let Some(why) = &arrival.refused {
        lines.push(say("refused", &[("to", "*"), ("why", why)]));
    }
    for line in &arrival.lines {
        let to = line.named.as_str();
        let address = line.address.as_str();
        lines.push(match &line.to {
            Destination::Filed { mailbox, uid, .. } => {
                let (mailbox, uid) = (mailbox.0.to_string(), uid.0.to_string());
                let fields =
                    [("to", to), ("address", address), ("mailbox", &mailbox), ("uid", &uid)];
                say("filed", &fields)
            }
            Destination::Maildir => say("maildir", &[("to", to), ("address", address)]),
            Destination::Queued => say("queued", &[("to", to), ("address", address)]),
            Destination::Refused(why) => say("refused", &[("to", to), ("why", why)]),
        });
    }
    lines
}

fn attempt_lines(id: &str, attempt: &Attempt, words: &Words) -> Vec<String> {
    let at = moment::show_seconds(attempt.at);
    let peer = attempt.peer.as_deref().unwrap_or(&attempt.destination);
    let line = |tried: &core_trace::Tried| {
        let (name, next) = match tried.outcome {
            Outcome::Delivered => ("delivered", None),
            Outcome::Deferred { retry_at } => ("deferred", retry_at),
            Outcome::Failed => ("failed", None),
            Outcome::Operator => ("operator", None),
        };
        let next = next.map_or("-".to_string(), moment::show);
        let to = tried.address.as_str();
        let fields = [("to", to), ("peer", peer), ("words", &tried.words), ("next", &next)];
        format!("{at} {id} {}", told(words.road, name, &fields))
    };
    attempt.tried.iter().map(line).collect()
}

fn value(traced: &Traced) -> Value {
    let events: Vec<Value> = traced.events.iter().map(event_value).collect();
    json!({ "id": traced.id, "events": events, "more": traced.more })
}

fn event_value(event: &Event) -> Value {
    match event {
        Event::Arrived(a) => json!({
            "kind": "arrived",
            "at": a.at.millis(),
            "peer": a.peer,
            "helo": a.helo,
            "protocol": a.protocol,
            "tls": a.tls,
            "login": a.login,
            "from": a.reverse_path,
            "message_id": a.message_id,
            "size": a.size,
            "refused": a.refused,
            "decision": a.decision,
            "findings": a.findings.iter().map(|f| json!({
                "method": f.method, "result": f.result, "reason": f.reason
            })).collect::<Vec<_>>(),
            "recipients": a.lines.iter().map(|l| {
                let (what, mailbox, uid, why) = match &l.to {
                    Destination::Filed { mailbox, uid, .. } => {
                        ("filed", Some(mailbox.0), Some(uid.0), None)
                    }
                    Destination::Maildir => ("maildir", None, None, None),
                    Destination::Queued => ("queued", None, None, None),
                    Destination::Refused(why) => ("refused", None, None, Some(why)),
                };
                json!({
                    "named": l.named, "address": l.address, "what": what,
                    "mailbox": mailbox, "uid": uid, "why": why
                })
            }).collect::<Vec<_>>(),
            "more": a.more,
        }),
        Event::Attempted(a) => json!({
            "kind": "attempted",
            "at": a.at.millis(),
            "destination": a.destination,
            "peer": a.peer,
            "tls": a.tls,
            "recipients": a.tried.iter().map(|t| {
                let (what, retry_at) = match t.outcome {
                    Outcome::Delivered => ("delivered", None),
                    Outcome::Deferred { retry_at } => ("deferred", retry_at),
                    Outcome::Failed => ("failed", None),
                    Outcome::Operator => ("operator", None),
                };
                json!({
                    "address": t.address, "what": what, "words": t.words,
                    "retry_at": retry_at.map(Timestamp::millis)
                })
            }).collect::<Vec<_>>(),
            "more": a.more,
        }),
    }
}
