//! What an entry says of a person.

use crate::Attributes;
use core_world::Person;
use ldap3::SearchEntry;
use std::collections::HashMap;
use tracing::warn;

/// Addresses of one person that are heeded.
const ADDRESSES_MAX: usize = 200;

/// An entry of the directory, as far as it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) dn: String,
    attributes: HashMap<String, Vec<String>>,
}

impl Entry {
    /// As it came.
    pub(crate) fn new(entry: SearchEntry) -> Entry {
        let lower = |(name, values): (String, _)| (name.to_ascii_lowercase(), values);
        Entry { dn: entry.dn, attributes: entry.attrs.into_iter().map(lower).collect() }
    }

    /// One that is there and that we may not read.
    pub(crate) fn unreadable(dn: String) -> Entry {
        Entry { dn, attributes: HashMap::new() }
    }

    fn values(&self, name: &str) -> &[String] {
        self.attributes.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The person; `user` is their name if the entry tells none. `None`: it has no name at all.
    pub(crate) fn person(&self, attributes: &Attributes, user: Option<&str>) -> Option<Person> {
        let told = self.values(&attributes.user).iter().map(String::as_str);
        // Of several names, the one that was given: else it were another one each time.
        let user = match user {
            Some(user) => told.clone().find(|name| same(name, user)).unwrap_or(user),
            None => told.min()?,
        };
        let aliases = attributes.aliases.as_deref().map_or(&[][..], |name| self.values(name));
        let addresses = self.values(&attributes.address).iter().chain(aliases);
        // Other things than addresses: `smtp:` in front, as one product writes aliases.
        let address = |value: &String| {
            let bare = value.split_once(':').filter(|(kind, _)| kind.eq_ignore_ascii_case("smtp"));
            bare.map_or(value.as_str(), |(_, address)| address).trim().to_string()
        };
        Some(Person {
            user: user.to_string(),
            addresses: addresses.take(ADDRESSES_MAX).map(address).collect(),
            quota_bytes: self.quota(attributes),
            quota_messages: None,
        })
    }

    fn quota(&self, attributes: &Attributes) -> Option<u64> {
        let value = self.values(attributes.quota.as_deref()?).first()?;
        let quota = octets(value);
        if quota.is_none() {
            warn!(dn = self.dn, value, "no quota: write it as in 1073741824, 500M or 2G");
        }
        quota
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// `1073741824`, `500M`, `2 GB`.
fn octets(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_uppercase().trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(values: &[(&str, &[&str])]) -> Entry {
        let attrs = values.iter().map(|(name, values)| {
            (name.to_string(), values.iter().map(|value| value.to_string()).collect())
        });
        let dn = "uid=ana,dc=mired,dc=org".to_string();
        Entry::new(SearchEntry { dn, attrs: attrs.collect(), bin_attrs: HashMap::new() })
    }

    #[test]
    fn a_person_is_what_the_attributes_say() {
        let attributes = Attributes {
            aliases: Some("proxyAddresses".to_string()),
            quota: Some("mailQuota".to_string()),
            ..Attributes::default()
        };
        let ana = entry(&[
            ("UID", &["Ana"]),
            ("mail", &["ana@mired.org"]),
            ("proxyaddresses", &["SMTP:ana@mired.org", "smtp:a.garcia@mired.org", "x@ab.org "]),
            ("MAILQUOTA", &["500M"]),
        ]);
        let person = ana.person(&attributes, None).unwrap();
        assert_eq!(person.user, "Ana");
        assert_eq!(
            person.addresses,
            ["ana@mired.org", "ana@mired.org", "a.garcia@mired.org", "x@ab.org"]
        );
        assert_eq!((person.quota_bytes, person.quota_messages), (Some(500 << 20), None));
        let nobody = entry(&[("mail", &["ana@mired.org"])]);
        assert_eq!(nobody.person(&attributes, None), None);
        assert_eq!(nobody.person(&attributes, Some("ana")).unwrap().user, "ana");
        let two = entry(&[("uid", &["zoe", "ana"])]);
        assert_eq!(two.person(&attributes, None).unwrap().user, "ana", "always the same");
        assert_eq!(two.person(&attributes, Some("Zoe")).unwrap().user, "zoe");
    }

    #[test]
    fn a_quota_is_a_number_with_a_unit() {
        for (text, want) in [
            ("1073741824", Some(1 << 30)),
            (" 10k ", Some(10 << 10)),
            ("500M", Some(500 << 20)),
            ("2 GB", Some(2 << 30)),
            ("1T", Some(1 << 40)),
            ("0", Some(0)),
            ("", None),
            ("M", None),
            ("-1", None),
            ("2X", None),
            ("18446744073709551615K", None),
            ("*:storage=1G", None),
        ] {
            assert_eq!(octets(text), want, "{text:?}");
        }
    }
}
