//! Servers to ask: a good one, one who alters what passes, one who is silent.

use engine_dns::{Anchor, DnsResolver, Dnssec, Options};
use engine_dns_authority::{Asked, Authority, Zone};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Any port of this machine.
const ANY: &str = "127.0.0.1:0";

/// A good server, and what it was asked.
pub struct Scene {
    pub authority: Authority,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scene {
    pub async fn of(zones: Vec<Zone>) -> Scene {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all = asked.clone();
        let told = Arc::new(move |one: &Asked| all.lock().unwrap().push(one.clone()));
        let authority = Authority::bind(ANY.parse().unwrap(), zones, told).await.unwrap();
        Scene { authority, asked }
    }

    /// Asks it, and does not look at signatures.
    pub fn resolver(&self) -> DnsResolver {
        DnsResolver::new(options(self.authority.address()))
    }

    /// Asks it, and believes what it has signed.
    pub fn validating(&self) -> DnsResolver {
        let dnssec = Dnssec::ValidateFrom(self.anchor());
        DnsResolver::new(Options { dnssec, ..options(self.authority.address()) })
    }

    pub fn anchor(&self) -> Anchor {
        Anchor { keys: vec![self.authority.anchor()] }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// An empty zone.
pub fn zone(apex: &str) -> Zone {
    Zone::new(apex, "asterix.mired.org")
}

pub fn options(server: SocketAddr) -> Options {
    from(&[server])
}

pub fn from(servers: &[SocketAddr]) -> Options {
    Options { servers: servers.to_vec(), ..Options::default() }
}

/// Somebody who never says anything.
pub async fn silent() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(ANY).await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Somebody between us and a good server who alters each answer. There is no TCP.
pub struct Between {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Between {
    pub async fn new(scene: &Scene, how: impl Fn(&mut Vec<u8>) + Send + 'static) -> Between {
        let server = scene.authority.address();
        let socket = UdpSocket::bind(ANY).await.unwrap();
        let address = socket.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let (mut question, mut answer) = (vec![0; 4096], vec![0; 4096]);
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                let there = UdpSocket::bind(ANY).await.unwrap();
                there.send_to(&question[..length], server).await.unwrap();
                let (length, _) = there.recv_from(&mut answer).await.unwrap();
                let mut altered = answer[..length].to_vec();
                how(&mut altered);
                socket.send_to(&altered, from).await.unwrap();
            }
        });
        Between { address, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.task.abort();
    }
}
