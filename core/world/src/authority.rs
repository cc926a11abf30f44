//! Those who know people from elsewhere: an LDAP directory, the users of the system.

use crate::Later;
use std::fmt;

/// Knows people and their passwords. Whatever is asked, the answer comes within a bounded time, and
/// for a name that nobody has no sooner than for a wrong password, as far as it can help it.
pub trait Authority: Send + Sync {
    /// What accounts are marked with: `ldap`, `system`. It never changes.
    fn name(&self) -> &str;

    /// Who is that? `None`: nobody it knows.
    fn look_up<'a>(
        &'a self,
        sought: &'a Sought,
    ) -> Later<'a, Result<Option<Person>, AuthorityError>>;

    /// Is it their password? Never asked with an empty one.
    fn verify<'a>(
        &'a self,
        sought: &'a Sought,
        password: &'a [u8],
    ) -> Later<'a, Result<Verdict, AuthorityError>>;
}

/// Who is meant. It comes from a stranger, in part: whoever puts it into a query escapes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// What stands before the `@`, or all that was given; in lower case. Of somebody who has an
    /// account: [`Person::user`].
    pub user: String,
    /// The whole address, if there is one; its domain is one of ours.
    pub address: Option<String>,
}

/// Somebody whom an authority knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The one name by which the authority will know them for good.
    pub user: String,
    /// Their addresses, the main one first. None: the authority knows of no addresses.
    pub addresses: Vec<String>,
    /// Octets of messages that they may keep. `None`: the authority does not say.
    pub quota_bytes: Option<u64>,
    /// Messages that they may keep. `None`: the authority does not say.
    pub quota_messages: Option<u64>,
}

/// What an authority says of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is theirs.
    Right(Person),
    /// The authority knows them, and it is not.
    Wrong,
    /// The authority knows nobody of that name, or does not tell that from a wrong password.
    Unknown,
}

/// Why an authority has no answer. It may be asked again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityError(pub String);

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AuthorityError {}
