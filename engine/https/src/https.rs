//! One question, one connection.

use crate::answer::{Answer, Progress, Reading};
use crate::public::is_public;
use crate::url::Url;
use core_world::{
    Dial, DialError, DialTls, Dialer, Fetch, FetchError, Fetched, Fetcher, Later, LookupError,
    Question, Reach, Record, RecordKind, Resolver, Trust, Wire, WireError,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// So many addresses of a server are tried,
const ADDRESSES_MAX: usize = 4;
/// each so long.
const ADDRESS_TIME: Duration = Duration::from_secs(10);
/// Octets read at once.
const BUFFER: usize = 16 * 1024;
/// What we call ourselves (RFC 9110 §10.1.5).
const AGENT: &str = concat!("estafeta/", env!("CARGO_PKG_VERSION"));

/// Asks web servers. Clones share the doors.
#[derive(Clone)]
pub struct Https {
    dialer: Arc<dyn Dialer>,
    resolver: Arc<dyn Resolver>,
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// `GET`, `POST`, `HEAD`.
    pub method: &'a str,
    /// Further fields: names and values. None has a line end in it.
    pub fields: &'a [(&'a str, &'a str)],
    /// What is handed over.
    pub body: &'a [u8],
}

impl Https {
    /// Connects by `dialer`, which believes the authorities it knows. `resolver` finds servers that
    /// strangers have named; those that the operator names are found by the system.
    pub fn new(dialer: Arc<dyn Dialer>, resolver: Arc<dyn Resolver>) -> Https {
        Https { dialer, resolver }
    }

    /// The server's answer to `ask`, whatever its status.
    pub async fn ask(&self, what: &Fetch, ask: Ask<'_>) -> Result<Answer, FetchError> {
        let url = Url::parse(&what.url)?;
        let work = async {
            let mut wire = self.connect(&url, what).await?;
            wire.write(&question(&url, ask), what.within).await.map_err(broken)?;
            read(&mut *wire, ask.method, what.size_max, what.within).await
        };
        timeout(what.within, work).await.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn connect(&self, url: &Url, what: &Fetch) -> Result<Box<dyn Wire>, FetchError> {
        let mut dial = Dial {
            host: url.host.clone(),
            address: None,
            port: url.port,
            source: None,
            tls: DialTls::Implicit,
            trust: Trust::Authorities,
            within: what.within,
        };
        if what.reach == Reach::Anywhere {
            return self.dialer.dial(&dial).await.map_err(undialed);
        }
        dial.within = ADDRESS_TIME.min(what.within);
        let mut last = FetchError::NotPublic;
        // The address that was looked at is the one that is called: a name that leads elsewhere the
        // second time gains nothing.
        let found = self.addresses(&url.host).await?;
        for address in found.into_iter().filter(|ip| is_public(*ip)).take(ADDRESSES_MAX) {
            dial.address = Some(address);
            match self.dialer.dial(&dial).await {
                Ok(wire) => return Ok(wire),
                Err(error) => last = undialed(error),
            }
        }
        Err(last)
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, FetchError> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let mut found = Vec::new();
        let mut last = None;
        for kind in [RecordKind::Aaaa, RecordKind::A] {
            match self.resolver.lookup(&Question::new(host, kind)).await {
                Ok(answer) => found.extend(answer.records.iter().filter_map(address)),
                Err(error) if last.is_none() || !error.is_denial() => last = Some(error),
                Err(_) => {}
            }
        }
        match last {
            Some(error) if found.is_empty() => Err(not_found(&error)),
            _ => Ok(found),
        }
    }
}

impl Fetcher for Https {
    fn get<'a>(&'a self, what: &'a Fetch) -> Later<'a, Result<Fetched, FetchError>> {
        let ask = Ask { method: "GET", fields: &[], body: &[] };
        Box::pin(async move { self.ask(what, ask).await.map(fetched) })
    }

    fn post<'a>(
        &'a self,
        what: &'a Fetch,
        content_type: &'a str,
        body: &'a [u8],
    ) -> Later<'a, Result<Fetched, FetchError>> {
        Box::pin(async move {
            let fields = [("Content-Type", content_type)];
            self.ask(what, Ask { method: "POST", fields: &fields, body }).await.map(fetched)
        })
    }
}

fn fetched(answer: Answer) -> Fetched {
    let content_type = answer.field("content-type");
    Fetched { status: answer.status, content_type, body: answer.body }
}

fn address(record: &Record) -> Option<IpAddr> {
    match record {
        Record::A(address) => Some(IpAddr::V4(*address)),
        Record::Aaaa(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

fn not_found(error: &LookupError) -> FetchError {
    FetchError::NoSuchHost(error.to_string())
}

/// `method target HTTP/1.1` and what belongs to it (RFC 9112 §3).
fn question(url: &Url, ask: Ask<'_>) -> Vec<u8> {
    let Ask { method, fields, body } = ask;
    let mut head = format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {AGENT}\r\nAccept: */*\r\n\
         Accept-Encoding: identity\r\nConnection: close\r\n",
        url.target, url.authority
    );
    for (name, value) in fields {
        // A field that is more than one field is left out.
        if !value.contains(['\r', '\n', '\0']) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

async fn read(
    wire: &mut dyn Wire,
    method: &str,
    size_max: usize,
    within: Duration,
) -> Result<Answer, FetchError> {
    let mut reading = Reading::new(size_max, method);
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = wire.read(&mut buffer, within).await.map_err(broken)?;
        let came = buffer.get(..count).unwrap_or_default();
        if came.is_empty() || reading.take(came)? == Progress::Whole {
            return reading.end();
        }
    }
}

fn broken(error: WireError) -> FetchError {
    match error {
        WireError::TimedOut => FetchError::TimedOut,
        WireError::Broken(how) => FetchError::Broken(how),
    }
}

fn undialed(error: DialError) -> FetchError {
    match error {
        DialError::NoSuchHost(why) => FetchError::NoSuchHost(why),
        DialError::TimedOut => FetchError::TimedOut,
        DialError::Untrusted { reason, .. } => FetchError::Untrusted(reason),
        DialError::Unreachable(why) | DialError::Tls(why) => FetchError::Broken(why),
    }
}
