//! From `estafeta account` to a wish.

use super::{text, texts};
use crate::cli::{AccountCommand, Limits, PasswordChoice};
use crate::request::{AccountRequest, Change, Changes, NewOne, Request};
use crate::secret;
use crate::size::Limit;
use anyhow::{Context, Result, bail};
use std::io::stdin;
use std::path::Path;
use words_mail::Address;

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
