//! The operator's commands, beside a running server and without one, and what the lab says when it
//! cannot open.

mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use support::client::Client;
use support::{Lab, binary, have};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it complained of: one line; it must have failed.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.starts_with("estafeta: ") && text.lines().count() == 1, "{text}");
    text
}

fn good(lab: &Lab, arguments: &[&str]) -> String {
    let output = lab.estafeta(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    text(&output)
}

/// The same commands, whoever has the store open.
fn administer(lab: &Lab, domain: &str) {
    let address = |name: &str| format!("{name}@{domain}");
    let (carla, info) = (address("carla"), address("info"));
    good(lab, &["domain", "add", domain]);
    let again = lab.estafeta(&["domain", "add", domain]);
    assert!(complaint(&again).contains("exists"));
    good(lab, &["account", "add", &carla, "--password", "secret", "--quota", "5G"]);
    good(lab, &["account", "set", &carla, "--messages-max", "10", "--add-address", &address("c")]);
    let shown = good(lab, &["account", "show", &carla, "-o", "json"]);
    for want in ["\"quota_bytes\": 5368709120", "\"quota_messages\": 10", &address("c")] {
        assert!(shown.contains(want), "{shown}");
    }
    good(lab, &["alias", "add", &info, &carla, "ana@mired.org"]);
    assert!(good(lab, &["alias", "list"]).contains(&info));
    good(lab, &["domain", "set", domain, "--catch-all", &carla]);
    assert!(good(lab, &["domain", "show", domain]).contains(&carla));
    assert!(good(lab, &["account", "remove", &carla]).contains(&info), "what still names it");
    assert!(complaint(&lab.estafeta(&["account", "show", &carla])).contains("no account"));
    good(lab, &["alias", "remove", &info]);
    good(lab, &["domain", "set", domain, "--no-catch-all"]);
    good(lab, &["domain", "remove", domain]);
    assert!(good(lab, &["store", "check"]).contains("good"));
    assert!(good(lab, &["store", "stats"]).contains("commits"));
}

#[test]
fn commands_work_beside_a_running_server_and_without_one() {
    let mut lab = Lab::start();
    administer(&lab, "one.example");
    let mode = |name: &str| std::fs::metadata(lab.data().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("control.sock") & 0o777, 0o600);
    assert_eq!(mode("") & 0o777, 0o700);
    lab.stop();
    assert!(!lab.data().join("control.sock").exists());
    administer(&lab, "two.example");
}

#[test]
fn many_accounts_are_made_by_one_command_and_can_log_in_at_once() {
    let lab = Lab::start();
    let mut child = Command::new(binary())
        .args(["account", "add", "--from", "-", "--data"])
        .arg(lab.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = (1..=5).map(|n| format!("u{n}@mired.org:pass:{n}\n")).collect::<String>();
    let input = format!("# people\n\n{lines}");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && text(&output).contains("u5@mired.org"), "{output:?}");
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN u5 pass:5");
    client.imap("STATUS Templates (MESSAGES)");
}

#[test]
fn a_second_lab_says_what_hinders_it() {
    let mut lab = Lab::start();
    let port = lab.port("smtp");
    let on_other_ports = |lab: &Lab| {
        let mut command = Command::new(binary());
        command.args(["lab", "--data"]).arg(lab.data()).env("LC_ALL", "C");
        for name in support::PORTS {
            command.args(["--port", &format!("{name}=0")]);
        }
        command.stdin(Stdio::null()).output().unwrap()
    };
    let locked = complaint(&on_other_ports(&lab));
    assert!(locked.contains("another estafeta"), "{locked}");
    let output = Command::new(binary())
        .args(["lab", "--port", &format!("smtp={port}"), "--data"])
        .arg(lab.folder().join("other"))
        .env("LC_ALL", "es_ES.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let in_use = complaint(&output);
    assert!(in_use.contains(&format!("el puerto {port} (smtp)")), "{in_use}");
    lab.stop();
    std::fs::write(lab.data().join("store").join("VERSION"), "estafeta store 999\n").unwrap();
    let version = complaint(&on_other_ports(&lab));
    assert!(version.contains("another version"), "{version}");
}

#[test]
fn a_directory_that_is_none_is_named() {
    let lab = Lab::prepare();
    let missing = complaint(&lab.estafeta(&["account", "list"]));
    assert!(missing.contains("estafeta lab"), "{missing}");
    // A wrong directory stays as it is.
    std::fs::create_dir(lab.data()).unwrap();
    for arguments in
        [&["account", "list"][..], &["domain", "add", "x.example"], &["store", "check"]]
    {
        let complained = complaint(&lab.estafeta(arguments));
        assert!(complained.contains("estafeta lab"), "{complained}");
    }
    assert_eq!(std::fs::read_dir(lab.data()).unwrap().count(), 0);
    let file = lab.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let output = Command::new(binary()).args(["lab", "--data"]).arg(&file).output().unwrap();
    assert!(complaint(&output).contains("--data"));
}

#[test]
fn clients_that_trust_the_labs_authority_trust_the_lab() {
    if !have("openssl") {
        return;
    }
    let lab = Lab::start();
    for (service, extra) in
        [("imaps", &[][..]), ("smtp", &["-starttls", "smtp"]), ("pop3", &["-starttls", "pop3"])]
    {
        for name in ["localhost", "mail.mired.org", "asterix.mired.org"] {
            let output = Command::new("openssl")
                .args(["s_client", "-connect", &format!("127.0.0.1:{}", lab.port(service))])
                .args(["-verify_return_error", "-verify_hostname", name, "-brief", "-CAfile"])
                .arg(lab.data().join("ca.pem"))
                .args(extra)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && said.contains("Verification: OK"),
                "{service} {name}: {said}"
            );
        }
    }
}
