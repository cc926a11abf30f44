//! The way out, over TCP and TLS.

use crate::roots::Roots;
use crate::wire::TcpWire;
use core_world::{Dial, DialError, DialTls, Dialer, Later, Wire};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
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
        let mut wire = TcpWire::new(connect(&to.host, to.port).await?, self.roots.clone());
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

async fn connect(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let found = lookup_host((host, port)).await;
    let addresses = found.map_err(|error| DialError::NoSuchHost(format!("{host}: {error}")))?;
    let mut last = DialError::NoSuchHost(format!("{host} has no address"));
    for address in addresses.take(ADDRESSES_MAX) {
        match connect_to(address).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_to(address: SocketAddr) -> Result<TcpStream, DialError> {
    match timeout(ADDRESS_TIME, TcpStream::connect(address)).await {
        Ok(Ok(tcp)) => {
            // Without it only the pace suffers.
            let _ = tcp.set_nodelay(true);
            Ok(tcp)
        }
        Ok(Err(error)) => Err(DialError::Unreachable(format!("{address}: {error}"))),
        Err(_) => Err(DialError::Unreachable(format!("{address}: no answer"))),
    }
}
