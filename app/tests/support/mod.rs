//! Runs the real binary on free ports in a directory of its own, and talks to it.
#![allow(dead_code)] // Each test file uses its part.

pub mod client;
pub mod script;
pub mod server;

use std::collections::BTreeMap;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub const PORTS: &[&str] = &["smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps"];

/// A lab that runs; ends with the test.
pub struct Lab {
    folder: PathBuf,
    ports: BTreeMap<&'static str, u16>,
    child: Option<Child>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Lab {
    /// A new lab of ana and bob, every port open.
    pub fn start() -> Lab {
        let mut lab = Lab::prepare();
        lab.run();
        lab
    }

    /// Folder and ports for a lab, nothing started.
    pub fn prepare() -> Lab {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("estafeta-test-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let ports = free_ports();
        Lab { folder, ports, child: None }
    }

    /// Its arguments, for those who start it in their own way.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments =
            vec!["lab".to_string(), "--data".to_string(), self.data().display().to_string()];
        arguments.push("--alone".to_string());
        for (name, port) in &self.ports {
            arguments.extend(["--port".to_string(), format!("{name}={port}")]);
        }
        arguments
    }

    /// Starts it and waits until every port is open and greets.
    pub fn run(&mut self) {
        let mut command = Command::new(binary());
        command.args(self.arguments());
        self.spawn(command);
    }

    /// The same, by another command, such as a tracer around it.
    pub fn spawn(&mut self, mut command: Command) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let child = command
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let until = Instant::now() + Duration::from_secs(30);
        for port in self.ports.values() {
            while TcpStream::connect(("127.0.0.1", *port)).is_err() {
                assert!(Instant::now() < until, "port {port} stays closed:\n{}", self.log());
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        // Ports are open before the store is; a greeting says that all is ready.
        let mut greeted = TcpStream::connect(("127.0.0.1", self.port("pop3"))).unwrap();
        greeted.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let read = greeted.read(&mut [0]);
        assert!(read.is_ok_and(|octets| octets == 1), "no greeting:\n{}", self.log());
    }

    pub fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Waits until the log has a line with this text, and gives that line.
    pub fn logged(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let log = self.log();
            // The last line may still be under way.
            let lines = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
            if let Some(line) = lines.lines().find(|line| line.contains(text)) {
                return line.to_string();
            }
            assert!(Instant::now() < until, "no line with {text} in:\n{log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// SIGKILL, as a power cut would to the process.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM, and waits for the orderly end.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.is_ok_and(|s| s.success()));
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "ended with {status}:\n{}", self.log());
                return;
            }
            if Instant::now() > until {
                child.kill().unwrap();
                panic!("does not end on SIGTERM:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for an end that somebody else has asked for.
    pub fn wait(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().unwrap();
        }
    }

    /// Runs another command of the binary on the same data.
    pub fn estafeta(&self, arguments: &[&str]) -> Output {
        Command::new(binary())
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// A value in kB of `/proc/PID/status`, such as `VmHWM`.
    pub fn memory_kb(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|l| l.starts_with(what)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("log of the lab:\n{}", self.log());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A free port for each service. They are below those that the system gives to clients, so that no
/// connection takes one before the server does.
pub fn free_ports() -> BTreeMap<&'static str, u16> {
    let mut candidates = (0..).map(|_| {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let start = std::process::id().wrapping_mul(101);
        (12_000 + start.wrapping_add(number) % 18_000) as u16
    });
    let mut free = || {
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        candidates.find(is_free).unwrap()
    };
    PORTS.iter().map(|name| (*name, free())).collect()
}

pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_estafeta")
}

/// Is a program there? If not says that what needs it is skipped.
pub fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}
