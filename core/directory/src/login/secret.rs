//! Keys for names that nobody has.

use crate::directory::unavailable;
use crate::lookup::Lookup;
use crate::record::{Record, SecretRecord};
use crate::{Directory, ScramKeys, key, scram};
use core_store::{Batch, StoreError};
use words_mail::{Address, Refusal};

/// How often a new secret is tried to be stored beside other processes that do the same.
const SECRET_TRIES_MAX: usize = 3;

impl Directory {
    /// Keys that no password fits, the same each time for the same name.
    pub(super) async fn made_up_keys(
        &self,
        lookup: &Lookup,
        name: &str,
    ) -> Result<ScramKeys, Refusal> {
        let secret = self.secret().await.map_err(unavailable)?;
        let name = spelling(lookup, name).await.map_err(unavailable)?;
        Ok(scram::make_up(&secret, &name))
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
pub(super) async fn spelling(lookup: &Lookup, name: &str) -> Result<String, StoreError> {
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
