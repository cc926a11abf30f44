//! Ports: opened as the configuration says, before the server gives up the right to open them.

use crate::config::{Address, Config, Port, TlsMode};
use crate::network::Network;
use crate::service::Service;
use engine_net::{BindError, BindErrorKind, Listener};
use engine_process::Handed;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use tracing::warn;

/// Where somebody may come in.
#[derive(Debug)]
pub struct Door {
    /// What is spoken, and how.
    pub kind: Kind,
    /// Proxies that pass others on to it.
    pub proxies: Vec<Network>,
    /// The port.
    pub listener: Listener,
}

/// What is spoken at a door, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The protocol.
    pub service: Service,
    /// When it is encrypted.
    pub tls: TlsMode,
}

/// Opens every port of the configuration. Those that are among `given`, which the service manager
/// has opened, are taken from there.
pub fn open(config: &Config, mut given: Vec<Handed>) -> Result<Vec<Door>, BindError> {
    let mut doors = Vec::new();
    for listener in &config.listener {
        // The configuration was checked: both are there.
        let (Some(service), Some(Port(port))) = (listener.service, listener.port) else { continue };
        let kind = Kind { service, tls: listener.tls.unwrap_or(service.usual_tls()) };
        for address in &listener.address.0 {
            let socket = match take(&mut given, *address, port) {
                Some(socket) => adopt(service, socket, port)?,
                None => bind(service, *address, port)?,
            };
            doors.push(Door { kind, proxies: listener.proxy_protocol.0.clone(), listener: socket });
        }
    }
    for Handed { name, socket } in given {
        let address = socket.local_addr().map_or("?".to_string(), |address| address.to_string());
        warn!(name, address, "a port that the service manager has opened is in no [[listener]]");
    }
    Ok(doors)
}

/// The one of `given` that is for this address and port.
fn take(given: &mut Vec<Handed>, address: Address, port: u16) -> Option<TcpListener> {
    let fits = |handed: &Handed| {
        let local = handed.socket.local_addr().ok().filter(|local| local.port() == port);
        local.is_some_and(|local| match address {
            Address::Every => local.ip().is_unspecified(),
            Address::One(address) => local.ip() == address,
        })
    };
    given.iter().position(fits).map(|at| given.swap_remove(at).socket)
}

fn adopt(service: Service, socket: TcpListener, port: u16) -> Result<Listener, BindError> {
    let address = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port);
    Listener::of(service.name(), socket).map_err(|error| BindError {
        name: service.name(),
        address,
        kind: BindErrorKind::Other(error),
    })
}

fn bind(service: Service, address: Address, port: u16) -> Result<Listener, BindError> {
    let at = |ip: IpAddr| Listener::bind(service.name(), SocketAddr::new(ip, port));
    match address {
        Address::One(address) => at(address),
        // One socket for both families; a machine without IPv6 has only the other.
        Address::Every => match at(Ipv6Addr::UNSPECIFIED.into()) {
            Err(BindError {
                kind: BindErrorKind::NoSuchAddress | BindErrorKind::Other(_), ..
            }) => at(Ipv4Addr::UNSPECIFIED.into()),
            result => result,
        },
    }
}
