//! A post office of the lab from its open ports on.

use super::house::{House, addresses};
use crate::config::Config;
use crate::data::Data;
use crate::doors::{self, Door};
use crate::keyring::Keyring;
use crate::running::{Plan, Running};
use crate::service::Service;
use crate::words::Words;
use anyhow::Result;
use engine_net::BindError;
use engine_process::Manager;
use std::net::SocketAddr;

/// A post office whose ports are open.
pub struct Post {
    /// What it is like.
    pub house: House,
    /// Where everything is kept.
    pub data: Data,
    /// What is open, and where.
    pub addresses: Vec<(Service, SocketAddr)>,
    doors: Vec<Door>,
}

impl Post {
    /// Opens the ports of `house`.
    pub fn open(house: House, data: Data) -> Result<Post, BindError> {
        let doors = doors::open(&house.configuration(&[], None), Vec::new())?;
        Ok(Post { addresses: addresses(&doors), house, data, doors })
    }

    /// Opens the store; whoever has come meanwhile waits.
    pub async fn start(
        self,
        config: Config,
        manager: Manager,
        words: &'static Words,
    ) -> Result<(House, Running)> {
        let Post { house, data, doors, .. } = self;
        let keyring = Keyring::Own {
            data: data.clone(),
            names: house.certificate_names(),
            addresses: vec![house.listen],
        };
        let (is_confined, acme) = (false, None);
        let plan = Plan { config, file: None, data, doors, keyring, manager, is_confined, acme };
        Ok((house, Running::open(plan, words).await?))
    }
}
