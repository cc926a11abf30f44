//! Accounts that come from elsewhere, as the operator sees them.

use super::AdminError;
use crate::key;
use crate::lookup::Lookup;
use crate::record::{AccountRecord, Origin, OwnerRecord, Record};
use core_store::Batch;
use words_mail::{AccountId, Address};

/// From where an account with that main address is to come.
pub(super) fn read_origin(text: &str, address: &Address) -> Result<Origin, AdminError> {
    let origin = match text.contains(':') {
        true => Origin::parse(text),
        false => Origin::new(text, &key::fold(address.local_part())),
    };
    origin.ok_or_else(|| AdminError::BadOrigin(text.to_string()))
}

pub(super) fn password_elsewhere(account: &Address, origin: &Origin) -> AdminError {
    AdminError::PasswordElsewhere { account: account.clone(), origin: origin.to_string() }
}

/// Adds to `batch` that an account comes from `origin`, and from nowhere else. Errors: `OriginTaken`.
pub(super) async fn change_origin(
    lookup: &Lookup,
    batch: &mut Batch,
    id: AccountId,
    record: &mut AccountRecord,
    origin: Option<Origin>,
) -> Result<(), AdminError> {
    let key_of = |origin: &Option<Origin>| origin.as_ref().map(key::origin);
    let (old, new) = (key_of(&record.origin), key_of(&origin));
    if old != new {
        if let (Some(key), Some(origin)) = (new, &origin) {
            if lookup.read::<OwnerRecord>(&key).await?.is_some() {
                return Err(AdminError::OriginTaken { origin: origin.to_string() });
            }
            batch.expect_absent(key.clone()).put(key, OwnerRecord(id).encode());
        }
        if let Some(key) = old {
            batch.delete(key);
        }
    }
    record.origin = origin;
    Ok(())
}
