//! Dates in commands.

use super::Cursor;
use words_base::{SyntaxError, Timestamp};
use words_message::{DateTime, parse_date};

impl Cursor<'_> {
    /// ```abnf
    /// date       = date-text / DQUOTE date-text DQUOTE
    /// date-text  = date-day "-" date-month "-" date-year
    /// ```
    /// Gives days since 1970-01-01.
    pub fn date(&mut self) -> Result<i32, SyntaxError> {
        const EXPECTED: &str = "a date like 1-Feb-1994";
        let start = self.at();
        let text = self.astring(EXPECTED)?;
        let days = parse_date(&text).and_then(|date| i32::try_from(date.days()).ok());
        days.ok_or(SyntaxError::new(start, EXPECTED))
    }

    /// ```abnf
    /// date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
    /// date-day-fixed = (SP DIGIT) / 2DIGIT
    /// ```
    pub fn date_time(&mut self) -> Result<Timestamp, SyntaxError> {
        const EXPECTED: &str = "a date-time like \" 7-Feb-1994 21:52:25 -0800\"";
        let start = self.at();
        let text = self.string(EXPECTED)?;
        let read = DateTime::parse_internal(&text);
        read.map(|d| d.at).ok_or(SyntaxError::new(start, EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::{self, Utf8};

    #[test]
    fn dates_are_days() {
        for (text, days) in [
            ("1-Jan-1970", Some(0)),
            ("1-Feb-1994", Some(8797)),
            ("\"1-feb-1994\"", Some(8797)),
            ("31-Feb-1994", None),
            ("1-Foo-1994", None),
            ("\"1-Feb-1994", None),
            ("1994-02-01", None),
        ] {
            assert_eq!(Cursor::new(text.as_bytes(), Utf8::Off).date().ok(), days, "{text}");
        }
    }

    #[test]
    fn date_times_read_back_what_is_printed() {
        for (text, seconds) in [
            ("\"17-Jul-1996 02:44:25 -0700\"", 837_596_665),
            ("\" 1-Jan-1970 00:00:00 +0000\"", 0),
            ("\"01-Jan-1970 01:30:00 +0130\"", 0),
        ] {
            let read = Cursor::new(text.as_bytes(), Utf8::Off).date_time().unwrap();
            assert_eq!(read.seconds(), seconds, "{text}");
            let mut out = Vec::new();
            print::date_time(&mut out, read);
            assert_eq!(Cursor::new(&out, Utf8::Off).date_time(), Ok(read));
        }
        for text in ["\"17-Jul-1996 24:44:25 -0700\"", "\"17-Jul-1996\"", "17-Jul-1996", "\"\""] {
            assert!(Cursor::new(text.as_bytes(), Utf8::Off).date_time().is_err(), "{text}");
        }
    }
}
