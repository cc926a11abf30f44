//! `estafeta dns zone` and `dns check` against a DNS in this process and against BIND: what was
//! printed is right when it is published, and each record that is broken is named with its mend.

mod support;

use core_world::{Record, Tlsa};
use engine_dns_authority::{Authority, Zone};
use serde_json::Value;
use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Lab, have};
use tokio::runtime::Runtime;

const HERE: [&str; 5] = ["--host", "asterix.mired.org", "--address", "192.168.100.2", "--mta-sts"];
const REVERSE: &str = "2.100.168.192.in-addr.arpa";

/// A record as `-o json` has it.
#[derive(Clone, Debug)]
struct Line {
    name: String,
    kind: String,
    data: String,
}

fn zone(lab: &Lab, more: &[&str]) -> Value {
    let arguments = [&["dns", "zone", "mired.org", "-o", "json"], &HERE[..], more].concat();
    let output = lab.estafeta(&arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn lines(zone: &Value) -> Vec<Line> {
    let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_string();
    let line = |record: &Value| Line {
        name: text(record, "name"),
        kind: text(record, "type"),
        data: text(record, "data"),
    };
    zone["records"].as_array().unwrap().iter().map(line).collect()
}

fn check(lab: &Lab, server: SocketAddr, more: &[&str]) -> (Value, Output) {
    let server = server.to_string();
    let arguments = ["dns", "check", "mired.org", "-o", "json", "--server", &server];
    let output = lab.estafeta(&[&arguments[..], &HERE[..], more].concat());
    let value = serde_json::from_slice(&output.stdout);
    (value.unwrap_or_else(|error| panic!("{error}: {output:?}")), output)
}

/// What is not right; that no key has been made yet is no matter here.
fn bad(checked: &Value) -> Vec<&Value> {
    let is_bad = |f: &&Value| f["state"] != "right" && f["name"] != "_domainkey.mired.org";
    checked["findings"].as_array().unwrap().iter().filter(is_bad).collect()
}

/// With a store that nobody else changes: a server makes keys when it likes.
fn still() -> Lab {
    let mut lab = Lab::start();
    lab.stop();
    lab
}

/// Is everything right?
fn assert_good(lab: &Lab, server: SocketAddr, more: &[&str]) {
    let (checked, output) = check(lab, server, more);
    assert_eq!(bad(&checked), Vec::<&Value>::new());
    assert!(checked["good"] == true && output.status.success());
}

/// Is this record, of all, named with a mend that has these words?
fn assert_named(lab: &Lab, server: SocketAddr, name: &str, kind: &str, mend: &str) {
    let (checked, output) = check(lab, server, &[]);
    let bad = bad(&checked);
    let named = bad.iter().any(|finding| {
        finding["name"] == name
            && finding["type"] == kind
            && finding["mend"].as_str().is_some_and(|text| text.contains(mend))
    });
    assert!(named, "{name} {kind}: {mend}\n{bad:#?}");
    let good = checked["good"] == true;
    assert_eq!(output.status.code(), Some(if good { 0 } else { 1 }));
    // Without it mail is lost, or refused.
    if matches!(kind, "MX" | "A") || name == "_dmarc.mired.org" {
        assert!(!good);
    }
}

/// A record, read as a master file has it.
fn record(line: &Line) -> Record {
    let words: Vec<&str> = line.data.split(' ').collect();
    let name = |at: usize| words[at].trim_end_matches('.').to_string();
    let number = |at: usize| words[at].parse::<u16>().unwrap();
    match line.kind.as_str() {
        "A" => Record::A(line.data.parse().unwrap()),
        "MX" => Record::Mx { preference: number(0), exchange: name(1) },
        "TXT" => {
            Record::Txt(line.data.split('"').filter(|text| *text != " ").collect::<String>().into())
        }
        "CNAME" => Record::Cname(name(0)),
        "SRV" => {
            Record::Srv { priority: number(0), weight: number(1), port: number(2), target: name(3) }
        }
        "TLSA" => Record::Tlsa(Tlsa {
            usage: number(0) as u8,
            selector: number(1) as u8,
            matching: number(2) as u8,
            data: (0..words[3].len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&words[3][at..at + 2], 16).unwrap())
                .collect(),
        }),
        kind => panic!("{kind}"),
    }
}

fn served(lines: &[Line]) -> Zone {
    let mut zone = Zone::new("mired.org", "asterix.mired.org");
    for line in lines {
        zone.add(&line.name, record(line));
    }
    zone
}

#[test]
fn each_record_that_is_missing_or_wrong_is_named_with_its_mend() {
    let lab = still();
    let lines = lines(&zone(&lab, &[]));
    let runtime = Runtime::new().unwrap();
    let mut reverse = Zone::new("168.192.in-addr.arpa", "asterix.mired.org");
    reverse.add(REVERSE, Record::Ptr("asterix.mired.org".to_string()));
    let bind = Authority::bind(
        "127.0.0.1:0".parse().unwrap(),
        vec![served(&lines), reverse],
        Arc::new(|_| {}),
    );
    let authority = runtime.block_on(bind).unwrap();
    let address = authority.address();
    assert_good(&lab, address, &["--blocklist", "list.example"]);

    for (index, line) in lines.iter().enumerate() {
        let mut others = lines.clone();
        others.remove(index);
        authority.set(served(&others)).unwrap();
        let mend = format!("{}. 3600 IN {} {}", line.name, line.kind, line.data);
        assert_named(&lab, address, &line.name, &line.kind, &mend);
    }
    for line in lines.iter().filter(|line| !line.data.contains("+all")) {
        let mut others = lines.clone();
        let instead = match line.kind.as_str() {
            "A" => "192.168.100.66",
            "MX" => "10 nowhere.example.",
            "TXT" if line.data.contains("v=spf1") => "\"v=spf1 +all\"",
            "TXT" if line.data.contains("v=DMARC1") => "\"v=DMARC1; rua=mailto:ana@mired.org\"",
            "TXT" if line.data.contains("v=STSv1") => "\"v=STSv1; id=1\"",
            "TXT" if line.data.contains("v=TLSRPTv1") => "\"v=TLSRPTv1; rua=ana\"",
            "TXT" => "\"v=DKIM1; p=\"",
            "CNAME" => "nowhere.example.",
            "SRV" => "0 1 1 asterix.mired.org.",
            "TLSA" => "3 1 1 00",
            kind => panic!("{kind}"),
        };
        for other in &mut others {
            if (&other.name, &other.kind, &other.data) == (&line.name, &line.kind, &line.data) {
                other.data = instead.to_string();
            }
        }
        authority.set(served(&others)).unwrap();
        let mend = format!("{}. 3600 IN {} ", line.name, line.kind);
        assert_named(&lab, address, &line.name, &line.kind, &mend);
    }

    authority.set(served(&lines)).unwrap();
    authority.remove("168.192.in-addr.arpa").unwrap();
    let mend = format!("{REVERSE}. 3600 IN PTR asterix.mired.org.");
    assert_named(&lab, address, REVERSE, "PTR", &mend);
    authority.remove("mired.org").unwrap();
    assert_named(&lab, address, "mired.org", "MX", "mired.org. 3600 IN MX 10 asterix.mired.org.");
}

#[test]
fn a_server_that_does_not_answer_is_told_from_a_record_that_is_missing() {
    let lab = Lab::start();
    let closed = {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap()
    };
    let (checked, output) = check(&lab, closed, &[]);
    assert!(bad(&checked).iter().any(|finding| finding["state"] == "could not ask"));
    assert!(
        !bad(&checked)
            .iter()
            .any(|finding| { finding["state"] == "missing" && finding["needed"] == true })
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_cannot_be_is_told() {
    let lab = Lab::start();
    for (arguments, words) in [
        (&["dns", "zone", "exterior.test"][..], "\"estafeta domain add exterior.test\""),
        (&["dns", "check", "exterior.test"], "\"estafeta domain add exterior.test\""),
        (&["dns", "check", "mired.org", "--server", "ns.example"], "in numbers"),
        (&["dns", "zone", "mired.org", "--host", "asterix"], "host_name"),
    ] {
        let output = lab.estafeta(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(words), "{arguments:?}: {text}");
    }
}

#[test]
fn a_command_works_the_same_without_a_server() {
    let mut lab = Lab::start();
    let while_it_runs = zone(&lab, &[]);
    lab.stop();
    let alone = zone(&lab, &[]);
    let without_ports = |zone: &Value| {
        let depends = |line: &Line| {
            matches!(line.kind.as_str(), "SRV" | "TLSA") || line.name.contains("_domainkey")
        };
        let all = lines(zone).into_iter().filter(|line| !depends(line));
        all.map(|line| format!("{line:?}")).collect::<Vec<_>>()
    };
    assert_eq!(without_ports(&while_it_runs), without_ports(&alone));
}

/// A private `named`; ends with the test.
struct Named {
    folder: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl Named {
    /// With this zone, and the name of the address.
    fn start(lab: &Lab, text: &str) -> Named {
        let folder = lab.folder().join("named");
        fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let reverse = "$TTL 60\n@ IN SOA asterix.mired.org. postmaster.mired.org. ( 1 60 60 60 60 )\n\
                       @ IN NS asterix.mired.org.\n2.100 IN PTR asterix.mired.org.\n";
        fs::write(folder.join("mired.org"), text).unwrap();
        fs::write(folder.join("reverse"), reverse).unwrap();
        let at = folder.display();
        let configuration = format!(
            "options {{ directory \"{at}\"; listen-on port {port} {{ 127.0.0.1; }}; \
             listen-on-v6 {{ none; }}; pid-file \"{at}/named.pid\"; \
             session-keyfile \"{at}/session.key\"; recursion no; dnssec-validation no; \
             notify no; allow-transfer {{ none; }}; }};\n\
             controls {{ }};\n\
             zone \"mired.org\" {{ type primary; file \"mired.org\"; }};\n\
             zone \"168.192.in-addr.arpa\" {{ type primary; file \"reverse\"; }};\n"
        );
        fs::write(folder.join("named.conf"), configuration).unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new("timeout")
            .args(["--kill-after=5", "120", "named", "-g", "-n", "1", "-c"])
            .arg(folder.join("named.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let named = Named { folder, address, child };
        let until = Instant::now() + Duration::from_secs(30);
        while !named.log().contains("running") {
            assert!(Instant::now() < until, "{}", named.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        named
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // `timeout` hands the signal on to whom it started.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("log of named:\n{}", self.log());
        }
    }
}

/// Free over UDP and TCP.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address.port();
        }
    }
}

fn named_checkzone(folder: &Path, text: &str) -> Output {
    let file = folder.join("checked");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "60", "named-checkzone", "-k", "fail", "-i", "local"]);
    command.arg("mired.org").arg(file).stdin(Stdio::null());
    command.output().unwrap()
}

#[test]
fn bind_takes_the_zone_and_what_it_then_answers_is_right() {
    if !have("named") || !have("named-checkzone") {
        return;
    }
    let lab = still();
    let printed = zone(&lab, &["--issuer", "ca.example", "--address", "2001:db8::2"]);
    let text = printed["zone"].as_str().unwrap();
    let checked = named_checkzone(lab.folder(), text);
    assert!(checked.status.success(), "{checked:?}\n{text}");

    let printed = zone(&lab, &[]);
    let text = printed["zone"].as_str().unwrap().to_string();
    let whole = Named::start(&lab, &text);
    assert_good(&lab, whole.address, &[]);
    drop(whole);

    let all = lines(&printed);
    let of = |kind: &str, word: &str| {
        let is_it = |line: &&Line| {
            line.kind == kind && format!("{} {}", line.name, line.data).contains(word)
        };
        all.iter().find(is_it).unwrap_or_else(|| panic!("{kind} {word}"))
    };
    let broken = [
        of("MX", "asterix"),
        of("TXT", "v=DMARC1"),
        of("TXT", "mired.org \"v=spf1 mx"),
        of("SRV", "_imaps"),
        of("CNAME", "mail."),
    ];
    for line in broken {
        let is_it = |printed: &str| {
            let words: Vec<&str> = printed.split_ascii_whitespace().collect();
            let name = line.name.strip_suffix(".mired.org").unwrap_or("@");
            let first = line.data.split(' ').next().unwrap_or_default();
            let first = first.trim_end_matches(".mired.org.");
            words.first() == Some(&name)
                && words.get(2) == Some(&line.kind.as_str())
                && words.get(3) == Some(&first)
        };
        let rest: Vec<&str> = text.lines().filter(|printed| !is_it(printed)).collect();
        assert_eq!(rest.len() + 1, text.lines().count(), "{line:?}\n{text}");
        let named = Named::start(&lab, &(rest.join("\n") + "\n"));
        let mend = format!("{}. 3600 IN {} {}", line.name, line.kind, line.data);
        assert_named(&lab, named.address, &line.name, &line.kind, &mend);
    }
}
