//! How mail comes encrypted: MTA-STS, TLS-RPT, DANE, CAA.

use super::{About, Finding, Weight, data_of, texts};
use crate::data::{Data, Kind};
use crate::facts::Facts;
use crate::known::{Known, Needs};
use crate::{records, tags};

/// Characters of the version of a policy (RFC 8461 §3.1).
const ID_MAX: usize = 32;

/// Is the policy told of, and with the version that it has?
pub fn mta_sts(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let name = facts.below("_mta-sts");
    let weight = if facts.mta_sts.is_some() { Weight::Needed } else { Weight::Useful };
    let about = About { facts, name: &name, kind: Kind::Txt, about: "MTA-STS", weight };
    let records = match known.get(&name, Kind::Txt)? {
        Ok(records) => records,
        Err(why) => return Ok(vec![about.could_not(why)]),
    };
    let found = texts(records, |text| tags::is_version(text, "STSv1"));
    let all = data_of(&found);
    // Whoever serves a policy elsewhere has chosen its version.
    let shown = facts.mta_sts.clone().unwrap_or_else(|| "1".to_string());
    let data = Data::Txt(records::mta_sts(&shown).into_bytes());
    let (text, id) = match (found.as_slice(), &facts.mta_sts) {
        ([], None) => return Ok(Vec::new()),
        ([], Some(_)) => return Ok(vec![about.missing("others do not hear of the policy", &data)]),
        ([(_, text)], _) => (text, tags::value(text, "id").unwrap_or_default()),
        _ => {
            let why = "several versions at once: then there is no policy";
            return Ok(vec![about.wrong(why, &all, &data)]);
        }
    };
    let is_id = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_alphanumeric());
    Ok(vec![match &facts.mta_sts {
        _ if !is_id => {
            about.wrong("its version (id=) is not one to 32 letters and digits", &all, &data)
        }
        Some(wanted) if *wanted != id => {
            about.wrong("the version of another policy: others go on with that one", &all, &data)
        }
        _ => about.right(text.clone()),
    }])
}

/// Is it said where to report what failed?
pub fn tls_reports(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let name = facts.below("_smtp._tls");
    let about =
        About { facts, name: &name, kind: Kind::Txt, about: "TLS-RPT", weight: Weight::Useful };
    let data = Data::Txt(records::tls_reports(facts).into_bytes());
    let records = match known.get(&name, Kind::Txt)? {
        Ok(records) => records,
        Err(why) => return Ok(vec![about.could_not(why)]),
    };
    let found = texts(records, |text| tags::is_version(text, "TLSRPTv1"));
    let all = data_of(&found);
    Ok(vec![match found.as_slice() {
        [] => about.missing("nobody tells us when mail could not come encrypted", &data),
        [(_, text)] => match tags::value(text, "rua").filter(|to| !to.is_empty()) {
            Some(to) if to.split(',').all(is_place) => about.right(text.clone()),
            _ => about.wrong("it does not say where to (rua=mailto: or https:)", &all, &data),
        },
        _ => about.wrong("several of them: then none counts", &all, &data),
    }])
}

fn is_place(text: &str) -> bool {
    text.starts_with("mailto:") || text.starts_with("https://")
}

/// Does DANE name the key that we show? If not, whoever heeds it delivers nothing.
pub fn tlsa(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let name = records::tlsa_name(facts);
    let Some(first) = facts.certificates.first() else { return Ok(Vec::new()) };
    let records = known.get(&name, Kind::Tlsa)?;
    // Where the zone is not signed nobody heeds it (RFC 7672 §2.2.1).
    let is_signed =
        known.is_secure(&facts.host, Kind::A) || known.is_secure(&facts.host, Kind::Aaaa);
    let about =
        About { facts, name: &name, kind: Kind::Tlsa, about: "DANE", weight: Weight::Useful };
    let wanted = records::tlsa(first);
    let found: Vec<&Data> = match records {
        Ok(records) => records.iter().collect(),
        Err(why) => return Ok(vec![about.could_not(why)]),
    };
    // Other usages cannot be judged by a hash of the key alone.
    let is_ours = |data: &&Data| match data {
        Data::Tlsa(3, 1, 1, digest) => facts.certificates.iter().any(|c| digest == c),
        _ => false,
    };
    let is_other = |data: &&Data| !matches!(data, Data::Tlsa(3, 1, 1, _));
    Ok(vec![if found.is_empty() {
        about.missing(
            match is_signed {
                true => "the zone is signed: others could know our key by it",
                false => "it is heeded where the zone is signed; this one is not",
            },
            &wanted,
        )
    } else if found.iter().any(is_ours) {
        about.right("the key of our certificate")
    } else if found.iter().any(is_other) {
        about.right("of another kind than 3 1 1: not compared")
    } else {
        about.wrong(
            "not the key of our certificate: who heeds it delivers nothing",
            &found,
            &wanted,
        )
    }])
}

/// May those whom we have certificates of issue them?
pub fn caa(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let (name, kind) = (facts.domain.as_str(), Kind::Caa);
    if facts.issuers.is_empty() {
        return Ok(Vec::new());
    }
    let records = known.get(name, kind)?;
    let about = About { facts, name, kind, about: "CAA", weight: Weight::Useful };
    let records = match records {
        Ok(records) => records,
        Err(why) => return Ok(vec![about.could_not(why)]),
    };
    let found: Vec<&Data> = records.iter().collect();
    let allows = |issuer: &str| {
        records.iter().any(|data| match data {
            Data::Caa(_, tag, value) if tag.eq_ignore_ascii_case("issue") => {
                let value = String::from_utf8_lossy(value);
                value.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(issuer))
            }
            _ => false,
        })
    };
    let mut all = Vec::new();
    for issuer in &facts.issuers {
        let wanted = Data::Caa(false, "issue".to_string(), issuer.clone().into_bytes());
        all.push(if found.is_empty() {
            about.missing("anybody may issue certificates for the domain", &wanted)
        } else if allows(issuer) {
            about.right(format!("{issuer} may issue certificates"))
        } else {
            about.wrong(format!("{issuer} may not issue certificates"), &found, &wanted)
        });
    }
    Ok(all)
}
