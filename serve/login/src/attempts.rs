//! How often one address may be wrong. Passwords are verified slowly, on purpose: without a limit
//! one stranger could use up that time for all, or guess for as long as it takes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use words_base::Timestamp;
use words_mail::Refusal;

/// Failed logins of one address (of IPv6: one /64) within [`WINDOW`]; then all its logins are refused
/// unheard. A household with a few devices that know an old password stays below it.
pub const FAILURES_MAX: u32 = 100;
/// How long failures count.
pub const WINDOW: Duration = Duration::from_secs(10 * 60);
/// Logins of one address under way at once: far fewer than may wait for a core.
pub const UNDER_WAY_MAX: u32 = 16;
/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 20_000;

/// What is remembered of addresses. This machine's own is not counted: programs that serve many
/// people share it.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<IpAddr, Entry>>);

#[derive(Debug)]
struct Entry {
    /// When the first failure that counts was; a clock set back makes it stale.
    since: Timestamp,
    failures: u32,
    under_way: u32,
}

impl Entry {
    fn is_stale(&self, now: Timestamp) -> bool {
        now < self.since || now.since(self.since) >= WINDOW
    }
}

/// One login under way.
#[derive(Debug)]
pub(crate) struct Attempt {
    attempts: Arc<Attempts>,
    address: Option<IpAddr>,
}

impl Attempts {
    /// One from `peer`, as in `192.0.2.1:1234` or `192.0.2.1`. Errors: `Limit`.
    pub(crate) fn begin(self: &Arc<Self>, peer: &str, now: Timestamp) -> Result<Attempt, Refusal> {
        let address = counted(peer);
        if let Some(address) = address {
            let mut entries = self.entries();
            if entries.len() >= ADDRESSES_MAX && !entries.contains_key(&address) {
                entries.retain(|_, entry| entry.under_way > 0 || !entry.is_stale(now));
                if entries.len() >= ADDRESSES_MAX {
                    // To forget others would help whoever has so many.
                    return Ok(Attempt { attempts: self.clone(), address: None });
                }
            }
            let fresh = || Entry { since: now, failures: 0, under_way: 0 };
            let entry = entries.entry(address).or_insert_with(fresh);
            if entry.is_stale(now) {
                (entry.since, entry.failures) = (now, 0);
            }
            if entry.failures >= FAILURES_MAX {
                return Err(Refusal::Limit("failed logins of one address"));
            }
            if entry.under_way >= UNDER_WAY_MAX {
                return Err(Refusal::Limit("logins of one address at once"));
            }
            entry.under_way += 1;
        }
        Ok(Attempt { attempts: self.clone(), address })
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<IpAddr, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// It was a wrong one.
    pub(crate) fn failed(&self) {
        let Some(address) = self.address else { return };
        if let Some(entry) = self.attempts.entries().get_mut(&address) {
            entry.failures = entry.failures.saturating_add(1);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut entries = self.attempts.entries();
        if let Some(entry) = entries.get_mut(&address) {
            entry.under_way = entry.under_way.saturating_sub(1);
            if entry.under_way == 0 && entry.failures == 0 {
                entries.remove(&address);
            }
        }
    }
}

fn counted(peer: &str) -> Option<IpAddr> {
    let address = peer.parse::<SocketAddr>().map(|peer| peer.ip()).or_else(|_| peer.parse());
    match address.ok()?.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V6(v6) => {
            Some(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))))
        }
        address => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    fn fail(attempts: &Arc<Attempts>, peer: &str, now: Timestamp) -> bool {
        attempts.begin(peer, now).map(|attempt| attempt.failed()).is_ok()
    }

    #[test]
    fn an_address_that_was_wrong_too_often_is_not_heard_for_a_while() {
        let attempts = Arc::new(Attempts::default());
        for n in 0..FAILURES_MAX {
            assert!(fail(&attempts, &format!("192.0.2.1:{n}"), at(0)), "{n}");
        }
        assert!(attempts.begin("192.0.2.1:7", at(599)).is_err());
        assert!(attempts.begin("[::ffff:192.0.2.1]:7", at(599)).is_err());
        assert!(attempts.begin("192.0.2.1", at(599)).is_err());
        assert!(attempts.begin("192.0.2.2:7", at(599)).is_ok(), "another is heard");
        assert!(attempts.begin("192.0.2.1:7", at(600)).is_ok(), "the window is over");
        assert!(attempts.begin("192.0.2.1:7", at(-1)).is_ok(), "a clock set back");
    }

    #[test]
    fn this_machine_is_not_counted_and_success_leaves_nothing() {
        let attempts = Arc::new(Attempts::default());
        assert!((0..=FAILURES_MAX).all(|_| fail(&attempts, "127.0.0.1:1", at(0))));
        assert!((0..=FAILURES_MAX).all(|_| attempts.begin("192.0.2.1:1", at(0)).is_ok()));
        assert!(attempts.entries().is_empty());
    }

    #[test]
    fn one_address_cannot_have_everybody_wait() {
        let attempts = Arc::new(Attempts::default());
        let begin = |n: u32| attempts.begin(&format!("[2001:db8::{n:x}]:25"), at(0));
        let mut under_way: Vec<_> = (0..UNDER_WAY_MAX).map(|n| begin(n).unwrap()).collect();
        assert!(begin(99).is_err());
        under_way.pop();
        assert!(begin(99).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let attempts = Arc::new(Attempts::default());
        for n in 0..ADDRESSES_MAX {
            assert!(fail(&attempts, &format!("10.{}.{}.1:1", n / 256, n % 256), at(0)));
        }
        assert!(fail(&attempts, "192.0.2.1:1", at(599)));
        assert_eq!(attempts.entries().len(), ADDRESSES_MAX);
        assert!(fail(&attempts, "192.0.2.1:1", at(600)));
        assert_eq!(attempts.entries().len(), 1);
    }
}
