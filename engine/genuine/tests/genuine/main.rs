//! Signed, examined, sealed; by us and by others.

mod foreign;
mod road;
mod table;
