//! Records of the wire as [`core_world`] has them.

use crate::name;
use core_world::{Record, RecordKind, Tlsa};
use hickory_resolver::proto::rr::{RData, RecordType};

/// The type's number on the wire.
pub fn type_of(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Mx => RecordType::MX,
        RecordKind::Txt => RecordType::TXT,
        RecordKind::Ptr => RecordType::PTR,
        RecordKind::Tlsa => RecordType::TLSA,
        RecordKind::Srv => RecordType::SRV,
        RecordKind::Caa => RecordType::CAA,
        RecordKind::Cname => RecordType::CNAME,
        RecordKind::Ns => RecordType::NS,
    }
}

/// What a record says. `None`: it is of a type that nobody asks for.
pub fn read(data: &RData) -> Option<Record> {
    Some(match data {
        RData::A(address) => Record::A(address.0),
        RData::AAAA(address) => Record::Aaaa(address.0),
        RData::MX(mx) => {
            Record::Mx { preference: mx.preference, exchange: name::write(&mx.exchange) }
        }
        RData::TXT(text) => Record::Txt(text.txt_data.concat()),
        RData::PTR(to) => Record::Ptr(name::write(&to.0)),
        RData::TLSA(tlsa) => Record::Tlsa(Tlsa {
            usage: u8::from(tlsa.cert_usage),
            selector: u8::from(tlsa.selector),
            matching: u8::from(tlsa.matching),
            data: tlsa.cert_data.clone(),
        }),
        RData::SRV(srv) => Record::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: name::write(&srv.target),
        },
        RData::CAA(caa) => Record::Caa {
            critical: caa.issuer_critical,
            tag: caa.tag.clone(),
            value: caa.value.clone(),
        },
        RData::CNAME(to) => Record::Cname(name::write(&to.0)),
        RData::NS(server) => Record::Ns(name::write(&server.0)),
        _ => return None,
    })
}
