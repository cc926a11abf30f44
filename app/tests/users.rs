//! People who are known elsewhere: an LDAP directory, the users of the system.

mod support;

#[path = "../../engine/ldap/tests/slapd/mod.rs"]
mod slapd;

use slapd::Slapd;
use std::fs;
use support::client::Client;
use support::server::{Server, is_root, set_mode};

/// What LOGIN says behind its tag.
fn login(server: &Server, name: &str, password: &str) -> String {
    let mut client = Client::connect(server.port("imap"));
    client.read_line();
    client.imap_answer(&format!("LOGIN \"{name}\" \"{password}\"")).1
}

fn is_in(server: &Server, name: &str, password: &str) -> bool {
    login(server, name, password).starts_with("OK ")
}

fn is_wrong(server: &Server, name: &str, password: &str) -> bool {
    login(server, name, password).contains("[AUTHENTICATIONFAILED]")
}

fn is_put_off(server: &Server, name: &str, password: &str) -> bool {
    login(server, name, password).contains("[UNAVAILABLE]")
}

fn logged_in(server: &Server, name: &str, password: &str) -> Client {
    let mut client = Client::connect(server.port("imap"));
    client.read_line();
    client.imap(&format!("LOGIN {name} \"{password}\""));
    client
}

fn begin(server: &Server) -> Client {
    let mut client = Client::connect(server.port("smtp"));
    client.read_line();
    client.smtp("HELO there.example", 250);
    client.smtp("MAIL FROM:<x@there.example>", 250);
    client
}

/// The code of the answer to RCPT.
fn recipient(server: &Server, address: &str) -> u16 {
    let mut client = begin(server);
    client.send(&format!("RCPT TO:<{address}>"));
    client.reply().unwrap().0
}

fn deliver(server: &Server, address: &str, subject: &str) {
    let mut client = begin(server);
    client.smtp(&format!("RCPT TO:<{address}>"), 250);
    client.smtp("DATA", 354);
    client.smtp(&format!("Subject: {subject}\r\n\r\nhello\r\n."), 250);
}

fn subjects(server: &Server, name: &str, password: &str) -> String {
    let mut client = logged_in(server, name, password);
    client.imap("EXAMINE INBOX");
    client.imap("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]").join("\n")
}

fn output(server: &Server, arguments: &[&str]) -> String {
    let output = server.estafeta(arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn people_of_an_ldap_directory_log_in_and_get_mail() {
    let Some(mut ldap) = Slapd::start() else { return };
    let mut server = Server::init();
    let secret = server.folder().join("ldap-password");
    fs::write(&secret, "reads\n").unwrap();
    set_mode(&secret, 0o644);
    let ca = server.folder().join("ldap-ca.pem");
    fs::copy(ldap.certificate(), &ca).unwrap();
    server.configure(&format!(
        "[users]\nfrom = [\"ldap\"]\n\
         [ldap]\nservers = [\"localhost:{}\"]\nca = {ca:?}\nbase = \"dc=mired,dc=org\"\n\
         service_dn = \"cn=reader,dc=mired,dc=org\"\nservice_password_file = {secret:?}\n\
         quota_attribute = \"employeeType\"\n",
        ldap.port
    ));
    let checked = server.estafeta(&["config", "check"]);
    assert!(checked.status.success(), "{checked:?}");
    server.start();

    // Mail for somebody never seen before.
    deliver(&server, "eva@mired.org", "welcome");
    assert!(recipient(&server, "nobody@mired.org") == 550);
    assert!(subjects(&server, "eva", "set sizes").contains("welcome"));
    let boxes = logged_in(&server, "carl@mired.org", "primes").imap("LIST \"\" *").join("\n");
    for name in ["INBOX", "Drafts", "Sent", "Trash", "Junk", "Archive"] {
        assert!(boxes.contains(name), "{name} in {boxes}");
    }
    assert!(is_in(&server, "c.gauss", "primes"), "by another of his addresses");
    for (name, password) in [("carl", "no"), ("carl", ""), ("nobody", "x"), ("*", "primes")] {
        assert!(is_wrong(&server, name, password), "{name} {password:?}");
    }
    assert!(is_in(&server, "ana", "ana"), "who was entered here");
    let listed = output(&server, &["account", "list"]);
    assert!(listed.contains("by ldap:carl") && listed.contains("500M"), "{listed}");
    let shown = output(&server, &["-o", "json", "account", "show", "c.gauss@mired.org"]);
    assert!(shown.contains("\"authority\": \"ldap:carl\""), "{shown}");
    let mut client = Client::connect(server.port("imap"));
    let greeting = client.read_line().unwrap();
    assert!(greeting.contains("AUTH=PLAIN") && !greeting.contains("SCRAM"), "{greeting}");

    // The directory is gone: whatever needs it is put off, and nothing else.
    ldap.stop();
    for (name, password) in [("eva", "wrong"), ("twin", "x"), ("nobody", "x")] {
        assert!(is_put_off(&server, name, password), "{name}");
    }
    assert_eq!(recipient(&server, "other@mired.org"), 451);
    deliver(&server, "eva@mired.org", "meanwhile");
    assert!(is_in(&server, "ana", "ana"));
    server.logged("cannot be asked");

    ldap.run();
    assert!(is_wrong(&server, "eva", "wrong"));
    assert!(subjects(&server, "eva", "set sizes").contains("meanwhile"));
    assert_eq!(recipient(&server, "other@mired.org"), 550, "not an address of his");
    assert_eq!(recipient(&server, "twin@mired.org"), 451, "two would have it");
    server.logged("answers again");
}

#[test]
fn users_of_the_system_log_in_and_get_mail() {
    let mut server = Server::init();
    let folder = server.folder().join("etc");
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o755);
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        set_mode(&path, 0o644);
    };
    file(
        "passwd",
        "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/usr/sbin/nologin\n\
         carl:x:1001:1001:Carl:/home/carl:/bin/bash\nshut:x:1002:1002::/:/usr/sbin/nologin\n\
         low:x:999:999::/:/bin/sh\nlocked:x:1003:1003::/:/bin/sh\n",
    );
    let Some(made) = openssl_hash("primes") else { return };
    let line = |name: &str, hash: &str| format!("{name}:{hash}:20000:0:99999:7:::\n");
    let shadow = ["root", "carl", "shut", "low"].map(|name| line(name, &made)).concat();
    file("shadow", &(shadow + &line("locked", &format!("!{made}"))));
    server.configure(&format!(
        "[users]\nfrom = [\"system\"]\ndomain = \"mired.org\"\n\
         [system_users]\npasswd = {:?}\nshadow = {:?}\n",
        folder.join("passwd"),
        folder.join("shadow")
    ));
    let checked = server.estafeta(&["config", "check"]);
    assert!(checked.status.success(), "{checked:?}");
    server.start();
    deliver(&server, "Carl@mired.org", "welcome");
    for name in ["carl", "carl@mired.org", "CARL"] {
        assert!(is_in(&server, name, "primes"), "{name}");
        assert!(is_wrong(&server, name, "Primes"), "{name}");
    }
    assert!(subjects(&server, "carl", "primes").contains("welcome"));
    for name in ["root", "shut", "low", "locked", "nobody"] {
        assert!(is_wrong(&server, name, "primes"), "{name}");
    }
    for name in ["root", "shut", "low", "nobody"] {
        assert_eq!(recipient(&server, &format!("{name}@mired.org")), 550, "{name}");
    }
    assert!(output(&server, &["account", "list"]).contains("by system:carl"));
    // A new one is there at once.
    let passwd = fs::read_to_string(folder.join("passwd")).unwrap();
    file("passwd", &format!("{passwd}dora:x:1004:1004::/:/bin/zsh\n"));
    assert_eq!(recipient(&server, "dora@mired.org"), 250);
    if is_root() {
        set_mode(&folder.join("shadow"), 0o600);
        assert!(is_put_off(&server, "dora", "x"), "nobody may read the hashes");
        server.logged("group shadow");
    }
}

/// `None`, and says so, where nobody can make one.
fn openssl_hash(password: &str) -> Option<String> {
    if !support::have("openssl") {
        return None;
    }
    let output = std::process::Command::new("timeout")
        .args(["--kill-after=5", "60", "openssl", "passwd", "-6", password])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap().trim().to_string())
}

#[test]
fn config_check_says_what_people_from_elsewhere_need() {
    let server = Server::init();
    for (text, want) in [
        ("[users]\nfrom = \"ldap\"\n", "no server is named"),
        ("[users]\nfrom = \"ldap\"\n[ldap]\nservers = \"x\"\n", "it is not said who is who"),
        (
            "[users]\nfrom = \"ldap\"\n[ldap]\nservers = \"x\"\nbind_dn = \"cn=admin\"\n",
            "put in {user}",
        ),
        (
            "[users]\nfrom = \"ldap\"\n[ldap]\nservers = \"x\"\nbase = \"x\"\nfilter = \"(uid={user}\"\n",
            "no search filter",
        ),
        (
            "[users]\nfrom = \"ldap\"\n[ldap]\nservers = \"x\"\nbase = \"x\"\nservice_dn = \"cn=x\"\n",
            "a login needs a password",
        ),
        (
            "[users]\nfrom = \"ldap\"\n[ldap]\nservers = \"x\"\nbase = \"x\"\ntls = \"none\"\n",
            "every password crosses the network",
        ),
        ("[users]\nfrom = [\"system\", \"system\"]\n", "named twice"),
        ("[users]\nfrom = \"nis\"\n", "ldap"),
        ("[users]\nfrom = \"system\"\n[system_users]\nshadow = \"/nowhere\"\n", "/nowhere"),
        (
            "[users]\nfrom = \"system\"\n[system_users]\npam_service = \"estafeta\"\n",
            if cfg!(feature = "pam") { "confine = false" } else { "built without PAM" },
        ),
    ] {
        server.configure(text);
        let said = output(&server, &["config", "check"]);
        assert!(said.contains(want), "{text}: {said}");
    }
}
