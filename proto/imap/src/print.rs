//! How values stand on the wire. These functions add to a buffer and allocate nothing else.

use words_base::Timestamp;
use words_mail::{Flags, NumberSet, SystemFlag};

use words_mail::modified_utf7;

/// May names and texts be raw UTF-8? Only after ENABLE UTF8=ACCEPT (RFC 9755 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Utf8 {
    /// Everything is ASCII: modified UTF-7, encoded-words, or literals.
    #[default]
    Off,
    /// Quoted strings hold UTF-8.
    Accepted,
}

/// Longest text that is quoted; a longer one is a literal, which clients read with less trouble.
const QUOTED_LEN_MAX: usize = 1000;

/// A number in decimal.
pub(crate) fn number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A number of exactly two digits.
fn two_digits(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// `string = quoted / literal`, whatever the text holds.
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8], utf8: Utf8) {
    let kinds = kinds(text);
    match is_quotable(text, kinds, utf8) {
        true => quoted_of(out, text, kinds),
        false => literal(out, text),
    }
}

/// `nstring = string / nil`
pub(crate) fn nstring(out: &mut Vec<u8>, text: Option<&[u8]>, utf8: Utf8) {
    match text {
        Some(text) => string(out, text, utf8),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// `astring = 1*ASTRING-CHAR / string`: as an atom where that is possible.
pub(crate) fn astring(out: &mut Vec<u8>, text: &[u8], utf8: Utf8) {
    // The atom NIL would be read as nothing at all.
    if is_atom(text) && !text.eq_ignore_ascii_case(b"NIL") {
        out.extend_from_slice(text);
    } else {
        string(out, text, utf8);
    }
}

/// A mailbox's name: UTF-8 where that was enabled, modified UTF-7 otherwise (RFC 3501 §5.1.3).
pub(crate) fn mailbox(out: &mut Vec<u8>, name: &str, utf8: Utf8) {
    if utf8 == Utf8::Accepted || (name.is_ascii() && !name.contains('&')) {
        astring(out, name.as_bytes(), utf8);
    } else {
        astring(out, modified_utf7::encode(name).as_bytes(), utf8);
    }
}

/// `literal = "{" number "}" CRLF *CHAR8`
pub(crate) fn literal(out: &mut Vec<u8>, octets: &[u8]) {
    literal_header(out, octets.len() as u64);
    out.extend_from_slice(octets);
}

/// What stands before the octets of a literal.
pub(crate) fn literal_header(out: &mut Vec<u8>, len: u64) {
    out.push(b'{');
    number(out, len);
    out.extend_from_slice(b"}\r\n");
}

/// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`. The text must be quotable.
pub(crate) fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    quoted_of(out, text, kinds(text));
}

fn quoted_of(out: &mut Vec<u8>, text: &[u8], kinds: u8) {
    out.push(b'"');
    if kinds & ESCAPED == 0 {
        out.extend_from_slice(text);
    } else {
        for &octet in text {
            if KINDS[usize::from(octet)] == ESCAPED {
                out.push(b'\\');
            }
            out.push(octet);
        }
    }
    out.push(b'"');
}

fn is_quotable(text: &[u8], kinds: u8, utf8: Utf8) -> bool {
    if text.len() > QUOTED_LEN_MAX {
        return false;
    }
    match kinds & !ESCAPED {
        0 => true,
        EIGHT_BIT => utf8 == Utf8::Accepted && std::str::from_utf8(text).is_ok(),
        _ => false,
    }
}

/// Quotes and backslashes.
const ESCAPED: u8 = 1;
/// CR, LF and NUL, which no quoted string holds.
const UNQUOTABLE: u8 = 2;
/// Octets over 127.
const EIGHT_BIT: u8 = 4;

/// Which kinds of octets a text holds, as a sum. This sees every octet of every ENVELOPE.
fn kinds(text: &[u8]) -> u8 {
    text.iter().fold(0, |kinds, octet| kinds | KINDS[usize::from(*octet)])
}

/// The kind of each octet.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut octet = 128;
    while octet < 256 {
        kinds[octet] = EIGHT_BIT;
        octet += 1;
    }
    kinds[b'"' as usize] = ESCAPED;
    kinds[b'\\' as usize] = ESCAPED;
    kinds[b'\r' as usize] = UNQUOTABLE;
    kinds[b'\n' as usize] = UNQUOTABLE;
    kinds[0] = UNQUOTABLE;
    kinds
};

fn is_atom(text: &[u8]) -> bool {
    !text.is_empty() && text.len() <= QUOTED_LEN_MAX && text.iter().all(|b| is_atom_char(*b))
}

/// `ATOM-CHAR = <any CHAR except "(" / ")" / "{" / SP / CTL / "%" / "*" / DQUOTE / "\" / "]">`
pub(crate) fn is_atom_char(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"(){%*\"\\]".contains(&octet)
}

/// `flag-list = "(" [flag *(SP flag)] ")"`
pub(crate) fn flags(out: &mut Vec<u8>, flags: &Flags) {
    out.push(b'(');
    let start = out.len();
    for flag in SystemFlag::ALL {
        if flags.contains(flag) {
            separate(out, start);
            out.extend_from_slice(flag.as_str().as_bytes());
        }
    }
    for keyword in flags.keywords() {
        separate(out, start);
        out.extend_from_slice(keyword.as_str().as_bytes());
    }
    out.push(b')');
}

/// A space, unless nothing has been printed since the buffer had `start` octets.
pub(crate) fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b' ');
    }
}

/// `sequence-set`, of a set that is not empty.
pub(crate) fn set(out: &mut Vec<u8>, set: &NumberSet) {
    let start = out.len();
    for &(first, last) in set.ranges() {
        range(out, start, first, last);
    }
}

/// A `sequence-set` that keeps the order of the numbers: only neighbours that rise by one are
/// drawn together.
pub(crate) fn runs(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u32>) {
    let start = out.len();
    let mut run: Option<(u32, u32)> = None;
    for number in numbers {
        match &mut run {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => {
                if let Some((first, last)) = run.replace((number, number)) {
                    range(out, start, first, last);
                }
            }
        }
    }
    if let Some((first, last)) = run {
        range(out, start, first, last);
    }
}

fn range(out: &mut Vec<u8>, start: usize, first: u32, last: u32) {
    if out.len() > start {
        out.push(b',');
    }
    number(out, u64::from(first));
    if last > first {
        out.push(b':');
        number(out, u64::from(last));
    }
}

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`, in UTC.
/// Like `words_message::DateTime::write_internal`, but fit for every row of a large FETCH.
pub(crate) fn date_time(out: &mut Vec<u8>, at: Timestamp) {
    let seconds = at.seconds();
    let (year, month, day) = civil(seconds.div_euclid(86400));
    let second = seconds.rem_euclid(86400) as u32;
    out.push(b'"');
    out.push(if day < 10 { b' ' } else { b'0' + (day / 10) as u8 });
    out.push(b'0' + (day % 10) as u8);
    out.push(b'-');
    out.extend_from_slice(MONTHS[(month as usize + 11) % 12]);
    out.push(b'-');
    two_digits(out, year / 100);
    two_digits(out, year % 100);
    for (before, part) in [(b' ', second / 3600), (b':', second / 60 % 60), (b':', second % 60)] {
        out.push(before);
        two_digits(out, part);
    }
    out.extend_from_slice(b" +0000\"");
}

/// Year, month and day of a day since 1970-01-01, in the proleptic Gregorian calendar. Years are
/// held between 1 and 9999, since the grammar has four digits.
fn civil(days: i64) -> (u32, u32, u32) {
    let days = days.clamp(DAYS_MIN, DAYS_MAX) + 719_468;
    // Eras of 400 years, each beginning on the first of March, so that the leap day comes last.
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

/// 0001-01-01.
const DAYS_MIN: i64 = -719_162;
/// 9999-12-31.
const DAYS_MAX: i64 = 2_932_896;

#[cfg(test)]
mod tests {
    use super::*;
    use words_mail::Keyword;

    fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        print(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_have_no_needless_digits() {
        for n in [0, 7, 10, 99, 100, 4_294_967_295, u64::MAX] {
            assert_eq!(printed(|o| number(o, n)), n.to_string());
        }
    }

    #[test]
    fn every_text_is_an_atom_a_quoted_string_or_a_literal() {
        for (text, off, accepted) in [
            ("INBOX", "INBOX", "INBOX"),
            ("", "\"\"", "\"\""),
            ("nil", "\"nil\"", "\"nil\""),
            ("two words", "\"two words\"", "\"two words\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""),
            ("a\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb"),
            ("a\0b", "{3}\r\na\0b", "{3}\r\na\0b"),
            ("año", "{4}\r\naño", "\"año\""),
            ("100%", "\"100%\"", "\"100%\""),
        ] {
            assert_eq!(printed(|o| astring(o, text.as_bytes(), Utf8::Off)), off);
            assert_eq!(printed(|o| astring(o, text.as_bytes(), Utf8::Accepted)), accepted);
        }
    }

    #[test]
    fn runs_keep_the_order_and_draw_neighbours_together() {
        for (numbers, text) in [
            (&[1, 2, 3, 5, 7, 8][..], "1:3,5,7:8"),
            (&[5, 4, 3], "5,4,3"),
            (&[9], "9"),
            (&[u32::MAX, 1], "4294967295,1"),
            (&[], ""),
        ] {
            assert_eq!(printed(|o| runs(o, numbers.iter().copied())), text);
        }
    }

    #[test]
    fn flags_stand_in_brackets() {
        let mut some = Flags::new();
        assert_eq!(printed(|o| flags(o, &some)), "()");
        some.insert(SystemFlag::Seen);
        some.insert_keyword(Keyword::parse("$Junk").unwrap());
        assert_eq!(printed(|o| flags(o, &some)), "(\\Seen $Junk)");
    }

    #[test]
    fn every_day_is_the_calendars() {
        for day in (DAYS_MIN..=DAYS_MAX).step_by(101).chain([DAYS_MIN, -1, 0, 1, DAYS_MAX]) {
            let at = Timestamp::from_seconds(day * 86400 + 3661);
            let mut want = Vec::new();
            words_message::DateTime::utc(at).write_internal(&mut want);
            assert_eq!(printed(|o| date_time(o, at)).as_bytes(), want);
        }
    }

    #[test]
    fn a_date_time_has_a_fixed_width() {
        for (seconds, text) in [
            (837_596_665, "\"17-Jul-1996 09:44:25 +0000\""),
            (0, "\" 1-Jan-1970 00:00:00 +0000\""),
            (-1, "\"31-Dec-1969 23:59:59 +0000\""),
            (i64::MAX / 1000, "\"31-Dec-9999 07:12:55 +0000\""),
        ] {
            assert_eq!(printed(|o| date_time(o, Timestamp::from_seconds(seconds))), text);
        }
    }
}
