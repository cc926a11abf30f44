//! What the relay needs to be told.

use crate::Routes;
use core_world::Random;
use proto_smtp::client::Timeouts;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Names, ways and limits.
#[derive(Clone, Debug)]
pub struct Options {
    /// Our name in EHLO.
    pub hello_name: String,
    /// The operator's routes.
    pub routes: Arc<Routes>,
    /// Where mail must not be sent, since it would come back.
    pub ourselves: Ourselves,
    /// From which addresses connections go out.
    pub source: Source,
    /// The port of other domains' servers.
    pub port: u16,
    /// Most hosts that are tried for one job.
    pub hosts_max: usize,
    /// Most addresses of all hosts that are tried for one job.
    pub addresses_max: usize,
    /// How long an address may take to answer,
    pub connect_within: Duration,
    /// and how long if there is one of the other family to fall back on.
    pub connect_quick: Duration,
    /// How long STARTTLS's handshake may take.
    pub handshake_within: Duration,
    /// How long a connection is kept for the next message. Servers count those who only sit there.
    pub idle_max: Duration,
    /// Connections kept so, all destinations together.
    pub idle_count_max: usize,
    /// Most messages over one connection.
    pub messages_max: u32,
    /// How long a server may take for its replies.
    pub timeouts: Timeouts,
}

impl Options {
    /// Usual ones of the server `hello_name`.
    pub fn new(hello_name: &str) -> Options {
        Options {
            hello_name: hello_name.to_string(),
            routes: Arc::default(),
            ourselves: Ourselves { names: vec![hello_name.to_string()], addresses: Vec::new() },
            source: Source::default(),
            port: 25,
            hosts_max: 5,
            addresses_max: 10,
            connect_within: Duration::from_secs(30),
            connect_quick: Duration::from_secs(5),
            handshake_within: Duration::from_secs(60),
            idle_max: Duration::from_secs(5),
            idle_count_max: 500,
            messages_max: 100,
            timeouts: Timeouts::default(),
        }
    }
}

/// Who we are, as others may name us.
#[derive(Clone, Debug, Default)]
pub struct Ourselves {
    /// Our host names.
    pub names: Vec<String>,
    /// Where we listen for mail of other servers.
    pub addresses: Vec<SocketAddr>,
}

impl Ourselves {
    /// Is this one of our names?
    pub fn is_named(&self, host: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Do we listen there? Nobody else can be reached at an unspecified address.
    pub fn is_at(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        let ours = |ours: &SocketAddr| ours.ip().to_canonical() == address && ours.port() == port;
        address.is_unspecified() || self.addresses.iter().any(ours)
    }
}

/// From which addresses connections go out; the system chooses where none is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// To servers on IPv4.
    pub v4: Option<Ipv4Addr>,
    /// To servers on IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl Source {
    /// From where to go to `address`.
    pub fn towards(&self, address: IpAddr) -> Option<IpAddr> {
        match address {
            IpAddr::V4(_) => self.v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.v6.map(IpAddr::V6),
        }
    }
}

/// A number below `end`, which is at least 1.
pub(crate) fn below(random: &dyn Random, end: usize) -> usize {
    let mut octets = [0; 8];
    random.fill(&mut octets);
    // What is left over is far less than one part in a thousand million.
    (u64::from_be_bytes(octets) % end.max(1) as u64) as usize
}
