//! A small protocol of lines, to drive the driver, and a client of it.

use crate::tls::Client;
use bytes::Bytes;
use engine_net::{Certificate, Certificates, Listener, Options, Peer, Stop, Tickets, Tls, stop};
use proto_line::{Broken, Desk, LineBuffer, News, Secured, Session, Step};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

/// No test waits longer for anything.
pub const LIMIT: Duration = Duration::from_secs(20);

/// `NAME text` lines; each gets a line back.
#[derive(Default)]
pub struct Echo {
    lines: LineBuffer,
    asked: bool,
    to_say: Vec<Step<Question, u64>>,
    secured: Option<Secured>,
    greeted: bool,
}

/// What a session asks.
#[derive(Debug)]
pub enum Question {
    Upper(Vec<u8>),
    /// Its answer is held back for a day.
    Late(Vec<u8>),
    Panic,
}

impl Session for Echo {
    type Ask = Question;
    type Answer = Vec<u8>;
    type Stretch = u64;

    fn input(&mut self, bytes: &[u8]) {
        self.lines.extend(bytes);
    }

    fn answer(&mut self, answer: Vec<u8>) {
        assert!(std::mem::take(&mut self.asked));
        self.say(&answer);
    }

    fn news(&mut self, news: News) {
        match news {
            News::Changed | News::ShutOut => self.say(b"news"),
            News::ShuttingDown => {
                self.say(b"going down");
                self.to_say.push(Step::Close);
            }
        }
    }

    fn secured(&mut self, secured: Secured) {
        self.lines.clear();
        self.secured = Some(secured);
    }

    fn step(&mut self, now: Instant) -> Step<Question, u64> {
        assert!(!self.asked, "stepped without an answer");
        if !std::mem::replace(&mut self.greeted, true) {
            self.say(b"hello");
        }
        loop {
            if !self.to_say.is_empty() {
                return self.to_say.remove(0);
            }
            match self.lines.line(1000) {
                Some(Ok(line)) => self.command(&line),
                Some(Err(_)) => self.say(b"too long"),
                None => return Step::Wait { until: now + LIMIT },
            }
        }
    }

    fn last_words(&self) -> Vec<u8> {
        b"sorry\r\n".to_vec()
    }
}

impl Echo {
    fn say(&mut self, text: &[u8]) {
        self.to_say.push(Step::Send([text, b"\r\n"].concat()));
    }

    fn command(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line).into_owned();
        let (name, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match name {
            "ECHO" => self.say(rest.as_bytes()),
            "UPPER" => {
                self.asked = true;
                self.to_say.push(Step::Ask(Question::Upper(rest.into())));
            }
            "LATE" => {
                self.asked = true;
                self.to_say.push(Step::Ask(Question::Late(rest.into())));
            }
            "PANIC" => self.to_say.push(Step::Ask(Question::Panic)),
            "STREAM" => {
                let octets = rest.parse().unwrap_or(0);
                self.say(rest.as_bytes());
                self.to_say.push(Step::Stream(octets));
                self.say(b"end");
            }
            "STARTTLS" => {
                self.say(b"go");
                self.to_say.push(Step::StartTls);
            }
            "SECURED" => {
                let secured = self.secured.clone();
                let text = secured.map(|s| (s.version, s.cipher, s.exporter.is_some()));
                self.say(format!("{text:?}").as_bytes());
            }
            "QUIT" => {
                self.say(b"bye");
                self.to_say.push(Step::Close);
            }
            _ => self.say(b"what?"),
        }
    }
}

/// Answers at once; bodies are made up.
pub struct EchoDesk {
    news: mpsc::UnboundedReceiver<()>,
    open: Arc<AtomicUsize>,
    delay: Duration,
}

impl Drop for EchoDesk {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Desk for EchoDesk {
    type Ask = Question;
    type Answer = Vec<u8>;
    type Stretch = u64;

    async fn answer(&mut self, ask: Question) -> Vec<u8> {
        tokio::task::yield_now().await;
        match ask {
            Question::Upper(text) => text.to_ascii_uppercase(),
            Question::Late(text) => {
                self.delay = Duration::from_secs(24 * 60 * 60);
                text
            }
            Question::Panic => panic!("as wished"),
        }
    }

    fn delay(&mut self) -> Duration {
        std::mem::take(&mut self.delay)
    }

    async fn read(&mut self, octets: &u64, offset: u64, len_max: usize) -> Result<Bytes, Broken> {
        let len = octets.saturating_sub(offset).min(len_max as u64) as usize;
        Ok(Bytes::from((0..len).map(|i| stretch_octet(offset + i as u64)).collect::<Vec<_>>()))
    }

    async fn news(&mut self) -> News {
        match self.news.recv().await {
            Some(()) => News::Changed,
            None => std::future::pending().await,
        }
    }
}

/// The octet at `offset` of every stretch.
pub fn stretch_octet(offset: u64) -> u8 {
    (offset % 251) as u8
}

/// A server of it on a port of its own.
pub struct Server {
    pub address: SocketAddr,
    pub stop: Stop,
    /// Desks that exist.
    pub open: Arc<AtomicUsize>,
    /// One sender for each connection, in the order they came.
    pub news: mpsc::UnboundedReceiver<mpsc::UnboundedSender<()>>,
}

pub fn serve(options: Options) -> Server {
    serve_whom(options).0
}

/// The same, and who came, in order.
pub fn serve_whom(options: Options) -> (Server, mpsc::UnboundedReceiver<Peer>) {
    let (stop, stopping) = stop();
    let listener = Listener::bind("echo", "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address();
    let open = Arc::new(AtomicUsize::new(0));
    let (senders, news) = mpsc::unbounded_channel();
    let (coming, came) = mpsc::unbounded_channel();
    let count = open.clone();
    tokio::spawn(listener.serve(options, stopping, move |peer| {
        count.fetch_add(1, Ordering::SeqCst);
        let (sender, news) = mpsc::unbounded_channel();
        let _ = senders.send(sender);
        let _ = coming.send(peer);
        (Echo::default(), EchoDesk { news, open: count.clone(), delay: Duration::ZERO })
    }));
    (Server { address, stop, open, news }, came)
}

/// Everything until the server hangs up.
pub async fn rest(tcp: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(LIMIT, tcp.read_to_end(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8(bytes).unwrap()
}

/// This, and nothing else, comes next.
pub async fn expect(from: &mut (impl AsyncRead + Unpin), want: &str) {
    let mut bytes = vec![0; want.len()];
    timeout(LIMIT, from.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), want);
}

/// TLS over `tcp`, asking for `name` and taking any certificate.
pub async fn client_of(name: &'static str, tcp: TcpStream) -> TlsStream<TcpStream> {
    let client = Client::new(&[&rustls::version::TLS13]);
    client.secure_as(name, tcp).await.unwrap()
}

/// A certificate for `localhost`.
pub fn tls(tickets: Tickets) -> Tls {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    tls_of(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap(), tickets)
}

pub fn tls_of(certificates: impl Into<Certificates>, tickets: Tickets) -> Tls {
    Tls::new(certificates, tickets).unwrap()
}
