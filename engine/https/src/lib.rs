//! Files on the web: HTTPS as HTTP/1.1 (RFC 9112) over the connections of a [`core_world::Dialer`], one
//! question a connection. [`Https`] keeps [`core_world::Fetcher`]; [`Https::ask`] is for engines that
//! need the fields of an answer too. No redirection is followed, no cookie kept, nothing unpacked.

mod answer;
mod https;
mod public;
mod url;

pub use answer::Answer;
pub use https::{Ask, Https};
pub use public::is_public;
