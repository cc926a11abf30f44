//! What is shown of records and findings.

use crate::request::Reply;
use rules_zone::{Facts, Finding, State, Weight, is_good, line, master_file, records};
use serde_json::{Value, json};
use std::fmt::Write;

/// The zone, to be put into a file.
pub fn zone(facts: &Facts, serial: u32) -> Reply {
    let all = records(facts);
    let absolute = |name: &str| format!("{name}.");
    let one = |record: &rules_zone::ZoneRecord| {
        json!({
            "name": record.name,
            "type": record.data.kind().as_str(),
            "ttl": facts.ttl,
            "data": record.data.print(&absolute),
            "line": line(&record.name, facts.ttl, &record.data),
            "purpose": record.purpose,
        })
    };
    let text = master_file(facts, &all, serial);
    let value = json!({
        "domain": facts.domain,
        "serial": serial,
        "records": all.iter().map(one).collect::<Vec<Value>>(),
        "zone": text,
    });
    Reply::Report { text, value, good: true }
}

/// Each record and how it stands; what is to be done comes under it.
pub fn findings(facts: &Facts, findings: &[Finding]) -> Reply {
    let good = is_good(findings);
    let mut text = String::new();
    for finding in findings {
        let place = format!("{} {}", finding.name, finding.kind.as_str());
        let state = match finding.is_good() {
            true => finding.state.as_str().to_string(),
            false => finding.state.as_str().to_uppercase(),
        };
        let _ = writeln!(text, "{state:<14} {:<10} {place}", finding.about);
        let _ = writeln!(text, "               {}", safe(&finding.why));
        for found in found(&finding.state) {
            let _ = writeln!(text, "      found    {found}");
        }
        for line in finding.mend.iter().flat_map(|mend| mend.lines()) {
            let _ = writeln!(text, "      mend     {line}");
        }
    }
    let to_do = findings.iter().filter(|finding| !finding.is_good()).count();
    let _ = match to_do {
        0 => writeln!(text, "\n{}: all is well", facts.domain),
        1 => writeln!(text, "\n{}: one thing to do", facts.domain),
        _ => writeln!(text, "\n{}: {to_do} things to do", facts.domain),
    };
    let value = json!({
        "domain": facts.domain,
        "good": good,
        "findings": findings.iter().map(one).collect::<Vec<Value>>(),
    });
    Reply::Report { text, value, good }
}

fn one(finding: &Finding) -> Value {
    json!({
        "name": finding.name,
        "type": finding.kind.as_str(),
        "about": finding.about,
        "state": finding.state.as_str(),
        "good": finding.is_good(),
        "needed": finding.weight == Weight::Needed,
        "found": found(&finding.state),
        "why": finding.why,
        "mend": finding.mend,
    })
}

fn found(state: &State) -> &[String] {
    match state {
        State::Wrong { found } | State::Unneeded { found } => found,
        State::Right | State::Missing | State::CouldNotAsk => &[],
    }
}

/// What strangers publish moves no cursor.
fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
