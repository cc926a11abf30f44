//! What the log calls a session.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds from 1970 to 2026, so that 40 bits last until 2060.
const EPOCH_MILLIS: u64 = 1_767_225_600_000;
/// Bits of the count inside one millisecond.
const COUNT_BITS: u32 = 20;
/// In the order of ASCII, so that ids sort by time.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Names one session in the log: 12 characters, unique in this process, rising with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

static LAST: AtomicU64 = AtomicU64::new(0);

impl SessionId {
    /// One that was never given before.
    pub(crate) fn next() -> SessionId {
        let millis =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
        let first = millis.saturating_sub(EPOCH_MILLIS) << COUNT_BITS;
        let later = |last: u64| Some(first.max(last + 1));
        match LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later) {
            Ok(last) | Err(last) => SessionId(first.max(last + 1)),
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 12];
        for (i, digit) in text.iter_mut().enumerate() {
            *digit = DIGITS[(self.0 >> (5 * (11 - i)) & 31) as usize];
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_also_as_text() {
        let ids: Vec<SessionId> = (0..1000).map(|_| SessionId::next()).collect();
        let texts: Vec<String> = ids.iter().map(SessionId::to_string).collect();
        assert!(ids.is_sorted_by(|a, b| a < b) && texts.is_sorted_by(|a, b| a < b));
        assert!(texts.iter().all(|text| text.len() == 12));
    }
}
