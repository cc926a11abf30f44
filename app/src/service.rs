//! What can be listened for, and at which ports.

use crate::config::TlsMode;
use std::fmt;
use std::str::FromStr;

/// One kind of listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Mail from other servers (RFC 5321).
    Smtp,
    /// Mail from our own users (RFC 6409), with STARTTLS.
    Submission,
    /// The same inside TLS (RFC 8314).
    Submissions,
    /// Reading mail, with STLS (RFC 1939, 2595).
    Pop3,
    /// The same inside TLS.
    Pop3s,
    /// Reading mail, with STARTTLS (RFC 3501).
    Imap,
    /// The same inside TLS.
    Imaps,
    /// Mail from a server in front of this one (RFC 2033).
    Lmtp,
}

impl Service {
    /// Every one, in the order of the card.
    pub const ALL: [Service; 8] = [
        Service::Smtp,
        Service::Submission,
        Service::Submissions,
        Service::Pop3,
        Service::Pop3s,
        Service::Imap,
        Service::Imaps,
        Service::Lmtp,
    ];

    /// As it is written on the command line and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Service::Smtp => "smtp",
            Service::Submission => "submission",
            Service::Submissions => "submissions",
            Service::Pop3 => "pop3",
            Service::Pop3s => "pop3s",
            Service::Imap => "imap",
            Service::Imaps => "imaps",
            Service::Lmtp => "lmtp",
        }
    }

    /// The port that IANA gave it. LMTP has none, and is off.
    pub fn standard_port(self) -> Option<u16> {
        match self {
            Service::Smtp => Some(25),
            Service::Submission => Some(587),
            Service::Submissions => Some(465),
            Service::Pop3 => Some(110),
            Service::Pop3s => Some(995),
            Service::Imap => Some(143),
            Service::Imaps => Some(993),
            Service::Lmtp => None,
        }
    }

    /// The port that anybody may open: 2000 more.
    fn lab_port(self) -> Option<u16> {
        match self {
            Service::Smtp => Some(2525),
            other => other.standard_port().map(|port| port + 2000),
        }
    }

    /// Does it speak TLS from the first byte?
    pub fn is_implicit_tls(self) -> bool {
        matches!(self, Service::Submissions | Service::Pop3s | Service::Imaps)
    }

    /// When its connections are encrypted, unless told otherwise.
    pub fn usual_tls(self) -> TlsMode {
        match self {
            Service::Submissions | Service::Pop3s | Service::Imaps => TlsMode::Implicit,
            Service::Lmtp => TlsMode::None,
            Service::Smtp | Service::Submission | Service::Pop3 | Service::Imap => {
                TlsMode::StartTls
            }
        }
    }

    /// What one too many is told.
    pub fn busy(self) -> &'static str {
        match self {
            Service::Smtp | Service::Submission | Service::Submissions | Service::Lmtp => {
                "421 4.3.2 too many connections, try again later\r\n"
            }
            Service::Pop3 | Service::Pop3s => {
                "-ERR [SYS/TEMP] too many connections, try again later\r\n"
            }
            Service::Imap | Service::Imaps => {
                "* BYE [UNAVAILABLE] too many connections, try again later\r\n"
            }
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `SERVICE=PORT` of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortChoice(pub Service, pub Option<u16>);

impl FromStr for PortChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<PortChoice, String> {
        let (name, port) = text.split_once('=').ok_or("expected SERVICE=PORT, as in smtp=20025")?;
        let service = Service::ALL.into_iter().find(|service| service.name() == name);
        let names = Service::ALL.map(Service::name).join(", ");
        let service = service.ok_or_else(|| format!("expected one of {names}"))?;
        let port: u16 = port.parse().map_err(|_| "expected a port from 0 to 65535".to_string())?;
        Ok(PortChoice(service, (port != 0).then_some(port)))
    }
}

/// The port of each service that is on.
pub fn ports(standard: bool, choices: &[PortChoice]) -> Vec<(Service, u16)> {
    let port = |service: Service| {
        let choice = choices.iter().rfind(|choice| choice.0 == service);
        let usual = if standard { service.standard_port() } else { service.lab_port() };
        choice.map_or(usual, |choice| choice.1)
    };
    Service::ALL.into_iter().filter_map(|service| Some((service, port(service)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_the_usual_ones_unless_told() {
        let numbers = |standard, choices: &[&str]| {
            let choices: Vec<PortChoice> =
                choices.iter().map(|text| text.parse().unwrap()).collect();
            ports(standard, &choices).into_iter().map(|(_, port)| port).collect::<Vec<_>>()
        };
        assert_eq!(numbers(false, &[]), [2525, 2587, 2465, 2110, 2995, 2143, 2993]);
        assert_eq!(numbers(true, &[]), [25, 587, 465, 110, 995, 143, 993]);
        let chosen = numbers(false, &["smtp=1", "lmtp=24", "pop3=0", "smtp=20025"]);
        assert_eq!(chosen, [20025, 2587, 2465, 2995, 2143, 2993, 24]);
        for text in ["smtp", "smtp=", "smtp=70000", "nntp=119", "=25"] {
            assert!(text.parse::<PortChoice>().is_err(), "{text}");
        }
    }
}
