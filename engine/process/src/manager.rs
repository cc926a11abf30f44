//! What the service manager is told, over the socket that it names in `NOTIFY_SOCKET` (sd_notify).

use std::env;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// The service manager that runs this process, if one does.
#[derive(Debug, Default)]
pub struct Manager {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// Connections are served; also when reading the configuration again has come to its end.
    Ready,
    /// The configuration is being read again.
    Reloading,
    /// No more connections are taken, and those that are there come to their end.
    Stopping,
    /// One line for people, shown beside the service's name.
    Status(&'a str),
    /// Still at work; expected at least every [`Manager::watchdog`].
    Alive,
    /// Starting or stopping takes so much longer, from now on.
    Patience(Duration),
}

impl Manager {
    /// The one that started this process; a manager that hears nothing if there is none. It must be
    /// asked before the process is confined, and holds the way to it from then on.
    pub fn of_environment() -> Manager {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|path| connect(path).ok());
        let number = |name| env::var(name).ok()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|usec| ours && *usec > 0);
        Manager { socket, watchdog: watchdog.map(Duration::from_micros) }
    }

    /// One that hears nothing.
    pub fn none() -> Manager {
        Manager { socket: None, watchdog: None }
    }

    /// Is anybody there?
    pub fn is_present(&self) -> bool {
        self.socket.is_some()
    }

    /// How often it must be told [`State::Alive`], lest it takes us for dead: at half of what it
    /// waits. None if it does not watch.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.is_present()).map(|limit| limit / 2)
    }

    /// Tells it. Without a manager nothing happens, and all is well.
    pub fn tell(&self, state: State<'_>) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        socket.send(message(state, monotonic()).as_bytes()).map(|_| ())
    }
}

/// A path, or a name without one behind `@`.
#[cfg(target_os = "linux")]
fn connect(path: std::ffi::OsString) -> io::Result<UnixDatagram> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::SocketAddr;
    let socket = UnixDatagram::unbound()?;
    match path.as_bytes() {
        [b'@', name @ ..] => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        _ => socket.connect(&path)?,
    }
    Ok(socket)
}

#[cfg(not(target_os = "linux"))]
fn connect(path: std::ffi::OsString) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(&path)?;
    Ok(socket)
}

/// Microseconds on the clock that the manager compares with.
fn monotonic() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32).as_micros()
}

fn message(state: State<'_>, monotonic: u128) -> String {
    match state {
        State::Ready => "READY=1".to_string(),
        State::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={monotonic}"),
        State::Stopping => "STOPPING=1".to_string(),
        // A second line would be a second message.
        State::Status(text) => format!("STATUS={}", text.replace(['\n', '\r'], " ")),
        State::Alive => "WATCHDOG=1".to_string(),
        State::Patience(span) => format!("EXTEND_TIMEOUT_USEC={}", span.as_micros()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_words() {
        for (state, want) in [
            (State::Ready, "READY=1"),
            (State::Reloading, "RELOADING=1\nMONOTONIC_USEC=77"),
            (State::Stopping, "STOPPING=1"),
            (State::Status("3 sessions\nREADY=1"), "STATUS=3 sessions READY=1"),
            (State::Alive, "WATCHDOG=1"),
            (State::Patience(Duration::from_millis(1500)), "EXTEND_TIMEOUT_USEC=1500000"),
        ] {
            assert_eq!(message(state, 77), want);
        }
    }

    #[test]
    fn a_manager_hears_what_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let hears = UnixDatagram::bind(&path).unwrap();
        let socket = connect(path.into_os_string()).unwrap();
        let manager = Manager { socket: Some(socket), watchdog: Some(Duration::from_secs(30)) };
        manager.tell(State::Ready).unwrap();
        manager.tell(State::Reloading).unwrap();
        let mut bytes = [0; 100];
        let mut hear = || {
            let count = hears.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        };
        assert_eq!(hear(), "READY=1");
        let reloading = hear();
        let stamp = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(stamp.parse::<u128>().unwrap() <= monotonic());
        assert_eq!(manager.watchdog(), Some(Duration::from_secs(15)));
        drop(hears);
        assert!(manager.tell(State::Alive).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_without_a_path_is_found() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("estafeta-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let hears = UnixDatagram::bind_addr(&address).unwrap();
        connect(format!("@{name}").into()).unwrap().send(b"x").unwrap();
        assert_eq!(hears.recv(&mut [0; 9]).unwrap(), 1);
    }

    #[test]
    fn without_a_manager_all_is_well() {
        let manager = Manager::default();
        assert!(!manager.is_present() && manager.watchdog().is_none());
        manager.tell(State::Ready).unwrap();
    }
}
