//! Who is genuine: runs the evaluations of `rules/sender` with answers of a [`core_world::Resolver`],
//! and knows how to verify and sign. Nothing of a message's body is kept.

mod examination;
mod key;
mod lookup;
mod signing;
mod together;

pub use examination::Genuine;
pub use signing::Notary;
