//! Names and records as they go over the wire.

use crate::AuthorityError;
use core_world::Record;
use hickory_server::proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, PTR, SRV, TLSA, TXT};
use hickory_server::proto::rr::{Name, RData};

/// Octets of one string of a TXT record (RFC 1035 §3.3).
const STRING_MAX: usize = 255;

/// A name; empty for the root.
pub fn name(text: &str) -> Result<Name, AuthorityError> {
    let bad = || AuthorityError::BadName(text.to_string());
    if text.is_empty() {
        return Ok(Name::root());
    }
    let labels: Vec<&[u8]> = text.split('.').map(str::as_bytes).collect();
    if labels.iter().any(|label| label.is_empty() || !label.iter().all(u8::is_ascii_graphic)) {
        return Err(bad());
    }
    let mut name = Name::from_labels(labels).map_err(|_| bad())?;
    name.set_fqdn(true);
    Ok(name.to_lowercase())
}

/// What a record says.
pub fn data(record: &Record) -> Result<RData, AuthorityError> {
    Ok(match record {
        Record::A(address) => RData::A(A(*address)),
        Record::Aaaa(address) => RData::AAAA(AAAA(*address)),
        Record::Mx { preference, exchange } => RData::MX(MX::new(*preference, name(exchange)?)),
        Record::Txt(text) if text.is_empty() => RData::TXT(TXT::from_bytes(vec![b""])),
        Record::Txt(text) => RData::TXT(TXT::from_bytes(text.chunks(STRING_MAX).collect())),
        Record::Ptr(to) => RData::PTR(PTR(name(to)?)),
        Record::Tlsa(tlsa) => RData::TLSA(TLSA::new(
            tlsa.usage.into(),
            tlsa.selector.into(),
            tlsa.matching.into(),
            tlsa.data.clone(),
        )),
        Record::Srv { priority, weight, port, target } => {
            RData::SRV(SRV::new(*priority, *weight, *port, name(target)?))
        }
        Record::Caa { critical, tag, value } => {
            if tag.is_empty() || tag.len() > 15 || !tag.bytes().all(|c| c.is_ascii_alphanumeric()) {
                return Err(AuthorityError::BadRecord(format!("CAA with the tag {tag:?}")));
            }
            let mut caa = CAA::new_issue(*critical, None, Vec::new());
            caa.tag = tag.clone();
            caa.value = value.clone();
            RData::CAA(caa)
        }
        Record::Cname(to) => RData::CNAME(CNAME(name(to)?)),
        Record::Ns(server) => RData::NS(NS(name(server)?)),
    })
}
