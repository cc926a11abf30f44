//! Who may come in.

use crate::directory::{account_of, unavailable};
use crate::lookup::Lookup;
use crate::record::{Record, SecretRecord};
use crate::{Account, Directory, ScramKeys, key, scram};
use core_store::{Batch, StoreError};
use core_world::PasswordError;
use words_mail::{AccountId, Address, Refusal};

/// Longest password, in octets.
pub(crate) const PASSWORD_MAX: usize = 1024;
/// How often a new secret is tried to be stored beside other processes that do the same.
const SECRET_TRIES_MAX: usize = 3;

impl Directory {
    /// Lets in by name (`ana` or `ana@mired.org`, any case) and password.
    /// Errors: `LoginFailed`, never why; `Unavailable`; `Limit` if too many wait.
    ///
    /// A wrong name costs as much as a wrong password. Who was let in lately is let in again
    /// without the cost, but never without reading whether the account may still log in.
    pub async fn login(&self, name: &str, password: &[u8]) -> Result<Account, Refusal> {
        if password.len() > PASSWORD_MAX {
            // Nobody has such a password, so this tells nothing of the name.
            return Err(Refusal::LoginFailed);
        }
        let lookup = self.lookup().await.map_err(unavailable)?;
        let id = lookup.login_name(name).await.map_err(unavailable)?;
        let Some(id) = id else { return self.refuse_at_full_cost(password).await };
        let found = lookup.account_with_credentials(id).await.map_err(unavailable)?;
        let Some((record, Some(credentials))) = found else {
            return self.refuse_at_full_cost(password).await;
        };
        let proof = self.verified.proof(id, &credentials.value, password);
        if !self.verified.knows(id, &proof, self.world.clock.now()) {
            let hash = &credentials.record.hash;
            let right = self.world.passwords.verify(hash, password).await.map_err(refusal)?;
            if !right {
                return Err(Refusal::LoginFailed);
            }
            if !record.disabled {
                self.verified.learn(id, proof, self.world.clock.now());
            }
        }
        // Asked last: a disabled account costs as much as any.
        if record.disabled {
            return Err(Refusal::LoginFailed);
        }
        Ok(account_of(id, record))
    }

    /// The keys for a SCRAM exchange; made up if nobody has that name.
    pub async fn scram_keys(&self, name: &str) -> Result<ScramKeys, Refusal> {
        let lookup = self.lookup().await.map_err(unavailable)?;
        if let Some(id) = lookup.login_name(name).await.map_err(unavailable)? {
            let found = lookup.account_with_credentials(id).await.map_err(unavailable)?;
            if let Some((_, Some(credentials))) = found {
                return Ok(credentials.record.scram);
            }
        }
        let secret = self.secret().await.map_err(unavailable)?;
        let name = spelling(&lookup, name).await.map_err(unavailable)?;
        Ok(scram::make_up(&secret, &name))
    }

    /// Lets in by name alone: the caller has verified the proof against [`Directory::scram_keys`].
    pub async fn scram_login(&self, name: &str) -> Result<Account, Refusal> {
        let lookup = self.lookup().await.map_err(unavailable)?;
        let id = lookup.login_name(name).await.map_err(unavailable)?;
        let id: AccountId = id.ok_or(Refusal::LoginFailed)?;
        let record = lookup.account(id).await.map_err(unavailable)?;
        let record = record.filter(|r| !r.disabled).ok_or(Refusal::LoginFailed)?;
        Ok(account_of(id, record))
    }

    /// Takes as long as if `password` were verified. The first time, hashing something takes as
    /// long, and gives the hash for the times to come.
    async fn refuse_at_full_cost(&self, password: &[u8]) -> Result<Account, Refusal> {
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
        Err(Refusal::LoginFailed)
    }

    /// The secret of which keys are made up: kept in the store, so that they are the same after a
    /// restart.
    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        for _ in 0..SECRET_TRIES_MAX {
            if let Some(secret) = self.secret.get() {
                return Ok(*secret);
            }
            if let Some(SecretRecord(secret)) = self.lookup().await?.read(key::SECRET).await? {
                return Ok(*self.secret.get_or_init(|| secret));
            }
            let mut fresh = [0; 32];
            self.world.random.fill(&mut fresh);
            let mut batch = Batch::new();
            batch.expect_absent(key::SECRET);
            batch.put(key::SECRET, SecretRecord(fresh).encode());
            match self.store.commit(batch).await {
                Ok(_) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Unavailable("the secret for made-up keys cannot be stored".to_string()))
    }
}

/// One spelling for all by which the same name is found, so that made-up keys betray themselves no
/// more than real ones: letters lower, alias domains as their real ones, the domain of the eldest
/// account where it is missing.
async fn spelling(lookup: &Lookup, name: &str) -> Result<String, StoreError> {
    let Ok(address) = Address::parse(name) else {
        let eldest = match lookup.first_account(None).await? {
            Some(id) => lookup.account(id).await?,
            None => None,
        };
        let domain = eldest.map(|e| e.address.domain().to_string()).unwrap_or_default();
        return Ok(format!("{}@{domain}", key::fold(name)));
    };
    let domain = lookup.real_domain(address.domain()).await?;
    let domain = domain.as_ref().unwrap_or(address.domain());
    Ok(format!("{}@{domain}", key::fold(address.local_part())))
}

/// What the login is told when a password cannot be verified at all.
fn refusal(error: PasswordError) -> Refusal {
    match error {
        PasswordError::Busy => Refusal::Limit("too many logins at once"),
        PasswordError::UnknownHash => Refusal::Unavailable,
    }
}
