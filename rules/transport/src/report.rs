//! TLS reports (RFC 8460): results are counted, by policy, for a day; a domain that wants to know is
//! told.

mod json;
mod tally;

pub use json::{
    DetailJson, PolicyJson, REPORT_SIZE_MAX, RangeJson, ReportError, ReportJson, ResultsJson,
    SummaryJson,
};
pub use tally::{Counted, DETAILS_MAX, Detail, FailureType, PolicyOf, Tally};
