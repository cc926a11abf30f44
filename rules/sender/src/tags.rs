//! Lists of tags, `a=b; c=d` (RFC 6376 §3.2): signatures, keys and policies are written so.

/// Most tags of one list.
const TAGS_MAX: usize = 64;

/// A list of tags. Names are unique; values have no blanks around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tags<'a> {
    list: Vec<(&'a str, &'a str)>,
}

/// It is no list of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoTags;

impl<'a> Tags<'a> {
    /// Reads a list by the letter: a name twice, or a part without "=", spoils all of it.
    pub(crate) fn parse(text: &'a str) -> Result<Tags<'a>, NoTags> {
        let mut list: Vec<(&str, &str)> = Vec::new();
        for part in text.strip_suffix(';').unwrap_or(text).split(';') {
            // A blank end of a list is common, and says nothing.
            if part.trim_matches(is_blank).is_empty() {
                continue;
            }
            let (name, value) = tag(part).ok_or(NoTags)?;
            if list.len() == TAGS_MAX || list.iter().any(|(known, _)| *known == name) {
                return Err(NoTags);
            }
            list.push((name, value));
        }
        Ok(Tags { list })
    }

    /// Reads what can be read of a list: the first of a name counts (RFC 7489 §6.3).
    pub(crate) fn parse_lenient(text: &'a str) -> Tags<'a> {
        let mut list: Vec<(&str, &str)> = Vec::new();
        for (name, value) in text.split(';').take(TAGS_MAX).filter_map(tag) {
            if !list.iter().any(|(known, _)| *known == name) {
                list.push((name, value));
            }
        }
        Tags { list }
    }

    /// The first tag.
    pub(crate) fn first(&self) -> Option<(&'a str, &'a str)> {
        self.list.first().copied()
    }

    /// The value of the tag of that very name.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.list.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

fn tag(part: &str) -> Option<(&str, &str)> {
    let (name, value) = part.split_once('=')?;
    let name = name.trim_matches(is_blank);
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(letter);
    good.then(|| (name, value.trim_matches(is_blank)))
}

/// Blanks, those of folding too.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let tags = Tags::parse("v=1; a = rsa-sha256;\r\n\tb=QUJD\r\n REVG ;x=;").unwrap();
        assert_eq!(tags.first(), Some(("v", "1")));
        assert_eq!(tags.get("a"), Some("rsa-sha256"));
        assert_eq!(tags.get("b"), Some("QUJD\r\n REVG"));
        assert_eq!(tags.get("x"), Some(""));
        assert_eq!(tags.get("A"), None);
    }

    #[test]
    fn lists_by_the_letter_and_lenient_ones() {
        for text in ["a=1;a=2", "a", "=1", "a b=1", "1a=2", "a=1;;b"] {
            assert_eq!(Tags::parse(text), Err(NoTags), "{text}");
        }
        assert_eq!(Tags::parse_lenient("a=1;b;a=2;c=3").list, [("a", "1"), ("c", "3")]);
    }
}
