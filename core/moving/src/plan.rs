//! What a whole Dovecot server has: who, and where their mail is.

mod location;
mod user;

pub use location::Location;
pub use user::PlannedUser;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use words_archive::dovecot_conf::{Node, blocks, parse, setting};
use words_archive::passwd::{SystemUser, parse_passwd, parse_passwd_file, parse_shadow};

/// Deepest nesting of files that include others.
const INCLUDES_MAX: usize = 16;
/// Least uid of a person, where the configuration does not say: Dovecot's.
const UID_MIN: u32 = 500;
/// Greatest uid of a person: that of nobody, and those of containers, are above.
const UID_MAX: u32 = 60_000;

/// The files of a server's configuration.
pub trait ConfigFiles {
    /// The text of a file; `None` if there is none. The error says why it cannot be read.
    fn read(&self, path: &Path) -> Result<Option<String>, String>;

    /// The files that a pattern with `*` in its last part names, sorted.
    fn matching(&self, pattern: &Path) -> Vec<PathBuf>;
}

/// What is to be moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Everybody, by name.
    pub users: Vec<PlannedUser>,
    /// How POP3 names messages there (`pop3_uidl_format`), if it is told.
    pub unique_id_format: Option<String>,
    /// What the operator should know.
    pub remarks: Vec<String>,
}

/// Reads a configuration file with all that it includes.
pub fn load(files: &dyn ConfigFiles, path: &Path) -> Result<Vec<Node>, String> {
    let text = files.read(path)?.ok_or_else(|| format!("there is no {}", path.display()))?;
    let mut nodes = Vec::new();
    include(files, path, &text, 0, &mut nodes)?;
    Ok(nodes)
}

fn include(
    files: &dyn ConfigFiles,
    path: &Path,
    text: &str,
    depth: usize,
    nodes: &mut Vec<Node>,
) -> Result<(), String> {
    if depth > INCLUDES_MAX {
        return Err(format!("{}: files that include one another", path.display()));
    }
    for node in parse(text) {
        let Node::Include { pattern, optional } = node else {
            nodes.push(node);
            continue;
        };
        let pattern = path.parent().unwrap_or(Path::new("")).join(pattern);
        let named = match pattern.to_string_lossy().contains('*') {
            true => files.matching(&pattern),
            false => vec![pattern],
        };
        for file in named {
            match files.read(&file) {
                Ok(Some(text)) => include(files, &file, &text, depth + 1, nodes)?,
                Ok(None) | Err(_) if optional => {}
                Ok(None) => return Err(format!("there is no {}", file.display())),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Makes the plan of a configuration. `domain` is for users whose names have none.
pub fn plan(nodes: &[Node], files: &dyn ConfigFiles, domain: Option<&str>) -> Plan {
    let mut planning = Planning {
        nodes,
        files,
        domain,
        plan: Plan::default(),
        users: BTreeMap::new(),
        homes: None,
        is_system: false,
    };
    planning.databases("passdb");
    planning.databases("userdb");
    planning.finish()
}

/// What is known of a user so far.
#[derive(Default)]
struct Known {
    hash: Option<String>,
    home: Option<String>,
    mail: Option<String>,
    quota: Option<String>,
}

struct Planning<'a> {
    nodes: &'a [Node],
    files: &'a dyn ConfigFiles,
    domain: Option<&'a str>,
    plan: Plan,
    users: BTreeMap<String, Known>,
    /// Home directories by pattern, from a static userdb.
    homes: Option<String>,
    is_system: bool,
}

impl Planning<'_> {
    fn databases(&mut self, kind: &str) {
        for (name, nodes) in blocks(self.nodes, kind) {
            let driver = setting(nodes, "driver")
                .or_else(|| setting(nodes, &format!("{kind}_driver")))
                .unwrap_or(name);
            let args = setting(nodes, "args").unwrap_or_default();
            match driver {
                "passwd-file" => self.passwd_file(nodes, args),
                "pam" | "shadow" | "passwd" => self.system(),
                "static" => self.fixed(nodes, args),
                "prefetch" => {}
                other => self.plan.remarks.push(format!(
                    "{kind} with driver {other} is not read; make these accounts with \"estafeta \
                     account add --from FILE\" and move each with \"estafeta import maildir\""
                )),
            }
        }
    }

    /// `scheme=CRYPT username_format=%u /etc/dovecot/users`
    fn passwd_file(&mut self, nodes: &[Node], args: &str) {
        let mut scheme = setting(nodes, "default_password_scheme").unwrap_or("CRYPT");
        let mut path = setting(nodes, "passwd_file_path").unwrap_or_default();
        for word in args.split_ascii_whitespace() {
            match word.split_once('=') {
                Some(("scheme", value)) => scheme = value,
                Some(_) => {}
                None => path = word,
            }
        }
        if path.contains('%') {
            let why = format!(
                "{path}: users in one file for each domain are not read; read each with \
                 a configuration that names the file"
            );
            self.plan.remarks.push(why);
            return;
        }
        let Some(text) = self.text(path) else { return };
        for user in parse_passwd_file(&text) {
            let known = self.users.entry(user.name.clone()).or_default();
            let with_scheme = |hash: String| match hash.starts_with('{') {
                true => hash,
                false => format!("{{{scheme}}}{hash}"),
            };
            let mail = user.field("mail").map(str::to_string);
            let quota = user.field("quota_rule").map(str::to_string);
            known.hash = known.hash.take().or(user.hash.map(with_scheme));
            known.home = user.home.or(known.home.take());
            known.mail = mail.or(known.mail.take());
            known.quota = quota.or(known.quota.take());
        }
    }

    /// `uid=vmail gid=vmail home=/var/vmail/%d/%n`
    fn fixed(&mut self, nodes: &[Node], args: &str) {
        let home = args.split_ascii_whitespace().find_map(|word| word.strip_prefix("home="));
        let inner = blocks(nodes, "fields");
        let home = home.or_else(|| inner.iter().find_map(|(_, nodes)| setting(nodes, "home")));
        self.homes = home.map(str::to_string).or(self.homes.take());
    }

    fn system(&mut self) {
        if std::mem::replace(&mut self.is_system, true) {
            return;
        }
        let limit = |key: &str, default: u32| {
            let told = setting(self.nodes, key).and_then(|value| value.parse().ok());
            told.filter(|uid| *uid > 0).unwrap_or(default)
        };
        let (first, last) = (limit("first_valid_uid", UID_MIN), limit("last_valid_uid", UID_MAX));
        let Some(text) = self.text("/etc/passwd") else { return };
        let people: Vec<SystemUser> = parse_passwd(&text)
            .into_iter()
            .filter(|user| (first..=last).contains(&user.uid) && can_log_in(&user.shell))
            .collect();
        // Whoever may not read the hashes moves the mail all the same.
        let shadow = match self.files.read(Path::new("/etc/shadow")) {
            Ok(text) => parse_shadow(&text.unwrap_or_default()),
            Err(error) => {
                self.plan.remarks.push(format!("{error}: these people need new passwords"));
                Vec::new()
            }
        };
        for user in people {
            let hash = shadow.iter().find(|(name, _)| *name == user.name);
            let known = self.users.entry(user.name).or_default();
            known.hash = known.hash.take().or(hash.map(|(_, hash)| format!("{{CRYPT}}{hash}")));
            known.home = known.home.take().or(Some(user.home));
        }
    }

    fn text(&mut self, path: &str) -> Option<String> {
        match self.files.read(Path::new(path)) {
            Ok(Some(text)) => Some(text),
            Ok(None) => {
                self.plan.remarks.push(format!("there is no {path}"));
                None
            }
            Err(error) => {
                self.plan.remarks.push(error);
                None
            }
        }
    }

    fn finish(mut self) -> Plan {
        self.plan.unique_id_format = setting(self.nodes, "pop3_uidl_format").map(str::to_string);
        let template = location::template(self.nodes);
        let homes = setting(self.nodes, "mail_home").map(str::to_string).or(self.homes.take());
        for (name, known) in std::mem::take(&mut self.users) {
            match user::planned(&name, known, homes.as_deref(), &template, self.domain) {
                Ok(user) => self.plan.users.push(user),
                Err(why) => self.plan.remarks.push(format!("{name}: {why}")),
            }
        }
        self.plan
    }
}

/// Services have shells that end at once.
fn can_log_in(shell: &str) -> bool {
    !shell.ends_with("/nologin") && !shell.ends_with("/false") && !shell.ends_with("/sync")
}
