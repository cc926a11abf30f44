//! Pebble issues and renews a certificate while an IMAP session over TLS stays open. Skipped where
//! pebble is not installed.

mod support;

use core_world::{Dial, DialTls, Dialer, Trust, Wire};
use engine_dns_authority::{Authority, Zone};
use engine_net::{Certificate, Roots, TcpDialer};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::have;
use support::server::Server;
use time::OffsetDateTime;

const NAME: &str = "mail.mired.org";
const LIMIT: Duration = Duration::from_secs(60);

/// Pebble behind a gate: nobody gets through to it before the gate is opened.
struct House {
    pebble: Child,
    _dns: Authority,
    ca: PathBuf,
    directory: String,
    gate: Option<Sender<()>>,
}

impl Drop for House {
    /// `timeout` hands it on to pebble.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.pebble.id().to_string()).status();
        let _ = self.pebble.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl House {
    async fn new(folder: &Path, answered: u16) -> House {
        let path = |name: &str| folder.join(name);
        let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).unwrap();
        let names = vec!["127.0.0.1".to_string()];
        let issuer = Issuer::new(params, ca_key);
        let own = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        fs::write(path("pebble-ca.pem"), ca.pem()).unwrap();
        fs::write(path("pebble.pem"), own.pem()).unwrap();
        fs::write(path("pebble.key"), key.serialize_pem()).unwrap();
        let mut zone = Zone::new("mired.org", NAME);
        zone.add(NAME, core_world::Record::A([127, 0, 0, 1].into()));
        let told = Arc::new(|_: &engine_dns_authority::Asked| {});
        let dns = Authority::bind("127.0.0.1:0".parse().unwrap(), vec![zone], told).await.unwrap();
        let (port, manager) = (free_port(), free_port());
        let config = format!(
            r#"{{"pebble":{{"listenAddress":"127.0.0.1:{port}",
            "managementListenAddress":"127.0.0.1:{manager}","certificate":{:?},"privateKey":{:?},
            "httpPort":{answered},"tlsPort":{answered},"ocspResponderURL":"",
            "externalAccountBindingRequired":false}}}}"#,
            path("pebble.pem"),
            path("pebble.key")
        );
        fs::write(path("pebble.json"), config).unwrap();
        let log = File::create(path("pebble.log")).unwrap();
        let pebble = Command::new("timeout")
            .args(["--kill-after=5", "180", "pebble", "-config"])
            .arg(path("pebble.json"))
            .args(["-dnsserver", &dns.address().to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let (gate, outside) = gate(port);
        let (ca, gate) = (path("pebble-ca.pem"), Some(gate));
        let directory = format!("https://127.0.0.1:{outside}/dir");
        House { pebble, _dns: dns, ca, directory, gate }
    }

    fn open_the_gate(&mut self) {
        drop(self.gate.take());
    }
}

/// A port that leads to `port` as soon as the sender is dropped; until then whoever comes waits.
fn gate(port: u16) -> (Sender<()>, u16) {
    let (gate, closed) = channel::<()>();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let outside = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let _ = closed.recv();
        for near in listener.incoming().map_while(Result::ok) {
            let far = patiently(|| TcpStream::connect(("127.0.0.1", port)).ok());
            let (mut in_near, mut in_far) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            let (mut near, mut far) = (near, far);
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut in_near, &mut far);
                let _ = far.shutdown(std::net::Shutdown::Write);
            });
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut in_far, &mut near);
                let _ = near.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    (gate, outside)
}

fn patiently<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "nothing came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A certificate most of whose life is over, where the server keeps it.
fn keep_an_old_one(server: &Server) -> Certificate {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = OffsetDateTime::from_unix_timestamp(now.try_into().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![NAME.to_string()]).unwrap();
    params.not_before = now - time::Duration::days(80);
    params.not_after = now + time::Duration::days(10);
    let made = params.self_signed(&key).unwrap();
    let pem = format!("{}{}", key.serialize_pem(), made.pem());
    let folder = server.data().join("acme");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("certificate.pem"), &pem).unwrap();
    // Whoever the data belong to must be able to read it, and to write another.
    let owner = fs::metadata(server.data()).unwrap();
    use std::os::unix::fs::MetadataExt;
    for path in [folder.join("certificate.pem"), folder] {
        chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    Certificate::from_pem(pem.as_bytes(), pem.as_bytes()).unwrap()
}

async fn imaps(port: u16) -> Box<dyn Wire> {
    let dial = Dial {
        host: NAME.to_string(),
        address: Some([127, 0, 0, 1].into()),
        port,
        source: None,
        tls: DialTls::Implicit,
        trust: Trust::Anyone,
        within: LIMIT,
    };
    let mut wire = TcpDialer::new(Roots::none()).dial(&dial).await.unwrap();
    hear(&mut wire, "* OK").await;
    wire
}

/// Reads until a line begins so.
async fn hear(wire: &mut Box<dyn Wire>, want: &str) {
    let mut heard = String::new();
    while !heard.lines().any(|line| line.starts_with(want)) || !heard.ends_with("\r\n") {
        let mut buffer = [0; 4096];
        let count = wire.read(&mut buffer, LIMIT).await.unwrap();
        assert!(count > 0, "the session was dropped after {heard}");
        heard.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

async fn command(wire: &mut Box<dyn Wire>, tag: &str, text: &str) {
    wire.write(format!("{tag} {text}\r\n").as_bytes(), LIMIT).await.unwrap();
    hear(wire, &format!("{tag} OK")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_while_an_imap_session_stays_open() {
    if !have("pebble") {
        eprintln!("skipped: pebble is not installed (apt-get install pebble)");
        return;
    }
    let mut server = Server::init();
    let answered = free_port();
    let mut house = House::new(server.folder(), answered).await;
    fs::set_permissions(&house.ca, fs::Permissions::from_mode(0o644)).unwrap();
    server.configure(&format!(
        "\n[acme]\nnames = [\"{NAME}\"]\ncontact = [\"postmaster@mired.org\"]\n\
         directory = \"{}\"\naddress = \"127.0.0.1\"\nport = {answered}\nca = {:?}\n",
        house.directory, house.ca
    ));
    let old = keep_an_old_one(&server);
    server.start();
    let port = server.port("imaps");
    let mut session = imaps(port).await;
    assert_eq!(session.protection().unwrap().fingerprint, old.fingerprint());
    command(&mut session, "a", "LOGIN ana@mired.org ana").await;
    command(&mut session, "b", "SELECT INBOX").await;

    house.open_the_gate();
    let file = server.data().join("acme/certificate.pem");
    let new = patiently(|| {
        let pem = fs::read(&file).ok()?;
        let new = Certificate::from_pem(&pem, &pem).ok()?;
        (new.fingerprint() != old.fingerprint()).then_some(new)
    });
    // Whoever comes now is shown it; the server needs a moment to read it.
    let begun = Instant::now();
    loop {
        let wire = imaps(port).await;
        if wire.protection().unwrap().fingerprint == new.fingerprint() {
            break;
        }
        assert!(begun.elapsed() < LIMIT, "the new certificate is not shown");
    }
    command(&mut session, "c", "NOOP").await;
    command(&mut session, "d", "LOGOUT").await;
    server.signal("TERM");
    server.ended();
}
