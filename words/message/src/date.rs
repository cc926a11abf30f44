//! Dates as mail writes them: RFC 5322 §3.3 and §4.3, and IMAP's own two forms (RFC 9051 §9
//! `date-time` and `date`). Calendar arithmetic is in [`crate::civil`].

use crate::civil::{self, Date};
use std::io::Write;
use words_base::Timestamp;

/// Octets of a `Date` field that are looked at; no date worth reading is longer.
pub const DATE_TEXT_MAX: usize = 256;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment, and the zone of the clock it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// The moment.
    pub at: Timestamp,
    /// Minutes east of Greenwich, less than 24 hours either way.
    pub zone_minutes: i16,
}

impl DateTime {
    /// A moment told in UTC.
    pub fn utc(at: Timestamp) -> DateTime {
        DateTime { at, zone_minutes: 0 }
    }

    /// Reads the value of a `Date` field (RFC 5322 §3.3), obsolete forms, comments, missing
    /// weekday, seconds or zone, and `ctime` order included. `None` if no moment can be made of it.
    pub fn parse_field(value: &[u8]) -> Option<DateTime> {
        let mut found = Found::default();
        let value = &value[..value.len().min(DATE_TEXT_MAX)];
        for_each_token(value, |token| found.take(token));
        found.finish()
    }

    /// Reads an IMAP `date-time` (RFC 9051 §9), with or without its quotes.
    pub fn parse_internal(text: &[u8]) -> Option<DateTime> {
        let text = unquote(text);
        let mut words = text.trim_ascii_start().split(|b| *b == b' ');
        let date = parse_date_words(words.next()?)?;
        let (seconds, rest) = parse_clock(words.next()?)?;
        let zone_minutes = parse_numeric_zone(words.next()?)?;
        if !rest.is_empty() || words.next().is_some() {
            return None;
        }
        Some(DateTime::from_parts(date, seconds, zone_minutes))
    }

    fn from_parts(date: Date, seconds: u32, zone_minutes: i16) -> DateTime {
        let local = date.days() * civil::DAY_SECONDS + i64::from(seconds);
        let at = Timestamp::from_seconds(local - i64::from(zone_minutes) * 60);
        DateTime { at, zone_minutes }
    }

    /// Seconds since the epoch as the clock on that wall showed them.
    fn local_seconds(self) -> i64 {
        self.at.seconds().saturating_add(i64::from(self.zone_minutes) * 60)
    }

    /// The day on the calendar beside that clock: what SEARCH ON and SENTON compare
    /// ("disregarding time and timezone", RFC 9051 §6.4.4).
    pub fn date(self) -> Date {
        Date::from_days(self.local_seconds().div_euclid(civil::DAY_SECONDS))
    }

    /// Hours, minutes and seconds on that clock.
    fn clock(self) -> (i64, i64, i64) {
        let seconds = self.local_seconds().rem_euclid(civil::DAY_SECONDS);
        (seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    fn zone(self) -> (char, i32, i32) {
        let minutes = i32::from(self.zone_minutes);
        let sign = if minutes < 0 { '-' } else { '+' };
        (sign, minutes.abs() / 60, minutes.abs() % 60)
    }

    /// As RFC 5322 §3.3 writes it: `Tue, 24 Nov 2026 08:29:44 +0000`.
    pub fn to_field(self) -> String {
        let date = self.date();
        let weekday = WEEKDAYS[date.weekday()];
        let month = MONTHS[date.month_index()];
        let (year, day) = (date.year(), date.day());
        let ((hour, minute, second), (sign, zone_hours, zone_minutes)) =
            (self.clock(), self.zone());
        format!(
            "{weekday}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} \
             {sign}{zone_hours:02}{zone_minutes:02}"
        )
    }

    /// Appends it as IMAP writes it, quotes included: `"24-Nov-2026 08:29:44 +0000"`. A day of
    /// one digit has a space before it (RFC 9051 §9 `date-day-fixed`).
    pub fn write_internal(self, out: &mut Vec<u8>) {
        let date = self.date();
        let month = MONTHS[date.month_index()];
        let (year, day) = (date.year(), date.day());
        let ((hour, minute, second), (sign, zone_hours, zone_minutes)) =
            (self.clock(), self.zone());
        // Writing to a vector cannot fail.
        let _ = write!(
            out,
            "\"{day:2}-{month}-{year:04} {hour:02}:{minute:02}:{second:02} \
             {sign}{zone_hours:02}{zone_minutes:02}\""
        );
    }
}

/// Reads an IMAP `date` (RFC 9051 §9), `24-Nov-2026`, with or without quotes.
pub fn parse_date(text: &[u8]) -> Option<Date> {
    parse_date_words(unquote(text))
}

fn unquote(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text)
}

/// `day-month-year`.
fn parse_date_words(text: &[u8]) -> Option<Date> {
    let mut words = text.split(|b| *b == b'-');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || year.len() != 4 || day.len() > 2 || month.len() != 3 {
        return None;
    }
    Date::new(number(year)?.try_into().ok()?, month_of(month)?, number(day)?.try_into().ok()?)
}

/// The number a run of at most nine digits writes.
fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, d| sum * 10 + u32::from(d - b'0')))
}

/// 1 to 12, by the first three letters.
fn month_of(word: &[u8]) -> Option<u8> {
    let word = word.get(..3)?;
    let index = MONTHS.iter().position(|m| m.as_bytes().eq_ignore_ascii_case(word))?;
    Some(index as u8 + 1)
}

/// `hh:mm` or `hh:mm:ss`, to seconds of the day, and what follows the digits. A leap second
/// (`:60`) is the first second of the next minute.
fn parse_clock(text: &[u8]) -> Option<(u32, &[u8])> {
    let (hour, rest) = leading_number(text)?;
    let (minute, rest) = leading_number(rest.strip_prefix(b":")?)?;
    let (second, rest) = match rest.strip_prefix(b":") {
        Some(rest) => leading_number(rest)?,
        None => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second, rest))
}

/// A number of one or two digits, and what follows it.
fn leading_number(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    Some((number(digits)?, rest))
}

/// `+hhmm` or `-hhmm`, in minutes.
fn parse_numeric_zone(text: &[u8]) -> Option<i16> {
    let (sign, digits) = match text {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let digits = number(digits).filter(|_| digits.len() == 4)?;
    let (hours, minutes) = (digits / 100, digits % 100);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(sign * (hours * 60 + minutes) as i16)
}

/// The zones that RFC 5322 §4.3 names, in minutes. Every other name, the military letters
/// included, means nothing certain and is read as `-0000`, as that section advises.
fn parse_named_zone(word: &[u8]) -> i16 {
    const NAMED: [(&str, i16); 8] = [
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("CDT", -5),
        ("MST", -7),
        ("MDT", -6),
        ("PST", -8),
        ("PDT", -7),
    ];
    let named = NAMED.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word));
    named.map_or(0, |(_, hours)| hours * 60)
}

/// Calls `take` with each word of `value`: what stands between blanks, commas and comments.
fn for_each_token<'a>(value: &'a [u8], mut take: impl FnMut(&'a [u8])) {
    let (mut depth, mut start) = (0_u32, None);
    for (at, byte) in value.iter().enumerate() {
        let separates = depth > 0 || matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'(');
        if !separates {
            start.get_or_insert(at);
        } else if let Some(start) = start.take() {
            take(&value[start..at]);
        }
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if let Some(start) = start {
        take(&value[start..]);
    }
}

/// What the words of a `Date` field have told so far.
#[derive(Default)]
struct Found {
    day: Option<u8>,
    month: Option<u8>,
    year: Option<u16>,
    seconds: Option<u32>,
    zone_minutes: Option<i16>,
}

impl Found {
    fn take(&mut self, token: &[u8]) {
        if token.contains(&b':') {
            self.take_clock(token);
        } else if matches!(token, [b'+' | b'-', ..]) {
            self.zone_minutes = self.zone_minutes.or(parse_numeric_zone(token));
        } else {
            // `24-Nov-2026` is seen in the wild.
            token.split(|b| *b == b'-').for_each(|word| self.take_word(word));
        }
    }

    fn take_clock(&mut self, token: &[u8]) {
        if self.seconds.is_some() {
            return;
        }
        if let Some((seconds, rest)) = parse_clock(token) {
            self.seconds = Some(seconds);
            // A zone that touches the clock: `08:29:44+0100`, `08:29:44.123Z`.
            let zone = rest.iter().position(|b| matches!(b, b'+' | b'-'));
            self.zone_minutes = zone.and_then(|at| parse_numeric_zone(&rest[at..]));
        }
    }

    fn take_word(&mut self, word: &[u8]) {
        match number(word) {
            Some(n) if self.day.is_none() && word.len() <= 2 => self.day = Some(n as u8),
            Some(n) if self.year.is_none() => self.year = full_year(n, word.len()),
            Some(_) => {}
            None if self.month.is_none() && month_of(word).is_some() => self.month = month_of(word),
            None if self.seconds.is_some() => self.take_zone_name(word),
            // A weekday, or a word nobody needs.
            None => {}
        }
    }

    fn take_zone_name(&mut self, word: &[u8]) {
        if self.zone_minutes.is_some() || word.is_empty() {
            return;
        }
        // `GMT+0100` is seen in the wild; the number is what was meant.
        let sign = word.iter().position(|b| *b == b'+');
        let numeric = sign.and_then(|at| parse_numeric_zone(&word[at..]));
        self.zone_minutes = Some(numeric.unwrap_or_else(|| parse_named_zone(word)));
    }

    fn finish(self) -> Option<DateTime> {
        let date = Date::new(self.year?, self.month?, self.day?)?;
        Some(DateTime::from_parts(date, self.seconds?, self.zone_minutes.unwrap_or(0)))
    }
}

/// The year that so many digits mean (RFC 5322 §4.3).
fn full_year(year: u32, digits: usize) -> Option<u16> {
    let year = match digits {
        1 | 2 if year < 50 => year + 2000,
        1..=3 => year + 1900,
        _ => year,
    };
    u16::try_from(year).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: &str) {
        let date = DateTime::parse_field(text.as_bytes());
        assert_eq!(date.map(DateTime::to_field).as_deref(), Some(printed), "{text}");
    }

    #[test]
    fn dates_of_the_wild_are_read() {
        check("Tue, 24 Nov 2026 08:29:44 +0000", "Tue, 24 Nov 2026 08:29:44 +0000");
        check("Fri, 21 Nov 1997 09:55:06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600");
        check("24 Nov 2026 08:29 +0130", "Tue, 24 Nov 2026 08:29:00 +0130");
        check("21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000");
        check("21 Nov 49 09:55:06 PDT", "Sun, 21 Nov 2049 09:55:06 -0700");
        check("21 Nov 126 09:55:06 EST", "Sat, 21 Nov 2026 09:55:06 -0500");
        check("Tue,24 nov 2026 08:29:44 Z", "Tue, 24 Nov 2026 08:29:44 +0000");
        check("Tue Nov 24 08:29:44 2026", "Tue, 24 Nov 2026 08:29:44 +0000");
        check("24-Nov-2026 08:29:44-0300", "Tue, 24 Nov 2026 08:29:44 -0300");
        check(
            "Tue (a (b)), 24\r\n November 2026 08:29:44 GMT+0200",
            "Tue, 24 Nov 2026 08:29:44 +0200",
        );
        check("31 Dec 2016 23:59:60 +0000 (UTC)", "Sun, 1 Jan 2017 00:00:00 +0000");
        check("1 Jan 0000 00:00:00 +0000", "Sat, 1 Jan 0000 00:00:00 +0000");
        check("31 Dec 9999 23:59:59 -2359", "Fri, 31 Dec 9999 23:59:59 -2359");
        check("29 Feb 2024 00:00:00 QQQ", "Thu, 29 Feb 2024 00:00:00 +0000");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "now",
            "24 Nov",
            "32 Nov 2026 08:29:44",
            "0 Nov 2026 08:29:44",
            "29 Feb 2023 00:00",
            "24 Nov 2026 24:00:00",
            "24 Nov 2026 08:60",
            "24 Nov 2026 08:29:61",
            "24 Nov 20266 08",
            "24 Nov 2026",
            "99999999999 Nov 2026 1:1:1",
            "24 Nov 70000 1:1:1",
            "\0",
            "((((",
        ] {
            assert_eq!(DateTime::parse_field(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn internal_dates_read_back() {
        for text in [
            "\"24-Nov-2026 08:29:44 +0000\"",
            "\" 1-Jan-1970 00:00:00 -1200\"",
            "\"31-Dec-9999 23:59:59 +1400\"",
            "\"29-Feb-0000 12:00:00 +0000\"",
        ] {
            let date = DateTime::parse_internal(text.as_bytes()).unwrap();
            let mut out = Vec::new();
            date.write_internal(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
            assert_eq!(DateTime::parse_field(date.to_field().as_bytes()), Some(date), "{text}");
        }
    }

    #[test]
    fn a_wrong_internal_date_is_none() {
        for text in [
            "",
            "\"24-Nov-2026\"",
            "24-Nov-2026 08:29:44",
            "24-Nov-26 08:29:44 +0000",
            "24-Nov-2026 08:29:44 +000",
            "31-Nov-2026 08:29:44 +0000",
            "24-Nov-2026 08:29:44x +0000",
            "24-Nov-2026 08:29:44 +0000 x",
            "24-Nov-2026 08:29:44 +2400",
        ] {
            assert_eq!(DateTime::parse_internal(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_search_date_is_the_day_on_the_senders_wall() {
        let late = DateTime::parse_field(b"24 Nov 2026 23:30:00 -0500").unwrap();
        assert_eq!(Some(late.date()), parse_date(b"24-Nov-2026"));
        assert_eq!(Some(DateTime::utc(late.at).date()), parse_date(b"\"25-Nov-2026\""));
        assert_eq!(parse_date(b"1-Feb-1994"), Date::new(1994, 2, 1));
        assert_eq!(parse_date(b"1-Feb-94"), None);
    }

    #[test]
    fn a_moment_beyond_the_calendar_prints_its_edge() {
        let last = DateTime::utc(Timestamp::from_millis(i64::MAX)).to_field();
        assert!(last.contains(" 9999 "), "{last}");
        let first = DateTime::utc(Timestamp::from_millis(i64::MIN)).to_field();
        assert!(first.contains(" 0000 "), "{first}");
    }
}
