//! One job: from a destination to an outcome for every recipient.

use crate::body::BodyReader;
use crate::demand::{self, Demand};
use crate::line::{Handshake, Line, NoSession, Peer};
use crate::pool::PoolKey;
use crate::relay::Relay;
use crate::road::{Host, List, Patience, Places, Road, ascii, dial_order};
use crate::verdict::{self, Verdict};
use crate::{Hop, HopTls, Origin, Route, Trouble};
use core_queue::{Contact, Destination, Job, Outcome, RecipientOutcome};
use core_transport::{Seen, Wish};
use core_world::{Dial, DialError, DialTls, Trust};
use proto_smtp::client::{ClientOptions, Login, Recipient, Stage, Tls, Transaction};
use proto_smtp::client::{Fate, Outcome as Talked};
use proto_smtp::{BodyType, Cleartext};
use std::net::IpAddr;
use std::sync::Arc;
use words_mail::{Address, Domain, ForwardPath};

/// Most transactions over one connection for one job: a server that takes one recipient at a time is
/// not asked for ever.
const TRANSACTIONS_MAX: usize = 20;

/// A job under way.
pub struct Attempt<'a> {
    relay: &'a Relay,
    job: &'a Job,
    /// Places in the job's recipients of those who are still to be asked for.
    pending: Vec<usize>,
    outcomes: Vec<RecipientOutcome>,
    contact: Contact,
    /// What kept the pending ones so far.
    trouble: Option<Trouble>,
    /// Is it known by now that the message has nothing but ASCII?
    ascii: bool,
}

/// Where the job goes.
struct Target {
    key: PoolKey,
    domain: Domain,
    /// The domain as an A-label.
    ascii: String,
    route: Option<Arc<Route>>,
}

impl Target {
    fn hop(&self) -> Option<&Hop> {
        self.route.as_ref().and_then(|route| route.hop.as_ref())
    }
}

impl<'a> Attempt<'a> {
    /// Nothing was tried yet.
    pub fn new(relay: &'a Relay, job: &'a Job) -> Attempt<'a> {
        Attempt {
            relay,
            job,
            pending: Vec::new(),
            outcomes: Vec::new(),
            contact: Contact::Untried,
            trouble: None,
            ascii: false,
        }
    }

    /// Tries. Recipients that are left out are due again: they go elsewhere by now.
    pub async fn run(mut self) -> (Vec<RecipientOutcome>, Contact) {
        let Some(target) = self.target() else { return (self.outcomes, self.contact) };
        if let Some(mut line) = self.relay.waiting(&target.key) {
            // Its server may have gone meanwhile: what comes of that counts for nothing.
            self.converse(&mut line).await;
            self.relay.keep(&target.key, line).await;
            self.trouble = None;
        }
        if !self.pending.is_empty() {
            self.walk(&target).await;
        }
        self.give_up();
        (self.outcomes, self.contact)
    }

    /// Where it goes by today's routes, whatever they were when it was queued, and for whom.
    fn target(&mut self) -> Option<Target> {
        let job = self.job;
        let routes = &self.relay.options.routes;
        let origin =
            Origin { reverse_path: &job.message.reverse_path, account: job.message.submitter };
        let named = match &job.destination {
            Destination::Route(name) => routes.named(name),
            Destination::Domain(_) => None,
        };
        let domain = match &job.destination {
            Destination::Domain(domain) => domain.clone(),
            Destination::Route(_) => job.recipients.first()?.address.domain().clone(),
        };
        let goes_along = |place: &usize| {
            let to = job.recipients.get(*place).map(|to| to.address.domain());
            // A route that is gone leaves recipients of several domains.
            named.is_some() || to == Some(&domain)
        };
        self.pending = (0..job.recipients.len()).filter(goes_along).collect();
        let route = named.or_else(|| routes.find(origin, &domain).cloned());
        let destination = match &route {
            Some(route) => Destination::Route(route.name.clone()).to_string(),
            None => domain.to_string(),
        };
        let key = PoolKey { destination, certain: job.message.requiretls };
        // A name that has no A-label is found out by the road.
        let ascii = ascii(domain.as_str()).unwrap_or_default();
        Some(Target { key, domain, ascii, route })
    }

    /// Tries one host after the other.
    async fn walk(&mut self, target: &Target) {
        let relay = self.relay;
        let (resolver, random) = (&*relay.doors.resolver, &*relay.doors.random);
        let places = Places { resolver, random, options: &relay.options };
        let road = match target.hop() {
            Some(hop) => Road::to_hop(places, hop).await,
            None => Road::to_domain(places, &target.domain).await,
        };
        let mut road = match road {
            Ok(road) => road,
            Err(trouble) => return self.note(trouble),
        };
        let mut addresses_left = relay.options.addresses_max;
        while let Some(next) = road.next().await {
            match next {
                Ok(host) => self.try_host(target, &host, &mut addresses_left).await,
                Err(trouble) => self.note(trouble),
            }
            if self.pending.is_empty() || addresses_left == 0 {
                return;
            }
        }
    }

    /// Tries one address after the other until one lets us speak.
    async fn try_host(&mut self, target: &Target, host: &Host, addresses_left: &mut usize) {
        let demand = match self.demand(target, host).await {
            Ok(demand) => demand,
            Err(trouble) => return self.note(trouble),
        };
        let order: Vec<_> = dial_order(&host.addresses)
            .into_iter()
            .map(|(a, patience)| (Some(a), patience))
            .collect();
        let order = if order.is_empty() { vec![(None, Patience::Full)] } else { order };
        for (address, patience) in order {
            if *addresses_left == 0 {
                return;
            }
            *addresses_left -= 1;
            match self.connect(target, host, address, patience, &demand).await {
                Connected::Line(mut line) => {
                    self.relay.connected();
                    self.converse(&mut line).await;
                    self.relay.keep(&target.key, *line).await;
                    return;
                }
                Connected::NotThere(trouble) => self.note_failed(trouble),
                // Its other addresses are the same server's.
                Connected::Unwilling(trouble) => return self.note_failed(trouble),
            }
        }
    }

    async fn demand(&self, target: &Target, host: &Host) -> Result<Demand, Trouble> {
        let wish = if self.job.message.requiretls { Wish::Required } else { Wish::Ordinary };
        match (target.hop(), host.list) {
            (Some(hop), _) => demand::with_wish(demand::of_hop(hop), host, wish),
            // No zone says anything of an address.
            (None, List::Literal) => demand::with_wish(Demand::Opportunistic, host, wish),
            (None, _) => self.relay.doors.policy.demand(&target.ascii, host, wish).await,
        }
    }

    /// Connects; without TLS if that fails where nobody demands it.
    async fn connect(
        &self,
        target: &Target,
        host: &Host,
        address: Option<IpAddr>,
        patience: Patience,
        demand: &Demand,
    ) -> Connected {
        let peer = Peer { name: host.name.clone(), address };
        let first = self.connect_with(target, host, &peer, patience, demand).await;
        let seen = |seen| {
            if target.route.is_none() && host.list != List::Literal {
                self.relay.doors.policy.seen(&target.ascii, host, demand, seen);
            }
        };
        match first {
            Ok(line) => {
                match (line.protection(), demand) {
                    (_, Demand::Never) => {}
                    (Some(_), _) => seen(Seen::Good),
                    (None, _) => seen(Seen::NotOffered),
                }
                Connected::Line(Box::new(line))
            }
            Err(Unconnected::Dial(error)) => {
                if matches!(error, DialError::Untrusted { .. } | DialError::Tls(_)) {
                    seen(Seen::Failed(&error));
                }
                Connected::NotThere(verdict::no_connection(&error, &peer))
            }
            Err(Unconnected::Session(error)) => {
                match &error {
                    NoSession::Handshake(error) => seen(Seen::Failed(error)),
                    NoSession::Fate(Fate::NotOffered(_)) => seen(Seen::NotOffered),
                    NoSession::Fate(_) => {}
                }
                let trouble = verdict::no_session(&error, &peer);
                if *demand != Demand::Opportunistic || !is_about_tls(&error) {
                    return Connected::Unwilling(trouble);
                }
                match self.connect_with(target, host, &peer, patience, &Demand::Never).await {
                    Ok(line) => Connected::Line(Box::new(line)),
                    Err(_) => Connected::Unwilling(trouble),
                }
            }
        }
    }

    async fn connect_with(
        &self,
        target: &Target,
        host: &Host,
        peer: &Peer,
        patience: Patience,
        demand: &Demand,
    ) -> Result<Line, Unconnected> {
        let (doors, options) = (&self.relay.doors, &self.relay.options);
        let (tls, trust) = match demand {
            Demand::Never => (Tls::Never, &Trust::Anyone),
            Demand::Opportunistic => (Tls::IfOffered, &Trust::Anyone),
            Demand::Certain(trust) => (Tls::Required, trust),
        };
        let implicit = target.hop().is_some_and(|hop| hop.tls == HopTls::Implicit);
        let dial = Dial {
            host: host.name.clone(),
            address: peer.address,
            port: host.port,
            source: peer.address.and_then(|address| options.source.towards(address)),
            tls: if implicit { DialTls::Implicit } else { DialTls::Later },
            trust: trust.clone(),
            within: match patience {
                Patience::Quick => options.connect_quick,
                Patience::Full => options.connect_within,
            },
        };
        let wire = doors.dialer.dial(&dial).await.map_err(Unconnected::Dial)?;
        let client = ClientOptions {
            tls,
            login: target.hop().and_then(|hop| self.login(hop)),
            timeouts: options.timeouts,
            ..ClientOptions::new(&options.hello_name)
        };
        let handshake = Handshake { trust, within: options.handshake_within };
        let clock = (doors.clock.clone(), doors.origin);
        Line::open(wire, client, peer.clone(), clock, handshake).await.map_err(Unconnected::Session)
    }

    fn login(&self, hop: &Hop) -> Option<Login> {
        let credentials = hop.login.clone()?;
        let mut nonce = [0; 18];
        self.relay.doors.random.fill(&mut nonce);
        // Where the operator wants no TLS, the password goes as it may.
        let cleartext = match hop.tls {
            HopTls::None => Cleartext::Allowed,
            HopTls::Opportunistic | HopTls::Required | HopTls::Implicit => Cleartext::Refused,
        };
        Some(Login { credentials, cleartext, nonce })
    }

    /// Gives the message to a server that listens. Whoever it does not settle stays pending.
    async fn converse(&mut self, line: &mut Line) {
        for _ in 0..TRANSACTIONS_MAX {
            let count = self.pending.len().min(line.limits().0);
            let asked: Vec<usize> = self.pending.drain(..count).collect();
            let body = BodyReader::new(&*self.relay.doors.blobs, &self.job.message);
            let talked = line.transact(self.transaction(&asked), body).await;
            let next = self.settle(&asked, talked, &line.peer).await;
            if next == Next::Part || self.pending.is_empty() || !line.is_ready() {
                return;
            }
        }
    }

    /// Takes down what became of those who were asked for.
    async fn settle(&mut self, asked: &[usize], talked: Talked, peer: &Peer) -> Next {
        let (mut next, mut delivered) = (Next::Again, false);
        let mut crowded = Vec::new();
        for (&place, fate) in asked.iter().zip(&talked.recipients) {
            if took_part(fate) {
                self.contact = Contact::Reached;
            }
            match verdict::of_transaction(fate, talked.dsn, peer) {
                Verdict::Final(outcome) => {
                    delivered |= matches!(outcome, Outcome::Delivered { .. });
                    self.end(place, outcome);
                }
                Verdict::OtherHost(trouble) => {
                    self.pending.push(place);
                    self.trouble = Some(joined(self.trouble.take(), trouble));
                    next = Next::Part;
                }
                Verdict::NextTransaction(outcome) => crowded.push((place, outcome)),
                Verdict::AsciiOnly(_) if self.is_ascii().await => self.pending.push(place),
                Verdict::AsciiOnly(outcome) => self.end(place, outcome),
            }
        }
        for (place, outcome) in crowded {
            // Without anybody delivered there would be no end to it.
            match delivered {
                true => self.pending.push(place),
                false => self.end(place, outcome),
            }
        }
        next
    }

    /// Is the message nothing but ASCII, although it was said to be more? Then any server will do, and
    /// nothing has to be converted. Asked once: after a yes the server has no reason to refuse.
    async fn is_ascii(&mut self) -> bool {
        let asked = self.job.message.smtputf8 || self.job.message.body == BodyType::EightBitMime;
        let sender = self.job.message.reverse_path.0.iter();
        let mut addresses = sender.chain(self.job.recipients.iter().map(|to| &to.address));
        if !asked || !addresses.all(Address::is_ascii) {
            return false;
        }
        if !self.ascii {
            let body = BodyReader::new(&*self.relay.doors.blobs, &self.job.message);
            self.ascii = body.all_ascii().await.unwrap_or(false);
        }
        self.ascii
    }

    fn transaction(&self, asked: &[usize]) -> Transaction {
        let message = &self.job.message;
        let recipients = asked.iter().filter_map(|place| self.job.recipients.get(*place));
        let plain = self.ascii && message.body != BodyType::BinaryMime;
        Transaction {
            reverse_path: message.reverse_path.clone(),
            size: Some(message.size_whole()),
            body: if plain { BodyType::SevenBit } else { message.body },
            smtputf8: message.smtputf8 && !self.ascii,
            requiretls: message.requiretls,
            ret: message.ret,
            envid: message.envid.clone(),
            recipients: recipients
                .map(|to| Recipient {
                    address: ForwardPath::Address(to.address.clone()),
                    notify: to.notify,
                    orcpt: to.orcpt.clone(),
                })
                .collect(),
        }
    }
    fn end(&mut self, place: usize, outcome: Outcome) {
        if let Some(to) = self.job.recipients.get(place) {
            self.outcomes.push(RecipientOutcome { number: to.number, outcome });
        }
    }

    /// A host cannot be tried.
    fn note(&mut self, trouble: Trouble) {
        // What is wrong for ever lies with the name, or with the message.
        if !trouble.permanent {
            return self.note_failed(trouble);
        }
        self.trouble = Some(joined(self.trouble.take(), trouble));
    }

    /// A host was tried, and did not let us speak.
    fn note_failed(&mut self, trouble: Trouble) {
        if self.contact == Contact::Untried {
            self.contact = Contact::Failed;
        }
        self.trouble = Some(joined(self.trouble.take(), trouble));
    }

    /// There is nobody left to try.
    fn give_up(&mut self) {
        let none = || Trouble::temporary(4, 1, "no server of the destination could be tried");
        let outcome = self.trouble.take().unwrap_or_else(none).outcome();
        for place in std::mem::take(&mut self.pending) {
            self.end(place, outcome.clone());
        }
    }
}

/// Goes the conversation on?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Again,
    Part,
}

enum Connected {
    Line(Box<Line>),
    /// Nobody answers there.
    NotThere(Trouble),
    /// The server is there, and does not let us speak.
    Unwilling(Trouble),
}

enum Unconnected {
    Dial(DialError),
    Session(NoSession),
}

fn joined(before: Option<Trouble>, trouble: Trouble) -> Trouble {
    match before {
        Some(before) => before.or(trouble),
        None => trouble,
    }
}

/// Has the server begun a transaction, or told what it lacks for one?
fn took_part(fate: &Fate) -> bool {
    match fate {
        Fate::Said(said) => said.stage > Stage::Mail || said.reply.code.0 != 421,
        Fate::Lost(lost) => lost.stage > Stage::Mail,
        Fate::NotOffered(_) => true,
        Fate::Login(_) => false,
    }
}

/// Might it go better without TLS?
fn is_about_tls(error: &NoSession) -> bool {
    match error {
        NoSession::Handshake(_) => true,
        NoSession::Fate(Fate::Lost(lost)) => lost.stage == Stage::StartTls,
        NoSession::Fate(Fate::Said(said)) => said.stage == Stage::StartTls,
        NoSession::Fate(Fate::NotOffered(_) | Fate::Login(_)) => false,
    }
}
