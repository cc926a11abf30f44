//! Which attributes of an entry say what.

/// Names of attributes. In an entry their case does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The one name by which somebody is known for good.
    pub user: String,
    /// Addresses; the first value is the main one.
    pub address: String,
    /// More addresses, if there is such an attribute.
    pub aliases: Option<String>,
    /// Octets that they may keep, as in `1073741824`, `500M`, `2G`; if there is such an attribute.
    pub quota: Option<String>,
}

impl Default for Attributes {
    fn default() -> Attributes {
        Attributes {
            user: "uid".to_string(),
            address: "mail".to_string(),
            aliases: None,
            quota: None,
        }
    }
}

impl Attributes {
    /// All that are asked for.
    pub(crate) fn names(&self) -> Vec<&str> {
        let more = [&self.aliases, &self.quota].into_iter().flatten();
        [&self.user, &self.address].into_iter().chain(more).map(String::as_str).collect()
    }

    /// Can they be asked for (RFC 4512 §2.5)?
    pub(crate) fn wrong(&self) -> Option<&str> {
        let good = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';'))
        };
        self.names().into_iter().find(|name| !good(name))
    }
}
