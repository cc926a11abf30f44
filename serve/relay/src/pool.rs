//! Connections that wait for the next message to the same destination.

use crate::line::Line;
use std::collections::HashMap;
use std::time::Duration;
use words_base::Timestamp;

/// What a connection is good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PoolKey {
    /// The route's name, or the domain.
    pub destination: String,
    /// Has it the TLS that REQUIRETLS wants?
    pub certain: bool,
}

/// Idle connections, the one used last on top.
#[derive(Default)]
pub struct Pool {
    lines: HashMap<PoolKey, Vec<Line>>,
    count: usize,
}

impl Pool {
    /// A connection that is good for `key`.
    pub fn take(&mut self, key: &PoolKey) -> Option<Line> {
        let lines = self.lines.get_mut(key)?;
        let line = lines.pop();
        if lines.is_empty() {
            self.lines.remove(key);
        }
        self.count -= usize::from(line.is_some());
        line
    }

    /// Keeps `line`; gives it back if there are too many.
    pub fn put(&mut self, key: PoolKey, line: Line, count_max: usize) -> Option<Line> {
        if self.count >= count_max {
            return Some(line);
        }
        self.count += 1;
        self.lines.entry(key).or_default().push(line);
        None
    }

    /// Those that have waited for `idle_max` by now; they are not kept any more.
    pub fn expired(&mut self, now: Timestamp, idle_max: Duration) -> Vec<Line> {
        let mut expired = Vec::new();
        for lines in self.lines.values_mut() {
            let old = lines.iter().take_while(|line| now.since(line.idle_since) >= idle_max);
            let count = old.count();
            expired.extend(lines.drain(..count));
        }
        self.lines.retain(|_, lines| !lines.is_empty());
        self.count -= expired.len();
        expired
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }
}
