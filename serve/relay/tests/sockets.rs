//! Over real sockets: the dialer of `engine/net` to a small server in a thread of its own.

mod support;

use bytes::Bytes;
use core_queue::{
    ByDomain, Class, NewMessage, NewRecipient, NoTrace, Options as QueueOptions, Queue,
};
use core_store::{Batch, Blobs, MemoryStore, Store};
use core_world::Clock;
use core_world::testing::TestWorld;
use engine_net::{Roots, TcpDialer};
use serve_relay::{Doors, Hop, HopTls, Options, Relay, Routes, Turn, Unasked};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, mpsc::Sender};
use std::time::{Duration, Instant};
use support::{Dice, Names};
use words_mail::{Address, BodyType, ReversePath};

/// Takes everything; gives each command line and each line of a message to `heard`.
fn serve(listener: TcpListener, heard: Sender<String>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { return };
        if heard.send("<connection>".to_string()).is_err() {
            return;
        }
        // A client that goes away ends its conversation.
        let _ = converse(stream, &heard);
    }
}

fn converse(mut stream: TcpStream, heard: &Sender<String>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 there ESMTP\r\n")?;
    let mut in_data = false;
    while let Some(line) = lines.next().transpose()? {
        let _ = heard.send(line.clone());
        let reply: &[u8] = match line.get(..4).unwrap_or(&line) {
            "." if in_data => {
                in_data = false;
                b"250 2.0.0 taken\r\n"
            }
            _ if in_data => continue,
            "EHLO" => b"250-there\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => b"250 ok\r\n",
        };
        stream.write_all(reply)?;
    }
    Ok(())
}

struct Scene {
    queue: Queue,
    relay: Relay,
    store: Arc<MemoryStore>,
    world: Arc<TestWorld>,
}

fn scene(to: SocketAddr) -> Scene {
    let (store, world) = (MemoryStore::new(), TestWorld::new());
    let queue = Queue::new(
        store.clone(),
        store.clone(),
        world.world(),
        Arc::new(ByDomain),
        Arc::new(NoTrace),
        QueueOptions::new("mail.mired.org"),
    );
    let doors = Doors {
        blobs: store.clone(),
        resolver: Arc::new(Names::default()),
        dialer: Arc::new(TcpDialer::new(Roots::none())),
        policy: Arc::new(Unasked),
        clock: world.clone(),
        random: Arc::new(Dice::new(1)),
        origin: Instant::now(),
    };
    let (host, port) = (to.ip().to_string(), to.port());
    let hop = Hop { host, port, tls: HopTls::Opportunistic, mx: false, pin: None, login: None };
    let routes = Arc::new(Routes::new(Vec::new(), Some(hop)));
    let options = Options { routes, ..Options::new("mail.mired.org") };
    let relay = Relay::new(queue.clone(), doors, options);
    Scene { queue, relay, store, world }
}

impl Scene {
    async fn accept(&self, id: &str, octets: &[u8]) {
        let mut body = self.store.begin();
        body.write(octets).await.unwrap();
        let body = body.finish().await.unwrap();
        let recipient = Address::parse("eva@exterior.test").unwrap();
        let new = NewMessage {
            id: id.to_string(),
            blob: body.id,
            size: body.len,
            prefix: Bytes::from_static(b"Received: by us\r\n"),
            reverse_path: ReversePath(Some(Address::parse("ana@mired.org").unwrap())),
            submitter: None,
            body: BodyType::SevenBit,
            smtputf8: false,
            requiretls: false,
            ret: None,
            envid: None,
            class: Class::Interactive,
            queued_at: self.world.now(),
            recipients: vec![NewRecipient::plain(recipient)],
            delivered: Vec::new(),
        };
        let mut batch = Batch::new();
        let added = self.queue.add(&new, &mut batch).unwrap();
        batch.keep(body, 1);
        self.store.commit(batch).await.unwrap();
        self.queue.added(added);
    }
}

fn lines(heard: &Receiver<String>, count: usize) -> Vec<String> {
    let wait = Duration::from_secs(20);
    (0..count).map(|_| heard.recv_timeout(wait).unwrap()).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn two_messages_go_over_one_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, heard) = channel();
    std::thread::spawn(move || serve(listener, sender));
    let scene = scene(address);
    for id in ["1", "2"] {
        scene.accept(id, b"Subject: hola\r\n\r\n.hola\r\n").await;
    }
    while scene.relay.turn().await.unwrap() == Turn::Done {}
    let hello = ["<connection>", "EHLO mail.mired.org"];
    let message = [
        "MAIL FROM:<ana@mired.org>",
        "RCPT TO:<eva@exterior.test>",
        "DATA",
        "Received: by us",
        "Subject: hola",
        "",
        "..hola",
        ".",
    ];
    let want: Vec<&str> = hello.into_iter().chain(message).chain(message).collect();
    assert_eq!(lines(&heard, want.len()), want);
    let tally = scene.relay.tally();
    assert_eq!((tally.connections, tally.reused, tally.delivered), (1, 1, 2));
    scene.world.pass_minutes(1);
    scene.relay.tidy().await;
    assert_eq!(lines(&heard, 1), ["QUIT"]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_port_that_is_closed_is_a_reason_to_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let scene = scene(address);
    scene.accept("1", b"Subject: hola\r\n\r\nhola\r\n").await;
    assert_eq!(scene.relay.turn().await, Ok(Turn::Done));
    assert_eq!(scene.relay.tally().deferred, 1);
    assert_eq!(scene.store.blob_count(), 1);
}
