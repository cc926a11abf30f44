//! The real server as its administrator meets it: made, started, asked, told to heed changes, and
//! stopped in the middle of work.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use support::client::Client;
use support::have;
use support::server::{Server, is_root, set_mode};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn smtp(server: &Server) -> Client {
    let mut client = Client::connect(server.port("smtp"));
    assert_eq!(client.reply().unwrap().0, 220);
    client.smtp("EHLO client.example", 250);
    client
}

fn begin_message(client: &mut Client) {
    client.smtp("MAIL FROM:<someone@client.example>", 250);
    client.smtp("RCPT TO:<ana@mired.org>", 250);
}

fn inbox(server: &Server) -> Vec<String> {
    let mut client = Client::connect(server.port("imap"));
    client.read_line();
    client.imap("LOGIN ana@mired.org ana");
    client.imap("SELECT INBOX");
    client.imap("FETCH 1:* BODY.PEEK[]")
}

#[test]
fn a_server_is_made_served_and_asked() {
    let mut server = Server::init();
    // A second time nothing is touched, unless it is asked for; then the old one is kept.
    let before = std::fs::read_to_string(server.file()).unwrap();
    assert!(complaint(&server.run_init(&[])).contains("--force"));
    assert_eq!(std::fs::read_to_string(server.file()).unwrap(), before);
    let again = server.run_init(&["--force", "--ports", "high", "--listen", "127.0.0.1"]);
    assert!(again.status.success() && text(&again).contains("there already"), "{again:?}");
    let kept = server.folder().join("estafeta.toml.1");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), before);
    let checked = server.estafeta(&["config", "check"]);
    assert!(checked.status.success(), "{checked:?}");
    let shown = text(&server.estafeta(&["config", "show", "listener[0].port"]));
    assert!(shown.contains("listener[0].port = 2525"), "{shown}");
    server.configure("");

    let not_yet = server.estafeta(&["health"]);
    assert!(!not_yet.status.success() && text(&not_yet).contains("no server runs"));
    server.start();
    if is_root() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().skip(1).map(str::to_string).collect::<Vec<_>>()
        };
        assert!(!of("Uid:").contains(&"0".to_string()), "{status}");
        assert_eq!(of("CapEff:"), ["0000000000000000"]);
    }
    let mut client = smtp(&server);
    begin_message(&mut client);
    client.smtp("DATA", 354);
    client.send("Subject: first\r\n\r\nHello");
    client.smtp(".", 250);
    assert!(inbox(&server).iter().any(|line| line.contains("Subject: first")));

    let health = server.estafeta(&["health", "-o", "json"]);
    assert!(health.status.success(), "{health:?}");
    let health: serde_json::Value = serde_json::from_slice(&health.stdout).unwrap();
    assert_eq!(health["good"], true);
    assert_eq!(health["listeners"].as_array().unwrap().len(), 7);
    assert_eq!(health["certificates"][0]["names"][0], "mail.mired.org");
    assert!(health["disk"]["free_bytes"].as_u64().unwrap() > 0);
    // Commands find the data by the configuration, beside the server and without it.
    let list = ["account", "list"];
    assert!(text(&server.estafeta(&list)).contains("ana@mired.org"));
    server.signal("TERM");
    server.ended();
    assert!(text(&server.estafeta(&list)).contains("ana@mired.org"));
}

#[test]
fn what_root_does_while_no_server_runs_leaves_files_that_the_server_can_open() {
    let mut server = Server::init();
    let added = ["account", "add", "bob@mired.org", "--password", "bob"];
    assert!(server.estafeta(&added).status.success());
    assert!(server.estafeta(&["store", "check"]).status.success());
    if is_root() {
        let mut find = Command::new("find");
        find.arg(server.data()).args(["!", "-user", "nobody"]);
        assert_eq!(text(&find.output().unwrap()), "");
    }
    server.start();
    assert!(text(&server.estafeta(&["account", "list"])).contains("bob@mired.org"));
    server.signal("TERM");
    server.ended();
    if is_root() {
        std::os::unix::fs::chown(server.data(), Some(0), None).unwrap();
        let said = complaint(&server.estafeta(&["serve"]));
        assert!(said.contains("belongs to root") && said.contains("chown -R nobody"), "{said}");
    }
}

#[test]
fn what_is_on_its_way_when_the_server_is_stopped_arrives() {
    let mut server = Server::init();
    server.start();
    let mut sender = smtp(&server);
    begin_message(&mut sender);
    sender.smtp("DATA", 354);
    sender.send("Subject: on its way\r\n");
    let mut waiting = smtp(&server);
    let mut appending = Client::connect(server.port("imap"));
    appending.read_line();
    appending.imap("LOGIN ana@mired.org ana");
    appending.send("x APPEND INBOX {26}");
    assert!(appending.read_line().unwrap().starts_with("+ "));
    let mut idle = Client::connect(server.port("imap"));
    idle.read_line();

    server.signal("TERM");
    // Who is in the middle of nothing is told and sent away; nobody new comes in.
    assert_eq!(waiting.reply().unwrap().0, 421);
    assert_eq!(idle.read_line().unwrap(), "* BYE Server is going down, please come back");
    server.closed();
    sender.send("the rest");
    sender.smtp(".", 250);
    assert_eq!(sender.reply().unwrap().0, 421);
    appending.send("Subject: appended\r\n\r\ntext\r\n");
    let reply = appending.read_line().unwrap();
    assert!(reply.starts_with("x OK "), "{reply}");
    server.ended();

    server.start();
    let messages = inbox(&server).join("\n");
    assert!(messages.contains("the rest") && messages.contains("Subject: appended"), "{messages}");
}

#[test]
fn who_does_not_finish_in_time_is_cut_off() {
    let mut server = Server::init();
    server.configure("grace = \"0s\"\n");
    server.start();
    let mut sender = smtp(&server);
    begin_message(&mut sender);
    sender.smtp("DATA", 354);
    server.signal("TERM");
    server.ended();
    assert!(server.log().contains("some sessions did not end in time"));
}

/// What clients are shown who ask for `name`: the certificate's subject alternative name.
fn shown(server: &Server, name: &str) -> String {
    let script = format!(
        "timeout --kill-after=5 30 openssl s_client -connect 127.0.0.1:{} -servername {name} \
         </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName",
        server.port("imaps")
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    text(&output).lines().last().unwrap_or_default().trim().to_string()
}

fn write_certificate(server: &Server, file: &str, names: &[&str]) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let folder = server.folder();
    std::fs::write(folder.join(format!("{file}.pem")), made.cert.pem()).unwrap();
    let key = folder.join(format!("{file}-key.pem"));
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    set_mode(&key, 0o644);
}

#[test]
fn certificates_are_chosen_by_name_and_change_under_open_sessions() {
    if !have("openssl") {
        return;
    }
    let mut server = Server::init();
    write_certificate(&server, "one", &["mail.mired.org"]);
    write_certificate(&server, "two", &["mail.example.net", "*.example.com"]);
    let certificate =
        |name: &str| format!("[[certificate]]\nchain = \"{name}.pem\"\nkey = \"{name}-key.pem\"\n");
    server.configure(&(certificate("one") + &certificate("two")));
    server.start();
    assert_eq!(shown(&server, "mail.mired.org"), "DNS:mail.mired.org");
    assert_eq!(shown(&server, "mail.example.net"), "DNS:mail.example.net, DNS:*.example.com");
    assert_eq!(shown(&server, "imap.example.com"), "DNS:mail.example.net, DNS:*.example.com");
    assert_eq!(shown(&server, "elsewhere.test"), "DNS:mail.mired.org");

    let mut session = Command::new("timeout")
        .args(["--kill-after=5", "60", "openssl", "s_client", "-quiet", "-connect"])
        .arg(format!("127.0.0.1:{}", server.port("imaps")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(session.stdout.take().unwrap()).lines();
    let mut ask = session.stdin.take().unwrap();
    assert!(lines.next().unwrap().unwrap().starts_with("* OK "));
    write_certificate(&server, "one", &["mail.mired.org", "new.mired.org"]);
    server.reload();
    assert_eq!(shown(&server, "mail.mired.org"), "DNS:mail.mired.org, DNS:new.mired.org");
    ask.write_all(b"a NOOP\r\n").unwrap();
    assert!(lines.next().unwrap().unwrap().starts_with("a OK "));

    // A key that does not fit is not taken, and what was there stays.
    write_certificate(&server, "one-key", &["x.test"]);
    std::fs::copy(server.folder().join("one-key-key.pem"), server.folder().join("one-key.pem"))
        .unwrap();
    server.reload();
    assert!(server.log().contains("the private key does not belong"), "{}", server.log());
    assert_eq!(shown(&server, "mail.mired.org"), "DNS:mail.mired.org, DNS:new.mired.org");
    ask.write_all(b"b LOGOUT\r\n").unwrap();
    assert!(lines.next().unwrap().unwrap().starts_with("* BYE "));
    drop(ask);
    session.wait().unwrap();
}

#[test]
fn a_certificate_that_has_ended_is_told_of() {
    let mut server = Server::init();
    let mut params = rcgen::CertificateParams::new(vec!["mail.mired.org".to_string()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = params.self_signed(&key).unwrap();
    std::fs::write(server.folder().join("both.pem"), chain.pem() + &key.serialize_pem()).unwrap();
    server.configure("[[certificate]]\nchain = \"both.pem\"\nkey = \"both.pem\"\n");
    let checked = server.estafeta(&["config", "check"]);
    assert!(checked.status.success() && text(&checked).contains("has expired on"), "{checked:?}");
    server.start();
    let health = server.estafeta(&["health", "-o", "json"]);
    assert_eq!(health.status.code(), Some(1));
    let health: serde_json::Value = serde_json::from_slice(&health.stdout).unwrap();
    let problem = health["problems"][0].as_str().unwrap();
    assert!(problem.contains("mail.mired.org") && problem.contains("has ended"), "{problem}");
    assert_eq!(health["certificates"][0]["until"], "2021-01-01T00:00:00Z");
}

#[test]
fn a_changed_configuration_is_heeded_without_a_restart() {
    let mut server = Server::init();
    server.start();
    let size = |server: &Server| {
        let mut client = Client::connect(server.port("smtp"));
        client.reply().unwrap();
        client.send("EHLO client.example");
        let mut found = String::new();
        loop {
            let line = client.read_line().unwrap();
            if let Some((_, size)) = line.split_once("SIZE ") {
                found = size.to_string();
            }
            if line.starts_with("250 ") {
                return found;
            }
        }
    };
    assert_eq!(size(&server), "52428800");
    let mut before = smtp(&server);
    server.configure(
        "my_networks = [\"127.0.0.0/8\"]\nlimits.message_size = \"1M\"\nconfine = false\n",
    );
    server.reload();
    assert_eq!(size(&server), "1048576");
    let log = server.log();
    assert!(log.contains("changed in the configuration key=limits.message_size"), "{log}");
    assert!(log.contains("heeded at the next start key=confine"), "{log}");
    // Who was there before goes by what was said to them.
    before.smtp("MAIL FROM:<a@client.example> SIZE=2000000", 250);
    smtp(&server).smtp("MAIL FROM:<a@client.example> SIZE=2000000", 552);

    server.configure(
        "my_networks = [\"127.0.0.0/8\"]\nlimits.message_size = \"1M\"\nlog.level = \"warnings\"\n",
    );
    server.reload();
    // Soon nobody's coming is worth a line.
    let is_quiet = || {
        let at = server.log().len();
        size(&server);
        !server.log()[at..].contains(" connected ")
    };
    assert!((0..100).any(|_| is_quiet()), "{}", server.log());

    server.configure("my_network = []\nlimits.message_size = \"2M\"\n");
    server.reload();
    let log = server.log();
    assert!(log.contains("did you mean \"my_networks\"?"), "{log}");
    assert!(log.contains("the configuration was not taken"), "{log}");
    assert_eq!(size(&server), "1048576");
}

#[test]
fn what_a_configuration_lacks_is_said_before_anything_is_done() {
    let server = Server::init();
    server.configure("grace = 5\nlog.levle = \"usual\"\n");
    let checked = server.estafeta(&["config", "check"]);
    assert_eq!(checked.status.code(), Some(1));
    let report = text(&checked);
    assert!(report.contains("expected a time span") && report.contains("\"level\""), "{report}");
    assert!(report.contains("2 mistakes"), "{report}");
    let refused = complaint(&server.estafeta(&["serve"]));
    assert!(refused.contains("did you mean \"level\"?"), "{refused}");
    let json = server.estafeta(&["config", "check", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["good"], false);
    assert_eq!(json["mistakes"].as_array().unwrap().len(), 2);

    server.configure("");
    std::fs::remove_dir_all(server.data()).unwrap();
    let no_data = complaint(&server.estafeta(&["serve"]));
    assert!(no_data.contains("no data") && no_data.contains("estafeta init"), "{no_data}");
    let nobody = server.command().args(["init", "--force"]).output().unwrap();
    assert!(complaint(&nobody).contains("--account"));
    std::fs::remove_file(server.file()).unwrap();
    assert!(complaint(&server.estafeta(&["serve"])).contains("estafeta init"));
}

#[test]
fn a_proxy_tells_who_is_behind_it() {
    let mut server = Server::init();
    let smtp = server.port("smtp");
    server.configure(&format!(
        "[[listener]]\nservice = \"smtp\"\naddress = \"127.0.0.1\"\nport = {smtp}\n\
         proxy_protocol = [\"127.0.0.0/8\"]\n"
    ));
    server.start();
    let mut client = Client::connect(smtp);
    client.send("PROXY TCP4 203.0.113.9 192.0.2.1 4000 25");
    assert_eq!(client.reply().unwrap().0, 220);
    client.smtp("EHLO client.example", 250);
    begin_message(&mut client);
    client.smtp("DATA", 354);
    client.smtp("Subject: x\r\n\r\n.", 250);
    assert!(inbox(&server).join("\n").contains("[203.0.113.9]"));
}

#[test]
fn the_service_manager_is_told_how_it_goes() {
    let mut server = Server::init();
    let path = server.folder().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let heard = |want: &str| {
        let mut buffer = [0; 1024];
        loop {
            let length = manager.recv(&mut buffer).unwrap();
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if said.lines().any(|line| line == want) {
                return;
            }
        }
    };
    let mut command = server.command();
    command.arg("serve").env("NOTIFY_SOCKET", &path);
    server.spawn(command);
    heard("READY=1");
    server.signal("HUP");
    heard("RELOADING=1");
    heard("READY=1");
    server.signal("TERM");
    heard("STOPPING=1");
    server.ended();
}

/// Opens a port, hands it over as the third file, and becomes the server.
const ACTIVATE: &str = "
import os, socket, sys
s = socket.create_server(('127.0.0.1', int(sys.argv[1])))
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='smtp')
os.execv(sys.argv[2], sys.argv[2:])
";

#[test]
fn a_port_that_was_opened_for_us_is_taken_over() {
    if !have("python3") {
        return;
    }
    let mut server = Server::init();
    let mut command = Command::new("python3");
    command.args(["-c", ACTIVATE, &server.port("smtp").to_string(), support::binary()]);
    command.arg("--config").arg(server.file()).arg("serve").env("LC_ALL", "C");
    server.spawn(command);
    smtp(&server).smtp("MAIL FROM:<a@client.example>", 250);
    assert!(!server.log().contains("in no [[listener]]"), "{}", server.log());
}
