//! Why a port could not be opened, and what to do.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

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

impl BindError {
    /// What the system says of a port.
    pub(crate) fn new(name: &'static str, address: SocketAddr, error: io::Error) -> BindError {
        let kind = match error.kind() {
            ErrorKind::AddrInUse => BindErrorKind::InUse,
            ErrorKind::PermissionDenied => BindErrorKind::NotPermitted,
            ErrorKind::AddrNotAvailable => BindErrorKind::NoSuchAddress,
            _ => BindErrorKind::Other(error),
        };
        BindError { name, address, kind }
    }
}
