//! How many sessions each account has open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use words_mail::{AccountId, Refusal};

/// Counts the sessions of each account in this process.
#[derive(Debug, Default)]
pub struct Slots {
    open: Mutex<HashMap<AccountId, usize>>,
}

/// One session's place; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    account: AccountId,
}

impl Slots {
    /// A place for one more session of `account`, of which `max` may be open.
    pub fn take(self: &Arc<Slots>, account: AccountId, max: usize) -> Result<Slot, Refusal> {
        let mut open = self.lock();
        let count = open.entry(account).or_default();
        if *count >= max {
            return Err(Refusal::Limit("sessions of one account"));
        }
        *count += 1;
        Ok(Slot { slots: self.clone(), account })
    }

    /// A panic elsewhere leaves a count that is still right.
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.lock();
        if let Some(count) = open.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_when_its_session_ends() {
        let slots = Arc::new(Slots::default());
        let (ana, bob) = (AccountId(1), AccountId(2));
        let first = slots.take(ana, 2).unwrap();
        let _second = slots.take(ana, 2).unwrap();
        assert!(matches!(slots.take(ana, 2), Err(Refusal::Limit(_))));
        assert!(slots.take(bob, 2).is_ok());
        drop(first);
        assert!(slots.take(ana, 2).is_ok());
        assert_eq!(slots.lock().len(), 1, "bob's count is gone with his session");
    }
}
