//! Who is in, and whether they still may be.

use crate::Login;
use core_directory::{Account, AccountWatch, Pass};
use tracing::info;
use words_mail::Refusal;

/// Somebody who was let in, and may be shut out while their session goes on.
#[derive(Debug)]
pub struct Guest {
    /// Whose guest.
    pub account: Account,
    pass: Pass,
    watch: AccountWatch,
    /// Was the pass looked at since the watch began, and since the account last changed?
    is_checked: bool,
}

impl Login {
    pub(crate) fn guest(&self, account: Account, pass: Pass) -> Guest {
        let watch = self.directory.watch(pass.account());
        Guest { account, pass, watch, is_checked: false }
    }

    /// May `guest` still be here? To be asked before everything done for them; it costs nothing as
    /// long as their account is not changed. Errors: `LoginFailed` if it is disabled or gone, if the
    /// password by which they came was replaced, revoked or is out of date; `Unavailable`.
    pub async fn check(&self, guest: &mut Guest) -> Result<(), Refusal> {
        let has_changed = guest.watch.has_changed();
        guest.is_checked &= !has_changed && !guest.pass.has_expired(self.world.clock.now());
        if guest.is_checked {
            return Ok(());
        }
        let checked = self.directory.check(&guest.pass).await;
        if checked == Err(Refusal::LoginFailed) {
            info!(account = %guest.account.address, "shut out");
        }
        checked?;
        guest.is_checked = true;
        Ok(())
    }

    /// Ends when `guest` may no longer be here, by what was changed in their account. May be dropped
    /// and called again.
    pub async fn shut_out(&self, guest: &mut Guest) {
        loop {
            if !guest.is_checked || guest.watch.has_changed() {
                guest.is_checked = false;
                // Boxed: thousands of sessions wait here, and few ever come to it.
                // Whatever else fails will be seen before the next thing is done for them.
                if let Err(Refusal::LoginFailed) = Box::pin(self.check(guest)).await {
                    return;
                }
            }
            guest.watch.changed().await;
            guest.is_checked = false;
        }
    }
}
