//! Lists of addresses that mail is not taken from (RFC 5782).

use super::{About, Finding, Weight};
use crate::data::{Data, Kind, reverse_name};
use crate::facts::Facts;
use crate::known::{Known, Needs};

/// Are our addresses on one?
pub fn listed(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let mut all = Vec::new();
    for list in &facts.blocklists {
        for address in &facts.addresses {
            let name = reverse_name(*address, Some(list));
            let records = known.get(&name, Kind::A)?;
            let about = About {
                facts,
                name: &name,
                kind: Kind::A,
                about: "blocklist",
                weight: Weight::Needed,
            };
            let found: Vec<&Data> = match records {
                Ok(records) => records.iter().collect(),
                Err(why) => {
                    all.push(about.could_not(why));
                    continue;
                }
            };
            all.push(match said(&found) {
                Said::Nothing => about.right(format!("{address} is not on {list}")),
                Said::Refused => about.could_not(&format!(
                    "{list} does not answer to this DNS server; ask through one of your own"
                )),
                Said::Listed => {
                    let why = format!("{address} is on {list}: who asks it refuses our mail");
                    let mend =
                        format!("find out why at the site of {list}, and ask to be taken off");
                    about.amiss(why, &found, mend)
                }
            });
        }
    }
    Ok(all)
}

enum Said {
    Nothing,
    Listed,
    Refused,
}

/// Listed is what answers in 127/8 (RFC 5782 §2.1); 127.255.255/24 tells of errors by common use, and
/// any other address is no list's.
fn said(found: &[&Data]) -> Said {
    if found.is_empty() {
        return Said::Nothing;
    }
    let octets = |data: &&Data| match data {
        Data::A(address) => Some(address.octets()),
        _ => None,
    };
    let is_listed = |[a, b, c, _]: [u8; 4]| a == 127 && !(b == 255 && c == 255);
    match found.iter().filter_map(octets).any(is_listed) {
        true => Said::Listed,
        false => Said::Refused,
    }
}
