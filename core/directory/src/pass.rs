//! By what somebody is in, and whether it still holds.

use crate::directory::{account_of, unavailable};
use crate::record::{AccountRecord, CredentialsRecord, Origin};
use crate::{Account, Directory, Protocol};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch::{Receiver, Sender};
use words_base::Timestamp;
use words_mail::{AccountId, Refusal};

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// To which account.
    pub account: Account,
    /// By what.
    pub pass: Pass,
    /// The name of the device whose password it was; `None`: it was the main one.
    pub device: Option<String>,
}

/// By what somebody was let in. It holds until the account is disabled or gone, that password is
/// replaced, revoked or out of date, may no longer be used for this protocol, or is no longer for the
/// same authority to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    pub(crate) account: AccountId,
    pub(crate) protocol: Protocol,
    pub(crate) by: By,
}

/// Which password it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The main one, when there had been so many before it.
    Main { generation: u64 },
    /// The main one, as the authority said from which the account comes.
    Authority(Origin),
    /// That of a device.
    Device { number: u32, expires_at: Option<Timestamp> },
}

impl Pass {
    /// To which account.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Is it out of date? Asks nobody.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        matches!(self.by, By::Device { expires_at: Some(at), .. } if now >= at)
    }
}

impl Directory {
    /// Does `pass` still hold? Gives the account as it is now. Errors: `LoginFailed`, `Unavailable`.
    pub async fn check(&self, pass: &Pass) -> Result<Account, Refusal> {
        if pass.has_expired(self.world.clock.now()) {
            return Err(Refusal::LoginFailed);
        }
        let lookup = self.lookup().await.map_err(unavailable)?;
        let found = lookup.account_with_credentials(pass.account).await.map_err(unavailable)?;
        let (record, credentials) = found.ok_or(Refusal::LoginFailed)?;
        let holds = match &pass.by {
            By::Main { generation } => {
                let same = |c: &CredentialsRecord| c.hash.is_some() && c.generation == *generation;
                record.origin.is_none()
                    && takes_main(&record, pass.protocol)
                    && credentials.is_some_and(|found| same(&found.record))
            }
            By::Authority(origin) => {
                record.origin.as_ref() == Some(origin) && takes_main(&record, pass.protocol)
            }
            By::Device { number, .. } => {
                let device = lookup.device(pass.account, *number).await.map_err(unavailable)?;
                device.is_some_and(|device| device.record.protocols.contains(pass.protocol))
            }
        };
        if record.disabled || !holds {
            return Err(Refusal::LoginFailed);
        }
        Ok(account_of(pass.account, record))
    }

    /// Waits for changes of `account` from now on.
    pub fn watch(&self, account: AccountId) -> AccountWatch {
        AccountWatch {
            bells: self.bells.clone(),
            account,
            receiver: Some(self.bells.listen(account)),
        }
    }
}

/// Does the main password let in by `protocol`?
pub(crate) fn takes_main(record: &AccountRecord, protocol: Protocol) -> bool {
    !record.devices_only.contains(protocol)
}

/// One bell for each account that somebody is logged in to.
#[derive(Debug, Default)]
pub(crate) struct Bells(Mutex<HashMap<AccountId, Sender<()>>>);

impl Bells {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all who watch `account`.
    pub(crate) fn ring(&self, account: AccountId) {
        if let Some(bell) = self.lock().get(&account) {
            bell.send_replace(());
        }
    }

    fn listen(&self, account: AccountId) -> Receiver<()> {
        self.lock().entry(account).or_default().subscribe()
    }

    /// Takes the bell down if nobody listens any more.
    fn leave(&self, account: AccountId) {
        let mut bells = self.lock();
        if bells.get(&account).is_some_and(|bell| bell.receiver_count() == 0) {
            bells.remove(&account);
        }
    }
}

/// Notices that an account was changed, by this process: its passwords, its devices, whether it may
/// log in, or that it is gone.
#[derive(Debug)]
pub struct AccountWatch {
    bells: Arc<Bells>,
    account: AccountId,
    /// `None` only while it is being dropped.
    receiver: Option<Receiver<()>>,
}

impl AccountWatch {
    /// Was the account changed since this was last asked, or [`AccountWatch::changed`] ended?
    pub fn has_changed(&mut self) -> bool {
        let Some(receiver) = &mut self.receiver else { return false };
        let changed = receiver.has_changed().unwrap_or(false);
        if changed {
            receiver.mark_unchanged();
        }
        changed
    }

    /// Ends when the account was changed since it last ended. May be dropped and called again
    /// without losing a change.
    pub async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return;
        }
        // The bell hangs as long as somebody listens.
        std::future::pending().await
    }
}

impl Drop for AccountWatch {
    fn drop(&mut self) {
        self.receiver = None;
        self.bells.leave(self.account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_hangs_only_while_somebody_listens_and_rings_for_its_account() {
        let bells = Arc::new(Bells::default());
        let watch = |account| {
            let receiver = Some(bells.listen(AccountId(account)));
            AccountWatch { bells: bells.clone(), account: AccountId(account), receiver }
        };
        let (mut first, mut second, mut other) = (watch(1), watch(1), watch(2));
        bells.ring(AccountId(1));
        assert!(first.has_changed() && !first.has_changed());
        assert!(second.has_changed() && !other.has_changed());
        drop(first);
        assert_eq!(bells.lock().len(), 2);
        drop((second, other));
        assert_eq!(bells.lock().len(), 0);
        bells.ring(AccountId(1));
    }
}
