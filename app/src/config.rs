//! The configuration: one file in TOML. An empty one is valid.

mod check;
mod document;
mod mistake;
mod reading;
mod schema;
mod show;
mod table;
mod value;

#[cfg(test)]
mod tests;

pub use check::{Keypair, identity, reread};
pub use document::file as document;
pub use schema::{Config, Ldap, Listener, Route};
pub use show::{rows, show};
pub use table::{Present, When};
pub use value::{
    AcmeChallenge, Address, Cleartext, HostName, List, Port, Server, SystemName, Text, TlsMode,
    UserSource, WayTls,
};

use anyhow::{Context, Result, anyhow};
use mistake::Mistake;
use reading::Reading;
use schema::STANDARD;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use table::{Form, Section, Table};
use toml::de::DeTable;

/// Where the configuration is looked for if nobody says.
const PLACES: [&str; 2] = ["/etc/estafeta/estafeta.toml", "estafeta.toml"];
/// Octets of a file that is read: a larger one is another file.
const SIZE_MAX: u64 = 16 * 1024 * 1024;

/// The configuration, and what was found out when it was read.
#[derive(Debug)]
pub struct Loaded {
    /// The file it was read from.
    pub file: PathBuf,
    /// Its text.
    text: String,
    /// What it says.
    pub config: Config,
    /// The certificates that it names, read.
    pub keypairs: Vec<Keypair>,
    mistakes: Vec<Mistake>,
}

/// The file: the one that was chosen, or the first that is there.
pub fn find(chosen: Option<&Path>) -> Option<PathBuf> {
    let there = || PLACES.iter().map(PathBuf::from).find(|place| place.exists());
    chosen.map(Path::to_owned).or_else(there)
}

/// The same, if there must be one.
pub fn must_find(chosen: Option<&Path>) -> Result<PathBuf> {
    let [standard, here] = PLACES;
    find(chosen).ok_or_else(|| {
        anyhow!(
            "no configuration at {standard} nor at ./{here}; make one with \"estafeta init\", or \
             name another with --config FILE"
        )
    })
}

/// Where a new one is put if nobody says.
pub fn place_for_new(is_root: bool) -> PathBuf {
    let [standard, here] = PLACES;
    PathBuf::from(if is_root { standard } else { here })
}

impl Loaded {
    /// Reads a file and looks for mistakes, in it and in what it speaks of.
    pub fn read(file: &Path) -> Result<Loaded> {
        Ok(Loaded::of(file, read(file)?))
    }

    /// The same for a text that would be in this file.
    pub fn of(file: &Path, text: String) -> Loaded {
        let base = file.parent().unwrap_or(Path::new(""));
        let mut reading = Reading::default();
        let mut config = parse(&text, &mut reading);
        config.complete(base);
        let keypairs = check::check(&config, &mut reading);
        let mistakes = reading.into_mistakes();
        Loaded { file: file.to_owned(), text, config, keypairs, mistakes }
    }

    /// Can a server run with it?
    pub fn is_good(&self) -> bool {
        self.mistakes.iter().all(|mistake| mistake.severity == mistake::Severity::Warning)
    }

    /// How many mistakes, and how many warnings.
    pub fn counts(&self) -> (usize, usize) {
        let is_warning = |mistake: &&Mistake| mistake.severity == mistake::Severity::Warning;
        let warnings = self.mistakes.iter().filter(is_warning).count();
        (self.mistakes.len() - warnings, warnings)
    }

    /// Everything that is wrong with it, for people.
    pub fn report(&self) -> String {
        mistake::render(&self.file, &self.text, &self.mistakes)
    }

    /// The same for programs.
    pub fn report_json(&self) -> serde_json::Value {
        serde_json::json!({
            "file": self.file.display().to_string(),
            "good": self.is_good(),
            "mistakes": mistake::told(&self.text, &self.mistakes),
        })
    }

    /// Itself, if a server can run with it.
    pub fn good(self) -> Result<Loaded> {
        match self.is_good() {
            true => Ok(self),
            false => {
                Err(anyhow!("the configuration cannot be used:\n\n{}", self.report().trim_end()))
            }
        }
    }
}

/// Reads as much as can be read.
fn parse(text: &str, reading: &mut Reading) -> Config {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let all = lost(text, span.clone());
        reading.unreadable(span, all, error.message());
    }
    let mut config = Config::default();
    reading.table(&mut config, table.get_ref(), "", &sections());
    config
}

/// What cannot be understood because of an error at `span`: that alone, or, behind a broken header,
/// all keys up to the next one, for nobody knows where they belong.
fn lost(text: &str, span: Range<usize>) -> Range<usize> {
    let Some((before, after)) = text.split_at_checked(span.start) else { return span };
    let line = before.rsplit('\n').next().unwrap_or_default();
    if !line.trim_start().starts_with('[') {
        return span;
    }
    let next = after.find("\n[").map_or(text.len(), |end| span.start + end);
    span.start..next.max(span.end)
}

/// Every section, with every key.
pub fn sections() -> Vec<Section> {
    let mut sections = Vec::new();
    Config::describe("", Form::Top, &mut sections);
    sections
}

impl Config {
    /// Puts what applies in the place of what the file leaves open; makes paths whole.
    fn complete(&mut self, base: &Path) {
        // Only without a working directory it stays as it is.
        let here = if base.as_os_str().is_empty() { Path::new(".") } else { base };
        let base = &std::path::absolute(here).unwrap_or(base.to_owned());
        *self = std::mem::take(self).with_system_name();
        self.data = base.join(&self.data);
        self.reach.0.iter_mut().for_each(|path| *path = base.join(&*path));
        let ldap = [&mut self.ldap.ca, &mut self.ldap.service_password_file];
        ldap.into_iter().flatten().for_each(|path| *path = base.join(&*path));
        let system = &mut self.system_users;
        for path in [&mut system.passwd, &mut system.shadow, &mut system.login_defs] {
            *path = base.join(&*path);
        }
        for certificate in &mut self.certificate {
            for path in [&mut certificate.chain, &mut certificate.key].into_iter().flatten() {
                *path = base.join(&*path);
            }
        }
        if self.listener.is_empty() {
            let standard = |service| Listener { service: Some(service), ..Listener::default() };
            self.listener = STANDARD.into_iter().map(standard).collect();
        }
        self.listener.iter_mut().for_each(Listener::complete);
    }

    /// The same with the system's name in the place of none.
    pub fn with_system_name(mut self) -> Config {
        self.host_name = self.host_name.or_else(system_name);
        self
    }

    /// What this server calls itself.
    pub fn host_name(&self) -> String {
        self.host_name
            .as_ref()
            .map_or_else(|| "localhost".to_string(), |HostName(name)| name.clone())
    }

    /// The values of all keys.
    pub fn present(&self) -> Vec<Present> {
        let mut values = Vec::new();
        self.values("", &mut values);
        values
    }
}

impl Listener {
    /// The values of its keys.
    pub fn present(&self) -> Vec<Present> {
        let mut values = Vec::new();
        self.values("", &mut values);
        values
    }

    fn complete(&mut self) {
        let Some(service) = self.service else { return };
        self.port = self.port.or_else(|| service.standard_port().map(Port));
        self.tls = self.tls.or(Some(service.usual_tls()));
    }
}

/// The name that the system has, if it is one that others may be told.
fn system_name() -> Option<HostName> {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy().into_owned();
    let domain = rustix::system::uname().domainname().to_string_lossy().into_owned();
    let full = match name.contains('.') || domain.is_empty() || domain.starts_with('(') {
        true => name,
        false => format!("{name}.{domain}"),
    };
    full.parse().ok()
}

/// A key whose value is another than before.
#[derive(Debug, PartialEq)]
pub struct Changed {
    /// Its name, as in `limits.message_size`.
    pub key: String,
    /// When it is heeded.
    pub when: When,
}

/// What differs between the configuration that a server runs with and another.
pub fn changes(old: &Config, new: &Config) -> Vec<Changed> {
    let (old, new) = (old.present(), new.present());
    let missing = |present: &&Present, others: &[Present]| !others.contains(present);
    let mut changed: Vec<Changed> = Vec::new();
    let different = new.iter().filter(|p| missing(p, &old));
    for present in different.chain(old.iter().filter(|p| missing(p, &new))) {
        let section = present.section.split('[').next().unwrap_or_default();
        let key = reading::join(&present.section, present.name);
        let sections = sections();
        let described = sections.iter().find(|described| described.path == section);
        let described = described.and_then(|s| s.keys.iter().find(|k| k.name == present.name));
        let when = described.map_or(When::Restart, |key| key.when);
        if !changed.iter().any(|other| other.key == key) {
            changed.push(Changed { key, when });
        }
    }
    changed
}

/// The directory of the data, if a configuration is to be found that names it. Of the file, only
/// what it says is looked at, not what it speaks of.
pub fn data_directory(chosen: Option<&Path>) -> Result<Option<PathBuf>> {
    let Some(file) = find(chosen) else { return Ok(None) };
    let text = read(&file).context("or say with --data DIR where the data are")?;
    let mut reading = Reading::default();
    let mut config = parse(&text, &mut reading);
    if !reading.is_good() {
        return Err(anyhow!(
            "{} has mistakes; see \"estafeta config check\", or say with --data DIR where the data are",
            file.display()
        ));
    }
    config.complete(file.parent().unwrap_or(Path::new("")));
    Ok(Some(config.data))
}

/// The text of a file.
fn read(file: &Path) -> Result<String> {
    let advice = "name another with --config FILE, or make one with \"estafeta init\"";
    let cannot = || format!("cannot read {}; {advice}", file.display());
    if fs::metadata(file).with_context(cannot)?.len() > SIZE_MAX {
        return Err(anyhow!("{} is too large to be a configuration; {advice}", file.display()));
    }
    String::from_utf8(fs::read(file).with_context(cannot)?).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|octet| **octet == b'\n').count() + 1;
        anyhow!("{}: line {line} is not UTF-8; write it anew", file.display())
    })
}
