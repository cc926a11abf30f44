//! The machine's files and those in memory do the same, and neither reaches out of its root.

use core_world::{FileError, FileErrorKind, FileKind, Files, MemoryFiles, Tree};
use engine_system::SystemFiles;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use words_base::Timestamp;

fn p(path: &str) -> &Path {
    Path::new(path)
}

fn kind<T>(result: Result<T, FileError>) -> FileErrorKind {
    match result {
        Ok(_) => panic!("that should not have succeeded"),
        Err(error) => error.kind,
    }
}

async fn names(tree: &dyn Tree, directory: &str, page: usize) -> BTreeSet<(String, FileKind)> {
    let mut listing = tree.list(p(directory)).await.unwrap();
    let mut all = BTreeSet::new();
    loop {
        let entries = listing.next(page).await.unwrap();
        assert!(entries.len() <= page);
        if entries.is_empty() {
            return all;
        }
        for entry in entries {
            let name = entry.name.into_string().unwrap();
            assert!(all.insert((name, entry.kind)), "listed twice");
        }
    }
}

async fn write(tree: &dyn Tree, path: &str, pieces: &[&[u8]]) {
    let mut file = tree.create(p(path), 0o600).await.unwrap();
    for piece in pieces {
        file.write(piece).await.unwrap();
    }
    file.set_modified(Timestamp::from_millis(1_234_567_890_123)).await.unwrap();
    file.sync().await.unwrap();
}

async fn read(tree: &dyn Tree, path: &str) -> Vec<u8> {
    let file = tree.open(p(path)).await.unwrap();
    let mut all = Vec::new();
    loop {
        let piece = file.read_at(all.len() as u64, 3).await.unwrap();
        if piece.is_empty() {
            assert_eq!(all.len() as u64, file.metadata().len);
            return all;
        }
        all.extend(piece);
    }
}

/// Runs `suite` over both; `prepare` puts links into the root.
async fn check_both() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("away")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("leak")).unwrap();
    check(&SystemFiles, folder.path()).await;
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);

    let files = MemoryFiles::new();
    files.put_directory("/root");
    files.put_link("/root/away");
    files.put_link("/root/leak");
    check(&files, p("/root")).await;
}

async fn check(files: &dyn Files, root: &Path) {
    let tree: Arc<dyn Tree> = files.root(root).await.unwrap();
    let tree = &*tree;
    assert_eq!(kind(files.root(&root.join("none")).await), FileErrorKind::NotFound);

    tree.make_directory(p("cur"), 0o700).await.unwrap();
    assert_eq!(kind(tree.make_directory(p("cur"), 0o700).await), FileErrorKind::Exists);
    write(tree, "cur/1", &[b"hello ", b"", b"world"]).await;
    assert_eq!(kind(tree.create(p("cur/1"), 0o600).await), FileErrorKind::Exists);
    assert_eq!(read(tree, "cur/1").await, b"hello world");
    let found = tree.metadata(p("cur/1")).await.unwrap();
    assert_eq!((found.kind, found.len), (FileKind::File, 11));
    assert_eq!(found.modified, Timestamp::from_millis(1_234_567_890_123));
    assert_eq!(kind(files.root(&root.join("cur/1")).await), FileErrorKind::NotADirectory);

    let mut more = tree.append(p("cur/1"), 0o600).await.unwrap();
    more.write(b"!").await.unwrap();
    tree.append(p("cur/2"), 0o600).await.unwrap().write(b"new").await.unwrap();
    assert_eq!(read(tree, "cur/1").await, b"hello world!");
    assert_eq!(read(tree, "cur/2").await, b"new");

    tree.link(p("cur/2"), p("cur/3")).await.unwrap();
    assert_eq!(kind(tree.link(p("cur/2"), p("cur/1")).await), FileErrorKind::Exists);
    tree.rename(p("cur/3"), p("cur/1")).await.unwrap();
    assert_eq!(read(tree, "cur/1").await, b"new");
    tree.remove(p("cur/2")).await.unwrap();
    assert_eq!(kind(tree.open(p("cur/2")).await), FileErrorKind::NotFound);
    tree.sync_directory(p("cur")).await.unwrap();
    tree.sync_directory(p("")).await.unwrap();
    tree.sync_all().await.unwrap();

    for number in 0..20 {
        write(tree, &format!("cur/n{number}"), &[]).await;
    }
    for page in [1, 7, 100] {
        assert_eq!(names(tree, "cur", page).await.len(), 21);
    }
    let top = names(tree, "", 10).await;
    let want = [("away", FileKind::Link), ("cur", FileKind::Directory), ("leak", FileKind::Link)];
    assert_eq!(top, want.map(|(name, kind)| (name.to_string(), kind)).into());

    assert_eq!(kind(tree.remove_directory(p("cur")).await), FileErrorKind::NotEmpty);
    tree.make_directory(p("empty"), 0o700).await.unwrap();
    tree.remove_directory(p("empty")).await.unwrap();
    assert_eq!(kind(tree.list(p("empty")).await), FileErrorKind::NotFound);
    assert_eq!(kind(tree.list(p("cur/1")).await), FileErrorKind::NotADirectory);
    assert_eq!(kind(tree.open(p("cur")).await), FileErrorKind::NotAFile);

    for path in ["../secret", "/etc/passwd", "cur/../../x", "away/secret", "leak"] {
        assert_eq!(kind(tree.open(p(path)).await), FileErrorKind::LeadsOut, "{path}");
    }
    assert_eq!(kind(tree.create(p("away/new"), 0o600).await), FileErrorKind::LeadsOut);
    assert_eq!(kind(tree.append(p("leak"), 0o600).await), FileErrorKind::LeadsOut);
    assert_eq!(kind(tree.list(p("away")).await), FileErrorKind::LeadsOut);
    assert_eq!(kind(tree.rename(p("cur/1"), p("away/1")).await), FileErrorKind::LeadsOut);
    assert_eq!(tree.metadata(p("leak")).await.unwrap().kind, FileKind::Link);
    let error = tree.open(p("cur/none")).await.err().unwrap();
    assert_eq!(error.path, root.join("cur/none"));
}

#[tokio::test]
async fn both_do_the_same_and_neither_leads_out() {
    check_both().await;
}

#[tokio::test]
async fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    let tree = SystemFiles.root(folder.path()).await.unwrap();
    assert_eq!(kind(tree.open(p("pipe")).await), FileErrorKind::NotAFile);
    assert_eq!(kind(tree.append(p("pipe"), 0o600).await), FileErrorKind::NotAFile);
    assert_eq!(tree.metadata(p("pipe")).await.unwrap().kind, FileKind::Other);
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    let files = MemoryFiles::new();
    files.put_directory("/d");
    files.fill_up_after(1);
    let tree = files.root(p("/d")).await.unwrap();
    let mut file = tree.create(p("f"), 0o600).await.unwrap();
    file.write(b"fits").await.unwrap();
    assert_eq!(kind(file.write(b"does not").await), FileErrorKind::Full);
}
