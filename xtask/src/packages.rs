//! Programs of others that the tests talk to.

use std::path::Path;
use std::process::Command;

/// A program, and Debian's package of it.
pub struct Program {
    /// As it is called.
    pub name: &'static str,
    /// The package that brings it.
    pub package: &'static str,
}

/// Everything that the tests can use.
pub const PROGRAMS: &[Program] = &[
    Program { name: "swaks", package: "swaks" },
    Program { name: "msmtp", package: "msmtp" },
    Program { name: "mpop", package: "mpop" },
    Program { name: "fetchmail", package: "fetchmail" },
    Program { name: "mbsync", package: "isync" },
    Program { name: "neomutt", package: "neomutt" },
    Program { name: "curl", package: "curl" },
    Program { name: "telnet", package: "telnet" },
    Program { name: "strace", package: "strace" },
    Program { name: "dovecot", package: "dovecot-imapd" },
    Program { name: "slapd", package: "slapd" },
    Program { name: "ldapmodify", package: "ldap-utils" },
    Program { name: "named", package: "bind9" },
    Program { name: "named-checkzone", package: "bind9-utils" },
    Program { name: "postfix", package: "postfix" },
    Program { name: "python3", package: "python3" },
    Program { name: "openssl", package: "openssl" },
    Program { name: "opendkim", package: "opendkim" },
    Program { name: "opendkim-testmsg", package: "opendkim-tools" },
    Program { name: "pebble", package: "pebble" },
    Program { name: "dkimverify", package: "python3-dkim" },
];

/// Perl modules that swaks wants for TLS and AUTH, Dovecot's POP3, Ed25519 for dkimpy, the vectors of
/// SPF: no program name tells of them.
const COMPANIONS: &[&str] = &[
    "libnet-ssleay-perl",
    "libauthen-sasl-perl",
    "dovecot-pop3d",
    "python3-nacl",
    "python3-spf",
    "python3-yaml",
];

/// Mail servers that Debian does not install beside Postfix: unpacked under `target/peers`.
const UNPACKED: &[Program] = &[
    Program { name: "exim4", package: "exim4-daemon-light" },
    Program { name: "smtpd", package: "opensmtpd" },
];

/// Libraries that they want.
const LIBRARIES: &[&str] =
    &["libgnutls-dane0", "libdb5.3", "libidn12", "libnsl2", "libpcre2-8-0", "libevent-2.1-7"];

/// Is the program to be found?
pub fn installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// What of [`UNPACKED`] cannot be found.
pub fn not_unpacked(root: &Path) -> impl Iterator<Item = &'static Program> {
    let folder = root.join("target/peers/usr/sbin");
    UNPACKED.iter().filter(move |p| !installed(p.name) && !folder.join(p.name).is_file())
}

/// Unpacks what is missing of [`UNPACKED`], where packages may be had.
pub fn unpack_missing(root: &Path) {
    let missing: Vec<&str> = not_unpacked(root).map(|p| p.package).collect();
    if missing.is_empty() || !may_install() {
        return;
    }
    println!("Unpacking {} under target/peers", missing.join(" "));
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], LIBRARIES].concat());
    let script = "mkdir -p target/peers && cd target/peers && apt-get download -qq \"$@\" && \
                  for package in *.deb; do dpkg -x \"$package\" . && rm \"$package\"; done";
    let status = Command::new("timeout")
        .args(["--kill-after=10", "300", "sh", "-c", script, "sh"])
        .args(&missing)
        .current_dir(root)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    // What is still missing is named at the end.
    if !status.as_ref().is_ok_and(|s| s.success()) {
        println!("unpacking failed: {status:?}");
    }
}

/// Installs what is missing, where that may be done; tells what it does.
pub fn install_missing() {
    let missing: Vec<&Program> = PROGRAMS.iter().filter(|p| !installed(p.name)).collect();
    if missing.is_empty() {
        return;
    }
    let names: Vec<&str> = missing.iter().map(|p| p.package).collect();
    if !may_install() {
        println!("To test with real clients too: apt-get install {}", names.join(" "));
        return;
    }
    println!("Installing {}", names.join(" "));
    apt(&["update", "-qq"]);
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(names);
    arguments.extend(COMPANIONS);
    apt(&arguments);
}

/// Debian, and root.
fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output();
    let root = root.is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    root && Path::new("/etc/debian_version").exists() && installed("apt-get")
}

fn apt(arguments: &[&str]) {
    let status = Command::new("timeout")
        .args(["--kill-after=10", "600", "apt-get"])
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(std::process::Stdio::null())
        .status();
    // What is still missing is named at the end, so a failure needs no more than a line.
    if !status.as_ref().is_ok_and(|s| s.success()) {
        println!("apt-get {} failed: {status:?}", arguments.first().unwrap_or(&""));
    }
}
