//! Connections that a proxy passes on.

use crate::echo::{LIMIT, Server, client_of, expect, rest, serve, serve_whom, tls};
use engine_net::{Options, Proxies, Security, Tickets};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LINE: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n";
const BINARY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x00\x19";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

fn behind_proxies() -> Options {
    let proxies = Some(Proxies::new(|address| address.is_loopback()));
    Options { proxies, busy: "busy\r\n", ..Options::default() }
}

async fn say(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut tcp = timeout(LIMIT, TcpStream::connect(server.address)).await.unwrap().unwrap();
    tcp.write_all(bytes).await.unwrap();
    tcp
}

#[tokio::test]
async fn the_session_and_its_desk_learn_who_is_behind_the_proxy() {
    let (server, mut whom) = serve_whom(behind_proxies());
    for (header, address, local) in [
        (LINE.as_bytes(), "192.0.2.7:56324", "198.51.100.1:25"),
        (BINARY, "192.0.2.7:56324", "198.51.100.1:25"),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n", "192.0.2.7:1", "[::1]:25"),
        (b"PROXY UNKNOWN\r\n", "0.0.0.0:0", ""),
        (LOCAL, "", ""),
    ] {
        let mut tcp = say(&server, &[header, b"ECHO x\r\nQUIT\r\n"].concat()).await;
        assert_eq!(rest(&mut tcp).await, "hello\r\nx\r\nbye\r\n");
        let (peer, us) = (whom.recv().await.unwrap(), tcp.local_addr().unwrap());
        let own = |text: &str, own: std::net::SocketAddr| match text {
            "" => own,
            text => text.parse().unwrap(),
        };
        assert_eq!(peer.address, own(address, us), "{header:?}");
        assert_eq!(peer.local, own(local, server.address), "{header:?}");
        assert_eq!(peer.proxy, (header != LOCAL).then_some(us), "{header:?}");
    }
}

#[tokio::test]
async fn a_header_in_pieces_is_read_and_nothing_behind_it() {
    let server = serve(behind_proxies());
    for header in [LINE.as_bytes(), BINARY] {
        let mut tcp = say(&server, b"").await;
        tcp.set_nodelay(true).unwrap();
        for octet in header {
            tcp.write_all(&[*octet]).await.unwrap();
            tokio::task::yield_now().await;
        }
        tcp.write_all(b"ECHO x\r\nQUIT\r\n").await.unwrap();
        assert_eq!(rest(&mut tcp).await, "hello\r\nx\r\nbye\r\n");
    }
}

#[tokio::test]
async fn tls_begins_behind_the_header() {
    let security = Security::Implicit(tls(Tickets::Given));
    let server = serve(Options { security, ..behind_proxies() });
    let tcp = say(&server, BINARY).await;
    let mut stream = client_of("localhost", tcp).await;
    stream.write_all(b"QUIT\r\n").await.unwrap();
    expect(&mut stream, "hello\r\nbye\r\n").await;
}

/// Not a word, whether the end comes gently or not.
async fn turned_away(tcp: &mut TcpStream) {
    let mut bytes = Vec::new();
    let end = timeout(LIMIT, tcp.read_to_end(&mut bytes)).await.unwrap();
    assert!(end.is_ok_and(|count| count == 0) || bytes.is_empty(), "{bytes:?}");
}

#[tokio::test]
async fn whoever_is_no_proxy_is_refused_with_a_header_or_without() {
    let proxies = Some(Proxies::new(|address| !address.is_loopback()));
    let (server, mut whom) = serve_whom(Options { proxies, ..behind_proxies() });
    for bytes in [LINE.as_bytes(), b"ECHO x\r\n", b""] {
        turned_away(&mut say(&server, bytes).await).await;
    }
    assert!(whom.try_recv().is_err(), "a session was begun");
}

#[tokio::test]
async fn a_proxy_that_says_nonsense_is_refused() {
    let (server, mut whom) = serve_whom(behind_proxies());
    for bytes in [
        &b"ECHO x\r\nECHO y\r\n"[..],
        b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0\0",
    ] {
        turned_away(&mut say(&server, bytes).await).await;
    }
    // Hangs up in the middle.
    let mut tcp = say(&server, &BINARY[..20]).await;
    tcp.shutdown().await.unwrap();
    turned_away(&mut tcp).await;
    assert!(whom.try_recv().is_err(), "a session was begun");
}

#[tokio::test]
async fn a_header_without_a_proxy_in_front_is_an_ordinary_command() {
    let server = serve(Options::default());
    let mut tcp = say(&server, &[LINE.as_bytes(), b"QUIT\r\n"].concat()).await;
    assert_eq!(rest(&mut tcp).await, "hello\r\nwhat?\r\nbye\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_says_nothing_is_given_up_in_time() {
    let server = serve(behind_proxies());
    let began = tokio::time::Instant::now();
    // The clock stands still but for timers, so this takes no time.
    for bytes in [&b""[..], &BINARY[..27]] {
        let mut tcp = TcpStream::connect(server.address).await.unwrap();
        tcp.write_all(bytes).await.unwrap();
        assert_eq!(rest_without_limit(&mut tcp).await, "");
    }
    assert!(began.elapsed() <= Duration::from_secs(60));
}

async fn rest_without_limit(tcp: &mut TcpStream) -> String {
    let mut text = String::new();
    tcp.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn those_behind_a_proxy_are_counted_each_by_its_own_address() {
    let options = Options { connections_per_address_max: 1, ..behind_proxies() };
    let server = serve(options);
    let from = |ip: &str| format!("PROXY TCP4 {ip} 198.51.100.1 1 25\r\n");
    let mut first = say(&server, from("192.0.2.1").as_bytes()).await;
    expect(&mut first, "hello\r\n").await;
    let mut again = say(&server, from("192.0.2.1").as_bytes()).await;
    assert_eq!(rest(&mut again).await, "busy\r\n");
    let mut other = say(&server, from("192.0.2.2").as_bytes()).await;
    expect(&mut other, "hello\r\n").await;
}

#[tokio::test]
async fn a_proxy_that_has_not_spoken_yet_takes_a_place() {
    let server = serve(Options { connections_max: 1, ..behind_proxies() });
    let silent = say(&server, b"PROXY ").await;
    assert_eq!(rest(&mut say(&server, b"").await).await, "busy\r\n");
    drop(silent);
    // The place comes back when its end is seen.
    let back = async {
        loop {
            let mut tcp = say(&server, &[LINE.as_bytes(), b"QUIT\r\n"].concat()).await;
            if rest(&mut tcp).await.starts_with("hello") {
                return;
            }
        }
    };
    timeout(LIMIT, back).await.unwrap();
}
