//! One connection to one server.

use crate::Attributes;
use crate::entry::Entry;
use crate::error::Trouble;
use crate::options::{Account, Checked};
use crate::pool::Kind;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapResult, Scope, SearchEntry, SearchOptions};
use std::time::Duration;
use tracing::debug;

/// Share of the time that connecting to one of several servers may take.
const CONNECT_SHARE: u32 = 2;
/// Entries that are asked for: one more than may be there.
const ENTRIES_MAX: i32 = 2;

/// Results of a bind (RFC 4511 §4.1.9) by which a server says that they are not let in: a constraint
/// is violated (too many wrong passwords), there is no such object, its name cannot be, it has no
/// password, the credentials are invalid, insufficient rights, unwilling (the account is locked).
const NOT_LET_IN: [u32; 7] = [19, 32, 34, 48, 49, 50, 53];
const SUCCESS: u32 = 0;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;
const INVALID_DN_SYNTAX: u32 = 34;
const INSUFFICIENT_ACCESS: u32 = 50;

/// What a connection is to do.
pub(crate) enum Work<'a> {
    /// Read the entry at `dn`.
    Read { dn: &'a str },
    /// Find the one entry below `base`.
    Search { base: &'a str, filter: &'a str },
    /// Become `dn`.
    Bind { dn: &'a str, password: &'a str },
    /// Become `dn`, and read its entry.
    BindAndRead { dn: &'a str, password: &'a str },
}

impl Work<'_> {
    /// By which connection.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Work::Read { .. } | Work::Search { .. } => Kind::Service,
            Work::Bind { .. } | Work::BindAndRead { .. } => Kind::Bind,
        }
    }
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Was a bind let in?
    pub(crate) is_in: bool,
    /// What was read or found.
    pub(crate) entry: Option<Entry>,
}

/// A connection, encrypted as it is to be. It ends when it is dropped.
pub(crate) struct Connection {
    ldap: Ldap,
    within: Duration,
}

impl Connection {
    /// To the first server that can be reached.
    pub(crate) async fn open(options: &Checked) -> Result<Connection, Trouble> {
        let mut last = Trouble::new("no server");
        for url in &options.urls {
            // One that does not answer leaves time for the next.
            let within = match options.urls.len() {
                1 => options.within,
                _ => options.within / CONNECT_SHARE,
            };
            let settings = LdapConnSettings::new()
                .set_conn_timeout(within)
                .set_config(options.tls.clone())
                .set_starttls(options.is_starttls);
            match LdapConnAsync::with_settings(settings, url).await {
                Ok((driver, ldap)) => {
                    tokio::spawn(async move {
                        if let Err(error) = driver.drive().await {
                            debug!(%error, "a connection to the LDAP directory ended");
                        }
                    });
                    return Ok(Connection { ldap, within: options.within });
                }
                Err(error) => last = Trouble::new(format!("{url}: {error}")),
            }
        }
        Err(last)
    }

    /// Is it known to be of no more use?
    pub(crate) fn is_closed(&mut self) -> bool {
        self.ldap.is_closed()
    }

    /// Becomes the service.
    pub(crate) async fn bind_service(&mut self, account: &Account) -> Result<(), Trouble> {
        let result = self.ldap.simple_bind(&account.dn, &account.password).await?;
        match result.rc {
            SUCCESS => Ok(()),
            _ => Err(Trouble::refused(&format!("the bind as {}", account.dn), &result)),
        }
    }

    /// Does it.
    pub(crate) async fn work(
        &mut self,
        work: &Work<'_>,
        attributes: &Attributes,
    ) -> Result<Done, Trouble> {
        let mut done = Done::default();
        match work {
            Work::Read { dn } => done.entry = self.read(dn, attributes).await?,
            Work::Search { base, filter } => {
                done.entry = self.search(base, filter, attributes).await?;
            }
            Work::Bind { dn, password } => done.is_in = self.bind(dn, password).await?,
            Work::BindAndRead { dn, password } => {
                done.is_in = self.bind(dn, password).await?;
                if done.is_in {
                    done.entry = self.read(dn, attributes).await?;
                }
            }
        }
        Ok(done)
    }

    /// Becomes `dn`. `false`: the password is not theirs, or they may not come in.
    async fn bind(&mut self, dn: &str, password: &str) -> Result<bool, Trouble> {
        // Either would make it a bind of nobody, which succeeds with many servers.
        if dn.is_empty() || password.is_empty() {
            return Ok(false);
        }
        let result = self.ldap.simple_bind(dn, password).await?;
        match result.rc {
            SUCCESS => Ok(true),
            code if NOT_LET_IN.contains(&code) => Ok(false),
            _ => Err(Trouble::refused("a bind", &result)),
        }
    }

    /// The entry at `dn`. `None`: there is none, or we may not see it.
    async fn read(&mut self, dn: &str, attributes: &Attributes) -> Result<Option<Entry>, Trouble> {
        let (entries, result) = self.ask(dn, Scope::Base, "(objectClass=*)", attributes).await?;
        match result.rc {
            SUCCESS => Ok(entries.into_iter().next()),
            NO_SUCH_OBJECT | INVALID_DN_SYNTAX | INSUFFICIENT_ACCESS => Ok(None),
            _ => Err(Trouble::refused("reading an entry", &result)),
        }
    }

    /// The one entry below `base` that fits. An error if there are several: nobody knows whose
    /// password it would be.
    async fn search(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &Attributes,
    ) -> Result<Option<Entry>, Trouble> {
        let (mut entries, result) = self.ask(base, Scope::Subtree, filter, attributes).await?;
        match result.rc {
            SUCCESS | SIZE_LIMIT_EXCEEDED if entries.len() > 1 => {
                let names: Vec<&str> = entries.iter().map(|entry| entry.dn.as_str()).collect();
                Err(Trouble::new(format!(
                    "several entries fit one name: {}; make the filter stricter",
                    names.join(" and ")
                )))
            }
            SUCCESS => Ok(entries.pop()),
            _ => Err(Trouble::refused(&format!("the search below {base}"), &result)),
        }
    }

    async fn ask(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &Attributes,
    ) -> Result<(Vec<Entry>, LdapResult), Trouble> {
        let seconds = i32::try_from(self.within.as_secs()).unwrap_or(i32::MAX).max(1);
        let options = SearchOptions::new().sizelimit(ENTRIES_MAX).timelimit(seconds);
        let names = attributes.names();
        let searched = self.ldap.with_search_options(options);
        let found = searched.search(base, scope, filter, names).await?;
        let entries = found.0.into_iter().map(|entry| Entry::new(SearchEntry::construct(entry)));
        Ok((entries.collect(), found.1))
    }
}
