//! Hashes of their passwords.

use crate::Options;
use crate::files::text;
use core_world::AuthorityError;
use std::collections::HashMap;

/// Seconds of a day, in which the file counts.
const DAY: i64 = 24 * 60 * 60;
/// Where in a line the day stands from which on the account is over.
const EXPIRES: usize = 7;

/// An `/etc/shadow`.
pub(crate) struct Shadow(HashMap<String, Line>);

struct Line {
    hash: String,
    /// The day since 1970 from which on the account is over.
    expires: Option<i64>,
}

impl Shadow {
    /// Errors: why it cannot be read, and what to do.
    pub(crate) fn read(options: &Options) -> Result<Shadow, AuthorityError> {
        let shadow = text(&options.shadow).map_err(|AuthorityError(why)| {
            AuthorityError(format!(
                "{why}: put the server's user into the group shadow (adduser USER shadow), or use a \
                 build with PAM"
            ))
        })?;
        Ok(Shadow::parse(&shadow))
    }

    fn parse(text: &str) -> Shadow {
        let line = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let (name, hash) = (*fields.first()?, *fields.get(1)?);
            let expires = fields.get(EXPIRES).and_then(|day| day.parse().ok());
            // An empty one would let in with any password; `!` and `*` lock; and what does not say
            // its kind is a hash of 1979, or a password in the clear.
            let good = !name.is_empty() && hash.starts_with('$');
            good.then(|| (name.to_string(), Line { hash: hash.to_string(), expires }))
        };
        Shadow(text.lines().filter_map(line).collect())
    }

    /// The hash of that user, if their account is not over.
    pub(crate) fn hash_of(&self, user: &str, now: words_base::Timestamp) -> Option<String> {
        let line = self.0.get(user)?;
        let today = now.seconds().div_euclid(DAY);
        let is_over = line.expires.is_some_and(|day| today >= day);
        (!is_over).then(|| line.hash.clone())
    }

    /// Somebody's: the same each time.
    pub(crate) fn any_hash(&self) -> Option<String> {
        let first = self.0.iter().min_by_key(|(name, _)| name.as_str());
        first.map(|(_, line)| line.hash.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words_base::Timestamp;

    #[test]
    fn only_hashes_of_open_accounts_count() {
        let shadow = Shadow::parse(
            "ana:$y$a:20000:0:99999:7:::\nbob:$6$b:20000:0:99999:7::20400:\nlocked:!$6$c:1::::::\n\
             star:*:1::::::\nempty::1::::::\nold:XXabcdefghijk:1::::::\nshort\n:$6$x:1::::::\n",
        );
        let at = |day: i64| Timestamp::from_seconds(day * DAY + 5);
        assert_eq!(shadow.hash_of("ana", at(20_500)).as_deref(), Some("$y$a"));
        assert_eq!(shadow.hash_of("bob", at(20_399)).as_deref(), Some("$6$b"));
        assert_eq!(shadow.hash_of("bob", at(20_400)), None);
        for user in ["locked", "star", "empty", "old", "short", "", "nobody"] {
            assert_eq!(shadow.hash_of(user, at(0)), None, "{user}");
        }
        assert_eq!(shadow.any_hash().as_deref(), Some("$y$a"));
        assert_eq!(Shadow::parse("").any_hash(), None);
    }
}
