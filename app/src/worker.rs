//! What is done in the background.

use core_mailbox::Mail;
use engine_net::Stopping;
use std::time::Duration;
use tracing::warn;

/// How often it is looked whether something is to be done.
const INTERVAL: Duration = Duration::from_secs(60);

/// Clears away after removed mailboxes and trims logs, one small unit after the other, until the
/// server goes down.
pub async fn tidy(mail: Mail, mut stopping: Stopping) {
    tokio::select! {
        () = stopping.told() => {}
        () = tidy_for_ever(mail) => {}
    }
}

async fn tidy_for_ever(mail: Mail) {
    loop {
        match mail.tidy_page().await {
            // There is more; but others come first.
            Ok(false) => tokio::task::yield_now().await,
            Ok(true) => tokio::time::sleep(INTERVAL).await,
            Err(refusal) => {
                warn!(%refusal, "clearing away did not succeed; trying again later");
                tokio::time::sleep(INTERVAL).await;
            }
        }
    }
}
