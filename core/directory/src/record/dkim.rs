//! Keys that sign for a domain.

use super::Record;
use crate::dkim::KeyState;
use crate::octets::{Reader, Writer};
use core_world::{KeyAlgorithm, Secret};
use words_base::Timestamp;

const VERSION: u8 = 1;

/// A key pair of a domain. Printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DkimKeyRecord {
    /// How it signs.
    pub(crate) algorithm: KeyAlgorithm,
    /// Is it used?
    pub(crate) state: KeyState,
    /// When it was made.
    pub(crate) made_at: Timestamp,
    /// When it came into this state.
    pub(crate) since: Timestamp,
    /// As its DNS record has it, before Base64.
    pub(crate) public: Vec<u8>,
    /// PKCS #8.
    pub(crate) secret: Secret,
}

impl Record for DkimKeyRecord {
    const WHAT: &'static str = "DKIM key";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.octet(match self.algorithm {
            KeyAlgorithm::Rsa => 1,
            KeyAlgorithm::Ed25519 => 2,
        });
        out.octet(match self.state {
            KeyState::Next => 1,
            KeyState::Active => 2,
            KeyState::Retired => 3,
        });
        out.time(self.made_at).time(self.since).bytes(&self.public).bytes(&self.secret.0).done()
    }

    fn decode(octets: &[u8]) -> Option<DkimKeyRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let algorithm = match from.octet()? {
            1 => KeyAlgorithm::Rsa,
            2 => KeyAlgorithm::Ed25519,
            _ => return None,
        };
        let state = match from.octet()? {
            1 => KeyState::Next,
            2 => KeyState::Active,
            3 => KeyState::Retired,
            _ => return None,
        };
        let record = DkimKeyRecord {
            algorithm,
            state,
            made_at: from.time()?,
            since: from.time()?,
            public: from.bytes()?.to_vec(),
            secret: Secret(from.bytes()?.to_vec()),
        };
        from.done(record)
    }
}
