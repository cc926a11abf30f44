//! How mail leaves and how strangers are judged: queue, relay, names, signatures, tied together.

use crate::config::{Config, Route as Way, WayTls};
use crate::office::Office;
use anyhow::{Context, Result, anyhow, bail};
use core_delivery::Delivery;
use core_feedback::Feedback;
use core_guard::{Greylist, Patience, SenderBook};
use core_queue::{Queue, Schedule, Work};
use core_store::StoreError;
use core_transport::Policies;
use core_world::{Dialer, Examiner, Resolver, Signer};
use engine_dns::{DnsResolver, Dnssec};
use engine_genuine::{Genuine, Notary};
use engine_https::Https;
use engine_net::{Roots, Stopping, TcpDialer};
use proto_sasl::client::Credentials;
use rules_sender::Policy;
use serve_relay::{
    Doors, Hop, HopTls, Options, Ourselves, RecipientMatch, Relay, Route, Routes, SenderMatch,
    Source, Turn,
};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use tracing::{error, info, warn};
use words_mail::Address;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// How often it is looked whether a connection is kept for nothing, and whether there are traces of
/// refused messages to write.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// How long the queue's worker rests at most, and after an error.
const REST: Duration = Duration::from_millis(500);
/// How often it is looked whether a domain has no keys yet.
const KEYS_EVERY: Duration = Duration::from_secs(30);

/// What a server asks and signs with.
#[derive(Clone)]
pub struct Ways {
    /// Names.
    pub resolver: Arc<dyn Resolver>,
    /// Is the sender genuine?
    pub examiner: Arc<dyn Examiner>,
    /// Signatures of our own.
    pub signer: Option<Arc<dyn Signer>>,
    /// What other domains are told of mail under their name.
    pub feedback: Option<Feedback>,
}

impl Ways {
    /// As the configuration says.
    pub fn of(config: &Config, office: &Office) -> Ways {
        let resolver: Arc<dyn Resolver> = Arc::new(resolver(config));
        let clock = office.world.clock.clone();
        let genuine = Arc::new(Genuine::new(resolver.clone(), clock.clone()));
        let feedback = contact(config).map(|contact| {
            let organisation = config.host_name();
            let options =
                core_feedback::Options { organisation, contact, policy: Policy::default() };
            Feedback::new(office.store.clone(), clock, resolver.clone(), options)
        });
        let examiner: Arc<dyn Examiner> = match &feedback {
            Some(feedback) => feedback.watching(genuine),
            None => genuine,
        };
        let signer = || Arc::new(Notary::new()) as Arc<dyn Signer>;
        Ways { resolver, examiner, signer: config.sending.sign.then(signer), feedback }
    }
}

/// Whom other domains may ask about our reports; nobody, if this machine has no name for others.
fn contact(config: &Config) -> Option<Address> {
    Address::parse(&format!("postmaster@{}", config.host_name())).ok()
}

/// Who is asked for names, as the configuration says.
pub fn resolver(config: &Config) -> DnsResolver {
    DnsResolver::new(engine_dns::Options {
        servers: config.dns.servers.0.iter().map(|server| server.0).collect(),
        dnssec: if config.dns.dnssec { Dnssec::Validate } else { Dnssec::Off },
        ..engine_dns::Options::default()
    })
}

/// What the queue is told, as the configuration says.
pub fn queue_options(config: &Config) -> core_queue::Options {
    let sending = &config.sending;
    let span = |count: u64, unit: Duration| unit * u32::try_from(count).unwrap_or(u32::MAX);
    let tell_after = sending.tell_after_hours.0;
    let schedule = Schedule {
        first: span(sending.retry_minutes.0, MINUTE),
        delay_max: span(sending.retry_longest_minutes.0, MINUTE),
        notice_after: (tell_after > 0).then(|| span(tell_after, HOUR)),
        give_up_after: span(sending.give_up_after_hours.0, HOUR),
    };
    core_queue::Options {
        report: Schedule { notice_after: None, ..schedule.clone() },
        interactive: schedule.clone(),
        bulk: schedule,
        concurrency_max: u16::try_from(sending.connections_per_destination.0).unwrap_or(u16::MAX),
        ..core_queue::Options::new(config.host_name())
    }
}

/// The routes of the configuration, with their passwords.
pub fn routes(config: &Config) -> Result<Routes> {
    let mut routes = Vec::new();
    for (index, way) in config.route.iter().enumerate() {
        let hop = hop(way).with_context(|| format!("route {} of the configuration", index + 1))?;
        let recipients = matches(&way.recipients.0, RecipientMatch::Any, |text| {
            RecipientMatch::parse(text.strip_prefix('*').unwrap_or(text))
        })?;
        let senders = matches(&way.senders.0, SenderMatch::Any, SenderMatch::parse)?;
        for recipient in &recipients {
            for sender in &senders {
                routes.push(Route {
                    name: format!("{}:{}", hop.host, hop.port),
                    recipient: recipient.clone(),
                    sender: sender.clone(),
                    account: None,
                    hop: Some(hop.clone()),
                });
            }
        }
    }
    Ok(Routes::new(routes, None))
}

fn matches<T: Clone>(
    texts: &[crate::config::Text],
    any: T,
    parse: impl Fn(&str) -> Result<T, words_base::SyntaxError>,
) -> Result<Vec<T>> {
    if texts.is_empty() {
        return Ok(vec![any]);
    }
    let parse =
        |text: &crate::config::Text| parse(&text.0).map_err(|error| anyhow!("{}: {error}", text.0));
    texts.iter().map(parse).collect()
}

fn hop(way: &Way) -> Result<Hop> {
    let Some(host) = &way.host else { bail!("a route needs a host") };
    let login = match (&way.user, &way.password_file) {
        (Some(user), Some(file)) => {
            let password = fs::read_to_string(file);
            let password = password.with_context(|| format!("cannot read {}", file.display()))?;
            let password = password.trim_end_matches(['\r', '\n']).as_bytes().to_vec();
            Some(Credentials::password(&user.0, password))
        }
        _ => None,
    };
    let tls = match way.tls {
        WayTls::IfOffered => HopTls::Opportunistic,
        WayTls::StartTls => HopTls::Required,
        WayTls::Implicit => HopTls::Implicit,
        WayTls::None => HopTls::None,
    };
    Ok(Hop { host: host.0.clone(), port: way.port.0, tls, mx: false, pin: None, login })
}

fn relay_options(config: &Config, routes: Arc<Routes>, listening: &[SocketAddr]) -> Options {
    let mut source = Source::default();
    for address in &config.sending.from_addresses.0 {
        match address {
            IpAddr::V4(address) => source.v4 = source.v4.or(Some(*address)),
            IpAddr::V6(address) => source.v6 = source.v6.or(Some(*address)),
        }
    }
    let name = config.host_name();
    Options {
        routes,
        ourselves: Ourselves { names: vec![name.clone()], addresses: listening.to_vec() },
        source,
        port: config.sending.port.0,
        ..Options::new(&name)
    }
}

/// Begins to take mail away. `delivery` brings reports home; `listening` is where we take mail.
pub fn start(
    config: &Config,
    office: &Office,
    ways: &Ways,
    delivery: Arc<Delivery>,
    listening: &[SocketAddr],
    stopping: &Stopping,
) {
    let dialer: Arc<dyn Dialer> = Arc::new(TcpDialer::new(Roots::of_system()));
    let name = config.host_name();
    let policies = Arc::new(Policies::new(
        office.store.clone(),
        office.world.clone(),
        ways.resolver.clone(),
        Arc::new(Https::new(dialer.clone(), ways.resolver.clone())),
        core_transport::Options {
            organization: name.clone(),
            contact: format!("postmaster@{name}"),
            host_name: name,
        },
    ));
    let doors = Doors {
        blobs: office.store.clone(),
        resolver: ways.resolver.clone(),
        dialer,
        policy: policies.clone(),
        clock: office.world.clock.clone(),
        random: office.world.random.clone(),
        origin: Instant::now(),
    };
    let options = relay_options(config, office.routes.clone(), listening);
    let relay = Arc::new(Relay::new(office.queue.clone(), doors, options));
    for _ in 0..config.sending.lanes.0 {
        tokio::spawn(lane(relay.clone(), office.queue.clone(), stopping.clone()));
    }
    tokio::spawn(until(stopping.clone(), look_after(office.clone(), delivery.clone())));
    if let Some(feedback) = ways.feedback.clone() {
        let work = report_senders(feedback.clone(), office.clone(), delivery.clone());
        let stopping = stopping.clone();
        tokio::spawn(async move {
            until(stopping.clone(), work).await;
            if let Err(refusal) = feedback.flush().await {
                warn!(%refusal, "what was counted of senders since a minute is lost");
            }
        });
    }
    let work = report_tls(policies.clone(), office.clone(), delivery);
    let ending = stopping.clone();
    tokio::spawn(async move {
        until(ending.clone(), work).await;
        write_tls_results(&policies).await;
    });
    tokio::spawn(until(stopping.clone(), forget_strangers(office.clone())));
    tokio::spawn(until(stopping.clone(), tidy(relay, office.clone())));
    tokio::spawn(until(stopping.clone(), forget(office.clone())));
    if let Some(signer) = ways.signer.clone() {
        tokio::spawn(until(stopping.clone(), make_keys(office.clone(), signer)));
    }
}

async fn until(mut stopping: Stopping, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stopping.told() => {}
        () = work => {}
    }
}

/// One lane. A job that has begun is brought to its end, within the server's grace: to let go of a
/// peer between the end of a message and its yes would have it sent twice.
async fn lane(relay: Arc<Relay>, queue: Queue, mut stopping: Stopping) {
    loop {
        match relay.turn().await {
            Ok(Turn::Done) => {}
            Ok(Turn::Idle) => tokio::select! {
                () = stopping.told() => return,
                () = queue.wait() => {}
            },
            Err(error) => {
                error!(%error, "the queue cannot be read or written");
                sleep(REST).await;
            }
        }
        let mut told = stopping.clone();
        tokio::select! {
            biased;
            () = told.told() => return,
            () = std::future::ready(()) => {}
        }
    }
}

/// Wakes what is due, and tells senders.
async fn look_after(office: Office, delivery: Arc<Delivery>) {
    loop {
        let now = office.world.clock.now();
        match office.queue.work(&*delivery, now).await {
            Ok(Work::Again) => tokio::task::yield_now().await,
            Ok(Work::IdleUntil(at)) => sleep(at.since(now).min(REST)).await,
            Err(error) => {
                warn!(%error, "the queue's work did not succeed; trying again");
                sleep(REST).await;
            }
        }
    }
}

/// Tells other domains once a day how encryption with their servers went (RFC 8460).
async fn report_tls(policies: Arc<Policies>, office: Office, delivery: Arc<Delivery>) {
    loop {
        let now = office.world.clock.now();
        match policies.work(&*delivery, now).await {
            Ok(core_transport::Work::Again) => tokio::task::yield_now().await,
            Ok(core_transport::Work::IdleUntil(at)) => sleep(at.since(now).max(REST)).await,
            Err(error) => {
                warn!(%error, "reports on encryption were not written; trying again later");
                sleep(MINUTE).await;
            }
        }
    }
}

/// What was counted since the last minute. The store waits for it: whoever calls this holds a
/// [`Stopping`].
async fn write_tls_results(policies: &Policies) {
    loop {
        match policies.write_results().await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return warn!(%error, "what was counted of encryption is lost"),
        }
    }
}

/// Tells other domains once a day what came under their names (RFC 7489 §7.2).
async fn report_senders(feedback: Feedback, office: Office, delivery: Arc<Delivery>) {
    loop {
        match feedback.work(&delivery).await {
            Ok(core_feedback::Work::Again | core_feedback::Work::Told { .. }) => {
                tokio::task::yield_now().await;
            }
            Ok(core_feedback::Work::IdleUntil(at)) => {
                sleep(at.since(office.world.clock.now()).max(REST)).await;
            }
            Err(refusal) => {
                warn!(%refusal, "reports on senders were not written; trying again later");
                sleep(MINUTE).await;
            }
        }
    }
}

/// What the door remembers for nothing goes.
async fn forget_strangers(office: Office) {
    let book = SenderBook::new(office.store.clone());
    let list = Greylist::new(office.store.clone(), Patience::default());
    loop {
        let (mut of_book, mut of_list) = (None, None);
        loop {
            let now = office.world.clock.now();
            let pages = async {
                Ok::<_, StoreError>((
                    book.tidy(of_book.take(), now).await?,
                    list.tidy(of_list.take(), now).await?,
                ))
            };
            match pages.await {
                Ok((None, None)) => break,
                Ok(rest) => (of_book, of_list) = rest,
                Err(error) => {
                    warn!(%error, "what the door remembers was not cleared; trying again later");
                    break;
                }
            }
        }
        sleep(HOUR).await;
    }
}

async fn tidy(relay: Arc<Relay>, office: Office) {
    loop {
        sleep(TIDY_EVERY).await;
        if relay.idle() > 0 {
            relay.tidy().await;
        }
        if let Err(refusal) = office.trace.write_pending().await {
            warn!(%refusal, "traces of refused messages were not written");
        }
    }
}

/// Traces that are old go.
async fn forget(office: Office) {
    loop {
        match office.trace.expire_page().await {
            Ok(false) => tokio::task::yield_now().await,
            Ok(true) => sleep(HOUR).await,
            Err(refusal) => {
                warn!(%refusal, "old traces were not removed; trying again later");
                sleep(HOUR).await;
            }
        }
    }
}

/// Every domain of ours has keys for signatures.
async fn make_keys(office: Office, signer: Arc<dyn Signer>) {
    loop {
        match office.directory.make_missing_keys(&*signer).await {
            Ok(Some(domain)) => {
                info!(%domain, "keys for signatures made; publish them: estafeta dns zone {domain}");
            }
            Ok(None) => sleep(KEYS_EVERY).await,
            Err(error) => {
                warn!(%error, "no keys for signatures could be made; trying again later");
                sleep(KEYS_EVERY).await;
            }
        }
    }
}
