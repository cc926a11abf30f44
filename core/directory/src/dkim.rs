//! Keys that sign for our domains: made when a domain is added, changed without a message that cannot
//! be verified.

use crate::admin::{Admin, AdminError, DkimKeyEntry};
use crate::record::{DkimKeyRecord, Record};
use crate::{Directory, key};
use core_store::{Batch, StoreError};
use core_world::{KeyAlgorithm, NewKey, Signer, SigningKey};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use words_base::Timestamp;
use words_mail::{Domain, Refusal};

/// Both kinds: RSA is what everybody verifies, Ed25519 what is better (RFC 8463 §4).
const ALGORITHMS: [KeyAlgorithm; 2] = [KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519];
/// A retired key is published for so long: mail that it signed is still on its way.
const RETIRED: Duration = Duration::from_secs(14 * 24 * 3600);
/// Keys of one domain that are read.
const KEYS_MAX: usize = 100;
/// Domains that are read at a time.
const PAGE: usize = 256;

/// Is a key used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// It is to be published, and signs from the next rotation on.
    Next,
    /// It signs.
    Active,
    /// It signs no more; it stays published while what it signed is on its way.
    Retired,
}

impl KeyState {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyState::Next => "next",
            KeyState::Active => "active",
            KeyState::Retired => "retired",
        }
    }
}

/// What a rotation has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// New keys were made. Publish them, wait until the DNS knows them, and rotate again.
    Made,
    /// The new keys sign, the old ones are retired.
    Changed,
}

impl Directory {
    /// The keys that sign for `domain`, which is the author's; none, if it is not ours.
    /// Errors: `Unavailable`.
    pub async fn signing_keys(&self, domain: &Domain) -> Result<Vec<Arc<SigningKey>>, Refusal> {
        let unavailable = |_: StoreError| Refusal::Unavailable;
        let lookup = self.lookup().await.map_err(unavailable)?;
        let pairs = lookup.page(key::dkim_keys(domain), KEYS_MAX).await.map_err(unavailable)?;
        let mut keys = Vec::new();
        for (key, value) in pairs {
            let record = crate::lookup::found::<DkimKeyRecord>(value).map_err(unavailable)?.record;
            if let (KeyState::Active, Some(selector)) = (record.state, key::read_selector(&key)) {
                keys.push(Arc::new(SigningKey {
                    domain: domain.as_str().to_string(),
                    selector,
                    algorithm: record.algorithm,
                    secret: record.secret,
                }));
            }
        }
        Ok(keys)
    }

    /// Makes keys for one domain of ours that has none, and names it. `None`: all have keys.
    pub async fn make_missing_keys(
        &self,
        signer: &dyn Signer,
    ) -> Result<Option<Domain>, AdminError> {
        let admin = self.admin();
        let mut after = None;
        loop {
            let domains = admin.list_domains(after.as_ref(), PAGE).await?;
            for entry in &domains {
                let Ok(name) = Domain::parse(&entry.name) else { continue };
                if admin.list_dkim_keys(&name).await?.is_empty() {
                    admin.make_dkim_keys(&name, KeyState::Active, signer).await?;
                    return Ok(Some(name));
                }
                after = Some(name);
            }
            if domains.len() < PAGE {
                return Ok(None);
            }
        }
    }
}

impl Admin<'_> {
    /// The keys of a domain, without their secrets. Errors: `NoSuchDomain`.
    pub async fn list_dkim_keys(&self, name: &Domain) -> Result<Vec<DkimKeyEntry>, AdminError> {
        let lookup = self.lookup().await?;
        if lookup.domain(name).await?.is_none() {
            return Err(AdminError::NoSuchDomain(name.clone()));
        }
        let mut entries = Vec::new();
        for (key, value) in lookup.page(key::dkim_keys(name), KEYS_MAX).await? {
            let record = crate::lookup::found::<DkimKeyRecord>(value)?.record;
            if let Some(selector) = key::read_selector(&key) {
                entries.push(entry(name, selector, record));
            }
        }
        Ok(entries)
    }

    /// The first half of a change of keys makes new ones; the second, when those are published, lets
    /// them sign and retires the old ones. What was retired long ago is forgotten.
    /// Errors: `NoSuchDomain`.
    pub async fn rotate_dkim_keys(
        &self,
        name: &Domain,
        signer: &dyn Signer,
    ) -> Result<Rotated, AdminError> {
        let keys = self.list_dkim_keys(name).await?;
        let has = |state| keys.iter().any(|key| key.state == state);
        if !has(KeyState::Active) && !has(KeyState::Next) {
            self.make_dkim_keys(name, KeyState::Active, signer).await?;
            return Ok(Rotated::Changed);
        }
        if !has(KeyState::Next) {
            self.make_dkim_keys(name, KeyState::Next, signer).await?;
            return Ok(Rotated::Made);
        }
        self.change_dkim_keys(name).await?;
        Ok(Rotated::Changed)
    }

    /// Makes keys of both kinds.
    async fn make_dkim_keys(
        &self,
        name: &Domain,
        state: KeyState,
        signer: &dyn Signer,
    ) -> Result<(), AdminError> {
        let mut keys = Vec::new();
        for algorithm in ALGORITHMS {
            let new = signer.make_key(algorithm).await.map_err(|_| AdminError::NoKey)?;
            keys.push((algorithm, new));
        }
        let mut tries = self.tries();
        loop {
            let lookup = self.lookup().await?;
            let mut batch = Batch::new();
            self.touch_domain(&lookup, &mut batch, name).await?;
            let there = lookup.page(key::dkim_keys(name), KEYS_MAX).await?;
            let taken: Vec<String> =
                there.iter().filter_map(|(key, _)| key::read_selector(key)).collect();
            let mut same = Vec::new();
            for (_, value) in there {
                same.push(crate::lookup::found::<DkimKeyRecord>(value)?.record.state);
            }
            if same.contains(&state) {
                // Somebody else has made them meanwhile.
                return Ok(());
            }
            let now = self.now();
            for (algorithm, new) in &keys {
                let selector = selector(*algorithm, now, &taken);
                let key = key::dkim_key(name, &selector);
                let record = record(*algorithm, state, now, new);
                batch.expect_absent(key.clone()).put(key, record.encode());
            }
            if self.commit(batch, &mut tries).await? {
                return Ok(());
            }
        }
    }

    async fn change_dkim_keys(&self, name: &Domain) -> Result<(), AdminError> {
        let mut tries = self.tries();
        loop {
            let lookup = self.lookup().await?;
            let mut batch = Batch::new();
            self.touch_domain(&lookup, &mut batch, name).await?;
            let now = self.now();
            for (key, value) in lookup.page(key::dkim_keys(name), KEYS_MAX).await? {
                let found = crate::lookup::found::<DkimKeyRecord>(value)?;
                batch.expect(key.clone(), found.value);
                let mut record = found.record;
                let state = match record.state {
                    KeyState::Next => KeyState::Active,
                    KeyState::Active => KeyState::Retired,
                    KeyState::Retired if is_over(&record, now) => {
                        batch.delete(key);
                        continue;
                    }
                    KeyState::Retired => continue,
                };
                (record.state, record.since) = (state, now);
                batch.put(key, record.encode());
            }
            if self.commit(batch, &mut tries).await? {
                return Ok(());
            }
        }
    }
}

fn is_over(record: &DkimKeyRecord, now: Timestamp) -> bool {
    let span = now.millis().saturating_sub(record.since.millis());
    u128::try_from(span).is_ok_and(|span| span > RETIRED.as_millis())
}

fn record(algorithm: KeyAlgorithm, state: KeyState, now: Timestamp, new: &NewKey) -> DkimKeyRecord {
    let (public, secret) = (new.public.clone(), new.secret.clone());
    DkimKeyRecord { algorithm, state, made_at: now, since: now, public, secret }
}

fn entry(name: &Domain, selector: String, record: DkimKeyRecord) -> DkimKeyEntry {
    DkimKeyEntry {
        domain: name.as_str().to_string(),
        selector,
        algorithm: record.algorithm.as_str().to_string(),
        state: record.state,
        made_at: record.made_at.millis(),
        public: record.public,
    }
}

/// `rsa-20781`: the kind and the day since 1970 on which it was made; with a number behind it if a
/// key of that name is there, since a name never means another key.
fn selector(algorithm: KeyAlgorithm, now: Timestamp, taken: &[String]) -> String {
    let day = now.millis().div_euclid(24 * 3600 * 1000);
    let plain = format!("{}-{day}", algorithm.as_str());
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    let mut names = std::iter::once(plain.clone()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or(plain)
}
