//! Mbox files: messages one after another, each behind a `From ` line (RFC 4155).
//!
//! | Variant | In the body, a line that looks like the beginning of a message |
//! | --- | --- |
//! | mboxo | `From ` gets a `>` in front |
//! | mboxrd | `From `, `>From `, `>>From ` … get one more |
//! | mboxcl | as mboxo, and `Content-Length` says where the body ends |
//! | mboxcl2 | stays; `Content-Length` says where the body ends |
//!
//! A file does not say which it is. [`Variant::Auto`] follows a `Content-Length` that leads to the
//! beginning of another message or the file's end, and takes such a body as it stands; of other
//! bodies it takes one `>` from lines that have any.

mod field;
mod from_line;
mod quote;

pub use field::{FieldFilter, Found, Metadata, metadata_fields};
pub use from_line::FromLine;
pub use quote::{quote_mboxrd, unquote};

/// How bodies are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// As each message shows.
    #[default]
    Auto,
    /// `From ` is quoted.
    Mboxo,
    /// `>*From ` is quoted.
    Mboxrd,
    /// `From ` is quoted, lengths are told.
    Mboxcl,
    /// Lengths are told.
    Mboxcl2,
}

impl Variant {
    /// Every one, with its name.
    pub const NAMES: [(&'static str, Variant); 5] = [
        ("auto", Variant::Auto),
        ("mboxo", Variant::Mboxo),
        ("mboxrd", Variant::Mboxrd),
        ("mboxcl", Variant::Mboxcl),
        ("mboxcl2", Variant::Mboxcl2),
    ];

    /// Is `Content-Length` to be followed?
    pub fn follows_length(self) -> bool {
        matches!(self, Variant::Auto | Variant::Mboxcl | Variant::Mboxcl2)
    }

    /// Are quoted lines of a body to be unquoted, if its length was told (or not)?
    pub fn unquotes(self, by_length: bool) -> bool {
        match self {
            Variant::Auto => !by_length,
            Variant::Mboxo | Variant::Mboxrd | Variant::Mboxcl => true,
            Variant::Mboxcl2 => false,
        }
    }
}
