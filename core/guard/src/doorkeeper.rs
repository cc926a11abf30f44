//! How often each network comes, how it behaves, and for how long it is turned away.

use crate::{Debt, Network, Rate};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use words_base::Timestamp;

/// Networks that are remembered. When there are more, those of whom there is least to remember go.
const NETWORKS_MAX: usize = 50_000;
/// Who has waited for the greeting once need not wait for so long.
const PATIENT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// A ban is this many times as long as the one before it,
const BAN_GROWS: u32 = 4;
/// as long as that one ended less than so long ago,
const BAN_REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// and never longer than this.
const BAN_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How often strangers may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Connections of one network.
    pub connections: Rate,
    /// Recipients that one network may name.
    pub recipients: Rate,
    /// Points for bad behaviour; see [`Offence::points`].
    pub offences: Rate,
    /// How long the first ban is.
    pub ban: Duration,
    /// How long a stranger has to wait for the greeting.
    pub greeting_delay: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            // A large sender comes with many connections at once, and keeps coming.
            connections: Rate { burst: 300, every: Duration::from_millis(500) },
            recipients: Rate { burst: 2_000, every: Duration::from_millis(200) },
            offences: Rate { burst: 60, every: Duration::from_secs(30) },
            ban: Duration::from_secs(15 * 60),
            greeting_delay: Duration::from_secs(2),
        }
    }
}

/// What well-behaved programs do not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Spoke before the greeting.
    EarlyTalk,
    /// Named somebody whom there is not. Everybody does now and then; harvesters do nothing else.
    UnknownRecipient,
    /// Wanted mail carried elsewhere.
    RelayTried,
    /// Gave a wrong password.
    WrongPassword,
    /// Sent what is no command, or no line.
    Garbage,
    /// Came with a message that was refused for what it is.
    BadMessage,
}

impl Offence {
    /// How much it weighs.
    pub fn points(self) -> u32 {
        match self {
            Offence::EarlyTalk => 20,
            Offence::RelayTried => 10,
            Offence::WrongPassword => 3,
            Offence::UnknownRecipient | Offence::Garbage | Offence::BadMessage => 2,
        }
    }

    /// In words, for the log.
    pub fn what(self) -> &'static str {
        match self {
            Offence::EarlyTalk => "spoke before the greeting",
            Offence::UnknownRecipient => "named unknown recipients",
            Offence::RelayTried => "wanted mail carried elsewhere",
            Offence::WrongPassword => "gave wrong passwords",
            Offence::Garbage => "did not speak the protocol",
            Offence::BadMessage => "sent messages that were refused",
        }
    }
}

/// How somebody who comes is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// Let in; the greeting comes after this long.
    Come {
        /// Nothing for who has waited before.
        greeting_after: Duration,
    },
    /// Turned away.
    Turned(Turned),
}

/// Why, and for how long, somebody is turned away. To be told as something temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// For bad behaviour.
    Banned {
        /// The last straw.
        offence: Offence,
        /// Until when.
        until: Timestamp,
    },
    /// They come too often.
    TooOften,
}

/// Knows who has come and how they behaved. In memory alone: after a start everybody is new.
#[derive(Debug)]
pub struct Doorkeeper {
    pace: RwLock<Pace>,
    known: Mutex<HashMap<Network, Known>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    connections: Debt,
    recipients: Debt,
    offences: Debt,
    /// The last ban.
    ban: Option<Ban>,
    /// When it last waited for the greeting.
    patient_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Ban {
    offence: Offence,
    until: Timestamp,
    length: Duration,
}

impl Known {
    /// Is there nothing that anybody needs to remember?
    fn is_stale(&self, now: Timestamp) -> bool {
        let debts = [self.connections, self.recipients, self.offences];
        let patient = self.patient_at.is_some_and(|at| now.since(at) < PATIENT_FOR);
        let banned = self.ban.is_some_and(|ban| now.since(ban.until) < BAN_REMEMBERED);
        !patient && !banned && debts.into_iter().all(|debt| debt.is_paid(now))
    }
}

impl Doorkeeper {
    /// One who has seen nobody yet.
    pub fn new(pace: Pace) -> Doorkeeper {
        Doorkeeper { pace: RwLock::new(pace), known: Mutex::default() }
    }

    /// From now on strangers may do so much. What is remembered stays.
    pub fn set_pace(&self, pace: Pace) {
        *self.pace.write().unwrap_or_else(PoisonError::into_inner) = pace;
    }

    fn pace(&self) -> Pace {
        *self.pace.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody comes. This machine's own programs are always welcome: they share an address.
    pub fn arrive(&self, address: IpAddr, now: Timestamp) -> Welcome {
        if address.to_canonical().is_loopback() {
            return Welcome::Come { greeting_after: Duration::ZERO };
        }
        let (pace, mut all) = (self.pace(), self.known());
        let known = entry(&mut all, Network::of(address), now);
        if let Some(ban) = known.ban.filter(|ban| now < ban.until) {
            return Welcome::Turned(Turned::Banned { offence: ban.offence, until: ban.until });
        }
        if !known.connections.allows(pace.connections, now) {
            return Welcome::Turned(Turned::TooOften);
        }
        known.connections.add(pace.connections, now);
        let patient = known.patient_at.is_some_and(|at| now.since(at) < PATIENT_FOR);
        let greeting_after = if patient { Duration::ZERO } else { pace.greeting_delay };
        Welcome::Come { greeting_after }
    }

    /// They have waited for the greeting.
    pub fn waited(&self, address: IpAddr, now: Timestamp) {
        if !address.to_canonical().is_loopback() {
            entry(&mut self.known(), Network::of(address), now).patient_at = Some(now);
        }
    }

    /// May they name one more recipient now?
    pub fn recipient(&self, address: IpAddr, now: Timestamp) -> bool {
        if address.to_canonical().is_loopback() {
            return true;
        }
        let (pace, mut all) = (self.pace(), self.known());
        let known = entry(&mut all, Network::of(address), now);
        let allowed = known.recipients.allows(pace.recipients, now);
        known.recipients.add(pace.recipients, now);
        allowed
    }

    /// They have misbehaved. `Some` if that was once too often: until when they are turned away.
    pub fn offend(&self, address: IpAddr, offence: Offence, now: Timestamp) -> Option<Timestamp> {
        if address.to_canonical().is_loopback() {
            return None;
        }
        let (pace, mut all) = (self.pace(), self.known());
        let known = entry(&mut all, Network::of(address), now);
        for _ in 0..offence.points() {
            known.offences.add(pace.offences, now);
        }
        if known.offences.allows(pace.offences, now) {
            return None;
        }
        let length = match known.ban {
            Some(ban) if now < ban.until => return None,
            Some(ban) if now.since(ban.until) < BAN_REMEMBERED => ban.length * BAN_GROWS,
            _ => pace.ban,
        };
        let length = length.min(BAN_MAX);
        let until = now + length;
        known.ban = Some(Ban { offence, until, length });
        // Who comes back is judged by what they do then.
        known.offences = Debt::default();
        Some(until)
    }

    /// Who is turned away now, those first who have longest to wait; at most `count_max`.
    pub fn banned(&self, now: Timestamp, count_max: usize) -> Vec<(Network, Offence, Timestamp)> {
        let all = self.known();
        let banned = all.iter().filter_map(|(network, known)| {
            let ban = known.ban.filter(|ban| now < ban.until)?;
            Some((*network, ban.offence, ban.until))
        });
        let mut banned: Vec<_> = banned.collect();
        banned.sort_by_key(|(network, _, until)| (std::cmp::Reverse(*until), *network));
        banned.truncate(count_max);
        banned
    }

    /// Somebody answers for them: all is forgotten. Was there anything?
    pub fn forgive(&self, address: IpAddr) -> bool {
        self.known().remove(&Network::of(address)).is_some()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Network, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(all: &mut HashMap<Network, Known>, network: Network, now: Timestamp) -> &mut Known {
    if all.len() >= NETWORKS_MAX && !all.contains_key(&network) {
        all.retain(|_, known| !known.is_stale(now));
        if all.len() >= NETWORKS_MAX {
            // A flood of strangers: those who are banned, or have waited, are worth most.
            all.retain(|_, known| known.ban.is_some() || known.patient_at.is_some());
        }
        if all.len() >= NETWORKS_MAX {
            all.clear();
        }
    }
    all.entry(network).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    fn keeper() -> Doorkeeper {
        Doorkeeper::new(Pace {
            connections: Rate { burst: 3, every: Duration::from_secs(10) },
            recipients: Rate { burst: 2, every: Duration::from_secs(10) },
            offences: Rate { burst: 10, every: Duration::from_secs(10) },
            ..Pace::default()
        })
    }

    #[test]
    fn who_comes_too_often_waits() {
        let keeper = keeper();
        let come = Welcome::Come { greeting_after: Duration::from_secs(2) };
        assert_eq!([(); 3].map(|()| keeper.arrive(STRANGER, at(0))), [come; 3]);
        assert_eq!(keeper.arrive(STRANGER, at(1)), Welcome::Turned(Turned::TooOften));
        assert_eq!(keeper.arrive(STRANGER, at(11)), come);
    }

    #[test]
    fn who_has_waited_once_is_greeted_at_once() {
        let keeper = keeper();
        keeper.arrive(STRANGER, at(0));
        keeper.waited(STRANGER, at(2));
        let at_once = Welcome::Come { greeting_after: Duration::ZERO };
        assert_eq!(keeper.arrive(STRANGER, at(60)), at_once);
        let later = at(60 + 8 * 24 * 3600);
        assert_ne!(keeper.arrive(STRANGER, later), at_once);
    }

    #[test]
    fn a_harvester_is_banned_and_longer_the_second_time() {
        let keeper = keeper();
        let harvest = |from: i64| {
            (0..20).find_map(|n| keeper.offend(STRANGER, Offence::UnknownRecipient, at(from + n)))
        };
        let until = harvest(0).unwrap();
        assert_eq!(until, at(4) + Duration::from_secs(15 * 60));
        let banned = Turned::Banned { offence: Offence::UnknownRecipient, until };
        assert_eq!(keeper.arrive(STRANGER, at(60)), Welcome::Turned(banned));
        assert_eq!(keeper.banned(at(60), 10).len(), 1);
        let free = at(5 + 15 * 60);
        assert!(matches!(keeper.arrive(STRANGER, free), Welcome::Come { .. }));
        let again = harvest(16 * 60).unwrap();
        assert_eq!(again, at(16 * 60 + 4) + Duration::from_secs(60 * 60));
        assert!(keeper.forgive(STRANGER) && !keeper.forgive(STRANGER));
        assert!(matches!(keeper.arrive(STRANGER, at(17 * 60)), Welcome::Come { .. }));
    }

    #[test]
    fn a_mistake_now_and_then_is_forgotten() {
        let keeper = keeper();
        for minute in 0..600 {
            let offence = Offence::UnknownRecipient;
            assert_eq!(keeper.offend(STRANGER, offence, at(minute * 60)), None);
        }
    }

    #[test]
    fn a_new_pace_forgets_nobody() {
        let keeper = keeper();
        keeper.offend(STRANGER, Offence::EarlyTalk, at(0)).unwrap();
        keeper.set_pace(Pace::default());
        assert!(matches!(keeper.arrive(STRANGER, at(1)), Welcome::Turned(Turned::Banned { .. })));
    }

    #[test]
    fn this_machine_is_always_welcome() {
        let keeper = keeper();
        let here: IpAddr = Ipv4Addr::LOCALHOST.into();
        for _ in 0..100 {
            assert_eq!(keeper.offend(here, Offence::EarlyTalk, at(0)), None);
            assert!(keeper.recipient(here, at(0)));
            let welcome = keeper.arrive(here, at(0));
            assert_eq!(welcome, Welcome::Come { greeting_after: Duration::ZERO });
        }
    }

    #[test]
    fn recipients_have_a_rate() {
        let keeper = keeper();
        let named = [0, 0, 0, 20].map(|second| keeper.recipient(STRANGER, at(second)));
        assert_eq!(named, [true, true, false, true]);
    }

    #[test]
    fn a_flood_of_strangers_does_not_fill_the_memory_nor_free_the_banned() {
        let keeper = keeper();
        keeper.offend(STRANGER, Offence::EarlyTalk, at(0)).unwrap();
        for number in 0..(2 * NETWORKS_MAX as u32) {
            keeper.arrive(Ipv4Addr::from_bits(0x0A00_0000 + number).into(), at(1));
        }
        assert!(keeper.known().len() <= NETWORKS_MAX);
        assert!(matches!(keeper.arrive(STRANGER, at(2)), Welcome::Turned(Turned::Banned { .. })));
    }
}
