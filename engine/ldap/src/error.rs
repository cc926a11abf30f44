//! What goes wrong.

use ldap3::{LdapError, LdapResult};
use std::fmt;

/// Why the options cannot be used. Ends with the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsError(pub String);

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionsError {}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Trouble {
    why: String,
    /// Is it the connection that is of no more use, and perhaps nothing else?
    is_broken: bool,
}

impl Trouble {
    /// For good, as far as this question goes.
    pub(crate) fn new(why: impl Into<String>) -> Trouble {
        Trouble { why: why.into(), is_broken: false }
    }

    /// A server's refusal of what should not be refused.
    pub(crate) fn refused(what: &str, result: &LdapResult) -> Trouble {
        let text: String = result.text.chars().filter(|c| !c.is_control()).take(200).collect();
        let meaning = match result.rc {
            1 => "operationsError",
            3 => "timeLimitExceeded",
            4 => "sizeLimitExceeded",
            7 => "authMethodNotSupported",
            8 => "strongerAuthRequired: it wants encryption",
            10 => "referral to another server",
            13 => "confidentialityRequired: it wants encryption",
            32 => "noSuchObject: is the base right, and may it be read?",
            49 => "invalidCredentials",
            50 => "insufficientAccessRights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwillingToPerform",
            _ => "see RFC 4511, appendix A",
        };
        Trouble::new(format!("{what}: result {} ({meaning}) {text}", result.rc).trim_end())
    }

    /// Would another connection perhaps do?
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }
}

impl From<LdapError> for Trouble {
    fn from(error: LdapError) -> Trouble {
        let is_broken = !matches!(error, LdapError::FilterParsing);
        Trouble { why: error.to_string(), is_broken }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
