//! What TLS a server must have before it gets a message.

use crate::road::{Host, List};
use crate::{Hop, HopTls, Trouble};
use core_transport::{Obstacle, Place, Policies, Seen, Wish};
use core_world::{Later, Standing, Trust};

/// What the domain that mail is for demands of its servers' TLS: MTA-STS, DANE.
pub trait Policy: Send + Sync {
    /// What `host` must show before it gets mail for `domain`, an A-label, that has this wish. An
    /// error: it cannot be known now, or this host must not be used.
    fn demand<'a>(
        &'a self,
        domain: &'a str,
        host: &'a Host,
        wish: Wish,
    ) -> Later<'a, Result<Demand, Trouble>>;

    /// What came of it: for reports to the domain (RFC 8460).
    fn seen(&self, domain: &str, host: &Host, demand: &Demand, seen: Seen<'_>);
}

/// What a server must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing, not even where it could.
    Never,
    /// TLS if it works, with any certificate (RFC 7435).
    Opportunistic,
    /// TLS with such a certificate, or there is no mail.
    Certain(Trust),
}

impl Policy for Policies {
    fn demand<'a>(
        &'a self,
        domain: &'a str,
        host: &'a Host,
        wish: Wish,
    ) -> Later<'a, Result<Demand, Trouble>> {
        Box::pin(async move {
            let found = Policies::demand(self, &place(domain, host), wish).await;
            let requirement = found.map_err(|obstacle| withheld(host, obstacle))?;
            Ok(match requirement.demand {
                core_transport::Demand::Opportunistic => Demand::Opportunistic,
                core_transport::Demand::Encrypted
                | core_transport::Demand::Names(_)
                | core_transport::Demand::Dane(_) => Demand::Certain(requirement.trust),
            })
        })
    }

    fn seen(&self, domain: &str, host: &Host, demand: &Demand, seen: Seen<'_>) {
        let trust = match demand {
            Demand::Never | Demand::Opportunistic => &Trust::Anyone,
            Demand::Certain(trust) => trust,
        };
        Policies::seen(self, &place(domain, host), trust, seen);
    }
}

fn place<'a>(domain: &'a str, host: &'a Host) -> Place<'a> {
    let (listed, located) = (host.listed, host.located);
    Place { domain, host: &host.name, port: host.port, listed, located }
}

/// Why a host gets nothing.
fn withheld(host: &Host, obstacle: Obstacle) -> Trouble {
    let text = format!("{}: {obstacle}", host.name);
    match obstacle {
        Obstacle::NotVouchedFor => Trouble::permanent(7, 30, text),
        Obstacle::NotNamed => Trouble::temporary(7, 5, text),
        Obstacle::Bogus | Obstacle::Unknown => Trouble::temporary(4, 3, text),
    }
}

/// Nobody demands anything: TLS where it is offered.
pub struct Unasked;

impl Policy for Unasked {
    fn demand<'a>(
        &'a self,
        _: &'a str,
        host: &'a Host,
        wish: Wish,
    ) -> Later<'a, Result<Demand, Trouble>> {
        Box::pin(std::future::ready(with_wish(Demand::Opportunistic, host, wish)))
    }

    fn seen(&self, _: &str, _: &Host, _: &Demand, _: Seen<'_>) {}
}

/// What the operator's route demands.
pub fn of_hop(hop: &Hop) -> Demand {
    let trust = hop.pin.map_or(Trust::Authorities, Trust::Pinned);
    match hop.tls {
        HopTls::None => Demand::Never,
        // Whoever takes the password must be the one it is for.
        HopTls::Opportunistic if hop.login.is_some() => Demand::Certain(trust),
        HopTls::Opportunistic => Demand::Opportunistic,
        HopTls::Required | HopTls::Implicit => Demand::Certain(trust),
    }
}

/// What is demanded besides when the message itself wants certain TLS (RFC 8689 §4.2.1): a
/// certificate for a host that nobody can have put there.
pub fn with_wish(demand: Demand, host: &Host, wish: Wish) -> Result<Demand, Trouble> {
    let known = host.listed == Standing::Secure || host.list == List::Route;
    match (demand, wish) {
        (demand, Wish::Ordinary) => Ok(demand),
        (Demand::Never, Wish::NotRequired) => Ok(Demand::Never),
        (_, Wish::NotRequired) => Ok(Demand::Opportunistic),
        (Demand::Certain(trust), Wish::Required) => Ok(Demand::Certain(trust)),
        (Demand::Opportunistic, Wish::Required) if known => {
            Ok(Demand::Certain(Trust::Names(vec![host.name.clone()])))
        }
        (Demand::Opportunistic | Demand::Never, Wish::Required) => {
            Err(withheld(host, Obstacle::NotVouchedFor))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requiretls_wants_a_host_that_is_certain() {
        let host = |list, listed| Host {
            name: "mx.x.test".to_string(),
            port: 25,
            addresses: Vec::new(),
            list,
            listed,
            located: Standing::Insecure,
        };
        let named = Some(Demand::Certain(Trust::Names(vec!["mx.x.test".to_string()])));
        let dane = Demand::Certain(Trust::Dane { records: Vec::new(), names: Vec::new() });
        for (demand, list, listed, found) in [
            (Demand::Opportunistic, List::Mx, Standing::Insecure, None),
            (Demand::Opportunistic, List::Mx, Standing::Secure, named.clone()),
            (Demand::Opportunistic, List::Route, Standing::Insecure, named),
            (Demand::Never, List::Route, Standing::Insecure, None),
            (dane.clone(), List::Mx, Standing::Insecure, Some(dane)),
        ] {
            let got = with_wish(demand.clone(), &host(list, listed), Wish::Required);
            if let Err(trouble) = &got {
                assert!(trouble.permanent);
            }
            assert_eq!(got.ok(), found, "{demand:?} {list:?} {listed:?}");
        }
    }
}
