//! Ways that the operator has laid down: these recipients, or this sender's mail, go to that host.

use core_queue::{Destination, NewMessage, NextHop};
use core_world::Fingerprint;
use proto_sasl::client::Credentials;
use std::sync::Arc;
use words_mail::{AccountId, Address, Domain, ReversePath};

/// What the route to the smart host is called.
const SMART_HOST: &str = "smart-host";

/// The operator's routes. The first one that fits is taken; a smart host is a last one that fits
/// everything.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Arc<Route>>);

/// One of them: whom it is for, and where it leads.
#[derive(Clone, Debug)]
pub struct Route {
    /// What the operator calls it; it is shown, and mail for it is counted as one destination.
    pub name: String,
    /// The recipients it is for.
    pub recipient: RecipientMatch,
    /// The reverse-paths it is for.
    pub sender: SenderMatch,
    /// The account that submitted the message, if it is for one account alone.
    pub account: Option<AccountId>,
    /// Where it leads; `None`: as the DNS says, whatever later routes say.
    pub hop: Option<Hop>,
}

/// Which recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RecipientMatch {
    /// `*`
    #[default]
    Any,
    /// `example.org`: this domain alone.
    Domain(Domain),
    /// `.example.org`: every domain below it, not itself.
    Below(Domain),
}

/// Which reverse-paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SenderMatch {
    /// `*`, the null reverse-path among them.
    #[default]
    Any,
    /// One address.
    Address(Address),
    /// Every address of a domain.
    Domain(Domain),
}

/// A host that mail is handed to.
#[derive(Clone, Debug)]
pub struct Hop {
    /// A DNS name or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What TLS is wanted there.
    pub tls: HopTls,
    /// Is `host` a domain whose MX records are to be followed?
    pub mx: bool,
    /// Whose certificate will do where TLS is demanded, if it is not one of an authority.
    pub pin: Option<Fingerprint>,
    /// Who logs in there.
    pub login: Option<Credentials>,
}

/// What TLS is wanted at a [`Hop`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HopTls {
    /// None: for a host on the same machine.
    None,
    /// STARTTLS if it is offered, with any certificate.
    #[default]
    Opportunistic,
    /// STARTTLS with a certificate that an authority has issued for the host's name.
    Required,
    /// From the first octet (RFC 8314 §3.3), with such a certificate.
    Implicit,
}

/// Whose message it is, as far as routes ask.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The reverse-path.
    pub reverse_path: &'a ReversePath,
    /// Who submitted it, if one of our own people did.
    pub account: Option<AccountId>,
}

impl Routes {
    /// In the operator's order; `smart_host`, if there is one, takes what fits none of them.
    pub fn new(routes: Vec<Route>, smart_host: Option<Hop>) -> Routes {
        let last = smart_host.map(|hop| Route::everyone(SMART_HOST, hop));
        Routes(routes.into_iter().chain(last).map(Arc::new).collect())
    }

    /// The route for mail of `origin` to `domain`; `None`: as the DNS says.
    pub fn find(&self, origin: Origin<'_>, domain: &Domain) -> Option<&Arc<Route>> {
        self.0.iter().find(|route| route.fits(origin, domain)).filter(|route| route.hop.is_some())
    }

    /// The host that `destination` of a queued message names: a route, or `host:port`.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Route>> {
        let route = self.0.iter().find(|route| route.name == name && route.hop.is_some());
        route.cloned().or_else(|| Hop::given(name).map(|hop| Arc::new(Route::everyone(name, hop))))
    }
}

/// Mail of one route is one destination: its connections and its pauses are for the host that the
/// route leads to, not for the domains behind it.
impl NextHop for Routes {
    fn destination(&self, message: &NewMessage, recipient: &Address) -> Destination {
        let origin = Origin { reverse_path: &message.reverse_path, account: message.submitter };
        match self.find(origin, recipient.domain()) {
            Some(route) => Destination::Route(route.name.clone()),
            None => Destination::Domain(recipient.domain().clone()),
        }
    }
}

impl Hop {
    /// Reads `host:port`, as an operator gives it for mail that is in the queue already.
    fn given(text: &str) -> Option<Hop> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let good = host.parse::<std::net::IpAddr>().is_ok() || Domain::parse(host).is_ok();
        let port = port.parse().ok().filter(|port| *port != 0 && good)?;
        let (host, tls) = (host.to_string(), HopTls::Opportunistic);
        Some(Hop { host, port, tls, mx: false, pin: None, login: None })
    }
}

impl Route {
    fn everyone(name: impl Into<String>, hop: Hop) -> Route {
        let (recipient, sender) = (RecipientMatch::Any, SenderMatch::Any);
        Route { name: name.into(), recipient, sender, account: None, hop: Some(hop) }
    }

    fn fits(&self, origin: Origin<'_>, domain: &Domain) -> bool {
        self.recipient.fits(domain)
            && self.sender.fits(origin.reverse_path)
            && (self.account.is_none() || self.account == origin.account)
    }
}

impl RecipientMatch {
    /// Reads `*`, `example.org` or `.example.org`.
    pub fn parse(text: &str) -> Result<RecipientMatch, words_base::SyntaxError> {
        match text.strip_prefix('.') {
            _ if text == "*" => Ok(RecipientMatch::Any),
            Some(above) => Domain::parse(above).map(RecipientMatch::Below),
            None => Domain::parse(text).map(RecipientMatch::Domain),
        }
    }

    fn fits(&self, domain: &Domain) -> bool {
        match self {
            RecipientMatch::Any => true,
            RecipientMatch::Domain(this) => this == domain,
            RecipientMatch::Below(above) => domain
                .as_str()
                .strip_suffix(above.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    }
}

impl SenderMatch {
    /// Reads `*`, `ana@example.org`, `example.org` or `@example.org`.
    pub fn parse(text: &str) -> Result<SenderMatch, words_base::SyntaxError> {
        match text.strip_prefix('@') {
            _ if text == "*" => Ok(SenderMatch::Any),
            Some(domain) => Domain::parse(domain).map(SenderMatch::Domain),
            None if text.contains('@') => Address::parse(text).map(SenderMatch::Address),
            None => Domain::parse(text).map(SenderMatch::Domain),
        }
    }

    fn fits(&self, reverse_path: &ReversePath) -> bool {
        match (self, &reverse_path.0) {
            (SenderMatch::Any, _) => true,
            (_, None) => false,
            (SenderMatch::Address(this), Some(address)) => {
                this.domain() == address.domain()
                    && this.local_part().eq_ignore_ascii_case(address.local_part())
            }
            (SenderMatch::Domain(this), Some(address)) => this == address.domain(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(host: &str) -> Hop {
        Hop {
            host: host.into(),
            port: 25,
            tls: HopTls::Opportunistic,
            mx: false,
            pin: None,
            login: None,
        }
    }

    fn route(recipient: &str, sender: &str, account: Option<u32>, hop: Option<Hop>) -> Route {
        Route {
            name: format!("{recipient} {sender} {account:?}"),
            recipient: RecipientMatch::parse(recipient).unwrap(),
            sender: SenderMatch::parse(sender).unwrap(),
            account: account.map(AccountId),
            hop,
        }
    }

    #[test]
    fn the_first_route_that_fits_is_taken() {
        let routes = Routes::new(
            vec![
                route("direct.example.org", "*", None, None),
                route("example.org", "*", None, Some(hop("one"))),
                route(".example.org", "*", None, Some(hop("below"))),
                route("*", "ana@mired.org", None, Some(hop("ana"))),
                route("*", "@news.mired.org", None, Some(hop("news"))),
                route("*", "*", Some(7), Some(hop("seven"))),
            ],
            Some(hop("smart")),
        );
        for (from, account, to, host) in [
            ("ana@mired.org", None, "example.org", Some("one")),
            ("ana@mired.org", None, "a.b.example.org", Some("below")),
            ("ana@mired.org", None, "direct.example.org", None),
            ("ana@mired.org", None, "notexample.org", Some("ana")),
            ("Ana@mired.org", None, "x.test", Some("ana")),
            ("eva@news.mired.org", None, "x.test", Some("news")),
            ("eva@mired.org", Some(7), "x.test", Some("seven")),
            ("eva@mired.org", Some(8), "x.test", Some("smart")),
            ("", None, "x.test", Some("smart")),
            ("", None, "[192.0.2.1]", Some("smart")),
        ] {
            let reverse_path = ReversePath(Address::parse(from).ok());
            let origin = Origin { reverse_path: &reverse_path, account: account.map(AccountId) };
            let found = routes.find(origin, &Domain::parse(to).unwrap());
            let found = found.and_then(|route| route.hop.as_ref()).map(|hop| hop.host.as_str());
            assert_eq!(found, host, "{from} {account:?} {to}");
        }
    }

    #[test]
    fn an_operator_may_name_a_route_or_a_host() {
        let routes = Routes::new(vec![route("example.org", "*", None, Some(hop("one")))], None);
        for (name, found) in [
            ("example.org * None", Some(("one", 25))),
            ("mx.test:2525", Some(("mx.test", 2525))),
            ("127.0.0.1:25", Some(("127.0.0.1", 25))),
            ("[::1]:25", Some(("::1", 25))),
            ("mx.test", None),
            ("mx.test:0", None),
            ("m x:25", None),
        ] {
            let route = routes.named(name);
            let hop = route.as_ref().and_then(|route| route.hop.as_ref());
            assert_eq!(hop.map(|hop| (hop.host.as_str(), hop.port)), found, "{name}");
        }
    }

    #[test]
    fn without_routes_the_dns_is_asked() {
        let reverse_path = ReversePath(None);
        let origin = Origin { reverse_path: &reverse_path, account: None };
        assert!(Routes::default().find(origin, &Domain::parse("x.test").unwrap()).is_none());
    }
}
