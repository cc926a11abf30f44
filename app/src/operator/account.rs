//! From `estafeta account` to a wish.

use super::passwd::{self, Password};
use super::{text, texts};
use crate::cli::{AccountCommand, Elsewhere, Limits, PasswordChoice};
use crate::request::{AccountRequest, Change, Changes, NewOne, Request};
use crate::secret;
use crate::size::Limit;
use anyhow::{Context, Result, bail};
use std::io::stdin;
use std::path::Path;
use words_mail::{Address, Domain};

impl AccountCommand {
    /// What is wished. Asks for a new account's password if it has none.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Account(match self {
            AccountCommand::Add {
                address,
                from,
                domain,
                password,
                password_hash,
                no_password,
                authority,
                limits,
            } => {
                let accounts = match (address, from) {
                    (Some(address), _) => {
                        let open = no_password || password_hash.is_some() || authority.is_some();
                        let mut one = one(address, password, open, &limits)?;
                        one.password_hash = password_hash;
                        one.authority = authority;
                        vec![one]
                    }
                    (None, Some(file)) => many(&file, domain.as_ref(), &limits)?,
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
                password_hash,
                limits,
                add_address,
                remove_address,
                main_address,
                disable,
                enable,
                device_passwords_only,
                deliver_to,
                authority,
            } => AccountRequest::Set {
                address: address.to_string(),
                changes: Box::new(Changes {
                    password: secret::given(password)?,
                    password_hash,
                    add_addresses: texts(add_address),
                    main_address: text(main_address),
                    remove_addresses: texts(remove_address),
                    quota_bytes: change(limits.quota),
                    quota_messages: change(limits.messages_max),
                    size_max: change(limits.message_size_max),
                    disabled: (disable || enable).then_some(disable),
                    devices_only: device_passwords_only.map(|protocols| protocols.to_string()),
                    deliver_to: match deliver_to {
                        None => Change::Keep,
                        Some(Elsewhere(None)) => Change::Clear,
                        Some(Elsewhere(Some(place))) => Change::Set(place.to_string()),
                    },
                    authority: match authority.as_deref() {
                        None => Change::Keep,
                        Some("none") => Change::Clear,
                        Some(place) => Change::Set(place.to_string()),
                    },
                }),
            },
            AccountCommand::Recover(recover) => return Ok(recover.request()),
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

/// One account of each line of a file. Tells what of it was not taken.
fn many(file: &Path, domain: Option<&Domain>, limits: &Limits) -> Result<Vec<NewOne>> {
    let text = match file == Path::new("-") {
        true => std::io::read_to_string(stdin()).context("cannot read standard input")?,
        false => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?,
    };
    let read = passwd::read(&text, domain).with_context(|| file.display().to_string())?;
    if read.with_more > 0 {
        eprintln!(
            "estafeta: note: fields behind the password were ignored in {} line(s)",
            read.with_more
        );
    }
    if read.without_password > 0 {
        eprintln!(
            "estafeta: note: {} account(s) without a password; set one with \"estafeta account set\"",
            read.without_password
        );
    }
    let one = |line: passwd::Line| match line.password {
        Password::None => new_one(line.address, None, limits),
        Password::Clear(clear) => new_one(line.address, Some(clear), limits),
        Password::Hash(hash) => {
            NewOne { password_hash: Some(hash), ..new_one(line.address, None, limits) }
        }
    };
    Ok(read.lines.into_iter().map(one).collect())
}

fn new_one(address: String, password: Option<String>, limits: &Limits) -> NewOne {
    NewOne {
        address,
        password,
        password_hash: None,
        quota_bytes: limits.quota.flatten(),
        quota_messages: limits.messages_max.flatten(),
        size_max: limits.message_size_max.flatten(),
        authority: None,
    }
}

fn change(limit: Option<Limit>) -> Change<u64> {
    match limit {
        None => Change::Keep,
        Some(None) => Change::Clear,
        Some(Some(number)) => Change::Set(number),
    }
}
