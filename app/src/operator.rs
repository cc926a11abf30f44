//! From the command line to a wish, and the wish to whoever has the store open.

use crate::cli::{AccountCommand, AliasCommand, DomainCommand, Limits, PasswordChoice};
use crate::data::Data;
use crate::log::{self, Amount, Form};
use crate::office::Office;
use crate::print::{self, Output};
use crate::request::{
    AccountRequest, AliasRequest, Change, Changes, DomainRequest, NewOne, Reply, Request,
};
use crate::size::Limit;
use crate::{control, secret};
use anyhow::{Context, Result, anyhow, bail};
use engine_store_embedded::OpenError;
use std::io::stdin;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use words_mail::Address;

/// How long a command waits for a store that somebody else has open without answering,
const PATIENCE: Duration = Duration::from_secs(10);
/// and between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Does what is wished, by the running server or in its absence, and prints what came of it.
pub fn run(request: Result<Request>, data: Option<&Path>, output: Output) -> Result<ExitCode> {
    let request = request?;
    let data = Data::find(data)?;
    let reply = fulfil(&data, request)?.map_err(|error| anyhow!(error))?;
    print::reply(&reply, output)?;
    let good = !matches!(reply, Reply::Store { good: false, .. });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// By the running server, or else alone. While a server opens or closes, or another command has the
/// store, neither is possible for a moment.
fn fulfil(data: &Data, request: Request) -> Result<Result<Reply, String>> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(reply) = control::ask(data, &request)? {
            return Ok(reply);
        }
        match Office::open(data) {
            Ok(office) => return alone(office, request),
            Err(OpenError::Locked(_)) if Instant::now() < until => std::thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

/// With the store open for this one wish.
fn alone(office: Office, request: Request) -> Result<Result<Reply, String>> {
    log::start(Form::Human, Amount::Warnings);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let reply = runtime.block_on(office.fulfil(request));
    office.store.close();
    Ok(reply)
}

impl DomainCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Domain(match self {
            DomainCommand::Add { name, alias_of } => DomainRequest::Add {
                name: name.to_string(),
                alias_of: alias_of.map(|of| of.to_string()),
            },
            DomainCommand::List => DomainRequest::List,
            DomainCommand::Show { name } => DomainRequest::Show { name: name.to_string() },
            DomainCommand::Set { name, catch_all, no_catch_all, postmaster, no_postmaster } => {
                DomainRequest::Set {
                    name: name.to_string(),
                    catch_all: Change::of(text(catch_all), no_catch_all),
                    postmaster: Change::of(text(postmaster), no_postmaster),
                }
            }
            DomainCommand::Remove { name } => DomainRequest::Remove { name: name.to_string() },
        }))
    }
}

impl AliasCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Alias(match self {
            AliasCommand::Add { address, targets } => {
                AliasRequest::Add { address: address.to_string(), targets: texts(targets) }
            }
            AliasCommand::List { domain } => {
                AliasRequest::List { domain: domain.map(|domain| domain.to_string()) }
            }
            AliasCommand::Show { address } => AliasRequest::Show { address: address.to_string() },
            AliasCommand::Set { address, targets } => {
                AliasRequest::Set { address: address.to_string(), targets: texts(targets) }
            }
            AliasCommand::Remove { address } => {
                AliasRequest::Remove { address: address.to_string() }
            }
        }))
    }
}

impl AccountCommand {
    /// What is wished. Asks for a new account's password if it has none.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Account(match self {
            AccountCommand::Add { address, from, password, no_password, limits } => {
                let accounts = match (address, from) {
                    (Some(address), _) => vec![one(address, password, no_password, &limits)?],
                    (None, Some(file)) => many(&file, &limits)?,
                    (None, None) => bail!("whose account? name its address, or --from FILE"),
                };
                AccountRequest::Add { accounts }
            }
            AccountCommand::List { domain } => {
                AccountRequest::List { domain: domain.map(|domain| domain.to_string()) }
            }
            AccountCommand::Show { address } => {
                AccountRequest::Show { address: address.to_string() }
            }
            AccountCommand::Set {
                address,
                password,
                limits,
                add_address,
                remove_address,
                main_address,
                disable,
                enable,
            } => AccountRequest::Set {
                address: address.to_string(),
                changes: Box::new(Changes {
                    password: secret::given(password)?,
                    add_addresses: texts(add_address),
                    main_address: text(main_address),
                    remove_addresses: texts(remove_address),
                    quota_bytes: change(limits.quota),
                    quota_messages: change(limits.messages_max),
                    size_max: change(limits.message_size_max),
                    disabled: (disable || enable).then_some(disable),
                }),
            },
            AccountCommand::Remove { address } => {
                AccountRequest::Remove { address: address.to_string() }
            }
        }))
    }
}

fn one(
    address: Address,
    password: PasswordChoice,
    no_password: bool,
    limits: &Limits,
) -> Result<NewOne> {
    let password = match secret::given(password)? {
        None if no_password => None,
        None => Some(secret::ask(&address.to_string())?),
        given => given,
    };
    Ok(new_one(address.to_string(), password, limits))
}

/// One account of each line `ADDRESS:PASSWORD`; empty lines and those that begin with `#` are
/// skipped.
fn many(file: &Path, limits: &Limits) -> Result<Vec<NewOne>> {
    let text = match file == Path::new("-") {
        true => std::io::read_to_string(stdin()).context("cannot read standard input")?,
        false => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?,
    };
    let mut accounts = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((address, password)) = line.split_once(':') else {
            bail!("line {} of {}: expected ADDRESS:PASSWORD", number + 1, file.display());
        };
        accounts.push(new_one(address.to_string(), Some(password.to_string()), limits));
    }
    Ok(accounts)
}

fn new_one(address: String, password: Option<String>, limits: &Limits) -> NewOne {
    NewOne {
        address,
        password,
        quota_bytes: limits.quota.flatten(),
        quota_messages: limits.messages_max.flatten(),
        size_max: limits.message_size_max.flatten(),
    }
}

fn change(limit: Option<Limit>) -> Change<u64> {
    match limit {
        None => Change::Keep,
        Some(None) => Change::Clear,
        Some(Some(number)) => Change::Set(number),
    }
}

fn text(address: Option<Address>) -> Option<String> {
    address.map(|address| address.to_string())
}

fn texts(addresses: Vec<Address>) -> Vec<String> {
    addresses.iter().map(Address::to_string).collect()
}
