//! The client's side, for mail that is fetched from elsewhere: [`Responses`] reads what a server
//! says, [`command`] writes what it is asked. Which question comes when is the caller's business.
//!
//! ```
//! use proto_imap::client::{Condition, Heard, Responses, Response};
//!
//! let mut responses = Responses::default();
//! responses.input(b"* 2 EXISTS\r\na1 OK [READ-ONLY] Selected\r\n");
//! assert_eq!(responses.hear(), Ok(Heard::Response(Response::Exists(2))));
//! let Ok(Heard::Response(Response::Tagged { tag, said })) = responses.hear() else { panic!() };
//! assert_eq!((tag.as_str(), said.condition), ("a1", Condition::Ok));
//! assert_eq!(responses.hear(), Ok(Heard::Nothing));
//! ```
//!
//! Servers differ in everything that the grammar leaves open, and in some that it does not. What is
//! not understood is [`Response::Other`], never an error; a line that is too long is dropped.

pub mod command;
mod response;
mod responses;

pub use response::{Code, Condition, Fetched, Listed, Response, Said, StatusOf};
pub use responses::{Heard, Responses};
