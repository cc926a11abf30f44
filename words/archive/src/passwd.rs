//! Lines of `/etc/passwd`, `/etc/shadow` and Dovecot's passwd-file.

/// A user of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemUser {
    /// Login name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// What stands for a name of a person: the first part of the GECOS field.
    pub full_name: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// The users of an `/etc/passwd`. Lines that make no sense are passed over.
pub fn parse_passwd(text: &str) -> Vec<SystemUser> {
    text.lines().filter_map(system_user).collect()
}

fn system_user(line: &str) -> Option<SystemUser> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, _, gecos, home, shell] = fields[..] else { return None };
    if name.is_empty() || name.starts_with(['#', '+', '-']) {
        return None;
    }
    let full_name = gecos.split(',').next().unwrap_or_default().to_string();
    let [name, home, shell] = [name, home, shell].map(str::to_string);
    Some(SystemUser { name, uid: uid.parse().ok()?, full_name, home, shell })
}

/// Names and password hashes of an `/etc/shadow`; locked and empty ones are left out.
pub fn parse_shadow(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let mut fields = line.split(':');
        let (name, hash) = (fields.next()?, fields.next()?);
        let usable = !name.is_empty() && hash.len() > 2 && !hash.starts_with(['!', '*']);
        usable.then(|| (name.to_string(), hash.to_string()))
    };
    text.lines().filter_map(pair).collect()
}

/// A user of a Dovecot passwd-file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswdFileUser {
    /// Name, often a whole address.
    pub name: String,
    /// Password hash, with its `{SCHEME}` if it has one. `None`: no login.
    pub hash: Option<String>,
    /// Home directory.
    pub home: Option<String>,
    /// Fields behind the seventh colon: `userdb_mail=maildir:~/Maildir`, `userdb_quota_rule=…`.
    pub extra: Vec<(String, String)>,
}

impl PasswdFileUser {
    /// An extra field of that name, with or without `userdb_` in front.
    pub fn field(&self, name: &str) -> Option<&str> {
        let is_it = |key: &str| key.strip_prefix("userdb_").unwrap_or(key) == name;
        self.extra.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value.as_str())
    }
}

/// The users of a passwd-file: `user:password:uid:gid:gecos:home:shell:extra fields`, where all but the
/// name may be missing.
pub fn parse_passwd_file(text: &str) -> Vec<PasswdFileUser> {
    text.lines().filter_map(passwd_file_user).collect()
}

fn passwd_file_user(line: &str) -> Option<PasswdFileUser> {
    let mut fields = line.splitn(8, ':');
    let name = fields.next()?.trim();
    if name.is_empty() || name.starts_with('#') {
        return None;
    }
    let hash = fields.next().filter(|hash| !hash.is_empty());
    let hash = hash.filter(|hash| !hash.starts_with(['!', '*'])).map(str::to_string);
    let home = fields.nth(3).filter(|home| !home.is_empty()).map(str::to_string);
    let extra = fields.nth(1).unwrap_or_default().split_ascii_whitespace();
    let pair = |field: &str| {
        let (key, value) = field.split_once('=').unwrap_or((field, ""));
        (key.to_string(), value.to_string())
    };
    Some(PasswdFileUser { name: name.to_string(), hash, home, extra: extra.map(pair).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_users_are_read() {
        let text = "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000:Ana Gil,,,:/home/ana:/bin/sh\n\
            # no\n+::::::\nx:y\nbad:x:n:1:::\n";
        let users = parse_passwd(text);
        let names: Vec<_> = users.iter().map(|u| (u.name.as_str(), u.uid)).collect();
        assert_eq!(names, [("root", 0), ("ana", 1000)]);
        assert_eq!((users[1].full_name.as_str(), users[1].home.as_str()), ("Ana Gil", "/home/ana"));
        let shadow = "root:!:1:\nana:$6$salt$hash:19000:0:99999:7:::\nbob:*:1\nx::\n";
        assert_eq!(parse_shadow(shadow), [("ana".to_string(), "$6$salt$hash".to_string())]);
    }

    #[test]
    fn users_of_a_passwd_file_are_read() {
        let text = "# users\nana@mired.org:{SHA512-CRYPT}$6$a$b:1000:1000::/home/ana::userdb_mail=maildir:~/M userdb_quota_rule=*:storage=1G nopassword\n\
            bob:{PLAIN}x:y\ncarla:::::/home/c\ndora\nlocked:!x\n\n";
        let users = parse_passwd_file(text);
        assert_eq!(users.len(), 5);
        assert_eq!(users[0].hash.as_deref(), Some("{SHA512-CRYPT}$6$a$b"));
        assert_eq!(users[0].home.as_deref(), Some("/home/ana"));
        assert_eq!(users[0].field("mail"), Some("maildir:~/M"));
        assert_eq!(users[0].field("quota_rule"), Some("*:storage=1G"));
        assert_eq!(users[0].field("nopassword"), Some(""));
        assert_eq!(users[1].hash.as_deref(), Some("{PLAIN}x"));
        assert_eq!((users[2].hash.as_deref(), users[2].home.as_deref()), (None, Some("/home/c")));
        assert_eq!((users[3].name.as_str(), &users[4].hash), ("dora", &None));
    }
}
