//! Wishes about device passwords.

use super::{Reply, read_address};
use crate::office::Office;
use crate::print;
use core_directory::{AdminError, DeviceEntry, NewDevice};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use tracing::info;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// A wish about device passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceRequest {
    /// Make one.
    Add {
        /// One of the account's addresses.
        account: String,
        /// What its owner calls the device.
        name: String,
        /// By which protocols it may come.
        protocols: String,
        /// After how many days it is worth nothing.
        expires_in_days: Option<u32>,
    },
    /// All of an account.
    List {
        /// One of its addresses.
        account: String,
    },
    /// Revoke one.
    Remove {
        /// One of the account's addresses.
        account: String,
        /// Which.
        name: String,
    },
}

/// Does it.
pub(super) async fn fulfil(office: &Office, request: DeviceRequest) -> Result<Reply, String> {
    let admin = office.directory.admin();
    match request {
        DeviceRequest::Add { account, name, protocols, expires_in_days } => {
            let days = expires_in_days.map(|days| Duration::from_secs(u64::from(days) * DAY));
            let expires_at = days.map(|days| office.world.clock.now() + days);
            let new = NewDevice { name, protocols: protocols.parse()?, expires_at };
            let added = admin.add_device(&read_address(&account)?, &new).await;
            let (entry, password) = added.map_err(text)?;
            info!(account, device = entry.name, protocols = entry.protocols, "device added");
            Ok(shown(&account, &entry, &password))
        }
        DeviceRequest::List { account } => {
            let entries = admin.list_devices(&read_address(&account)?).await.map_err(text)?;
            let text = print::devices(&entries);
            Ok(Reply::Report { text, value: json!(entries), good: true })
        }
        DeviceRequest::Remove { account, name } => {
            let removed = admin.remove_device(&read_address(&account)?, &name).await;
            let entry = removed.map_err(text)?;
            info!(account, device = entry.name, "device removed");
            let text = format!("revoked the password of {account}'s device \"{}\"", entry.name);
            Ok(Reply::Report { text, value: json!(entry), good: true })
        }
    }
}

/// The only time that the password is told.
fn shown(account: &str, entry: &DeviceEntry, password: &str) -> Reply {
    let text = format!(
        "password for {account}'s device \"{}\" ({}), shown this once:\n\n    {password}\n\n\
         The name to log in with is {account}. The hyphens may be left out.",
        entry.name, entry.protocols
    );
    Reply::Report { text, value: json!({ "device": entry, "password": password }), good: true }
}

fn text(error: AdminError) -> String {
    error.to_string()
}
