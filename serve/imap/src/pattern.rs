//! Patterns of LIST (RFC 9051 §6.3.9).

use words_mail::MailboxName;

/// A pattern with its reference in front. `*` stands for anything, `%` for anything but a separator.
#[derive(Clone, Debug)]
pub struct Pattern(Vec<Token>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// Just this octet.
    Octet(u8),
    /// `%`
    Level,
    /// `*`
    Anything,
}

/// Where to try again: the token after a wildcard, and how far the wildcard reached.
type Again = Option<(usize, usize)>;

impl Pattern {
    /// `reference` and `pattern`, one behind the other.
    pub fn new(reference: &str, pattern: &str) -> Pattern {
        let mut tokens = Vec::with_capacity(reference.len() + pattern.len());
        for octet in reference.bytes().chain(pattern.bytes()) {
            let token = match octet {
                b'*' => Token::Anything,
                b'%' => Token::Level,
                octet => Token::Octet(octet),
            };
            push(&mut tokens, token);
        }
        // Clients write a separator behind a name that they mean to have children.
        if tokens.len() > 1 && tokens.last() == Some(&Token::Octet(SEPARATOR)) {
            tokens.pop();
        }
        Pattern(tokens)
    }

    /// Does `name` fit? INBOX fits in any case. The last `%` and the last `*` are enough to go back
    /// to: what an earlier one could still do, they can do too.
    pub fn fits(&self, name: &MailboxName) -> bool {
        let text = name.as_str().as_bytes();
        let caseless = if is_inbox_or_below(text) { INBOX.len() } else { 0 };
        let (mut token, mut at) = (0, 0);
        let (mut level, mut anything): (Again, Again) = (None, None);
        loop {
            match self.0.get(token) {
                None if at == text.len() => return true,
                Some(Token::Anything) => {
                    token += 1;
                    (level, anything) = (None, Some((token, at)));
                    continue;
                }
                Some(Token::Level) => {
                    token += 1;
                    level = Some((token, at));
                    continue;
                }
                Some(Token::Octet(octet))
                    if text.get(at).is_some_and(|o| same(*octet, *o, at < caseless)) =>
                {
                    token += 1;
                    at += 1;
                    continue;
                }
                None | Some(Token::Octet(_)) => {}
            }
            // One more octet for the wildcard that may still take one.
            match (&mut level, &mut anything) {
                (Some((after, reached)), _)
                    if text.get(*reached).is_some_and(|o| *o != SEPARATOR) =>
                {
                    *reached += 1;
                    (token, at) = (*after, *reached);
                }
                (_, Some((after, reached))) if *reached < text.len() => {
                    *reached += 1;
                    (token, at) = (*after, *reached);
                    level = None;
                }
                _ => return false,
            }
        }
    }
}

const SEPARATOR: u8 = MailboxName::SEPARATOR as u8;
const INBOX: &[u8] = b"INBOX";

fn is_inbox_or_below(name: &[u8]) -> bool {
    name.strip_prefix(INBOX).is_some_and(|rest| rest.is_empty() || rest[0] == SEPARATOR)
}

fn same(a: u8, b: u8, caseless: bool) -> bool {
    a == b || (caseless && a.eq_ignore_ascii_case(&b))
}

/// Wildcards side by side are as good as the stronger of them.
fn push(tokens: &mut Vec<Token>, token: Token) {
    match (tokens.last_mut(), token) {
        (Some(Token::Anything), Token::Anything | Token::Level) => {}
        (Some(Token::Level), Token::Level) => {}
        (Some(last @ Token::Level), Token::Anything) => *last = Token::Anything,
        _ => tokens.push(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(reference: &str, pattern: &str, name: &str) -> bool {
        Pattern::new(reference, pattern).fits(&MailboxName::parse(name).unwrap())
    }

    #[test]
    fn patterns_fit_as_the_rfc_says() {
        let table = [
            ("", "*", "a/b", true),
            ("", "%", "a", true),
            ("", "%", "a/b", false),
            ("", "%/%", "a/b", true),
            ("", "%/%", "a/b/c", false),
            ("", "a/*", "a", false),
            ("", "a/*", "a/b/c", true),
            ("a/", "%", "a/b", true),
            ("a/", "%", "a/b/c", false),
            ("a", "*", "abc", true),
            ("", "*c", "a/b/c", true),
            ("", "%c", "a/b/c", false),
            ("", "*%c", "a/b/c", true),
            ("", "*/%", "a/b/c", true),
            ("", "a%b*c", "axb/yc", true),
            ("", "a%b*c", "a/b/c", false),
            ("", "inbox", "INBOX", true),
            ("", "iNb*", "INBOX/Work", true),
            ("", "inbox/work", "INBOX/Work", false),
            ("", "sent", "Sent", false),
            ("", "Sent/", "Sent", true),
            ("", "%ñ%", "España", true),
            ("", "abc", "ab", false),
            ("", "ab", "abc", false),
        ];
        for (reference, pattern, name, want) in table {
            assert_eq!(fits(reference, pattern, name), want, "{reference:?} {pattern:?} {name:?}");
        }
    }

    /// The definition, word for word.
    fn plainly(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), n) => {
                plainly(rest, name) || n.is_some_and(|n| plainly(pattern, n.1))
            }
            (Some((b'%', rest)), n) => {
                plainly(rest, name) || n.is_some_and(|n| *n.0 != b'/' && plainly(pattern, n.1))
            }
            (Some((p, rest)), Some((n, name))) => p == n && plainly(rest, name),
            _ => false,
        }
    }

    #[test]
    fn the_matcher_agrees_with_the_definition() {
        let mut seed = 11_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % below
        };
        let mut met = [0, 0];
        for _ in 0..20_000 {
            let mut text = |letters: &[u8]| -> String {
                let len = next(9);
                (0..len).map(|_| letters[next(letters.len() as u64) as usize] as char).collect()
            };
            let (pattern, name) = (text(b"ab/*%"), text(b"ab/"));
            let Ok(name) = MailboxName::parse(&name) else { continue };
            let trimmed = match pattern.strip_suffix('/') {
                Some(rest) if !rest.is_empty() => rest,
                _ => &pattern,
            };
            let want = plainly(trimmed.as_bytes(), name.as_str().as_bytes());
            assert_eq!(Pattern::new("", &pattern).fits(&name), want, "{pattern:?} {name:?}");
            met[usize::from(want)] += 1;
        }
        assert!(met[0] > 1000 && met[1] > 1000, "{met:?}");
    }

    #[test]
    fn a_pattern_of_many_wildcards_is_no_burden() {
        let name = "a".repeat(990);
        assert!(!fits("", &"*a".repeat(400).replace("*a", "*a%"), &format!("{name}b/c")));
        assert!(!fits("", &format!("{}x", "*%".repeat(30_000)), &name));
    }
}
