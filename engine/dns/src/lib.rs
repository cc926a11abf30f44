//! The DNS, asked.
