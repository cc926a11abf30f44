//! The lab and the world around it.

use super::house::{House, Person, data_outside};
use super::outside::{self, Names};
use super::post::Post;
use crate::config::List;
use crate::data::Data;
use crate::network::Network;
use crate::office::Office;
use crate::running::Running;
use crate::words::Words;
use anyhow::Result;
use engine_process::Manager;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tracing::warn;
use words_mail::Domain;

/// The other post office, and who lives there.
const OUTSIDE: &str = "exterior.test";
const HOST_OUTSIDE: &str = "mx";
const PEOPLE_OUTSIDE: [Person; 1] = [Person::new("eva")];
/// How often it is looked whether keys for signatures are made, and how often at most.
const LOOK_FOR_KEYS: Duration = Duration::from_millis(100);
const LOOKS: usize = 600;

/// Post offices whose ports are open.
pub struct Town {
    /// The one that the lab is for.
    pub home: Post,
    /// The one that it writes to, if this machine has room for it.
    pub outside: Option<Post>,
}

/// One that serves, and what it is like.
struct Open {
    house: House,
    running: Running,
}

impl Town {
    /// Opens all ports. Without an outside if it shall be `alone`, or cannot have one.
    pub fn open(home: House, data: Data, alone: bool) -> Result<Town> {
        let is_possible = !alone && outside::is_possible(home.listen);
        let outside = House {
            domain: Domain::parse(OUTSIDE)?,
            host: HOST_OUTSIDE,
            people: PEOPLE_OUTSIDE.to_vec(),
            listen: outside::ADDRESS,
            ports: home.ports.clone(),
            routes: Vec::new(),
        };
        let data_outside = Data::in_directory(&data_outside(&data));
        let home = Post::open(home, data)?;
        let has_smtp = outside::smtp_port(&home.addresses).is_some();
        let outside = match is_possible && has_smtp {
            true => Post::open(outside, data_outside),
            false => return Ok(Town { home, outside: None }),
        };
        if let Err(error) = &outside {
            warn!(%error, "there is no world outside: mail to {OUTSIDE} cannot leave");
        }
        Ok(Town { home, outside: outside.ok() })
    }

    /// Serves until somebody ends it; calls `ready` as soon as it does.
    pub async fn live(
        self,
        words: &'static Words,
        my_networks: &[Network],
        ready: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        self.live_while(words, my_networks, ready, std::future::pending::<()>, |_| {}).await
    }

    /// The same, but until `until` has ended, if that is sooner; `names` is called with the DNS.
    pub async fn live_while<T: Future<Output = ()>>(
        self,
        words: &'static Words,
        my_networks: &[Network],
        ready: impl FnOnce() -> Result<()>,
        until: impl FnOnce() -> T,
        know: impl FnOnce(&Names),
    ) -> Result<()> {
        let Town { home, outside } = self;
        let names = match &outside {
            Some(outside) => Some(Arc::new(Names::open(&[&home.house, &outside.house]).await?)),
            None => None,
        };
        if let Some(names) = &names {
            know(names);
        }
        let dns = names.as_ref().map(|names| names.address());
        let mut config = home.house.configuration(my_networks, dns);
        config.door.examine_also = List(vec![Network::one(outside::ADDRESS)]);
        let address = home.house.listen;
        let mut home = Open::start(home, config, Manager::of_environment(), words).await?;
        let mut outside = match outside {
            Some(post) => {
                std::fs::create_dir_all(post.data.path())?;
                let mut config = post.house.configuration(&[], dns);
                config.door.examine_also = List(vec![Network::one(address)]);
                Some(Open::start(post, config, Manager::none(), words).await?)
            }
            None => None,
        };
        for open in [Some(&home), outside.as_ref()].into_iter().flatten() {
            if let Some(names) = &names {
                let (office, house) = (open.running.office.clone(), open.house.clone());
                tokio::spawn(publish(names.clone(), office, house));
            }
        }
        let done = async {
            ready()?;
            let served = async {
                match &mut outside {
                    Some(outside) => {
                        tokio::try_join!(home.running.serve(), outside.running.serve()).map(drop)
                    }
                    None => home.running.serve().await,
                }
            };
            tokio::select! {
                served = served => served,
                () = until() => Ok(()),
            }
        };
        let done = done.await;
        // Both at once: each may wait for the other to hang up.
        let closing = async {
            match outside {
                Some(outside) => outside.running.close().await,
                None => Ok(()),
            }
        };
        let (closed, closed_outside) = tokio::join!(home.running.close(), closing);
        done.and(closed).and(closed_outside)
    }
}

impl Open {
    async fn start(
        post: Post,
        config: crate::config::Config,
        manager: Manager,
        words: &'static Words,
    ) -> Result<Open> {
        let (house, running) = post.start(config, manager, words).await?;
        let furnished = house.furnish(&running.office).await;
        match furnished {
            Ok(()) => Ok(Open { house, running }),
            Err(error) => {
                running.close().await?;
                Err(error)
            }
        }
    }
}

/// As soon as the keys of the domain are made, its zone has them.
async fn publish(names: Arc<Names>, office: Office, house: House) {
    for _ in 0..LOOKS {
        match office.published_keys(&house.domain).await {
            Ok(keys) if !keys.is_empty() => {
                if let Err(error) = names.publish(&house, &keys) {
                    warn!(%error, "the keys of {} are not in its zone", house.domain);
                }
                return;
            }
            Ok(_) => sleep(LOOK_FOR_KEYS).await,
            Err(error) => return warn!(%error, "the keys of {} are not known", house.domain),
        }
    }
}
