//! The names that a Maildir's keyword letters stand for.

use crate::KeywordLetters;
use words_mail::{Flags, Keyword};

/// `dovecot-keywords` (`0 $Junk`, one a line) or `courierimapkeywords/:list` (one name a line): which
/// letter stands for which keyword.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeywordList {
    names: Vec<Option<Keyword>>,
}

impl KeywordList {
    /// No letters yet.
    pub fn new() -> KeywordList {
        KeywordList::default()
    }

    /// Reads `dovecot-keywords`. Lines that make no sense are passed over.
    pub fn parse(text: &str) -> KeywordList {
        let mut list = KeywordList::new();
        for line in text.lines() {
            let Some((place, name)) = line.split_once(' ') else { continue };
            let Ok(place) = place.parse::<usize>() else { continue };
            if place < KeywordLetters::MAX {
                list.put(place, Keyword::parse(name));
            }
        }
        list
    }

    fn put(&mut self, place: usize, name: Option<Keyword>) {
        if self.names.len() <= place {
            self.names.resize(place + 1, None);
        }
        self.names[place] = name;
    }

    /// Adds to `flags` the keywords that the letters stand for; tells how many have no name.
    pub fn add(&self, letters: KeywordLetters, flags: &mut Flags) -> usize {
        let mut nameless = 0;
        for place in letters.places() {
            match self.names.get(place) {
                Some(Some(keyword)) => flags.insert_keyword(keyword.clone()),
                _ => nameless += 1,
            }
        }
        nameless
    }

    /// The letters for the keywords of `flags`; names without a letter yet get one while there are
    /// any left. Also tells how many got none.
    pub fn letters(&mut self, keywords: &[Keyword]) -> (KeywordLetters, usize) {
        let (mut letters, mut left_over) = (KeywordLetters::default(), 0);
        for keyword in keywords {
            match self.place(keyword) {
                Some(place) => letters.insert(place),
                None => left_over += 1,
            }
        }
        (letters, left_over)
    }

    fn place(&mut self, keyword: &Keyword) -> Option<usize> {
        let known = self.names.iter().position(|name| name.as_ref() == Some(keyword));
        if known.is_some() || self.names.len() >= KeywordLetters::MAX {
            return known;
        }
        self.names.push(Some(keyword.clone()));
        Some(self.names.len() - 1)
    }

    /// Has no letter a name?
    pub fn is_empty(&self) -> bool {
        self.names.iter().all(Option::is_none)
    }

    /// As `dovecot-keywords` holds it.
    pub fn to_text(&self) -> String {
        let named = self.names.iter().enumerate();
        named.filter_map(|(n, name)| Some(format!("{n} {}\n", name.as_ref()?.as_str()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyword(text: &str) -> Keyword {
        Keyword::parse(text).unwrap()
    }

    #[test]
    fn letters_have_their_names() {
        let list = KeywordList::parse("0 $Junk\n2 work\nx y\n3\n99 far\n4 not good\n");
        let mut flags = Flags::new();
        assert_eq!(list.add(KeywordLetters(0b10111), &mut flags), 2);
        assert_eq!(flags.to_string(), "$Junk work");
        assert_eq!(KeywordList::parse(&list.to_text()).to_text(), "0 $Junk\n2 work\n");
    }

    #[test]
    fn new_keywords_get_letters_while_there_are_any() {
        let mut list = KeywordList::parse("0 a\n");
        let names: Vec<Keyword> = ('a'..='z').map(|c| keyword(&c.to_string())).collect();
        assert_eq!(list.letters(&names), (KeywordLetters((1 << 26) - 1), 0));
        assert_eq!(list.letters(&[keyword("A"), keyword("more")]), (KeywordLetters(1), 1));
    }
}
