//! Who is heard when they say who they are. Passwords are verified slowly, on purpose: without a
//! limit one stranger could use up that time for all, or guess for as long as it takes.
//!
//! Three debts grow with each failure and shrink with time: that of the address, that of the name
//! from that address, and that of the name from wherever. Who has too much of one is refused unheard
//! for a while. Nobody is locked out by strangers where they are known: an address from which an
//! account was logged in to is asked for its own debt alone, and less strictly.

use core_directory::Identity;
use core_guard::{Debt, Rate};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use words_base::Timestamp;
use words_mail::Refusal;

const fn rate(burst: u32, every_seconds: u64) -> Rate {
    Rate { burst, every: Duration::from_secs(every_seconds) }
}

/// Failures of one address (of IPv6: one /64), whatever the names: a hundred in ten minutes. A
/// household with a few devices that know an old password stays below it.
pub const OF_ADDRESS: Rate = rate(100, 6);
/// Failures of one name from one address.
pub const OF_PAIR: Rate = rate(10, 60);
/// The same where that account was logged in to of late.
pub const OF_KNOWN_PAIR: Rate = rate(30, 10);
/// Failures of one name from all addresses together, known ones aside.
pub const OF_NAME: Rate = rate(60, 10);
/// Logins of one address under way at once: far fewer than may wait for a core.
pub const UNDER_WAY_MAX: u32 = 16;
/// So long an address is known after the last login from there.
pub const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// So many failures of one name from one address are answered at once;
pub const PROMPT_FAILURES: u32 = 3;
/// then the answer is held back for a second, then two, then four, at most so long.
pub const DELAY_MAX: Duration = Duration::from_secs(8);
/// Addresses, names and pairs that are remembered.
const ENTRIES_MAX: usize = 60_000;
/// Wrong passwords that are remembered of a pair. Who repeats one does not guess: it is a device that
/// knows an old one.
const WRONG_MAX: usize = 4;

/// What is remembered, of everybody who tries.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    hasher: RandomState,
    entries: Mutex<HashMap<Key, Entry>>,
}

/// What a debt is of. Names are hashed under a key of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Pair(u64, IpAddr),
    Name(u64),
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    debt: Debt,
    /// Of an address: logins that are not answered yet.
    under_way: u32,
    /// Of a pair: when it was last let in.
    known_at: Option<Timestamp>,
    /// Of a pair: keyed hashes of wrong passwords.
    wrong: [u64; WRONG_MAX],
}

impl Entry {
    fn is_known(&self, now: Timestamp) -> bool {
        self.known_at.is_some_and(|at| now.since(at) < KNOWN_FOR)
    }

    /// Is there nothing to remember?
    fn is_stale(&self, now: Timestamp) -> bool {
        self.under_way == 0 && self.debt.is_paid(now) && !self.is_known(now)
    }
}

/// One login under way.
#[derive(Debug)]
pub(crate) struct Attempt {
    throttle: Arc<Throttle>,
    /// Where it comes from, if that is an address at all.
    peer: Option<IpAddr>,
    /// The same, if it is counted: this machine's own is not, since programs that serve many people
    /// share it.
    counted: Option<IpAddr>,
    /// Whom it is about, hashed.
    name: Option<u64>,
    /// Was it put down as a failure when it began?
    is_charged: bool,
}

impl Throttle {
    /// One from `peer`, as in `192.0.2.1:1234` or `192.0.2.1`. Errors: `Limit`.
    pub(crate) fn begin(self: &Arc<Self>, peer: &str, now: Timestamp) -> Result<Attempt, Refusal> {
        let peer = prefix(peer);
        let counted = peer.filter(|peer| !peer.is_loopback());
        if let Some(address) = counted {
            let mut entries = self.entries();
            let entry = entry(&mut entries, Key::Address(address), now);
            if !entry.debt.allows(OF_ADDRESS, now) {
                return Err(Refusal::Limit("failed logins of one address, try again later"));
            }
            if entry.under_way >= UNDER_WAY_MAX {
                return Err(Refusal::Limit("logins of one address at once, try again later"));
            }
            entry.under_way += 1;
        }
        Ok(Attempt { throttle: self.clone(), peer, counted, name: None, is_charged: false })
    }

    /// The end of one that was heard and charged: it is heard again, however many began meanwhile.
    pub(crate) fn resume(self: &Arc<Self>, peer: &str, identity: &Identity) -> Attempt {
        let name = Some(self.hasher.hash_one(identity));
        let peer = prefix(peer);
        Attempt { throttle: self.clone(), peer, counted: None, name, is_charged: true }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// It is about `identity`. Errors: `Limit`.
    pub(crate) fn is_about(&mut self, identity: &Identity, now: Timestamp) -> Result<(), Refusal> {
        let name = self.throttle.hasher.hash_one(identity);
        self.name = Some(name);
        let entries = self.throttle.entries();
        let of = |key: Key| entries.get(&key).copied().unwrap_or_default();
        let pair = self.peer.map(|peer| of(Key::Pair(name, peer))).unwrap_or_default();
        let too_many = Refusal::Limit("failed logins of one account, try again later");
        if !pair.debt.allows(pair_rate(&pair, now), now) {
            return Err(too_many);
        }
        if !pair.is_known(now) && !of(Key::Name(name)).debt.allows(OF_NAME, now) {
            return Err(too_many);
        }
        Ok(())
    }

    /// Puts it down as a failure before it is one: a proof is told right or wrong before we are asked
    /// again, so that who has many exchanges open has as many guesses.
    pub(crate) fn charge(&self, now: Timestamp) {
        let mut entries = self.throttle.entries();
        let _ = self.put_down(&mut entries, None, now);
    }

    /// It was wrong; `password` is what was given, if it was. So long the answer is to be held back.
    pub(crate) fn failed(&self, password: Option<&[u8]>, now: Timestamp) -> Duration {
        let mut entries = self.throttle.entries();
        if !self.is_charged {
            return delay(self.put_down(&mut entries, password, now));
        }
        let (Some(name), Some(peer)) = (self.name, self.peer) else { return Duration::ZERO };
        let pair = entry(&mut entries, Key::Pair(name, peer), now);
        delay(pair.debt.failures(pair_rate(pair, now), now))
    }

    /// Adds to all debts; gives that of the pair.
    fn put_down(
        &self,
        entries: &mut HashMap<Key, Entry>,
        password: Option<&[u8]>,
        now: Timestamp,
    ) -> u32 {
        if let Some(address) = self.counted {
            entry(entries, Key::Address(address), now).debt.add(OF_ADDRESS, now);
        }
        let Some(name) = self.name else { return 0 };
        let Some(peer) = self.peer else {
            entry(entries, Key::Name(name), now).debt.add(OF_NAME, now);
            return 0;
        };
        let pair = entry(entries, Key::Pair(name, peer), now);
        let (rate, is_known) = (pair_rate(pair, now), pair.is_known(now));
        // 0 stands for an empty place.
        let wrong = password.map(|password| self.throttle.hasher.hash_one((name, password)) | 1);
        let is_repeated = wrong.is_some_and(|wrong| pair.wrong.contains(&wrong));
        if !is_repeated {
            pair.debt.add(rate, now);
            if let Some(wrong) = wrong {
                pair.wrong.rotate_right(1);
                pair.wrong[0] = wrong;
            }
        }
        let failures = pair.debt.failures(rate, now);
        if !is_repeated && !is_known {
            entry(entries, Key::Name(name), now).debt.add(OF_NAME, now);
        }
        failures
    }

    /// It was right: what that name owed from that address is forgotten, and the address is known.
    /// Not what the address owes besides: who has an account could guess at others between two
    /// logins to it.
    pub(crate) fn succeeded(&self, now: Timestamp) {
        let (Some(name), Some(peer)) = (self.name, self.peer) else { return };
        let mut entries = self.throttle.entries();
        let pair = entry(&mut entries, Key::Pair(name, peer), now);
        let was_known = pair.is_known(now);
        *pair = Entry { known_at: Some(now), ..Entry::default() };
        if self.is_charged {
            if let Some(address) = entries.get_mut(&Key::Address(peer)) {
                address.debt.forgive(OF_ADDRESS, now);
            }
            if let Some(all) = entries.get_mut(&Key::Name(name)).filter(|_| !was_known) {
                all.debt.forgive(OF_NAME, now);
            }
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(address) = self.counted else { return };
        let mut entries = self.throttle.entries();
        if let Some(entry) = entries.get_mut(&Key::Address(address)) {
            entry.under_way = entry.under_way.saturating_sub(1);
            if entry.under_way == 0 && entry.debt == Debt::default() {
                entries.remove(&Key::Address(address));
            }
        }
    }
}

fn pair_rate(pair: &Entry, now: Timestamp) -> Rate {
    if pair.is_known(now) { OF_KNOWN_PAIR } else { OF_PAIR }
}

/// How long the answer to so many failures is held back.
fn delay(failures: u32) -> Duration {
    match failures.checked_sub(PROMPT_FAILURES + 1) {
        None => Duration::ZERO,
        Some(more) => Duration::from_secs(1_u64.checked_shl(more).unwrap_or(0))
            .clamp(Duration::from_secs(1), DELAY_MAX),
    }
}

/// The entry of `key`, made if need be; then room is made as well.
fn entry(entries: &mut HashMap<Key, Entry>, key: Key, now: Timestamp) -> &mut Entry {
    if entries.len() >= ENTRIES_MAX && !entries.contains_key(&key) {
        make_room(entries, now);
    }
    entries.entry(key).or_default()
}

/// Forgets what is of no use any more; if that is little, the half of the rest that owes least, so
/// that whoever has many addresses cannot have us forget those who owe much.
fn make_room(entries: &mut HashMap<Key, Entry>, now: Timestamp) {
    entries.retain(|_, entry| !entry.is_stale(now));
    if entries.len() < ENTRIES_MAX / 2 {
        return;
    }
    let rank = |entry: &Entry| (entry.is_known(now), entry.debt);
    let mut ranks: Vec<_> = entries.values().map(rank).collect();
    let middle = ranks.len() / 2;
    let (_, median, _) = ranks.select_nth_unstable(middle);
    let mut to_go = middle;
    entries.retain(|_, entry| {
        let goes = to_go > 0 && entry.under_way == 0 && rank(entry) <= *median;
        to_go -= usize::from(goes);
        !goes
    });
}

/// The address, or for IPv6 its /64, which is what one household or machine has.
fn prefix(peer: &str) -> Option<IpAddr> {
    let address = peer.parse::<SocketAddr>().map(|peer| peer.ip()).or_else(|_| peer.parse());
    Some(match address.ok()?.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    })
}

#[cfg(test)]
mod tests;
