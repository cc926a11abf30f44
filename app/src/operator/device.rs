//! From `estafeta device` to a wish.

use crate::cli::DeviceCommand;
use crate::request::{DeviceRequest, Request};
use anyhow::Result;

impl DeviceCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Device(match self {
            DeviceCommand::Add { account, name, protocols, expires_in_days } => {
                DeviceRequest::Add {
                    account: account.to_string(),
                    name,
                    protocols: protocols.to_string(),
                    expires_in_days,
                }
            }
            DeviceCommand::List { account } => DeviceRequest::List { account: account.to_string() },
            DeviceCommand::Remove { account, name } => {
                DeviceRequest::Remove { account: account.to_string(), name }
            }
        }))
    }
}
