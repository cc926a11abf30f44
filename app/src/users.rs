//! People who are known elsewhere: the authorities that the configuration names.

use crate::config::{Config, Ldap, Text, TlsMode, UserSource};
use anyhow::{Context, Result, anyhow};
use core_directory::{Elsewhere, Provision};
use core_world::{Authority, World};
use engine_ldap::{Account, Attributes, Encryption, LdapAuthority, Way};
use engine_net::Roots;
use engine_system_users::SystemUsers;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;
use words_mail::Domain;

/// Octets of a file that holds a password.
const PASSWORD_MAX: u64 = 4096;

/// What was made ready of them before the store is open.
#[derive(Default)]
pub struct Users {
    sources: Vec<Source>,
    domain: Option<Domain>,
}

enum Source {
    Ldap(LdapAuthority),
    System(engine_system_users::Options),
}

impl Users {
    /// As the configuration says. Reads the password of the service.
    pub fn of(config: &Config) -> Result<Users> {
        let sources = config.users.from.0.iter().map(|source| Source::of(*source, config));
        let sources = sources.collect::<Result<Vec<_>>>()?;
        let domain = config.users.domain.as_ref();
        let domain = domain.map(|name| Domain::parse(&name.0)).transpose()?;
        Ok(Users { sources, domain })
    }

    /// As the directory wants them; `provision` makes the mailboxes of their accounts.
    pub fn elsewhere(self, world: &World, provision: Provision) -> Elsewhere {
        let authority = |source: Source| -> Arc<dyn Authority> {
            match source {
                Source::Ldap(ldap) => Arc::new(ldap),
                Source::System(options) => {
                    let World { clock, passwords, .. } = world.clone();
                    Arc::new(SystemUsers::new(options, clock, passwords))
                }
            }
        };
        Elsewhere {
            authorities: self.sources.into_iter().map(authority).collect(),
            domain: self.domain,
            provision: Some(provision),
        }
    }
}

impl Source {
    fn of(source: UserSource, config: &Config) -> Result<Source> {
        let within = config.users.within.duration();
        match source {
            UserSource::Ldap => {
                let file = config.ldap.service_password_file.as_deref();
                let password = file.map(read_password).transpose()?;
                let options = ldap_options(&config.ldap, within, password);
                let ldap = options.and_then(|o| LdapAuthority::new(o).map_err(|e| e.to_string()));
                ldap.map(Source::Ldap).map_err(|error| anyhow!("[ldap]: {error}"))
            }
            UserSource::System => {
                let options = system_options(config, within);
                if let Err(why) = SystemUsers::probe(&options) {
                    warn!(%why, "the users of the system cannot be asked");
                }
                Ok(Source::System(options))
            }
        }
    }
}

/// What the engine needs to be told; `password` is that of the service, if it was read. Errors end
/// with the next step.
pub fn ldap_options(
    ldap: &Ldap,
    within: Duration,
    password: Option<String>,
) -> Result<engine_ldap::Options, String> {
    if ldap.servers.0.is_empty() {
        return Err("no server is named: servers = \"ldap.example.org\"".to_string());
    }
    let way = match (&ldap.bind_dn, &ldap.base) {
        (Some(Text(dn)), _) => Way::Bind { dn: dn.clone() },
        (None, Some(Text(base))) => {
            Way::Search { base: base.clone(), filter: ldap.filter.0.clone() }
        }
        (None, None) => {
            return Err("it is not said who is who: give bind_dn, or base and filter".to_string());
        }
    };
    let roots = match &ldap.ca {
        Some(file) => Roots::of_system().and(file).map_err(|error| error.to_string())?,
        None => Roots::of_system(),
    };
    let text = |value: &Option<Text>| value.as_ref().map(|Text(text)| text.clone());
    let account = |dn| password.map(|password| Account { dn, password });
    let options = engine_ldap::Options {
        servers: ldap.servers.0.iter().map(|Text(server)| server.clone()).collect(),
        encryption: match ldap.tls {
            TlsMode::Implicit => Encryption::Implicit,
            TlsMode::StartTls => Encryption::StartTls,
            TlsMode::None => Encryption::None,
        },
        roots,
        way,
        service: text(&ldap.service_dn).and_then(account),
        attributes: Attributes {
            user: ldap.user_attribute.0.clone(),
            address: ldap.address_attribute.0.clone(),
            aliases: text(&ldap.alias_attribute),
            quota: text(&ldap.quota_attribute),
        },
        within,
        connections_max: ldap.connections.0.try_into().unwrap_or(1),
    };
    LdapAuthority::new(options.clone()).map_err(|error| error.to_string())?;
    Ok(options)
}

fn system_options(config: &Config, within: Duration) -> engine_system_users::Options {
    let system = &config.system_users;
    engine_system_users::Options {
        passwd: system.passwd.clone(),
        shadow: system.shadow.clone(),
        login_defs: system.login_defs.clone(),
        pam_service: system.pam_service.as_ref().map(|Text(service)| service.clone()),
        within,
    }
}

/// The first line of a file.
fn read_password(file: &Path) -> Result<String> {
    let cannot = || {
        let next = "let the server's user read it, and nobody else";
        format!("cannot read {}; {next}", file.display())
    };
    if fs::metadata(file).with_context(cannot)?.len() > PASSWORD_MAX {
        return Err(anyhow!("{} is too large to be a password; name another", file.display()));
    }
    let text = fs::read_to_string(file).with_context(cannot)?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_string()),
        _ => Err(anyhow!("{} is empty; write the password into it", file.display())),
    }
}
