//! What happened in a run, as lines for people and as one number to compare runs by.

/// A run's trace.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    print: bool,
}

impl Trace {
    /// Empty; prints each line if asked to.
    pub fn new(print: bool) -> Trace {
        Trace { hash: 0xcbf2_9ce4_8422_2325, print }
    }

    /// Adds a line.
    pub fn line(&mut self, now: u64, line: &str) {
        self.octets(line.as_bytes());
        self.octets(&now.to_le_bytes());
        if self.print {
            println!("{:>10.3}  {line}", now as f64 / 1e6);
        }
    }

    /// Adds octets to the hash alone (FNV-1a).
    pub fn octets(&mut self, octets: &[u8]) {
        let mut hash = self.hash;
        for octet in octets {
            hash = (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
        }
        self.hash = hash;
    }

    /// What it comes to.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}
