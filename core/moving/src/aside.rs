//! What is kept aside for the day when it can be used: Sieve scripts, messages that are too large.

use crate::text_file;
use core_world::{FileError, FileErrorKind, FileKind, Tree};
use std::path::{Path, PathBuf};

/// The script that is active, or a link to it.
const ACTIVE: &str = ".dovecot.sieve";
/// Where the others are.
const SCRIPTS: &str = "sieve";
/// Octets of a script.
const SCRIPT_MAX: usize = 1 << 20;
/// Scripts that are kept.
const SCRIPTS_MAX: usize = 1_000;
/// Depth of directories of scripts.
const DEPTH_MAX: usize = 4;

/// Copies the Sieve scripts of a home directory. Gives a line for each, for the report.
pub async fn keep_scripts(home: &dyn Tree, aside: &dyn Tree) -> Result<Vec<String>, FileError> {
    let mut lines = Vec::new();
    match home.metadata(Path::new(ACTIVE)).await.map(|metadata| metadata.kind) {
        Ok(FileKind::File) => lines.push(copy(home, Path::new(ACTIVE), aside).await?),
        Ok(FileKind::Link) => lines.push(format!(
            "{ACTIVE} is a link to the active script; scripts in {SCRIPTS}/ are kept, look up which one"
        )),
        _ => {}
    }
    let mut waiting = vec![(PathBuf::from(SCRIPTS), 0)];
    while let Some((directory, depth)) = waiting.pop() {
        let mut listing = match home.list(&directory).await {
            Ok(listing) => listing,
            Err(error) if depth == 0 && is_missing(&error) => break,
            Err(error) => return Err(error),
        };
        loop {
            let page = listing.next(100).await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                let path = directory.join(&entry.name);
                let is_script = path.extension().is_some_and(|e| e == "sieve");
                match entry.kind {
                    FileKind::Directory if depth < DEPTH_MAX => waiting.push((path, depth + 1)),
                    FileKind::File if is_script && lines.len() < SCRIPTS_MAX => {
                        lines.push(copy(home, &path, aside).await?);
                    }
                    _ => {}
                }
            }
        }
    }
    lines.sort();
    Ok(lines)
}

fn is_missing(error: &FileError) -> bool {
    matches!(error.kind, FileErrorKind::NotFound | FileErrorKind::NotADirectory)
        || error.kind == FileErrorKind::LeadsOut
}

async fn copy(home: &dyn Tree, path: &Path, aside: &dyn Tree) -> Result<String, FileError> {
    let octets = text_file::read(home, path, SCRIPT_MAX).await?.unwrap_or_default();
    put(aside, path, &octets).await?;
    Ok(format!("kept aside: {}, {} octets", path.display(), octets.len()))
}

/// Writes a file whole, in place of what has its name.
pub(crate) async fn put(tree: &dyn Tree, path: &Path, octets: &[u8]) -> Result<(), FileError> {
    make_above(tree, path).await?;
    let new = path.with_extension("new-part");
    let _ = tree.remove(&new).await;
    let mut file = tree.create(&new, 0o600).await?;
    file.write(octets).await?;
    file.sync().await?;
    tree.rename(&new, path).await?;
    tree.sync_directory(path.parent().unwrap_or(Path::new(""))).await
}

/// Makes the directories above a path that are missing.
pub(crate) async fn make_above(tree: &dyn Tree, path: &Path) -> Result<(), FileError> {
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.retain(|path| !path.as_os_str().is_empty());
    for path in above.into_iter().rev() {
        make_directory(tree, path).await?;
    }
    Ok(())
}

/// Makes a directory, if there is none.
pub(crate) async fn make_directory(tree: &dyn Tree, path: &Path) -> Result<(), FileError> {
    match tree.make_directory(path, 0o700).await {
        Ok(()) => Ok(()),
        Err(error) if error.kind == FileErrorKind::Exists => Ok(()),
        Err(error) => Err(error),
    }
}
