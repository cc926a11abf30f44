//! The house in a simulated world: for now a [`disk`] that loses power, and [`power`], which pulls
//! the plug on the embedded store at random instants and looks what is left.

pub mod disk;
pub mod power;
