//! A port, and everybody who comes to it.

use crate::connection::{Connection, End};
use crate::limit::{CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, Full, Limit, Place, Room};
use crate::session_id::SessionId;
use crate::stop::Stopping;
use crate::stream::Stream;
use crate::tls::{self, Tls};
use proto_line::{Desk, Session};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;
use tracing::{Instrument, debug, error, info, info_span, warn};

/// Connections that the system keeps for us until we take them.
const BACKLOG: u32 = 1024;
/// When the system has no more file descriptors or memory, wait so long for others to end.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

/// A bound port. Connections that come before [`Listener::serve`] wait.
#[derive(Debug)]
pub struct Listener {
    name: &'static str,
    socket: TcpListener,
    address: SocketAddr,
}

/// Who came where.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The listener's name.
    pub listener: &'static str,
    /// The peer's address, IPv4 as such.
    pub address: SocketAddr,
    /// The address it came to.
    pub local: SocketAddr,
    /// What the log calls this session.
    pub session: SessionId,
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
            connections_max: CONNECTIONS_MAX,
            connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX,
            room: None,
            busy: "",
        }
    }
}

/// Why a port could not be opened.
#[derive(Debug)]
pub struct BindError {
    /// The listener's name.
    pub name: &'static str,
    /// What it wanted.
    pub address: SocketAddr,
    /// What hinders it.
    pub kind: BindErrorKind,
}

/// What hinders a port from being opened.
#[derive(Debug)]
pub enum BindErrorKind {
    /// Another program has it.
    InUse,
    /// Ports below 1024 need a permission.
    NotPermitted,
    /// This machine has no such address.
    NoSuchAddress,
    /// Something else.
    Other(io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (port, ip, name) = (self.address.port(), self.address.ip(), self.name);
        match &self.kind {
            BindErrorKind::InUse => write!(
                f,
                "port {port} ({name}) on {ip} is in use by another program: stop it or choose another port"
            ),
            BindErrorKind::NotPermitted => write!(
                f,
                "no permission for port {port} ({name}) on {ip}: choose one from 1024, or grant CAP_NET_BIND_SERVICE"
            ),
            BindErrorKind::NoSuchAddress => write!(
                f,
                "this machine has no address {ip} for port {port} ({name}): choose one that it has"
            ),
            BindErrorKind::Other(error) => write!(f, "port {port} ({name}) on {ip}: {error}"),
        }
    }
}

impl std::error::Error for BindError {}

impl Listener {
    /// Opens the port at `address` (0 for any). Must be called inside a tokio runtime.
    pub fn bind(name: &'static str, address: SocketAddr) -> Result<Listener, BindError> {
        open(address)
            .map_err(|error| {
                let kind = match error.kind() {
                    ErrorKind::AddrInUse => BindErrorKind::InUse,
                    ErrorKind::PermissionDenied => BindErrorKind::NotPermitted,
                    ErrorKind::AddrNotAvailable => BindErrorKind::NoSuchAddress,
                    _ => BindErrorKind::Other(error),
                };
                BindError { name, address, kind }
            })
            .map(|(socket, address)| Listener { name, socket, address })
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
    /// TLS is up where it is [`Security::Implicit`].
    pub async fn serve<S, D, O>(self, options: Options, mut stopping: Stopping, open: O)
    where
        S: Session + 'static,
        D: Desk<Ask = S::Ask, Answer = S::Answer, Stretch = S::Stretch> + 'static,
        O: Fn(Peer) -> (S, D) + Send + Sync + 'static,
    {
        let (max, per_address_max) = (options.connections_max, options.connections_per_address_max);
        let limit = Limit::new(max, per_address_max, options.room.clone());
        let (open, options) = (Arc::new(open), Arc::new(options));
        let connections = stopping.clone();
        tokio::select! {
            () = stopping.told() => {}
            () = self.accept(|tcp, address| {
                let peer = Peer { listener: self.name, address, local: self.address, session: SessionId::next() };
                let span = info_span!("session", id = %peer.session, peer = %address);
                match limit.enter(address.ip()) {
                    Ok(place) => {
                        let (open, options, stopping) = (open.clone(), options.clone(), connections.clone());
                        tokio::spawn(converse(tcp, peer, place, options, stopping, open).instrument(span));
                    }
                    Err(full) => span.in_scope(|| refuse(tcp, full, &options)),
                }
            }) => {}
        }
    }

    async fn accept(&self, each: impl Fn(TcpStream, SocketAddr)) {
        let mut exhausted = false;
        loop {
            match self.socket.accept().await {
                Ok((tcp, address)) => {
                    exhausted = false;
                    each(tcp, SocketAddr::new(address.ip().to_canonical(), address.port()));
                }
                Err(error) if is_exhausted(&error) => {
                    if !exhausted {
                        warn!(listener = self.name, %error, "no more connections for the moment");
                    }
                    exhausted = true;
                    sleep(EXHAUSTED_PAUSE).await;
                }
                // The peer was gone before we took it.
                Err(error) => debug!(listener = self.name, %error, "connection lost before accept"),
            }
        }
    }
}

fn open(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// EMFILE, ENFILE, ENOBUFS, ENOMEM: not this connection's fault. Spinning would not help.
fn is_exhausted(error: &io::Error) -> bool {
    let too_many_files = [23, 24].map(Some).contains(&error.raw_os_error());
    too_many_files
        || matches!(error.kind(), ErrorKind::OutOfMemory)
        || error.raw_os_error() == Some(105)
}

fn refuse(tcp: TcpStream, full: Full, options: &Options) {
    warn!(limit = ?full, "refused: too many connections");
    if !matches!(options.security, Security::Implicit(_)) {
        // Whether it can still be said does not matter.
        let _ = tcp.try_write(options.busy.as_bytes());
    }
}

/// One connection from its first byte to its last.
async fn converse<S, D, O>(
    tcp: TcpStream,
    peer: Peer,
    place: Place,
    options: Arc<Options>,
    stopping: Stopping,
    open: Arc<O>,
) where
    S: Session,
    D: Desk<Ask = S::Ask, Answer = S::Answer, Stretch = S::Stretch>,
    O: Fn(Peer) -> (S, D),
{
    info!(listener = peer.listener, "connected");
    // Without it only the pace suffers.
    let _ = tcp.set_nodelay(true);
    let connection = match &options.security {
        Security::Implicit(tls) => match Box::pin(tls.start(tcp)).await {
            Ok((stream, secured)) => {
                tls::log(&secured);
                let mut connection = Connection::new(open(peer), stream, None, stopping);
                connection.secured(secured);
                connection
            }
            Err(error) => return info!(%error, "TLS failed"),
        },
        Security::Start(tls) => {
            Connection::new(open(peer), Stream::Plain(tcp), Some(tls.clone()), stopping)
        }
        Security::None => Connection::new(open(peer), Stream::Plain(tcp), None, stopping),
    };
    let (end, counts) = connection.run().await;
    drop(place);
    match end {
        End::Panicked(_) => {
            error!(received = counts.received, sent = counts.sent, reason = %end, "disconnected");
        }
        _ => info!(received = counts.received, sent = counts.sent, reason = %end, "disconnected"),
    }
}
