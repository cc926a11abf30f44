//! Whom a process can become.

use nix::unistd::{Gid, Group, Uid, User};
use std::ffi::CString;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

/// A user of this machine, with groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub(crate) name: String,
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
    /// The main group among them.
    pub(crate) groups: Vec<Gid>,
}

/// Why a user cannot be used.
#[derive(Debug)]
pub enum IdentityError {
    /// There is none of this name.
    Unknown(String),
    /// There is no group of this name.
    UnknownGroup(String),
    /// It is the one with all privileges.
    Root(String),
    /// The machine's list of users cannot be read.
    Unreadable(String, io::Error),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentityError::Unknown(name) => write!(
                f,
                "this machine has no user {name}: make one (adduser --system --group {name}), or name another"
            ),
            IdentityError::UnknownGroup(name) => write!(
                f,
                "this machine has no group {name}: make one (addgroup --system {name}), or name another"
            ),
            IdentityError::Root(name) => {
                write!(f, "{name} has all privileges: name a user that is made for this server")
            }
            IdentityError::Unreadable(name, error) => {
                write!(f, "the user {name} cannot be looked up: {error}")
            }
        }
    }
}

impl std::error::Error for IdentityError {}

impl Identity {
    /// The user `name`, with its main group and all others that it is in.
    pub fn find(name: &str) -> Result<Identity, IdentityError> {
        let unreadable = |error: nix::Error| IdentityError::Unreadable(name.into(), error.into());
        let user = User::from_name(name).map_err(unreadable)?;
        let user = user.ok_or_else(|| IdentityError::Unknown(name.to_string()))?;
        if user.uid.is_root() {
            return Err(IdentityError::Root(name.to_string()));
        }
        let c_name = CString::new(name).map_err(|_| IdentityError::Unknown(name.to_string()))?;
        let groups = nix::unistd::getgrouplist(&c_name, user.gid).map_err(unreadable)?;
        Ok(Identity { name: user.name, uid: user.uid, gid: user.gid, groups })
    }

    /// Who owns what is at `path`; `None` if root does.
    pub fn owner(path: &Path) -> io::Result<Option<Identity>> {
        let metadata = fs::metadata(path)?;
        let (uid, gid) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
        if uid.is_root() {
            return Ok(None);
        }
        // A number that has no name is somebody too.
        let name = User::from_uid(uid)?.map(|user| user.name);
        match name.and_then(|name| Identity::find(&name).ok()) {
            Some(identity) => Ok(Some(identity)),
            None => Ok(Some(Identity { name: uid.to_string(), uid, gid, groups: vec![gid] })),
        }
    }

    /// The same user with `group` as its main group.
    pub fn in_group(mut self, group: &str) -> Result<Identity, IdentityError> {
        let unreadable = |error: nix::Error| IdentityError::Unreadable(group.into(), error.into());
        let found = Group::from_name(group).map_err(unreadable)?;
        self.gid = found.ok_or_else(|| IdentityError::UnknownGroup(group.to_string()))?.gid;
        if !self.groups.contains(&self.gid) {
            self.groups.push(self.gid);
        }
        Ok(self)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it the file or directory at `path`, which somebody with all privileges has just made.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_harmless_user_will_do() {
        assert!(matches!(Identity::find("root"), Err(IdentityError::Root(_))));
        for name in ["no-such-user", "", "a\0b"] {
            assert!(matches!(Identity::find(name), Err(IdentityError::Unknown(_))), "{name:?}");
        }
        let root = Identity::find("nobody").unwrap().in_group("root").unwrap();
        assert!(root.gid.as_raw() == 0 && root.groups.contains(&root.gid));
        let unknown = Identity::find("nobody").unwrap().in_group("no-such-group");
        assert!(matches!(unknown, Err(IdentityError::UnknownGroup(_))));
        assert_eq!(Identity::owner(Path::new("/")).unwrap(), None);
        let nobody = Identity::find("nobody").unwrap();
        assert!(!nobody.uid.is_root() && nobody.groups.contains(&nobody.gid));
    }
}
