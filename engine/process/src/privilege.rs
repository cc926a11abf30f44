//! Giving up privileges for good.

use crate::identity::Identity;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid};
use rustix::fs::Mode;
use rustix::process::umask;
use std::fmt;
use std::io;

/// Files made from now on are for their owner alone.
const UMASK: u32 = 0o077;

/// Why privileges were not given up. A server must not go on then.
#[derive(Debug)]
pub enum PrivilegeError {
    /// Only somebody with all privileges can become somebody else.
    NotRoot(String),
    /// The system refused; says what.
    Refused(&'static str, io::Error),
    /// They could be taken back; says which.
    Regained(&'static str),
}

impl fmt::Display for PrivilegeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrivilegeError::NotRoot(name) => write!(
                f,
                "cannot become {name}: start as root, as {name} itself, or without naming a user"
            ),
            PrivilegeError::Refused(what, error) => {
                write!(f, "{what} failed: {error}; no privilege was given up, so nothing is served")
            }
            PrivilegeError::Regained(what) => {
                write!(f, "{what} could be taken back, so nothing is served")
            }
        }
    }
}

impl std::error::Error for PrivilegeError {}

/// Has this process all privileges?
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Becomes `identity` if one is given, and gives up everything that goes beyond an ordinary user:
/// other groups, every capability, programs that would grant new ones. It makes sure that none of it
/// can be had again. From now on new files are for their owner alone.
///
/// Who runs as root and names nobody stays root, though without capabilities.
pub fn give_up(identity: Option<&Identity>) -> Result<(), PrivilegeError> {
    umask(Mode::from_raw_mode(UMASK));
    match identity {
        Some(identity) if is_root() => become_user(identity)?,
        Some(identity) if !is_already(identity) => {
            return Err(PrivilegeError::NotRoot(identity.name.clone()));
        }
        _ => {}
    }
    #[cfg(target_os = "linux")]
    linux::give_up_capabilities()?;
    if is_root() && identity.is_none() { Ok(()) } else { check_user() }
}

/// Becomes `identity` for good, with the right to read everything and no other: for work that root
/// asks for on files of somebody else, where what root would make could not be opened by them.
pub fn act_for(identity: &Identity) -> Result<(), PrivilegeError> {
    #[cfg(target_os = "linux")]
    linux::keep_capabilities()?;
    become_user(identity)?;
    #[cfg(target_os = "linux")]
    linux::read_everything()?;
    check_user()
}

fn is_already(identity: &Identity) -> bool {
    Uid::effective() == identity.uid
}

/// Groups first: afterwards nobody may change them.
fn become_user(to: &Identity) -> Result<(), PrivilegeError> {
    let refused = |what| move |error: nix::Error| PrivilegeError::Refused(what, error.into());
    setgroups(&to.groups).map_err(refused("setgroups"))?;
    setresgid(to.gid, to.gid, to.gid).map_err(refused("setresgid"))?;
    setresuid(to.uid, to.uid, to.uid).map_err(refused("setresuid"))
}

/// Root, tried, must be out of reach, and no id may be kept aside for later.
fn check_user() -> Result<(), PrivilegeError> {
    let root = (Uid::from_raw(0), Gid::from_raw(0));
    if setresuid(root.0, root.0, root.0).is_ok() {
        return Err(PrivilegeError::Regained("the user root"));
    }
    if !Gid::effective().eq(&root.1) && setresgid(root.1, root.1, root.1).is_ok() {
        return Err(PrivilegeError::Regained("the group root"));
    }
    let refused = |what| move |error: nix::Error| PrivilegeError::Refused(what, error.into());
    let (users, groups) =
        (getresuid().map_err(refused("getresuid"))?, getresgid().map_err(refused("getresgid"))?);
    if users.real != users.effective || users.saved != users.effective {
        return Err(PrivilegeError::Regained("another user"));
    }
    if groups.real != groups.effective || groups.saved != groups.effective {
        return Err(PrivilegeError::Regained("another group"));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use super::PrivilegeError;
    use rustix::thread::{
        CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, no_new_privs,
        set_capabilities, set_keep_capabilities, set_no_new_privs,
    };

    const READ: CapabilitySets = CapabilitySets {
        effective: CapabilitySet::DAC_READ_SEARCH,
        permitted: CapabilitySet::DAC_READ_SEARCH,
        inheritable: CapabilitySet::empty(),
    };

    /// Becoming somebody else takes them away unless this is said before.
    pub(super) fn keep_capabilities() -> Result<(), PrivilegeError> {
        set_keep_capabilities(true)
            .map_err(|error| PrivilegeError::Refused("PR_SET_KEEPCAPS", error.into()))
    }

    /// Of those that were kept, all but the one to read are given up.
    pub(super) fn read_everything() -> Result<(), PrivilegeError> {
        set_capabilities(None, READ)
            .map_err(|error| PrivilegeError::Refused("capset", error.into()))
    }

    const NONE: CapabilitySets = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };

    /// Those of a service manager too, such as the one for low ports.
    pub(super) fn give_up_capabilities() -> Result<(), PrivilegeError> {
        let refused =
            |what| move |error: rustix::io::Errno| PrivilegeError::Refused(what, error.into());
        set_no_new_privs(true).map_err(refused("PR_SET_NO_NEW_PRIVS"))?;
        clear_ambient_capability_set().map_err(refused("PR_CAP_AMBIENT_CLEAR_ALL"))?;
        set_capabilities(None, NONE).map_err(refused("capset"))?;
        let left = capabilities(None).map_err(refused("capget"))?;
        let all = left.effective | left.permitted | left.inheritable;
        if !all.is_empty() || !no_new_privs().unwrap_or(false) {
            return Err(PrivilegeError::Regained("a capability"));
        }
        Ok(())
    }
}
