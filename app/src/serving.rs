//! Which listener gets which session and desk, and by which rules. The rules may change while the
//! server runs: who comes later is served by the new ones.

use crate::config::{Cleartext, Config, TlsMode};
use crate::doors::{Door, Kind};
use crate::files;
use crate::network::Network;
use crate::office::Office;
use crate::outgoing::Ways;
use crate::service::Service;
use anyhow::Result;
use core_delivery::Delivery;
use core_guard::{Blocklists, Greylist, Pace, Patience, SenderBook, SenderLimits};
use core_world::FileError;
use engine_net::{Options, Peer, Proxies, Room, Security, Stopping, Tickets, Tls};
use engine_system::SystemFiles;
use proto_imap::ImapServer;
use proto_pop3::Pop3Server;
use proto_smtp::{Dsn, Mode, RequireTls, SmtpSession, Standing, StartTls};
use rules_sender::Policy;
use serve_imap::ImapDesk;
use serve_login::Login;
use serve_pop3::Pop3Desk;
use serve_smtp::{Guard, SmtpDesk, Visitor};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tracing::warn;
use words_mail::Address;

/// IMAP's names for SCRAM.
const SCRAM: [&str; 2] = ["AUTH=SCRAM-SHA-256", "AUTH=SCRAM-SHA-256-PLUS"];

/// What sessions go by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// This server's name.
    host_name: String,
    /// Whose machines may send without login.
    networks: Vec<Network>,
    /// Whose passwords may come in the clear.
    cleartext: Cleartext,
    /// Is SCRAM offered? Not where passwords may be verified elsewhere.
    scram: bool,
    /// Octets of a message.
    size_max: u64,
    /// Recipients of a message.
    recipients_max: usize,
    /// What accounts may send.
    senders: SenderLimits,
    /// How long strangers wait for the greeting.
    greeting_delay: Duration,
    /// Who is asked whether others warn of them.
    blocklists: Vec<String>,
    /// Must strangers come twice?
    greylist: bool,
    /// Networks of this machine that are examined as strangers are.
    examine_also: Vec<Network>,
}

impl Rules {
    /// As the configuration says.
    pub fn of(config: &Config) -> Rules {
        Rules {
            host_name: config.host_name(),
            networks: config.my_networks.0.clone(),
            cleartext: config.login.cleartext,
            scram: config.users.from.0.is_empty(),
            size_max: config.limits.message_size.0,
            recipients_max: config.limits.recipients.0.try_into().unwrap_or(usize::MAX),
            senders: SenderLimits {
                hour: config.limits.recipients_per_hour.0,
                day: config.limits.recipients_per_day.0,
            },
            greeting_delay: config.door.greeting_delay.duration(),
            blocklists: config.door.blocklists.0.iter().map(|list| list.0.clone()).collect(),
            greylist: config.door.greylist,
            examine_also: config.door.examine_also.0.clone(),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Is the mail of `address` examined? Programs of this machine bring that of many.
    fn examines(&self, address: IpAddr) -> bool {
        !address.is_loopback() || self.examine_also.iter().any(|network| network.contains(address))
    }

    /// May a password come from `address` in the clear?
    fn allows_cleartext(&self, address: IpAddr) -> bool {
        match self.cleartext {
            Cleartext::Never => false,
            Cleartext::Loopback => address.is_loopback(),
            Cleartext::Trusted => address.is_loopback() || self.trusts(address),
            Cleartext::Always => true,
        }
    }
}

/// Everything that sessions are made of. Clones are the same.
#[derive(Clone)]
pub struct Counters(Arc<Inner>);

struct Inner {
    office: Office,
    ways: Ways,
    login: Login,
    imap_office: serve_imap::Office,
    kinds: Vec<Kind>,
    present: RwLock<Arc<Present>>,
}

/// What follows from the rules, made ready.
struct Present {
    rules: Rules,
    delivery: Arc<Delivery>,
    imap_office: Arc<serve_imap::Office>,
    /// For each door: options of a session of those who are let in at once, and of strangers.
    smtp: Vec<[Arc<proto_smtp::Options>; 2]>,
    guard: Arc<Guard>,
    /// For each door: where no password may come in the clear, and where it may.
    imap: Vec<[Arc<proto_imap::Options>; 2]>,
}

/// How many may come.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In all, if fewer than the system allows.
    pub connections_max: Option<u64>,
    /// From one address at one door.
    pub per_address_max: u64,
}

impl Limits {
    /// As the configuration says.
    pub fn of(config: &Config) -> Limits {
        Limits {
            connections_max: config.limits.connections.map(|count| count.0),
            per_address_max: config.limits.connections_per_address.0,
        }
    }
}

/// Begins to serve at each door.
pub fn start(
    doors: Vec<Door>,
    rules: Rules,
    limits: Limits,
    tls: &Tls,
    office: &Office,
    ways: &Ways,
    stopping: &Stopping,
) -> Result<Counters> {
    let kinds = doors.iter().map(|door| door.kind).collect();
    let counters = Counters::new(office, ways, kinds, rules);
    let room = files::room(limits.connections_max);
    for (index, door) in doors.into_iter().enumerate() {
        let options = options(&door, limits, tls, &room)?;
        counters.serve(index, door, options, stopping.clone());
    }
    Ok(counters)
}

fn options(door: &Door, limits: Limits, tls: &Tls, room: &Room) -> Result<Options> {
    let proxies = door.proxies.clone();
    let is_proxy = move |address| proxies.iter().any(|network| network.contains(address));
    Ok(Options {
        security: security(door.kind, tls)?,
        proxies: (!door.proxies.is_empty()).then(|| Proxies::new(is_proxy)),
        connections_per_address_max: limits.per_address_max.try_into().unwrap_or(usize::MAX),
        room: Some(room.clone()),
        busy: door.kind.service.busy(),
        ..Options::default()
    })
}

/// Other servers get no tickets: some large senders fail at them.
fn security(kind: Kind, tls: &Tls) -> Result<Security> {
    let tls = match kind.service {
        Service::Smtp => tls.with(Tickets::None)?,
        _ => tls.clone(),
    };
    Ok(match kind.tls {
        TlsMode::None => Security::None,
        TlsMode::StartTls => Security::Start(tls),
        TlsMode::Implicit => Security::Implicit(tls),
    })
}

fn smtp_options(kind: Kind, rules: &Rules, stranger: bool) -> proto_smtp::Options {
    let mode = match kind.service {
        Service::Lmtp => Mode::Lmtp,
        Service::Submission | Service::Submissions => Mode::Submission,
        _ => Mode::Relay,
    };
    let starttls = match kind.tls {
        TlsMode::StartTls => StartTls::Offered,
        TlsMode::Implicit | TlsMode::None => StartTls::Unavailable,
    };
    proto_smtp::Options {
        starttls,
        scram: rules.scram,
        // People are never held up, wherever they are.
        ask_who_comes: stranger && mode == Mode::Relay,
        dsn: Dsn::Offered,
        requiretls: RequireTls::Offered,
        size_max: rules.size_max,
        recipients_max: rules.recipients_max,
        ..proto_smtp::Options::new(&rules.host_name, mode)
    }
}

fn imap_options(kind: Kind, rules: &Rules, cleartext_login: bool) -> proto_imap::Options {
    proto_imap::Options {
        host: rules.host_name.clone(),
        size_max: rules.size_max,
        cleartext_login,
        capabilities_off: match rules.scram {
            true => Vec::new(),
            false => SCRAM.map(str::to_string).to_vec(),
        },
        tls_available: kind.tls == TlsMode::StartTls,
        ..proto_imap::Options::default()
    }
}

impl Counters {
    fn new(office: &Office, ways: &Ways, kinds: Vec<Kind>, rules: Rules) -> Counters {
        let Office { directory, mail, world, .. } = office.clone();
        let options = imap_office_options(&rules);
        let login = Login::new(directory, world.clone());
        let imap_office = serve_imap::Office::new(login.clone(), mail, world, options);
        let ways = ways.clone();
        let present = Present::new(office, &ways, &imap_office, &kinds, rules);
        let (office, present) = (office.clone(), RwLock::new(Arc::new(present)));
        Counters(Arc::new(Inner { office, ways, login, imap_office, kinds, present }))
    }

    /// Who comes from now on is served by these.
    pub fn set_rules(&self, rules: Rules) {
        let Inner { office, ways, imap_office, kinds, present, .. } = &*self.0;
        let new = Arc::new(Present::new(office, ways, imap_office, kinds, rules));
        *present.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// The road in, as it is now.
    pub fn delivery(&self) -> Arc<Delivery> {
        self.present().delivery.clone()
    }

    fn present(&self) -> Arc<Present> {
        self.0.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn serve(&self, index: usize, door: Door, options: Options, stopping: Stopping) {
        let Door { kind, listener, .. } = door;
        let counters = self.clone();
        match kind.service {
            Service::Smtp | Service::Submission | Service::Submissions | Service::Lmtp => {
                let open = move |peer: Peer| counters.smtp(index, peer);
                tokio::spawn(listener.serve(options, stopping, open));
            }
            Service::Pop3 | Service::Pop3s => {
                let open = move |peer: Peer| counters.pop3(kind, peer);
                tokio::spawn(listener.serve(options, stopping, open));
            }
            Service::Imap | Service::Imaps => {
                let open = move |peer: Peer| counters.imap(index, peer);
                tokio::spawn(listener.serve(options, stopping, open));
            }
        }
    }

    fn smtp(&self, door: usize, peer: Peer) -> (SmtpSession, SmtpDesk) {
        let (present, address) = (self.present(), peer.address.ip());
        let trusted = present.rules.trusts(address);
        let standing = if trusted { Standing::Trusted } else { Standing::Stranger };
        let cleartext = match present.rules.allows_cleartext(address) {
            true => proto_smtp::Cleartext::Allowed,
            false => proto_smtp::Cleartext::Refused,
        };
        let is_stranger = !trusted && !address.is_loopback();
        let options = present.smtp[door][usize::from(is_stranger)].clone();
        let session = SmtpSession::new(options, proto_smtp::Peer { standing, cleartext });
        let examined = present.rules.examines(address);
        let visitor = Visitor { peer: login_peer(peer), address, standing, examined };
        let desk = SmtpDesk::new(self.0.login.clone(), present.delivery.clone(), visitor);
        (session, desk.guarded(present.guard.clone()))
    }

    fn pop3(&self, kind: Kind, peer: Peer) -> (Pop3Server, Pop3Desk) {
        let present = self.present();
        let session = Pop3Server::new(proto_pop3::Options {
            host_name: present.rules.host_name.clone(),
            scram: present.rules.scram,
            cleartext_login: present.rules.allows_cleartext(peer.address.ip()),
            tls_available: kind.tls == TlsMode::StartTls,
            ..proto_pop3::Options::default()
        });
        let mail = self.0.office.mail.clone();
        (session, Pop3Desk::new(self.0.login.clone(), mail, login_peer(peer)))
    }

    fn imap(&self, door: usize, peer: Peer) -> (ImapServer, ImapDesk) {
        let present = self.present();
        let cleartext = present.rules.allows_cleartext(peer.address.ip());
        let options = present.imap[door][usize::from(cleartext)].clone();
        let desk = ImapDesk::new(present.imap_office.clone(), login_peer(peer));
        (ImapServer::new(options), desk)
    }
}

impl Present {
    fn new(
        office: &Office,
        ways: &Ways,
        imap_office: &serve_imap::Office,
        kinds: &[Kind],
        rules: Rules,
    ) -> Present {
        let Office { directory, mail, world, queue, trace, store, .. } = office.clone();
        let options = core_delivery::Options {
            host_name: rules.host_name.clone(),
            size_max: rules.size_max,
            received_max: core_delivery::Options::RECEIVED_MAX,
        };
        let delivery = Delivery::new(directory, mail, world, options)
            .with_files(Arc::new(SystemFiles), Arc::new(trouble))
            .with_way_out(queue, store)
            .with_trace(trace)
            .with_examiner(ways.examiner.clone(), Policy::default());
        let delivery = match &ways.signer {
            Some(signer) => delivery.with_signer(signer.clone()),
            None => delivery,
        };
        let delivery = match rules.greylist {
            true => delivery.with_acquaintances(),
            false => delivery,
        };
        let smtp = |kind: &Kind| {
            [false, true].map(|stranger| Arc::new(smtp_options(*kind, &rules, stranger)))
        };
        let imap = |kind: &Kind| {
            [false, true].map(|cleartext| Arc::new(imap_options(*kind, &rules, cleartext)))
        };
        Present {
            delivery: Arc::new(delivery),
            imap_office: Arc::new(imap_office.with(imap_office_options(&rules))),
            smtp: kinds.iter().map(smtp).collect(),
            guard: Arc::new(guard(office, ways, &rules)),
            imap: kinds.iter().map(imap).collect(),
            rules,
        }
    }
}

fn guard(office: &Office, ways: &Ways, rules: &Rules) -> Guard {
    let store = office.store.clone();
    let pace = Pace { greeting_delay: rules.greeting_delay, ..Pace::default() };
    office.doorkeeper.set_pace(pace);
    Guard {
        keeper: office.doorkeeper.clone(),
        lists: Blocklists::new(rules.blocklists.clone(), ways.resolver.clone()),
        greylist: rules.greylist.then(|| Greylist::new(store.clone(), Patience::default())),
        senders: SenderBook::new(store),
        limits: rules.senders,
        clock: office.world.clock.clone(),
    }
}

/// What the operator is told when an account's Maildir cannot be written.
fn trouble(account: &Address, error: &FileError) {
    warn!(%account, %error, "a message was not filed in its Maildir; see to it, the sender tries again");
}

fn imap_office_options(rules: &Rules) -> serve_imap::Options {
    serve_imap::Options { size_max: rules.size_max, ..serve_imap::Options::default() }
}

fn login_peer(peer: Peer) -> serve_login::Peer {
    serve_login::Peer {
        session: peer.session.to_string(),
        address: peer.address.to_string(),
        protocol: peer.listener,
    }
}
