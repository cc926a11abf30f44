//! What Dovecot's POP3 server calls a message: `pop3_uidl_format`.

use words_mail::{Uid, UidValidity};

/// Dovecot's default.
const DEFAULT: &str = "%08Xu%08Xv";

/// A format of unique ids, as far as it can be made of UID, UIDVALIDITY and file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueIdFormat {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Number { validity: bool, hexadecimal: bool, width: usize, zero: bool },
    FileName,
}

impl Default for UniqueIdFormat {
    fn default() -> UniqueIdFormat {
        UniqueIdFormat::parse(DEFAULT).unwrap_or(UniqueIdFormat { parts: Vec::new() })
    }
}

impl UniqueIdFormat {
    /// Reads a format. `None`: it asks for what only Dovecot knows.
    pub fn parse(format: &str) -> Option<UniqueIdFormat> {
        let mut parts = Vec::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once('%') {
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_string())));
            let (zero, after) = after.strip_prefix('0').map_or((false, after), |a| (true, a));
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (width, after) = after.split_at(digits);
            let width = if width.is_empty() { 0 } else { width.parse().ok()? };
            let (hexadecimal, after) =
                after.strip_prefix('X').map_or((false, after), |after| (true, after));
            let letter = after.chars().next()?;
            parts.push(match letter {
                'u' | 'v' => Part::Number { validity: letter == 'v', hexadecimal, width, zero },
                'f' if width == 0 && !hexadecimal => Part::FileName,
                '%' if width == 0 => Part::Text("%".to_string()),
                _ => return None,
            });
            rest = &after[letter.len_utf8()..];
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_string())));
        let names_a_message =
            |part: &Part| matches!(part, Part::FileName | Part::Number { validity: false, .. });
        parts.iter().any(names_a_message).then_some(UniqueIdFormat { parts })
    }

    /// The unique id of a message. Of the file's name, what precedes sizes and flags counts.
    ///
    /// ```
    /// # use words_archive::UniqueIdFormat;
    /// # use words_mail::{Uid, UidValidity};
    /// let format = UniqueIdFormat::default();
    /// assert_eq!(format.make(Uid(13), UidValidity(0x5f000001), "x"), "0000000d5f000001");
    /// ```
    pub fn make(&self, uid: Uid, uid_validity: UidValidity, file_name: &str) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out += text,
                Part::FileName => out += file_name,
                Part::Number { validity, hexadecimal, width, zero } => {
                    let number = if *validity { uid_validity.0 } else { uid.0 };
                    out += &match (hexadecimal, zero) {
                        (true, true) => format!("{number:0width$x}"),
                        (true, false) => format!("{number:width$x}"),
                        (false, true) => format!("{number:0width$}"),
                        (false, false) => format!("{number:width$}"),
                    };
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_the_wild_are_made() {
        for (format, want) in [
            ("%08Xu%08Xv", Some("0000000d5f000001")),
            ("%v.%u", Some("1593835521.13")),
            ("%Xv%Xu", Some("5f000001d")),
            ("%f", Some("1.M2.h")),
            ("UID%u-%v%%", Some("UID13-1593835521%")),
            ("%g", None),
            ("%v", None),
            ("x%", None),
            ("", None),
        ] {
            let made = UniqueIdFormat::parse(format)
                .map(|f| f.make(Uid(13), UidValidity(0x5f00_0001), "1.M2.h"));
            assert_eq!(made.as_deref(), want, "{format}");
        }
    }
}
