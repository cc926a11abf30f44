//! `estafeta init`: a new server, by three questions or their flags: who is the first person, with
//! which password, and by which name do others find the server.

mod question;

use crate::cli::{Init, Ports};
use crate::config::{self, Address as Place, Config, HostName, List, Loaded, Port, SystemName};
use crate::data::Data;
use crate::office::Office;
use crate::secret;
use crate::service::ports;
use anyhow::{Context, Result, anyhow, bail};
use core_directory::{AdminError, NewAccount};
use engine_process::{give_up, is_root};
use std::fs::{self, OpenOptions};
use std::io::{IsTerminal, Write, stdin};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use words_mail::{Address, Domain};

/// Where somebody who is not root keeps the data: beside the configuration.
const DATA_HERE: &str = "estafeta-data";
/// Ports below this need a permission, unless the system says otherwise here.
const FIRST_FREE_PORT: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
/// Where there is all of this, the service manager runs the server.
const SYSTEMD: [&str; 2] = ["/run/systemd/system", "/usr/lib/systemd/system/estafeta.service"];
/// Copies of replaced configurations that are kept.
const COPIES_MAX: u32 = 1000;

/// How another user is named here.
const WITH_USER: &str = "name another with --user";
const FIRST_PERSON: &str = "Address of the first person, as in ana@example.org";
const SERVER_NAME: &str = "Name of this server, to which the MX record points";

/// What was answered.
struct Answers {
    account: Address,
    /// `None`: nobody can log in yet.
    password: Option<String>,
    host_name: HostName,
}

/// Asks what was not told, and writes everything.
pub fn run(options: Init, file: Option<&Path>, data: Option<&Path>) -> Result<ExitCode> {
    let file = file.map_or_else(|| config::place_for_new(is_root()), Path::to_owned);
    if file.exists() && !options.force {
        bail!(
            "{} is there already and was not touched; with --force it is replaced, and a copy kept",
            file.display()
        );
    }
    let (values, answers) = (configuration(&options, data), answers(options)?);
    let config = Config { host_name: Some(answers.host_name.clone()), ..values };
    let text = config::document(&chosen(&config));
    let loaded = Loaded::of(&file, text.clone()).good()?;
    // The data first: without them, the configuration would lead nowhere.
    let identity = match is_root() {
        true => Some(config::identity(&config).map_err(|error| {
            anyhow!("{}", error.to_string().replace("name another", WITH_USER))
        })?),
        false => None,
    };
    let data = Data::make_for(&loaded.config.data, identity.as_ref())?;
    let kept = write(&file, &text)?;
    // What follows belongs to the user that the server will be.
    give_up(identity.as_ref())?;
    let domain = answers.account.domain().clone();
    let news = furnish(&data, &answers)
        .with_context(|| format!("{} is written, but the data are not", file.display()))?;
    if let Some(kept) = kept {
        println!("The configuration from before is kept as {}.", kept.display());
    }
    println!("Configuration  {}", file.display());
    println!("Data           {}", data.path().display());
    println!("{news}");
    println!("DNS            {domain}. MX 10 {}.", loaded.config.host_name());
    println!("\nNext: {}", next(&file, is_standard(&file), identity.is_some()));
    Ok(ExitCode::SUCCESS)
}

/// What the flags say of the server.
fn configuration(options: &Init, data: Option<&Path>) -> Config {
    let mut config = Config::default();
    match data {
        Some(data) => config.data = std::path::absolute(data).unwrap_or(data.to_owned()),
        None if !is_root() => config.data = PathBuf::from(DATA_HERE),
        None => {}
    }
    if let Some(user) = &options.user {
        config.user = SystemName(user.clone());
    }
    let is_standard = options.ports.unwrap_or(usual_ports()) == Ports::Standard;
    if !is_standard || options.listen.is_some() {
        let address = options.listen.map_or(Place::Every, Place::One);
        let listener = |(service, port)| config::Listener {
            service: Some(service),
            address: List(vec![address]),
            port: Some(Port(port)),
            ..config::Listener::default()
        };
        config.listener = ports(is_standard, &[]).into_iter().map(listener).collect();
    }
    config
}

/// Who may open the standard ports has them.
fn usual_ports() -> Ports {
    let first = fs::read_to_string(FIRST_FREE_PORT).ok();
    let first = first.and_then(|text| text.trim().parse::<u16>().ok()).unwrap_or(1024);
    if is_root() || first <= 25 { Ports::Standard } else { Ports::High }
}

fn answers(options: Init) -> Result<Answers> {
    let Init { account, password, no_password, host_name, .. } = options;
    if account.is_none() && !stdin().is_terminal() {
        bail!(
            "nobody is there to be asked: give --account ADDRESS with --password-stdin or \
             --no-password, and --host-name NAME if mail.DOMAIN is not right"
        );
    }
    let account = match account {
        Some(account) => account,
        None => question::ask(FIRST_PERSON, None, Address::parse)?,
    };
    let password = match secret::given(password)? {
        None if no_password => None,
        None => Some(secret::ask(&account.to_string())?),
        given => given,
    };
    let usual = usual_host_name(account.domain());
    let host_name = match host_name {
        Some(host_name) => host_name,
        None if stdin().is_terminal() => {
            question::ask(SERVER_NAME, Some(usual), str::parse::<HostName>)?
        }
        None => usual,
    };
    Ok(Answers { account, password, host_name })
}

/// The system's name, if it is in the domain; or else one that many choose.
fn usual_host_name(domain: &Domain) -> HostName {
    let own = Config::default().with_system_name().host_name();
    match own.to_ascii_lowercase().ends_with(&format!(".{domain}").to_ascii_lowercase()) {
        true => HostName(own),
        false => HostName(format!("mail.{domain}")),
    }
}

/// The keys that stand in the new file: those that are not at their defaults, and the first two
/// always.
fn chosen(config: &Config) -> Vec<config::Present> {
    let (defaults, listener) = (Config::default().present(), config::Listener::default().present());
    let is_chosen = |present: &config::Present| match present.section.is_empty() {
        true => matches!(present.name, "host_name" | "data") || !defaults.contains(present),
        false => {
            let default = listener.iter().find(|default| default.name == present.name);
            default.is_none_or(|default| default.value != present.value)
                && !defaults.contains(present)
        }
    };
    config.present().into_iter().filter(is_chosen).collect()
}

/// Writes the file, whole or not at all. Where the one from before is kept, if there was one.
fn write(file: &Path, text: &str) -> Result<Option<PathBuf>> {
    let cannot = || format!("cannot write {}; name another file with --config", file.display());
    if let Some(directory) = file.parent().filter(|path| !path.as_os_str().is_empty()) {
        fs::create_dir_all(directory).with_context(cannot)?;
    }
    let new = file.with_extension("toml.new");
    let _ = fs::remove_file(&new);
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&new)
        .with_context(cannot)?;
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).with_context(cannot)?;
    let kept = file.exists().then(|| copy_name(file)).transpose()?;
    if let Some(kept) = &kept {
        fs::rename(file, kept).with_context(cannot)?;
    }
    fs::rename(&new, file).with_context(cannot)?;
    Ok(kept)
}

/// A name for the copy that nothing has.
fn copy_name(file: &Path) -> Result<PathBuf> {
    let name = |number: u32| file.with_extension(format!("toml.{number}"));
    let free = (1..=COPIES_MAX).map(name).find(|copy| !copy.exists());
    free.with_context(|| {
        format!("there are {COPIES_MAX} copies of {}; remove some", file.display())
    })
}

/// Makes domain and account, if they are not there yet. What was done, in words.
fn furnish(data: &Data, answers: &Answers) -> Result<String> {
    let office = Office::open(data)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let admin = office.directory.admin();
        match admin.add_domain(answers.account.domain()).await {
            Ok(_) | Err(AdminError::DomainExists(_)) => {}
            Err(error) => return Err(anyhow::Error::from(error)),
        }
        if admin.show_account(&answers.account).await.is_ok() {
            return Ok(format!("Account        {}, which was there already", answers.account));
        }
        let password = answers.password.as_ref().map(|password| password.as_bytes().to_vec());
        let how = if password.is_some() { "" } else { ", without a password" };
        let new = NewAccount::new(answers.account.clone(), password);
        admin.add_account(&new, |batch, account| office.provision(batch, account)).await?;
        Ok(format!("Account        {}{how}", answers.account))
    });
    office.store.close();
    done
}

/// Will the file be found by itself?
fn is_standard(file: &Path) -> bool {
    let found = config::find(None).and_then(|found| found.canonicalize().ok());
    found.is_some() && found == file.canonicalize().ok()
}

fn next(file: &Path, is_standard: bool, is_root_at_start: bool) -> String {
    let has_unit = SYSTEMD.iter().all(|path| Path::new(path).exists());
    match is_standard {
        true if has_unit && is_root_at_start => "systemctl enable --now estafeta".to_string(),
        true => "estafeta serve".to_string(),
        false => format!("estafeta serve --config {}", file.display()),
    }
}
