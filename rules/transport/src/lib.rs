//! How safely mail must travel to a host of another domain, and what is told of it afterwards: the
//! policies of MTA-STS (RFC 8461), DANE (RFC 7672), REQUIRETLS (RFC 8689), TLS reports (RFC 8460).
//! Pure: it asks nobody, keeps nothing and reads no clock. What the DNS and the web said is handed in.
//!
//! ```
//! use rules_transport::{Demand, Found, HostFacts, Mode, Policy, Wish, decide};
//!
//! let policy = Policy::parse(b"version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 86400\n");
//! let facts = HostFacts {
//!     domain: "example.org",
//!     host: "mx1.example.org",
//!     mx_is_secure: false,
//!     tlsa: Found::Nothing,
//!     policy: policy.as_ref().ok(),
//! };
//! let decision = decide(&facts, Wish::Ordinary);
//! assert_eq!(decision.demand, Ok(Demand::Names(vec!["mx1.example.org".to_string()])));
//! ```

mod demand;
mod fields;
mod record;
pub mod report;
mod sts;

pub use demand::{Decision, Demand, Found, HostFacts, Means, Obstacle, Wish, decide};
pub use record::{ReportTo, policy_id, report_to};
pub use sts::{
    Cached, Live, MAX_AGE_MAX, MX_MAX, Mode, Next, POLICY_SIZE_MAX, Pattern, Policy, PolicyError,
    RETRY_AFTER, is_text_plain, next, policy_url,
};
