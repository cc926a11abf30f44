//! Paths and parameters, as MAIL and RCPT share them (RFC 5321 §4.1.2).

use crate::command::Mistake;
use crate::scanner::Scanner;
use words_base::SyntaxError;
use words_mail::Address;

/// Most parameters of one command; there are fewer than ten in all.
const PARAMETERS_MAX: usize = 20;

/// Must a path stand in angle brackets?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brackets {
    /// By the book.
    Required,
    /// Devices and people forget them.
    Optional,
}

/// Reads a path; gives what stands between the brackets, without a source route, and where that
/// begins in the line.
///
/// ```abnf
/// Path       = "<" [ A-d-l ":" ] Mailbox ">"
/// ```
/// Departs from RFC 5321 §4.1.1.2: blanks before the path are skipped, as Outlook writes them.
pub(crate) fn parse_path<'a>(
    scanner: &mut Scanner<'a>,
    brackets: Brackets,
) -> Result<(usize, &'a str), SyntaxError> {
    scanner.skip_spaces();
    if !scanner.rest().starts_with('<') {
        let bare = brackets == Brackets::Optional && !scanner.rest().is_empty();
        let at = scanner.at();
        return if bare { Ok((at, scanner.word())) } else { Err(scanner.mistake("\"<\"")) };
    }
    scanner.take(1);
    skip_route(scanner);
    let at = scanner.at();
    let path = scanner.take(closing_bracket(scanner.rest()).unwrap_or(usize::MAX));
    scanner.expect(">", "\">\" at the end of the path")?;
    Ok((at, path))
}

/// A source route is read and ignored (RFC 5321 §4.1.1.3, appendix C).
fn skip_route(scanner: &mut Scanner<'_>) {
    if scanner.rest().starts_with('@')
        && let Some(colon) = scanner.rest().find(':')
    {
        scanner.take(colon + 1);
    }
}

/// The `>` that is not inside a quoted local-part.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Reads the address that `parse_path` has found.
pub(crate) fn parse_address(at: usize, path: &str) -> Result<Address, SyntaxError> {
    Address::parse(path).map_err(|e| SyntaxError::new(at + e.at, e.expected))
}

/// Reads parameters and hands each to `take`, its keyword in upper case; `take` gives false for one
/// that it does not know.
///
/// ```abnf
/// Mail-parameters = esmtp-param *(SP esmtp-param)
/// esmtp-param     = esmtp-keyword ["=" esmtp-value]
/// ```
pub(crate) fn parse_parameters(
    scanner: &mut Scanner<'_>,
    mut take: impl FnMut(&str, Option<&str>) -> Result<bool, &'static str>,
) -> Result<(), Mistake> {
    let mut seen: Vec<String> = Vec::new();
    loop {
        scanner.skip_spaces();
        let word = scanner.word();
        if word.is_empty() {
            return Ok(());
        }
        let inside = |expected| scanner.mistake_inside(word.len(), SyntaxError::new(0, expected));
        let (keyword, value) = match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        };
        let keyword = keyword.to_ascii_uppercase();
        if seen.contains(&keyword) || seen.len() == PARAMETERS_MAX {
            return Err(inside("each parameter once").into());
        }
        if !take(&keyword, value).map_err(inside)? {
            return Err(Mistake::UnknownParameter(keyword));
        }
        seen.push(keyword);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_odd_spellings() {
        for (text, want) in [
            ("<a@b>", "a@b"),
            ("  <a@b> SIZE=1", "a@b"),
            ("<@x,@y:a@b>", "a@b"),
            ("<>", ""),
            ("<\"a>\\\"b\"@c>", "\"a>\\\"b\"@c"),
            ("a@b SIZE=1", "a@b"),
        ] {
            let path = parse_path(&mut Scanner::new(text), Brackets::Optional);
            assert_eq!(path.map(|(at, path)| (&text[at..at + want.len()], path)), Ok((want, want)));
        }
        for text in ["", "<a@b", "<\"a>@b"] {
            assert!(parse_path(&mut Scanner::new(text), Brackets::Optional).is_err(), "{text}");
        }
        assert!(parse_path(&mut Scanner::new("a@b"), Brackets::Required).is_err());
    }
}
