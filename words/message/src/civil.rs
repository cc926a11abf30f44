//! The Gregorian calendar, years 0000 to 9999.

/// Seconds of a day.
pub(crate) const DAY_SECONDS: i64 = 86_400;
/// Days from 0000-01-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_528;
/// Days of 400 years, after which the calendar repeats.
const CYCLE_DAYS: i64 = 146_097;
/// The last year that four digits can write.
const YEAR_MAX: i64 = 9999;

/// A day on the calendar. Earlier days are less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Of a year 0 to 9999, month 1 to 12 and a day that the month has.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        let fits = i64::from(year) <= YEAR_MAX && (1..=12).contains(&month);
        (fits && day >= 1 && day <= month_days(year, month)).then_some(Date { year, month, day })
    }

    /// The day so many days after 1970-01-01; outside the years 0 to 9999, the nearest inside.
    pub fn from_days(days: i64) -> Date {
        let days = days.saturating_add(EPOCH_DAYS);
        let days = days.clamp(0, year_start(YEAR_MAX + 1) - 1);
        // The guess may be too late by a year or two, never too early.
        let mut year = (days + 365) * 400 / CYCLE_DAYS;
        while year_start(year) > days {
            year -= 1;
        }
        let year = year as u16;
        let mut rest = days - year_start(i64::from(year));
        let mut month = 1;
        while rest >= i64::from(month_days(year, month)) {
            rest -= i64::from(month_days(year, month));
            month += 1;
        }
        Date { year, month, day: rest as u8 + 1 }
    }

    /// Days after 1970-01-01; before then, negative.
    pub fn days(self) -> i64 {
        let months: i64 = (1..self.month).map(|m| i64::from(month_days(self.year, m))).sum();
        year_start(i64::from(self.year)) - EPOCH_DAYS + months + i64::from(self.day) - 1
    }

    /// 0 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// 1 for January.
    pub fn month(self) -> u8 {
        self.month
    }

    /// 0 for January.
    pub(crate) fn month_index(self) -> usize {
        usize::from(self.month) - 1
    }

    /// 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    /// 0 for Monday.
    pub(crate) fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        (self.days() + 3).rem_euclid(7) as usize
    }
}

/// Days from 0000-01-01 to the first of January of `year`.
fn year_start(year: i64) -> i64 {
    let before = year - 1;
    // Year 0 is itself a leap year; `div_euclid` counts it for every later year.
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) + 1;
    year * 365 + leap_days
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn month_days(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_every_day(first: Date, count: i64) {
        let mut expected = first;
        for days in first.days()..first.days() + count {
            let date = Date::from_days(days);
            assert_eq!(date, expected);
            assert_eq!(date.days(), days);
            expected = next(expected);
        }
    }

    #[test]
    fn every_day_of_the_first_and_the_last_centuries_is_itself_again() {
        let first = Date::new(0, 1, 1).unwrap();
        assert_eq!(first.days(), -EPOCH_DAYS);
        check_every_day(first, CYCLE_DAYS + 366);
        check_every_day(Date::new(1890, 1, 1).unwrap(), CYCLE_DAYS / 2);
        check_every_day(Date::new(9601, 1, 1).unwrap(), CYCLE_DAYS - 366);
        assert_eq!(Date::from_days(i64::MAX), Date::new(9999, 12, 31).unwrap());
        assert_eq!(Date::from_days(i64::MIN), first);
    }

    /// The day after, told by the calendar alone; after the last day, the last day.
    fn next(date: Date) -> Date {
        let Date { year, month, day } = date;
        Date::new(year, month, day + 1)
            .or(Date::new(year, month + 1, 1))
            .or(Date::new(year + 1, 1, 1))
            .unwrap_or(date)
    }

    #[test]
    fn known_days_have_their_weekdays() {
        for (year, month, day, weekday) in [(1970, 1, 1, 3), (2026, 11, 24, 1), (2000, 2, 29, 1)] {
            assert_eq!(Date::new(year, month, day).unwrap().weekday(), weekday);
        }
    }
}
