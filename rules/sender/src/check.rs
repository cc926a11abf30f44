//! All that is to be found out about one message.

use crate::Verdicts;
use crate::arc::ArcCheck;
use crate::canonical::{BodyDigest, BodyHashKind};
use crate::dkim::{DkimCheck, FieldIndex, Verifier};
use crate::dmarc::DmarcCheck;
use crate::lookup::{Known, Lookup, Needs};
use crate::spf::{SpfCheck, iprev};
use std::collections::HashMap;
use std::net::IpAddr;
use words_mail::ReversePath;

/// The evaluation of one message: what it needs to know, then what it found.
///
/// Look up what [`Check::needs`] names until it names nothing, then ask for the [`Check::verdicts`].
pub struct Check {
    ip: IpAddr,
    spf: SpfCheck,
    dkim: DkimCheck,
    arc: ArcCheck,
    dmarc: DmarcCheck,
    from_repeated: bool,
}

impl Check {
    /// Of a message with this header section, from this peer.
    pub fn new(
        ip: IpAddr,
        helo: &str,
        reverse_path: &ReversePath,
        host_name: &str,
        header: &[u8],
    ) -> Check {
        let fields = FieldIndex::new(header);
        Check {
            ip,
            spf: SpfCheck::new(ip, helo, reverse_path, host_name),
            dkim: DkimCheck::new(&fields),
            arc: ArcCheck::new(&fields),
            dmarc: DmarcCheck::new(&fields),
            from_repeated: fields.count("from") > 1,
        }
    }

    /// The hashes of the body that signatures are over, each once.
    pub fn body_hashes(&self) -> Vec<BodyHashKind> {
        let mut kinds = Vec::new();
        for kind in self.dkim.body_hashes().chain(self.arc.body_hash()) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// What must be asked next, all at once. Nothing: the verdicts can be given.
    pub fn needs(&self, known: &Known) -> Vec<Lookup> {
        let mut needs = self.dkim.needs(known);
        needs.extend(self.arc.needs(known));
        needs.extend(self.dmarc.needs(known));
        needs.extend(self.spf.evaluate(known).err().map(|Needs(lookup)| lookup));
        needs.extend(iprev(known, self.ip).err().map(|Needs(lookup)| lookup));
        let mut once: Vec<Lookup> = Vec::new();
        for lookup in needs {
            if !once.contains(&lookup) {
                once.push(lookup);
            }
        }
        once
    }

    /// The verdicts; `now` in seconds since 1970. `Err`: something must still be asked.
    pub fn verdicts(
        &self,
        known: &Known,
        bodies: &HashMap<BodyHashKind, BodyDigest>,
        verifier: &dyn Verifier,
        now: u64,
    ) -> Result<Verdicts, Needs> {
        let spf = self.spf.evaluate(known)?;
        let dkim = self.dkim.verdicts(known, bodies, verifier, now);
        let dmarc = self.dmarc.verdict(known, &spf, &dkim);
        Ok(Verdicts {
            iprev: iprev(known, self.ip)?,
            arc: self.arc.verdict(known, bodies, verifier),
            spf,
            dkim,
            dmarc,
            from_repeated: self.from_repeated,
        })
    }
}
