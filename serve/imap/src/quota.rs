//! QUOTA (RFC 9208): one root for the whole account.

use crate::desk::ImapDesk;
use core_directory::Quota;
use core_mailbox::Usage;
use proto_imap::ask::{Answer, QuotaResource};
use words_mail::Refusal;

/// STORAGE counts in these, octets (RFC 9208 §5.1).
const STORAGE_UNIT: u64 = 1024;

impl ImapDesk {
    pub(crate) async fn quota(&mut self) -> Result<Answer, Refusal> {
        let login = self.login()?;
        let usage = self.office.mail.usage(login.account.id).await?;
        Ok(Answer::Quota(resources(usage, login.account.quota)))
    }
}

/// Only what is limited is a resource of the root.
fn resources(usage: Usage, quota: Quota) -> Vec<QuotaResource> {
    let storage = quota.bytes.map(|limit| QuotaResource {
        name: "STORAGE",
        usage: usage.bytes.div_ceil(STORAGE_UNIT),
        limit: limit / STORAGE_UNIT,
    });
    let message =
        quota.messages.map(|limit| QuotaResource { name: "MESSAGE", usage: usage.messages, limit });
    storage.into_iter().chain(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_told_in_units_of_1024() {
        let usage = Usage { bytes: 1025, messages: 3 };
        let told = resources(usage, Quota { bytes: Some(4096), messages: Some(10) });
        let told: Vec<_> = told.iter().map(|r| (r.name, r.usage, r.limit)).collect();
        assert_eq!(told, [("STORAGE", 2, 4), ("MESSAGE", 3, 10)]);
        assert!(resources(usage, Quota::default()).is_empty());
    }
}
