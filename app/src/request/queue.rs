//! Wishes about what waits to leave.

use super::{PAGE, Reply};
use crate::office::Office;
use crate::{moment, print, size};
use core_queue::{
    Change, Destination, DestinationCount, Filter, LastWords, Listed, RowState, Said,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tracing::info;
use words_base::Timestamp;

/// Octets of a peer's words in a list; all of them are in `queue show`.
const WORDS_SHOWN: usize = 60;

/// A wish about what waits to leave.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueRequest {
    /// Who waits.
    List {
        /// Which.
        which: QueueWhich,
        /// How many at most.
        at_most: usize,
    },
    /// What waits for each destination.
    Summary,
    /// One message.
    Show {
        /// Its id.
        id: String,
    },
    /// Something happens to them.
    Change {
        /// To which.
        which: QueueWhich,
        /// What.
        action: QueueAction,
    },
}

/// Which recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueWhich {
    /// The message's id.
    pub id: Option<String>,
    /// A part of the recipient's address.
    pub to: Option<String>,
    /// A part of the sender's.
    pub from: Option<String>,
    /// The recipient's domain.
    pub domain: Option<String>,
    /// Queued before this, in milliseconds since 1970.
    pub before: Option<i64>,
}

/// What is done to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueAction {
    /// They wait until they are released.
    Hold,
    /// They wait no more.
    Release,
    /// They are tried now.
    Retry,
    /// They are removed without a word.
    Delete,
    /// They are given up, with a report.
    Bounce,
    /// They go this way from now on.
    Reroute {
        /// A server, perhaps with a port.
        via: String,
    },
}

/// Does it.
pub(super) async fn fulfil(office: &Office, request: QueueRequest) -> Result<Reply, String> {
    match request {
        QueueRequest::List { which, at_most } => {
            let rows = rows(office, &which.filter(), at_most).await?;
            let text = if rows.is_empty() { "nothing waits".to_string() } else { list(&rows) };
            let value = rows.iter().map(value).collect();
            Ok(Reply::Report { text, value: Value::Array(value), good: true })
        }
        QueueRequest::Summary => summary(office).await,
        QueueRequest::Show { id } => {
            let filter = Filter { id: Some(id.clone()), ..Filter::default() };
            let rows = rows(office, &filter, usize::MAX).await?;
            if rows.is_empty() {
                return Err(format!(
                    "no message {id} waits; estafeta trace {id} tells of its road"
                ));
            }
            let value = rows.iter().map(value).collect();
            Ok(Reply::Report { text: whole(&rows), value: Value::Array(value), good: true })
        }
        QueueRequest::Change { which, action } => change(office, &which, &action).await,
    }
}

impl QueueWhich {
    fn filter(&self) -> Filter {
        Filter {
            id: self.id.clone(),
            to: self.to.clone(),
            from: self.from.clone(),
            domain: self.domain.clone(),
            before: self.before.map(Timestamp::from_millis),
            ..Filter::default()
        }
    }
}

async fn rows(office: &Office, filter: &Filter, at_most: usize) -> Result<Vec<Listed>, String> {
    let (mut rows, mut from) = (Vec::new(), None);
    while rows.len() < at_most {
        let page =
            office.queue.list(filter, from, PAGE).await.map_err(|error| error.to_string())?;
        rows.extend(page.rows);
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    rows.truncate(at_most);
    Ok(rows)
}

async fn summary(office: &Office) -> Result<Reply, String> {
    let (mut all, mut from) = (BTreeMap::<String, DestinationCount>::new(), None);
    loop {
        let page = office.queue.statistics(from).await.map_err(|error| error.to_string())?;
        for count in page.destinations {
            let name = count.destination.to_string();
            match all.get_mut(&name) {
                None => drop(all.insert(name, count)),
                Some(before) => {
                    before.waiting += count.waiting;
                    before.held += count.held;
                    before.oldest = [before.oldest, count.oldest].into_iter().flatten().min();
                }
            }
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let row = |count: &DestinationCount| {
        let (until, why) = match &count.paused {
            Some((until, said)) => (moment::show(*until), short(&said.text)),
            None => ("-".to_string(), "-".to_string()),
        };
        let oldest = count.oldest.map_or("-".to_string(), moment::show);
        let name = count.destination.to_string();
        vec![name, count.waiting.to_string(), count.held.to_string(), oldest, until, why]
    };
    let header = ["DESTINATION", "WAITING", "ON HOLD", "OLDEST", "PAUSED UNTIL", "BECAUSE"];
    let text = match all.is_empty() {
        true => "nothing waits".to_string(),
        false => print::table(&header, all.values().map(row).collect()),
    };
    let value = all.values().map(|count| {
        json!({
            "destination": count.destination.to_string(),
            "waiting": count.waiting,
            "held": count.held,
            "oldest": count.oldest.map(Timestamp::millis),
            "jobs": count.jobs,
            "paused_until": count.paused.as_ref().map(|(until, _)| until.millis()),
            "because": count.paused.as_ref().map(|(_, said)| words(said)),
        })
    });
    Ok(Reply::Report { text, value: Value::Array(value.collect()), good: true })
}

async fn change(
    office: &Office,
    which: &QueueWhich,
    action: &QueueAction,
) -> Result<Reply, String> {
    let (change, done) = match action {
        QueueAction::Hold => (Change::Hold, "put on hold"),
        QueueAction::Release => (Change::Release, "released"),
        QueueAction::Retry => (Change::Retry, "due now"),
        QueueAction::Delete => (Change::Delete, "deleted"),
        QueueAction::Bounce => (Change::Bounce, "given up"),
        QueueAction::Reroute { via } => {
            (Change::Reroute(Destination::Route(via.clone())), "rerouted")
        }
    };
    let now = office.world.clock.now();
    let (filter, mut from, mut changed, mut busy) = (which.filter(), None, 0, 0);
    loop {
        let page = office.queue.change(&filter, &change, from, now).await;
        let page = page.map_err(|error| error.to_string())?;
        changed += page.changed;
        busy += page.busy;
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    info!(recipients = changed, "{done} by an operator");
    let mut text = match changed {
        0 if busy == 0 => "nothing that waits fits".to_string(),
        1 => format!("1 recipient {done}"),
        many => format!("{many} recipients {done}"),
    };
    if busy > 0 {
        text += &format!("; {busy} left alone, being tried at this moment");
    }
    Ok(Reply::Report { text, value: json!({ "changed": changed, "busy": busy }), good: true })
}

fn list(rows: &[Listed]) -> String {
    let row = |row: &Listed| {
        let (state, next) = state(row);
        let last = row.last.as_ref().map_or("-".to_string(), |last| short(&words(&last.said)));
        vec![
            row.id.clone(),
            sender(row),
            row.address.to_string(),
            size::round(row.size),
            moment::show(row.queued_at),
            row.attempts.to_string(),
            next.map_or(state.to_string(), moment::show),
            last,
        ]
    };
    let header = ["ID", "FROM", "TO", "SIZE", "QUEUED", "TRIED", "NEXT", "LAST WORDS"];
    print::table(&header, rows.iter().map(row).collect())
}

fn whole(rows: &[Listed]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let mut text = format!(
        "message    {}\nfrom       {}\nsize       {}\nqueued     {}\n",
        first.id,
        sender(first),
        size::round(first.size),
        moment::show(first.queued_at),
    );
    for row in rows {
        let (state, next) = state(row);
        let next = next.map(|at| format!(", not before {}", moment::show(at))).unwrap_or_default();
        text += &format!(
            "\nto         {}\nby way of  {}\nattempts   {}\nstate      {state}{next}\n",
            row.address, row.destination, row.attempts
        );
        if let Some(LastWords { at, said }) = &row.last {
            text += &format!("last words {} ({})\n", words(said), moment::show(*at));
        }
    }
    text
}

fn value(row: &Listed) -> Value {
    let (state, next) = state(row);
    json!({
        "id": row.id,
        "from": sender(row),
        "to": row.address.to_string(),
        "destination": row.destination.to_string(),
        "size": row.size,
        "queued_at": row.queued_at.millis(),
        "attempts": row.attempts,
        "state": state,
        "next_at": next.map(Timestamp::millis),
        "last_at": row.last.as_ref().map(|last| last.at.millis()),
        "last_words": row.last.as_ref().map(|last| words(&last.said)),
    })
}

fn state(row: &Listed) -> (&'static str, Option<Timestamp>) {
    match row.state {
        RowState::Underway => ("under way", None),
        RowState::Waiting { next_at } => ("waiting", Some(next_at)),
        RowState::Paused { until } => ("destination paused", Some(until)),
        RowState::Held => ("on hold", None),
    }
}

fn sender(row: &Listed) -> String {
    row.reverse_path.0.as_ref().map_or("<>".to_string(), ToString::to_string)
}

/// What was said, and by whom.
fn words(said: &Said) -> String {
    let code = said.code.map(|code| format!("{code} ")).unwrap_or_default();
    let by = said.by.as_ref().map(|by| format!("{by}: ")).unwrap_or_default();
    format!("{by}{code}{}", said.text)
}

fn short(text: &str) -> String {
    match text.len() > WORDS_SHOWN {
        true => format!("{}…", &text[..text.floor_char_boundary(WORDS_SHOWN)]),
        false => text.to_string(),
    }
}
