//! Which listener gets which session and desk.

use crate::files;
use crate::network::Network;
use crate::office::{Office, SIZE_MAX};
use crate::service::Service;
use crate::words::{Words, about};
use anyhow::{Result, anyhow};
use core_delivery::Delivery;
use engine_net::{
    BindError, BindErrorKind, Listener, Options, Peer, Room, Security, Stopping, Tickets, Tls,
};
use proto_imap::ImapServer;
use proto_pop3::Pop3Server;
use proto_smtp::{Cleartext, Mode, SmtpSession, Standing, StartTls};
use serve_imap::ImapDesk;
use serve_login::Login;
use serve_pop3::Pop3Desk;
use serve_smtp::{SmtpDesk, Visitor};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Opens every port. The error tells which one cannot be opened, why, and what to do.
pub fn bind(
    address: IpAddr,
    ports: &[(Service, u16)],
    words: &Words,
) -> Result<Vec<(Service, Listener)>> {
    let bind = |(service, port): &(Service, u16)| {
        let listener = Listener::bind(service.name(), SocketAddr::new(address, *port));
        listener.map(|listener| (*service, listener)).map_err(|error| explain(&error, words))
    };
    ports.iter().map(bind).collect()
}

fn explain(error: &BindError, words: &Words) -> anyhow::Error {
    let port = format!("{} ({})", error.address.port(), error.name);
    match &error.kind {
        BindErrorKind::InUse => anyhow!(about(words.port_in_use, &port)),
        BindErrorKind::NotPermitted => anyhow!(about(words.port_not_permitted, &port)),
        BindErrorKind::NoSuchAddress => {
            anyhow!(about(words.no_such_address, &error.address.ip()))
        }
        BindErrorKind::Other(_) => anyhow!(error.to_string()),
    }
}

/// What listeners need to be told.
pub struct Settings {
    /// This server's name.
    pub host_name: String,
    /// Whose machines may send without login.
    pub networks: Vec<Network>,
    /// The certificate, with tickets.
    pub tls: Tls,
}

/// Everything that sessions are made of.
struct Counters {
    settings: Settings,
    office: Office,
    imap_office: Arc<serve_imap::Office>,
    delivery: Arc<Delivery>,
    login: Login,
    room: Room,
}

/// Begins to serve at each listener.
pub fn start(
    listeners: Vec<(Service, Listener)>,
    settings: Settings,
    office: &Office,
    stopping: &Stopping,
) -> Result<()> {
    let Office { directory, mail, world, .. } = office.clone();
    let options = serve_imap::Options { size_max: SIZE_MAX, ..serve_imap::Options::default() };
    let imap_office =
        serve_imap::Office::new(directory.clone(), mail.clone(), world.clone(), options);
    let options = core_delivery::Options {
        host_name: settings.host_name.clone(),
        size_max: SIZE_MAX,
        received_max: core_delivery::Options::RECEIVED_MAX,
    };
    let counters = Arc::new(Counters {
        imap_office: Arc::new(imap_office),
        delivery: Arc::new(Delivery::new(directory.clone(), mail, world.clone(), options)),
        login: Login::new(directory, world),
        office: office.clone(),
        room: files::room(),
        settings,
    });
    for (service, listener) in listeners {
        serve(service, listener, &counters, stopping.clone())?;
    }
    Ok(())
}

fn serve(
    service: Service,
    listener: Listener,
    counters: &Arc<Counters>,
    stopping: Stopping,
) -> Result<()> {
    let security = security(service, &counters.settings.tls)?;
    let room = Some(counters.room.clone());
    let options = Options { security, room, busy: service.busy(), ..Options::default() };
    let counters = counters.clone();
    match service {
        Service::Smtp | Service::Submission | Service::Submissions | Service::Lmtp => {
            let smtp = Arc::new(smtp_options(service, &counters.settings.host_name));
            let open = move |peer: Peer| counters.smtp(&smtp, peer);
            tokio::spawn(listener.serve(options, stopping, open));
        }
        Service::Pop3 | Service::Pop3s => {
            let open = move |peer: Peer| counters.pop3(service, peer);
            tokio::spawn(listener.serve(options, stopping, open));
        }
        Service::Imap | Service::Imaps => {
            let [clear, secret] = [true, false].map(|cleartext| {
                Arc::new(imap_options(service, &counters.settings.host_name, cleartext))
            });
            let open = move |peer: Peer| {
                let options = if is_local(peer) { &clear } else { &secret };
                counters.imap(options, peer)
            };
            tokio::spawn(listener.serve(options, stopping, open));
        }
    }
    Ok(())
}

/// Other servers get no tickets: some large senders fail at them.
fn security(service: Service, tls: &Tls) -> Result<Security> {
    Ok(match service {
        Service::Lmtp => Security::None,
        Service::Smtp => Security::Start(tls.with(Tickets::None)?),
        service if service.is_implicit_tls() => Security::Implicit(tls.clone()),
        _ => Security::Start(tls.clone()),
    })
}

fn smtp_options(service: Service, host_name: &str) -> proto_smtp::Options {
    let mode = match service {
        Service::Lmtp => Mode::Lmtp,
        Service::Submission | Service::Submissions => Mode::Submission,
        _ => Mode::Relay,
    };
    let starttls = match service {
        Service::Smtp | Service::Submission => StartTls::Offered,
        _ => StartTls::Unavailable,
    };
    proto_smtp::Options {
        starttls,
        size_max: SIZE_MAX,
        ..proto_smtp::Options::new(host_name, mode)
    }
}

fn imap_options(service: Service, host_name: &str, cleartext_login: bool) -> proto_imap::Options {
    proto_imap::Options {
        host: host_name.to_string(),
        size_max: SIZE_MAX,
        cleartext_login,
        tls_available: !service.is_implicit_tls(),
        ..proto_imap::Options::default()
    }
}

/// Does the connection stay on this machine? Then a password may cross it in the clear.
fn is_local(peer: Peer) -> bool {
    peer.address.ip().is_loopback()
}

impl Counters {
    fn smtp(&self, options: &Arc<proto_smtp::Options>, peer: Peer) -> (SmtpSession, SmtpDesk) {
        let trusted = self.settings.networks.iter().any(|n| n.contains(peer.address.ip()));
        let standing = if trusted { Standing::Trusted } else { Standing::Stranger };
        let cleartext = if is_local(peer) { Cleartext::Allowed } else { Cleartext::Refused };
        let session = SmtpSession::new(options.clone(), proto_smtp::Peer { standing, cleartext });
        let address = peer.address.ip();
        let visitor = Visitor { peer: login_peer(peer), address, standing };
        let desk = SmtpDesk::new(self.login.clone(), self.delivery.clone(), visitor);
        (session, desk)
    }

    fn pop3(&self, service: Service, peer: Peer) -> (Pop3Server, Pop3Desk) {
        let session = Pop3Server::new(proto_pop3::Options {
            host_name: self.settings.host_name.clone(),
            cleartext_login: is_local(peer),
            tls_available: !service.is_implicit_tls(),
            ..proto_pop3::Options::default()
        });
        let desk = Pop3Desk::new(self.login.clone(), self.office.mail.clone(), login_peer(peer));
        (session, desk)
    }

    fn imap(&self, options: &Arc<proto_imap::Options>, peer: Peer) -> (ImapServer, ImapDesk) {
        let desk = ImapDesk::new(self.imap_office.clone(), login_peer(peer));
        (ImapServer::new(options.clone()), desk)
    }
}

fn login_peer(peer: Peer) -> serve_login::Peer {
    serve_login::Peer {
        session: peer.session.to_string(),
        address: peer.address.to_string(),
        protocol: peer.listener,
    }
}
