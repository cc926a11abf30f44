//! The driver in plaintext.

use crate::echo::{LIMIT, Server, expect, rest, serve, stretch_octet};
use engine_net::{AHEAD_MAX, BindErrorKind, Listener, Options, Room};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn connect(server: &Server) -> TcpStream {
    timeout(LIMIT, TcpStream::connect(server.address)).await.unwrap().unwrap()
}

/// Until no desk is left.
async fn all_gone(server: &Server) {
    let gone = async {
        while server.open.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(LIMIT, gone).await.unwrap();
}

#[tokio::test]
async fn commands_in_one_packet_are_answered_in_order() {
    let server = serve(Options::default());
    let mut tcp = connect(&server).await;
    tcp.write_all(b"ECHO one\r\nUPPER two\r\nWHAT\r\nECHO three\r\nQUIT\r\n").await.unwrap();
    assert_eq!(rest(&mut tcp).await, "hello\r\none\r\nTWO\r\nwhat?\r\nthree\r\nbye\r\n");
    all_gone(&server).await;
}

/// What came before is told, what is held back holds up nobody else, and a server that goes down does
/// not wait for it.
#[tokio::test]
async fn an_answer_is_held_back_as_long_as_the_desk_says() {
    let server = serve(Options::default());
    let (mut held, mut other) = (connect(&server).await, connect(&server).await);
    held.write_all(b"ECHO before\r\nLATE answer\r\nECHO behind\r\n").await.unwrap();
    expect(&mut held, "hello\r\nbefore\r\n").await;
    other.write_all(b"UPPER x\r\n").await.unwrap();
    expect(&mut other, "hello\r\nX\r\n").await;
    let mut octet = [0];
    assert!(held.try_read(&mut octet).is_err(), "nothing has come");
    assert_eq!(server.stop.within(LIMIT).await, 0);
    let heard = rest(&mut held).await;
    assert!(heard.starts_with("going down\r\n"), "{heard}");
    all_gone(&server).await;
}

#[tokio::test]
async fn commands_before_the_peers_end_are_still_answered() {
    let server = serve(Options::default());
    let mut tcp = connect(&server).await;
    tcp.write_all(b"ECHO one\r\nUPPER two\r\nECHO no end").await.unwrap();
    tcp.shutdown().await.unwrap();
    assert_eq!(rest(&mut tcp).await, "hello\r\none\r\nTWO\r\n");
    all_gone(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_train_of_commands_without_reading_does_not_deadlock() {
    let server = serve(Options::default());
    let tcp = connect(&server).await;
    let (mut read, mut write) = tcp.into_split();
    // More replies than both sides' socket buffers hold, and none read before all is written.
    let count = 200;
    let commands = "STREAM 100000\r\n".repeat(count);
    let padding = "ECHO x\r\n".repeat((AHEAD_MAX - commands.len()) / 8 / 2);
    timeout(LIMIT, write.write_all((commands + &padding + "QUIT\r\n").as_bytes()))
        .await
        .unwrap()
        .unwrap();
    let mut bytes = Vec::new();
    timeout(LIMIT, read.read_to_end(&mut bytes)).await.unwrap().unwrap();
    assert!(bytes.len() > count * 100_000 && bytes.ends_with(b"x\r\nbye\r\n"));
    all_gone(&server).await;
}

#[tokio::test]
async fn a_reader_that_sleeps_gets_every_octet() {
    let server = serve(Options::default());
    let mut tcp = connect(&server).await;
    for octets in [0_u64, 1, 16_384, 65_536, 65_537, 5_000_000] {
        tcp.write_all(format!("STREAM {octets}\r\n").as_bytes()).await.unwrap();
    }
    // Long enough for the server to fill every buffer between us.
    tokio::time::sleep(Duration::from_millis(50)).await;
    expect(&mut tcp, "hello\r\n").await;
    for octets in [0_u64, 1, 16_384, 65_536, 65_537, 5_000_000] {
        expect(&mut tcp, &format!("{octets}\r\n")).await;
        let mut body = vec![0; octets as usize];
        timeout(LIMIT, tcp.read_exact(&mut body)).await.unwrap().unwrap();
        assert!(body.iter().enumerate().all(|(i, octet)| *octet == stretch_octet(i as u64)));
        expect(&mut tcp, "end\r\n").await;
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_session_with_last_words() {
    let server = serve(Options::default());
    let (mut bad, mut good) = (connect(&server).await, connect(&server).await);
    bad.write_all(b"ECHO before\r\nPANIC\r\nECHO after\r\n").await.unwrap();
    let said = rest(&mut bad).await;
    assert!(said.ends_with("sorry\r\n") && !said.contains("after"), "{said}");
    good.write_all(b"ECHO still here\r\nQUIT\r\n").await.unwrap();
    assert_eq!(rest(&mut good).await, "hello\r\nstill here\r\nbye\r\n");
    all_gone(&server).await;
}

#[tokio::test]
async fn news_reaches_a_waiting_session_and_no_other() {
    let mut server = serve(Options::default());
    let mut tcp = connect(&server).await;
    expect(&mut tcp, "hello\r\n").await;
    let sender = server.news.recv().await.unwrap();
    sender.send(()).unwrap();
    expect(&mut tcp, "news\r\n").await;
    tcp.write_all(b"ECHO x\r\n").await.unwrap();
    expect(&mut tcp, "x\r\n").await;
    sender.send(()).unwrap();
    expect(&mut tcp, "news\r\n").await;
}

#[tokio::test]
async fn every_session_is_told_when_the_server_goes_down() {
    let server = serve(Options::default());
    let mut peers = Vec::new();
    for _ in 0..20 {
        let mut tcp = connect(&server).await;
        expect(&mut tcp, "hello\r\n").await;
        peers.push(tokio::spawn(async move { rest(&mut tcp).await }));
    }
    assert_eq!(server.stop.within(LIMIT).await, 0);
    assert_eq!(server.open.load(Ordering::SeqCst), 0, "stopped before all had ended");
    for peer in peers {
        assert_eq!(peer.await.unwrap(), "going down\r\n");
    }
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn one_too_many_is_told_so_and_a_place_comes_back() {
    let options = Options { connections_max: 2, busy: "busy\r\n", ..Options::default() };
    let server = serve(options);
    let (mut first, mut second) = (connect(&server).await, connect(&server).await);
    expect(&mut first, "hello\r\n").await;
    expect(&mut second, "hello\r\n").await;
    assert_eq!(rest(&mut connect(&server).await).await, "busy\r\n");
    first.write_all(b"QUIT\r\n").await.unwrap();
    assert_eq!(rest(&mut first).await, "bye\r\n");
    drop(first);
    all_but(&server, 1).await;
    expect(&mut connect(&server).await, "hello\r\n").await;
}

#[tokio::test]
async fn where_listeners_share_room_one_too_many_is_told_so() {
    let room = Some(Room::new(1));
    let options = Options { room, busy: "busy\r\n", ..Options::default() };
    let (here, there) = (serve(options.clone()), serve(options));
    let mut first = connect(&here).await;
    expect(&mut first, "hello\r\n").await;
    for server in [&here, &there] {
        assert_eq!(rest(&mut connect(server).await).await, "busy\r\n");
    }
    drop(first);
    all_but(&here, 0).await;
    expect(&mut connect(&there).await, "hello\r\n").await;
}

async fn all_but(server: &Server, left: usize) {
    let gone = async {
        while server.open.load(Ordering::SeqCst) > left {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(LIMIT, gone).await.unwrap();
    // The place is given back a moment after the desk is gone.
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let first = Listener::bind("echo", "127.0.0.1:0".parse().unwrap()).unwrap();
    let error = Listener::bind("pop3", first.address()).unwrap_err();
    assert!(matches!(error.kind, BindErrorKind::InUse));
    let text = error.to_string();
    assert!(text.contains(&first.address().port().to_string()) && text.contains("pop3"), "{text}");
}
