//! Reaching only some files, whatever goes wrong later: Landlock, where the kernel has it.

use std::fmt;
use std::path::{Path, PathBuf};

/// What a mail server on any system reads beside its own files: names and addresses, authorities,
/// the C library's parts that are loaded late, time zones, what the kernel says of this process.
/// Directories rather than files, for files are replaced by others of the same name.
const SYSTEM: [&str; 10] = [
    "/etc",
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/zoneinfo",
    "/run/systemd/resolve",
    "/proc",
];

/// The files that remain within reach. Nothing outside can be opened, made, removed or renamed, and
/// nothing at all can be executed; what is open already stays open.
#[derive(Clone, Debug, Default)]
pub struct Confinement {
    write: Vec<PathBuf>,
    read: Vec<PathBuf>,
}

/// How far the kernel confines this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// In everything that was asked for.
    Full,
    /// In some of it: the kernel is older than what was asked for.
    Partial,
    /// Not at all; says why.
    None(String),
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Full => f.write_str("full"),
            Level::Partial => f.write_str("partial: a newer kernel confines more"),
            Level::None(why) => write!(f, "none: {why}"),
        }
    }
}

impl Confinement {
    /// What every server needs of the system, to read.
    pub fn of_system() -> Confinement {
        Confinement { write: Vec::new(), read: SYSTEM.map(PathBuf::from).to_vec() }
    }

    /// And all in this directory, to read and to write.
    pub fn and_write(mut self, directory: &Path) -> Confinement {
        self.write.push(directory.to_path_buf());
        self
    }

    /// And this file or directory, to read. Of a file its whole directory, and that of the file
    /// which it is a link to: both are replaced when certificates are renewed.
    pub fn and_read(mut self, path: &Path) -> Confinement {
        let real = path.canonicalize().unwrap_or(path.to_path_buf());
        if real.is_dir() {
            self.read.push(real);
            return self;
        }
        let directories = [path, &real].into_iter().filter_map(Path::parent);
        self.read.extend(directories.filter(|d| *d != Path::new("")).map(Path::to_path_buf));
        self
    }
}

/// Confines this thread, and every one that it starts from now on, for good. Best effort: a kernel
/// that cannot do it is no reason not to serve, and the level is for the log. Paths that do not
/// exist are left out.
pub fn confine(to: &Confinement) -> Level {
    imp::confine(to)
}

#[cfg(target_os = "linux")]
mod imp {
    use super::{Confinement, Level};
    use landlock::{
        ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath,
        PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    };

    /// What we know how to ask for; older kernels do a part of it.
    const KNOWN: ABI = ABI::V6;

    pub(super) fn confine(to: &Confinement) -> Level {
        restrict(to).unwrap_or_else(|error| Level::None(error.to_string()))
    }

    fn restrict(to: &Confinement) -> Result<Level, RulesetError> {
        let all = AccessFs::from_all(KNOWN);
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        let write = all & !(AccessFs::Execute | AccessFs::MakeBlock | AccessFs::MakeChar);
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)?
            // Signals to others; a server sends none.
            .scope(Scope::Signal)?
            .create()?;
        let rules = to.read.iter().map(|path| (path, read));
        for (path, access) in rules.chain(to.write.iter().map(|path| (path, write))) {
            if let Ok(fd) = PathFd::new(path) {
                ruleset = ruleset.add_rule(PathBeneath::new(fd, of_kind(path, access)))?;
            }
        }
        let status = ruleset.restrict_self()?;
        Ok(match status.ruleset {
            RulesetStatus::FullyEnforced => Level::Full,
            RulesetStatus::PartiallyEnforced => Level::Partial,
            RulesetStatus::NotEnforced => Level::None(why(&status.landlock).to_string()),
        })
    }

    /// A file has no entries: only some rights mean anything for it.
    fn of_kind(path: &std::path::Path, access: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
        if path.is_dir() { access } else { access & AccessFs::from_file(KNOWN) }
    }

    fn why(status: &LandlockStatus) -> &'static str {
        match status {
            LandlockStatus::NotEnabled => {
                "Landlock is switched off in this kernel; add landlock to its lsm= list"
            }
            LandlockStatus::NotImplemented => {
                "this kernel has no Landlock; it came with Linux 5.13"
            }
            _ => "the kernel did not enforce it",
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::{Confinement, Level};

    pub(super) fn confine(_: &Confinement) -> Level {
        Level::None("only Linux has Landlock".to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_file_its_directories_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (live, archive) = (folder.path().join("live"), folder.path().join("archive"));
        std::fs::create_dir(&live).unwrap();
        std::fs::create_dir(&archive).unwrap();
        std::fs::write(archive.join("key1.pem"), "x").unwrap();
        std::os::unix::fs::symlink("../archive/key1.pem", live.join("key.pem")).unwrap();
        let read = Confinement::default().and_read(&live.join("key.pem")).read;
        assert_eq!(read, [live.clone(), archive.canonicalize().unwrap()]);
        assert_eq!(Confinement::default().and_read(&live).read, [live.canonicalize().unwrap()]);
    }
}
