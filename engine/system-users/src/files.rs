//! Who there is.

use crate::Options;
use core_world::AuthorityError;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use words_archive::passwd::{SystemUser, parse_passwd};

/// Octets of a file that are read: nobody has so many users in one.
const SIZE_MAX: u64 = 64 << 20;
/// Numbers of people where `/etc/login.defs` does not say.
const UID_MIN: u32 = 1_000;
const UID_MAX: u32 = 59_999;
/// Shells that let nobody in.
const CLOSED_SHELLS: [&str; 2] = ["nologin", "false"];

/// The people of the system.
pub(crate) struct Listing(Vec<SystemUser>);

impl Listing {
    pub(crate) fn read(options: &Options) -> Result<Listing, AuthorityError> {
        let users = parse_passwd(&text(&options.passwd)?);
        // Many systems have none.
        let (min, max) = range(&text(&options.login_defs).unwrap_or_default());
        let is_person = |user: &SystemUser| {
            let shell = user.shell.rsplit('/').next().unwrap_or_default();
            (min..=max).contains(&user.uid) && !CLOSED_SHELLS.contains(&shell)
        };
        Ok(Listing(users.into_iter().filter(is_person).collect()))
    }

    /// The name that the system has for that one, in any case if there is just one such.
    pub(crate) fn find(&self, user: &str) -> Option<String> {
        let name = |user: &SystemUser| user.name.clone();
        if let Some(found) = self.0.iter().find(|found| found.name == user) {
            return Some(name(found));
        }
        let mut alike = self.0.iter().filter(|found| found.name.to_lowercase() == user);
        let first = alike.next()?;
        alike.next().is_none().then(|| name(first))
    }
}

/// `UID_MIN` and `UID_MAX`.
fn range(login_defs: &str) -> (u32, u32) {
    let value = |key: &str, default: u32| {
        let mut lines = login_defs.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next()? == key).then(|| words.next()?.parse().ok())?
        });
        lines.next().unwrap_or(default)
    };
    (value("UID_MIN", UID_MIN), value("UID_MAX", UID_MAX))
}

/// The text of a file. Errors end with the next step.
pub(crate) fn text(path: &Path) -> Result<String, AuthorityError> {
    let error = |error: std::io::Error| {
        AuthorityError(format!("{}: {error}; see who may read it", path.display()))
    };
    let mut octets = Vec::new();
    let file = File::open(path).map_err(error)?;
    file.take(SIZE_MAX).read_to_end(&mut octets).map_err(error)?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_people_are_what_login_defs_says() {
        assert_eq!(range(""), (1_000, 59_999));
        assert_eq!(range("# UID_MIN 7\nUID_MIN\t\t  500\nUID_MAX 60000 \n"), (500, 60_000));
        assert_eq!(range("UID_MIN many\nSYS_UID_MIN 100\n"), (1_000, 59_999));
    }

    #[test]
    fn names_are_found_in_any_case_if_that_is_plain() {
        let user = |name: &str| SystemUser {
            name: name.to_string(),
            uid: 1_000,
            full_name: String::new(),
            home: String::new(),
            shell: String::new(),
        };
        let listing = Listing(["ana", "Bob", "carl", "Carl", "Eva", "EVA"].map(user).to_vec());
        let find = |name: &str| listing.find(name);
        assert_eq!(find("ana").as_deref(), Some("ana"));
        assert_eq!(find("bob").as_deref(), Some("Bob"));
        assert_eq!(find("carl").as_deref(), Some("carl"));
        assert_eq!((find("eva"), find("nobody"), find("")), (None, None, None));
    }
}
