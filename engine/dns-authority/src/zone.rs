//! What is served.

use core_world::Record;

/// How long resolvers may keep records, if nobody says otherwise: what is tried out changes often.
const TTL: u32 = 60;

/// A zone: everything below a name.
#[derive(Clone, Debug)]
pub struct Zone {
    apex: String,
    /// The name of its server.
    pub name_server: String,
    /// Its version.
    pub serial: u32,
    /// How long it may be remembered that a name is not there, in seconds (RFC 2308 §4).
    pub negative_ttl: u32,
    /// Is it signed?
    pub is_signed: bool,
    /// Its records, other than the one that it begins with.
    pub entries: Vec<Entry>,
}

/// A record and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Absolute, without the final dot.
    pub name: String,
    /// For how many seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub record: Record,
}

impl Zone {
    /// An empty one, not signed.
    pub fn new(apex: &str, name_server: &str) -> Zone {
        Zone {
            apex: apex.to_ascii_lowercase(),
            name_server: name_server.to_string(),
            serial: 1,
            negative_ttl: TTL,
            is_signed: false,
            entries: Vec::new(),
        }
    }

    /// The name that everything in it is below.
    pub fn apex(&self) -> &str {
        &self.apex
    }

    /// One more record.
    pub fn add(&mut self, name: &str, record: Record) {
        self.entries.push(Entry { name: name.to_string(), ttl: TTL, record });
    }
}
