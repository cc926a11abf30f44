//! MTA-STS (RFC 8461): policies, and how long one is kept.

mod cache;
mod policy;

pub use cache::{Cached, Live, Next, RETRY_AFTER, next};
pub use policy::{
    MAX_AGE_MAX, MX_MAX, Mode, POLICY_SIZE_MAX, Pattern, Policy, PolicyError, is_text_plain,
    policy_url,
};
