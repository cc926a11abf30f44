//! Wishes about strangers at the door.

use super::{PAGE, Reply};
use crate::office::Office;
use crate::{moment, print};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::IpAddr;
use tracing::info;

/// A wish about strangers at the door.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoorRequest {
    /// Who is turned away.
    List,
    /// Somebody is let in again.
    Forgive {
        /// Who.
        address: IpAddr,
    },
}

/// Does it. Only a server that runs knows anybody.
pub(super) async fn fulfil(office: &Office, request: DoorRequest) -> Result<Reply, String> {
    if office.duty().is_none() {
        let text = "no server runs here: who is turned away is known to a running one alone";
        return Err(text.to_string());
    }
    let keeper = &office.doorkeeper;
    match request {
        DoorRequest::List => {
            let banned = keeper.banned(office.world.clock.now(), PAGE);
            let rows = banned.iter().map(|(network, offence, until)| {
                vec![network.to_string(), offence.what().to_string(), moment::show_seconds(*until)]
            });
            let text = match banned.is_empty() {
                true => "nobody is turned away".to_string(),
                false => print::table(&["WHO", "BECAUSE IT", "UNTIL (UTC)"], rows.collect()),
            };
            let value = banned.iter().map(|(network, offence, until)| {
                json!({
                    "network": network.to_string(),
                    "because": offence.what(),
                    "until": until.millis(),
                })
            });
            Ok(Reply::Report { text, value: Value::Array(value.collect()), good: true })
        }
        DoorRequest::Forgive { address } => {
            let known = keeper.forgive(address);
            info!(%address, "forgiven by an operator");
            let text = match known {
                true => format!("{address} is let in again"),
                false => format!("nothing was known of {address}"),
            };
            Ok(Reply::Report { text, value: json!({ "known": known }), good: true })
        }
    }
}
