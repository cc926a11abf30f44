//! Ports that the service manager opened before it started us (`LISTEN_FDS`): they stay open while
//! this server is replaced by another, and need no privilege here.

use listenfd::ListenFd;
use std::fmt;
use std::io;
use std::net::TcpListener;

/// A port, and the name that the service manager's configuration gives it (`FileDescriptorName=`).
#[derive(Debug)]
pub struct Handed {
    /// Its name; `unknown` if it has none.
    pub name: String,
    /// It listens already.
    pub socket: TcpListener,
}

/// A socket was handed over that cannot be used.
#[derive(Debug)]
pub struct ActivationError {
    name: String,
    error: io::Error,
}

impl fmt::Display for ActivationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the socket {} from the service manager cannot be used: {}; give it ListenStream= with an address and a port",
            self.name, self.error
        )
    }
}

impl std::error::Error for ActivationError {}

/// Takes over what the service manager has handed to this process, in its order. Nothing if it did
/// not, or if a child of ours asks. To be called once.
pub fn handed_sockets() -> Result<Vec<Handed>, ActivationError> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut sockets = ListenFd::from_env();
    let mut handed = Vec::new();
    for i in 0..sockets.len() {
        let name = name(&names, i);
        match sockets.take_tcp_listener(i) {
            Ok(Some(socket)) => handed.push(Handed { name, socket }),
            Ok(None) => {}
            Err(error) => return Err(ActivationError { name, error }),
        }
    }
    Ok(handed)
}

/// Names stand in the order of the sockets, colons between them.
fn name(names: &str, i: usize) -> String {
    let name = names.split(':').nth(i).filter(|name| !name.is_empty());
    name.unwrap_or("unknown").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_sockets() {
        let all = |names: &str| [0, 1, 2].map(|i| name(names, i));
        assert_eq!(all("smtp:imaps:pop3s"), ["smtp", "imaps", "pop3s"]);
        assert_eq!(all("smtp::pop3s"), ["smtp", "unknown", "pop3s"]);
        assert_eq!(all(""), ["unknown", "unknown", "unknown"]);
    }
}
