//! Mail between us and other servers, each in a private instance on an address of its own: Postfix,
//! Exim, OpenSMTPD. They hand us what is not theirs; we find them by the MX records of a DNS that
//! the test serves. Every leg is over TLS, but for
//! the one to OpenSMTPD, whose Debian package of these days fails at it. Each needs root, and its package; without them it is
//! skipped by name.

#[path = "peers/exim.rs"]
mod exim;
#[path = "peers/names.rs"]
mod names;
#[path = "peers/opensmtpd.rs"]
mod opensmtpd;
#[path = "peers/peer.rs"]
mod peer;
#[path = "peers/postfix.rs"]
mod postfix;
mod support;

use names::Names;
use peer::{Kind, Peer};
use std::net::TcpListener;
use support::client::Client;
use support::server::Server;

/// Us, and the others.
struct Scene {
    server: Server,
    peers: Vec<Peer>,
    _names: Names,
}

impl Scene {
    /// `None`: one of them cannot be had here, which is told.
    fn start(kinds: &[Kind]) -> Option<Scene> {
        if let Some(why) = kinds.iter().find_map(|kind| kind.missing()) {
            println!("skipped: {why}");
            return None;
        }
        let port = free_port(kinds);
        let names = Names::serve(kinds);
        let mut server = Server::init();
        server.configure(&format!(
            "my_networks = [\"127.0.0.0/8\"]\n\
             [dns]\nservers = [\"{}\"]\n\
             [sending]\nport = {port}\n",
            names.address()
        ));
        server.start();
        let ours = server.port("smtp");
        let peers = kinds.iter().map(|kind| Peer::start(*kind, port, ours)).collect();
        Some(Scene { server, peers, _names: names })
    }

    fn peer(&self, kind: Kind) -> &Peer {
        self.peers.iter().find(|peer| peer.kind == kind).unwrap()
    }

    /// Mail from somebody at one to somebody at another, and what arrives.
    fn send(&self, from: Kind, to: Kind, subject: &str) -> String {
        self.peer(from).send(&from.person(), &to.person(), subject);
        self.peer(to).arrived(subject, || self.server.log())
    }
}

/// A port that is free at every address that is used.
fn free_port(kinds: &[Kind]) -> u16 {
    for _ in 0..100 {
        let first = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if kinds.iter().all(|kind| TcpListener::bind((kind.address(), port)).is_ok()) {
            return port;
        }
    }
    panic!("no port is free at every address");
}

/// The Received fields, the last hop first, each on one line.
fn received(message: &str) -> Vec<String> {
    let header = message.split("\n\n").next().unwrap_or_default();
    let unfolded = header.replace("\n\t", " ").replace("\n ", " ");
    let fields = unfolded.lines().filter(|line| line.starts_with("Received:"));
    fields.map(|field| field.to_lowercase()).collect()
}

/// The message came over us, and every leg of its way was over TLS where the peer can.
fn came_over_us(message: &str, from: Kind, to: Kind) {
    let hops = received(message);
    let told = hops.join("\n");
    let (last, ours) = (hops.first().expect(message), hops.get(1).expect(message));
    assert!(last.contains("mail.mired.org"), "{told}");
    let encrypted = last.contains("esmtps") || last.contains("tls");
    assert_eq!(encrypted, to.takes_tls(), "{told}");
    assert!(ours.contains("by mail.mired.org") && ours.contains("esmtps"), "{told}");
    assert!(ours.contains(&from.host()), "{told}");
}

fn there_and_back(one: Kind, other: Kind) {
    let Some(scene) = Scene::start(&[one, other]) else { return };
    for (from, to, subject) in [(one, other, "there"), (other, one, "back")] {
        let message = scene.send(from, to, subject);
        came_over_us(&message, from, to);
        // What begins with a dot is as it was.
        assert!(message.contains("\n.dot\n..dots\nend"), "{message}");
    }
}

#[test]
fn from_postfix_through_us_to_exim_and_back() {
    there_and_back(Kind::Postfix, Kind::Exim);
}

#[test]
fn from_opensmtpd_through_us_to_postfix_and_back() {
    there_and_back(Kind::OpenSmtpd, Kind::Postfix);
}

#[test]
fn what_a_peer_refuses_comes_back_to_the_sender_in_its_own_words() {
    let Some(scene) = Scene::start(&[Kind::Exim]) else { return };
    let mut client = Client::connect(scene.server.port("smtp"));
    let mut say = |line: &str| {
        client.send(line);
        client.reply().unwrap().0
    };
    // The greeting answers the first.
    say("EHLO here.test");
    say("MAIL FROM:<ana@mired.org>");
    say("RCPT TO:<nobody@exim.test>");
    say("DATA");
    assert_eq!(say("Subject: for nobody\r\n\r\nhello\r\n."), 354);
    assert_eq!(client.reply().unwrap().0, 250);
    let report = names::inbox(&scene.server, "ana", "ana", "Action: failed");
    assert!(report.contains("nobody@exim.test"), "{report}");
    assert!(report.contains("550 no such person at exim"), "{report}");
    assert!(report.contains("mx.exim.test"), "{report}");
}
