//! The house in a simulated world: the real core, serve and proto on the real engine, with a clock,
//! a network and a disk that follow from a seed. The disk tears and loses what was not synced, fails
//! and fills up; connections break; the process dies between any two steps. Whatever happens, what
//! was acknowledged is kept: `audit` holds the laws, `ledger` what clients were told.
//!
//! `power` and the tests of `disk` look at the engine alone, with its own threads.

mod audit;
mod client;
pub mod disk;
mod driver;
mod executor;
pub mod fault;
mod house;
mod ledger;
mod letter;
pub mod many;
mod network;
mod outside;
pub mod power;
pub mod run;
mod trace;

pub use ledger::Counts;
