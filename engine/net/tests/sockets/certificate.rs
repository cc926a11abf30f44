//! What is said of certificates that do not fit, and which one a peer gets.

use crate::echo::{client_of, expect, serve, tls_of};
use core_world::Fingerprint;
use engine_net::{Certificate, CertificateError, Certificates, Options, Security, Tickets};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use words_base::Timestamp;

struct Made {
    chain: String,
    key: String,
}

impl Made {
    fn read(&self) -> Certificate {
        Certificate::from_pem(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }
}

fn made(names: &[&str]) -> Made {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    Made { chain: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

fn error(chain: &str, key: &str) -> CertificateError {
    Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err()
}

#[test]
fn a_certificate_tells_its_names() {
    let read = made(&["Mail.Mired.org", "*.mired.org", "mired.org"]).read();
    assert_eq!(read.names(), ["mail.mired.org", "*.mired.org", "mired.org"]);
    for host in ["mail.mired.org", "IMAP.mired.org", "mired.org"] {
        assert!(read.check_name(host).is_ok(), "{host}");
    }
    for host in ["a.b.mired.org", "mired.test", "org", ""] {
        let text = read.check_name(host).unwrap_err().to_string();
        assert!(text.contains("mail.mired.org, *.mired.org, mired.org"), "{text}");
    }
}

#[test]
fn a_key_of_another_certificate_is_named_as_such() {
    let (one, other) = (made(&["a.example"]), made(&["b.example"]));
    let text = error(&one.chain, &other.key).to_string();
    assert!(text.contains("does not belong to the certificate for a.example"), "{text}");
    // The chain the wrong way round: the key fits, but not the first.
    let both = format!("{}{}", other.chain, one.chain);
    assert!(matches!(error(&both, &one.key), CertificateError::Order(2)));
    let right = format!("{}{}", one.chain, other.chain);
    assert!(Certificate::from_pem(right.as_bytes(), one.key.as_bytes()).is_ok());
}

#[test]
fn files_that_hold_something_else_are_told_apart() {
    let one = made(&["a.example"]);
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (chain, key, want) in [
        ("", &*one.key, "the certificate cannot be read: there is none in the file"),
        (&*one.key, &*one.key, "the certificate cannot be read: there is none in the file"),
        (&*one.chain, "", "the private key cannot be read: there is none in the file"),
        (&*one.chain, &*one.chain, "the private key cannot be read: there is none in the file"),
        (&*one.chain, encrypted, "protected by a passphrase"),
        (&one.chain[..100], &*one.key, "the certificate cannot be read"),
    ] {
        let text = error(chain, key).to_string();
        assert!(text.contains(want), "{text} lacks {want}");
    }
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(error(nonsense, &one.key), CertificateError::Unfit(_)));
    // Both in one file, as some programs keep them.
    let both = format!("{}{}", one.key, one.chain);
    assert!(Certificate::from_pem(both.as_bytes(), both.as_bytes()).is_ok());
}

#[test]
fn dates_are_looked_at_when_asked_for() {
    let mut params = CertificateParams::new(["a.example".to_string()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 3, 1);
    params.not_after = rcgen::date_time_ymd(2026, 5, 30);
    let key = KeyPair::generate().unwrap();
    let chain = params.self_signed(&key).unwrap().pem();
    let read = Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let check = |at: i64| read.check(Timestamp::from_seconds(at)).map_err(|e| e.to_string());
    let (from, until) = (1_772_323_200, 1_780_099_200);
    assert_eq!(read.validity().from, Timestamp::from_seconds(from));
    assert_eq!((check(from), check(until)), (Ok(()), Ok(())));
    let early = "the certificate for a.example is not valid before 2026-03-01: look at the clock of this machine";
    assert_eq!(check(from - 1), Err(early.to_string()));
    let late = "the certificate for a.example has expired on 2026-05-30: renew it";
    assert_eq!(check(until + 1), Err(late.to_string()));
}

fn shown(stream: &TlsStream<TcpStream>) -> Fingerprint {
    let octets = Sha256::digest(&stream.get_ref().1.peer_certificates().unwrap()[0]);
    Fingerprint(octets.into())
}

async fn ask(address: std::net::SocketAddr, name: &'static str) -> TlsStream<TcpStream> {
    client_of(name, TcpStream::connect(address).await.unwrap()).await
}

#[tokio::test]
async fn each_name_gets_its_certificate_and_sessions_outlive_a_change() {
    let [default, other, wild, new] = [
        made(&["mail.example.org"]),
        made(&["mx.example.net"]),
        made(&["*.example.net"]),
        made(&["mx.example.net"]),
    ];
    let print = |made: &Made| made.read().fingerprint();
    let set = |other: &Made| Certificates::new(default.read(), vec![wild.read(), other.read()]);
    let tls = tls_of(set(&other), Tickets::None);
    // A kind of listener with other settings looks at the same certificates.
    let security = Security::Implicit(tls.with(Tickets::Given).unwrap());
    let server = serve(Options { security, ..Options::default() });
    let mut open = ask(server.address, "mx.example.net").await;
    for (name, want) in [
        ("mail.example.org", &default),
        ("mx.example.net", &other),
        ("imap.example.net", &wild),
        ("a.b.example.net", &default),
        ("unknown.test", &default),
    ] {
        assert_eq!(shown(&ask(server.address, name).await), print(want), "{name}");
    }
    assert_eq!(shown(&open), print(&other));
    tls.replace(set(&new));
    assert_eq!(shown(&ask(server.address, "mx.example.net").await), print(&new));
    assert_eq!(shown(&ask(server.address, "mail.example.org").await), print(&default));
    assert_eq!(tls.certificates().all().len(), 3);
    open.write_all(b"ECHO still here\r\nQUIT\r\n").await.unwrap();
    expect(&mut open, "hello\r\nstill here\r\nbye\r\n").await;
}

#[test]
fn a_chain_with_an_authority_is_read_whole() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["a.example".to_string()]).unwrap();
    let own = own.signed_by(&key, &ca).unwrap();
    let chain = format!("{}{}", own.pem(), ca.pem());
    let read = Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    assert_eq!(read.names(), ["a.example"]);
}
