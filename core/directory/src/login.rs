//! Who may come in.

mod secret;

use crate::device::DevicePassword;
use crate::directory::{account_of, unavailable};
use crate::lookup::{Found, Lookup};
use crate::pass::{Admitted, By, Pass, takes_main};
use crate::record::{AccountRecord, CredentialsRecord, DeviceRecord, Origin, Record, UseRecord};
use crate::verified::{AGE_ELSEWHERE_MAX, AGE_MAX};
use crate::{Directory, Protocol, ScramKeys, key, scram};
use core_store::Batch;
use core_world::{Maker, PasswordError};
use secret::spelling;
use std::time::Duration;
use subtle::ConstantTimeEq;
use words_mail::{AccountId, Refusal};

/// Longest password, in octets.
pub(crate) const PASSWORD_MAX: usize = 1024;
/// The use of a device is not written down again for so long: a login is no reason to write.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60 * 60);
/// Octets of a peer's address that are kept of the use of a device.
const PEER_MAX: usize = 64;

/// How somebody comes.
#[derive(Clone, Copy, Debug)]
pub struct Coming<'a> {
    /// By which protocol.
    pub protocol: Protocol,
    /// From which address, as it prints.
    pub peer: &'a str,
}

/// Who is meant by the name of a login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// An account.
    Account(AccountId),
    /// Nobody has it; one spelling for all of the same name.
    Nobody(String),
}

/// Everything by which an account may log in, as of one moment.
pub(crate) struct Ways {
    id: AccountId,
    account: AccountRecord,
    credentials: Option<Found<CredentialsRecord>>,
    devices: Vec<(u32, DeviceRecord)>,
}

impl Ways {
    /// The credentials, if the main password is verified by them, and may be used for `protocol`.
    fn main(&self, protocol: Protocol) -> Option<&Found<CredentialsRecord>> {
        let is_ours = self.account.origin.is_none() && takes_main(&self.account, protocol);
        self.credentials.as_ref().filter(|_| is_ours)
    }

    /// Who verifies the main password, if we do not, and if it may be used for `protocol`.
    fn origin(&self, protocol: Protocol) -> Option<&Origin> {
        self.account.origin.as_ref().filter(|_| takes_main(&self.account, protocol))
    }
}

impl Directory {
    /// Lets in by name (`ana` or `ana@mired.org`, any case) and password, the main one or that of a
    /// device. Errors: `LoginFailed`, never why; `NotPermitted` if a device's password is right and
    /// of no use here; `Unavailable`, also if an authority must be asked and cannot; `Limit` if too
    /// many wait. Whom only an authority knows gets an account by it.
    ///
    /// A wrong name costs as much as a wrong password. Who was let in lately is let in again
    /// without the cost, but never without reading whether the account may still log in.
    pub async fn login(
        &self,
        name: &str,
        password: &[u8],
        coming: Coming<'_>,
    ) -> Result<Admitted, Refusal> {
        if password.len() > PASSWORD_MAX {
            // Nobody has such a password, so this tells nothing of the name.
            return Err(Refusal::LoginFailed);
        }
        let lookup = self.lookup().await.map_err(unavailable)?;
        let Some(ways) = self.ways(&lookup, name).await? else {
            return self.login_unknown(lookup, name, password, coming).await;
        };
        if let Some(found) = DevicePassword::read(password)
            && let Some((number, device)) = found.find(ways.id, &ways.devices)
        {
            return self.admit_device(&lookup, &ways, *number, device, coming).await;
        }
        // Nothing of the store is held on to while others are asked.
        drop(lookup);
        if let Some(origin) = ways.origin(coming.protocol) {
            return self.login_elsewhere(&ways, origin, password, coming).await;
        }
        let Some(credentials) = ways.main(coming.protocol) else {
            return self.refuse_at_full_cost(password).await;
        };
        let Some(hash) = &credentials.record.hash else {
            return self.refuse_at_full_cost(password).await;
        };
        self.verify(&ways, credentials, hash, password).await?;
        // Asked last: a disabled account costs as much as any.
        if ways.account.disabled {
            return Err(Refusal::LoginFailed);
        }
        let by = By::Main { generation: credentials.record.generation };
        Ok(admit(ways.id, ways.account.clone(), coming, by))
    }

    /// Lets in who comes from elsewhere, if the authority there says so, or said so a moment ago.
    async fn login_elsewhere(
        &self,
        ways: &Ways,
        origin: &Origin,
        password: &[u8],
        coming: Coming<'_>,
    ) -> Result<Admitted, Refusal> {
        // To many a directory, an empty password is no password, and that is right (RFC 4513 §5.1.2).
        if password.is_empty() || ways.account.disabled {
            return self.refuse_at_full_cost(password).await;
        }
        let clock = &self.world.clock;
        let proof = self.verified.proof(ways.id, origin.to_string().as_bytes(), password);
        if !self.verified.knows(ways.id, &proof, clock.now()) {
            let address = &ways.account.address;
            if !self.verify_elsewhere(ways.id, origin, address, password).await? {
                return Err(Refusal::LoginFailed);
            }
            self.verified.learn(ways.id, proof, clock.now(), AGE_ELSEWHERE_MAX);
        }
        Ok(admit(ways.id, ways.account.clone(), coming, By::Authority(origin.clone())))
    }

    /// Lets in somebody whom only an authority knows, if one does.
    async fn login_unknown(
        &self,
        lookup: Lookup,
        name: &str,
        password: &[u8],
        coming: Coming<'_>,
    ) -> Result<Admitted, Refusal> {
        let named = match password.is_empty() || self.elsewhere.authorities.is_empty() {
            true => None,
            false => self.named_at_login(&lookup, name).await.map_err(unavailable)?,
        };
        drop(lookup);
        let Some(named) = named else { return self.refuse_at_full_cost(password).await };
        let id = self.login_newcomer(&named, password).await?.ok_or(Refusal::LoginFailed)?;
        let lookup = self.lookup().await.map_err(unavailable)?;
        let account = lookup.account(id).await.map_err(unavailable)?.ok_or(Refusal::LoginFailed)?;
        match account.origin.clone() {
            // It may have been here for long, under another name.
            Some(origin) if !account.disabled && takes_main(&account, coming.protocol) => {
                let proof = self.verified.proof(id, origin.to_string().as_bytes(), password);
                self.verified.learn(id, proof, self.world.clock.now(), AGE_ELSEWHERE_MAX);
                Ok(admit(id, account, coming, By::Authority(origin)))
            }
            _ => Err(Refusal::LoginFailed),
        }
    }

    /// Is it the main password of the account?
    async fn verify(
        &self,
        ways: &Ways,
        credentials: &Found<CredentialsRecord>,
        hash: &str,
        password: &[u8],
    ) -> Result<(), Refusal> {
        let (clock, passwords) = (&self.world.clock, &self.world.passwords);
        let proof = self.verified.proof(ways.id, &credentials.value, password);
        if self.verified.knows(ways.id, &proof, clock.now()) {
            return Ok(());
        }
        let maker = passwords.maker(hash).map_err(refusal)?;
        let right = passwords.verify(hash, password).await.map_err(refusal)?;
        if !right {
            if maker != Maker::Ours {
                // Most of the others' hashes are quick; that must not tell who has one.
                self.pay(password).await?;
            }
            return Err(Refusal::LoginFailed);
        }
        if ways.account.disabled {
            return Ok(());
        }
        self.verified.learn(ways.id, proof, clock.now(), AGE_MAX);
        if maker != Maker::Ours || credentials.record.scram.is_none() {
            self.upgrade(ways.id, credentials, password).await;
        }
        Ok(())
    }

    /// Replaces the hash that another server made by one of ours and SCRAM keys, in one commit: now
    /// that the password is seen. Nothing is done if the credentials were changed meanwhile, by the
    /// operator or by another login that did the same; and whatever fails here fails no login: the
    /// next one tries again.
    async fn upgrade(&self, id: AccountId, old: &Found<CredentialsRecord>, password: &[u8]) {
        let Ok(hash) = self.world.passwords.hash(password).await else { return };
        let mut record = old.record.clone();
        record.hash = Some(hash);
        record.scram = Some(scram::derive(password, &record.salt, record.iterations));
        let value = record.encode();
        let proof = self.verified.proof(id, &value, password);
        let mut batch = Batch::new();
        batch.expect(key::credentials(id), old.value.clone());
        batch.put(key::credentials(id), value);
        if self.store.commit(batch).await.is_ok() {
            self.verified.learn(id, proof, self.world.clock.now(), AGE_MAX);
        }
    }

    async fn admit_device(
        &self,
        lookup: &Lookup,
        ways: &Ways,
        number: u32,
        device: &DeviceRecord,
        coming: Coming<'_>,
    ) -> Result<Admitted, Refusal> {
        let now = self.world.clock.now();
        if ways.account.disabled {
            return Err(Refusal::LoginFailed);
        }
        // Only who has drawn the password hears this: it cannot be guessed.
        if device.expires_at.is_some_and(|at| now >= at) {
            return Err(Refusal::NotPermitted("this device password is out of date"));
        }
        if !device.protocols.contains(coming.protocol) {
            return Err(Refusal::NotPermitted("this device password is for another protocol"));
        }
        self.note_use(lookup, ways.id, number, device, coming).await;
        let by = By::Device { number, expires_at: device.expires_at };
        Ok(Admitted {
            account: account_of(ways.id, ways.account.clone()),
            pass: Pass { account: ways.id, protocol: coming.protocol, by },
            device: Some(device.name.clone()),
        })
    }

    /// Writes down that a device was used, if that was not done of late. No login fails for it.
    async fn note_use(
        &self,
        lookup: &Lookup,
        id: AccountId,
        number: u32,
        device: &DeviceRecord,
        coming: Coming<'_>,
    ) {
        let now = self.world.clock.now();
        let key = key::device_use(id, number);
        let noted = lookup.read::<UseRecord>(&key).await.ok().flatten();
        if noted.is_some_and(|noted| noted.at <= now && now.since(noted.at) < USE_NOTED_EVERY) {
            return;
        }
        let address = coming.peer.chars().take(PEER_MAX).collect();
        let used = UseRecord { at: now, protocol: coming.protocol, address };
        let mut batch = Batch::new();
        // Not of a device that was just removed.
        batch.expect(key::device(id, number), device.encode());
        batch.put(key, used.encode());
        let _ = self.store.commit(batch).await;
    }

    /// The keys for a SCRAM exchange, of all passwords that are good for `protocol`; made up if
    /// nobody has that name, or the account no such password that was ever seen.
    pub async fn scram_keys(&self, name: &str, protocol: Protocol) -> Result<ScramKeys, Refusal> {
        let lookup = self.lookup().await.map_err(unavailable)?;
        let Some(ways) = self.ways(&lookup, name).await? else {
            return self.made_up_keys(&lookup, name).await;
        };
        let main = ways.main(protocol).and_then(|found| found.record.scram.clone());
        let now = self.world.clock.now();
        let good = |device: &DeviceRecord| {
            device.protocols.contains(protocol) && device.expires_at.is_none_or(|at| now < at)
        };
        let devices = ways.devices.into_iter().map(|(_, device)| device).filter(good);
        let mut pairs: Vec<_> =
            main.into_iter().chain(devices.map(|device| device.scram)).collect();
        let Some(Found { record, .. }) = ways.credentials else {
            return self.made_up_keys(&lookup, name).await;
        };
        if pairs.is_empty() {
            // Under the account's own salt, so that nothing is to be seen when there is a key.
            pairs = self.made_up_keys(&lookup, name).await?.pairs;
        }
        Ok(ScramKeys { salt: record.salt, iterations: record.iterations, pairs })
    }

    /// Lets in by name and the key of [`Directory::scram_keys`] against which the caller has verified
    /// the proof. Errors: `LoginFailed`, also if the account has that key no longer; `Unavailable`.
    pub async fn scram_login(
        &self,
        name: &str,
        stored_key: &[u8; 32],
        coming: Coming<'_>,
    ) -> Result<Admitted, Refusal> {
        let lookup = self.lookup().await.map_err(unavailable)?;
        let ways = self.ways(&lookup, name).await?.ok_or(Refusal::LoginFailed)?;
        let is_its = |key: &[u8; 32]| bool::from(key.ct_eq(stored_key));
        let device = ways.devices.iter().find(|(_, device)| is_its(&device.scram.stored_key));
        if let Some((number, device)) = device {
            return self.admit_device(&lookup, &ways, *number, device, coming).await;
        }
        let main = ways.main(coming.protocol).map(|found| &found.record);
        let main = main.filter(|c| c.scram.as_ref().is_some_and(|pair| is_its(&pair.stored_key)));
        match main {
            Some(credentials) if !ways.account.disabled => {
                let by = By::Main { generation: credentials.generation };
                Ok(admit(ways.id, ways.account.clone(), coming, by))
            }
            _ => Err(Refusal::LoginFailed),
        }
    }

    /// Who is meant by `name`, under all its spellings the same.
    pub async fn identify(&self, name: &str) -> Result<Identity, Refusal> {
        let lookup = self.lookup().await.map_err(unavailable)?;
        Ok(match self.login_name(&lookup, name).await.map_err(unavailable)? {
            Some(id) => Identity::Account(id),
            None => Identity::Nobody(spelling(&lookup, name).await.map_err(unavailable)?),
        })
    }

    /// By what the account of that name may log in. `None`: nobody has the name.
    async fn ways(&self, lookup: &Lookup, name: &str) -> Result<Option<Ways>, Refusal> {
        let id = self.login_name(lookup, name).await.map_err(unavailable)?;
        let Some(id) = id else { return Ok(None) };
        let found = lookup.account_with_credentials(id).await.map_err(unavailable)?;
        let Some((account, credentials)) = found else { return Ok(None) };
        // Most accounts have none, and then there is nothing to look for.
        let devices = match &credentials {
            Some(found) if found.record.devices_made > 0 => {
                lookup.devices(id).await.map_err(unavailable)?
            }
            _ => Vec::new(),
        };
        Ok(Some(Ways { id, account, credentials, devices }))
    }

    /// Takes as long as if `password` were verified.
    async fn refuse_at_full_cost(&self, password: &[u8]) -> Result<Admitted, Refusal> {
        self.pay(password).await?;
        Err(Refusal::LoginFailed)
    }

    /// Verifies `password` for nobody. The first time, hashing something takes as long, and gives
    /// the hash for the times to come.
    pub(crate) async fn pay(&self, password: &[u8]) -> Result<(), Refusal> {
        match self.dummy_hash.get() {
            Some(hash) => {
                // The answer is dropped: nobody has the name, whatever the password.
                let _ = self.world.passwords.verify(hash, password).await.map_err(refusal)?;
            }
            None => {
                let mut nobodys = [0; 32];
                self.world.random.fill(&mut nobodys);
                let hash = self.world.passwords.hash(&nobodys).await.map_err(refusal)?;
                // Somebody else may have been quicker; one is as good as the other.
                let _ = self.dummy_hash.set(hash);
            }
        }
        Ok(())
    }
}

/// Somebody who came with the main password.
fn admit(id: AccountId, account: AccountRecord, coming: Coming<'_>, by: By) -> Admitted {
    let pass = Pass { account: id, protocol: coming.protocol, by };
    Admitted { account: account_of(id, account), pass, device: None }
}

/// What the login is told when a password cannot be verified at all.
fn refusal(error: PasswordError) -> Refusal {
    match error {
        PasswordError::Busy => Refusal::Limit("too many logins at once"),
        PasswordError::UnknownHash | PasswordError::TooCostly => Refusal::Unavailable,
    }
}
