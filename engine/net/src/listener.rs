//! A port, and everybody who comes to it.

use crate::bind_error::BindError;
use crate::limit::{CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, Limit, Room};
use crate::proxy::Proxies;
use crate::stop::Stopping;
use crate::tls::Tls;
use crate::visit::{Door, Peer, converse};
use proto_line::{Desk, Session};
use std::io::{self, ErrorKind};
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tracing::{debug, error, warn};

/// Connections that the system keeps for us until we take them.
const BACKLOG: i32 = 1024;
/// When the system has no more file descriptors or memory, wait so long for others to end.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

/// A bound port. Connections that come before [`Listener::serve`] wait.
#[derive(Debug)]
pub struct Listener {
    name: &'static str,
    socket: net::TcpListener,
    address: SocketAddr,
}

/// When a listener's connections are secured.
#[derive(Clone, Debug)]
pub enum Security {
    /// Never.
    None,
    /// When the session steps [`proto_line::Step::StartTls`].
    Start(Tls),
    /// From the first byte.
    Implicit(Tls),
}

/// How a listener treats those who come.
#[derive(Clone, Debug)]
pub struct Options {
    /// When connections are secured.
    pub security: Security,
    /// If proxies pass others on to it, which ones: they begin with a PROXY header, and who is
    /// none of them is refused.
    pub proxies: Option<Proxies>,
    /// Connections at once.
    pub connections_max: usize,
    /// Connections at once from one address, other than this machine's own.
    pub connections_per_address_max: usize,
    /// What it shares with other listeners, if anything.
    pub room: Option<Room>,
    /// Said to a peer that is one too many, in the protocol's own manner, with CRLF.
    pub busy: &'static str,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            security: Security::None,
            proxies: None,
            connections_max: CONNECTIONS_MAX,
            connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX,
            room: None,
            busy: "",
        }
    }
}

impl Listener {
    /// Opens the port at `address` (0 for any). Needs no runtime, so that privileges can be given
    /// up before there is one.
    pub fn bind(name: &'static str, address: SocketAddr) -> Result<Listener, BindError> {
        let bound = net::TcpListener::bind(address).and_then(listen);
        let (socket, address) = bound.map_err(|error| BindError::new(name, address, error))?;
        Ok(Listener { name, socket, address })
    }

    /// A port that somebody else has opened for us, such as the system's service manager.
    pub fn of(name: &'static str, socket: net::TcpListener) -> io::Result<Listener> {
        let (socket, address) = listen(socket)?;
        Ok(Listener { name, socket, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Takes connections until the server goes down; `open` gives each its session and desk, once
    /// TLS is up where it is [`Security::Implicit`]. Must be called inside a tokio runtime.
    pub async fn serve<S, D, O>(self, options: Options, mut stopping: Stopping, open: O)
    where
        S: Session + 'static,
        D: Desk<Ask = S::Ask, Answer = S::Answer, Stretch = S::Stretch> + 'static,
        O: Fn(Peer) -> (S, D) + Send + Sync + 'static,
    {
        let Listener { name, socket, address } = self;
        let socket = match TcpListener::from_std(socket) {
            Ok(socket) => socket,
            Err(error) => return error!(listener = name, %error, "the port cannot be watched"),
        };
        let (max, per_address_max) = (options.connections_max, options.connections_per_address_max);
        let limit = Limit::new(max, per_address_max, options.room.clone());
        let connections = stopping.clone();
        let door = Arc::new(Door { name, local: address, limit, options, open });
        tokio::select! {
            () = stopping.told() => {}
            () = accept(name, &socket, |tcp, address| {
                tokio::spawn(converse(tcp, address, door.clone(), connections.clone()));
            }) => {}
        }
    }
}

/// The standard library keeps few who wait; to listen once more sets how many.
fn listen(socket: net::TcpListener) -> io::Result<(net::TcpListener, SocketAddr)> {
    #[cfg(unix)]
    rustix::net::listen(&socket, BACKLOG)?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Hands each connection to `each`. Never ends.
async fn accept(name: &'static str, socket: &TcpListener, each: impl Fn(TcpStream, SocketAddr)) {
    let mut exhausted = false;
    loop {
        match socket.accept().await {
            Ok((tcp, address)) => {
                exhausted = false;
                each(tcp, SocketAddr::new(address.ip().to_canonical(), address.port()));
            }
            Err(error) if is_exhausted(&error) => {
                if !exhausted {
                    warn!(listener = name, %error, "no more connections for the moment");
                }
                exhausted = true;
                sleep(EXHAUSTED_PAUSE).await;
            }
            // The peer was gone before we took it.
            Err(error) => debug!(listener = name, %error, "connection lost before accept"),
        }
    }
}

/// EMFILE, ENFILE, ENOBUFS, ENOMEM: not this connection's fault. Spinning would not help.
fn is_exhausted(error: &io::Error) -> bool {
    let too_many_files = [23, 24].map(Some).contains(&error.raw_os_error());
    too_many_files
        || matches!(error.kind(), ErrorKind::OutOfMemory)
        || error.raw_os_error() == Some(105)
}
