//! Macros (RFC 7208 §7).

use super::names::validated_names;
use super::record::{Macro, Part, Target};
use super::{SpfCheck, Stop};
use crate::lookup::Known;
use std::net::IpAddr;

/// Longest name; more labels than fit are dropped from the left (RFC 7208 §7.3).
const NAME_MAX: usize = 253;

impl SpfCheck {
    /// The name that `target` stands for while the record of `domain` is read.
    pub(super) fn expand(
        &self,
        known: &Known,
        domain: &str,
        target: &Target,
    ) -> Result<String, Stop> {
        let mut name = String::new();
        for part in &target.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Macro(it) => name.push_str(&self.value(known, domain, it)?),
            }
        }
        let mut name = name.trim_end_matches('.');
        while name.len() > NAME_MAX {
            match name.split_once('.') {
                Some((_, rest)) => name = rest,
                None => return Ok(String::new()),
            }
        }
        Ok(name.to_string())
    }

    fn value(&self, known: &Known, domain: &str, it: &Macro) -> Result<String, Stop> {
        let plain = match it.letter {
            's' => format!("{}@{}", self.local_part, self.sender_domain),
            'l' => self.local_part.clone(),
            'o' => self.sender_domain.clone(),
            'd' => domain.to_string(),
            'i' => dotted(self.ip),
            'p' => self.name_of_peer(known, domain)?,
            'v' => if self.ip.is_ipv4() { "in-addr" } else { "ip6" }.to_string(),
            'h' => self.helo.clone(),
            // "r" and its like stand in explanations alone; who reads records refuses them.
            _ => self.host_name.clone(),
        };
        let mut labels: Vec<&str> = plain.split(|c: char| it.delimiters.contains(&c)).collect();
        if it.reverse {
            labels.reverse();
        }
        let kept = it.count.map_or(labels.len(), |count| count.min(labels.len()));
        let value = labels[labels.len() - kept..].join(".");
        Ok(if it.escape { escaped(&value) } else { value })
    }

    /// RFC 7208 §7.3: the domain itself if it is a name of the peer, else one below, else any.
    fn name_of_peer(&self, known: &Known, domain: &str) -> Result<String, Stop> {
        let names = validated_names(known, self.ip)?;
        let below = format!(".{domain}").to_ascii_lowercase();
        let best = names
            .iter()
            .find(|name| name.eq_ignore_ascii_case(domain))
            .or(names.iter().find(|name| name.to_ascii_lowercase().ends_with(&below)))
            .or(names.first());
        Ok(best.cloned().unwrap_or_else(|| "unknown".to_string()))
    }
}

/// `192.0.2.3`; `2.0.0.1.0.d.b.8.…` with a dot behind each half octet.
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let halves = ip.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            halves.map(|half| format!("{half:x}")).collect::<Vec<_>>().join(".")
        }
    }
}

/// What is not unreserved in a URI is escaped (RFC 3986 §2.3).
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        match octet {
            b'-' | b'.' | b'_' | b'~' => out.push(octet as char),
            octet if octet.is_ascii_alphanumeric() => out.push(octet as char),
            octet => out.push_str(&format!("%{octet:02X}")),
        }
    }
    out
}
