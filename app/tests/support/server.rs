//! A real server: made by `estafeta init`, run by `estafeta serve`.

use super::{binary, free_ports};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// So long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    folder: TempDir,
    ports: BTreeMap<&'static str, u16>,
    child: Option<Child>,
}

impl Server {
    /// Made, for ana@mired.org with the password "ana"; not started.
    pub fn init() -> Server {
        let folder = tempfile::Builder::new().prefix("estafeta-serve-").tempdir().unwrap();
        // The user that the server becomes must be able to come in.
        set_mode(folder.path(), 0o755);
        let ports = free_ports();
        let server = Server { folder, ports, child: None };
        let output = server.run_init(&[]);
        assert!(output.status.success(), "{output:?}");
        server.configure("");
        server
    }

    /// `estafeta init` with these arguments besides the usual ones.
    pub fn run_init(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.args(["--data"]).arg(self.data()).args(["init", "--account", "ana@mired.org"]);
        command.args(["--password-stdin", "--host-name", "mail.mired.org"]).args(arguments);
        if is_root() {
            command.args(["--user", "nobody"]);
        }
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may refuse before it reads.
        let _ = child.stdin.take().unwrap().write_all(b"ana\n");
        child.wait_with_output().unwrap()
    }

    /// Writes the configuration anew: our ports, and `more`.
    pub fn configure(&self, more: &str) {
        let mut text = format!("host_name = \"mail.mired.org\"\ndata = {:?}\n", self.data());
        if is_root() {
            text += "user = \"nobody\"\n";
        }
        text += more;
        for (service, port) in &self.ports {
            if more.contains(&format!("port = {port}\n")) {
                continue;
            }
            text += &format!(
                "\n[[listener]]\nservice = \"{service}\"\naddress = \"127.0.0.1\"\nport = {port}\n"
            );
        }
        std::fs::write(self.file(), text).unwrap();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self) -> PathBuf {
        self.folder().join("estafeta.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    pub fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    /// The binary with our configuration, and nothing of the tester's environment that it heeds.
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.arg("--config").arg(self.file());
        for name in ["ESTAFETA_DATA", "ESTAFETA_CONFIG", "NOTIFY_SOCKET", "LISTEN_FDS"] {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Another command, on our configuration.
    pub fn estafeta(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    pub fn start(&mut self) {
        let mut command = self.command();
        command.arg("serve");
        self.spawn(command);
    }

    /// The same by another command.
    pub fn spawn(&mut self, mut command: Command) {
        let path = self.folder().join("log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let begins_at = self.log().len();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        self.logged_behind(begins_at, " ready ");
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Waits until the log has a line with this text.
    pub fn logged(&self, text: &str) {
        self.logged_behind(0, text);
    }

    /// The same, behind the first so many octets of the log.
    pub fn logged_behind(&self, at: usize, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.log().get(at..).is_some_and(|log| log.contains(text)) {
            assert!(Instant::now() < until, "no {text:?} in:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// SIGHUP, and waits until it was heeded, or not.
    pub fn reload(&self) {
        let at = self.log().len();
        self.signal("HUP");
        self.logged_behind(at, "the configuration was ");
    }

    /// Waits until nobody listens any more.
    pub fn closed(&self) {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port("smtp"))).is_ok() {
            assert!(Instant::now() < until, "still open");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the orderly end.
    pub fn ended(&mut self) {
        let mut child = self.child.take().unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "ended with {status}:\n{}", self.log());
                return;
            }
            if Instant::now() > until {
                child.kill().unwrap();
                panic!("does not end:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("log of the server:\n{}", self.log());
        }
    }
}

pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
