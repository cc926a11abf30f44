//! The way to the servers and back: sockets, repetitions, signatures.

use crate::{Dnssec, Options};
use futures_util::stream::{self, Stream};
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverOpts,
};
use hickory_resolver::net::dnssec::DnssecDnsHandle;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::{Algorithm, PublicKeyBuf, TrustAnchors};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Octets of an answer over UDP that any network carries in one piece (RFC 9715 §3).
const UDP_MAX: u16 = 1232;
/// Questions under way to one server.
const ACTIVE_MAX: usize = 1000;

/// Keys of the root that are believed without proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Each an algorithm's number (RFC 8624 §3.1) and the key as DNSKEY has it.
    pub keys: Vec<(u8, Vec<u8>)>,
}

/// The way to some servers.
pub struct Road {
    servers: Vec<SocketAddr>,
    way: Way,
    options: DnsRequestOptions,
}

enum Way {
    Plain(InTurn),
    Checked(DnssecDnsHandle<InTurn>),
}

impl Road {
    /// To `servers`.
    pub fn new(servers: Vec<SocketAddr>, options: &Options) -> Result<Road, NetError> {
        let pool_options = pool_options(options);
        let mut request = DnsRequestOptions::default();
        request.recursion_desired = true;
        request.use_edns = true;
        request.edns_payload_len = UDP_MAX;
        request.edns_set_dnssec_ok = !matches!(options.dnssec, Dnssec::Off);
        let context = Arc::new(PoolContext::new(pool_options, TlsConfig::new()?));
        let plain = InTurn::new(&servers, &context, options.repetitions);
        let way = match &options.dnssec {
            Dnssec::Off => Way::Plain(plain),
            Dnssec::Validate => Way::Checked(DnssecDnsHandle::new(plain)),
            Dnssec::ValidateFrom(anchor) => {
                let anchors = Arc::new(anchors(anchor));
                Way::Checked(DnssecDnsHandle::with_trust_anchor(plain, anchors))
            }
        };
        Ok(Road { servers, way, options: request })
    }

    /// Asks one thing. What is no answer is an error.
    pub async fn ask(&self, name: &Name, kind: RecordType) -> Result<DnsResponse, NetError> {
        let query = Query::query(name.clone(), kind);
        let response = match &self.way {
            Way::Plain(way) => way.lookup(query, self.options).first_answer().await,
            Way::Checked(way) => way.lookup(query, self.options).first_answer().await,
        };
        Ok(DnsError::from_response(response?)?)
    }

    /// Who is asked.
    pub fn who(&self) -> impl fmt::Display {
        let names: Vec<String> = self.servers.iter().map(SocketAddr::to_string).collect();
        names.join(", ")
    }
}

fn pool_options(options: &Options) -> ResolverOpts {
    let mut pool = ResolverOpts::default();
    pool.timeout = options.within;
    pool.edns0 = true;
    pool.edns_payload_len = UDP_MAX;
    pool.validate = !matches!(options.dnssec, Dnssec::Off);
    pool.use_hosts_file = ResolveHosts::Never;
    pool.max_active_requests = ACTIVE_MAX;
    pool.try_tcp_on_error = true;
    // An answer that somebody else makes up must guess the letters of the name as well.
    pool.case_randomization = true;
    pool
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let connection = |protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = address.port();
        connection
    };
    let connections = vec![connection(ProtocolConfig::Udp), connection(ProtocolConfig::Tcp)];
    NameServerConfig::new(address.ip(), true, connections)
}

type Pool = NameServerPool<TokioRuntimeProvider>;

/// Asks one server after the other, each with its full time, until one can tell; beginning with the
/// one that could the last time, so that a dead one does not hold up every question.
#[derive(Clone)]
struct InTurn {
    /// Of one server each: a pool of many gives them all together the time of one.
    pools: Arc<[Pool]>,
    preferred: Arc<AtomicUsize>,
    rounds: usize,
}

impl InTurn {
    fn new(servers: &[SocketAddr], context: &Arc<PoolContext>, repetitions: usize) -> InTurn {
        let pool = |address| {
            let provider = TokioRuntimeProvider::default();
            Pool::from_config([server(address)], context.clone(), provider)
        };
        let pools = servers.iter().map(pool).collect();
        InTurn { pools, preferred: Arc::default(), rounds: repetitions + 1 }
    }

    async fn answer(self, request: DnsRequest) -> Result<DnsResponse, NetError> {
        let mut failure = NetError::NoConnections;
        for _ in 0..self.rounds {
            let first = self.preferred.load(Relaxed);
            for turn in 0..self.pools.len() {
                let index = (first + turn) % self.pools.len();
                let Some(pool) = self.pools.get(index) else { continue };
                match pool.send(request.clone()).first_answer().await {
                    Err(error) if is_failure(&error) => failure = error,
                    told => {
                        self.preferred.store(index, Relaxed);
                        return told;
                    }
                }
            }
        }
        Err(failure)
    }
}

/// Could the server not tell, so that another one, or the same one later, may?
fn is_failure(error: &NetError) -> bool {
    !matches!(error, NetError::Dns(DnsError::NoRecordsFound(_) | DnsError::Nsec { .. }))
}

impl DnsHandle for InTurn {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        Box::pin(stream::once(self.clone().answer(request)))
    }
}

fn anchors(anchor: &Anchor) -> TrustAnchors {
    let mut anchors = TrustAnchors::empty();
    for (algorithm, key) in &anchor.keys {
        let key = PublicKeyBuf::new(key.clone(), Algorithm::from_u8(*algorithm));
        anchors.insert_with_name(&key, Name::root().into());
    }
    anchors
}
