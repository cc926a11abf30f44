//! `estafeta lab test`: the test plan of the course, on a lab of its own.

use super::house::{House, Person};
use super::plan::{self, Outcome};
use super::post::Post;
use super::town::Town;
use crate::data::Data;
use crate::log::{self, Amount, Form};
use crate::print::{self, Output};
use crate::service::Service;
use crate::words::Words;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use words_mail::Domain;

/// What `full` may keep: less than any message.
const NOTHING: u64 = 1;
/// How often free ports are looked for.
const TRIES: usize = 50;

/// Runs every test and prints a table. Ends badly if one fails.
pub fn run(verbose: bool, output: Output) -> Result<ExitCode> {
    log::start(Form::Human, Amount::Warnings);
    let folder = tempfile::tempdir().context("no room for a lab")?;
    let words = Words::of_environment();
    let home = House {
        domain: Domain::parse("mired.org")?,
        host: "asterix",
        people: vec![
            Person::new("ana"),
            Person::new("bob"),
            Person { name: "full", quota: Some(NOTHING) },
        ],
        listen: Ipv4Addr::LOCALHOST.into(),
        ports: ports()?,
        routes: Vec::new(),
    };
    let town = Town::open(home, Data::make(Some(folder.path()), words)?, false)?;
    let Some(outside) = &town.outside else {
        bail!("this machine has no address 127.0.0.2, which the world outside needs");
    };
    let (home, outside) = (office(&town.home), office(outside));
    let outcomes = Arc::<Mutex<Vec<Outcome>>>::default();
    let asked = Arc::<Mutex<Arc<Mutex<Vec<String>>>>>::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let until = || {
        let (outcomes, asked) = (outcomes.clone(), asked.clone());
        async move {
            let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let lab = plan::Lab { home, outside, asked };
            let done = lab.run(|outcome| tell(outcome, verbose, output)).await;
            *outcomes.lock().unwrap_or_else(PoisonError::into_inner) = done;
        }
    };
    let know = |names: &super::outside::Names| {
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = names.asked.clone();
    };
    runtime.block_on(town.live_while(words, &[], || Ok(()), until, know))?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    let outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    finish(&outcomes, output)
}

fn finish(outcomes: &[Outcome], output: Output) -> Result<ExitCode> {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    match output {
        Output::Table => print::line(&table(outcomes))?,
        Output::Json => {
            let one = |outcome: &Outcome| {
                let wire: Vec<String> = outcome.wire.iter().map(ToString::to_string).collect();
                json!({
                    "test": outcome.what, "passed": outcome.passed,
                    "seen": outcome.seen, "wire": wire
                })
            };
            let all: Vec<_> = outcomes.iter().map(one).collect();
            print::line(&serde_json::to_string_pretty(&all)?)?;
        }
    }
    Ok(if failed == 0 && !outcomes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What crossed the wire, for those who want to see all of it.
fn tell(outcome: &Outcome, verbose: bool, output: Output) {
    if !verbose || output == Output::Json {
        return;
    }
    let mut text = format!("{}\n", outcome.what);
    for line in &outcome.wire {
        text += &format!("  {line}\n");
    }
    // A reader that has seen enough is no fault.
    let _ = print::line(&text);
}

fn table(outcomes: &[Outcome]) -> String {
    let mut rows = Vec::new();
    for outcome in outcomes {
        let result = if outcome.passed { "passed" } else { "FAILED" };
        let mut seen = outcome.seen.iter();
        let first = seen.next().map(String::as_str).unwrap_or_default();
        rows.push(vec![outcome.what.to_string(), result.to_string(), first.to_string()]);
        rows.extend(seen.map(|line| vec![String::new(), String::new(), line.clone()]));
    }
    print::table(&["TEST", "RESULT", "SEEN ON THE WIRE"], rows)
}

fn office(post: &Post) -> plan::Office {
    plan::Office { domain: post.house.domain.clone(), addresses: post.addresses.clone() }
}

/// Ports that are free at both addresses.
fn ports() -> Result<Vec<(Service, u16)>> {
    let services = [Service::Smtp, Service::Submission, Service::Imap];
    let mut ports = Vec::new();
    let mut held = Vec::new();
    for service in services {
        let (port, sockets) = free_port()?;
        held.push(sockets);
        ports.push((service, port));
    }
    Ok(ports)
}

fn free_port() -> Result<(u16, [TcpListener; 2])> {
    for _ in 0..TRIES {
        let one = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = one.local_addr()?.port();
        let outside: IpAddr = super::outside::ADDRESS;
        if let Ok(other) = TcpListener::bind((outside, port)) {
            return Ok((port, [one, other]));
        }
    }
    bail!("no port is free at both 127.0.0.1 and {}", super::outside::ADDRESS)
}
