//! Moments, as operators write and read them. In UTC, as the log is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::{Date, Month, OffsetDateTime, Time};
use words_base::Timestamp;

/// What a moment may look like.
const FORMS: &str = "write 2026-11-24, \"2026-11-24 13:00\" (UTC), or how long ago: 45m, 12h, 3d";

/// Reads a moment: a day, a time of a day, or how long ago it is.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    read(text, now).ok_or_else(|| FORMS.to_string())
}

fn read(text: &str, now: Duration) -> Option<Timestamp> {
    if let Some(ago) = ago(text) {
        return Some(Timestamp::from_millis(now.checked_sub(ago)?.as_millis() as i64));
    }
    let (day, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let seconds = date(day)?.with_time(time(clock)?).assume_utc().unix_timestamp();
    Some(Timestamp::from_seconds(seconds))
}

fn ago(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()
}

fn time(text: &str) -> Option<Time> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let second = parts.next().map_or(Some(0), |second| second.parse().ok())?;
    Time::from_hms(hour, minute, second).ok()
}

/// `2026-11-24 10:00`
pub fn show(at: Timestamp) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at.millis().div_euclid(1000));
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute())
}

/// `2026-11-24 10:00:59`
pub fn show_seconds(at: Timestamp) -> String {
    format!("{}:{:02}", show(at), at.seconds().rem_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        let now = Duration::from_secs(1_795_514_400);
        let read = |text: &str| read(text, now).map(|at| at.millis() / 1000);
        for (text, want) in [
            ("1970-01-02", 86_400),
            ("2026-11-24", 1_795_478_400),
            ("2026-11-24 10:00", 1_795_514_400),
            ("2026-11-24T10:00:01", 1_795_514_401),
            ("2026-11-24T10:00:01Z", 1_795_514_401),
            ("0d", 1_795_514_400),
            ("90m", 1_795_509_000),
            ("12h", 1_795_471_200),
            ("2d", 1_795_341_600),
        ] {
            assert_eq!(read(text), Some(want), "{text}");
        }
        for text in
            ["", "d", "3x", "-3d", "é", "2026-13-01", "2026-02-30", "26-01-01", "2026-01-01 24:00"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("99999999999999d"), None);
        assert_eq!(show(Timestamp::from_seconds(1_795_514_461)), "2026-11-24 10:01");
    }
}
