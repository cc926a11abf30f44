//! Against a passwd and a shadow of our own.

use core_world::{Authority, Passwords, Person, Sought, Verdict};
use engine_password::Argon2Passwords;
use engine_system::{SystemClock, SystemRandom};
use engine_system_users::{Options, SystemUsers};
use std::fs;
#[cfg(feature = "pam")]
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The first example of the description of SHA-crypt.
const SHA256: &str = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
const SHA256_PASSWORD: &str = "Hello world!";

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
ana:x:1000:1000:Ana,,,:/home/ana:/bin/bash
Bob:x:1001:1001::/home/bob:/bin/sh
shut:x:1002:1002::/home/shut:/usr/sbin/nologin
false:x:1003:1003::/home/false:/bin/false
nohash:x:1004:1004::/home/nohash:/bin/sh
locked:x:1005:1005::/home/locked:/bin/sh
empty:x:1006:1006::/home/empty:/bin/sh
over:x:1007:1007::/home/over:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/sh
broken line
";

struct House {
    folder: TempDir,
    users: SystemUsers,
}

fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let shadow = format!(
        "root:{SHA256}:1::::::\nana:{SHA256}:20000:0:99999:7:::\nBob:{SHA256}:20000:0:99999:7:::\n\
         shut:{SHA256}:1::::::\nlocked:!{SHA256}:1::::::\nempty::1::::::\n\
         over:{SHA256}:1:::::19000:\nnobody:{SHA256}:1::::::\n"
    );
    fs::write(path("passwd"), PASSWD).unwrap();
    fs::write(path("shadow"), shadow).unwrap();
    let options = Options {
        passwd: path("passwd"),
        shadow: path("shadow"),
        login_defs: path("login.defs"),
        pam_service: None,
        within: Duration::from_secs(30),
    };
    let users = with(options);
    House { folder, users }
}

fn with(options: Options) -> SystemUsers {
    let passwords: Arc<dyn Passwords> = Arc::new(Argon2Passwords::new(Arc::new(SystemRandom)));
    SystemUsers::new(options, Arc::new(SystemClock), passwords)
}

fn sought(user: &str) -> Sought {
    Sought { user: user.to_string(), address: Some(format!("{user}@mired.org")) }
}

fn right(user: &str) -> Verdict {
    Verdict::Right(Person { user: user.to_string(), ..Person::default() })
}

#[tokio::test]
async fn people_are_those_with_a_number_and_a_shell_of_people() {
    let house = house();
    for user in ["ana", "bob", "nohash", "locked"] {
        assert!(house.users.look_up(&sought(user)).await.unwrap().is_some(), "{user}");
    }
    for user in ["root", "daemon", "shut", "false", "nobody", "broken line", "", "x", "ana:x"] {
        assert_eq!(house.users.look_up(&sought(user)).await, Ok(None), "{user}");
    }
    let login_defs = house.folder.path().join("login.defs");
    fs::write(login_defs, "UID_MIN 1001\nUID_MAX 70000\n").unwrap();
    assert_eq!(house.users.look_up(&sought("ana")).await, Ok(None));
    assert!(house.users.look_up(&sought("nobody")).await.unwrap().is_some());
}

#[tokio::test]
async fn passwords_are_verified_by_their_hashes() {
    let house = house();
    let verify = async |user: &str, password: &str| {
        house.users.verify(&sought(user), password.as_bytes()).await.unwrap()
    };
    assert_eq!(verify("ana", SHA256_PASSWORD).await, right("ana"));
    assert_eq!(verify("bob", SHA256_PASSWORD).await, right("Bob"));
    for password in ["", "hello world!", SHA256, "!", "\0"] {
        assert_eq!(verify("ana", password).await, Verdict::Wrong, "{password:?}");
    }
    for user in ["nohash", "locked", "empty", "over"] {
        assert_eq!(verify(user, SHA256_PASSWORD).await, Verdict::Wrong, "{user}");
        assert_eq!(verify(user, "").await, Verdict::Wrong, "{user}");
    }
    for user in ["root", "shut", "nobody", "stranger"] {
        assert_eq!(verify(user, SHA256_PASSWORD).await, Verdict::Unknown, "{user}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_are_no_answer() {
    let house = house();
    let path = |name: &str| house.folder.path().join(name);
    let hidden = path("shadow.hidden");
    fs::rename(path("shadow"), &hidden).unwrap();
    let error = house.users.verify(&sought("ana"), b"x").await.unwrap_err().to_string();
    assert!(error.contains("shadow") && error.contains("adduser USER shadow"), "{error}");
    assert!(house.users.look_up(&sought("ana")).await.unwrap().is_some(), "that needs no hashes");
    fs::rename(&hidden, path("shadow")).unwrap();
    let verdict = house.users.verify(&sought("ana"), SHA256_PASSWORD.as_bytes()).await;
    assert_eq!(verdict, Ok(right("ana")));
    fs::remove_file(path("passwd")).unwrap();
    assert!(house.users.look_up(&sought("ana")).await.is_err());
    assert!(house.users.verify(&sought("nobody"), b"x").await.is_err());
}

/// By PAM's own services: needs root, who may write one.
#[cfg(feature = "pam")]
#[tokio::test]
async fn passwords_are_verified_by_pam() {
    let service = format!("estafeta-test-{}", std::process::id());
    let file = std::path::Path::new("/etc/pam.d").join(&service);
    let house = house();
    let script = house.folder.path().join("verify");
    // The module hands the password to the standard input of what it runs.
    fs::write(&script, "#!/bin/sh\nread -r p\n[ \"$PAM_USER:$p\" = \"ana:secret\" ]\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!(
        "auth [success=1 default=ignore] pam_exec.so quiet expose_authtok {}\n\
         auth requisite pam_deny.so\nauth required pam_permit.so\n\
         account required pam_permit.so\n",
        script.display()
    );
    if let Err(error) = fs::write(&file, text) {
        println!("skipped: /etc/pam.d: {error}");
        return;
    }
    let path = |name: &str| house.folder.path().join(name);
    let options = Options {
        passwd: path("passwd"),
        shadow: path("none"),
        login_defs: path("login.defs"),
        pam_service: Some(service),
        within: Duration::from_secs(30),
    };
    let users = with(options);
    let good = users.verify(&sought("ana"), b"secret").await;
    let bad = users.verify(&sought("ana"), b"Secret").await;
    let other = users.verify(&sought("bob"), b"secret").await;
    let nobody = users.verify(&sought("stranger"), b"secret").await;
    let nothing = users.verify(&sought("ana"), b"").await;
    let _ = fs::remove_file(&file);
    assert_eq!(good, Ok(right("ana")));
    assert_eq!((bad, other), (Ok(Verdict::Wrong), Ok(Verdict::Wrong)));
    assert_eq!((nobody, nothing), (Ok(Verdict::Unknown), Ok(Verdict::Wrong)));
}
