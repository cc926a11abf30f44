//! What strangers write, made fit for a log line.

use std::fmt;
use words_mail::NumberSet;

/// Characters of a text that the log shows.
const CHARS_MAX: usize = 64;
/// Ranges of a set that the log shows.
const RANGES_MAX: usize = 20;

/// A text, without control characters and not too long.
pub(crate) struct Logged<'a>(pub &'a str);

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(CHARS_MAX) {
            write!(f, "{}", c.escape_debug())?;
        }
        if chars.next().is_some() {
            f.write_str("…")?;
        }
        Ok(())
    }
}

/// A set of numbers, not too long.
pub(crate) struct LoggedSet<'a>(pub &'a NumberSet);

impl fmt::Display for LoggedSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = self.0.ranges();
        let mut shown = NumberSet::new();
        for (first, last) in ranges.iter().take(RANGES_MAX) {
            shown.insert_range(*first, *last);
        }
        let rest = if ranges.len() > RANGES_MAX { ",…" } else { "" };
        write!(f, "{shown}{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_cannot_forge_a_log_line() {
        let name = format!("ana\r\n\u{1b}[31m{}", "x".repeat(100));
        let logged = Logged(&name).to_string();
        assert!(logged.starts_with("ana\\r\\n\\u{1b}[31mxx") && logged.ends_with("xx…"));
        assert!(!logged.chars().any(char::is_control) && logged.len() < 100);
    }

    #[test]
    fn a_set_of_many_ranges_does_not_fill_the_log() {
        let set: NumberSet = (0..10_000).map(|n| 1 + 2 * n).collect();
        let logged = LoggedSet(&set).to_string();
        assert!(logged.starts_with("1,3,5,") && logged.ends_with("37,39,…"), "{logged}");
        assert_eq!(LoggedSet(&NumberSet::from_range(1, 9)).to_string(), "1:9");
    }
}
