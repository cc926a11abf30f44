//! A whole life with Debian's `pebble` for the authority: account, order, proof, certificate, renewal,
//! while sessions over TLS stay open. Skipped where pebble is not installed.

use core_world::testing::TestWorld;
use core_world::{Question, Resolver};
use engine_acme::{Acme, AcmeError, Challenge, Files, Options};
use engine_dns_authority::{Authority, Zone};
use engine_https::Https;
use engine_net::{
    Certificate, Listener, Options as NetOptions, Peer, Roots, Security, TcpDialer, Tickets, Tls,
};
use proto_line::{Broken, Desk, News, Secured, Session, Step};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const NAME: &str = "mail.mired.test";
const LIMIT: Duration = Duration::from_secs(60);

/// Every line gets `* OK` back, as the IMAP server's NOOP would.
#[derive(Default)]
struct Echo {
    greeted: bool,
    lines: usize,
}

impl Session for Echo {
    type Ask = Infallible;
    type Answer = Infallible;
    type Stretch = Infallible;

    fn input(&mut self, octets: &[u8]) {
        self.lines += octets.iter().filter(|c| **c == b'\n').count();
    }

    fn answer(&mut self, answer: Infallible) {
        match answer {}
    }

    fn news(&mut self, _: News) {}

    fn secured(&mut self, _: Secured) {}

    fn step(&mut self, now: Instant) -> Step<Infallible, Infallible> {
        if !std::mem::replace(&mut self.greeted, true) || self.lines > 0 {
            self.lines = self.lines.saturating_sub(1);
            return Step::Send(b"* OK\r\n".to_vec());
        }
        Step::Wait { until: now + LIMIT }
    }

    fn last_words(&self) -> Vec<u8> {
        Vec::new()
    }
}

struct Nobody;

impl Desk for Nobody {
    type Ask = Infallible;
    type Answer = Infallible;
    type Stretch = Infallible;

    async fn answer(&mut self, ask: Infallible) -> Infallible {
        match ask {}
    }

    async fn read(
        &mut self,
        stretch: &Infallible,
        _: u64,
        _: usize,
    ) -> Result<bytes::Bytes, Broken> {
        match *stretch {}
    }

    async fn news(&mut self) -> News {
        std::future::pending().await
    }
}

/// Strangers' names are of no interest here.
struct NoNames;

impl Resolver for NoNames {
    fn lookup<'a>(
        &'a self,
        _: &'a Question,
    ) -> core_world::Later<'a, Result<core_world::Answer, core_world::LookupError>> {
        Box::pin(async { Err(core_world::LookupError::BadName) })
    }
}

/// Pebble, its DNS, and who believes its web server.
struct House {
    pebble: std::process::Child,
    _dns: Authority,
    folder: tempfile::TempDir,
    directory: String,
    listener: Option<TcpListener>,
    https: Https,
}

impl Drop for House {
    /// `timeout` hands it on to pebble.
    fn drop(&mut self) {
        let pid = self.pebble.id().to_string();
        let _ = std::process::Command::new("kill").arg(pid).status();
        let _ = self.pebble.wait();
    }
}

fn have_pebble() -> bool {
    let have = Path::new("/usr/bin/pebble").exists();
    if !have {
        eprintln!("skipped: pebble is not installed (apt-get install pebble)");
    }
    have
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl House {
    async fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let ca_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_string(), "127.0.0.1".to_string()];
        let own = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        std::fs::write(path("ca.pem"), ca.pem()).unwrap();
        std::fs::write(path("own.pem"), own.pem()).unwrap();
        std::fs::write(path("own.key"), key.serialize_pem()).unwrap();
        let mut zone = Zone::new("mired.test", NAME);
        zone.add(NAME, core_world::Record::A([127, 0, 0, 1].into()));
        let told = Arc::new(|_: &engine_dns_authority::Asked| {});
        let dns = Authority::bind("127.0.0.1:0".parse().unwrap(), vec![zone], told).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let answered = listener.local_addr().unwrap().port();
        let (port, manager) = (free_port(), free_port());
        let config = format!(
            r#"{{"pebble":{{"listenAddress":"127.0.0.1:{port}",
            "managementListenAddress":"127.0.0.1:{manager}","certificate":"{}","privateKey":"{}",
            "httpPort":{answered},"tlsPort":{answered},"ocspResponderURL":"",
            "externalAccountBindingRequired":false}}}}"#,
            path("own.pem").display(),
            path("own.key").display()
        );
        std::fs::write(path("pebble.json"), config).unwrap();
        let log = std::fs::File::create(path("pebble.log")).unwrap();
        let mut pebble = std::process::Command::new("timeout");
        pebble
            .args(["--kill-after=5", "120", "/usr/bin/pebble", "-config"])
            .arg(path("pebble.json"))
            .args(["-dnsserver", &dns.address().to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let pebble = pebble.spawn().unwrap();
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let log = std::fs::read_to_string(path("pebble.log")).unwrap();
            assert!(begun.elapsed() < LIMIT, "pebble does not start: {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let roots = Roots::none().and(&path("ca.pem")).unwrap();
        let https = Https::new(Arc::new(TcpDialer::new(roots)), Arc::new(NoNames));
        let directory = format!("https://127.0.0.1:{port}/dir");
        let listener = Some(listener);
        House { pebble, _dns: dns, folder, directory, listener, https }
    }

    fn acme(&self, challenge: Challenge, name: &str) -> Arc<Acme> {
        let options = Options {
            directory: self.directory.clone(),
            contact: vec!["postmaster@mired.test".to_string()],
            names: vec![name.to_string()],
            challenge,
        };
        let world = TestWorld::new().world();
        let files = Files::new(self.folder.path().join("acme"));
        Arc::new(Acme::new(options, files, self.https.clone(), world.clock, world.random))
    }

    fn pebble_said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("pebble.log")).unwrap()
    }
}

/// Runs until the test ends; each certificate comes out.
fn run(acme: &Arc<Acme>, listener: TcpListener) -> mpsc::UnboundedReceiver<Certificate> {
    let (given, certificates) = mpsc::unbounded_channel();
    let acme = acme.clone();
    tokio::spawn(async move { acme.run(listener, move |one| drop(given.send(one))).await });
    certificates
}

async fn next(house: &House, from: &mut mpsc::UnboundedReceiver<Certificate>) -> Certificate {
    let next = tokio::time::timeout(LIMIT, from.recv()).await;
    next.unwrap_or_else(|_| panic!("no certificate: {}", house.pebble_said())).unwrap()
}

/// A client over TLS that takes any certificate and knows which it got.
async fn client(address: SocketAddr) -> Box<dyn core_world::Wire> {
    use core_world::Dialer;
    let dial = core_world::Dial {
        host: NAME.to_string(),
        address: Some(address.ip()),
        port: address.port(),
        source: None,
        tls: core_world::DialTls::Implicit,
        trust: core_world::Trust::Anyone,
        within: LIMIT,
    };
    TcpDialer::new(Roots::none()).dial(&dial).await.unwrap()
}

async fn ok(wire: &mut Box<dyn core_world::Wire>) {
    let mut got = Vec::new();
    while !got.ends_with(b"\n") {
        let mut buffer = [0; 64];
        let count = wire.read(&mut buffer, LIMIT).await.unwrap();
        assert!(count > 0, "the session was dropped");
        got.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(got, b"* OK\r\n");
}

async fn lives(challenge: Challenge) {
    if !have_pebble() {
        return;
    }
    let mut house = House::new().await;
    let acme = house.acme(challenge, NAME);
    assert!(acme.kept().unwrap().is_none());
    let listener = house.listener.take().unwrap();
    let mut certificates = run(&acme, listener);
    let first = next(&house, &mut certificates).await;
    assert_eq!(first.names(), [NAME]);
    assert!(acme.kept().unwrap().is_some_and(|kept| kept.fingerprint() == first.fingerprint()));

    let tls = Tls::new(first.clone(), Tickets::None).unwrap();
    let server = Listener::bind("echo", "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = server.address();
    let options = NetOptions { security: Security::Implicit(tls.clone()), ..NetOptions::default() };
    let (_stop, stopping) = engine_net::stop();
    tokio::spawn(server.serve(options, stopping, |_: Peer| (Echo::default(), Nobody)));
    let mut open = client(address).await;
    ok(&mut open).await;
    assert_eq!(open.protection().unwrap().fingerprint, first.fingerprint());

    acme.renew_now();
    let second = next(&house, &mut certificates).await;
    assert_ne!(second.fingerprint(), first.fingerprint());
    tls.replace(second.clone());
    open.write(b"a NOOP\r\n", LIMIT).await.unwrap();
    ok(&mut open).await;
    let mut late = client(address).await;
    ok(&mut late).await;
    assert_eq!(late.protection().unwrap().fingerprint, second.fingerprint());

    // After a start the last one is there at once, and the account is the same.
    let account = std::fs::read(house.folder.path().join("acme/account.json")).unwrap();
    let again = house.acme(challenge, NAME);
    assert!(again.kept().unwrap().is_some_and(|kept| kept.fingerprint() == second.fingerprint()));
    assert!(house.acme(challenge, "other.mired.test").kept().unwrap().is_none());
    assert_eq!(std::fs::read(house.folder.path().join("acme/account.json")).unwrap(), account);
}

#[tokio::test]
async fn a_certificate_is_issued_and_renewed_by_tls_alpn_01() {
    lives(Challenge::TlsAlpn).await;
}

#[tokio::test]
async fn a_certificate_is_issued_and_renewed_by_http_01() {
    lives(Challenge::Http).await;
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_told_with_the_next_step() {
    if !have_pebble() {
        return;
    }
    let house = House::new().await;
    let acme = house.acme(Challenge::Http, "nobody.mired.test");
    let error = acme.issue().await.unwrap_err();
    assert!(matches!(error, AcmeError::NotProved(..)), "{error}");
    let text = error.to_string();
    assert!(text.contains("nobody.mired.test") && text.contains("acme.address"), "{text}");
}
