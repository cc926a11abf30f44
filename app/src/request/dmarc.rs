//! Wishes about reports of others.

use super::Reply;
use crate::office::Office;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_feedback::{Archive, Received};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A wish about reports of others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DmarcRequest {
    /// Which there are.
    List,
    /// Keep more.
    Import {
        /// The name of each file, and its octets in Base64.
        reports: Vec<(String, String)>,
    },
}

/// Does it.
pub(super) async fn fulfil(office: &Office, request: DmarcRequest) -> Result<Reply, String> {
    let archive = Archive::new(office.store.clone());
    match request {
        DmarcRequest::List => {
            let kept = archive.list().await.map_err(|refusal| refusal.to_string())?;
            let text = match kept.as_slice() {
                [] => "No reports are kept. Read some: estafeta dmarc import FILE\n".to_string(),
                kept => kept.iter().map(line).collect(),
            };
            Ok(Reply::Report { text, value: json!(kept), good: true })
        }
        DmarcRequest::Import { reports } => {
            let (mut text, mut good) = (String::new(), true);
            for (name, symbols) in reports {
                let octets = STANDARD.decode(symbols).map_err(|error| error.to_string())?;
                let received = archive.receive(&octets).await;
                match received.map_err(|refusal| refusal.to_string())? {
                    Ok(received) => text.push_str(&line(&received)),
                    Err(why) => {
                        good = false;
                        text.push_str(&format!("{name}: {why}; is it an aggregate report?\n"));
                    }
                }
            }
            Ok(Reply::report(text, good))
        }
    }
}

/// One report on one line. What others wrote is shown without control characters.
fn line(received: &Received) -> String {
    let Received { report, messages, passed } = received;
    let shown =
        |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(80).collect() };
    format!(
        "{} about {}: {messages} messages, {} of them not from there\n",
        shown(&report.organisation),
        shown(&report.published.domain),
        messages.saturating_sub(*passed),
    )
}
