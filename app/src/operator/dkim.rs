//! From `estafeta dkim` to a wish.

use crate::cli::DkimCommand;
use crate::request::{DkimRequest, Request};
use anyhow::Result;

impl DkimCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Dkim(match self {
            DkimCommand::List { name } => DkimRequest::List { name: name.to_string() },
            DkimCommand::Rotate { name } => DkimRequest::Rotate { name: name.to_string() },
        }))
    }
}
