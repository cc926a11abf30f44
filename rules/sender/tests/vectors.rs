//! The public test vectors of RFC 7208, read from Debian's package python3-spf where it is installed.

use rules_sender::{Found, Known, Lookup, LookupKind, Needs, ResultWord, SpfCheck};
use serde_json::Value;
use std::net::IpAddr;
use std::process::{Command, Stdio};

const FILE: &str = "/usr/share/doc/python3-spf/rfc7208-tests.yml.gz";
/// YAML to JSON, one document after the other; what is no string becomes one.
const CONVERT: &str = "import gzip,json,sys,yaml
print(json.dumps(list(yaml.safe_load_all(gzip.open(sys.argv[1]))), default=str))";
/// More answers than any of them needs.
const ANSWERS_MAX: usize = 300;

#[test]
fn rfc_7208() {
    let Some(scenarios) = scenarios() else {
        eprintln!("skipped: python3-spf and python3-yaml are not installed");
        return;
    };
    let mut count = 0;
    let mut wrong = Vec::new();
    for scenario in &scenarios {
        let tests = scenario["tests"].as_object().unwrap();
        for (name, test) in tests {
            let found = result(scenario, test);
            let expected = words(&test["result"]);
            // Without a local-part, ours is the postmaster's path; the reply to HELO is not looked at.
            count += 1;
            if !expected.contains(&found.as_str().to_string()) {
                wrong.push(format!("{name}: {found}, not {expected:?}"));
            }
        }
    }
    assert!(count > 150, "only {count} vectors");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{count} vectors");
}

fn scenarios() -> Option<Vec<Value>> {
    if !std::path::Path::new(FILE).exists() {
        return None;
    }
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "60", "python3", "-c", CONVERT, FILE]);
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().flat_map(words).collect(),
        value => vec![value.as_str().unwrap_or_default().to_string()],
    }
}

fn result(scenario: &Value, test: &Value) -> ResultWord {
    let text = |name: &str| test[name].as_str().unwrap_or_default();
    let ip: IpAddr = text("host").parse().unwrap();
    let (local_part, domain) = match text("mailfrom").rsplit_once('@') {
        Some(halves) => halves,
        None => ("", text("helo")),
    };
    let check = SpfCheck::of_sender(ip, text("helo"), local_part, domain, "receiver.test");
    let mut known = Known::default();
    loop {
        match check.evaluate(&known) {
            Ok(verdict) => return verdict.result,
            Err(Needs(lookup)) => {
                assert!(known.count() < ANSWERS_MAX, "it asks without end");
                let found = look_up(&scenario["zonedata"], &lookup, 0);
                known.learn(lookup, found);
            }
        }
    }
}

fn look_up(zone: &Value, lookup: &Lookup, depth: usize) -> Found {
    let name = match lookup.kind {
        LookupKind::Ptr(ip) => core_name(ip),
        _ => lookup.name.clone(),
    };
    let zone = zone.as_object().unwrap();
    let Some((_, records)) = zone.iter().find(|(known, _)| {
        known.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'))
    }) else {
        return Found::Nothing;
    };
    let records = records.as_array().unwrap();
    let kind = match lookup.kind {
        LookupKind::A => "A",
        LookupKind::Aaaa => "AAAA",
        LookupKind::Mx => "MX",
        LookupKind::Txt => "TXT",
        LookupKind::Ptr(_) => "PTR",
    };
    let of = |kind: &str| -> Vec<Value> {
        records.iter().filter_map(|record| record.get(kind)).cloned().collect()
    };
    let times_out = records.iter().any(|record| record == "TIMEOUT");
    let mut found = of(kind);
    if kind == "TXT" && found.is_empty() {
        // The vectors write "SPF" for what stands in TXT today, unless TXT is there too.
        found = of("SPF");
    }
    found.retain(|value| value != "NONE");
    if found.iter().any(|value| value == "TIMEOUT") || found.is_empty() && times_out {
        return Found::Temporary("it timed out".to_string());
    }
    if found.is_empty()
        && depth < 8
        && let Some(alias) = of("CNAME").first().and_then(Value::as_str)
    {
        let lookup = Lookup { name: alias.to_string(), kind: lookup.kind };
        return look_up(&Value::Object(zone.clone()), &lookup, depth + 1);
    }
    if found.is_empty() {
        return Found::Nothing;
    }
    match lookup.kind {
        LookupKind::A | LookupKind::Aaaa => {
            Found::Addresses(found.iter().map(|v| v.as_str().unwrap().parse().unwrap()).collect())
        }
        LookupKind::Ptr(_) => {
            Found::Names(found.iter().map(|v| v.as_str().unwrap().to_string()).collect())
        }
        LookupKind::Mx => {
            let mut names: Vec<(i64, String)> = found
                .iter()
                .map(|v| (v[0].as_i64().unwrap(), v[1].as_str().unwrap().to_string()))
                .collect();
            names.sort();
            Found::Names(names.into_iter().map(|(_, name)| name).collect())
        }
        LookupKind::Txt => {
            // Octets beyond ASCII stand for themselves.
            let octets = |text: &str| text.chars().map(|c| c as u32 as u8).collect::<Vec<u8>>();
            let text = |v: &Value| words(v).iter().flat_map(|part| octets(part)).collect();
            Found::Texts(found.iter().map(text).collect())
        }
    }
}

fn core_name(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            let halves = ip.octets().into_iter().rev().flat_map(|o| [o & 15, o >> 4]);
            halves.map(|half| format!("{half:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}
