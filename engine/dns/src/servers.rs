//! Who is asked: those of the configuration, or those of `/etc/resolv.conf`, which may come and
//! change while we run.

use crate::Options;
use crate::road::Road;
use core_world::LookupError;
use std::fs;
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Where the system says whom to ask.
const SYSTEM: &str = "/etc/resolv.conf";
/// How often it is looked at again.
const INTERVAL: Duration = Duration::from_secs(5);
/// Octets of it that are read,
const FILE_MAX: u64 = 65_536;
/// and servers that are taken from it, as the system's own library does.
const SERVERS_MAX: usize = 3;
/// The port of the DNS.
const PORT: u16 = 53;

/// The way to those who are asked now.
pub struct Servers {
    file: PathBuf,
    road: Option<Result<Arc<Road>, LookupError>>,
    looked_at: Option<Instant>,
    changed: Option<SystemTime>,
}

impl Servers {
    /// Nobody has been looked for yet.
    pub fn new() -> Servers {
        Servers::of(Path::new(SYSTEM))
    }

    fn of(file: &Path) -> Servers {
        Servers { file: file.to_path_buf(), road: None, looked_at: None, changed: None }
    }

    /// The way to them.
    pub fn road(&mut self, options: &Options, now: Instant) -> Result<Arc<Road>, LookupError> {
        let is_due = match self.looked_at {
            None => true,
            Some(at) => options.servers.is_empty() && now.duration_since(at) >= INTERVAL,
        };
        if is_due {
            self.looked_at = Some(now);
            self.look(options);
        }
        let none = || Err(LookupError::Temporary("no DNS server is known".to_string()));
        self.road.clone().unwrap_or_else(none)
    }

    fn look(&mut self, options: &Options) {
        if !options.servers.is_empty() {
            self.road = Some(build(options.servers.clone(), options));
            return;
        }
        let changed = fs::metadata(&self.file).and_then(|metadata| metadata.modified()).ok();
        if self.road.is_some() && changed.is_some() && changed == self.changed {
            return;
        }
        self.changed = changed;
        self.road = Some(read(&self.file).and_then(|servers| build(servers, options)));
    }
}

fn build(servers: Vec<SocketAddr>, options: &Options) -> Result<Arc<Road>, LookupError> {
    let road = Road::new(servers, options);
    road.map(Arc::new).map_err(|error| LookupError::Temporary(error.to_string()))
}

/// The servers that a file names.
fn read(file: &Path) -> Result<Vec<SocketAddr>, LookupError> {
    let mut text = String::new();
    let name = file.display();
    let read = fs::File::open(file).and_then(|open| open.take(FILE_MAX).read_to_string(&mut text));
    let why = match read {
        Ok(_) => match servers(&text) {
            servers if servers.is_empty() => format!("{name} names no server"),
            servers => return Ok(servers),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => format!("there is no {name}"),
        Err(error) => format!("{name} cannot be read: {error}"),
    };
    let mend = "name one in dns.servers of the configuration";
    Err(LookupError::Temporary(format!("no DNS server is known: {why}; {mend}")))
}

/// Those of the lines `nameserver ADDRESS`. The rest is not for us: no search list, no sorting.
fn servers(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| -> Option<SocketAddr> {
        let mut words = line.split_ascii_whitespace();
        if words.next()? != "nameserver" {
            return None;
        }
        let address = words.next()?;
        // A link-local one is of no use without its interface, which we cannot give.
        address.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, PORT))
    };
    text.lines().filter_map(address).take(SERVERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_the_system_reads_it() {
        let text = "# by hand\nsearch mired.org\nnameserver 192.168.100.2\n  nameserver\t2001:db8::1 \n\
                    options edns0\nnameserver fe80::1%eth0\n;nameserver 10.0.0.1\nnameserver\n\
                    nameserver 10.0.0.2\nnameserver 10.0.0.3\n";
        let expected = ["192.168.100.2:53", "[2001:db8::1]:53", "10.0.0.2:53"];
        let expected: Vec<SocketAddr> = expected.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(servers(text), expected);
        assert_eq!(servers(""), []);
    }

    #[tokio::test]
    async fn a_file_that_comes_or_changes_later_is_heeded() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("resolv.conf");
        let (mut servers, options) = (Servers::of(&file), Options::default());
        let mut now = Instant::now();
        let mut who = |now| match servers.road(&options, now) {
            Ok(road) => road.who().to_string(),
            Err(error) => error.to_string(),
        };
        let none = who(now);
        assert!(none.contains("there is no ") && none.ends_with("of the configuration"), "{none}");

        fs::write(&file, "nameserver 10.0.0.1\n").unwrap();
        assert_eq!(who(now), none, "not looked at again so soon");
        now += INTERVAL;
        assert_eq!(who(now), "10.0.0.1:53");

        fs::write(&file, "nameserver 10.0.0.2\n").unwrap();
        let later = SystemTime::now() + Duration::from_secs(10);
        fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        now += INTERVAL;
        assert_eq!(who(now), "10.0.0.2:53");

        fs::write(&file, "options edns0\n").unwrap();
        now += INTERVAL;
        assert!(who(now).contains("names no server"));
    }
}
