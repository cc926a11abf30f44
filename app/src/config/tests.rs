//! Wrong configurations and what is said of them, to the letter; and that what we write is read.

use super::*;

/// What is said of `text`, but for what depends on the machine.
fn report(text: &str) -> String {
    let loaded = Loaded::of(Path::new("/x/estafeta.toml"), text.to_string());
    let is_of_machine = |mistake: &Mistake| {
        mistake.what.contains("whole name")
            || mistake.what.contains("no name that")
            || mistake.what.contains("no user estafeta")
    };
    let mistakes: Vec<_> =
        loaded.mistakes.iter().filter(|mistake| !is_of_machine(mistake)).cloned().collect();
    mistake::render(Path::new("f"), text, &mistakes)
}

fn said(text: &str, want: &str) {
    let got = report(text);
    assert_eq!(got, want, "of:\n{text}\ngot:\n{got}");
}

#[test]
fn an_empty_file_is_a_whole_configuration() {
    let loaded = Loaded::of(Path::new("/etc/estafeta/estafeta.toml"), String::new());
    assert!(loaded.is_good(), "{}", loaded.report());
    assert_eq!(loaded.config.data, Path::new("/var/lib/estafeta"));
    let ports = loaded.config.listener.iter().map(|listener| {
        let tls = listener.tls.unwrap();
        (listener.service.unwrap().name(), listener.port.unwrap().0, tls)
    });
    use TlsMode::*;
    let want = [
        ("smtp", 25, StartTls),
        ("submission", 587, StartTls),
        ("submissions", 465, Implicit),
        ("pop3", 110, StartTls),
        ("pop3s", 995, Implicit),
        ("imap", 143, StartTls),
        ("imaps", 993, Implicit),
    ];
    assert_eq!(ports.collect::<Vec<_>>(), want);
}

#[test]
fn a_misspelt_key_is_recognised() {
    said(
        "\n  dat = \"/srv/mail\"",
        "\
f:2:3: there is no key \"dat\" in the part before the first section
  2 |   dat = \"/srv/mail\"
    |   ^^^
    did you mean \"data\"?
",
    );
    said(
        "message_size = \"20M\"\n[limits]\nmy-networks = []\ncolour = 1\n",
        "\
f:1:1: there is no key \"message_size\" in the part before the first section
  1 | message_size = \"20M\"
    | ^^^^^^^^^^^^
    \"message_size\" belongs in [limits]

f:3:1: there is no key \"my-networks\" in [limits]
  3 | my-networks = []
    | ^^^^^^^^^^^
    there are: message_size, recipients, recipients_per_hour, recipients_per_day, connections, connections_per_address

f:4:1: there is no key \"colour\" in [limits]
  4 | colour = 1
    | ^^^^^^
    there are: message_size, recipients, recipients_per_hour, recipients_per_day, connections, connections_per_address
",
    );
}

#[test]
fn a_misspelt_section_is_recognised() {
    said(
        "[[listner]]\nport = 1\n\n[Log]\n\n[web]\n",
        "\
f:1:3: there is no section \"listner\"
  1 | [[listner]]
    |   ^^^^^^^
    did you mean [[listener]]?

f:4:2: there is no section \"Log\"
  4 | [Log]
    |  ^^^
    did you mean [log]?

f:6:2: there is no section \"web\"
  6 | [web]
    |  ^^^
    there are: [limits], [door], [login], [users], [ldap], [system_users], [mail], [sending], [dns], [acme], [log], [[listener]], [[certificate]], [[route]]
",
    );
}

#[test]
fn wrong_kinds_and_impossible_values_are_told_apart() {
    for (text, what, mend) in [
        (
            "host_name = 5",
            "expected a host name, as in \"mail.example.org\", not the number 5",
            "write it between quotation marks",
        ),
        (
            "host_name = \"a b\"",
            "expected a host name, as in \"mail.example.org\", not the text \"a b\"",
            "a host name has letters, digits and hyphens, with dots between",
        ),
        ("data = \"\"", "expected a path, not the text \"\"", "name one"),
        (
            "confine = \"true\"",
            "expected true or false, not the text \"true\"",
            "leave the quotation marks away",
        ),
        ("confine = 1", "expected true or false, not the number 1", "choose one of these"),
        (
            "grace = 30",
            "expected a time span from 0s to 1h, as in \"30s\", not the number 30",
            "write it between quotation marks",
        ),
        (
            "grace = \"2h\"",
            "expected a time span from 0s to 1h, as in \"30s\", not the text \"2h\"",
            "write a number and s, m, h or d, and keep to these limits",
        ),
        (
            "limits = 1",
            "expected a section, not the number 1",
            "write it as a section of its own: [limits]",
        ),
        (
            "listener = 1",
            "expected a list of sections, not the number 1",
            "begin each with a line [[listener]]",
        ),
        (
            "log.form = \"jason\"",
            "expected \"words\", \"human\" or \"json\", not the text \"jason\"",
            "did you mean \"json\"?",
        ),
        (
            "limits.message_size = \"1G5\"",
            "expected a size from 64K to 2G, as in \"50M\", not the text \"1G5\"",
            "write a number and K, M, G or T, and keep to these limits",
        ),
        (
            "limits.recipients = 5",
            "expected a whole number from 100 to 100000, not the number 5",
            "choose one of these",
        ),
        (
            "limits.recipients = 1e3",
            "expected a whole number from 100 to 100000, not the number 1e3",
            "choose one of these",
        ),
        (
            "limits.recipients = \"500\"",
            "expected a whole number from 100 to 100000, not the text \"500\"",
            "leave the quotation marks away",
        ),
    ] {
        let got = report(text);
        let (head, rest) = got.split_once('\n').unwrap();
        assert_eq!(head.split_once(": ").unwrap().1, what, "{text}");
        assert_eq!(rest.lines().last().unwrap().trim(), mend, "{text}");
        assert!(rest.contains(&format!("  1 | {text}\n")) && rest.contains('^'), "{text}:\n{got}");
    }
}

#[test]
fn each_wrong_entry_of_a_list_is_marked() {
    said(
        "my_networks = [\"10.0.0.0/8\", \"10.0.0.0/99\",\n\t\"ñandú\"]",
        "\
f:1:30: expected a network, as in \"192.0.2.0/24\" or \"2001:db8::/32\", not the text \"10.0.0.0/99\"
  1 | my_networks = [\"10.0.0.0/8\", \"10.0.0.0/99\",
    |                              ^^^^^^^^^^^^^
    write an address, a slash, and how many bits count

f:2:2: expected a network, as in \"192.0.2.0/24\" or \"2001:db8::/32\", not the text \"ñandú\"
  2 | \t\"ñandú\"]
    | \t^^^^^^^
    write an address, a slash, and how many bits count
",
    );
}

#[test]
fn what_is_no_toml_is_marked_and_the_rest_is_read_on() {
    said(
        "grace = \nconfine = \"x\"\n[log\nlevel = 1\n[limit]\nx = 1",
        "\
f:1:9: this is not TOML: string values must be quoted, expected literal string
  1 | grace = 
    |         ^
    mend the line; \"estafeta config show\" prints how each key is written

f:2:11: expected true or false, not the text \"x\"
  2 | confine = \"x\"
    |           ^^^
    choose one of these

f:3:5: this is not TOML: unclosed table, expected `]`
  3 | [log
    |     ^
    mend the line; \"estafeta config show\" prints how each key is written

f:5:2: there is no section \"limit\"
  5 | [limit]
    |  ^^^^^
    did you mean [limits]?
",
    );
}

#[test]
fn what_stands_there_twice_or_is_no_section_is_told_once() {
    said(
        "grace = \"1s\"\ngrace = \"2s\"\nlistener = [1]\n",
        "\
f:2:1: this stands here for the second time: duplicate key
  2 | grace = \"2s\"
    | ^^^^^
    remove one of the two

f:3:13: expected a section, not the number 1
  3 | listener = [1]
    |             ^
    begin each with a line [[listener]]
",
    );
}

#[test]
fn listeners_that_cannot_be_are_found() {
    said(
        "\
[[listener]]
service = \"smtp\"

[[listener]]
service = \"imaps\"
port = 25
tls = \"starttls\"
address = \"192.0.2.1\"

[[listener]]
port = 143

[[listener]]
service = \"lmtp\"

[[listener]]
service = \"imap\"
port = 0
address = []

[[listener]]
service = \"pop3\"
address = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.1\"]
tls = \"none\"
",
        "\
f:6:8: port 25 at 192.0.2.1 is taken by the listener for smtp already
  6 | port = 25
    |        ^^
    choose another port or address, or remove one of the two

f:7:7: imaps is encrypted from the first octet, by definition
  7 | tls = \"starttls\"
    |       ^^^^^^^^^^
    write service = \"imap\", or leave this line away

f:10:1: a listener needs a service
  10 | [[listener]]
     | ^^^^^^^^^^^^
    add one, as in service = \"smtp\"

f:13:1: lmtp has no standard port
  13 | [[listener]]
     | ^^^^^^^^^^^^
    add one, as in port = 24

f:18:8: expected a port from 1 to 65535, not the number 0
  18 | port = 0
     |        ^
    choose one of these

f:19:11: a listener without an address hears nothing
  19 | address = []
     |           ^^
    name one, or leave the line away

f:21:1: 192.0.2.1 is named twice
  21 | [[listener]]
     | ^^^^^^^^^^^^
    choose another port or address, or remove one of the two

f:24:7: warning: nobody from elsewhere can log in at pop3 without encryption
  24 | tls = \"none\"
     |       ^^^^^^
    write tls = \"starttls\", or see login.cleartext
",
    );
}

#[test]
fn users_and_groups_are_looked_up() {
    said(
        "user = \"root\"",
        "\
f:1:8: root has all privileges
  1 | user = \"root\"
    |        ^^^^^^
    name a user that is made for this server
",
    );
    said(
        "user = \"nobody\"\ngroup = \"no-such-group\"",
        "\
f:2:9: this machine has no group no-such-group
  2 | group = \"no-such-group\"
    |         ^^^^^^^^^^^^^^^
    make one (addgroup --system no-such-group), or name another
",
    );
}

#[test]
fn certificates_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec![format!("{name}.example")]).unwrap();
        std::fs::write(folder.path().join(format!("{name}.pem")), made.cert.pem()).unwrap();
        let key = made.signing_key.serialize_pem();
        std::fs::write(folder.path().join(format!("{name}-key.pem")), key).unwrap();
    };
    ["a", "b"].into_iter().for_each(make);
    let file = folder.path().join("estafeta.toml");
    let certificate = |chain: &str, key: &str| {
        let text = format!("[[certificate]]\nchain = \"{chain}\"\nkey = \"{key}\"\n");
        let loaded = Loaded::of(&file, text);
        let mistakes = loaded.mistakes.iter().filter(|m| m.severity == mistake::Severity::Mistake);
        let line = |mistake: &Mistake| {
            let line = loaded.text[..mistake.span.clone().unwrap().start].matches('\n').count() + 1;
            let folder = format!("{}/", folder.path().display());
            format!("{line}: {}; {}", mistake.what, mistake.mend).replace(&folder, "")
        };
        (loaded.keypairs.len(), mistakes.map(line).collect::<Vec<_>>())
    };
    assert_eq!(certificate("a.pem", "a-key.pem"), (1, vec![]));
    for (chain, key, want) in [
        (
            "a.pem",
            "b-key.pem",
            "3: the private key does not belong to the certificate for a.example; \
             give the key that it was made with",
        ),
        ("a-key.pem", "a-key.pem", "2: the certificate cannot be read; there is none in the file"),
        ("a.pem", "a.pem", "3: the private key cannot be read; there is none in the file"),
        (
            "a.pem",
            "c.pem",
            "3: there is no file c.pem; put it there, or name another; a relative path begins \
             beside this file",
        ),
    ] {
        assert_eq!(certificate(chain, key), (0, vec![want.to_string()]));
    }
    let nothing = report("[[certificate]]\n");
    assert!(nothing.contains("needs a chain") && nothing.contains("needs a key"), "{nothing}");
}

#[test]
fn the_file_that_is_written_says_what_was_chosen() {
    let mut config = Config {
        host_name: Some(HostName("mail.example.org".into())),
        user: SystemName("nobody".to_string()),
        ..Config::default()
    };
    config.limits.message_size.0 = 20 << 20;
    config.listener =
        vec![Listener { service: Some(crate::service::Service::Imap), ..Listener::default() }];
    for values in [vec![], config.present()] {
        let text = document(&values);
        let loaded = Loaded::of(Path::new("/x"), text.clone());
        assert!(loaded.is_good(), "{}\n{text}", loaded.report());
        // Whatever stands behind a "#" is right too.
        let all: String = text
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest,
                _ => line,
            })
            .fold(String::new(), |all, line| all + line + "\n");
        let (_, errors) = DeTable::parse_recoverable(&all);
        assert!(errors.is_empty(), "{errors:?}\n{all}");
    }
    let text = document(&config.present());
    let loaded = Loaded::of(Path::new("/x"), text.clone());
    assert_eq!(loaded.config.limits.message_size.0, 20 << 20);
    assert_eq!(loaded.config.host_name(), "mail.example.org");
    assert_eq!(loaded.config.listener.len(), 1);
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= 100, "{longest}");
}

#[test]
fn what_is_shown_is_read_back_the_same() {
    let text = "data = \"/srv/x\"\nmy_networks = [\"10.0.0.0/8\"]\ngrace = \"90s\"\n\
                [[listener]]\nservice = \"smtp\"\naddress = [\"::1\", \"127.0.0.1\"]\n";
    let loaded = Loaded::of(Path::new("/x/y"), text.to_string());
    let again = Loaded::of(Path::new("/x/y"), show(&loaded.config));
    assert_eq!(again.config, loaded.config, "{}", show(&loaded.config));
    assert_eq!(changes(&loaded.config, &again.config), []);
}

#[test]
fn a_change_is_live_or_waits() {
    let config = |text: &str| Loaded::of(Path::new("/x/y"), text.to_string()).config;
    let changes = changes(
        &config("my_networks = []"),
        &config("my_networks = [\"::1\"]\ndata = \"/z\"\n[[listener]]\nservice = \"imap\""),
    );
    let of = |when: When| {
        let keys = changes.iter().filter(move |change| change.when == when);
        keys.map(|change| change.key.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(When::Live), ["my_networks"]);
    assert_eq!(of(When::Restart)[0], "data");
    assert!(of(When::Restart).contains(&"listener[0].service"));
}

#[test]
fn rows_are_chosen_by_key_or_section() {
    let config = Loaded::of(Path::new("/x/y"), String::new()).config;
    let keys = |chosen| {
        let rows = rows(&config, chosen);
        rows.iter().map(|row| row["key"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys(Some("login")), ["login.cleartext"]);
    assert_eq!(keys(Some("grace")), ["grace"]);
    assert_eq!(keys(Some("listener[0].port")), ["listener[0].port"]);
    assert_eq!(keys(Some("listener.port")).len(), 7);
    assert_eq!(keys(Some("gra")), Vec::<String>::new());
    assert!(keys(None).len() > 40);
}

/// `ESTAFETA_WRITE_DOCS=1` writes it.
#[test]
fn the_chapter_on_configuration_is_that_of_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let chapter = document::chapter();
    if std::env::var_os("ESTAFETA_WRITE_DOCS").is_some() {
        std::fs::write(&file, &chapter).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == chapter,
        "write docs/configuration.md anew: ESTAFETA_WRITE_DOCS=1 cargo test -p estafeta configuration"
    );
}
