//! Who waits for news of which account.

use crate::mail::Inner;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch::{Receiver, Sender};
use words_mail::AccountId;

/// One bell for each account that somebody watches.
#[derive(Default)]
pub(crate) struct Bells(Mutex<HashMap<AccountId, Sender<()>>>);

impl Bells {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all who watch `account`.
    pub fn ring(&self, account: AccountId) {
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

    /// How many accounts are watched.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.lock().len()
    }
}

/// Waits for the changes of one account.
pub struct Watch {
    inner: Arc<Inner>,
    account: AccountId,
    /// `None` only while it is being dropped.
    receiver: Option<Receiver<()>>,
}

impl Watch {
    pub(crate) fn new(inner: Arc<Inner>, account: AccountId) -> Watch {
        let receiver = Some(inner.bells.listen(account));
        Watch { inner, account, receiver }
    }

    /// Ends when the account's log has grown since the last call ended (or the watch began).
    /// May be dropped and called again without losing news.
    pub async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return;
        }
        // The bell hangs as long as somebody listens; without it there is no news to wait for.
        std::future::pending().await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.receiver = None;
        self.inner.bells.leave(self.account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_hangs_only_while_somebody_listens() {
        let bells = Bells::default();
        let (first, second) = (bells.listen(AccountId(1)), bells.listen(AccountId(1)));
        let other = bells.listen(AccountId(2));
        assert_eq!(bells.len(), 2);
        drop(first);
        bells.leave(AccountId(1));
        assert_eq!(bells.len(), 2);
        drop((second, other));
        bells.leave(AccountId(1));
        bells.leave(AccountId(2));
        bells.leave(AccountId(3));
        assert_eq!(bells.len(), 0);
        bells.ring(AccountId(1));
        assert_eq!(bells.len(), 0);
    }
}
