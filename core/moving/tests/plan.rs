//! Plans of servers, from the files that their administrators wrote.

use core_moving::plan::{ConfigFiles, Location, Plan, load, plan};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct Texts(BTreeMap<PathBuf, String>);

impl Texts {
    fn of(files: &[(&str, &str)]) -> Texts {
        Texts(files.iter().map(|(path, text)| (path.into(), text.to_string())).collect())
    }

    fn plan(&self, domain: Option<&str>) -> Plan {
        let nodes = load(self, Path::new("/etc/dovecot/dovecot.conf")).unwrap();
        plan(&nodes, self, domain)
    }
}

impl ConfigFiles for Texts {
    fn read(&self, path: &Path) -> Result<Option<String>, String> {
        if path == Path::new("/etc/shadow") && !self.0.contains_key(path) {
            return Err("/etc/shadow: not permitted".to_string());
        }
        Ok(self.0.get(path).cloned())
    }

    fn matching(&self, pattern: &Path) -> Vec<PathBuf> {
        let folder = pattern.parent();
        self.0.keys().filter(|path| path.parent() == folder).cloned().collect()
    }
}

fn maildir(path: &str) -> Location {
    Location::Maildir { path: path.into(), inbox: None }
}

#[test]
fn virtual_users_are_planned() {
    let files = Texts::of(&[
        ("/etc/dovecot/dovecot.conf", "!include conf.d/*.conf\n!include_try local.conf\n"),
        ("/etc/dovecot/conf.d/10-mail.conf", "mail_location = maildir:~/Maildir\n"),
        (
            "/etc/dovecot/conf.d/20.conf",
            "passdb {\n driver = passwd-file\n args = scheme=SHA512-CRYPT /etc/dovecot/users\n}\n\
             userdb {\n driver = static\n args = uid=vmail gid=vmail home=/var/vmail/%d/%n\n}\n\
             pop3_uidl_format = %v.%u\n",
        ),
        (
            "/etc/dovecot/users",
            "ana@mired.org:$6$a$b\nbob@mired.org:{PLAIN}x::::/home/bob::userdb_mail=mbox:~/mail \
             userdb_quota_rule=*:storage=1G\n",
        ),
    ]);
    let plan = files.plan(None);
    assert_eq!(plan.remarks, Vec::<String>::new());
    assert_eq!(plan.unique_id_format.as_deref(), Some("%v.%u"));
    let [ana, bob] = &plan.users[..] else { panic!("{plan:?}") };
    assert_eq!(ana.hash.as_deref(), Some("{SHA512-CRYPT}$6$a$b"));
    assert_eq!(ana.location, maildir("/var/vmail/mired.org/ana/Maildir"));
    assert_eq!(bob.address.to_string(), "bob@mired.org");
    assert_eq!(bob.location, Location::Mbox { path: "/home/bob/mail".into(), inbox: None });
    assert_eq!((bob.hash.as_deref(), bob.quota_bytes), (Some("{PLAIN}x"), Some(1 << 30)));
}

#[test]
fn system_users_are_planned() {
    let configuration = "mail_location = maildir:/srv/%u\npassdb {\ndriver = pam\n}\n\
        userdb {\ndriver = passwd\n}\nfirst_valid_uid = 1000\n";
    let passwd = "root:x:0:0::/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/bash\n\
        www:x:1001:1001::/var/www:/usr/sbin/nologin\nnobody:x:65534:1::/:/bin/sh\n";
    let mut files = Texts::of(&[
        ("/etc/dovecot/dovecot.conf", configuration),
        ("/etc/passwd", passwd),
        ("/etc/shadow", "ana:$y$j9T$x:1:\n"),
    ]);
    let plan = files.plan(Some("mired.org"));
    assert_eq!(plan.users.len(), 1, "{plan:?}");
    assert_eq!(plan.users[0].address.to_string(), "ana@mired.org");
    assert_eq!(plan.users[0].hash.as_deref(), Some("{CRYPT}$y$j9T$x"));
    assert_eq!(plan.users[0].location, maildir("/srv/ana"));
    assert!(files.plan(None).remarks[0].contains("--domain"));
    files.0.remove(Path::new("/etc/shadow"));
    let plan = files.plan(Some("mired.org"));
    assert!(plan.remarks[0].contains("new passwords"), "{plan:?}");
    assert_eq!(plan.users[0].hash, None);
}

#[test]
fn what_cannot_be_planned_is_told() {
    let files = Texts::of(&[
        (
            "/etc/dovecot/dovecot.conf",
            "mail_location = mdbox:~/m\npassdb {\ndriver = sql\n}\n\
             passdb {\ndriver = passwd-file\nargs = /u\n}\n",
        ),
        ("/u", "ana@mired.org:x::::/home/ana\n"),
    ]);
    let plan = files.plan(None);
    assert_eq!(plan.users, []);
    assert!(plan.remarks.iter().any(|r| r.contains("sql")), "{plan:?}");
    assert!(plan.remarks.iter().any(|r| r.contains("doveadm backup")), "{plan:?}");
    let endless = Texts::of(&[("/etc/dovecot/dovecot.conf", "!include dovecot.conf\n")]);
    assert!(load(&endless, Path::new("/etc/dovecot/dovecot.conf")).is_err());
}
