//! A cursor over one command line.

use words_base::SyntaxError;

/// Reads a line from left to right and knows where it is, for messages about mistakes.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(line: &'a str) -> Scanner<'a> {
        Scanner { line, at: 0 }
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// Octets before the next to be read.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    /// Up to the next blank or the end; may be empty.
    pub fn word(&mut self) -> &'a str {
        self.take(self.rest().find([' ', '\t']).unwrap_or(self.rest().len()))
    }

    /// The next `len` octets, or what there is of them.
    pub fn take(&mut self, len: usize) -> &'a str {
        let taken = self.rest().get(..len).unwrap_or(self.rest());
        self.at += taken.len();
        taken
    }

    /// `word` in any case, or a mistake.
    pub fn expect(&mut self, word: &str, expected: &'static str) -> Result<(), SyntaxError> {
        match self.rest().get(..word.len()) {
            Some(found) if found.eq_ignore_ascii_case(word) => {
                self.at += word.len();
                Ok(())
            }
            _ => Err(self.mistake(expected)),
        }
    }

    /// Nothing but blanks may be left.
    pub fn end(&mut self) -> Result<(), SyntaxError> {
        self.skip_spaces();
        if self.rest().is_empty() { Ok(()) } else { Err(self.mistake("nothing more")) }
    }

    /// Here, something else was expected.
    pub fn mistake(&self, expected: &'static str) -> SyntaxError {
        SyntaxError::new(self.at, expected)
    }

    /// A mistake inside of what `take` or `word` just gave, which began `len` octets ago.
    pub fn mistake_inside(&self, len: usize, inner: SyntaxError) -> SyntaxError {
        SyntaxError::new(self.at.saturating_sub(len) + inner.at, inner.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_says_where() {
        let mut scanner = Scanner::new("MAIL  TO:<a>");
        assert_eq!(scanner.word(), "MAIL");
        scanner.skip_spaces();
        assert_eq!(scanner.expect("from", "FROM").unwrap_err().at, 6);
        scanner.expect("to:", "TO").unwrap();
        assert_eq!(scanner.end().unwrap_err().at, 9);
    }
}
