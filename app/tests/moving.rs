//! Moved in from a real Dovecot and out again, compared over IMAP and POP3 by an independent script.
//! Skipped, by name, where Dovecot or Python is not installed.

mod support;

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use support::{Lab, binary, have};

/// How long the scripts may take, in seconds; the heavy variant has more to do.
const PATIENCE: &str = "120";
const PATIENCE_HEAVY: &str = "3000";

/// A private Dovecot; ends with the test.
struct Dovecot {
    folder: PathBuf,
    imap: u16,
    pop3: u16,
    child: Child,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn name_of_me(what: &str) -> String {
    let output = Command::new("id").arg(what).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

/// `ana`'s password is `ana`, as crypt(3) has it.
const HASH: &str = "{SHA512-CRYPT}$6$abcd$ha9Iu.nYsUXUlb369Nd5Q5.hz5TWcuc09Rssc96m9MSXdaSnxQiFeV32yH08mddLkbKmAq8HkbLbQrjaMOdJ00";

impl Dovecot {
    /// One whose user ana@mired.org has her mail below `folder`, in `home/ana/Maildir`.
    fn start(folder: &Path) -> Dovecot {
        std::fs::create_dir_all(folder.join("home/ana")).unwrap();
        let (imap, pop3) = (free_port(), free_port());
        let d = folder.display();
        let (user, group) = match is_root() {
            true => ("mail".to_string(), "mail".to_string()),
            false => (name_of_me("-un"), name_of_me("-gn")),
        };
        let unprivileged = match is_root() {
            true => String::new(),
            false => format!(
                "default_internal_user = {user}\ndefault_internal_group = {group}\n\
                 default_login_user = {user}\nservice anvil {{\n chroot =\n}}\n\
                 service imap-login {{\n chroot =\n}}\nservice pop3-login {{\n chroot =\n}}\n"
            ),
        };
        let configuration = format!(
            "base_dir = {d}/run\nlog_path = {d}/log\nprotocols = imap pop3\nlisten = 127.0.0.1\n\
             ssl = no\ndisable_plaintext_auth = no\nfirst_valid_uid = 1\n\
             mail_location = maildir:{d}/home/%n/Maildir\nmail_max_userip_connections = 50\n\
             passdb {{\n driver = passwd-file\n args = scheme=CRYPT {d}/users\n}}\n\
             userdb {{\n driver = static\n args = uid={user} gid={group} home={d}/home/%n\n}}\n\
             service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n \
             inet_listener imaps {{\n port = 0\n }}\n}}\n\
             service pop3-login {{\n inet_listener pop3 {{\n port = {pop3}\n }}\n \
             inet_listener pop3s {{\n port = 0\n }}\n}}\n{unprivileged}"
        );
        std::fs::write(folder.join("dovecot.conf"), configuration).unwrap();
        std::fs::write(folder.join("users"), format!("ana@mired.org:{HASH}\n")).unwrap();
        if is_root() {
            open_ways(folder);
            let home = folder.join("home");
            let status = Command::new("chown").args(["-R", "mail:mail"]).arg(home).status();
            assert!(status.is_ok_and(|status| status.success()));
        }
        let child = run_dovecot(folder);
        let dovecot = Dovecot { folder: folder.to_owned(), imap, pop3, child };
        dovecot.wait();
        dovecot
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.imap)).is_err() {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "Dovecot does not start:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn side(&self) -> String {
        format!("127.0.0.1,{},{},ana@mired.org,ana", self.imap, self.pop3)
    }

    fn maildir(&self) -> PathBuf {
        self.folder.join("home/ana/Maildir")
    }

    fn configuration(&self) -> String {
        self.folder.join("dovecot.conf").display().to_string()
    }

    /// Stops, and starts with another Maildir in place of its own.
    fn serve_instead(&mut self, maildir: &Path) {
        self.stop();
        std::fs::remove_dir_all(self.maildir()).unwrap();
        let status = Command::new("cp").arg("-a").arg(maildir).arg(self.maildir()).status();
        assert!(status.is_ok_and(|status| status.success()));
        if is_root() {
            let home = self.folder.join("home");
            let status = Command::new("chown").args(["-R", "mail:mail"]).arg(home).status();
            assert!(status.is_ok_and(|status| status.success()));
        }
        self.child = run_dovecot(&self.folder);
        self.wait();
    }

    fn stop(&mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let until = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait().is_ok_and(|status| status.is_none()) {
            if Instant::now() > until {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            eprintln!("log of Dovecot:\n{log}");
        }
    }
}

fn run_dovecot(folder: &Path) -> Child {
    Command::new("dovecot")
        .arg("-F")
        .arg("-c")
        .arg(folder.join("dovecot.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Dovecot's processes are other users, and must get to their files.
fn open_ways(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let above = folder.parent().unwrap();
    std::fs::set_permissions(above, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn script(name: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moving").join(name);
    let patience = if heavy() { PATIENCE_HEAVY } else { PATIENCE };
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", patience, "python3"]).arg(path).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}\n{error}", output.status);
    said
}

fn good(lab: &Lab, arguments: &[&str]) -> String {
    let output = lab.estafeta(arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}\n{error}");
    said
}

fn heavy() -> bool {
    std::env::var_os("ESTAFETA_HEAVY").is_some()
}

fn tools() -> bool {
    have("dovecot") && have("python3") && have("timeout")
}

fn our_side(lab: &Lab) -> String {
    format!("127.0.0.1,{},{},ana@mired.org,ana", lab.port("imap"), lab.port("pop3"))
}

fn fill(dovecot: &Dovecot, count: usize) {
    run(script("fill.py").arg(dovecot.side()).arg(dovecot.maildir()).arg(count.to_string()));
}

fn compare(bodies: usize, left: &str, right: &str) -> String {
    let said = run(script("compare.py").args([&bodies.to_string(), left, right]));
    println!("{}", said.trim());
    said
}

#[test]
fn moved_in_from_dovecot_and_out_again_is_the_same() {
    if !tools() {
        return;
    }
    let mut lab = Lab::start();
    let mut dovecot = Dovecot::start(&lab.folder().join("dovecot"));
    fill(&dovecot, 300);
    let sieve = dovecot.folder.join("home/ana/sieve");
    std::fs::create_dir(&sieve).unwrap();
    std::fs::write(sieve.join("out.sieve"), "keep;\n").unwrap();
    let maildir = dovecot.maildir().display().to_string();

    let import = ["import", "maildir", &maildir, "--account", "ana@mired.org", "--compare"];
    let planned = good(&lab, &[&import[..], &["--dry-run"]].concat());
    assert!(planned.contains("Work/Projects") && planned.contains("Entwürfe"), "{planned}");
    let said = good(&lab, &import);
    assert!(said.contains("are the same") && said.contains("out.sieve"), "{said}");
    let kept = lab.data().join("aside/ana@mired.org/sieve/out.sieve");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "keep;\n");
    let compared = compare(1, &dovecot.side(), &our_side(&lab));
    assert!(compared.contains("'mailboxes': 6"), "{compared}");

    // Once more, with the server down: nothing is new.
    lab.stop();
    let said = good(&lab, &import);
    assert!(said.contains("Brought 0 messages") && said.contains("are the same"), "{said}");
    lab.run();

    // New mail there, and a flag: only these come.
    let name = dovecot.maildir().join("new/1900000000.M1P1.test");
    std::fs::write(&name, "Subject: later\n\nlate\n").unwrap();
    if is_root() {
        let status = Command::new("chown").arg("mail:mail").arg(&name).status();
        assert!(status.is_ok_and(|status| status.success()));
    }
    store_flag(&dovecot, 2, "\\Flagged");
    let said = good(&lab, &import);
    assert!(said.contains("Brought 1 messages"), "{said}");
    compare(1, &dovecot.side(), &our_side(&lab));

    // Out again; Dovecot takes it over.
    let out = lab.folder().join("out");
    let target = out.display().to_string();
    let export = ["export", "maildir", &target, "--account", "ana@mired.org"];
    let said = good(&lab, &export);
    assert!(said.contains("INBOX"), "{said}");
    dovecot.serve_instead(&out);
    compare(1, &our_side(&lab), &dovecot.side());
    let again = good(&lab, &export);
    assert!(again.contains("Written 0 messages"), "{again}");
}

fn store_flag(dovecot: &Dovecot, number: u32, flag: &str) {
    use support::client::Client;
    let mut client = Client::connect(dovecot.imap);
    client.read_line();
    client.imap("LOGIN ana@mired.org ana");
    client.imap("SELECT INBOX");
    client.imap(&format!("STORE {number} +FLAGS ({flag})"));
    client.imap("LOGOUT");
}

#[test]
fn a_whole_server_moves_and_people_log_in_as_before() {
    if !tools() {
        return;
    }
    let lab = Lab::start();
    let dovecot = Dovecot::start(&lab.folder().join("dovecot"));
    fill(&dovecot, 30);
    let configuration = dovecot.configuration();
    // The lab has her already, with another password.
    good(&lab, &["account", "remove", "ana@mired.org"]);
    let import = ["import", "dovecot", &configuration];
    let plan = good(&lab, &[&import[..], &["--dry-run"]].concat());
    assert!(plan.contains("to be made") && plan.contains("ana@mired.org"), "{plan}");
    assert!(!lab.estafeta(&["account", "show", "ana@mired.org"]).status.success());
    let said = good(&lab, &import);
    assert!(said.contains("made") && said.contains("are the same"), "{said}");
    // The password is the one that she had there.
    compare(1, &dovecot.side(), &our_side(&lab));
    let said = good(&lab, &import);
    assert!(said.contains("there already") && said.contains("Brought 0 messages"), "{said}");

    let aliases = lab.folder().join("aliases");
    std::fs::write(&aliases, "root: postmaster\npostmaster: ana\nlist: \"|/bin/x\"\n").unwrap();
    let file = aliases.display().to_string();
    let output = lab.estafeta(&["import", "aliases", &file, "--domain", "mired.org"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("NOT  line 3"), "{said}");
    assert!(good(&lab, &["alias", "list"]).contains("root@mired.org"));
}

#[test]
fn what_cannot_be_read_is_told_with_the_next_step() {
    let lab = Lab::start();
    let none = lab.folder().join("none").display().to_string();
    for kind in ["maildir", "mbox"] {
        let output = lab.estafeta(&["import", kind, &none, "--account", "ana@mired.org"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("no such file"), "{said}");
    }
    let mbox = lab.folder().join("box");
    std::fs::write(&mbox, "From a@x Tue Nov 24 08:29:44 2026\nSubject: a\n\nb\n").unwrap();
    let mbox = mbox.display().to_string();
    let output = lab.estafeta(&["import", "mbox", &mbox, "--account", "nobody@mired.org"]);
    assert!(!output.status.success());
    let said =
        good(&lab, &["import", "mbox", &mbox, "--account", "ana@mired.org", "--into", "Old"]);
    assert!(said.contains("Brought 1 messages"), "{said}");
    let said =
        good(&lab, &["export", "mbox", &none, "--account", "ana@mired.org", "--only", "Old"]);
    assert!(said.contains("Written 1 messages"), "{said}");
    let written = std::fs::read_to_string(lab.folder().join("none/Old")).unwrap();
    assert!(written.starts_with("From MAILER-DAEMON Tue Nov 24 08:29:44 2026\nSubject: a\n"));
}

/// 100,000 messages, killed half way, resumed, compared in everything; prints rate and peak memory.
#[test]
fn a_hundred_thousand_messages_move_within_200_megabytes() {
    if !heavy() || !tools() {
        println!("skipped: set ESTAFETA_HEAVY=1");
        return;
    }
    let mut lab = Lab::start();
    let dovecot = Dovecot::start(&lab.folder().join("dovecot"));
    fill(&dovecot, 100_000);
    lab.stop();
    let maildir = dovecot.maildir().display().to_string();
    let arguments = ["import", "maildir", &maildir, "--account", "ana@mired.org", "-o", "json"];
    // Killed in the middle, twice.
    for seconds in [3, 4] {
        let mut child = import(&lab, &arguments);
        std::thread::sleep(Duration::from_secs(seconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let began = Instant::now();
    let child = import(&lab, &arguments);
    let pid = child.id();
    let peak = std::thread::spawn(move || peak_memory(pid));
    let output = child.wait_with_output().unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let peak = peak.join().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let sum = |key: &str| -> u64 {
        let lines = said.lines().filter_map(|l| l.trim().strip_prefix(&format!("\"{key}\": ")));
        lines.filter_map(|l| l.trim_end_matches(',').parse::<u64>().ok()).sum()
    };
    let (brought, already) = (sum("brought"), sum("already"));
    println!(
        "after two kills {already} were there; brought {brought} in {seconds:.1} s, {:.0}/s, peak {} MB",
        brought as f64 / seconds,
        peak / 1024
    );
    assert!(already > 0 && brought > 0, "killed too early or too late");
    assert!(peak < 200 * 1024, "{peak} kB");
    lab.run();
    compare(50, &dovecot.side(), &our_side(&lab));
}

fn import(lab: &Lab, arguments: &[&str]) -> Child {
    Command::new(binary())
        .args(arguments)
        .arg("--data")
        .arg(lab.data())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// The highest resident memory of a process while it lives, in kB.
fn peak_memory(pid: u32) -> u64 {
    let mut peak = 0;
    while let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) {
        let line = status.lines().find(|line| line.starts_with("VmHWM"));
        let Some(line) = line else { break };
        let now = line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0);
        peak = peak.max(now);
        std::thread::sleep(Duration::from_millis(20));
    }
    peak
}
