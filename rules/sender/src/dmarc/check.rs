//! Who stands for the author's domain (RFC 7489 §3.1, §6.6).

use super::{Alignment, DmarcPublished};
use crate::dkim::FieldIndex;
use crate::lookup::{Found, Known, Lookup, LookupKind, Needs};
use crate::{Aligned, DkimVerdict, DmarcPolicy, DmarcVerdict, ResultWord, SpfVerdict};
use words_message::parse_addresses;

/// Authors of one From that are looked at.
const AUTHORS_MAX: usize = 100;

/// The author's domain.
pub(crate) struct DmarcCheck {
    author: Author,
}

enum Author {
    /// The author's domain, of which nothing else is known.
    Domain(String),
    Nobody,
    /// Authors of several domains: nobody can be held to one policy (RFC 7489 §6.6.1).
    Several,
}

impl DmarcCheck {
    /// Of the message with this header.
    pub(crate) fn new(fields: &FieldIndex<'_>) -> DmarcCheck {
        let mut domains: Vec<String> = Vec::new();
        let mut left = AUTHORS_MAX;
        for field in fields.named("from") {
            parse_addresses(field.value, |mailbox| {
                if let (Some(_), Some(host)) = (mailbox.local, mailbox.host) {
                    let host = String::from_utf8_lossy(&host).trim_end_matches('.').to_lowercase();
                    if !host.is_empty() && !domains.contains(&host) {
                        domains.push(host);
                    }
                }
                left = left.saturating_sub(1);
                left > 0
            });
        }
        let author = match (domains.pop(), domains.is_empty()) {
            (None, _) => Author::Nobody,
            (Some(domain), true) => Author::Domain(domain),
            (Some(_), false) => Author::Several,
        };
        DmarcCheck { author }
    }

    /// The author's domain, if there is one and no other.
    pub(crate) fn into_domain(self) -> Option<String> {
        match self.author {
            Author::Domain(domain) => Some(domain),
            Author::Nobody | Author::Several => None,
        }
    }

    /// What must be known first.
    pub(crate) fn needs(&self, known: &Known) -> Option<Lookup> {
        let Author::Domain(domain) = &self.author else { return None };
        published(known, domain).err().map(|Needs(lookup)| lookup)
    }

    /// The verdict, once all is known.
    pub(crate) fn verdict(
        &self,
        known: &Known,
        spf: &SpfVerdict,
        dkim: &[DkimVerdict],
    ) -> DmarcVerdict {
        let none = |result, reason: &str| DmarcVerdict {
            result,
            reason: reason.to_string(),
            ..DmarcVerdict::default()
        };
        let domain = match &self.author {
            Author::Domain(domain) => domain,
            Author::Nobody => return none(ResultWord::None, "there is no author"),
            Author::Several => {
                return none(ResultWord::PermError, "there are authors of several domains");
            }
        };
        let (published, trouble) = match published(known, domain) {
            Ok(Ok(published)) => (published, None),
            Ok(Err(why)) => (None, Some(why)),
            Err(_) => (None, Some("the policy was not asked for".to_string())),
        };
        let strictness =
            |of: fn(&DmarcPublished) -> Alignment| published.as_ref().map(of).unwrap_or_default();
        let aligned = Aligned {
            dkim: dkim.iter().any(|signature| {
                signature.is_sound()
                    && is_aligned(&signature.domain, domain, strictness(|p| p.dkim))
            }),
            spf: spf.result == ResultWord::Pass
                && is_aligned(spf.identity.domain(), domain, strictness(|p| p.spf)),
        };
        let (result, reason) = match (&published, trouble) {
            (None, Some(why)) => (ResultWord::TempError, why),
            (None, None) => (ResultWord::None, format!("{domain} has no policy")),
            (Some(_), _) if aligned.dkim || aligned.spf => (ResultWord::Pass, String::new()),
            (Some(_), _) if is_pending(spf, dkim) => {
                (ResultWord::TempError, "SPF or DKIM could not be looked up".to_string())
            }
            (Some(_), _) => (
                ResultWord::Fail,
                format!("neither a signature nor the sending server stands for {domain}"),
            ),
        };
        let policy = match (&published, result) {
            (Some(published), ResultWord::Fail) => applied(published, domain),
            _ => DmarcPolicy::None,
        };
        DmarcVerdict { result, from: domain.clone(), policy, aligned, published, reason }
    }
}

/// Could it still have passed, had the DNS answered?
fn is_pending(spf: &SpfVerdict, dkim: &[DkimVerdict]) -> bool {
    spf.result == ResultWord::TempError
        || dkim.iter().any(|signature| signature.result == ResultWord::TempError)
}

fn applied(published: &DmarcPublished, domain: &str) -> DmarcPolicy {
    let policy = match published.domain == domain {
        true => published.policy,
        false => published.subdomain_policy,
    };
    if published.testing { policy.milder() } else { policy }
}

/// The record of the domain, or of its organisation (RFC 7489 §6.6.3). The inner `Err`: it cannot be
/// told now.
fn published(known: &Known, domain: &str) -> Result<Result<Option<DmarcPublished>, String>, Needs> {
    for at in [domain, organisation(domain)] {
        match known.ask(Lookup::new(&format!("_dmarc.{at}"), LookupKind::Txt))? {
            Found::Temporary(why) => return Ok(Err(why.clone())),
            Found::Texts(texts) => {
                let mut records = texts.iter().filter_map(|text| DmarcPublished::parse(at, text));
                match (records.next(), records.next()) {
                    (Some(record), None) => return Ok(Ok(Some(record))),
                    // Of several, none counts.
                    (Some(_), Some(_)) => return Ok(Ok(None)),
                    (None, _) => {}
                }
            }
            _ => {}
        }
    }
    Ok(Ok(None))
}

/// The domain that an organisation has registered (RFC 7489 §3.2).
pub fn organisation(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

/// RFC 7489 §3.1.
fn is_aligned(domain: &str, author: &str, how: Alignment) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    match how {
        Alignment::Strict => domain == author,
        Alignment::Relaxed => domain == author || organisation(&domain) == organisation(author),
    }
}
