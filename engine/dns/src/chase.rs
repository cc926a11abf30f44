//! One question after the other, along the aliases, to the records at their end.

use crate::answer::{read, type_of};
use crate::road::Road;
use core_world::{Answer, LookupError, Record, RecordKind, Standing};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::{DnsResponse, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record as Wire, RecordType};
use std::time::Duration;

/// Aliases that are followed to one answer.
const ALIASES_MAX: usize = 12;
/// Records that are taken from one answer; who has more is no use to mail.
const RECORDS_MAX: usize = 500;

/// What came of a question.
pub struct Found {
    /// The answer.
    pub result: Result<Answer, LookupError>,
    /// How long a denial is good, if it says so (RFC 2308 §5).
    pub denial_ttl: Option<Duration>,
}

impl Found {
    /// Nobody could tell.
    pub fn failed(error: LookupError) -> Found {
        Found { result: Err(error), denial_ttl: None }
    }
}

/// How far all that an answer rests on can be believed, and for how long.
struct Ground {
    standing: Standing,
    ttl: u32,
}

impl Ground {
    /// Rests on this record too.
    fn add(&mut self, record: &Wire) -> Result<(), LookupError> {
        self.ttl = self.ttl.min(record.ttl);
        match record.proof {
            Proof::Secure => {}
            Proof::Insecure | Proof::Indeterminate => self.standing = Standing::Insecure,
            Proof::Bogus => return Err(LookupError::Bogus),
        }
        Ok(())
    }
}

/// Asks until there are records, or it is known that there are none.
pub async fn answer(road: &Road, name: Name, kind: RecordKind) -> Found {
    let mut ground = Ground { standing: Standing::Secure, ttl: u32::MAX };
    let mut name = name;
    let mut aliases = 0;
    loop {
        let response = match road.ask(&name, type_of(kind)).await {
            Ok(response) => response,
            Err(error) => return denied(error, road),
        };
        let before = aliases;
        match follow(&response, &mut name, kind, &mut ground, &mut aliases) {
            Ok(Some(records)) => {
                let ttl = Duration::from_secs(ground.ttl.into());
                let answer = Answer { records, standing: ground.standing, ttl };
                return Found { result: Ok(answer), denial_ttl: None };
            }
            Ok(None) if aliases == before => return denied_by(&response),
            Ok(None) => {}
            Err(error) => return Found::failed(error),
        }
    }
}

/// Goes along the aliases of one response. `None`: the records for where `name` is now are not in it.
fn follow(
    response: &DnsResponse,
    name: &mut Name,
    kind: RecordKind,
    ground: &mut Ground,
    aliases: &mut usize,
) -> Result<Option<Vec<Record>>, LookupError> {
    loop {
        let here = |kind: RecordType| {
            let of_kind = move |record: &&Wire| record.record_type() == kind;
            response.answers.iter().filter(of_kind).filter(|record| record.name == *name)
        };
        let mut records = Vec::new();
        for record in here(type_of(kind)).take(RECORDS_MAX) {
            ground.add(record)?;
            records.extend(read(&record.data));
        }
        if !records.is_empty() {
            return Ok(Some(records));
        }
        let Some(alias) = here(RecordType::CNAME).next() else { return Ok(None) };
        ground.add(alias)?;
        let RData::CNAME(target) = &alias.data else { return Ok(None) };
        *aliases += 1;
        if *aliases > ALIASES_MAX {
            let why = format!("more than {ALIASES_MAX} aliases (CNAME) one after the other");
            return Err(LookupError::Temporary(why));
        }
        *name = target.0.clone();
        name.set_fqdn(true);
    }
}

/// What an error means.
fn denied(error: NetError, road: &Road) -> Found {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            let standing = standing(none.authorities.iter().flat_map(|records| records.iter()));
            denial(none.response_code, standing, none.negative_ttl)
        }
        // Signed, but not so that the absence is proven, as where NSEC3 has been overdone.
        NetError::Dns(DnsError::Nsec { response, proof: Proof::Insecure, .. }) => {
            denial(response.response_code, Ok(Standing::Insecure), response.negative_ttl())
        }
        NetError::Dns(DnsError::Nsec { .. } | DnsError::DnssecBogus) => {
            Found::failed(LookupError::Bogus)
        }
        error => Found::failed(LookupError::Temporary(in_words(&error, road))),
    }
}

/// What a response without answers means.
fn denied_by(response: &DnsResponse) -> Found {
    let standing = standing(response.authorities.iter());
    denial(response.response_code, standing, response.negative_ttl())
}

fn denial(code: ResponseCode, standing: Result<Standing, LookupError>, ttl: Option<u32>) -> Found {
    let error = match standing {
        Ok(standing) if code == ResponseCode::NXDomain => LookupError::NoSuchName(standing),
        Ok(standing) => LookupError::NoRecords(standing),
        Err(error) => error,
    };
    let denial_ttl = ttl.map(|ttl| Duration::from_secs(ttl.into()));
    Found { result: Err(error), denial_ttl }
}

/// Of a denial, by what proves it.
fn standing<'a>(authorities: impl Iterator<Item = &'a Wire>) -> Result<Standing, LookupError> {
    let mut proofs = authorities
        .filter(|record| record.record_type() != RecordType::RRSIG)
        .map(|record| record.proof)
        .peekable();
    if proofs.peek().is_none() {
        return Ok(Standing::Insecure);
    }
    let mut standing = Standing::Secure;
    for proof in proofs {
        match proof {
            Proof::Secure => {}
            Proof::Insecure | Proof::Indeterminate => standing = Standing::Insecure,
            Proof::Bogus => return Err(LookupError::Bogus),
        }
    }
    Ok(standing)
}

/// Why nobody could tell.
fn in_words(error: &NetError, road: &Road) -> String {
    let who = road.who();
    match error {
        NetError::Dns(DnsError::ResponseCode(code)) => match code {
            ResponseCode::ServFail => format!("{who} could not find out (SERVFAIL)"),
            ResponseCode::Refused => format!("{who} does not answer to us (REFUSED)"),
            code => format!("{who} answered: {code}"),
        },
        NetError::Timeout => format!("no answer from {who} in time"),
        NetError::Busy | NetError::NoConnections => format!("{who} cannot be reached"),
        NetError::Io(error) => format!("{who} cannot be reached: {error}"),
        NetError::Truncated => format!("the answer of {who} is not whole, and it has no TCP"),
        error => format!("{who}: {error}"),
    }
}
