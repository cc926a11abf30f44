//! What a process can do no more, tried by a process of its own: each test runs this binary again,
//! since nothing here can be undone.

use engine_process::{
    Confinement, Identity, Level, Manager, State, act_for, confine, give_up, handed_sockets,
    is_root,
};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

/// Tells the child that it is one; its value is for the test.
const CHILD: &str = "ESTAFETA_TEST_CHILD";

/// What this binary prints when it runs `test` alone, as a child.
fn child(test: &str, value: &str, prepare: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, value);
    prepare(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn status(name: &str) -> String {
    // Of this thread: the harness runs each test in one of its own.
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tried<T>(what: &str, result: std::io::Result<T>) {
    println!("{what}: {}", if result.is_ok() { "can" } else { "cannot" });
}

#[test]
fn privileges_given_up_are_gone() {
    if std::env::var_os(CHILD).is_some() {
        let nobody = Identity::find("nobody").unwrap();
        let low = TcpListener::bind("127.0.0.1:0").unwrap();
        give_up(Some(&nobody)).unwrap();
        println!("uids {}, gids {}, groups {}", status("Uid"), status("Gid"), status("Groups"));
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs"] {
            println!("{set} {}", status(set));
        }
        tried("read shadow", std::fs::read("/etc/shadow"));
        tried("own what is open", low.local_addr());
        println!("root: {}", is_root());
        // A second time there is nothing left to give up.
        give_up(Some(&nobody)).unwrap();
        let file = std::env::temp_dir().join(format!("estafeta-umask-{}", std::process::id()));
        std::fs::write(&file, "x").unwrap();
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
        std::fs::remove_file(&file).unwrap();
        println!("mode {:o}", mode & 0o777);
        return;
    }
    if !is_root() {
        println!("skipped: privileges_given_up_are_gone (needs root)");
        return;
    }
    let said = child("privileges_given_up_are_gone", "1", |_| {});
    let id = |flag| {
        let output = Command::new("id").args([flag, "nobody"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    let (uid, gid) = (id("-u"), id("-g"));
    let four = |id: &str| [id; 4].join(" ");
    let none = "0000000000000000";
    for want in [
        format!("uids {}, gids {}, groups {}", four(&uid), four(&gid), id("-G")),
        format!("CapInh {none}\nCapPrm {none}\nCapEff {none}\nCapAmb {none}\nNoNewPrivs 1"),
        "read shadow: cannot".to_string(),
        "own what is open: can".to_string(),
        "root: false".to_string(),
        "mode 600".to_string(),
    ] {
        assert!(said.contains(&want), "{want} not in {said}");
    }
}

#[test]
fn whoever_acts_for_an_owner_reads_everything_and_writes_as_they_do() {
    let name = "whoever_acts_for_an_owner_reads_everything_and_writes_as_they_do";
    if let Some(folder) = std::env::var_os(CHILD) {
        let folder = Path::new(&folder);
        let owner = Identity::owner(folder).unwrap().unwrap();
        act_for(&owner).unwrap();
        println!("{} is root: {}, CapEff {}", owner.name(), is_root(), status("CapEff"));
        tried("read shadow", std::fs::read("/etc/shadow"));
        tried("write in etc", std::fs::write("/etc/estafeta-test", "x"));
        tried("write", std::fs::write(folder.join("file"), "x"));
        let made = Identity::owner(&folder.join("file")).unwrap();
        println!("whose: {:?}", made.map(|made| made.name().to_string()));
        return;
    }
    if !is_root() {
        println!("skipped: {name} (needs root)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    Identity::find("nobody").unwrap().own(folder.path()).unwrap();
    let said = child(name, folder.path().to_str().unwrap(), |_| {});
    for want in [
        "nobody is root: false, CapEff 0000000000000004",
        "read shadow: can",
        "write in etc: cannot",
        "write: can",
        "whose: Some(\"nobody\")",
    ] {
        assert!(said.contains(want), "{want} not in {said}");
    }
}

#[test]
fn who_is_nobody_cannot_become_somebody() {
    if std::env::var_os(CHILD).is_some() {
        give_up(Some(&Identity::find("nobody").unwrap())).unwrap();
        let daemon = Identity::find("daemon").unwrap();
        println!("{}", give_up(Some(&daemon)).unwrap_err());
        return;
    }
    if !is_root() {
        println!("skipped: who_is_nobody_cannot_become_somebody (needs root)");
        return;
    }
    let said = child("who_is_nobody_cannot_become_somebody", "1", |_| {});
    assert!(said.contains("cannot become daemon: start as root, as daemon itself"), "{said}");
}

#[test]
fn an_ordinary_user_gives_up_what_it_has() {
    if std::env::var_os(CHILD).is_some() {
        give_up(None).unwrap();
        println!("NoNewPrivs {}, CapEff {}", status("NoNewPrivs"), status("CapEff"));
        return;
    }
    let said = child("an_ordinary_user_gives_up_what_it_has", "1", |_| {});
    assert!(said.contains("NoNewPrivs 1, CapEff 0000000000000000"), "{said}");
}

#[test]
fn only_what_was_named_is_within_reach() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let (folder, write) = (Path::new(&folder), Path::new(&folder).join("write"));
        let to = Confinement::of_system()
            .and_write(&write)
            .and_read(&folder.join("read/file"))
            .and_write(&folder.join("not there"));
        let before = std::fs::File::open(folder.join("other/file"));
        match confine(&to) {
            Level::None(why) => return println!("level none: {why}"),
            level => println!("level {level}"),
        }
        tried("write inside", std::fs::write(write.join("new"), "x"));
        tried("rename inside", std::fs::rename(write.join("new"), write.join("newer")));
        tried("sync inside", std::fs::File::open(&write).and_then(|d| d.sync_all()));
        tried("link inside", std::fs::hard_link(write.join("newer"), write.join("sub/link")));
        tried("remove inside", std::fs::remove_file(write.join("newer")));
        tried("bind inside", std::os::unix::net::UnixListener::bind(write.join("control")));
        tried("read what may be read", std::fs::read(folder.join("read/file")));
        tried("read its neighbour", std::fs::read(folder.join("read/neighbour")));
        tried("write what may be read", std::fs::write(folder.join("read/file"), "x"));
        tried("read the rest", std::fs::read(folder.join("other/file")));
        tried("list the rest", std::fs::read_dir(folder.join("other")));
        tried("make in the rest", std::fs::write(folder.join("other/new"), "x"));
        tried("move out", std::fs::rename(write.join("sub/link"), folder.join("other/link")));
        tried("go on with what is open", before.and_then(std::io::read_to_string));
        tried("run a program", Command::new("/bin/true").status());
        tried("find localhost", std::net::ToSocketAddrs::to_socket_addrs("localhost:1"));
        tried("read hosts", std::fs::read("/etc/hosts"));
        let thread = std::thread::spawn(move || std::fs::read("/usr/bin/env").is_ok());
        println!("a thread: {}", if thread.join().unwrap() { "can" } else { "cannot" });
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for directory in ["write/sub", "read", "other"] {
        std::fs::create_dir_all(folder.path().join(directory)).unwrap();
    }
    for file in ["read/file", "read/neighbour", "other/file"] {
        std::fs::write(folder.path().join(file), "x").unwrap();
    }
    let value = folder.path().to_str().unwrap();
    let said = child("only_what_was_named_is_within_reach", value, |_| {});
    if let Some((_, why)) = said.split_once("level none: ") {
        println!("skipped: only_what_was_named_is_within_reach ({})", why.lines().next().unwrap());
        return;
    }
    for want in [
        "write inside: can",
        "rename inside: can",
        "sync inside: can",
        "link inside: can",
        "remove inside: can",
        "bind inside: can",
        "read what may be read: can",
        "read its neighbour: can",
        "write what may be read: cannot",
        "read the rest: cannot",
        "list the rest: cannot",
        "make in the rest: cannot",
        "move out: cannot",
        "go on with what is open: can",
        "run a program: cannot",
        "find localhost: can",
        "read hosts: can",
        "a thread: cannot",
    ] {
        assert!(said.contains(want), "{want} not in {said}");
    }
}

#[test]
fn a_port_that_was_handed_over_takes_connections() {
    if std::env::var_os(CHILD).is_some() {
        let handed = handed_sockets().unwrap();
        let [ref one] = handed[..] else { panic!("{handed:?}") };
        println!("{} {}", one.name, one.socket.accept().is_ok());
        assert!(handed_sockets().unwrap().is_empty(), "handed over twice");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let inherit = rustix::io::FdFlags::empty();
    rustix::io::fcntl_setfd(&listener, inherit).unwrap();
    let fd = listener.as_raw_fd().to_string();
    let test = "a_port_that_was_handed_over_takes_connections";
    let said = child(test, "1", |command| {
        command.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", fd).env("LISTEN_FDNAMES", "smtp");
    });
    assert!(said.contains("smtp true"), "{said}");
}

#[test]
fn what_is_no_port_is_refused_by_name() {
    if std::env::var_os(CHILD).is_some() {
        println!("{}", handed_sockets().unwrap_err());
        return;
    }
    let file = tempfile::tempfile().unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let fd = file.as_raw_fd().to_string();
    let said = child("what_is_no_port_is_refused_by_name", "1", |command| {
        command
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDS_FIRST_FD", fd)
            .env("LISTEN_FDNAMES", "imaps");
    });
    assert!(said.contains("the socket imaps from the service manager cannot be used"), "{said}");
}

#[test]
fn the_service_manager_hears_a_confined_process() {
    if std::env::var_os(CHILD).is_some() {
        let manager = Manager::of_environment();
        assert_eq!(manager.watchdog(), Some(std::time::Duration::from_secs(10)));
        give_up(None).unwrap();
        println!("level {}", confine(&Confinement::of_system()));
        manager.tell(State::Ready).unwrap();
        manager.tell(State::Status("at work")).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let hears = UnixDatagram::bind(&path).unwrap();
    hears.set_nonblocking(true).unwrap();
    child("the_service_manager_hears_a_confined_process", "1", |command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "20000000");
    });
    let mut bytes = [0; 100];
    for want in ["READY=1", "STATUS=at work"] {
        let count = hears.recv(&mut bytes).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes[..count]), want);
    }
}
