//! Real clients against the real binary. Each is skipped, by name, where it is not installed.

mod support;

use std::path::Path;
use std::process::{Command, Output};
use support::client::Client;
use support::{Lab, have};

/// `program`, ended after a minute: a client that waits for somebody fails its own test and holds
/// up no other. In the foreground, for those that want the terminal.
fn client(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--foreground", "--kill-after=5", "60", program]);
    command
}

fn run(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    // Clients refuse a file with passwords that others may read.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// Messages in a mailbox, as IMAP counts them.
fn count(lab: &Lab, user: &str, mailbox: &str) -> usize {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap(&format!("LOGIN {user} {user}"));
    let lines = client.imap(&format!("STATUS {mailbox} (MESSAGES)"));
    let (_, rest) = lines[0].split_once("(MESSAGES ").unwrap();
    rest.trim_end_matches(')').parse().unwrap()
}

/// The whole of message 1 of INBOX.
fn first(lab: &Lab, user: &str) -> String {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap(&format!("LOGIN {user} {user}"));
    client.imap("SELECT INBOX");
    client.imap("FETCH 1 BODY.PEEK[]").join("\n")
}

/// `message` as it goes over the wire: leading dots doubled (RFC 5321 §4.5.2).
fn deliver(lab: &Lab, user: &str, message: &str) {
    let mut client = Client::connect(lab.port("smtp"));
    client.reply().unwrap();
    client.smtp("EHLO sender.example", 250);
    client.smtp("MAIL FROM:<sender@client.example>", 250);
    client.smtp(&format!("RCPT TO:<{user}@mired.org>"), 250);
    client.smtp("DATA", 354);
    client.smtp(&format!("{message}\r\n."), 250);
}

#[test]
fn swaks_delivers_with_every_kind_of_login() {
    if !have("swaks") {
        return;
    }
    let lab = Lab::start();
    let port = |name: &str| format!("127.0.0.1:{}", lab.port(name));
    let swaks = |arguments: &[&str]| run(client("swaks").args(arguments));
    swaks(&["--server", &port("smtp"), "--from", "out@client.example", "--to", "ana@mired.org"]);
    for (listener, tls) in
        [("submission", None), ("submission", Some("--tls")), ("submissions", Some("--tlsc"))]
    {
        for mechanism in ["PLAIN", "LOGIN"] {
            let server = port(listener);
            let mut arguments = vec!["--server", &server, "--auth", mechanism];
            arguments.extend(["--auth-user", "bob", "--auth-password", "bob"]);
            arguments.extend(["--from", "bob@mired.org", "--to", "ana@mired.org"]);
            arguments.extend(tls);
            swaks(&arguments);
        }
    }
    assert_eq!(count(&lab, "ana", "INBOX"), 7);
    // Nobody relays through us, and nobody sends under another's name.
    let refused = |arguments: &[&str], code: &str| {
        let output = client("swaks").args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && text.contains(code), "{text}");
    };
    let (smtp, submission) = (port("smtp"), port("submission"));
    refused(&["--server", &smtp, "--from", "a@x.example", "--to", "b@y.example"], "550 5.7.1");
    refused(&["--server", &smtp, "--from", "a@x.example", "--to", "no@mired.org"], "550 5.1.1");
    let login = ["--auth", "PLAIN", "--auth-user", "bob", "--auth-password", "bob"];
    let mut forged = vec!["--server", &submission, "--from", "ana@mired.org"];
    forged.extend(["--to", "ana@mired.org"].iter().chain(&login));
    refused(&forged, "5.7.1");
}

#[test]
fn msmtp_submits() {
    if !have("msmtp") {
        return;
    }
    let lab = Lab::start();
    let account = format!(
        "account default\nhost 127.0.0.1\nport {}\nauth plain\nuser ana@mired.org\npassword ana\n\
         from ana@mired.org\ntls on\ntls_starttls on\ntls_trust_file {}\ntls_host_override localhost\n",
        lab.port("submission"),
        lab.data().join("ca.pem").display()
    );
    let account = write(lab.folder(), "msmtprc", &account);
    let message = write(lab.folder(), "message", "To: bob@mired.org\nSubject: hola\n\nQuè tal?\n");
    let mut command = client("msmtp");
    command.args(["-C", &account, "bob@mired.org"]);
    command.stdin(std::fs::File::open(message).unwrap());
    run(&mut command);
    let text = first(&lab, "bob");
    for part in ["From: ", "Date: ", "Message-ID: <", "Subject: hola", "ESMTPSA", "TLS1.3"] {
        assert!(text.contains(part), "{part} missing in {text}");
    }
}

#[test]
fn mpop_and_fetchmail_empty_a_maildrop() {
    let lab = Lab::start();
    if have("mpop") {
        (1..=3).for_each(|n| deliver(&lab, "ana", &format!("Subject: {n}\r\n\r\n..dot\r\n...two")));
        let mbox = lab.folder().join("mbox");
        let account = format!(
            "account default\nhost 127.0.0.1\nport {}\nauth plain\nuser ana\npassword ana\ntls on\n\
             tls_starttls on\ntls_trust_file {}\ntls_host_override localhost\nkeep off\n\
             uidls_file {}\ndelivery mbox {}\n",
            lab.port("pop3"),
            lab.data().join("ca.pem").display(),
            lab.folder().join("uidls").display(),
            mbox.display()
        );
        let account = write(lab.folder(), "mpoprc", &account);
        run(client("mpop").args(["-C", &account]));
        let text = std::fs::read_to_string(&mbox).unwrap();
        assert_eq!(text.matches("\n.dot\n..two").count(), 3, "{text}");
        assert_eq!(count(&lab, "ana", "INBOX"), 0);
    }
    if have("fetchmail") {
        for (protocol, listener) in [("pop3", "pop3"), ("imap", "imap")] {
            (1..=3).for_each(|n| deliver(&lab, "bob", &format!("Subject: {n}\r\n\r\nhello")));
            let control = format!(
                "poll 127.0.0.1 service {} protocol {protocol} user bob password bob no sslcertck \
                 mda \"cat >> {}\"\n",
                lab.port(listener),
                lab.folder().join("fetched").display()
            );
            let control = write(lab.folder(), "fetchmailrc", &control);
            let home = lab.folder();
            run(client("fetchmail").args(["-f", &control]).env("FETCHMAILHOME", home));
            assert_eq!(count(&lab, "bob", "INBOX"), 0, "{protocol}");
        }
        let text = std::fs::read_to_string(lab.folder().join("fetched")).unwrap();
        assert_eq!(text.matches("hello").count(), 6);
    }
}

#[test]
fn mbsync_keeps_a_maildir_in_step_both_ways() {
    if !have("mbsync") {
        return;
    }
    let lab = Lab::start();
    (1..=20).for_each(|n| deliver(&lab, "ana", &format!("Subject: {n}\r\n\r\nhello {n}")));
    let maildir = lab.folder().join("maildir");
    std::fs::create_dir_all(&maildir).unwrap();
    let control = format!(
        "IMAPStore far\nHost localhost\nPort {}\nUser ana\nPass ana\nSSLType STARTTLS\n\
         CertificateFile {}\nAuthMechs *\n\n\
         MaildirStore near\nPath {d}/\nInbox {d}/INBOX\nSubFolders Verbatim\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n",
        lab.port("imap"),
        lab.data().join("ca.pem").display(),
        d = maildir.display()
    );
    let control = write(lab.folder(), "mbsyncrc", &control);
    let sync = || run(client("mbsync").args(["-c", &control, "-a"]));
    sync();
    let new = maildir.join("INBOX/new");
    let files: Vec<_> = std::fs::read_dir(&new).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 20);
    // One read, one deleted, one written here: all three go to the server.
    let cur = maildir.join("INBOX/cur");
    let name = |n: usize| files[n].file_name().unwrap().to_string_lossy().into_owned();
    let plain = |n: usize| name(n).split(":2,").next().unwrap_or_default().to_string();
    std::fs::rename(&files[0], cur.join(format!("{}:2,S", plain(0)))).unwrap();
    std::fs::rename(&files[1], cur.join(format!("{}:2,ST", plain(1)))).unwrap();
    let own = "Subject: mine\n\nwritten here\n";
    std::fs::write(new.join("1700000000.1_1.here"), own).unwrap();
    sync();
    assert_eq!(count(&lab, "ana", "INBOX"), 20);
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    client.imap("SELECT INBOX");
    assert_eq!(client.imap("SEARCH SEEN")[0].split(' ').count(), 3, "* SEARCH n");
    assert!(client.imap("SEARCH SUBJECT mine")[0].contains("20"));
    // Nothing more to do: a further run changes nothing.
    sync();
    assert_eq!(count(&lab, "ana", "INBOX"), 20);
}

#[test]
fn curl_speaks_all_three() {
    if !have("curl") {
        return;
    }
    let lab = Lab::start();
    let ca = lab.data().join("ca.pem").display().to_string();
    let message = write(lab.folder(), "message", "Subject: from curl\r\n\r\nhello\r\n");
    let url = |scheme: &str, port: &str, rest: &str| {
        format!("{scheme}://localhost:{}/{rest}", lab.port(port))
    };
    let curl =
        |arguments: &[&str]| run(client("curl").args(["-sS", "--cacert", &ca]).args(arguments));
    curl(&[
        &url("smtps", "submissions", "client"),
        "--user",
        "ana:ana",
        "--mail-from",
        "ana@mired.org",
        "--mail-rcpt",
        "bob@mired.org",
        "--upload-file",
        &message,
    ]);
    let text = curl(&[&url("imaps", "imaps", "INBOX;MAILINDEX=1"), "--user", "bob:bob"]);
    assert!(text.contains("Subject: from curl") && text.contains("hello"), "{text}");
    let text = curl(&[&url("pop3s", "pop3s", "1"), "--user", "bob@mired.org:bob"]);
    assert!(text.contains("Subject: from curl") && text.contains("hello"), "{text}");
    let text = curl(&[&url("imaps", "imaps", ""), "--user", "bob:bob"]);
    for mailbox in ["INBOX", "Drafts", "Sent", "Trash", "Junk", "Archive", "Templates"] {
        assert!(text.contains(mailbox), "{mailbox} missing in {text}");
    }
}

#[test]
fn neomutt_reads_and_moves() {
    if !have("neomutt") {
        return;
    }
    let lab = Lab::start();
    (1..=5).for_each(|n| deliver(&lab, "ana", &format!("Subject: number {n}\r\n\r\nhello {n}")));
    let control = format!(
        "set folder=imap://ana@localhost:{p}/\nset spoolfile=imap://ana@localhost:{p}/INBOX\n\
         set imap_pass=ana\nset ssl_starttls=no\nset ssl_force_tls=no\nset imap_authenticators=login\n\
         set header_cache=\nset record=\nset quit=yes\nset delete=yes\nset confirmappend=no\n\
         set wait_key=no\n\
         push \"<tag-pattern>~s number<enter><tag-prefix><save-message>=Archive<enter><quit>\"\n",
        p = lab.port("imap")
    );
    let control = write(lab.folder(), "neomuttrc", &control);
    // It wants a terminal: script(1) is part of every Debian. `exec`, since a shell that stays
    // between the two may leave neomutt in the background of that terminal, stopped for ever.
    let line = format!("exec neomutt -n -F {control}");
    let mut command = client("script");
    command.args(["-qec", &line, "/dev/null"]);
    command.env("TERM", "xterm").env("SHELL", "/bin/sh").env("HOME", lab.folder());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(count(&lab, "ana", "Archive"), 5, "{text}");
    assert_eq!(count(&lab, "ana", "INBOX"), 0);
}

#[test]
fn mail_of_every_shape_comes_out_as_it_went_in() {
    let lab = Lab::start();
    let mut headers = String::new();
    (0..10_000).for_each(|n| headers.push_str(&format!("X-{n}: v\r\n")));
    let large = format!("{}\r\n", "QUJD".repeat(19)).repeat(30_000_000 / 78);
    let shapes: Vec<(&str, String)> = vec![
        ("nested", nested(20)),
        ("eight bits", "Subject: caf\u{e9}\r\n\r\n\u{f1}and\u{fa}".to_string()),
        ("no header at all", "\r\njust text".to_string()),
        ("many headers", format!("{headers}\r\nbody")),
        ("NUL", "Subject: nul\r\n\r\na\0b".to_string()),
        ("a line over 998", format!("Subject: long\r\n\r\n{}", "y".repeat(5000))),
        ("30 MB", format!("Subject: large\r\n\r\n{large}end")),
        ("dots", "Subject: dots\r\n\r\n..\r\n.. two".to_string()),
    ];
    for (_, message) in &shapes {
        deliver(&lab, "ana", message);
    }
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    client.imap("SELECT INBOX");
    for (place, (name, message)) in shapes.iter().enumerate() {
        let lines = client.imap(&format!("FETCH {} (RFC822.SIZE BODY.PEEK[])", place + 1));
        let text = &lines[0];
        // What was sent, dots taken off as the client's text had them doubled for the wire.
        let sent = message.replace("\r\n..", "\r\n.");
        assert!(text.trim_end_matches(')').ends_with(&format!("{sent}\r\n")), "{name} differs");
        let (_, rest) = text.split_once("BODY[] {").unwrap();
        let octets: usize = rest.split('}').next().unwrap().parse().unwrap();
        assert!(text.contains(&format!("RFC822.SIZE {octets} ")), "{name}: sizes differ");
        client.imap(&format!("FETCH {} (ENVELOPE BODYSTRUCTURE)", place + 1));
    }
    let mut pop3 = Client::connect(lab.port("pop3"));
    for line in ["", "USER ana", "PASS ana", "STAT"] {
        if !line.is_empty() {
            pop3.send(line);
        }
        assert!(pop3.read_line().unwrap().starts_with("+OK"), "{line}");
    }
}

/// A multipart of `depth` levels.
fn nested(depth: usize) -> String {
    let mut message = "Content-Type: text/plain\r\n\r\ninnermost".to_string();
    for level in 0..depth {
        message = format!(
            "Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n{message}\r\n\
             --b{level}\r\n\r\nbeside\r\n--b{level}--"
        );
    }
    format!("Subject: nested\r\n{message}")
}
