//! What all peers have in common.

use crate::{exim, opensmtpd, postfix};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// So long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);
/// The system user that runs what is unpacked, known in its private namespace alone.
pub const UID: u32 = 58_901;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postfix,
    Exim,
    OpenSmtpd,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Postfix => "postfix",
            Kind::Exim => "exim",
            Kind::OpenSmtpd => "opensmtpd",
        }
    }

    /// Does it take mail over TLS as it comes from Debian?
    pub fn takes_tls(self) -> bool {
        self != Kind::OpenSmtpd
    }

    pub fn domain(self) -> String {
        format!("{}.test", self.name())
    }

    pub fn host(self) -> String {
        format!("mx.{}", self.domain())
    }

    /// The one who has a mailbox there.
    pub fn person(self) -> String {
        format!("eva@{}", self.domain())
    }

    pub fn address(self) -> IpAddr {
        IpAddr::from(match self {
            Kind::Postfix => [127, 0, 0, 11],
            Kind::Exim => [127, 0, 0, 12],
            Kind::OpenSmtpd => [127, 0, 0, 13],
        })
    }

    /// Why it cannot be started here, if it cannot.
    pub fn missing(self) -> Option<String> {
        let found = match self {
            Kind::Postfix => program("postfix"),
            Kind::Exim => program("exim4"),
            Kind::OpenSmtpd => program("smtpd").filter(|_| program("smtpctl").is_some()),
        };
        if found.is_none() {
            return Some(format!("{} is not there: cargo xtask test brings it", self.name()));
        }
        if !crate::support::server::is_root() {
            return Some(format!("{} must be started by root", self.name()));
        }
        let private = Command::new("unshare").args(["-m", "true"]).stderr(Stdio::null()).status();
        match self != Kind::Postfix && !private.is_ok_and(|status| status.success()) {
            true => Some(format!("{} needs mounts of its own (unshare -m)", self.name())),
            false => None,
        }
    }
}

/// A program, installed or unpacked.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut places = installed.chain([unpacked().join("usr/sbin")]);
    places.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()))
}

/// Where `cargo xtask test` unpacks what Debian does not install beside Postfix.
pub fn unpacked() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers")
}

/// What a peer is started with.
pub struct Start {
    pub folder: PathBuf,
    pub kind: Kind,
    /// Where it listens.
    pub port: u16,
    /// Where we do.
    pub ours: u16,
}

impl Start {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Makes a folder that belongs to `owner`.
    pub fn make(&self, name: &str, owner: u32) {
        fs::create_dir_all(self.path(name)).unwrap();
        self.give(name, owner);
    }

    /// Gives a file or folder to `owner`.
    pub fn give(&self, name: &str, owner: u32) {
        std::os::unix::fs::chown(self.path(name), Some(owner), Some(owner)).unwrap();
    }

    /// Runs `script` with mounts of its own, in which `users` exist, until the peer is stopped.
    pub fn privately(&self, users: &[&str], script: &str) -> Child {
        let mut text = String::from("set -e\n");
        for file in ["passwd", "group"] {
            let kept = fs::read_to_string(format!("/etc/{file}")).unwrap();
            let begins = |line: &str| users.iter().any(|u| line.starts_with(&format!("{u}:")));
            let mut lines: Vec<String> =
                kept.lines().filter(|line| !begins(line)).map(str::to_string).collect();
            for (number, user) in (UID..).zip(users) {
                lines.push(match file {
                    "passwd" => format!("{user}:x:{number}:{number}::/nonexistent:/bin/false"),
                    _ => format!("{user}:x:{number}:"),
                });
            }
            self.write(file, &(lines.join("\n") + "\n"));
            text += &format!("mount --bind {} /etc/{file}\n", self.path(file).display());
        }
        self.write("run.sh", &(text + script));
        let log = fs::File::create(self.path("log")).unwrap();
        Command::new("timeout")
            .args(["--kill-after=5", "300", "unshare", "-m", "sh"])
            .arg(self.path("run.sh"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }
}

/// A peer that runs; it ends with the test.
pub struct Peer {
    pub kind: Kind,
    folder: TempDir,
    port: u16,
    running: Option<Child>,
}

impl Peer {
    /// Listens at its address and `port`; gives what is not its own to us, at `ours`.
    pub fn start(kind: Kind, port: u16, ours: u16) -> Peer {
        let folder = tempfile::Builder::new().prefix("estafeta-peer-").tempdir().unwrap();
        crate::support::server::set_mode(folder.path(), 0o755);
        let start = Start { folder: folder.path().to_path_buf(), kind, port, ours };
        let made = rcgen::generate_simple_self_signed(vec![kind.host()]).unwrap();
        start.write("cert.pem", &made.cert.pem());
        start.write("key.pem", &made.signing_key.serialize_pem());
        crate::support::server::set_mode(&start.path("key.pem"), 0o600);
        let running = match kind {
            Kind::Postfix => postfix::start(&start),
            Kind::Exim => Some(exim::start(&start)),
            Kind::OpenSmtpd => Some(opensmtpd::start(&start)),
        };
        let peer = Peer { kind, folder, port, running };
        peer.await_greeting();
        peer
    }

    fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.kind.address(), self.port)
    }

    fn await_greeting(&self) {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < until, "{:?} does not listen:\n{}", self.kind, self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Hands it a message, in the clear.
    pub fn send(&self, from: &str, to: &str, subject: &str) {
        let mut stream = TcpStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut hear = || loop {
            let line = lines.next().expect("closed").unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        };
        hear();
        let message = format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\n..dot\r\n...dots\r\nend\r\n.\r\n"
        );
        for command in [
            "EHLO here.test\r\n",
            &format!("MAIL FROM:<{from}>\r\n"),
            &format!("RCPT TO:<{to}>\r\n"),
            "DATA\r\n",
            &message,
        ] {
            stream.write_all(command.as_bytes()).unwrap();
            let reply = hear();
            assert!(reply.starts_with(['2', '3']), "{:?}: {command}{reply}", self.kind);
        }
    }

    /// The message of that subject in its mailbox, waited for; `log` is told if it does not come.
    pub fn arrived(&self, subject: &str, log: impl Fn() -> String) -> String {
        let until = Instant::now() + PATIENCE;
        let wanted = format!("Subject: {subject}\n");
        loop {
            let all = fs::read_dir(self.folder.path().join("mail/eva/new")).into_iter().flatten();
            let texts = all.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok());
            let mut texts = texts.map(|text| text.replace("\r\n", "\n"));
            if let Some(text) = texts.find(|text| text.contains(&wanted)) {
                return text;
            }
            let late = Instant::now() >= until;
            assert!(!late, "{:?} has no {subject:?}:\n{}\n{}", self.kind, self.log(), log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        let logs = ["log", "postfix.log", "mainlog", "paniclog"];
        let texts = logs.iter().filter_map(|n| fs::read_to_string(self.folder.path().join(n)).ok());
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.kind == Kind::Postfix {
            postfix::stop(self.folder.path());
        }
        if let Some(mut running) = self.running.take() {
            // `timeout` passes it on to the peer.
            let pid = running.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &pid]).status();
            let _ = running.wait();
        }
    }
}
