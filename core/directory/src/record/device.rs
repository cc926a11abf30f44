//! Device passwords, and when they were used.

use super::Record;
use super::credentials::pair;
use crate::octets::{Reader, Writer};
use crate::{Protocol, Protocols, ScramPair};
use words_base::Timestamp;

/// The version that is written.
const VERSION: u8 = 1;

/// A password that one device knows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceRecord {
    /// What the owner calls it.
    pub(crate) name: String,
    /// By which protocols it may come.
    pub(crate) protocols: Protocols,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// From when on it is worth nothing.
    pub(crate) expires_at: Option<Timestamp>,
    /// Of the password. It needs no slow hash: it was drawn from too many to be guessed.
    pub(crate) digest: [u8; 32],
    /// For SCRAM-SHA-256, under the salt of the account.
    pub(crate) scram: ScramPair,
}

impl Record for DeviceRecord {
    const WHAT: &'static str = "device";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.text(&self.name).octet(self.protocols.octet());
        out.time(self.created_at).maybe64(self.expires_at.map(|at| at.millis().cast_unsigned()));
        out.bytes(&self.digest);
        out.bytes(&self.scram.stored_key).bytes(&self.scram.server_key).done()
    }

    fn decode(octets: &[u8]) -> Option<DeviceRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let record = DeviceRecord {
            name: from.text()?.to_string(),
            protocols: Protocols::from_octet(from.octet()?),
            created_at: from.time()?,
            expires_at: from.maybe64()?.map(|at| Timestamp::from_millis(at.cast_signed())),
            digest: from.bytes()?.try_into().ok()?,
            scram: pair(&mut from)?,
        };
        from.done(record)
    }
}

/// A device's use, not always the very last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UseRecord {
    /// When.
    pub(crate) at: Timestamp,
    /// By which protocol.
    pub(crate) protocol: Protocol,
    /// From which address.
    pub(crate) address: String,
}

impl Record for UseRecord {
    const WHAT: &'static str = "use of a device";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.time(self.at).octet(Protocols::from(self.protocol).octet());
        out.text(&self.address).done()
    }

    fn decode(octets: &[u8]) -> Option<UseRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let record = UseRecord {
            at: from.time()?,
            protocol: Protocol::of_bit(from.octet()?)?,
            address: from.text()?.to_string(),
        };
        from.done(record)
    }
}
