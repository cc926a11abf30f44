//! What no single value shows: whether they fit together, and whether the machine has what they
//! speak of.

mod users;

use super::reading::Reading;
use super::schema::{Certificate, Config, Listener};
use super::value::{Address, Cleartext, HostName, Port, SystemName, TlsMode, WayTls};
use crate::service::Service;
use engine_net::{Certificate as Keys, CertificateError};
use engine_process::{Identity, IdentityError, is_root};
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use words_base::Timestamp;

/// Octets of a file with certificates or a key.
const PEM_MAX: u64 = 1024 * 1024;

/// A certificate of the configuration, read.
#[derive(Clone, Debug)]
pub struct Keypair {
    /// Where its chain came from.
    pub chain: PathBuf,
    /// Where its key came from.
    pub key: PathBuf,
    /// Both.
    pub certificate: Keys,
}

/// Looks at everything, and gives the certificates that are good.
pub fn check(config: &Config, reading: &mut Reading) -> Vec<Keypair> {
    host_name(config, reading);
    user(config, reading);
    listeners(config, reading);
    for (index, directory) in config.reach.0.iter().enumerate() {
        if !directory.is_dir() {
            let what = format!("there is no directory {}", directory.display());
            reading.warning_at(&format!("reach[{index}]"), what, "make it, or leave it out");
        }
    }
    routes(config, reading);
    users::check(config, reading);
    certificates(config, reading)
}

fn routes(config: &Config, reading: &mut Reading) {
    for (index, route) in config.route.iter().enumerate() {
        let at = |key: &str| format!("route[{index}].{key}");
        if reading.is_wrong(&format!("route[{index}]")) {
            continue;
        }
        if route.host.is_none() && !reading.is_set(&at("host")) {
            let what = "a route needs a host".to_string();
            reading.mistake_at(&at("host"), what, "add one, as in host = \"smtp.example.net\"");
        }
        match (&route.user, &route.password_file) {
            (Some(_), None) if !reading.is_set(&at("password_file")) => {
                let what = "a login needs a password".to_string();
                let mend = "write it into a file of its own, and name that: password_file = \"…\"";
                reading.mistake_at(&at("user"), what, mend);
            }
            (Some(_), Some(_)) if matches!(route.tls, WayTls::IfOffered | WayTls::None) => {
                let what = "a password would go out without encryption, or to whoever answers";
                let mend = "write tls = \"starttls\" or tls = \"implicit\"";
                reading.mistake_at(&at("user"), what.to_string(), mend);
            }
            _ => {}
        }
        if let Some(file) = &route.password_file
            && let Err(error) = fs::metadata(file)
        {
            let what = format!("{}: {error}", file.display());
            reading.mistake_at(&at("password_file"), what, "make it readable, or name another");
        }
    }
}

fn host_name(config: &Config, reading: &mut Reading) {
    let mend =
        "write the name by which other servers find this one: host_name = \"mail.example.org\"";
    match &config.host_name {
        _ if reading.is_wrong("host_name") => {}
        None => {
            let what = "this machine has no name that can be told to others".to_string();
            reading.warning_at("host_name", what, mend);
        }
        Some(HostName(name)) if !name.contains('.') => {
            let what = format!("{name:?} is not a whole name; other servers may refuse our mail");
            reading.warning_at("host_name", what, mend);
        }
        Some(_) => {}
    }
}

fn user(config: &Config, reading: &mut Reading) {
    if reading.is_wrong("user") || reading.is_wrong("group") {
        return;
    }
    let Err(error) = identity(config) else { return };
    let text = error.to_string();
    let (what, mend) = text.rsplit_once(": ").unwrap_or((&text, "name another"));
    let (what, at) = match error {
        IdentityError::UnknownGroup(_) => (what.to_string(), "group"),
        _ => (what.to_string(), "user"),
    };
    match reading.is_set(at) {
        true => reading.mistake_at(at, what, mend),
        // It matters to root alone, who is told so again at the start.
        false if is_root() => reading.warning_at(at, what, mend),
        false => {}
    }
}

/// Who root becomes.
pub fn identity(config: &Config) -> Result<Identity, IdentityError> {
    let identity = Identity::find(&config.user.0)?;
    match &config.group {
        Some(SystemName(group)) => identity.in_group(group),
        None => Ok(identity),
    }
}

fn listeners(config: &Config, reading: &mut Reading) {
    for (index, listener) in config.listener.iter().enumerate() {
        let at = |key: &str| format!("listener[{index}].{key}");
        let Some(service) = listener.service else {
            let is_section = !reading.is_wrong(&format!("listener[{index}]"));
            if is_section && !reading.is_set(&at("service")) {
                let what = "a listener needs a service".to_string();
                reading.mistake_at(&at("service"), what, "add one, as in service = \"smtp\"");
            }
            continue;
        };
        let is_read = reading.is_set(&at("port"));
        match listener.port {
            None if !is_read => {
                let what = format!("{service} has no standard port");
                reading.mistake_at(&at("port"), what, "add one, as in port = 24");
            }
            None => {}
            Some(Port(port)) => {
                doubles(config, index, listener, port, reading);
            }
        }
        tls(config, service, listener, &at("tls"), reading);
        if listener.address.0.is_empty() {
            let what = "a listener without an address hears nothing".to_string();
            reading.mistake_at(&at("address"), what, "name one, or leave the line away");
        }
    }
}

/// Is the port of this listener also that of an earlier one?
fn doubles(config: &Config, index: usize, listener: &Listener, port: u16, reading: &mut Reading) {
    let at = format!("listener[{index}].port");
    for (place, address) in listener.address.0.iter().enumerate() {
        let mut earlier = config.listener.iter().take(index).filter(|other| {
            other.port == Some(Port(port)) && other.address.0.iter().any(|o| overlap(*o, *address))
        });
        let within = listener.address.0.iter().take(place).any(|o| overlap(*o, *address));
        let other = earlier.next_back().and_then(|other| other.service).map(Service::name);
        let what = match (other, within) {
            (Some(other), _) => {
                format!("port {port} at {address} is taken by the listener for {other} already")
            }
            (None, true) => format!("{address} is named twice"),
            (None, false) => continue,
        };
        reading.mistake_at(&at, what, "choose another port or address, or remove one of the two");
        return;
    }
}

/// Can not both be listened to at one port?
fn overlap(one: Address, other: Address) -> bool {
    match (one, other) {
        (Address::One(one), Address::One(other)) => {
            let same = one == other;
            let family = one.is_ipv4() == other.is_ipv4();
            same || family && (one.is_unspecified() || other.is_unspecified())
        }
        _ => true,
    }
}

fn tls(config: &Config, service: Service, listener: &Listener, at: &str, reading: &mut Reading) {
    let Some(mode) = listener.tls else { return };
    if service.is_implicit_tls() && mode != TlsMode::Implicit {
        let what = format!("{service} is encrypted from the first octet, by definition");
        let plain = service.name().trim_end_matches('s');
        let mend = format!("write service = {plain:?}, or leave this line away");
        return reading.mistake_at(at, what, mend);
    }
    let people_log_in = !matches!(service, Service::Smtp | Service::Lmtp);
    let refused = matches!(config.login.cleartext, Cleartext::Never | Cleartext::Loopback);
    if people_log_in && mode == TlsMode::None && refused {
        let what = format!("nobody from elsewhere can log in at {service} without encryption");
        let mend = "write tls = \"starttls\", or see login.cleartext";
        reading.warning_at(at, what, mend);
    }
}

fn certificates(config: &Config, reading: &mut Reading) -> Vec<Keypair> {
    let mut good: Vec<Keypair> = Vec::new();
    for (index, certificate) in config.certificate.iter().enumerate() {
        let at = |key: &str| format!("certificate[{index}].{key}");
        let is_section = !reading.is_wrong(&format!("certificate[{index}]"));
        for (key, path) in [("chain", &certificate.chain), ("key", &certificate.key)] {
            if is_section && path.is_none() && !reading.is_set(&at(key)) {
                let what = format!("a certificate needs a {key}");
                let mend = format!("add the file, as in {key} = \"/etc/estafeta/{key}.pem\"");
                reading.mistake_at(&at(key), what, mend);
            }
        }
        let Some(keypair) = keypair(certificate, &at, reading) else { continue };
        dates(&keypair, &at("chain"), reading);
        if keypair.certificate.names().is_empty() {
            let what = "the certificate is for no name; clients will not accept it".to_string();
            let mend = "have one made with the host name among its alternative names";
            reading.warning_at(&at("chain"), what, mend);
        }
        good.push(keypair);
    }
    let host_name = config.host_name();
    let is_for_host = |keypair: &Keypair| keypair.certificate.check_name(&host_name).is_ok();
    if !good.is_empty() && !good.iter().any(is_for_host) && !reading.is_wrong("host_name") {
        let what = format!("no certificate is for {host_name}, the name of this server");
        let mend = "have one made for that name, or mend host_name";
        reading.warning_at("certificate[0].chain", what, mend);
    }
    good
}

fn keypair(
    certificate: &Certificate,
    at: &impl Fn(&str) -> String,
    reading: &mut Reading,
) -> Option<Keypair> {
    let mut file = |key: &str, path: Option<&PathBuf>| {
        let path = path?;
        read_pem(path)
            .map_err(|error| {
                let (what, mend) = explain(path, &error);
                reading.mistake_at(&at(key), what, mend);
            })
            .ok()
    };
    // Both are looked at, even if one cannot be read.
    let chain = file("chain", certificate.chain.as_ref());
    let key = file("key", certificate.key.as_ref());
    let (chain, key) = (chain?, key?);
    match Keys::from_pem(&chain, &key) {
        Ok(keys) => Some(Keypair {
            chain: certificate.chain.clone()?,
            key: certificate.key.clone()?,
            certificate: keys,
        }),
        Err(error) => {
            let is_about_key = match &error {
                CertificateError::Pem(what, _) => *what == "private key",
                CertificateError::Encrypted | CertificateError::OtherKey(_) => true,
                _ => false,
            };
            let text = error.to_string();
            let (what, mend) = text.rsplit_once(": ").unwrap_or((&text, "look into the file"));
            let key = if is_about_key { "key" } else { "chain" };
            reading.mistake_at(&at(key), what.to_string(), mend);
            None
        }
    }
}

/// Reads a certificate's two files anew.
pub fn reread(keypair: &Keypair) -> Result<Keypair, String> {
    let read = |path: &Path| {
        read_pem(path).map_err(|error| {
            let (what, mend) = explain(path, &error);
            format!("{what}: {mend}")
        })
    };
    let certificate = Keys::from_pem(&read(&keypair.chain)?, &read(&keypair.key)?)
        .map_err(|error| format!("{}: {error}", keypair.chain.display()))?;
    Ok(Keypair { certificate, ..keypair.clone() })
}

fn read_pem(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut octets = Vec::new();
    file.take(PEM_MAX + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > PEM_MAX {
        return Err(io::Error::other("it is too large"));
    }
    Ok(octets)
}

fn explain(path: &Path, error: &io::Error) -> (String, String) {
    let path = path.display();
    match error.kind() {
        ErrorKind::NotFound => (
            format!("there is no file {path}"),
            "put it there, or name another; a relative path begins beside this file".to_string(),
        ),
        ErrorKind::PermissionDenied => (
            format!("no permission to read {path}"),
            "let the user that runs the server read it, or check as root".to_string(),
        ),
        _ => (format!("cannot read {path}: {error}"), "name another".to_string()),
    }
}

fn dates(keypair: &Keypair, at: &str, reading: &mut Reading) {
    if let Err(error) = keypair.certificate.check(now()) {
        let text = error.to_string();
        let (what, mend) = text.rsplit_once(": ").unwrap_or((&text, "renew it"));
        reading.warning_at(at, what.to_string(), mend);
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis().min(i64::MAX as u128) as i64)
}
