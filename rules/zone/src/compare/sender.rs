//! Who sends for the domain: SPF, DKIM, DMARC.

use super::{About, Finding, State, Weight, data_of, texts};
use crate::data::{Data, Kind};
use crate::facts::{DkimKey, Facts};
use crate::known::{Known, Needs, Question};
use crate::records;
use crate::tags;
use rules_sender::{Found as Answer, Known as Answers, Lookup, LookupKind, ResultWord, SpfCheck};
use std::net::IpAddr;

/// May our addresses send for the domain, and not everybody?
pub fn spf(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let name = facts.domain.as_str();
    let about = About { facts, name, kind: Kind::Txt, about: "SPF", weight: Weight::Needed };
    spf_of(&about, known, &records::spf(facts)).map(|finding| vec![finding])
}

/// May our addresses call themselves as we do (RFC 7208 §2.3)?
pub fn spf_of_host(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let name = facts.host.as_str();
    if !facts.is_inside(name) || facts.host == facts.domain {
        return Ok(Vec::new());
    }
    let about = About { facts, name, kind: Kind::Txt, about: "SPF", weight: Weight::Useful };
    spf_of(&about, known, "v=spf1 a -all").map(|finding| vec![finding])
}

fn is_spf(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text == "v=spf1" || text.starts_with("v=spf1 ")
}

fn spf_of(about: &About<'_>, known: &Known, plain: &str) -> Result<Finding, Needs> {
    let wanted = Data::Txt(plain.as_bytes().to_vec());
    let records = match known.get(about.name, Kind::Txt)? {
        Ok(records) => records,
        Err(why) => return Ok(about.could_not(why)),
    };
    let found = texts(records, is_spf);
    let data = data_of(&found);
    let [(_, text)] = found.as_slice() else {
        return Ok(match found.is_empty() {
            true => about.missing("nobody is told who may send for this name", &wanted),
            false => {
                let why = format!("{} SPF records: then none of them counts", found.len());
                about.wrong(why, &data, &wanted)
            }
        });
    };
    let lower = text.to_ascii_lowercase();
    if lower.split(' ').any(|term| matches!(term, "all" | "+all")) {
        let why = "\"+all\" lets everybody send for this name";
        return Ok(about.wrong(why, &data, &wanted));
    }
    let mut lacking = Vec::new();
    for address in &about.facts.addresses {
        let verdict = verdict(*address, about.name, &about.facts.host, known)?;
        match verdict.0 {
            ResultWord::Pass => {}
            ResultWord::TempError => return Ok(about.could_not(&verdict.1)),
            ResultWord::PermError => return Ok(about.wrong(verdict.1, &data, &wanted)),
            _ => lacking.push(*address),
        }
    }
    if lacking.is_empty() {
        return Ok(about.right(text.clone()));
    }
    let names: Vec<String> = lacking.iter().map(ToString::to_string).collect();
    let why = format!("it does not let {} send, where our mail comes from", names.join(", "));
    let mended = Data::Txt(with(text, &lacking).into_bytes());
    Ok(about.wrong(why, &data, &mended))
}

/// The record with addresses that it lacks, in front, so that nothing before them refuses.
fn with(text: &str, lacking: &[IpAddr]) -> String {
    let mut terms = vec!["v=spf1".to_string()];
    for address in lacking {
        terms.push(match address {
            IpAddr::V4(address) => format!("ip4:{address}"),
            IpAddr::V6(address) => format!("ip6:{address}"),
        });
    }
    terms.extend(text.split_ascii_whitespace().skip(1).map(str::to_string));
    terms.join(" ")
}

/// What SPF says of mail from `address`, evaluated as any receiver does.
fn verdict(
    address: IpAddr,
    domain: &str,
    host: &str,
    known: &Known,
) -> Result<(ResultWord, String), Needs> {
    let check = SpfCheck::of_sender(address, host, "", domain, host);
    let mut answers = Answers::default();
    loop {
        match check.evaluate(&answers) {
            Ok(verdict) => return Ok((verdict.result, verdict.reason)),
            Err(rules_sender::Needs(lookup)) => {
                let answer = answer(&lookup, known)?;
                answers.learn(lookup, answer);
            }
        }
    }
}

fn answer(lookup: &Lookup, known: &Known) -> Result<Answer, Needs> {
    let question = match lookup.kind {
        LookupKind::A => Question::new(&lookup.name, Kind::A),
        LookupKind::Aaaa => Question::new(&lookup.name, Kind::Aaaa),
        LookupKind::Mx => Question::new(&lookup.name, Kind::Mx),
        LookupKind::Txt => Question::new(&lookup.name, Kind::Txt),
        LookupKind::Ptr(address) => {
            Question::new(&crate::data::reverse_name(address, None), Kind::Ptr)
        }
    };
    let records = match known.get(&question.name, question.kind)? {
        Ok([]) => return Ok(Answer::Nothing),
        Ok(records) => records,
        Err(why) => return Ok(Answer::Temporary(why.to_string())),
    };
    let mut names: Vec<(u16, String)> = Vec::new();
    let (mut addresses, mut texts) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Data::A(address) => addresses.push(IpAddr::V4(*address)),
            Data::Aaaa(address) => addresses.push(IpAddr::V6(*address)),
            Data::Mx(preference, name) => names.push((*preference, name.clone())),
            Data::Ptr(name) => names.push((0, name.clone())),
            Data::Txt(text) => texts.push(text.clone()),
            _ => {}
        }
    }
    names.sort();
    Ok(match lookup.kind {
        LookupKind::A | LookupKind::Aaaa => Answer::Addresses(addresses),
        LookupKind::Txt => Answer::Texts(texts),
        _ => Answer::Names(names.into_iter().map(|(_, name)| name).collect()),
    })
}

/// Is each key published as it is?
pub fn dkim(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    if facts.dkim.is_empty() {
        let (name, weight) = (facts.below("_domainkey"), Weight::Useful);
        let about = About { facts, name: &name, kind: Kind::Txt, about: "DKIM", weight };
        let mend = "make a key, then look again at the records to publish".to_string();
        let why = "there is no key yet that mail is signed with";
        return Ok(vec![about.finding(State::Missing, why, Some(mend))]);
    }
    facts.dkim.iter().map(|key| dkim_of(facts, key, known)).collect()
}

fn dkim_of(facts: &Facts, key: &DkimKey, known: &Known) -> Result<Finding, Needs> {
    let name = records::dkim_name(facts, key);
    let about =
        About { facts, name: &name, kind: Kind::Txt, about: "DKIM", weight: Weight::Needed };
    let wanted = records::dkim(key);
    let data = Data::Txt(wanted.clone().into_bytes());
    let records = match known.get(&name, Kind::Txt)? {
        Ok(records) => records,
        Err(why) => return Ok(about.could_not(why)),
    };
    let found = texts(records, |_| true);
    let all = data_of(&found);
    let [(_, text)] = found.as_slice() else {
        return Ok(match found.is_empty() {
            true => about.missing("the key that our mail is signed with is not published", &data),
            false => {
                about.wrong("several texts: which one is the key is left to chance", &all, &data)
            }
        });
    };
    let kind = tags::value(text, "k").unwrap_or_else(|| "rsa".to_string());
    let public = tags::value(text, "p");
    Ok(match public {
        None => about.wrong("it is no key (RFC 6376 §3.6.1)", &all, &data),
        Some(public) if public.is_empty() => about.wrong("the key is revoked there", &all, &data),
        Some(public) if tags::value(&wanted, "p").as_ref() != Some(&public) => {
            about.wrong("another key than the one that we sign with", &all, &data)
        }
        Some(_) if kind != key.algorithm.as_str() => {
            about.wrong(format!("it says that the key is for {kind}"), &all, &data)
        }
        Some(_) if tags::value(text, "v").is_some_and(|version| version != "DKIM1") => {
            about.wrong("it is of a version that there is not", &all, &data)
        }
        Some(_) if tags::value(text, "t").is_some_and(|t| t.split(':').any(|f| f == "y")) => about
            .wrong("\"t=y\" says that we only try: signatures may count for nothing", &all, &data),
        Some(_) => about.right(format!("the {} key of {}", key.algorithm.as_str(), key.selector)),
    })
}

/// Is there a policy?
pub fn dmarc(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let name = facts.below("_dmarc");
    let about =
        About { facts, name: &name, kind: Kind::Txt, about: "DMARC", weight: Weight::Needed };
    let data = Data::Txt(records::dmarc(facts).into_bytes());
    let records = match known.get(&name, Kind::Txt)? {
        Ok(records) => records,
        Err(why) => return Ok(vec![about.could_not(why)]),
    };
    let found = texts(records, |text| tags::is_version(text, "DMARC1"));
    let all = data_of(&found);
    let [(_, text)] = found.as_slice() else {
        return Ok(vec![match found.is_empty() {
            true => about.missing("others are not told what to do with mail that fails", &data),
            false => about.wrong("several policies: then none of them counts", &all, &data),
        }]);
    };
    let policy = tags::value(text, "p").map(|policy| policy.to_ascii_lowercase());
    Ok(vec![match policy.as_deref() {
        Some("none" | "quarantine" | "reject") => about.right(text.clone()),
        Some(policy) => about.wrong(format!("there is no policy {policy:?}"), &all, &data),
        None => about.wrong("it has no policy (p=)", &all, &data),
    }])
}
