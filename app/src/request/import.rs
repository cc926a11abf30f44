//! Wishes about mail that comes from elsewhere.

mod aliases;
mod mails;
mod remote;
mod server;
mod told;

pub use aliases::AliasesRequest;
pub use mails::{MailsRequest, Mailstore};
pub use remote::Remote;
pub use server::{PlannedAccount, ServerPlan, ServerRequest};

pub(super) use told::{Following, octets, table, troubles};

use super::Reply;
use crate::office::Office;
use crate::progress::Tell;
use serde::{Deserialize, Serialize};

/// A wish about mail that comes from elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportRequest {
    /// Bring somebody's mail.
    Mails(MailsRequest),
    /// Bring a whole server.
    Server(ServerRequest),
    /// Bring aliases.
    Aliases(AliasesRequest),
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: ImportRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    match request {
        ImportRequest::Mails(request) => mails::fulfil(office, request, tell).await,
        ImportRequest::Server(request) => server::fulfil(office, request, tell).await,
        ImportRequest::Aliases(request) => aliases::fulfil(office, request).await,
    }
}
