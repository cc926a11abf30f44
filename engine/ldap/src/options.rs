//! What it needs to be told.

use crate::template::Template;
use crate::{Attributes, OptionsError};
use engine_net::Roots;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Ports of LDAP, and of LDAP in TLS from the first octet.
const PORTS: [u16; 2] = [389, 636];

/// Which directory, and how to ask it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Servers that all know the same: names or addresses, with a port if it is not the usual one.
    /// The first that can be reached is asked.
    pub servers: Vec<String>,
    /// When the connection is encrypted.
    pub encryption: Encryption,
    /// Whose certificates are believed.
    pub roots: Roots,
    /// How a password is verified.
    pub way: Way,
    /// As whom people are looked for. `None`: anonymously.
    pub service: Option<Account>,
    /// What says what.
    pub attributes: Attributes,
    /// How long an answer may take in all.
    pub within: Duration,
    /// Connections at once, at most.
    pub connections_max: usize,
}

/// When the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first octet.
    Implicit,
    /// By StartTLS (RFC 4511 §4.14), before anything else is said.
    StartTls,
    /// Never: whoever listens learns every password.
    None,
}

/// How a password is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a bind as the DN that the template makes of who is meant.
    Bind {
        /// As in `uid={user},ou=people,dc=mired,dc=org`.
        dn: String,
    },
    /// By a bind as the one entry that is found.
    Search {
        /// Below which DN.
        base: String,
        /// As in `(&(objectClass=person)(|(uid={user})(mail={address})))`.
        filter: String,
    },
}

/// One that may read the directory.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub dn: String,
    /// Its password.
    pub password: String,
}

/// Without the password.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.dn)
    }
}

/// Options that can be used.
pub(crate) struct Checked {
    /// Where to, in the order in which they are tried.
    pub(crate) urls: Vec<String>,
    pub(crate) is_starttls: bool,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) way: CheckedWay,
    pub(crate) service: Option<Account>,
    pub(crate) attributes: Attributes,
    pub(crate) within: Duration,
    pub(crate) connections_max: usize,
}

/// A [`Way`] that was read.
pub(crate) enum CheckedWay {
    Bind { dn: Template },
    Search { base: String, filter: Template },
}

impl Checked {
    pub(crate) fn new(options: Options) -> Result<Checked, OptionsError> {
        let wrong = |text: String| Err(OptionsError(text));
        if options.servers.is_empty() {
            return wrong("no server is named; name one, as in ldap.example.org".to_string());
        }
        let encryption = options.encryption;
        let urls = options.servers.iter().map(|server| url(server, encryption));
        let urls = urls.collect::<Result<_, _>>()?;
        if let Some(service) = &options.service
            && (service.dn.is_empty() || service.password.is_empty())
        {
            // That would be an anonymous one (RFC 4513 §5.1.2), and nobody would notice.
            return wrong("a service account needs a name and a password; give both".to_string());
        }
        if let Some(name) = options.attributes.wrong() {
            return wrong(format!("{name:?} is no name of an attribute; write it as in mail"));
        }
        Ok(Checked {
            urls,
            is_starttls: encryption == Encryption::StartTls,
            tls: tls(&options.roots)?,
            way: CheckedWay::new(&options.way)?,
            service: options.service,
            attributes: options.attributes,
            within: options.within,
            connections_max: options.connections_max.max(1),
        })
    }
}

impl CheckedWay {
    fn new(way: &Way) -> Result<CheckedWay, OptionsError> {
        let template = |text: &str| {
            let template = Template::parse(text)
                .map_err(|why| OptionsError(format!("{text}: {why}; correct it")))?;
            match template.tells_people_apart() {
                true => Ok(template),
                false => Err(OptionsError(format!("{text} is the same for all; put in {{user}}"))),
            }
        };
        Ok(match way {
            Way::Bind { dn } => CheckedWay::Bind { dn: template(dn)? },
            Way::Search { base, filter } => {
                let read = template(filter)?;
                if ldap3::parse_filter(filter.replace(['{', '}'], "")).is_err() {
                    return Err(OptionsError(format!(
                        "{filter} is no search filter; write it as in (uid={{user}})"
                    )));
                }
                CheckedWay::Search { base: base.clone(), filter: read }
            }
        })
    }
}

/// `ldap://host:port`
fn url(server: &str, encryption: Encryption) -> Result<String, OptionsError> {
    let (scheme, port) = match encryption {
        Encryption::Implicit => ("ldaps", PORTS[1]),
        Encryption::StartTls | Encryption::None => ("ldap", PORTS[0]),
    };
    let (host, port) = match server.rsplit_once(':') {
        // The colon of an address of IPv6.
        Some((before, _)) if before.contains(':') && !before.ends_with(']') => (server, Some(port)),
        Some((host, port)) => (host, port.parse().ok()),
        None => (server, Some(port)),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let good = !bare.is_empty()
        && bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    let Some(port) = port.filter(|_| good) else {
        return Err(OptionsError(format!(
            "{server:?} is no server; write it as in ldap.example.org or 192.0.2.1:389"
        )));
    };
    match bare.contains(':') {
        true => Ok(format!("{scheme}://[{bare}]:{port}")),
        false => Ok(format!("{scheme}://{bare}:{port}")),
    }
}

fn tls(roots: &Roots) -> Result<Arc<ClientConfig>, OptionsError> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OptionsError(format!("TLS cannot be used: {error}; see the build")))?
        .with_root_certificates(roots.store())
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(way: Way) -> Options {
        Options {
            servers: vec!["ldap.mired.org".to_string()],
            encryption: Encryption::StartTls,
            roots: Roots::none(),
            way,
            service: None,
            attributes: Attributes::default(),
            within: Duration::from_secs(5),
            connections_max: 4,
        }
    }

    fn bind(dn: &str) -> Way {
        Way::Bind { dn: dn.to_string() }
    }

    #[test]
    fn servers_are_read() {
        for (server, encryption, want) in [
            ("ldap.mired.org", Encryption::StartTls, Some("ldap://ldap.mired.org:389")),
            ("ldap.mired.org", Encryption::Implicit, Some("ldaps://ldap.mired.org:636")),
            ("192.0.2.1:3389", Encryption::None, Some("ldap://192.0.2.1:3389")),
            ("::1", Encryption::None, Some("ldap://[::1]:389")),
            ("[::1]:3389", Encryption::Implicit, Some("ldaps://[::1]:3389")),
            ("[2001:db8::1]", Encryption::None, Some("ldap://[2001:db8::1]:389")),
            ("", Encryption::None, None),
            ("ldap://x", Encryption::None, None),
            ("x:port", Encryption::None, None),
            ("x:99999", Encryption::None, None),
            ("a@b", Encryption::None, None),
        ] {
            assert_eq!(url(server, encryption).ok().as_deref(), want, "{server}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_the_mend() {
        let wrong = |options: Options| Checked::new(options).err().unwrap().to_string();
        let good = options(bind("uid={user},dc=mired,dc=org"));
        assert!(Checked::new(good.clone()).is_ok());
        let none = Options { servers: vec![], ..good.clone() };
        assert!(wrong(none).ends_with("as in ldap.example.org"));
        assert!(wrong(options(bind("cn=admin"))).ends_with("put in {user}"));
        assert!(wrong(options(bind("uid={login}"))).ends_with("correct it"));
        let service = Account { dn: "cn=x".to_string(), password: String::new() };
        assert!(wrong(Options { service: Some(service), ..good.clone() }).ends_with("give both"));
        let attributes = Attributes { user: "u id".to_string(), ..Attributes::default() };
        assert!(wrong(Options { attributes, ..good }).ends_with("as in mail"));
        let search = |filter: &str| Way::Search { base: String::new(), filter: filter.to_string() };
        assert!(Checked::new(options(search("(|(uid={user})(mail={address}))"))).is_ok());
        assert!(wrong(options(search("(uid={user}"))).ends_with("as in (uid={user})"));
    }
}
