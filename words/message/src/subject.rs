//! The base subject of SORT and THREAD (RFC 5256 §2.1).

use crate::charset::casefold;
use crate::encoded_word::decode_header;

/// What is left of a subject without `Re:`, `Fwd:`, `(fwd)` and the names of lists in brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseSubject {
    /// Case-folded, ready to compare (see [`casefold`]).
    pub text: String,
    /// Something said that it is a reply or was forwarded.
    pub is_reply: bool,
}

/// The base subject of a `Subject` field's value.
///
/// ```
/// use words_message::base_subject;
/// let base = base_subject(b"Re: [list] Fwd:  The  Plan (fwd)");
/// assert_eq!((base.text.as_str(), base.is_reply), ("the plan", true));
/// ```
pub fn base_subject(value: &[u8]) -> BaseSubject {
    let mut folded = String::new();
    casefold(&decode_header(value), &mut folded);
    let spaced = collapse_blanks(&folded);
    let (text, is_reply) = extract(&spaced);
    BaseSubject { text: text.to_string(), is_reply }
}

/// Step 1: tabs and runs of blanks become one blank.
fn collapse_blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split([' ', '\t']).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Steps 2 to 6. Each round makes the text shorter, and looks only at its two ends.
fn extract(text: &str) -> (&str, bool) {
    let (mut text, mut is_reply) = (text, false);
    loop {
        let (without_trailers, had_trailer) = strip_trailers(text);
        let (base, had_leader) = strip_leaders(without_trailers);
        is_reply |= had_trailer || had_leader;
        match base.strip_prefix("[fwd:").and_then(|inner| inner.strip_suffix(']')) {
            Some(inner) => {
                is_reply = true;
                text = inner;
            }
            None => return (base, is_reply),
        }
    }
}

/// Step 2: `subj-trailer = "(fwd)" / WSP`.
fn strip_trailers(text: &str) -> (&str, bool) {
    let (mut text, mut found) = (text.trim_end(), false);
    while let Some(shorter) = text.strip_suffix("(fwd)") {
        text = shorter.trim_end();
        found = true;
    }
    (text, found)
}

/// Steps 3 to 5: `subj-leader = (*subj-blob subj-refwd) / WSP`, and a blob alone if something is
/// left without it.
fn strip_leaders(text: &str) -> (&str, bool) {
    let (mut text, mut found) = (text.trim_start(), false);
    loop {
        if let Some(rest) = strip_refwd(text) {
            text = rest;
            found = true;
            continue;
        }
        match strip_blob(text) {
            Some(rest) if !rest.is_empty() => text = rest,
            _ => return (text, found),
        }
    }
}

/// `subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`.
fn strip_refwd(text: &str) -> Option<&str> {
    let rest = ["re", "fwd", "fw"].iter().find_map(|word| text.strip_prefix(word))?.trim_start();
    let rest = strip_blob(rest).unwrap_or(rest);
    Some(rest.strip_prefix(':')?.trim_start())
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP`; no bracket inside.
fn strip_blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']'])?;
    Some(inner[end..].strip_prefix(']')?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(subject: &str, text: &str, is_reply: bool) {
        let expected = BaseSubject { text: text.to_string(), is_reply };
        assert_eq!(base_subject(subject.as_bytes()), expected, "{subject}");
    }

    #[test]
    fn the_base_of_a_subject_is_found() {
        check("Plan", "plan", false);
        check("", "", false);
        check("Re: Plan", "plan", true);
        check("RE:Plan", "plan", true);
        check("re : Plan", "plan", true);
        check("Fw: fwd: Re: Plan", "plan", true);
        check("Re[2]: Plan", "plan", true);
        check("Re [x] : Plan", "plan", true);
        check("[list] Plan", "plan", false);
        check("[list] [more] Re: [list] Plan", "plan", true);
        check("[list]", "[list]", false);
        check("[a] [b]", "[b]", false);
        check("Plan (fwd) (FWD) ", "plan", true);
        check("[Fwd: Plan]", "plan", true);
        check("[Fwd: Re: [Fwd: Plan] (fwd)]", "plan", true);
        check("Re:", "", true);
        check("Regarding", "regarding", false);
        check("Reply: x", "reply: x", false);
        check("[open Plan", "[open plan", false);
        check("two\r\n\t lines", "two lines", false);
        check("=?utf-8?Q?Re=3A_A=C3=91O?=", "a\u{f1}o", true);
    }

    #[test]
    fn the_base_of_a_base_is_itself() {
        for subject in
            ["Re: [list] Fwd: The Plan (fwd)", "[Fwd: [Fwd: x]]", "[a] [b]", "re: fw:", "\u{3a3}"]
        {
            let once = base_subject(subject.as_bytes()).text;
            assert_eq!(base_subject(once.as_bytes()).text, once);
        }
    }

    #[test]
    fn a_hundred_thousand_replies_are_taken_off_in_one_pass() {
        for text in ["re:", "[x]", "[", "(fwd)", "[fwd:", "re[", "re "] {
            base_subject(text.repeat(100_000 / text.len()).as_bytes());
        }
        let nested = format!("{}x{}", "[fwd:".repeat(20_000), "]".repeat(20_000));
        assert_eq!(base_subject(nested.as_bytes()).text, "x");
    }
}
