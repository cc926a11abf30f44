//! What all line protocols share: [`Session`], a value that eats bytes and says what it wants next,
//! and [`Desk`], where its questions are answered. Opens no socket, owns no task and no clock.
//!
//! A driver (`engine/net`, or the transcript player of the tests) runs one session at one desk:
//! it hands over bytes with [`Session::input`], calls [`Session::step`], does what the step says,
//! and steps again until [`Step::Wait`] or [`Step::Close`].

mod buffer;
mod desk;
mod session;
mod transcript;

pub use buffer::{LineBuffer, LineError};
pub use desk::{Broken, Desk};
pub use session::{News, Secured, Session, Step};
pub use transcript::{Scene, play};
