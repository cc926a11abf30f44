//! What TLS a server must have before it gets a message.

use crate::road::{Host, List};
use crate::{Hop, HopTls, Trouble};
use core_world::{DialError, Later, Standing, Trust};
use words_mail::Domain;

/// What the domain that mail is for demands of its servers' TLS: MTA-STS, DANE.
pub trait Policy: Send + Sync {
    /// What `host` must show before it gets mail for `domain`. An error: it cannot be known now, or
    /// this host must not be used.
    fn demand<'a>(
        &'a self,
        domain: &'a Domain,
        host: &'a Host,
    ) -> Later<'a, Result<Demand, Trouble>>;

    /// What came of it: for reports to the domain (RFC 8460).
    fn seen(&self, domain: &Domain, host: &Host, demand: &Demand, seen: TlsSeen<'_>);
}

/// What came of an attempt to use TLS.
#[derive(Clone, Copy, Debug)]
pub enum TlsSeen<'a> {
    /// It was as demanded.
    Good,
    /// The server did not offer it.
    NotOffered,
    /// It failed so.
    Failed(&'a DialError),
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

/// Nobody demands anything: TLS where it is offered.
pub struct Unasked;

impl Policy for Unasked {
    fn demand<'a>(&'a self, _: &'a Domain, _: &'a Host) -> Later<'a, Result<Demand, Trouble>> {
        Box::pin(std::future::ready(Ok(Demand::Opportunistic)))
    }

    fn seen(&self, _: &Domain, _: &Host, _: &Demand, _: TlsSeen<'_>) {}
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
pub fn with_requiretls(demand: Demand, host: &Host) -> Result<Demand, Trouble> {
    let known = host.listed == Standing::Secure || host.list == List::Route;
    match demand {
        Demand::Certain(trust) => Ok(Demand::Certain(trust)),
        Demand::Opportunistic if known => {
            Ok(Demand::Certain(Trust::Names(vec![host.name.clone()])))
        }
        Demand::Opportunistic | Demand::Never => Err(Trouble::permanent(
            7,
            30,
            format!(
                "the sender requires TLS all the way (REQUIRETLS), and {} cannot be told for certain \
                 from an impostor",
                host.name
            ),
        )),
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
            let got = with_requiretls(demand.clone(), &host(list, listed));
            if let Err(trouble) = &got {
                assert!(trouble.permanent);
            }
            assert_eq!(got.ok(), found, "{demand:?} {list:?} {listed:?}");
        }
    }
}
