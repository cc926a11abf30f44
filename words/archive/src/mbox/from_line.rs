//! `From ana@mired.org Tue Nov 24 08:29:44 2026`.

use std::fmt;
use words_base::Timestamp;
use words_message::DateTime;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Most words of a sender; some hold spaces.
const SENDER_WORDS_MAX: usize = 5;
/// Longest line that is looked at.
const LINE_MAX: usize = 1000;

/// The line in front of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromLine {
    /// Who sent it, as the line has it.
    pub sender: String,
    /// When it came. Without a zone it is UTC (RFC 4155).
    pub at: Timestamp,
}

impl FromLine {
    /// Reads a line, with or without its end. `None`: an ordinary line, however it begins; one that
    /// begins a message has a date with a day of the week in front.
    ///
    /// ```
    /// # use words_archive::mbox::FromLine;
    /// assert!(FromLine::parse(b"From ana@x.org Tue Nov 24 08:29:44 2026\n").is_some());
    /// assert!(FromLine::parse(b"From here to eternity\n").is_none());
    /// ```
    pub fn parse(line: &[u8]) -> Option<FromLine> {
        let rest = line.strip_prefix(b"From ").filter(|rest| rest.len() <= LINE_MAX)?;
        let text = String::from_utf8_lossy(rest.trim_ascii_end());
        let mut at = 0;
        for _ in 0..=SENDER_WORDS_MAX {
            let (sender, date) = text.split_at(at);
            if let Some(date) = parse_date(date) {
                return Some(FromLine { sender: sender.trim().to_string(), at: date });
            }
            at += text[at..].find(' ')? + 1;
        }
        None
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim_start();
    let weekday = text.get(..3)?;
    let is_one = WEEKDAYS.iter().any(|day| weekday.eq_ignore_ascii_case(day));
    if !is_one || !text.get(3..)?.starts_with([' ', ',']) {
        return None;
    }
    DateTime::parse_field(text.as_bytes()).map(|date| date.at)
}

/// As it is written, without its line end; a sender with spaces or none is replaced.
impl fmt::Display for FromLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = !self.sender.is_empty() && self.sender.bytes().all(|b| b.is_ascii_graphic());
        let sender = if fits { &self.sender } else { "MAILER-DAEMON" };
        // `Tue, 24 Nov 2026 08:29:44 +0000`, in another order.
        let field = DateTime::utc(self.at).to_field();
        let words: Vec<&str> = field.split([' ', ',']).filter(|w| !w.is_empty()).collect();
        let [weekday, day, month, year, time, _] = words[..] else {
            return f.write_str("From MAILER-DAEMON Thu Jan  1 00:00:00 1970");
        };
        write!(f, "From {sender} {weekday} {month} {day:>2} {time} {year}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_both_ways() {
        for text in [
            "From ana@mired.org Tue Nov 24 08:29:44 2026",
            "From MAILER-DAEMON Thu Jan  1 00:00:00 1970",
            "From x Fri Dec 31 23:59:59 9999",
        ] {
            let line = FromLine::parse(text.as_bytes()).unwrap();
            assert_eq!(line.to_string(), text);
        }
        let odd = FromLine { sender: "a b".to_string(), at: Timestamp::default() };
        assert_eq!(odd.to_string(), "From MAILER-DAEMON Thu Jan  1 00:00:00 1970");
    }

    #[test]
    fn lines_of_the_wild_are_read() {
        for (text, sender, seconds) in [
            ("From - Tue Nov 24 08:29:44 2026\r\n", "-", 1795508984),
            ("From a@x Tue Nov 24 08:29 2026", "a@x", 1795508940),
            ("From a@x Tue Nov 24 09:29:44 +0100 2026", "a@x", 1795508984),
            ("From a@x Tue Nov 24 09:29:44 2026 +0100", "a@x", 1795508984),
            ("From \"a b\"@x  Tue, 24 Nov 2026 08:29:44 GMT", "\"a b\"@x", 1795508984),
            ("From Tue Nov 24 08:29:44 2026", "", 1795508984),
        ] {
            let line = FromLine::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((line.sender.as_str(), line.at.seconds()), (sender, seconds), "{text}");
        }
    }

    #[test]
    fn other_lines_begin_no_message() {
        for text in [
            "From: ana@mired.org",
            "From me to you",
            "From Monday 24 Nov 2026 08:29:44 on",
            "From a@x 24 Nov 2026 08:29:44",
            "From a@x Tue Nov 24",
            ">From a@x Tue Nov 24 08:29:44 2026",
            "From ",
            "from a@x Tue Nov 24 08:29:44 2026",
        ] {
            assert_eq!(FromLine::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(FromLine::parse(&[b"From ".as_slice(), &[0xff; 2000]].concat()), None);
    }
}
