//! From `estafeta domain` to a wish.

use super::text;
use crate::cli::DomainCommand;
use crate::request::{Change, DomainRequest, Request};
use anyhow::Result;

impl DomainCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Domain(match self {
            DomainCommand::Add { name, alias_of } => DomainRequest::Add {
                name: name.to_string(),
                alias_of: alias_of.map(|of| of.to_string()),
            },
            DomainCommand::List => DomainRequest::List,
            DomainCommand::Show { name } => DomainRequest::Show { name: name.to_string() },
            DomainCommand::Set { name, catch_all, no_catch_all, postmaster, no_postmaster } => {
                DomainRequest::Set {
                    name: name.to_string(),
                    catch_all: Change::of(text(catch_all), no_catch_all),
                    postmaster: Change::of(text(postmaster), no_postmaster),
                }
            }
            DomainCommand::Remove { name } => DomainRequest::Remove { name: name.to_string() },
        }))
    }
}
