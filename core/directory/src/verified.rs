//! Who has proved who they are a short while ago.

use blake3::Hash;
use core_world::Random;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use words_base::Timestamp;
use words_mail::AccountId;

/// Credentials not used for so long are verified anew.
const IDLE_MAX: Duration = Duration::from_secs(10 * 60);
/// Credentials verified so long ago are verified anew, however often they are used.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(60 * 60);
/// The same for those that an authority verified: it does not tell us when they are changed there.
pub(crate) const AGE_ELSEWHERE_MAX: Duration = Duration::from_secs(5 * 60);
/// Most credentials of one account (a stored record has one password; more are of earlier records).
const PER_ACCOUNT_MAX: usize = 8;
/// Most credentials in all.
const TOTAL_MAX: usize = 10_000;

/// A memory of verified credentials, so that a client that logs in every minute pays for the slow
/// hash once. Holds no password: only hashes under a key that this process alone has. The stored
/// record is part of what is hashed, so a new password makes the old entries worthless.
pub(crate) struct Verified {
    key: [u8; 32],
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_account: HashMap<AccountId, Vec<Entry>>,
    total: usize,
}

struct Entry {
    // Compared in constant time, as blake3::Hash does.
    proof: Hash,
    verified_at: Timestamp,
    used_at: Timestamp,
    age_max: Duration,
}

impl Entry {
    fn is_fresh(&self, now: Timestamp) -> bool {
        // A clock set back makes entries stale rather than eternal.
        let within = |then: Timestamp, max| then <= now && now.since(then) < max;
        within(self.used_at, IDLE_MAX) && within(self.verified_at, self.age_max)
    }
}

impl Verified {
    /// Empty, under a fresh key.
    pub(crate) fn new(random: &dyn Random) -> Verified {
        let mut key = [0; 32];
        random.fill(&mut key);
        Verified { key, entries: Mutex::default() }
    }

    /// What stands for `password`, if `record` is what the store has of the account's credentials, or
    /// of who verifies them.
    pub(crate) fn proof(&self, account: AccountId, record: &[u8], password: &[u8]) -> Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&account.0.to_be_bytes());
        hasher.update(&(record.len() as u64).to_be_bytes());
        hasher.update(record);
        hasher.update(password);
        hasher.finalize()
    }

    /// Was `proof` verified for `account` of late? Makes it last longer if so.
    pub(crate) fn knows(&self, account: AccountId, proof: &Hash, now: Timestamp) -> bool {
        let mut entries = self.entries();
        let Some(of_account) = entries.by_account.get_mut(&account) else { return false };
        let mut known = false;
        for entry in of_account.iter_mut() {
            if entry.proof == *proof && entry.is_fresh(now) {
                entry.used_at = now;
                known = true;
            }
        }
        known
    }

    /// `proof` has just been verified for `account`; that is good for `age_max` at most.
    pub(crate) fn learn(&self, account: AccountId, proof: Hash, now: Timestamp, age_max: Duration) {
        let mut entries = self.entries();
        if entries.total >= TOTAL_MAX {
            entries.make_room(now);
        }
        let of_account = entries.by_account.entry(account).or_default();
        let before = of_account.len();
        of_account.retain(|e| e.proof != proof && e.is_fresh(now));
        while of_account.len() >= PER_ACCOUNT_MAX {
            // Entries stand in the order they were learnt.
            of_account.remove(0);
        }
        of_account.push(Entry { proof, verified_at: now, used_at: now, age_max });
        let after = of_account.len();
        entries.total = entries.total + after - before;
    }

    /// Forgets all that `account` has proved.
    pub(crate) fn forget(&self, account: AccountId) {
        let mut entries = self.entries();
        let gone = entries.by_account.remove(&account).map_or(0, |e| e.len());
        entries.total -= gone;
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing panics while it is held, and if it did, the memory would still be a memory.
        self.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Entries {
    /// Drops what is stale; if that is nothing, the account whose use is longest ago. Looks at
    /// everything, which is little beside the slow hash that came before.
    fn make_room(&mut self, now: Timestamp) {
        self.by_account.retain(|_, entries| {
            entries.retain(|e| e.is_fresh(now));
            !entries.is_empty()
        });
        self.total = self.by_account.values().map(Vec::len).sum();
        if self.total < TOTAL_MAX {
            return;
        }
        let last_used = |e: &Vec<Entry>| e.iter().map(|e| e.used_at).max();
        let oldest = self.by_account.iter().min_by_key(|(_, e)| last_used(e)).map(|(id, _)| *id);
        if let Some(gone) = oldest.and_then(|id| self.by_account.remove(&id)) {
            self.total -= gone.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + minutes * 60)
    }

    const ANA: AccountId = AccountId(1);
    const BOB: AccountId = AccountId(2);

    #[test]
    fn what_was_proved_lasts_ten_minutes_from_its_last_use_and_an_hour_in_all() {
        let verified = Verified::new(&Fixed);
        let proof = verified.proof(ANA, b"record", b"secret");
        assert!(!verified.knows(ANA, &proof, at(0)));
        verified.learn(ANA, proof, at(0), AGE_MAX);
        assert!(!verified.knows(ANA, &proof, at(-1)), "a clock set back");
        for minute in (9..60).step_by(9) {
            assert!(verified.knows(ANA, &proof, at(minute)), "{minute}");
        }
        assert!(!verified.knows(ANA, &proof, at(60)));
        verified.learn(ANA, proof, at(60), AGE_MAX);
        assert!(!verified.knows(ANA, &proof, at(70)));
        verified.learn(ANA, proof, at(80), AGE_ELSEWHERE_MAX);
        assert!(verified.knows(ANA, &proof, at(84)) && !verified.knows(ANA, &proof, at(85)));
    }

    #[test]
    fn a_proof_is_of_one_account_record_and_password() {
        let verified = Verified::new(&Fixed);
        let proof = verified.proof(ANA, b"record", b"secret");
        verified.learn(ANA, proof, at(0), AGE_MAX);
        for (account, record, password) in [
            (BOB, &b"record"[..], &b"secret"[..]),
            (ANA, b"recorD", b"secret"),
            (ANA, b"record2", b"secret"),
            (ANA, b"record", b"Secret"),
            (ANA, b"records", b"ecret"),
            (ANA, b"record", b""),
        ] {
            let other = verified.proof(account, record, password);
            assert!(other != proof);
            assert!(!verified.knows(account, &other, at(0)));
        }
        assert!(!verified.knows(BOB, &proof, at(0)), "never shared between accounts");
        verified.forget(ANA);
        assert!(!verified.knows(ANA, &proof, at(0)));
    }

    #[test]
    fn it_is_bounded_per_account_and_in_all() {
        let verified = Verified::new(&Fixed);
        let proof = |n: usize| verified.proof(ANA, b"", &n.to_be_bytes());
        (0..100).for_each(|n| verified.learn(ANA, proof(n), at(0), AGE_MAX));
        assert_eq!(verified.entries().total, PER_ACCOUNT_MAX);
        assert!(verified.knows(ANA, &proof(99), at(0)) && !verified.knows(ANA, &proof(91), at(0)));

        for account in 10..10 + TOTAL_MAX as u32 {
            verified.learn(AccountId(account), proof(0), at(1), AGE_MAX);
        }
        assert_eq!(verified.entries().total, TOTAL_MAX);
        assert!(!verified.knows(ANA, &proof(99), at(1)), "the longest unused goes first");
        assert!(verified.knows(AccountId(10 + TOTAL_MAX as u32 - 1), &proof(0), at(1)));
        let counted: usize = verified.entries().by_account.values().map(Vec::len).sum();
        assert_eq!(counted, TOTAL_MAX);
    }
}
