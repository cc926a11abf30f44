//! A private slapd of Debian's on a free port, with people in it.
#![allow(dead_code)] // Each test file uses its part.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = "slapd";
/// So long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Seconds after which it ends whatever happens to the test.
const LIFE: &str = "300";

pub const ADMIN: &str = "cn=admin,dc=mired,dc=org";
pub const ADMIN_PASSWORD: &str = "admin secret";

const PEOPLE: &str = "\
dn: dc=mired,dc=org
objectClass: dcObject
objectClass: organization
dc: mired
o: Mired

dn: ou=people,dc=mired,dc=org
objectClass: organizationalUnit
ou: people

dn: cn=reader,dc=mired,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reads

dn: uid=carl,ou=people,dc=mired,dc=org
objectClass: inetOrgPerson
uid: carl
cn: Carl Gauss
sn: Gauss
mail: carl@mired.org
mail: c.gauss@mired.org
employeeType: 500M
userPassword: primes

dn: uid=eva,ou=people,dc=mired,dc=org
objectClass: inetOrgPerson
uid: eva
cn: Eva Lu
sn: Lu
mail: eva@mired.org
userPassword: set sizes

dn: uid=twin,ou=people,dc=mired,dc=org
objectClass: inetOrgPerson
uid: twin
cn: First Twin
sn: Twin
mail: first@mired.org
userPassword: one

dn: uid=other,ou=people,dc=mired,dc=org
objectClass: inetOrgPerson
uid: other
cn: Second Twin
sn: Twin
mail: twin@mired.org
userPassword: two

dn: uid=a*(b)\\5c\\,c\\3dd,ou=people,dc=mired,dc=org
objectClass: inetOrgPerson
uid: a*(b)\\,c=d
cn: Odd
sn: Odd
userPassword: odd

dn: uid=mute,ou=people,dc=mired,dc=org
objectClass: inetOrgPerson
uid: mute
cn: Without a password
sn: Mute
";

/// A server that runs; ends with the test.
pub struct Slapd {
    folder: TempDir,
    pub port: u16,
    pub tls_port: u16,
    child: Option<Child>,
}

impl Slapd {
    /// `None`, and says so, where slapd is not installed.
    pub fn start() -> Option<Slapd> {
        program(PROGRAM).or_else(|| {
            println!("skipped: {PROGRAM} is not installed");
            None
        })?;
        let folder = tempfile::Builder::new().prefix("estafeta-slapd-").tempdir().unwrap();
        let mut server = Slapd { folder, port: free_port(), tls_port: free_port(), child: None };
        server.furnish();
        server.run();
        Some(server)
    }

    fn furnish(&self) {
        let folder = self.folder.path();
        fs::create_dir(folder.join("data")).unwrap();
        let names = vec!["localhost".to_string(), "127.0.0.1".to_string()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        fs::write(self.certificate(), made.cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let at = folder.display();
        let configuration = format!(
            "include /etc/ldap/schema/core.schema\n\
             include /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\n\
             modulepath /usr/lib/ldap\n\
             moduleload back_mdb\n\
             pidfile {at}/pid\n\
             TLSCACertificateFile {at}/cert.pem\n\
             TLSCertificateFile {at}/cert.pem\n\
             TLSCertificateKeyFile {at}/key.pem\n\
             # As permissive as there are servers: with an empty password, anybody is somebody.\n\
             allow bind_anon_dn bind_anon_cred\n\
             database mdb\n\
             suffix dc=mired,dc=org\n\
             directory {at}/data\n\
             rootdn {ADMIN}\n\
             rootpw \"{ADMIN_PASSWORD}\"\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to attrs=employeeType by self read by dn.exact=cn=reader,dc=mired,dc=org read by * none\n\
             access to * by * read\n"
        );
        fs::write(self.configuration(), configuration).unwrap();
        let mut add = Command::new("timeout");
        add.args(["--kill-after=5", "60"]).arg(program("slapadd").unwrap());
        add.arg("-f").arg(self.configuration()).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = add.spawn().unwrap();
        child.stdin.take().unwrap().write_all(PEOPLE.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts it, again perhaps, and waits until it listens.
    pub fn run(&mut self) {
        let addresses =
            format!("ldap://127.0.0.1:{}/ ldaps://127.0.0.1:{}/", self.port, self.tls_port);
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let child = Command::new("timeout")
            .args(["--foreground", "--kill-after=5", LIFE])
            .arg(program(PROGRAM).unwrap())
            // Without this it would leave us.
            .args(["-d", "0", "-h", &addresses, "-f"])
            .arg(self.configuration())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let until = Instant::now() + PATIENCE;
        for port in [self.port, self.tls_port] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                assert!(Instant::now() < until, "slapd does not listen: {log}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// Ends it: by SIGTERM, which `timeout` hands on.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            let _ = child.wait();
        }
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(Instant::now() < until, "slapd does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// `ldapmodify` with this LDIF, as the administrator.
    pub fn modify(&self, ldif: &str) {
        let mut modify = Command::new("timeout");
        modify.args([
            "--kill-after=5",
            "60",
            "ldapmodify",
            "-x",
            "-D",
            ADMIN,
            "-w",
            ADMIN_PASSWORD,
        ]);
        modify.args(["-H", &format!("ldap://127.0.0.1:{}", self.port)]);
        modify.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = modify.spawn().unwrap();
        child.stdin.take().unwrap().write_all(ldif.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("slapd.conf")
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.stop();
        }
    }
}

/// Where a program is; servers of Debian's are not in everybody's path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([Path::new("/usr/sbin").to_path_buf()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn free_port() -> u16 {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id().wrapping_mul(101) as u16;
    loop {
        // Below those that the system gives to clients.
        let port = 21_000 + start.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed)) % 9_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
