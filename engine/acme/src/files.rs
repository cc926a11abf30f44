//! What is kept: account, key and chain, in one directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The directory and the names in it.
#[derive(Clone, Debug)]
pub struct Files {
    directory: PathBuf,
}

impl Files {
    /// In `directory`, which is made when something is written.
    pub fn new(directory: impl Into<PathBuf>) -> Files {
        Files { directory: directory.into() }
    }

    /// The account at the authority, with its key.
    pub fn account(&self) -> PathBuf {
        self.directory.join("account.json")
    }

    /// The key, and behind it the chain: both in one file, since they change together.
    pub fn certificate(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    /// The file's text; none if there is none.
    pub fn read(&self, path: &Path) -> io::Result<Option<String>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file that its owner alone may read; it is there whole or as it was.
    pub fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let new = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(&self.directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_written_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path().join("acme"));
        assert_eq!(files.read(&files.account()).unwrap(), None);
        for text in ["one", "two"] {
            files.write(&files.account(), text).unwrap();
            assert_eq!(files.read(&files.account()).unwrap().as_deref(), Some(text));
        }
        let mode = fs::metadata(files.account()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let count = fs::read_dir(folder.path().join("acme")).unwrap().count();
        assert_eq!(count, 1);
    }
}
