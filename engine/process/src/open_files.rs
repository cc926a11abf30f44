//! How many files this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit towards `wanted`: as far as the system grants without privileges, and with them
/// all the way. The limit that holds now.
pub fn raise_open_files(wanted: u64) -> u64 {
    let present = getrlimit(Resource::Nofile);
    if let (Some(_), Some(maximum)) = (present.current, present.maximum) {
        let further = Rlimit { current: Some(wanted), maximum: Some(wanted) };
        let granted = Rlimit { current: present.maximum, maximum: present.maximum };
        // What we have already will do, if neither is granted.
        let _ = (wanted > maximum && setrlimit(Resource::Nofile, further).is_ok())
            || setrlimit(Resource::Nofile, granted).is_ok();
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_never_lowered() {
        let before = getrlimit(Resource::Nofile);
        let after = raise_open_files(16);
        assert!(after >= before.current.unwrap_or(u64::MAX));
        assert_eq!(getrlimit(Resource::Nofile).maximum, before.maximum);
    }
}
