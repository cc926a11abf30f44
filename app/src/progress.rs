//! How far a long job is: told by whoever does it, shown on the operator's terminal.

use serde::{Deserialize, Serialize};
use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often a terminal is written to.
const INTERVAL: Duration = Duration::from_millis(200);

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Progress {
    /// What is done just now, as in `INBOX`.
    pub what: String,
    /// Units done,
    pub done: u64,
    /// and how many there will be, if that is known.
    pub all: Option<u64>,
    /// Of what, as in `messages`.
    pub unit: String,
}

/// Takes what a job tells. Cheap to call often.
pub type Tell = Arc<dyn Fn(Progress) + Send + Sync>;

/// Shows it in one line of standard error, if that is a terminal, with rate and time left.
pub fn on_terminal() -> Tell {
    if !stderr().is_terminal() {
        return Arc::new(|_| {});
    }
    let began = Instant::now();
    let shown = Mutex::new(None::<Instant>);
    Arc::new(move |progress| {
        let now = Instant::now();
        let Ok(mut shown) = shown.lock() else { return };
        let last = progress.all == Some(progress.done);
        if !last && shown.is_some_and(|shown| now - shown < INTERVAL) {
            return;
        }
        *shown = Some(now);
        let line = line(&progress, now - began);
        // The rest of a longer line before it is wiped out. A terminal that is gone is no fault.
        let _ = write!(stderr(), "\r{line}\x1b[K{}", if last { "\n" } else { "" });
    })
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let Progress { what, done, all, unit } = progress;
    let rate = *done as f64 / elapsed.as_secs_f64().max(0.001);
    let mut line = format!("{what}: {done}");
    if let Some(all) = all {
        line += &format!(" of {all}");
    }
    line += &format!(" {unit}, {rate:.0}/s");
    match all {
        Some(all) if rate > 0.0 && all > done => {
            let left = ((all - done) as f64 / rate).ceil() as u64;
            line += &format!(", {}:{:02} left", left / 60, left % 60);
        }
        _ => {}
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_rate_and_time_left() {
        let progress = Progress {
            what: "INBOX".to_string(),
            done: 1000,
            all: Some(4000),
            unit: "messages".to_string(),
        };
        let text = line(&progress, Duration::from_secs(25));
        assert_eq!(text, "INBOX: 1000 of 4000 messages, 40/s, 1:15 left");
        let text = line(&Progress { all: None, ..progress }, Duration::from_secs(10));
        assert_eq!(text, "INBOX: 1000 messages, 100/s");
    }
}
