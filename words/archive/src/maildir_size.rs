//! `maildirsize`: how much a Maildir++ may hold and holds. The first line is the quota, as in
//! `5000000S,1000C`; each further one is a change, `octets messages`, and their sum is what is there.

use std::fmt;

/// How much a Maildir++ may hold. `None` is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaildirQuota {
    /// Octets of files.
    pub bytes: Option<u64>,
    /// Files.
    pub messages: Option<u64>,
}

/// A `maildirsize` file, read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaildirSize {
    /// What it may hold.
    pub quota: MaildirQuota,
    /// What it holds: octets of files,
    pub bytes: i64,
    /// and files.
    pub messages: i64,
    /// How many changes make that up.
    pub changes: usize,
}

impl MaildirQuota {
    /// Reads the first line.
    pub fn parse(line: &str) -> Option<MaildirQuota> {
        let mut quota = MaildirQuota::default();
        for part in line.trim().split(',').filter(|part| !part.is_empty()) {
            let unit = part.chars().next_back()?;
            // 0 is no limit.
            let number = Some(part.strip_suffix(unit)?.parse().ok()?).filter(|number| *number > 0);
            match unit {
                'S' => quota.bytes = number,
                'C' => quota.messages = number,
                _ => return None,
            }
        }
        Some(quota)
    }
}

impl fmt::Display for MaildirQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.bytes, 'S'), (self.messages, 'C')];
        let mut comma = "";
        for (number, unit) in parts.into_iter().filter_map(|(n, unit)| Some((n?, unit))) {
            write!(f, "{comma}{number}{unit}")?;
            comma = ",";
        }
        Ok(())
    }
}

impl MaildirSize {
    /// Reads a file. `None`: it makes no sense and is to be made anew.
    pub fn parse(text: &str) -> Option<MaildirSize> {
        let mut lines = text.lines();
        let quota = MaildirQuota::parse(lines.next()?)?;
        let mut size = MaildirSize { quota, ..MaildirSize::default() };
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let mut numbers = line.split_ascii_whitespace();
            let (bytes, messages) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
            size.bytes = size.bytes.checked_add(bytes)?;
            size.messages = size.messages.checked_add(messages)?;
            size.changes += 1;
        }
        Some(size)
    }

    /// Is there room for one more file of so many octets?
    pub fn has_room(&self, bytes: u64) -> bool {
        let within = |max: Option<u64>, now: i64, more: u64| {
            max.is_none_or(|max| u64::try_from(now).unwrap_or(0).saturating_add(more) <= max)
        };
        within(self.quota.bytes, self.bytes, bytes) && within(self.quota.messages, self.messages, 1)
    }

    /// The line that says that one more file came, of so many octets.
    pub fn arrival(bytes: u64) -> String {
        format!("{bytes} 1\n")
    }
}

/// The file with one change that makes up all of it.
impl fmt::Display for MaildirSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{} {}\n", self.quota, self.bytes, self.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_all_changes_is_what_is_there() {
        let text = "5000S,3C\n1000 1\n  500 1 \n\n-200 -1\n";
        let size = MaildirSize::parse(text).unwrap();
        let quota = MaildirQuota { bytes: Some(5000), messages: Some(3) };
        assert_eq!(size, MaildirSize { quota, bytes: 1300, messages: 1, changes: 3 });
        assert_eq!(size.to_string(), "5000S,3C\n1300 1\n");
        assert!(size.has_room(3700) && !size.has_room(3701));
        assert!(!MaildirSize { messages: 3, ..size }.has_room(1));
        assert_eq!(MaildirSize::arrival(7), "7 1\n");
    }

    #[test]
    fn quotas_are_read_as_they_are_written() {
        for (line, bytes, messages, shown) in [
            ("100S", Some(100), None, "100S"),
            ("7C", None, Some(7), "7C"),
            ("7C,100S", Some(100), Some(7), "100S,7C"),
            ("0S,7C", None, Some(7), "7C"),
            ("", None, None, ""),
        ] {
            let quota = MaildirQuota::parse(line).unwrap();
            assert_eq!(quota, MaildirQuota { bytes, messages }, "{line}");
            assert_eq!(quota.to_string(), shown);
        }
        for text in ["", "x\n", "100\n", "100Z\n", "100S\nx 1\n", "100S\n5\n", "1é"] {
            assert_eq!(MaildirSize::parse(text), None, "{text:?}");
        }
        let huge = format!("9S\n{0} 1\n{0} 1\n", i64::MAX);
        assert_eq!(MaildirSize::parse(&huge), None);
    }
}
