//! The whole of a fetch, over a dialer and a DNS of the test's own.

use core_world::{
    Answer, Dial, DialError, DialTls, Dialer, Fetch, FetchError, Fetcher, Later, LookupError,
    Protection, Question, Reach, Record, RecordKind, Resolver, Standing, Trust, Wire, WireError,
};
use engine_https::Https;
use std::future::ready;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A web whose every server says the same.
struct Web {
    answer: &'static str,
    addresses: Vec<&'static str>,
    dialed: Mutex<Vec<Dial>>,
    asked: Arc<Mutex<Vec<u8>>>,
}

struct Script {
    unread: &'static [u8],
    asked: Arc<Mutex<Vec<u8>>>,
}

impl Wire for Script {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
        _: Duration,
    ) -> Later<'a, Result<usize, WireError>> {
        let count = self.unread.len().min(buffer.len()).min(3);
        let (now, later) = self.unread.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.unread = later;
        Box::pin(ready(Ok(count)))
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8], _: Duration) -> Later<'a, Result<(), WireError>> {
        self.asked.lock().unwrap().extend_from_slice(bytes);
        Box::pin(ready(Ok(())))
    }

    fn secure<'a>(
        &'a mut self,
        _: &'a str,
        _: &'a Trust,
        _: Duration,
    ) -> Later<'a, Result<(), DialError>> {
        unreachable!("TLS is there from the first octet")
    }

    fn protection(&self) -> Option<&Protection> {
        None
    }
}

impl Dialer for Web {
    fn dial<'a>(&'a self, to: &'a Dial) -> Later<'a, Result<Box<dyn Wire>, DialError>> {
        self.dialed.lock().unwrap().push(to.clone());
        let wire = Script { unread: self.answer.as_bytes(), asked: self.asked.clone() };
        let dead = to.address == "9.9.9.9".parse().ok();
        Box::pin(ready(match dead {
            true => Err(DialError::Unreachable("9.9.9.9".to_string())),
            false => Ok(Box::new(wire) as Box<dyn Wire>),
        }))
    }
}

impl Resolver for Web {
    fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>> {
        let records = self.addresses.iter().map(|text| text.parse().unwrap());
        let records: Vec<Record> = records
            .filter_map(|address| match (address, question.kind) {
                (IpAddr::V4(address), RecordKind::A) => Some(Record::A(address)),
                (IpAddr::V6(address), RecordKind::Aaaa) => Some(Record::Aaaa(address)),
                _ => None,
            })
            .collect();
        let (standing, ttl) = (Standing::Insecure, Duration::from_secs(60));
        Box::pin(ready(match records.is_empty() {
            true => Err(LookupError::NoRecords(standing)),
            false => Ok(Answer { records, standing, ttl }),
        }))
    }
}

fn web(answer: &'static str, addresses: &[&'static str]) -> (Arc<Web>, Https) {
    let (dialed, asked) = Default::default();
    let web = Arc::new(Web { answer, addresses: addresses.to_vec(), dialed, asked });
    (web.clone(), Https::new(web.clone(), web))
}

fn fetch(url: &str, reach: Reach) -> Fetch {
    Fetch { url: url.to_string(), size_max: 100, within: Duration::from_secs(5), reach }
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_file_is_fetched_from_the_address_that_was_looked_at() {
    let (web, https) = web(HELLO, &["10.0.0.1", "9.9.9.9", "8.8.8.8", "::1"]);
    let got = https.get(&fetch("https://a.test/x?y", Reach::Public)).await.unwrap();
    assert_eq!(
        (got.status, got.content_type.as_str(), &got.body[..]),
        (200, "text/plain", &b"hello"[..])
    );
    let dialed = web.dialed.lock().unwrap();
    let tried: Vec<String> = dialed.iter().map(|dial| dial.address.unwrap().to_string()).collect();
    assert_eq!(tried, ["9.9.9.9", "8.8.8.8"]);
    for dial in dialed.iter() {
        let want = ("a.test", 443, DialTls::Implicit, Trust::Authorities);
        assert_eq!((dial.host.as_str(), dial.port, dial.tls, dial.trust.clone()), want);
    }
    let asked = String::from_utf8(web.asked.lock().unwrap().clone()).unwrap();
    assert!(asked.starts_with("GET /x?y HTTP/1.1\r\nHost: a.test\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\n"), "{asked}");
}

#[tokio::test]
async fn nobody_sends_us_into_our_own_network() {
    let (web, https) = web(HELLO, &["127.0.0.1", "10.0.0.1", "fd00::1", "::ffff:192.168.1.1"]);
    for url in ["https://a.test/", "https://127.0.0.1/", "https://[::1]/"] {
        let got = https.get(&fetch(url, Reach::Public)).await;
        assert_eq!(got, Err(FetchError::NotPublic), "{url}");
    }
    assert!(web.dialed.lock().unwrap().is_empty());
    // The operator may.
    assert!(https.get(&fetch("https://127.0.0.1/", Reach::Anywhere)).await.is_ok());
}

#[tokio::test]
async fn no_redirection_is_followed() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: https://b.test/\r\nContent-Length: 0\r\n\r\n";
    let (web, https) = web(moved, &["8.8.8.8"]);
    let got = https.get(&fetch("https://a.test/", Reach::Public)).await.unwrap();
    assert_eq!((got.status, web.dialed.lock().unwrap().len()), (302, 1));
}

#[tokio::test]
async fn a_body_is_handed_over_whole() {
    let (web, https) = web("HTTP/1.1 201 Created\r\n\r\n", &["8.8.8.8"]);
    let what = fetch("https://a.test/r", Reach::Public);
    let got = https.post(&what, "application/x\r\nEvil: 1", b"one\r\ntwo").await.unwrap();
    assert_eq!(got.status, 201);
    let got = https.post(&what, "application/x", b"one\r\ntwo").await.unwrap();
    assert_eq!(got.status, 201);
    let asked = String::from_utf8(web.asked.lock().unwrap().clone()).unwrap();
    assert!(!asked.contains("Evil"), "{asked}");
    assert!(asked.ends_with("Content-Type: application/x\r\nContent-Length: 8\r\n\r\none\r\ntwo"));
}

#[tokio::test]
async fn much_is_too_much() {
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n";
    let (_, https) = web(long, &["8.8.8.8"]);
    let got = https.get(&fetch("https://a.test/", Reach::Public)).await;
    assert_eq!(got, Err(FetchError::TooLarge));
}
