//! The way out, to a server of this machine.

use crate::echo::{LIMIT, serve, tls_of};
use core_world::{Dial, DialError, DialTls, Dialer, Fingerprint, Trust, Wire, WireError};
use engine_net::{Certificate, Options, Roots, Security, TcpDialer, Tickets};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A certificate for `names`, its authority (itself), and its fingerprint.
struct Made {
    certificate: Certificate,
    authority: String,
    fingerprint: Fingerprint,
}

fn made(names: &[&str]) -> Made {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let fingerprint = certificate.fingerprint();
    Made { certificate, authority: chain, fingerprint }
}

fn believing(made: &Made) -> TcpDialer {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &made.authority).unwrap();
    TcpDialer::new(Roots::none().and(file.path()).unwrap())
}

fn to(address: SocketAddr, tls: DialTls, trust: Trust) -> Dial {
    Dial {
        host: "localhost".to_string(),
        address: None,
        port: address.port(),
        source: None,
        tls,
        trust,
        within: LIMIT,
    }
}

fn secure(made: &Made) -> Options {
    let tls = tls_of(made.certificate.clone(), Tickets::Given);
    Options { security: Security::Implicit(tls), ..Options::default() }
}

async fn talk(wire: &mut Box<dyn Wire>, say: &str, want: &str) {
    wire.write(say.as_bytes(), LIMIT).await.unwrap();
    let mut got = Vec::new();
    let mut buffer = [0; 7];
    while got.len() < want.len() {
        let count = wire.read(&mut buffer, LIMIT).await.unwrap();
        assert!(count > 0, "ended after {:?}", String::from_utf8_lossy(&got));
        got.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(String::from_utf8_lossy(&got), want);
}

#[tokio::test]
async fn octets_go_both_ways_in_the_clear() {
    let server = serve(Options::default());
    let dialer = TcpDialer::new(Roots::none());
    let dial = to(server.address, DialTls::Later, Trust::Authorities);
    let mut wire = dialer.dial(&dial).await.unwrap();
    talk(&mut wire, "ECHO a\r\nQUIT\r\n", "hello\r\na\r\nbye\r\n").await;
    assert_eq!(wire.read(&mut [0; 9], LIMIT).await, Ok(0));
    assert!(wire.protection().is_none());
}

#[tokio::test]
async fn tls_from_the_first_octet_by_authority_or_fingerprint() {
    let made = made(&["localhost"]);
    let server = serve(secure(&made));
    for (dialer, trust) in [
        (believing(&made), Trust::Authorities),
        (TcpDialer::new(Roots::none()), Trust::Pinned(made.fingerprint)),
    ] {
        let dial = to(server.address, DialTls::Implicit, trust);
        let mut wire = dialer.dial(&dial).await.unwrap();
        let protection = wire.protection().unwrap();
        assert_eq!((protection.version, protection.fingerprint), ("TLS1.3", made.fingerprint));
        assert_eq!(protection.cipher, "TLS_AES_128_GCM_SHA256");
        talk(&mut wire, "QUIT\r\n", "hello\r\nbye\r\n").await;
        assert_eq!(wire.read(&mut [0; 9], LIMIT).await, Ok(0));
        let again = wire.secure("localhost", &Trust::Authorities, LIMIT).await;
        assert!(matches!(again, Err(DialError::Tls(_))), "{again:?}");
    }
}

#[tokio::test]
async fn tls_begins_when_both_agree() {
    let made = made(&["localhost"]);
    let tls = tls_of(made.certificate.clone(), Tickets::Given);
    let server = serve(Options { security: Security::Start(tls), ..Options::default() });
    let dial = to(server.address, DialTls::Later, Trust::Authorities);
    let mut wire = believing(&made).dial(&dial).await.unwrap();
    talk(&mut wire, "STARTTLS\r\n", "hello\r\ngo\r\n").await;
    wire.secure("localhost", &Trust::Authorities, LIMIT).await.unwrap();
    talk(&mut wire, "ECHO safe\r\nQUIT\r\n", "safe\r\nbye\r\n").await;
}

#[tokio::test]
async fn whoever_is_not_trusted_is_named_by_fingerprint() {
    let made = made(&["localhost"]);
    let server = serve(secure(&made));
    let (stranger, elsewhere) = (self::made(&["localhost"]), self::made(&["other.example"]));
    let other_server = serve(secure(&elsewhere));
    for (dialer, address, trust, seen, why) in [
        (TcpDialer::new(Roots::none()), server.address, Trust::Authorities, &made, "no authority"),
        (believing(&stranger), server.address, Trust::Authorities, &made, "has not signed it"),
        (believing(&elsewhere), other_server.address, Trust::Authorities, &elsewhere, "name"),
        (
            believing(&made),
            server.address,
            Trust::Pinned(stranger.fingerprint),
            &made,
            "not the one with the fingerprint",
        ),
    ] {
        let dial = to(address, DialTls::Implicit, trust);
        let Err(error) = dialer.dial(&dial).await else { panic!("trusted") };
        let DialError::Untrusted { fingerprint, reason, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*fingerprint, Some(seen.fingerprint), "{reason}");
        assert!(reason.contains(why), "{reason} lacks {why}");
        assert!(error.to_string().contains(&seen.fingerprint.to_string()));
    }
}

#[tokio::test]
async fn who_holds_a_certificate_but_not_its_key_is_not_the_one_pinned() {
    let made = made(&["localhost"]);
    let chain = vec![CertificateDer::from_pem_slice(made.authority.as_bytes()).unwrap()];
    let thief = rcgen::KeyPair::generate().unwrap();
    let key = PrivateKeyDer::from_pem_slice(thief.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = provider.key_provider.load_private_key(key).unwrap();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let stolen = SingleCertAndKey::from(CertifiedKey::new(chain.clone(), key.clone()));
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(stolen));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move { acceptor.accept(listener.accept().await.unwrap().0).await });
        let dial = to(address, DialTls::Implicit, Trust::Pinned(made.fingerprint));
        let error = TcpDialer::new(Roots::none()).dial(&dial).await.err();
        assert!(
            matches!(error, Some(DialError::Untrusted { .. } | DialError::Tls(_))),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_apart() {
    let dialer = TcpDialer::new(Roots::none());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut dial = to(closed, DialTls::Later, Trust::Authorities);
    dial.host = "127.0.0.1".to_string();
    let Err(error) = dialer.dial(&dial).await else { panic!() };
    assert!(matches!(error, DialError::Unreachable(_)), "{error:?}");
    dial.host = "no-such-host.invalid".to_string();
    let Err(error) = dialer.dial(&dial).await else { panic!() };
    assert!(matches!(error, DialError::NoSuchHost(_)), "{error:?}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let dialer = TcpDialer::new(Roots::none());
    let brief = Duration::from_millis(30);
    let dial = Dial { within: brief, ..to(address, DialTls::Implicit, Trust::Authorities) };
    assert!(matches!(dialer.dial(&dial).await.err(), Some(DialError::TimedOut)));
    let mut wire = dialer.dial(&to(address, DialTls::Later, Trust::Authorities)).await.unwrap();
    assert_eq!(wire.read(&mut [0; 9], brief).await, Err(WireError::TimedOut));
    // What took too long loses nothing.
    let (_first, mut second) = (silent.accept().await.unwrap(), silent.accept().await.unwrap().0);
    second.write_all(b"late").await.unwrap();
    let mut buffer = [0; 9];
    assert_eq!(wire.read(&mut buffer, LIMIT).await, Ok(4));
    assert_eq!(&buffer[..4], b"late");
    // Nobody reads: in the end nothing more can be written.
    let much = vec![0; 64 * 1024 * 1024];
    assert_eq!(wire.write(&much, brief).await, Err(WireError::TimedOut));
}

#[tokio::test]
async fn an_end_without_goodbye_is_no_end() {
    let made = made(&["localhost"]);
    let server = serve(secure(&made));
    // A man in the middle who cuts.
    let middle = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = middle.local_addr().unwrap();
    let cut = tokio::spawn(async move {
        let (mut near, _) = middle.accept().await.unwrap();
        let mut far = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let copy = tokio::io::copy_bidirectional(&mut near, &mut far);
        let _ = tokio::time::timeout(Duration::from_millis(200), copy).await;
    });
    let dial = to(address, DialTls::Implicit, Trust::Pinned(made.fingerprint));
    let mut wire = TcpDialer::new(Roots::none()).dial(&dial).await.unwrap();
    talk(&mut wire, "ECHO a\r\n", "hello\r\na\r\n").await;
    cut.await.unwrap();
    assert!(matches!(wire.read(&mut [0; 9], LIMIT).await, Err(WireError::Broken(_))));
}
