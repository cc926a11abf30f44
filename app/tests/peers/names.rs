//! The DNS of the test, and what is in a mailbox of ours.

use crate::peer::Kind;
use crate::support::client::Client;
use crate::support::server::Server;
use core_world::Record;
use engine_dns_authority::{Authority, Zone};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A DNS that knows the peers' domains.
pub struct Names {
    authority: Authority,
    _runtime: Runtime,
}

impl Names {
    pub fn serve(kinds: &[Kind]) -> Names {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let zones = kinds.iter().map(|kind| zone(*kind)).collect();
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let authority = runtime.block_on(Authority::bind(at, zones, Arc::new(|_| {}))).unwrap();
        Names { authority, _runtime: runtime }
    }

    pub fn address(&self) -> SocketAddr {
        self.authority.address()
    }
}

fn zone(kind: Kind) -> Zone {
    let (domain, host) = (kind.domain(), kind.host());
    let mut zone = Zone::new(&domain, &host);
    zone.add(&domain, Record::Ns(host.clone()));
    zone.add(&domain, Record::Mx { preference: 10, exchange: host.clone() });
    let IpAddr::V4(address) = kind.address() else { panic!("peers are on IPv4") };
    zone.add(&host, Record::A(address));
    zone
}

/// The first message in a mailbox of ours with this text, by POP3; waited for.
pub fn inbox(server: &Server, user: &str, password: &str, text: &str) -> String {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let messages = read_all(server.port("pop3"), user, password).unwrap_or_default();
        if let Some(message) = messages.into_iter().find(|message| message.contains(text)) {
            return message;
        }
        assert!(Instant::now() < until, "no {text:?} for {user}:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn read_all(port: u16, user: &str, password: &str) -> Option<Vec<String>> {
    let mut client = Client::try_connect(port).ok()?;
    client.read_line()?;
    let mut ask = |command: &str| {
        client.send(command);
        client.read_line().filter(|line| line.starts_with("+OK"))
    };
    ask(&format!("USER {user}@mired.org"))?;
    ask(&format!("PASS {password}"))?;
    let count: usize = ask("STAT")?.split(' ').nth(1)?.parse().ok()?;
    let mut messages = Vec::new();
    for number in 1..=count {
        client.send(&format!("RETR {number}"));
        client.read_line()?;
        let mut message = String::new();
        loop {
            match client.read_line()? {
                line if line == "." => break,
                line => message.push_str(&(line + "\n")),
            }
        }
        messages.push(message);
    }
    Some(messages)
}
