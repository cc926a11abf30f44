//! The way out, over TCP and TLS.

use crate::roots::Roots;
use crate::wire::TcpWire;
use core_world::{Dial, DialError, DialTls, Dialer, Later, Wire};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

/// So long may one of several addresses take to answer, before the next is tried.
const ADDRESS_TIME: Duration = Duration::from_secs(10);
/// Of so many addresses of a name, at most, each is tried.
const ADDRESSES_MAX: usize = 8;

/// Connects to servers elsewhere, from inside a tokio runtime.
#[derive(Clone, Debug)]
pub struct TcpDialer {
    roots: Roots,
}

impl TcpDialer {
    /// One that believes `roots`.
    pub fn new(roots: Roots) -> TcpDialer {
        TcpDialer { roots }
    }

    async fn open(&self, to: &Dial) -> Result<Box<dyn Wire>, DialError> {
        let mut wire = TcpWire::new(connect(to).await?, self.roots.clone());
        if to.tls == DialTls::Implicit {
            wire.start_tls(&to.host, &to.trust).await?;
        }
        Ok(Box::new(wire))
    }
}

impl Dialer for TcpDialer {
    fn dial<'a>(&'a self, to: &'a Dial) -> Later<'a, Result<Box<dyn Wire>, DialError>> {
        Box::pin(async move {
            timeout(to.within, self.open(to)).await.unwrap_or(Err(DialError::TimedOut))
        })
    }
}

async fn connect(to: &Dial) -> Result<TcpStream, DialError> {
    let addresses = addresses(to).await?;
    let mut last = DialError::NoSuchHost(match to.source {
        Some(source) => format!("{} has no address that {source} can reach", to.host),
        None => format!("{} has no address", to.host),
    });
    let fits = |address: &SocketAddr| to.source.is_none_or(|s| s.is_ipv4() == address.is_ipv4());
    for address in addresses.into_iter().filter(fits).take(ADDRESSES_MAX) {
        match connect_to(address, to.source).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn addresses(to: &Dial) -> Result<Vec<SocketAddr>, DialError> {
    if let Some(address) = to.address {
        return Ok(vec![SocketAddr::new(address, to.port)]);
    }
    let found = lookup_host((to.host.as_str(), to.port)).await;
    found
        .map(Iterator::collect)
        .map_err(|error| DialError::NoSuchHost(format!("{}: {error}", to.host)))
}

async fn connect_to(address: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream, DialError> {
    match timeout(ADDRESS_TIME, open_from(source, address)).await {
        Ok(Ok(tcp)) => {
            // Without it only the pace suffers.
            let _ = tcp.set_nodelay(true);
            Ok(tcp)
        }
        Ok(Err(error)) => Err(DialError::Unreachable(format!("{address}: {error}"))),
        Err(_) => Err(DialError::Unreachable(format!("{address}: no answer"))),
    }
}

async fn open_from(source: Option<IpAddr>, address: SocketAddr) -> io::Result<TcpStream> {
    let Some(source) = source else { return TcpStream::connect(address).await };
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    let bound = socket.bind(SocketAddr::new(source, 0));
    bound.map_err(|e| io::Error::new(e.kind(), format!("not from {source}: {e}")))?;
    socket.connect(address).await
}
