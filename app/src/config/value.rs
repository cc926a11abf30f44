//! What the value of a key may be: how it is read from the file, and written.

use super::reading::{Item, Reading, nearest};
use crate::log;
use crate::network::Network;
use crate::service::Service;
use crate::size;
use serde_json::{Value as Json, json};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use toml::de::DeValue;
use words_mail::Domain;

/// Something that a key may have.
pub trait Value: Clone + PartialEq {
    /// What is expected, as in `a size, as in "50M"`.
    fn kind() -> String;

    /// Reads it; if it cannot be read, says so.
    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Self>;

    /// One that might be there, for a key that has no default.
    fn example() -> Json {
        Json::Null
    }

    /// Writes it; `null` if there is none. JSON's texts, numbers and lists are TOML's too.
    fn write(&self) -> Json;
}

/// The text of `item`, if it is one.
fn text<'a>(item: &Item<'a>, kind: &str, reading: &mut Reading) -> Option<&'a str> {
    match item.value {
        DeValue::String(text) => Some(text.as_ref()),
        _ => {
            reading.wrong_kind(item, kind, "write it between quotation marks");
            None
        }
    }
}

/// A value that is read from a text; the error says what to do.
fn parsed<T>(
    item: &Item<'_>,
    kind: &str,
    reading: &mut Reading,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = text(item, kind, reading)?;
    match parse(text) {
        Ok(value) => Some(value),
        Err(mend) => {
            reading.wrong_kind(item, kind, mend);
            None
        }
    }
}

/// A whole number from `min` to `max`.
fn whole(item: &Item<'_>, kind: &str, min: u64, max: u64, reading: &mut Reading) -> Option<u64> {
    let number = match item.value {
        DeValue::Integer(number) => {
            u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
        }
        DeValue::String(text) if text.as_ref().parse::<u64>().is_ok() => {
            reading.wrong_kind(item, kind, "leave the quotation marks away");
            return None;
        }
        _ => None,
    };
    let number = number.filter(|number| (min..=max).contains(number));
    if number.is_none() {
        reading.wrong_kind(item, kind, "choose one of these");
    }
    number
}

/// One of a few words.
fn choice<T: Copy>(
    item: &Item<'_>,
    kind: &str,
    choices: &[(&'static str, T)],
    reading: &mut Reading,
) -> Option<T> {
    parsed(item, kind, reading, |text| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(*value),
            None => Err(match nearest(text, &names) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "choose one of these".to_string(),
            }),
        }
    })
}

/// `"a", "b" or "c"`
fn one_of<T>(choices: &[(&str, T)]) -> String {
    let mut quoted: Vec<String> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
    let last = quoted.pop().unwrap_or_default();
    if quoted.is_empty() { last } else { format!("{} or {last}", quoted.join(", ")) }
}

fn name_of<T: PartialEq>(choices: &[(&'static str, T)], value: &T) -> Json {
    choices.iter().find(|(_, other)| other == value).map_or(Json::Null, |(name, _)| json!(name))
}

impl<T: Value> Value for Option<T> {
    fn kind() -> String {
        T::kind()
    }

    fn example() -> Json {
        T::example()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Option<T>> {
        T::read(item, reading).map(Some)
    }

    fn write(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::write)
    }
}

/// A list of values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T: Value> Value for List<T> {
    fn kind() -> String {
        format!("a list, of which each is {}", T::kind())
    }

    /// One value alone is a list of one.
    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<List<T>> {
        let Some(entries) = item.entries() else {
            return T::read(item, reading).map(|value| List(vec![value]));
        };
        let read: Vec<Option<T>> = entries.iter().map(|entry| T::read(entry, reading)).collect();
        read.into_iter().collect::<Option<Vec<T>>>().map(List)
    }

    fn write(&self) -> Json {
        Json::Array(self.0.iter().map(T::write).collect())
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const MIN: u64, const MAX: u64>(pub u64);

impl<const MIN: u64, const MAX: u64> Value for Count<MIN, MAX> {
    fn kind() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Self> {
        whole(item, &Self::kind(), MIN, MAX, reading).map(Count)
    }

    fn example() -> Json {
        json!(MIN.max(1000).min(MAX))
    }

    fn write(&self) -> Json {
        json!(self.0)
    }
}

/// A port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u16);

impl Value for Port {
    fn kind() -> String {
        "a port from 1 to 65535".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Port> {
        let number = whole(item, &Port::kind(), 1, u16::MAX.into(), reading)?;
        number.try_into().ok().map(Port)
    }

    fn example() -> Json {
        json!(25)
    }

    fn write(&self) -> Json {
        json!(self.0)
    }
}

/// Yes or no.
impl Value for bool {
    fn kind() -> String {
        "true or false".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<bool> {
        match item.value {
            DeValue::Boolean(value) => Some(*value),
            DeValue::String(text) if matches!(text.as_ref(), "true" | "false") => {
                reading.wrong_kind(item, &bool::kind(), "leave the quotation marks away");
                None
            }
            _ => {
                reading.wrong_kind(item, &bool::kind(), "choose one of these");
                None
            }
        }
    }

    fn write(&self) -> Json {
        json!(self)
    }
}

/// Octets, from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octets<const MIN: u64, const MAX: u64>(pub u64);

impl<const MIN: u64, const MAX: u64> Value for Octets<MIN, MAX> {
    fn kind() -> String {
        let [min, max] = [MIN, MAX].map(|size| size::show(Some(size)));
        format!("a size from {min} to {max}, as in \"50M\"")
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Self> {
        if matches!(item.value, DeValue::Integer(_)) {
            return whole(item, &Self::kind(), MIN, MAX, reading).map(Octets);
        }
        parsed(item, &Self::kind(), reading, |text| {
            let mend = "write a number and K, M, G or T, and keep to these limits";
            let size = size::limit(text).ok().flatten();
            let size = size.filter(|size| (MIN..=MAX).contains(size));
            size.map(Octets).ok_or_else(|| mend.to_string())
        })
    }

    fn write(&self) -> Json {
        json!(size::show(Some(self.0)))
    }
}

/// A time span, from `MIN` to `MAX` seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<const MIN: u64, const MAX: u64>(pub u64);

/// Units of time spans, in seconds.
const UNITS: [(&str, u64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

impl<const MIN: u64, const MAX: u64> Span<MIN, MAX> {
    /// As the library has it.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl<const MIN: u64, const MAX: u64> Value for Span<MIN, MAX> {
    fn kind() -> String {
        format!("a time span from {} to {}, as in \"30s\"", show_span(MIN), show_span(MAX))
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Self> {
        parsed(item, &Self::kind(), reading, |text| {
            let mend = || "write a number and s, m, h or d, and keep to these limits".to_string();
            let unit = UNITS
                .iter()
                .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?.trim_end(), *seconds)));
            let (number, seconds) = unit.ok_or_else(mend)?;
            let number: u64 = number.parse().map_err(|_| mend())?;
            let span = number.checked_mul(seconds).filter(|span| (MIN..=MAX).contains(span));
            span.map(Span).ok_or_else(mend)
        })
    }

    fn write(&self) -> Json {
        json!(show_span(self.0))
    }
}

fn show_span(seconds: u64) -> String {
    let whole = |(_, unit): &&(&str, u64)| seconds > 0 && seconds.is_multiple_of(*unit);
    let (unit, length) = UNITS.iter().find(whole).unwrap_or(&("s", 1));
    format!("{}{unit}", seconds / length)
}

/// What stands between a name and what its owner adds to it; nothing if they may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separator(pub Option<char>);

impl Value for Separator {
    fn kind() -> String {
        "one of the characters + - _ = # or \"\" for none".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Separator> {
        parsed(item, &Separator::kind(), reading, |text| {
            let mut letters = text.chars();
            match (letters.next(), letters.next()) {
                (None, _) => Ok(Separator(None)),
                (Some(letter), None) if "+-_=#".contains(letter) => Ok(Separator(Some(letter))),
                _ => Err("choose one of these".to_string()),
            }
        })
    }

    fn write(&self) -> Json {
        json!(self.0.map(String::from).unwrap_or_default())
    }
}

/// A file or directory. A relative path begins at the directory of the configuration file.
impl Value for PathBuf {
    fn kind() -> String {
        "a path".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<PathBuf> {
        parsed(item, &PathBuf::kind(), reading, |text| match text.is_empty() {
            true => Err("name one".to_string()),
            false => Ok(PathBuf::from(text)),
        })
    }

    fn example() -> Json {
        json!("/etc/estafeta/mail.pem")
    }

    fn write(&self) -> Json {
        json!(self.to_string_lossy())
    }
}

/// The name of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(pub String);

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<HostName, String> {
        let domain = Domain::parse(text);
        domain.map(|domain| HostName(domain.to_string())).map_err(|_| {
            "a host name has letters, digits and hyphens, with dots between".to_string()
        })
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for HostName {
    fn kind() -> String {
        "a host name, as in \"mail.example.org\"".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<HostName> {
        parsed(item, &HostName::kind(), reading, str::parse)
    }

    fn example() -> Json {
        json!("mail.example.org")
    }

    fn write(&self) -> Json {
        json!(self.0)
    }
}

/// A user or group of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemName(pub String);

impl Value for SystemName {
    fn kind() -> String {
        "the name of one that the system has".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<SystemName> {
        parsed(item, &SystemName::kind(), reading, |text| match text.is_empty() {
            true => Err("name one".to_string()),
            false => Ok(SystemName(text.to_string())),
        })
    }

    fn example() -> Json {
        json!("estafeta")
    }

    fn write(&self) -> Json {
        json!(self.0)
    }
}

/// A text of one line, whatever it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl Value for Text {
    fn kind() -> String {
        "a text".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Text> {
        parsed(item, &Text::kind(), reading, |text| {
            match text.is_empty() || text.contains(char::is_control) {
                true => Err("write something on one line, or leave the line away".to_string()),
                false => Ok(Text(text.to_string())),
            }
        })
    }

    fn example() -> Json {
        json!("text")
    }

    fn write(&self) -> Json {
        json!(self.0)
    }
}

/// A DNS server: an address, and a port if it is not 53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server(pub SocketAddr);

/// Where DNS servers are asked.
const DNS_PORT: u16 = 53;

impl Value for Server {
    fn kind() -> String {
        "the address of a DNS server, as in \"192.0.2.53\" or \"127.0.0.1:5353\"".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Server> {
        parsed(item, &Server::kind(), reading, |text| {
            let with_port = |address| SocketAddr::new(address, DNS_PORT);
            let address = text.parse().or_else(|_| text.parse::<IpAddr>().map(with_port));
            address.map(Server).map_err(|_| "write it in numbers".to_string())
        })
    }

    fn example() -> Json {
        json!("192.0.2.53")
    }

    fn write(&self) -> Json {
        match self.0.port() {
            DNS_PORT => json!(self.0.ip().to_string()),
            _ => json!(self.0.to_string()),
        }
    }
}

impl Value for IpAddr {
    fn kind() -> String {
        "an IP address".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<IpAddr> {
        parsed(item, &IpAddr::kind(), reading, |text| {
            let mend =
                |_| "write it in numbers, as in \"192.0.2.1\" or \"2001:db8::1\"".to_string();
            text.parse().map_err(mend)
        })
    }

    fn example() -> Json {
        json!("192.0.2.1")
    }

    fn write(&self) -> Json {
        json!(self.to_string())
    }
}

impl Value for Network {
    fn kind() -> String {
        "a network, as in \"192.0.2.0/24\" or \"2001:db8::/32\"".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Network> {
        parsed(item, &Network::kind(), reading, |text| {
            text.parse().map_err(|_| "write an address, a slash, and how many bits count".into())
        })
    }

    fn write(&self) -> Json {
        json!(self.to_string())
    }
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// At every address that this machine has.
    Every,
    /// At this one.
    One(IpAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Every => f.write_str("*"),
            Address::One(address) => address.fmt(f),
        }
    }
}

impl Value for Address {
    fn kind() -> String {
        "an address of this machine, as in \"192.0.2.7\", or \"*\" for all".to_string()
    }

    fn read(item: &Item<'_>, reading: &mut Reading) -> Option<Address> {
        parsed(item, &Address::kind(), reading, |text| match text {
            "*" => Ok(Address::Every),
            _ => {
                text.parse().map(Address::One).map_err(|_| "write numbers, not a name".to_string())
            }
        })
    }

    fn write(&self) -> Json {
        json!(self.to_string())
    }
}

/// Declares that a type is one of a few words.
macro_rules! choices {
    ($Type:ty, [$(($name:literal, $value:expr)),* $(,)?]) => {
        impl Value for $Type {
            fn kind() -> String {
                let choices: &[(&'static str, $Type)] = &[$(($name, $value)),*];
                one_of(choices)
            }

            fn read(item: &Item<'_>, reading: &mut Reading) -> Option<$Type> {
                choice(item, &Self::kind(), &[$(($name, $value)),*], reading)
            }

            fn example() -> Json {
                let first: &[&str] = &[$($name),*];
                json!(first.first())
            }

            fn write(&self) -> Json {
                name_of(&[$(($name, $value)),*], self)
            }
        }
    };
}

choices!(
    Service,
    [
        ("smtp", Service::Smtp),
        ("submission", Service::Submission),
        ("submissions", Service::Submissions),
        ("pop3", Service::Pop3),
        ("pop3s", Service::Pop3s),
        ("imap", Service::Imap),
        ("imaps", Service::Imaps),
        ("lmtp", Service::Lmtp),
    ]
);

/// When a listener's connections are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// When the client asks for it.
    StartTls,
    /// From the first octet.
    Implicit,
    /// Never.
    None,
}

choices!(
    TlsMode,
    [("starttls", TlsMode::StartTls), ("implicit", TlsMode::Implicit), ("none", TlsMode::None)]
);

/// Whose password may cross a connection that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleartext {
    /// Nobody's.
    Never,
    /// That of programs on this machine.
    Loopback,
    /// Also that of machines in `my_networks`.
    Trusted,
    /// Everybody's.
    Always,
}

choices!(
    Cleartext,
    [
        ("never", Cleartext::Never),
        ("loopback", Cleartext::Loopback),
        ("trusted", Cleartext::Trusted),
        ("always", Cleartext::Always),
    ]
);

/// How a connection to another server of a route is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayTls {
    /// If it can be.
    IfOffered,
    /// With STARTTLS and a certificate for the host, or not at all.
    StartTls,
    /// From the first octet, with a certificate for the host.
    Implicit,
    /// Never.
    None,
}

choices!(
    WayTls,
    [
        ("if-offered", WayTls::IfOffered),
        ("starttls", WayTls::StartTls),
        ("implicit", WayTls::Implicit),
        ("none", WayTls::None),
    ]
);

/// How it is proved to an authority that names are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcmeChallenge {
    /// By a certificate at port 443 (RFC 8737).
    TlsAlpn,
    /// By a file at port 80 (RFC 8555).
    Http,
}

choices!(
    AcmeChallenge,
    [("tls-alpn-01", AcmeChallenge::TlsAlpn), ("http-01", AcmeChallenge::Http)]
);

/// Those who may know people that are not entered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserSource {
    /// An LDAP directory.
    Ldap,
    /// The users of this system.
    System,
}

choices!(UserSource, [("ldap", UserSource::Ldap), ("system", UserSource::System)]);

choices!(
    log::Form,
    [("words", log::Form::Words), ("human", log::Form::Human), ("json", log::Form::Json)]
);

choices!(
    log::Amount,
    [
        ("warnings", log::Amount::Warnings),
        ("usual", log::Amount::Usual),
        ("everything", log::Amount::Everything),
    ]
);
