//! One user of the plan.

use super::Known;
use super::location::{self, Location};
use std::path::PathBuf;
use words_archive::dovecot_conf::expand;
use words_mail::Address;

/// Somebody who is to move.
#[derive(Clone, PartialEq, Eq)]
pub struct PlannedUser {
    /// The name there.
    pub name: String,
    /// The address here.
    pub address: Address,
    /// The password's hash, with its scheme.
    pub hash: Option<String>,
    /// The home directory, where Sieve scripts are.
    pub home: PathBuf,
    /// Where the mail is.
    pub location: Location,
    /// Octets that may be kept.
    pub quota_bytes: Option<u64>,
    /// What the operator should know.
    pub remarks: Vec<String>,
}

/// Without the hash.
impl std::fmt::Debug for PlannedUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PlannedUser({} as {}, {:?})", self.name, self.address, self.location)
    }
}

pub(super) fn planned(
    name: &str,
    known: Known,
    homes: Option<&str>,
    template: &str,
    domain: Option<&str>,
) -> Result<PlannedUser, String> {
    let address = match (name.contains('@'), domain) {
        (true, _) => name.to_string(),
        (false, Some(domain)) => format!("{name}@{domain}"),
        (false, None) => return Err("the name has no domain; give one with --domain".to_string()),
    };
    let address = Address::parse(&address).map_err(|error| format!("{address}: {error}"))?;
    let expanded = |text: &str, home: &str| {
        expand(text, name, home).ok_or_else(|| format!("{text:?} asks for what is not known here"))
    };
    let home = match (&known.home, homes) {
        (Some(home), _) => expanded(home, "")?,
        (None, Some(homes)) => expanded(homes, "")?,
        (None, None) => String::new(),
    };
    let text = expanded(known.mail.as_deref().unwrap_or(template), &home)?;
    if home.is_empty() && (text.is_empty() || text.contains('~')) {
        return Err("it is not told where the home directory is".to_string());
    }
    let mut remarks = Vec::new();
    let location = location::read(&text, &home, &mut remarks)?;
    Ok(PlannedUser {
        name: name.to_string(),
        address,
        hash: known.hash,
        home: home.into(),
        location,
        quota_bytes: known.quota.as_deref().and_then(quota),
        remarks,
    })
}

/// `*:storage=1G`: kilobytes, if no unit is told; `*:bytes=…`.
fn quota(rule: &str) -> Option<u64> {
    let limits = rule.strip_prefix("*:")?;
    limits.split(':').find_map(|limit| {
        let (what, number) = limit.split_once('=')?;
        let letters = |c: char| c.is_ascii_alphabetic();
        let (digits, unit) = number.split_at(number.find(letters).unwrap_or(number.len()));
        let factor: u64 = match (what, unit.to_ascii_uppercase().trim_end_matches('B')) {
            ("bytes", "") | ("storage", "") if unit.eq_ignore_ascii_case("b") => 1,
            ("bytes", "") => 1,
            ("storage", "" | "K") | ("bytes", "K") => 1 << 10,
            (_, "M") => 1 << 20,
            (_, "G") => 1 << 30,
            (_, "T") => 1 << 40,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(factor).filter(|bytes| *bytes > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_rules_are_read() {
        for (rule, want) in [
            ("*:storage=1G", Some(1 << 30)),
            ("*:storage=512", Some(512 << 10)),
            ("*:storage=100M:messages=1000", Some(100 << 20)),
            ("*:bytes=1000", Some(1000)),
            ("*:storage=1000B", Some(1000)),
            ("*:messages=10", None),
            ("Trash:storage=+10%", None),
            ("*:storage=0", None),
            ("*:storage=x", None),
        ] {
            assert_eq!(quota(rule), want, "{rule}");
        }
    }
}
