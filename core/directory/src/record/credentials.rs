//! How an account proves who it is.

use super::Record;
use crate::ScramPair;
use crate::octets::{Reader, Writer};

/// The version that is written.
const VERSION: u8 = 2;

/// How an account proves who it is. It is there as soon as the account had a password of any kind.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CredentialsRecord {
    /// Grows with every new password, so that sessions that came by an older one are known.
    pub(crate) generation: u64,
    /// Device passwords ever made; the number of the last one.
    pub(crate) devices_made: u32,
    /// Of the main password, as the world's password hashing made it, or another server. `None`: it
    /// has none.
    pub(crate) hash: Option<String>,
    /// Of all SCRAM keys of the account: one, since the client learns it before it proves which
    /// password it knows.
    pub(crate) salt: Vec<u8>,
    /// Rounds of PBKDF2 of all of them.
    pub(crate) iterations: u32,
    /// Of the main password. `None`: it has not been seen yet, only another server's hash.
    pub(crate) scram: Option<ScramPair>,
}

impl Record for CredentialsRecord {
    const WHAT: &'static str = "credentials";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.number64(self.generation).number32(self.devices_made);
        out.bytes(self.hash.as_deref().unwrap_or_default().as_bytes());
        out.bytes(&self.salt).number32(self.iterations);
        out.octet(u8::from(self.scram.is_some()));
        if let Some(pair) = &self.scram {
            out.bytes(&pair.stored_key).bytes(&pair.server_key);
        }
        out.done()
    }

    fn decode(octets: &[u8]) -> Option<CredentialsRecord> {
        let (version, mut from) = Reader::open(octets)?;
        match version {
            1 => first(from),
            VERSION => {
                let record = CredentialsRecord {
                    generation: from.number64()?,
                    devices_made: from.number32()?,
                    hash: Some(from.text()?.to_string()).filter(|hash| !hash.is_empty()),
                    salt: from.bytes()?.to_vec(),
                    iterations: from.number32()?,
                    scram: if from.truth()? { Some(pair(&mut from)?) } else { None },
                };
                from.done(record)
            }
            _ => None,
        }
    }
}

/// Version 1: always a hash of ours, its keys, and nothing else.
fn first(mut from: Reader<'_>) -> Option<CredentialsRecord> {
    let record = CredentialsRecord {
        generation: 0,
        devices_made: 0,
        hash: Some(from.text()?.to_string()),
        salt: from.bytes()?.to_vec(),
        iterations: from.number32()?,
        scram: Some(pair(&mut from)?),
    };
    from.done(record)
}

pub(super) fn pair(from: &mut Reader<'_>) -> Option<ScramPair> {
    Some(ScramPair {
        stored_key: from.bytes()?.try_into().ok()?,
        server_key: from.bytes()?.try_into().ok()?,
    })
}
