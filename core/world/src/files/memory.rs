//! Files in memory, for tests and the simulator.

use super::{
    Entry, FileError, FileErrorKind, FileKind, FileLater, Files, Listing, Metadata, NewFile,
    OpenFile, Tree, names_of,
};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use words_base::Timestamp;

/// A file system in memory. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles {
    nodes: Arc<Mutex<Nodes>>,
}

type Octets = Arc<Mutex<(Vec<u8>, Timestamp)>>;

/// Every name, by its whole path.
#[derive(Debug, Default)]
struct Nodes {
    by_path: BTreeMap<PathBuf, Node>,
    /// How many more writes there is room for; `None`: without end.
    writes_left: Option<usize>,
}

#[derive(Clone, Debug)]
enum Node {
    Directory,
    File(Octets),
    Link,
}

impl Node {
    fn kind(&self) -> FileKind {
        match self {
            Node::Directory => FileKind::Directory,
            Node::File(_) => FileKind::File,
            Node::Link => FileKind::Link,
        }
    }
}

impl MemoryFiles {
    /// Nothing in it.
    pub fn new() -> MemoryFiles {
        MemoryFiles::default()
    }

    /// Makes a directory and those above it.
    pub fn put_directory(&self, path: impl AsRef<Path>) {
        let mut nodes = self.lock();
        let mut above: Vec<&Path> = path.as_ref().ancestors().collect();
        above.reverse();
        for path in above {
            nodes.by_path.entry(path.to_owned()).or_insert(Node::Directory);
        }
    }

    /// Writes a file, and the directories above it.
    pub fn put(&self, path: impl AsRef<Path>, octets: &[u8], modified: Timestamp) {
        let path = path.as_ref();
        if let Some(parent) = path.parent() {
            self.put_directory(parent);
        }
        let file = Node::File(Arc::new(Mutex::new((octets.to_vec(), modified))));
        self.lock().by_path.insert(path.to_owned(), file);
    }

    /// Makes a symbolic link, which leads nowhere.
    pub fn put_link(&self, path: impl AsRef<Path>) {
        self.lock().by_path.insert(path.as_ref().to_owned(), Node::Link);
    }

    /// After so many more writes the disk is full.
    pub fn fill_up_after(&self, writes: usize) {
        self.lock().writes_left = Some(writes);
    }

    /// The octets of a file, if there is one.
    pub fn get(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        match self.lock().by_path.get(path.as_ref())? {
            Node::File(octets) => Some(unpoisoned(octets).0.clone()),
            _ => None,
        }
    }

    /// Every file's path.
    pub fn paths(&self) -> Vec<PathBuf> {
        let nodes = self.lock();
        let files = nodes.by_path.iter().filter(|(_, n)| n.kind() == FileKind::File);
        files.map(|(path, _)| path.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Nodes> {
        unpoisoned(&self.nodes)
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Files for MemoryFiles {
    fn root<'a>(&'a self, path: &'a Path) -> FileLater<'a, Arc<dyn Tree>> {
        Box::pin(async move {
            let kind = self.lock().by_path.get(path).map(Node::kind);
            match kind {
                Some(FileKind::Directory) => {
                    let tree = MemoryTree { files: self.clone(), root: path.to_owned() };
                    Ok(Arc::new(tree) as Arc<dyn Tree>)
                }
                Some(_) => Err(FileError::new(path, FileErrorKind::NotADirectory)),
                None => Err(FileError::new(path, FileErrorKind::NotFound)),
            }
        })
    }
}

/// A directory of it.
struct MemoryTree {
    files: MemoryFiles,
    root: PathBuf,
}

impl MemoryTree {
    /// Does something to the whole path, no link on its way.
    fn with<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&mut Nodes, &Path) -> Result<T, FileErrorKind>,
    ) -> Result<T, FileError> {
        let whole = self.root.join(path);
        let mut nodes = self.files.lock();
        let result = self.check(&nodes, path).and_then(|()| work(&mut nodes, &whole));
        result.map_err(|kind| FileError::new(whole, kind))
    }

    /// Is every name above the last a directory?
    fn check(&self, nodes: &Nodes, path: &Path) -> Result<(), FileErrorKind> {
        let names = names_of(path).ok_or(FileErrorKind::LeadsOut)?;
        let mut at = self.root.clone();
        for name in names.iter().take(names.len().saturating_sub(1)) {
            at.push(name);
            match nodes.by_path.get(&at).map(Node::kind) {
                Some(FileKind::Directory) => {}
                Some(FileKind::Link) => return Err(FileErrorKind::LeadsOut),
                Some(_) => return Err(FileErrorKind::NotADirectory),
                None => return Err(FileErrorKind::NotFound),
            }
        }
        Ok(())
    }

    fn write(&self, octets: Octets, path: &Path) -> Box<dyn NewFile> {
        let whole = self.root.join(path);
        Box::new(MemoryNewFile { files: self.files.clone(), octets, path: whole })
    }
}

impl Nodes {
    fn find(&self, path: &Path) -> Result<&Node, FileErrorKind> {
        self.by_path.get(path).ok_or(FileErrorKind::NotFound)
    }

    fn children(&self, path: &Path) -> Vec<Entry> {
        let below = self.by_path.iter().filter(|(p, _)| p.parent() == Some(path));
        let entry = |(path, node): (&PathBuf, &Node)| {
            let name: OsString = path.file_name()?.to_owned();
            Some(Entry { name, kind: node.kind() })
        };
        below.filter_map(entry).collect()
    }

    fn take_file(&self, path: &Path) -> Result<Octets, FileErrorKind> {
        match self.find(path)? {
            Node::File(octets) => Ok(octets.clone()),
            Node::Link => Err(FileErrorKind::LeadsOut),
            Node::Directory => Err(FileErrorKind::NotAFile),
        }
    }

    fn make_file(&mut self, path: &Path) -> Octets {
        let octets = Octets::default();
        self.by_path.insert(path.to_owned(), Node::File(octets.clone()));
        octets
    }
}

impl Tree for MemoryTree {
    fn list<'a>(&'a self, directory: &'a Path) -> FileLater<'a, Box<dyn Listing>> {
        Box::pin(async move {
            self.with(directory, |nodes, whole| match nodes.find(whole)?.kind() {
                FileKind::Directory => {
                    let left = nodes.children(whole);
                    Ok(Box::new(MemoryListing { left }) as Box<dyn Listing>)
                }
                FileKind::Link => Err(FileErrorKind::LeadsOut),
                _ => Err(FileErrorKind::NotADirectory),
            })
        })
    }

    fn metadata<'a>(&'a self, path: &'a Path) -> FileLater<'a, Metadata> {
        Box::pin(async move {
            self.with(path, |nodes, whole| {
                let node = nodes.find(whole)?;
                let (len, modified) = match node {
                    Node::File(octets) => {
                        let octets = unpoisoned(octets);
                        (octets.0.len() as u64, octets.1)
                    }
                    _ => (0, Timestamp::default()),
                };
                Ok(Metadata { kind: node.kind(), len, modified })
            })
        })
    }

    fn open<'a>(&'a self, path: &'a Path) -> FileLater<'a, Box<dyn OpenFile>> {
        Box::pin(async move {
            let octets = self.with(path, |nodes, whole| nodes.take_file(whole))?;
            let metadata = self.metadata(path).await?;
            Ok(Box::new(MemoryOpenFile { octets, metadata }) as Box<dyn OpenFile>)
        })
    }

    fn create<'a>(&'a self, path: &'a Path, _mode: u32) -> FileLater<'a, Box<dyn NewFile>> {
        Box::pin(async move {
            let octets = self.with(path, |nodes, whole| match nodes.by_path.get(whole) {
                Some(_) => Err(FileErrorKind::Exists),
                None => Ok(nodes.make_file(whole)),
            })?;
            Ok(self.write(octets, path))
        })
    }

    fn append<'a>(&'a self, path: &'a Path, _mode: u32) -> FileLater<'a, Box<dyn NewFile>> {
        Box::pin(async move {
            let octets = self.with(path, |nodes, whole| match nodes.by_path.get(whole) {
                Some(_) => nodes.take_file(whole),
                None => Ok(nodes.make_file(whole)),
            })?;
            Ok(self.write(octets, path))
        })
    }

    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> FileLater<'a, ()> {
        Box::pin(async move {
            let target = self.with(to, |_, whole| Ok(whole.to_owned()))?;
            self.with(from, |nodes, whole| {
                nodes.find(whole)?;
                let moved: Vec<PathBuf> =
                    nodes.by_path.keys().filter(|p| p.starts_with(whole)).cloned().collect();
                for old in moved {
                    let Some(node) = nodes.by_path.remove(&old) else { continue };
                    let rest = old.strip_prefix(whole).unwrap_or(Path::new(""));
                    let new = if rest.as_os_str().is_empty() {
                        target.clone()
                    } else {
                        target.join(rest)
                    };
                    nodes.by_path.insert(new, node);
                }
                Ok(())
            })
        })
    }

    fn link<'a>(&'a self, from: &'a Path, to: &'a Path) -> FileLater<'a, ()> {
        Box::pin(async move {
            let octets = self.with(from, |nodes, whole| nodes.take_file(whole))?;
            self.with(to, |nodes, whole| match nodes.by_path.get(whole) {
                Some(_) => Err(FileErrorKind::Exists),
                None => {
                    nodes.by_path.insert(whole.to_owned(), Node::File(octets));
                    Ok(())
                }
            })
        })
    }

    fn remove<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()> {
        Box::pin(async move {
            self.with(path, |nodes, whole| match nodes.find(whole)?.kind() {
                FileKind::Directory => Err(FileErrorKind::NotAFile),
                _ => {
                    nodes.by_path.remove(whole);
                    Ok(())
                }
            })
        })
    }

    fn make_directory<'a>(&'a self, path: &'a Path, _mode: u32) -> FileLater<'a, ()> {
        Box::pin(async move {
            self.with(path, |nodes, whole| match nodes.by_path.get(whole) {
                Some(_) => Err(FileErrorKind::Exists),
                None => {
                    nodes.by_path.insert(whole.to_owned(), Node::Directory);
                    Ok(())
                }
            })
        })
    }

    fn remove_directory<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()> {
        Box::pin(async move {
            self.with(path, |nodes, whole| match nodes.find(whole)?.kind() {
                FileKind::Directory if nodes.children(whole).is_empty() => {
                    nodes.by_path.remove(whole);
                    Ok(())
                }
                FileKind::Directory => Err(FileErrorKind::NotEmpty),
                _ => Err(FileErrorKind::NotADirectory),
            })
        })
    }

    fn sync_directory<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()> {
        Box::pin(async move { self.with(path, |nodes, whole| nodes.find(whole).map(|_| ())) })
    }

    fn sync_all(&self) -> FileLater<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

struct MemoryListing {
    left: Vec<Entry>,
}

impl Listing for MemoryListing {
    fn next(&mut self, count_max: usize) -> FileLater<'_, Vec<Entry>> {
        let from = self.left.len().saturating_sub(count_max);
        let page = self.left.split_off(from);
        Box::pin(async move { Ok(page) })
    }
}

struct MemoryOpenFile {
    octets: Octets,
    metadata: Metadata,
}

impl OpenFile for MemoryOpenFile {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn read_at(&self, offset: u64, len_max: usize) -> FileLater<'_, Vec<u8>> {
        let octets = unpoisoned(&self.octets);
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(octets.0.len());
        let to = from.saturating_add(len_max).min(octets.0.len());
        let piece = octets.0[from..to].to_vec();
        Box::pin(async move { Ok(piece) })
    }
}

struct MemoryNewFile {
    files: MemoryFiles,
    octets: Octets,
    path: PathBuf,
}

impl NewFile for MemoryNewFile {
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> FileLater<'a, ()> {
        let full = {
            let mut nodes = self.files.lock();
            let full = nodes.writes_left == Some(0);
            nodes.writes_left = nodes.writes_left.map(|left| left.saturating_sub(1));
            full
        };
        let result = match full {
            true => Err(FileError::new(&self.path, FileErrorKind::Full)),
            false => {
                unpoisoned(&self.octets).0.extend_from_slice(octets);
                Ok(())
            }
        };
        Box::pin(async move { result })
    }

    fn set_modified(&mut self, at: Timestamp) -> FileLater<'_, ()> {
        unpoisoned(&self.octets).1 = at;
        Box::pin(async { Ok(()) })
    }

    fn sync(&mut self) -> FileLater<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
