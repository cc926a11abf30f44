//! Plays every transcript in `tests/transcripts`. With `UPDATE_TRANSCRIPTS=1` in the environment,
//! the server's side of each is written anew, to be read before it is committed.

mod scene;

use proto_imap::Options;
use proto_line::play;
use scene::Mailroom;
use std::fs;
use std::path::{Path, PathBuf};

fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Files named `clear-…` are about a channel over which no password may go, `small-…` about a
/// server that takes messages of ten octets; all others are of the lab, on loopback.
fn options(path: &Path) -> Options {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let cleartext_login = !name.starts_with("clear-");
    let size_max = if name.starts_with("small-") { 10 } else { 100_000 };
    let host = "mail.mired.org".to_string();
    Options { host, cleartext_login, size_max, errors_max: 6, ..Options::default() }
}

#[test]
fn every_transcript_goes_as_written() {
    let update = std::env::var_os("UPDATE_TRANSCRIPTS").is_some();
    let mut failures = Vec::new();
    for path in transcripts() {
        let text = fs::read_to_string(&path).unwrap();
        let Err(error) = play(&Mailroom::new(options(&path)), &text) else { continue };
        match error.split_once("--- went:\n") {
            Some((_, went)) if update => fs::write(&path, went).unwrap(),
            _ => failures.push(format!("{}: {error}", path.display())),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_transcript_cites_its_source() {
    for path in transcripts() {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("# "), "{}: begin with a comment", path.display());
    }
}
