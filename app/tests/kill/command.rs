//! Operators whose server is killed under them: mail is brought from elsewhere, backups are taken.

use crate::support::client::Client;
use crate::support::{Lab, binary};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Messages that come to the Maildir between two kills.
const NEW: u64 = 25;
/// Backups that are kept.
const KEEP: &str = "3";

/// How often each command was done.
#[derive(Debug, Default)]
pub struct Counts {
    pub imports: AtomicU64,
    pub backups: AtomicU64,
}

/// A Maildir that grows, and where backups go.
pub struct Operator {
    maildir: PathBuf,
    backups: PathBuf,
    data: PathBuf,
    pub written: u64,
    pub counts: Counts,
}

impl Operator {
    pub fn new(lab: &Lab) -> Operator {
        let maildir = lab.folder().join("maildir");
        for folder in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(maildir.join(folder)).unwrap();
        }
        let backups = lab.folder().join("backups");
        Operator { maildir, backups, data: lab.data(), written: 0, counts: Counts::default() }
    }

    /// More mail arrives where it is brought from.
    pub fn grow(&mut self) {
        for _ in 0..NEW {
            let number = self.written;
            self.written += 1;
            let body = "w".repeat(70) + "\n";
            let text = format!(
                "Message-ID: <brought.{number}@elsewhere.example>\n\n{}",
                body.repeat(1 + number as usize % 90)
            );
            let name = format!("{}.M{number}P7.elsewhere:2,S", 1_700_000_000 + number);
            std::fs::write(self.maildir.join("cur").join(name), text).unwrap();
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("timeout")
            .args(["--kill-after=5", "120", binary()])
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn import(&self) -> Output {
        let source = self.maildir.to_str().unwrap();
        self.run(&["import", "maildir", source, "--account", "bob@mired.org", "--into", "Brought"])
    }

    fn backup(&self, directory: &Path) -> Output {
        self.run(&["backup", directory.to_str().unwrap(), "--keep", KEEP])
    }

    /// Brings what is new, again and again.
    pub fn import_all(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let done = self.import().status.success();
            self.counts.imports.fetch_add(u64::from(done), Ordering::Relaxed);
        }
    }

    /// Takes backups, one after the other.
    pub fn backup_all(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let done = self.backup(&self.backups).status.success();
            self.counts.backups.fetch_add(u64::from(done), Ordering::Relaxed);
        }
    }

    /// In the end everything was brought, once; and each backup that is there is whole.
    pub fn compare(&self, lab: &Lab) {
        must(self.import());
        let mut client = Client::connect(lab.port("imap"));
        client.read_line();
        client.imap("LOGIN bob bob");
        client.imap("SELECT Brought");
        let mut found: BTreeMap<u64, u64> = BTreeMap::new();
        for line in client.imap("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])") {
            if let Some((_, rest)) = line.split_once("<brought.") {
                let number = rest.split('@').next().unwrap().parse().unwrap();
                *found.entry(number).or_default() += 1;
            }
        }
        let missing = (0..self.written).filter(|number| !found.contains_key(number)).count();
        let twice = found.values().filter(|count| **count > 1).count();
        assert_eq!((missing, twice), (0, 0), "of {} brought", self.written);
        must(self.backup(&self.backups));
        must(self.run(&["backup", "verify", self.backups.to_str().unwrap(), "--all"]));
    }
}

fn must(output: Output) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
