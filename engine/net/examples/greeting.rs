//! Greets and hangs up, over TLS from the first byte: to measure handshakes by themselves.
//! `cargo run --release -p engine-net --example greeting -- 127.0.0.1:9993`

use engine_net::{Certificate, Listener, Options, Peer, Security, Tickets, Tls, stop};
use proto_line::{Broken, Desk, News, Secured, Session, Step};
use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, Instant};

/// Says one line and waits for the peer to go.
struct Greeting {
    said: bool,
}

impl Session for Greeting {
    type Ask = Infallible;
    type Answer = Infallible;
    type Stretch = Infallible;

    fn input(&mut self, _: &[u8]) {}

    fn answer(&mut self, answer: Infallible) {
        match answer {}
    }

    fn news(&mut self, _: News) {}

    fn secured(&mut self, _: Secured) {}

    fn step(&mut self, now: Instant) -> Step<Infallible, Infallible> {
        if std::mem::replace(&mut self.said, true) {
            return Step::Wait { until: now + Duration::from_secs(60) };
        }
        Step::Send(b"* OK ready\r\n".to_vec())
    }

    fn last_words(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// There is nothing to ask.
struct Nobody;

impl Desk for Nobody {
    type Ask = Infallible;
    type Answer = Infallible;
    type Stretch = Infallible;

    async fn answer(&mut self, ask: Infallible) -> Infallible {
        match ask {}
    }

    async fn read(
        &mut self,
        stretch: &Infallible,
        _: u64,
        _: usize,
    ) -> Result<bytes::Bytes, Broken> {
        match *stretch {}
    }

    async fn news(&mut self) -> News {
        std::future::pending().await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:9993".to_string()).parse()?;
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes())?;
    let security = Security::Implicit(Tls::new(certificate, Tickets::Given)?);
    let (_stop, stopping) = stop();
    let listener = Listener::bind("greeting", address)?;
    println!("greeting at {}", listener.address());
    let options = Options { security, ..Options::default() };
    listener.serve(options, stopping, |_: Peer| (Greeting { said: false }, Nobody)).await;
    Ok(())
}
