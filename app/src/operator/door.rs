//! From `estafeta door` to a wish.

use crate::cli::DoorCommand;
use crate::request::{DoorRequest, Request};
use anyhow::Result;

impl DoorCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Door(match self {
            DoorCommand::List => DoorRequest::List,
            DoorCommand::Forgive { address } => DoorRequest::Forgive { address },
        }))
    }
}
