//! Greylisting (RFC 6647): who comes for the first time is asked to come again. Programs that send in
//! masses do not; mail servers do.

use crate::Network;
use core_store::{Batch, Key, Scan, Store, StoreError, Value};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use words_base::Timestamp;
use words_mail::{Address, ReversePath};

const PREFIX: &[u8; 2] = b"gg";
const VERSION: u8 = 1;
/// Rows that one page of [`Greylist::tidy`] looks at.
const PAGE: usize = 500;
/// Who comes is not written down again for so long.
const NOTED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long who waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Who comes again sooner than this has not waited.
    pub wait: Duration,
    /// Who comes again later than this has to wait once more.
    pub within: Duration,
    /// Who has been let in is remembered for so long after the last time.
    pub known_for: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        const MINUTE: u64 = 60;
        const DAY: u64 = 24 * 60 * MINUTE;
        Patience {
            wait: Duration::from_secs(4 * MINUTE),
            within: Duration::from_secs(2 * DAY),
            known_for: Duration::from_secs(40 * DAY),
        }
    }
}

/// Is a message to be taken now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is known.
    Pass,
    /// In so long.
    Wait(Duration),
}

/// Who has come before.
#[derive(Clone)]
pub struct Greylist {
    store: Arc<dyn Store>,
    patience: Patience,
}

/// What is remembered of one triple, of one neighbourhood or of one pair of correspondents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    first: Timestamp,
    last: Timestamp,
    has_passed: bool,
}

impl Greylist {
    /// The one in `store`.
    pub fn new(store: Arc<dyn Store>, patience: Patience) -> Greylist {
        Greylist { store, patience }
    }

    /// One of our people has written to `theirs`: answers need not wait. Written in the commit that
    /// takes the message.
    pub fn knows(batch: &mut Batch, ours: &Address, theirs: &Address, now: Timestamp) {
        let row = Row { first: now, last: now, has_passed: true };
        batch.put(pair_key(ours, theirs), row.encode());
    }

    /// May mail under this path come from there for this recipient? Whom we have written to may,
    /// and so may machines whose neighbourhood has waited before.
    pub async fn judge(
        &self,
        from: IpAddr,
        path: &ReversePath,
        to: &Address,
        now: Timestamp,
    ) -> Result<Judgement, StoreError> {
        let network = Network::of(from).neighbourhood();
        let triple = triple_key(network, path, to);
        let neighbourhood = network_key(network);
        let mut keys = vec![triple.clone(), neighbourhood.clone()];
        keys.extend(path.0.as_ref().map(|theirs| pair_key(to, theirs)));
        let values = self.store.snapshot().await?.get_many(&keys).await?;
        let rows: Vec<Option<Row>> =
            values.iter().map(|value| Row::decode(value.as_ref()?)).collect();
        let is_known = |row: &Row| row.has_passed && now.since(row.last) < self.patience.known_for;
        if let Some(nth) = rows.iter().position(|row| row.as_ref().is_some_and(is_known)) {
            if let Some(row) = rows[nth].filter(|row| now.since(row.last) >= NOTED_EVERY) {
                self.write(vec![(keys.swap_remove(nth), Row { last: now, ..row })]).await?;
            }
            return Ok(Judgement::Pass);
        }
        let row = rows[0].filter(|row| now.since(row.first) < self.patience.within);
        let Some(row) = row else {
            let row = Row { first: now, last: now, has_passed: false };
            self.write(vec![(triple, row)]).await?;
            return Ok(Judgement::Wait(self.patience.wait));
        };
        let waited = now.since(row.first);
        if waited < self.patience.wait {
            return Ok(Judgement::Wait(self.patience.wait - waited));
        }
        let passed = Row { last: now, has_passed: true, ..row };
        self.write(vec![(triple, passed), (neighbourhood, passed)]).await?;
        Ok(Judgement::Pass)
    }

    /// Removes a page of what is worth nothing any more; `None` when all were looked at.
    pub async fn tidy(&self, from: Option<Key>, now: Timestamp) -> Result<Option<Key>, StoreError> {
        let all = Scan::prefix(PREFIX);
        let range = from.unwrap_or(all.start)..all.end;
        let page = self.store.snapshot().await?.scan(Scan::rising(range).at_most(PAGE)).await?;
        let mut batch = Batch::new();
        for (key, value) in &page.pairs {
            if Row::decode(value).is_none_or(|row| self.is_stale(&row, now)) {
                batch.delete(key.clone());
            }
        }
        if !batch.operations.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(page.rest.map(|rest| rest.start))
    }

    fn is_stale(&self, row: &Row, now: Timestamp) -> bool {
        match row.has_passed {
            true => now.since(row.last) >= self.patience.known_for,
            false => now.since(row.first) >= self.patience.within,
        }
    }

    async fn write(&self, rows: Vec<(Key, Row)>) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        for (key, row) in rows {
            batch.put(key, row.encode());
        }
        self.store.commit(batch).await.map(drop)
    }
}

impl Row {
    fn encode(&self) -> Vec<u8> {
        let mut octets = vec![VERSION, u8::from(self.has_passed)];
        octets.extend_from_slice(&self.first.millis().to_be_bytes());
        octets.extend_from_slice(&self.last.millis().to_be_bytes());
        octets
    }

    fn decode(value: &Value) -> Option<Row> {
        let (&[version, passed], times) = value.split_first_chunk::<2>()?;
        let (first, last) = times.split_first_chunk::<8>()?;
        let time = |octets: [u8; 8]| Timestamp::from_millis(i64::from_be_bytes(octets));
        let last = time(last.try_into().ok()?);
        (version == VERSION).then_some(Row { first: time(*first), last, has_passed: passed == 1 })
    }
}

/// Names are hashed: a list of who writes to whom is nobody's business.
fn hashed(kind: u8, parts: &[&[u8]]) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]);
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    let hash = hasher.finalize();
    [&PREFIX[..], &[kind], &hash.as_bytes()[..16]].concat().into()
}

fn triple_key(network: Network, path: &ReversePath, to: &Address) -> Key {
    let from = path.0.as_ref().map(spelling).unwrap_or_default();
    hashed(b't', &[&network.octets(), from.as_bytes(), spelling(to).as_bytes()])
}

fn network_key(network: Network) -> Key {
    hashed(b'n', &[&network.octets()])
}

fn pair_key(ours: &Address, theirs: &Address) -> Key {
    hashed(b'p', &[spelling(ours).as_bytes(), spelling(theirs).as_bytes()])
}

/// One spelling for each address: no two people differ in case alone.
fn spelling(address: &Address) -> String {
    address.to_string().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_store::MemoryStore;

    const MINUTE: i64 = 60;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000_000 + seconds)
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    struct Door {
        store: Arc<MemoryStore>,
        list: Greylist,
    }

    impl Door {
        fn new() -> Door {
            let store = Arc::new(MemoryStore::default());
            let list = Greylist::new(store.clone(), Patience::default());
            Door { store, list }
        }

        async fn passes(&self, from: &str, path: &str, seconds: i64) -> bool {
            let path = ReversePath((!path.is_empty()).then(|| address(path)));
            let to = address("ana@mired.org");
            let judged = self.list.judge(from.parse().unwrap(), &path, &to, at(seconds)).await;
            judged.unwrap() == Judgement::Pass
        }
    }

    #[tokio::test]
    async fn who_waits_is_let_in_and_stays_known() {
        let door = Door::new();
        let from = "192.0.2.1";
        assert!(!door.passes(from, "eva@exterior.test", 0).await);
        assert!(!door.passes(from, "eva@exterior.test", 3 * MINUTE).await);
        assert!(door.passes("192.0.2.77", "EVA@exterior.test", 5 * MINUTE).await, "a neighbour");
        assert!(door.passes(from, "other@exterior.test", 6 * MINUTE).await, "its machine is known");
        assert!(door.passes(from, "", 30 * DAY).await);
        assert!(door.passes(from, "eva@exterior.test", 60 * DAY).await, "it came in between");
        assert!(!door.passes(from, "eva@exterior.test", 101 * DAY).await, "forgotten");
    }

    #[tokio::test]
    async fn who_comes_back_too_late_waits_again() {
        let door = Door::new();
        assert!(!door.passes("192.0.2.1", "eva@exterior.test", 0).await);
        assert!(!door.passes("192.0.2.1", "eva@exterior.test", 3 * DAY).await);
        assert!(door.passes("192.0.2.1", "eva@exterior.test", 3 * DAY + 5 * MINUTE).await);
    }

    #[tokio::test]
    async fn an_answer_need_not_wait() {
        let door = Door::new();
        let mut batch = Batch::new();
        let (ours, theirs) = (address("Ana@mired.org"), address("eva@exterior.test"));
        Greylist::knows(&mut batch, &ours, &theirs, at(0));
        door.store.commit(batch).await.unwrap();
        assert!(door.passes("192.0.2.1", "eva@exterior.test", 10).await);
        assert!(!door.passes("192.0.2.1", "mallory@exterior.test", 10).await);
    }

    #[tokio::test]
    async fn what_is_worth_nothing_is_removed() {
        let door = Door::new();
        assert!(!door.passes("192.0.2.1", "a@exterior.test", 0).await);
        assert!(!door.passes("198.51.100.1", "b@exterior.test", 0).await);
        assert!(door.passes("198.51.100.1", "b@exterior.test", 5 * MINUTE).await);
        assert_eq!(door.list.tidy(None, at(3 * DAY)).await.unwrap(), None);
        let scan = Scan::rising(Scan::prefix(PREFIX));
        let left = door.store.snapshot().await.unwrap().scan(scan).await.unwrap();
        assert_eq!(left.pairs.len(), 2, "the triple that passed, and its neighbourhood");
        assert_eq!(door.list.tidy(None, at(60 * DAY)).await.unwrap(), None);
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let row = Row { first: at(1), last: at(2), has_passed: true };
        assert_eq!(Row::decode(&row.encode().into()), Some(row));
        for octets in [&b""[..], b"\x02\x01", &[9; 18]] {
            assert_eq!(Row::decode(&Value::copy_from_slice(octets)), None);
        }
    }
}
