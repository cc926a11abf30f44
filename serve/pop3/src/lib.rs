//! Which question of POP3 is which call of the core.

mod desk;

pub use desk::Pop3Desk;
