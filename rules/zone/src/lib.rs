//! Which records a domain publishes so that its mail works, and what is wrong with those that were
//! found. It asks nobody: [`needs`] says what must be known first, [`compare`] judges it.
//!
//! ```
//! use rules_zone::{Facts, master_file, records};
//! let mut facts = Facts::new("mired.org", "asterix.mired.org");
//! facts.addresses.push([192, 168, 100, 2].into());
//! let text = master_file(&facts, &records(&facts), 2026112401);
//! assert!(text.contains("\n@                      IN MX    10 asterix\n"));
//! ```

mod compare;
mod data;
mod facts;
mod known;
mod print;
mod records;
mod tags;

pub use compare::{Finding, State, Weight, compare, is_good, needs};
pub use data::{Data, Kind, reverse_name};
pub use facts::{DkimAlgorithm, DkimKey, Facts, Port, Service, mta_sts_policy};
pub use known::{Found, Known, Question};
pub use print::{line, master_file};
pub use records::{ZoneRecord, records};
