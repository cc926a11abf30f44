//! The operator's calls about device passwords.

use super::account::read_credentials;
use super::{Admin, AdminError, DeviceEntry, NewDevice, Tries, Used};
use crate::device::DevicePassword;
use crate::lookup::DEVICES_MAX;
use crate::record::{CredentialsRecord, DeviceRecord, Record, UseRecord};
use crate::{key, scram};
use core_store::Batch;
use words_mail::{AccountId, Address};

/// Longest name of a device, in octets.
const NAME_MAX: usize = 64;

impl Admin<'_> {
    /// Makes a password for one device of an account, and gives it: nobody can tell it a second time.
    /// Errors: `NoSuchDomain`, `NoSuchAccount`, `DeviceExists`, `DeviceName`, `TooMany`.
    pub async fn add_device(
        &self,
        account: &Address,
        new: &NewDevice,
    ) -> Result<(DeviceEntry, String), AdminError> {
        check_name(&new.name)?;
        let world = &self.directory.world;
        let password = DevicePassword::draw(&*world.random);
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let (id, found) = self.find_account(&lookup, account).await?;
            let devices = lookup.devices(id).await?;
            if devices.iter().any(|(_, device)| is_same(&device.name, &new.name)) {
                let (account, name) = (found.record.address, new.name.clone());
                return Err(AdminError::DeviceExists { account, name });
            }
            if devices.len() >= DEVICES_MAX {
                return Err(AdminError::TooMany {
                    what: "devices of one account",
                    max: DEVICES_MAX,
                });
            }
            let mut batch = Batch::new();
            batch.expect(key::account(id), found.value);
            let old = read_credentials(&lookup, &mut batch, id).await?;
            let mut credentials = old.unwrap_or_else(|| CredentialsRecord {
                generation: 0,
                devices_made: 0,
                hash: None,
                salt: scram::salt(&*world.random),
                iterations: scram::ITERATIONS,
                scram: None,
            });
            // Never given again, so that a session knows its own device from a later one.
            credentials.devices_made = credentials.devices_made.saturating_add(1);
            let number = credentials.devices_made;
            let text = password.text();
            let (salt, iterations) = (&credentials.salt, credentials.iterations);
            let device = DeviceRecord {
                name: new.name.clone(),
                protocols: new.protocols,
                created_at: world.clock.now(),
                expires_at: new.expires_at,
                digest: password.digest(id),
                scram: scram::derive(text.as_bytes(), salt, iterations),
            };
            batch.put(key::credentials(id), credentials.encode());
            batch.expect_absent(key::device(id, number));
            batch.put(key::device(id, number), device.encode());
            if self.commit(batch, &mut tries).await? {
                return Ok((self.device_entry(&device, None), text));
            }
        }
    }

    /// The devices of an account, the eldest first. Errors: `NoSuchDomain`, `NoSuchAccount`.
    pub async fn list_devices(&self, account: &Address) -> Result<Vec<DeviceEntry>, AdminError> {
        let lookup = self.lookup().await?;
        let (id, _) = self.find_account(&lookup, account).await?;
        let mut entries = Vec::new();
        for (number, device) in lookup.devices(id).await? {
            let used = lookup.read::<UseRecord>(&key::device_use(id, number)).await?;
            entries.push(self.device_entry(&device, used));
        }
        Ok(entries)
    }

    /// Revokes the password of a device: nobody comes in by it any more, and who is in by it is out.
    /// Errors: `NoSuchDomain`, `NoSuchAccount`, `NoSuchDevice`.
    pub async fn remove_device(
        &self,
        account: &Address,
        name: &str,
    ) -> Result<DeviceEntry, AdminError> {
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let (id, found) = self.find_account(&lookup, account).await?;
            let devices = lookup.devices(id).await?;
            let device = devices.into_iter().find(|(_, device)| is_same(&device.name, name));
            let Some((number, device)) = device else {
                let (account, name) = (found.record.address, name.to_string());
                return Err(AdminError::NoSuchDevice { account, name });
            };
            let used = lookup.read::<UseRecord>(&key::device_use(id, number)).await?;
            let mut batch = Batch::new();
            batch.expect(key::device(id, number), device.encode());
            give_up(&mut batch, id, number);
            if self.commit(batch, &mut tries).await? {
                self.directory.account_changed(id);
                return Ok(self.device_entry(&device, used));
            }
        }
    }

    fn device_entry(&self, device: &DeviceRecord, used: Option<UseRecord>) -> DeviceEntry {
        let now = self.directory.world.clock.now();
        DeviceEntry {
            name: device.name.clone(),
            protocols: device.protocols.to_string(),
            created_at: device.created_at.millis(),
            expires_at: device.expires_at.map(|at| at.millis()),
            expired: device.expires_at.is_some_and(|at| now >= at),
            used: used.map(|used| Used {
                at: used.at.millis(),
                protocol: used.protocol.name().to_string(),
                address: used.address,
            }),
        }
    }
}

/// Adds to `batch` that a device is gone.
pub(super) fn give_up(batch: &mut Batch, id: AccountId, number: u32) {
    batch.delete(key::device(id, number)).delete(key::device_use(id, number));
}

fn check_name(name: &str) -> Result<(), AdminError> {
    let good =
        !name.trim().is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control);
    if good { Ok(()) } else { Err(AdminError::DeviceName { max: NAME_MAX }) }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
