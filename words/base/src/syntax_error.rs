//! What a parser says of bytes it could not read.

use std::fmt;

/// The peer, or a file, wrote what the grammar does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Octets before the place of the mistake.
    pub at: usize,
    /// What would have been right there, to follow the word "expected".
    pub expected: &'static str,
}

impl SyntaxError {
    /// At offset `at`, `expected` was expected.
    pub fn new(at: usize, expected: &'static str) -> SyntaxError {
        SyntaxError { at, expected }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at octet {}", self.expected, self.at)
    }
}

impl std::error::Error for SyntaxError {}
