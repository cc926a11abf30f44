//! Is the server well?

use super::Reply;
use crate::config::TlsMode;
use crate::data::Data;
use crate::office::{Duty, Office};
use crate::size;
use crate::version::VERSION;
use engine_net::Certificate;
use serde_json::{Value as Json, json};
use std::fmt::Write;
use time::OffsetDateTime;

/// Days before the end of a certificate from which on that is a problem: whatever renews it should
/// have done so.
const CERTIFICATE_DAYS: i64 = 7;
/// Octets that must be free: with fewer, messages are refused soon.
const FREE_MIN: u64 = 256 << 20;

/// Looks at everything. The error is for the operator to read.
pub(super) async fn fulfil(office: &Office) -> Result<Reply, String> {
    let Some(duty) = office.duty() else {
        return Err("no server runs; start one with \"estafeta serve\"".to_string());
    };
    let store = office.store.clone();
    let stats = tokio::task::spawn_blocking(move || store.stats().map_err(|e| e.to_string()));
    let stats = stats.await.map_err(|error| error.to_string())?;
    let mut problems = Vec::new();
    let store = match &stats {
        Ok(stats) => stats.failure.clone(),
        Err(error) => Some(error.clone()),
    };
    if let Some(failure) = &store {
        problems.push(format!("the store: {failure}; see \"estafeta store check\""));
    }
    let disk = disk(&duty.data, &mut problems);
    let now = OffsetDateTime::now_utc();
    let certificates = duty.tls.certificates();
    let certificates = certificates.all();
    let certificates: Vec<Json> =
        certificates.iter().map(|one| certificate(one, now, &mut problems)).collect();
    let value = json!({
        "good": problems.is_empty(),
        "problems": problems,
        "version": VERSION,
        "pid": std::process::id(),
        "since": moment(duty.since.into()),
        "uptime_seconds": duty.since.elapsed().map_or(0, |up| up.as_secs()),
        "configuration": duty.file.as_ref().map(|file| file.display().to_string()),
        "data": duty.data.path().display().to_string(),
        "listeners": listeners(duty),
        "store": { "good": store.is_none(), "failure": store },
        "disk": disk,
        "certificates": certificates,
    });
    Ok(Reply::Report { text: text(&value), good: problems.is_empty(), value })
}

fn listeners(duty: &Duty) -> Vec<Json> {
    let listener = |(kind, address): &(crate::doors::Kind, std::net::SocketAddr)| {
        let tls = match kind.tls {
            TlsMode::StartTls => "starttls",
            TlsMode::Implicit => "implicit",
            TlsMode::None => "none",
        };
        json!({ "service": kind.service.name(), "address": address.to_string(), "tls": tls })
    };
    duty.doors.iter().map(listener).collect()
}

fn disk(data: &Data, problems: &mut Vec<String>) -> Json {
    let path = data.path();
    match rustix::fs::statvfs(path) {
        Ok(found) => {
            let (free, all) = (found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize);
            if free < FREE_MIN {
                let left = size::round(free);
                problems.push(format!("{left} left on the disk of {}; make room", path.display()));
            }
            json!({ "free_bytes": free, "all_bytes": all })
        }
        Err(error) => {
            problems.push(format!("{}: {error}", path.display()));
            Json::Null
        }
    }
}

fn certificate(one: &Certificate, now: OffsetDateTime, problems: &mut Vec<String>) -> Json {
    let names = one.names().join(" ");
    let seconds = one.validity().until.seconds();
    let until = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let days = (until - now).whole_days();
    if until <= now {
        problems.push(format!("the certificate for {names} has ended; renew it"));
    } else if days < CERTIFICATE_DAYS {
        problems.push(format!("the certificate for {names} ends in {days} days; renew it"));
    }
    json!({ "names": one.names(), "until": moment(until), "days_left": days })
}

/// As RFC 3339 writes it, in UTC.
fn moment(at: OffsetDateTime) -> String {
    let (date, time) = (at.date(), at.time());
    let (year, month, day) = date.to_calendar_date();
    let (hour, minute, second) = time.as_hms();
    format!("{year}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}

fn text(value: &Json) -> String {
    let word = |value: &Json| value.as_str().unwrap_or_default().to_string();
    let list = |name: &str| value[name].as_array().cloned().unwrap_or_default();
    let good = if value["good"] == true { "well" } else { "NOT WELL" };
    let (since, pid) = (word(&value["since"]), &value["pid"]);
    let mut out = format!("{good}: estafeta {VERSION}, process {pid}, since {since}\n");
    for problem in list("problems") {
        let _ = writeln!(out, "  {}", word(&problem));
    }
    for listener in list("listeners") {
        let (service, address) = (word(&listener["service"]), word(&listener["address"]));
        let _ = writeln!(out, "{service:<12} {address:<24} {}", word(&listener["tls"]));
    }
    let store = if value["store"]["good"] == true { "good" } else { "failed" };
    let _ = writeln!(out, "{:<12} {store}, at {}", "store", word(&value["data"]));
    if let (Some(free), Some(all)) =
        (value["disk"]["free_bytes"].as_u64(), value["disk"]["all_bytes"].as_u64())
    {
        let _ = writeln!(out, "{:<12} {} of {} free", "disk", size::round(free), size::round(all));
    }
    for certificate in list("certificates") {
        let names: Vec<String> =
            certificate["names"].as_array().into_iter().flatten().map(word).collect();
        let (until, days) = (word(&certificate["until"]), &certificate["days_left"]);
        let _ =
            writeln!(out, "{:<12} {} until {until} ({days} days)", "certificate", names.join(" "));
    }
    out
}
