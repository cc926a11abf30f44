//! Zones of one's own, served over UDP and TCP to whoever asks: the DNS of the lab and of the tests.
//!
//! It is a small DNS of its own and knows nothing of the one outside: it has the root, below it the
//! zones that it was given, and says of everything else that there is no such name. The root is
//! signed, and each zone that wishes so, with a key made at the start; who validates begins with
//! [`Authority::anchor`]. Whoever owns it is told each question and its answer.
//!
//! ```
//! use core_world::Record;
//! use engine_dns_authority::{Authority, Entry, Zone};
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let mut zone = Zone::new("mired.org", "asterix.mired.org");
//! zone.add("asterix.mired.org", Record::A([192, 168, 100, 2].into()));
//! zone.add("mired.org", Record::Mx { preference: 10, exchange: "asterix.mired.org".into() });
//! let told = std::sync::Arc::new(|asked: &engine_dns_authority::Asked| println!("{asked}"));
//! let authority = Authority::bind("127.0.0.1:0".parse().unwrap(), vec![zone], told).await.unwrap();
//! println!("dig -p {} @127.0.0.1 mired.org MX", authority.address().port());
//! # }
//! ```

mod asked;
mod handler;
mod key;
mod served;
mod wire;
mod zone;

pub use asked::{Asked, Over, Said, Told};
pub use zone::{Entry, Zone};

use crate::handler::Handler;
use crate::key::Key;
use crate::served::Served;
use hickory_server::Server;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};

/// How long a connection may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Answers that wait for a peer that does not read.
const WAITING_MAX: usize = 32;
/// How often two free ports of the same number are looked for.
const TRIES: usize = 20;

/// A running server. It ends when it is dropped.
pub struct Authority {
    address: SocketAddr,
    key: Arc<Key>,
    zones: Mutex<BTreeMap<String, Zone>>,
    served: Arc<RwLock<Arc<Served>>>,
    _server: Server<Handler>,
}

impl Authority {
    /// Serves `zones` at `address`; with port 0 the system chooses one. `told` hears of each
    /// question when it is answered, and should be quick.
    pub async fn bind(
        address: SocketAddr,
        zones: Vec<Zone>,
        told: Told,
    ) -> Result<Authority, AuthorityError> {
        let key = Arc::new(Key::make()?);
        let mut by_apex = BTreeMap::new();
        for zone in zones {
            by_apex.insert(zone.apex().to_string(), zone);
        }
        let served = Arc::new(Served::new(by_apex.values(), &key)?);
        let served = Arc::new(RwLock::new(served));
        let (udp, tcp) = sockets(address).await?;
        let address = tcp.local_addr()?;
        let mut server = Server::new(Handler::new(served.clone(), told));
        server.register_socket(udp);
        server.register_listener(tcp, SILENCE_MAX, WAITING_MAX);
        Ok(Authority { address, key, zones: Mutex::new(by_apex), served, _server: server })
    }

    /// Where it is asked, over UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of the algorithm and the key that the root is signed with, as DNSKEY has it.
    pub fn anchor(&self) -> (u8, Vec<u8>) {
        self.key.anchor()
    }

    /// A zone is this from now on. Its serial number is for the caller to raise.
    pub fn set(&self, zone: Zone) -> Result<(), AuthorityError> {
        self.change(|zones| {
            zones.insert(zone.apex().to_string(), zone);
        })
    }

    /// A zone is no more.
    pub fn remove(&self, apex: &str) -> Result<(), AuthorityError> {
        self.change(|zones| {
            zones.remove(&apex.to_ascii_lowercase());
        })
    }

    /// What cannot be served changes nothing.
    fn change(&self, how: impl FnOnce(&mut BTreeMap<String, Zone>)) -> Result<(), AuthorityError> {
        let mut zones = self.zones.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut changed = zones.clone();
        how(&mut changed);
        let served = Arc::new(Served::new(changed.values(), &self.key)?);
        *zones = changed;
        *self.served.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = served;
        Ok(())
    }
}

/// The same port for both.
async fn sockets(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = 0;
    loop {
        let tcp = TcpListener::bind(address).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((udp, tcp)),
            // Somebody has the other port of that number: another number may be free.
            Err(_) if address.port() == 0 && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Why zones are not served.
#[derive(Debug)]
pub enum AuthorityError {
    /// The port is not to be had.
    Io(io::Error),
    /// This is not a name of the DNS.
    BadName(String),
    /// This name is not in the zone that it is in.
    OutOfZone(String),
    /// A record cannot be written so; says why.
    BadRecord(String),
    /// The zone could not be signed; says why.
    Unsigned(String),
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthorityError::Io(error) => {
                write!(f, "the DNS server cannot have its port: {error}; choose another")
            }
            AuthorityError::BadName(name) => write!(f, "{name:?} is not a name of the DNS"),
            AuthorityError::OutOfZone(name) => write!(f, "{name} is not in the zone"),
            AuthorityError::BadRecord(why) => write!(f, "a record cannot be: {why}"),
            AuthorityError::Unsigned(why) => write!(f, "a zone could not be signed: {why}"),
        }
    }
}

impl std::error::Error for AuthorityError {}

impl From<io::Error> for AuthorityError {
    fn from(error: io::Error) -> AuthorityError {
        AuthorityError::Io(error)
    }
}
