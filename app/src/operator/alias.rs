//! From `estafeta alias` to a wish.

use super::texts;
use crate::cli::AliasCommand;
use crate::request::{AliasRequest, Request};
use anyhow::Result;

impl AliasCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Alias(match self {
            AliasCommand::Add { address, targets } => {
                AliasRequest::Add { address: address.to_string(), targets: texts(targets) }
            }
            AliasCommand::List { domain } => {
                AliasRequest::List { domain: domain.map(|domain| domain.to_string()) }
            }
            AliasCommand::Show { address } => AliasRequest::Show { address: address.to_string() },
            AliasCommand::Set { address, targets } => {
                AliasRequest::Set { address: address.to_string(), targets: texts(targets) }
            }
            AliasCommand::Remove { address } => {
                AliasRequest::Remove { address: address.to_string() }
            }
        }))
    }
}
