//! What others say of our signatures, where they are installed: OpenDKIM and dkimpy of Debian.

use crate::table;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_world::{KeyAlgorithm, Signer, SigningKey};
use engine_genuine::Notary;
use rules_sender::{ArcVerdict, ResultWord};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

const HEADER: &str = "From: Ana <ana@mired.org>\r\nTo: eva@exterior.test,\r\n  otra@exterior.test\r\n\
                      Subject: hola  y\tadios\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\n";
const BODY: &str = "Buenas  tardes, \r\n\r\nadios\r\n \t\r\n\r\n";

fn run(program: &str, arguments: &[&str], input: &str) -> Option<Output> {
    let mut child = Command::new("timeout")
        .args(["--kill-after=5", "60", program])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    // One that is not there does not read.
    let _ = child.stdin.take()?.write_all(input.as_bytes());
    let output = child.wait_with_output().ok()?;
    // What `timeout` says of a program that is not there.
    (output.status.code() != Some(127)).then_some(output)
}

fn now() -> words_base::Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    words_base::Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap())
}

async fn key(notary: &Notary, algorithm: KeyAlgorithm) -> (Arc<SigningKey>, String) {
    let new = notary.make_key(algorithm).await.unwrap();
    let record = format!("v=DKIM1; k={}; p={}", algorithm.as_str(), STANDARD.encode(&new.public));
    let (domain, selector) = ("mired.org".to_string(), "k1".to_string());
    (Arc::new(SigningKey { domain, selector, algorithm, secret: new.secret }), record)
}

fn sign(notary: &Notary, keys: &[Arc<SigningKey>]) -> String {
    let mut signing = notary.begin(HEADER.as_bytes(), keys, now()).unwrap();
    signing.body(BODY.as_bytes());
    String::from_utf8(signing.finish()).unwrap() + HEADER + BODY
}

#[tokio::test]
async fn opendkim_accepts_our_signature() {
    let notary = Notary::new();
    let (key, record) = key(&notary, KeyAlgorithm::Rsa).await;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_string();
    std::fs::write(path("keys"), format!("k1._domainkey.mired.org {record}\n")).unwrap();
    let configuration =
        format!("Mode v\nTestPublicKeys {}\nTemporaryDirectory {}\n", path("keys"), path(""));
    std::fs::write(path("conf"), configuration).unwrap();
    let verify = |message: &str| {
        std::fs::write(path("message"), message.replace("\r\n", "\n")).unwrap();
        let output = run("opendkim", &["-x", &path("conf"), "-vv", "-t", &path("message")], "")?;
        Some(
            String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let signed = sign(&notary, &[key]);
    let Some(said) = verify(&signed) else {
        eprintln!("skipped: opendkim is not installed");
        return;
    };
    assert!(said.contains("verification (s=k1, d=mired.org, 2048-bit key) succeeded"), "{said}");
    let said = verify(&signed.replace("Buenas", "Malas")).unwrap();
    assert!(!said.contains("succeeded"), "{said}");
}

#[tokio::test]
async fn what_opendkim_signs_by_sha_1_is_read_and_not_believed() {
    let notary = Notary::new();
    let new = notary.make_key(KeyAlgorithm::Rsa).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.pem");
    let symbols = STANDARD.encode(&new.secret.0);
    std::fs::write(
        &path,
        format!("-----BEGIN PRIVATE KEY-----\n{symbols}\n-----END PRIVATE KEY-----\n"),
    )
    .unwrap();
    let arguments = ["-C", "-d", "mired.org", "-s", "k1", "-k", path.to_str().unwrap()];
    let Some(output) = run("opendkim-testmsg", &arguments, &format!("{HEADER}{BODY}")) else {
        eprintln!("skipped: opendkim-testmsg is not installed");
        return;
    };
    let signed = String::from_utf8(output.stdout).unwrap();
    assert!(
        signed.starts_with("DKIM-Signature:"),
        "{signed} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut table = table::Table::default();
    table.key("mired.org", "k1", "rsa", &new.public);
    let genuine = engine_genuine::Genuine::new(Arc::new(table), Arc::new(table::Still));
    let mut examination = core_world::Examiner::begin(
        &genuine,
        core_world::Arrival {
            ip: "192.0.2.1".parse().unwrap(),
            helo: "asterix.mired.org".to_string(),
            reverse_path: words_mail::ReversePath(None),
            host_name: "mx.exterior.test".to_string(),
            at: now(),
        },
    );
    let (header, body) = signed.split_once("\r\n\r\n").unwrap();
    examination.header(format!("{header}\r\n\r\n").as_bytes());
    examination.body(body.as_bytes());
    let verdicts = examination.finish().await;
    let verdict = &verdicts.dkim[0];
    assert_eq!(verdict.algorithm, "rsa-sha1", "{signed}");
    assert_eq!(verdict.result, ResultWord::Policy, "{verdict:?}");
}

/// Verifies the message on its standard input with the record on its command line.
const DKIMPY: &str = "import sys,dkim
message=sys.stdin.buffer.read()
texts={a.split('=',1)[0].encode(): a.split('=',1)[1].encode() for a in sys.argv[2:]}
look=lambda name, timeout=5: texts.get(name.rstrip(b'.'))
if sys.argv[1]=='arc':
    print(dkim.arc_verify(message, dnsfunc=look)[0].decode())
else:
    d=dkim.DKIM(message)
    print(all(d.verify(i, dnsfunc=look) for i in range(int(sys.argv[1]))))";

#[tokio::test]
async fn dkimpy_accepts_our_signatures_and_seals() {
    if run("python3", &["-c", "import dkim, nacl"], "").is_none_or(|o| !o.status.success()) {
        eprintln!("skipped: python3-dkim and python3-nacl are not installed");
        return;
    }
    let notary = Notary::new();
    for algorithm in [KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519] {
        let (key, record) = key(&notary, algorithm).await;
        let name = format!("k1._domainkey.mired.org={record}");
        let signed = sign(&notary, std::slice::from_ref(&key));
        let output = run("python3", &["-c", DKIMPY, "1", &name], &signed).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "True",
            "{algorithm:?} {output:?}\n{signed}"
        );
        let broken = signed.replace("Buenas", "Malas");
        let output = run("python3", &["-c", DKIMPY, "1", &name], &broken).unwrap();
        assert_ne!(String::from_utf8_lossy(&output.stdout).trim(), "True");
    }
    let (key, record) = key(&notary, KeyAlgorithm::Rsa).await;
    let name = format!("k1._domainkey.mired.org={record}");
    let mut message = HEADER.to_string();
    for arc in [
        ArcVerdict::default(),
        ArcVerdict { result: ResultWord::Pass, sets: 1, ..ArcVerdict::default() },
    ] {
        let mut sealing = notary.seal(message.as_bytes(), &key, now());
        sealing.body(BODY.as_bytes());
        let results = "Authentication-Results: mired.org; dmarc=pass header.from=mired.org\r\n";
        message = String::from_utf8(sealing.finish(results, &arc)).unwrap() + &message;
        let output =
            run("python3", &["-c", DKIMPY, "arc", &name], &(message.clone() + BODY)).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "pass", "{output:?}\n{message}");
    }
}
