//! Aliases of another server.

use crate::office::Office;
use crate::request::{Reply, read_address, read_domain};
use core_directory::{AdminError, DomainChange};
use serde::{Deserialize, Serialize};
use words_archive::alias::{AliasForm, AliasLine, AliasTarget, parse};
use words_mail::{Address, Domain};

/// Aliases to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AliasesRequest {
    /// The file's text.
    pub text: String,
    /// Domain of names that have none.
    pub domain: Option<String>,
    /// Change nothing?
    pub dry_run: bool,
}

/// What became of an alias.
#[derive(Clone, Debug, Serialize)]
struct Outcome {
    line: usize,
    name: String,
    what: String,
    good: bool,
}

/// Does it. Aliases that lead to one another come in any order: those whose targets are missing are
/// tried again while others are made.
pub(super) async fn fulfil(office: &Office, request: AliasesRequest) -> Result<Reply, String> {
    let domain = request.domain.as_deref().map(read_domain).transpose()?;
    let form = AliasForm::of(&request.text);
    let (mut waiting, senseless) = parse(&request.text, form);
    let mut outcomes: Vec<Outcome> =
        senseless.iter().map(|line| outcome(*line, "", "the line makes no sense", false)).collect();
    let making = Making { office, domain: domain.as_ref(), dry_run: request.dry_run };
    loop {
        let before = waiting.len();
        let mut again = Vec::new();
        for alias in waiting {
            match making.make(&alias).await {
                Ok(what) => outcomes.push(outcome(alias.line, &alias.name, &what, true)),
                Err(Failure::Later(_)) => again.push(alias),
                Err(Failure::Never(why)) => {
                    outcomes.push(outcome(alias.line, &alias.name, &why, false));
                }
            }
        }
        waiting = again;
        if waiting.is_empty() || waiting.len() == before || request.dry_run {
            break;
        }
    }
    for alias in waiting {
        let why = match making.make(&alias).await {
            Ok(what) => what,
            Err(Failure::Later(why) | Failure::Never(why)) => why,
        };
        outcomes.push(outcome(alias.line, &alias.name, &why, request.dry_run));
    }
    outcomes.sort_by_key(|one| one.line);
    let good = outcomes.iter().all(|one| one.good);
    let mut text = String::new();
    for Outcome { line, name, what, good } in &outcomes {
        text += &format!("{} line {line}: {name}: {what}\n", if *good { "good" } else { "NOT " });
    }
    if text.is_empty() {
        text = "There is no alias in the file\n".to_string();
    }
    let value = serde_json::json!({ "good": good, "aliases": outcomes });
    Ok(Reply::Report { text, value, good })
}

fn outcome(line: usize, name: &str, what: &str, good: bool) -> Outcome {
    Outcome { line, name: name.to_string(), what: what.to_string(), good }
}

/// Why an alias was not made.
enum Failure {
    /// It may be made when others are.
    Later(String),
    /// It is not.
    Never(String),
}

struct Making<'a> {
    office: &'a Office,
    domain: Option<&'a Domain>,
    dry_run: bool,
}

impl Making<'_> {
    async fn make(&self, alias: &AliasLine) -> Result<String, Failure> {
        let never = |why: &str| Failure::Never(why.to_string());
        let (mut targets, mut left_out) = (Vec::new(), Vec::new());
        for target in &alias.targets {
            match target {
                AliasTarget::Address(text) => targets.push(self.address(text)?),
                AliasTarget::Local(what) => left_out.push(what.clone()),
            }
        }
        if let Some(domain) = alias.name.strip_prefix('@') {
            return self.catch_all(domain, &targets).await;
        }
        if !alias.name.contains('@') && alias.name.contains('.') && self.domain.is_none() {
            return self.domain_line(&alias.name).await;
        }
        let name = self.address(&alias.name)?;
        if targets.is_empty() {
            return Err(never("files, commands and lists in files are not for an alias here"));
        }
        if targets == [name.clone()] {
            return Ok("stands for itself; nothing to do".to_string());
        }
        let shown: Vec<String> = targets.iter().map(Address::to_string).collect();
        let mut what = format!("-> {}", shown.join(", "));
        if !left_out.is_empty() {
            what += &format!(" (left out: {})", left_out.join(", "));
        }
        if self.dry_run {
            return Ok(what);
        }
        match self.office.directory.admin().add_alias(&name, &targets).await {
            Ok(_) => Ok(what),
            Err(AdminError::IsAlias(_)) => self.known(&name, &shown, what).await,
            Err(AdminError::NoSuchTarget(target)) => {
                Err(Failure::Later(AdminError::NoSuchTarget(target).to_string()))
            }
            Err(error) => Err(never(&error.to_string())),
        }
    }

    /// One that is there already is good if it says the same.
    async fn known(
        &self,
        name: &Address,
        want: &[String],
        what: String,
    ) -> Result<String, Failure> {
        let shown = self.office.directory.admin().show_alias(name).await;
        let entry = shown.map_err(|error| Failure::Never(error.to_string()))?;
        let (mut is, mut want) = (entry.targets.clone(), want.to_vec());
        is.sort();
        want.sort();
        if is == want {
            return Ok(format!("{what}; it was there already"));
        }
        let now = entry.targets.join(", ");
        Err(Failure::Never(format!("there is one already, which stands for {now}")))
    }

    async fn catch_all(&self, domain: &str, targets: &[Address]) -> Result<String, Failure> {
        let name = read_domain(domain).map_err(Failure::Never)?;
        let [target] = targets else {
            let why = "all names of a domain can lead to one address only";
            return Err(Failure::Never(why.to_string()));
        };
        let what = format!("all other names of {name} -> {target}");
        if self.dry_run {
            return Ok(what);
        }
        let change = DomainChange { catch_all: Some(Some(target.clone())), postmaster: None };
        match self.office.directory.admin().set_domain(&name, &change).await {
            Ok(_) => Ok(what),
            Err(error @ AdminError::NoSuchTarget(_)) => Err(Failure::Later(error.to_string())),
            Err(error) => Err(Failure::Never(error.to_string())),
        }
    }

    /// A map of Postfix names its domains by lines like `mired.org anything`.
    async fn domain_line(&self, name: &str) -> Result<String, Failure> {
        let name = read_domain(name).map_err(Failure::Never)?;
        if self.dry_run {
            return Ok("a domain".to_string());
        }
        match self.office.directory.admin().add_domain(&name).await {
            Ok(_) => Ok("domain added".to_string()),
            Err(AdminError::DomainExists(_)) => Ok("domain, there already".to_string()),
            Err(error) => Err(Failure::Never(error.to_string())),
        }
    }

    fn address(&self, text: &str) -> Result<Address, Failure> {
        let whole = match (text.contains('@'), self.domain) {
            (true, _) => text.to_string(),
            (false, Some(domain)) => format!("{text}@{domain}"),
            (false, None) => {
                let why = format!("{text} has no domain; give one with --domain");
                return Err(Failure::Never(why));
            }
        };
        read_address(&whole).map_err(Failure::Never)
    }
}
