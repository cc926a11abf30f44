//! Small files, read as a whole.

use core_world::{FileError, FileErrorKind, Tree};
use std::path::Path;

/// Octets read at once.
pub(crate) const PIECE: usize = 256 * 1024;

/// The octets of a file of at most `len_max`; `None` if there is none. A longer one is cut.
pub(crate) async fn read(
    tree: &dyn Tree,
    path: &Path,
    len_max: usize,
) -> Result<Option<Vec<u8>>, FileError> {
    let file = match tree.open(path).await {
        Ok(file) => file,
        Err(error) if error.kind == FileErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut octets = Vec::new();
    while octets.len() < len_max {
        let piece = file.read_at(octets.len() as u64, PIECE.min(len_max - octets.len())).await?;
        if piece.is_empty() {
            break;
        }
        octets.extend(piece);
    }
    Ok(Some(octets))
}

/// The same as text; octets that are no UTF-8 are replaced.
pub(crate) async fn read_text(
    tree: &dyn Tree,
    path: &Path,
    len_max: usize,
) -> Result<Option<String>, FileError> {
    let octets = read(tree, path, len_max).await?;
    Ok(octets.map(|octets| match String::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }))
}
