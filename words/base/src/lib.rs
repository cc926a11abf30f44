//! Missing batteries: timestamps and a syntax error. Not one word about mail.
//!
//! ```
//! use words_base::Timestamp;
//! assert!(Timestamp::from_seconds(1) < Timestamp::from_millis(1001));
//! ```

mod syntax_error;
mod timestamp;

pub use syntax_error::SyntaxError;
pub use timestamp::Timestamp;
