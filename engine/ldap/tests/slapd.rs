//! Against a real server.

#[path = "slapd/mod.rs"]
mod slapd;

use core_world::{Authority, AuthorityError, Person, Sought, Verdict};
use engine_ldap::{Account, Attributes, Encryption, LdapAuthority, Options, Way};
use engine_net::Roots;
use slapd::{ADMIN, ADMIN_PASSWORD, Slapd};
use std::time::Duration;
use tokio::net::TcpListener;

const FILTER: &str = "(&(objectClass=person)(|(uid={user})(mail={address})))";
const READER: &str = "cn=reader,dc=mired,dc=org";

fn options(server: &Slapd, way: Way) -> Options {
    Options {
        servers: vec![format!("127.0.0.1:{}", server.port)],
        encryption: Encryption::None,
        roots: Roots::none(),
        way,
        service: None,
        attributes: Attributes { quota: Some("employeeType".into()), ..Attributes::default() },
        within: Duration::from_secs(10),
        connections_max: 4,
    }
}

fn bind() -> Way {
    Way::Bind { dn: "uid={user},ou=people,dc=mired,dc=org".to_string() }
}

fn search() -> Way {
    Way::Search { base: "ou=people,dc=mired,dc=org".to_string(), filter: FILTER.to_string() }
}

fn reader() -> Option<Account> {
    Some(Account { dn: READER.to_string(), password: "reads".to_string() })
}

fn by_bind(server: &Slapd) -> LdapAuthority {
    LdapAuthority::new(options(server, bind())).unwrap()
}

fn by_search(server: &Slapd) -> LdapAuthority {
    LdapAuthority::new(Options { service: reader(), ..options(server, search()) }).unwrap()
}

fn sought(user: &str) -> Sought {
    Sought { user: user.to_string(), address: Some(format!("{user}@mired.org")) }
}

async fn verify(
    ldap: &LdapAuthority,
    user: &str,
    password: &str,
) -> Result<Verdict, AuthorityError> {
    ldap.verify(&sought(user), password.as_bytes()).await
}

async fn look_up(ldap: &LdapAuthority, user: &str) -> Option<Person> {
    ldap.look_up(&sought(user)).await.unwrap()
}

fn carl() -> Person {
    Person {
        user: "carl".to_string(),
        addresses: vec!["carl@mired.org".to_string(), "c.gauss@mired.org".to_string()],
        quota_bytes: Some(500 << 20),
        quota_messages: None,
    }
}

#[tokio::test]
async fn people_are_known_by_a_search_and_by_a_bind() {
    let Some(server) = Slapd::start() else { return };
    for (ldap, wrong) in
        [(by_bind(&server), Verdict::Unknown), (by_search(&server), Verdict::Wrong)]
    {
        assert_eq!(verify(&ldap, "carl", "primes").await, Ok(Verdict::Right(carl())));
        for password in ["Primes", "primes ", "{SSHA}x", "*", "set sizes"] {
            assert_eq!(verify(&ldap, "carl", password).await, Ok(wrong.clone()), "{password}");
        }
        assert_eq!(verify(&ldap, "nobody", "primes").await, Ok(Verdict::Unknown));
        assert_eq!(verify(&ldap, "mute", "x").await, Ok(wrong));
        assert_eq!(look_up(&ldap, "nobody").await, None);
        assert_eq!(look_up(&ldap, "eva").await.unwrap().addresses, ["eva@mired.org"]);
    }
    assert_eq!(look_up(&by_search(&server), "carl").await, Some(carl()));
    let anonymous = look_up(&by_bind(&server), "carl").await.unwrap();
    assert_eq!(anonymous.quota_bytes, None, "it may not see that");
    let gauss = look_up(&by_search(&server), "c.gauss").await;
    assert_eq!(gauss, Some(carl()), "by one of his addresses");
}

#[tokio::test]
async fn an_empty_password_never_comes_in() {
    let Some(server) = Slapd::start() else { return };
    for ldap in [by_bind(&server), by_search(&server)] {
        for user in ["carl", "mute", "nobody"] {
            for password in ["", "\0", "\0\0primes"] {
                let verdict = verify(&ldap, user, password).await;
                assert_eq!(verdict, Ok(Verdict::Wrong), "{user} {password:?}");
            }
        }
        let verdict = ldap.verify(&sought("carl"), b"\xff\xfe").await;
        assert_eq!(verdict, Ok(Verdict::Wrong), "not a text");
    }
    // This server would have let in anybody that way.
    let mut whoami = std::process::Command::new("timeout");
    whoami.args(["--kill-after=5", "30", "ldapwhoami", "-x", "-w", "", "-D"]);
    whoami.args(["uid=carl,ou=people,dc=mired,dc=org", "-H"]);
    whoami.arg(format!("ldap://127.0.0.1:{}", server.port)).stdin(std::process::Stdio::null());
    assert!(whoami.output().unwrap().status.success());
}

#[tokio::test]
async fn names_of_strangers_mean_nothing() {
    let Some(server) = Slapd::start() else { return };
    for ldap in [by_bind(&server), by_search(&server)] {
        for user in [
            "*",
            "c*",
            "car?",
            "*)(uid=carl",
            "carl)(objectClass=*",
            "*)(|(uid=*",
            "carl))(|(uid=*))",
            "carl\\",
            "\\63arl",
            "x)(!(uid=y",
            "carl,ou=people,dc=mired,dc=org",
            "carl,ou=people",
            "admin",
            "carl+cn=Carl Gauss",
            "carl\0",
            "",
            "(|(uid=carl))",
        ] {
            assert_eq!(look_up(&ldap, user).await, None, "{user:?}");
            for password in ["primes", "*", ADMIN_PASSWORD, "reads"] {
                let verdict = verify(&ldap, user, password).await;
                assert_eq!(verdict, Ok(Verdict::Unknown), "{user:?} {password:?}");
            }
        }
        let odd = "a*(b)\\,c=d";
        let Ok(Verdict::Right(person)) = verify(&ldap, odd, "odd").await else {
            panic!("a name with everything in it")
        };
        assert_eq!(person.user, odd);
        assert_ne!(verify(&ldap, "carl", ADMIN).await, Ok(Verdict::Right(carl())));
    }
}

#[tokio::test]
async fn a_name_that_two_have_is_an_error_and_nobodys_password() {
    let Some(server) = Slapd::start() else { return };
    let ldap = by_search(&server);
    for password in ["one", "two", "x"] {
        let error = verify(&ldap, "twin", password).await.unwrap_err().to_string();
        assert!(error.contains("several entries fit one name"), "{error}");
    }
    assert!(ldap.look_up(&sought("twin")).await.is_err());
    assert!(matches!(verify(&ldap, "other", "two").await, Ok(Verdict::Right(_))));
}

#[tokio::test]
async fn connections_are_encrypted_and_certificates_believed_or_not() {
    let Some(server) = Slapd::start() else { return };
    let known = Roots::none().and(&server.certificate()).unwrap();
    for (encryption, port) in
        [(Encryption::StartTls, server.port), (Encryption::Implicit, server.tls_port)]
    {
        let with = |roots: &Roots, host: &str| {
            let servers = vec![format!("{host}:{port}")];
            let roots = roots.clone();
            LdapAuthority::new(Options { servers, encryption, roots, ..options(&server, bind()) })
                .unwrap()
        };
        let good = with(&known, "localhost");
        assert_eq!(verify(&good, "carl", "primes").await, Ok(Verdict::Right(carl())));
        assert_eq!(verify(&good, "carl", "no").await, Ok(Verdict::Unknown));
        let strange = with(&Roots::none(), "localhost");
        let error = verify(&strange, "carl", "primes").await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{encryption:?} {error}");
    }
    // To the port of the other kind: no answer in time, or none that can be understood.
    for (encryption, port) in
        [(Encryption::Implicit, server.port), (Encryption::StartTls, server.tls_port)]
    {
        let crossed = Options {
            servers: vec![format!("localhost:{port}")],
            encryption,
            roots: known.clone(),
            within: Duration::from_secs(2),
            ..options(&server, bind())
        };
        let crossed = LdapAuthority::new(crossed).unwrap();
        assert!(verify(&crossed, "carl", "primes").await.is_err());
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_no_answer_and_one_that_is_back_is_asked_again() {
    let Some(mut server) = Slapd::start() else { return };
    let ldap = by_search(&server);
    assert_eq!(verify(&ldap, "carl", "primes").await, Ok(Verdict::Right(carl())));
    server.stop();
    assert!(verify(&ldap, "carl", "primes").await.is_err());
    assert!(verify(&ldap, "nobody", "x").await.is_err());
    assert!(ldap.look_up(&sought("carl")).await.is_err());
    server.run();
    assert_eq!(verify(&ldap, "carl", "primes").await, Ok(Verdict::Right(carl())));
    // It was restarted while nobody asked: what is left of the old connections is noticed.
    server.stop();
    server.run();
    assert_eq!(look_up(&ldap, "carl").await, Some(carl()));

    // The second of two servers is asked when the first is not there.
    let first = format!("127.0.0.1:{}", closed_port().await);
    let servers = vec![first, format!("127.0.0.1:{}", server.port)];
    let two = LdapAuthority::new(Options { servers, ..options(&server, bind()) }).unwrap();
    assert_eq!(verify(&two, "carl", "primes").await, Ok(Verdict::Right(carl())));
}

#[tokio::test]
async fn changes_there_are_seen_at_once() {
    let Some(server) = Slapd::start() else { return };
    let ldap = by_search(&server);
    assert!(look_up(&ldap, "eva").await.is_some());
    server.modify(
        "dn: uid=eva,ou=people,dc=mired,dc=org\nchangetype: modify\nreplace: userPassword\n\
         userPassword: graphs\n",
    );
    assert_eq!(verify(&ldap, "eva", "set sizes").await, Ok(Verdict::Wrong));
    assert!(matches!(verify(&ldap, "eva", "graphs").await, Ok(Verdict::Right(_))));
    server.modify("dn: uid=eva,ou=people,dc=mired,dc=org\nchangetype: delete\n");
    assert_eq!(verify(&ldap, "eva", "graphs").await, Ok(Verdict::Unknown));
    assert_eq!(look_up(&ldap, "eva").await, None);
}

#[tokio::test]
async fn a_service_that_is_not_let_in_and_a_base_that_is_not_there_are_told() {
    let Some(server) = Slapd::start() else { return };
    let service = Some(Account { dn: READER.to_string(), password: "wrong".to_string() });
    let ldap = LdapAuthority::new(Options { service, ..options(&server, search()) }).unwrap();
    let error = verify(&ldap, "carl", "primes").await.unwrap_err().to_string();
    assert!(error.contains(READER) && error.contains("invalidCredentials"), "{error}");
    let base = "ou=nowhere,dc=mired,dc=org".to_string();
    let nowhere = Way::Search { base, filter: FILTER.to_string() };
    let ldap = LdapAuthority::new(options(&server, nowhere)).unwrap();
    let error = ldap.look_up(&sought("carl")).await.unwrap_err().to_string();
    assert!(error.contains("is the base right"), "{error}");
}

#[tokio::test]
async fn many_at_once_share_a_few_connections() {
    let Some(server) = Slapd::start() else { return };
    let ldap = std::sync::Arc::new(by_search(&server));
    let tasks = (0..100).map(|number| {
        let ldap = ldap.clone();
        tokio::spawn(async move {
            let password = if number % 2 == 0 { "primes" } else { "no" };
            (number, verify(&ldap, "carl", password).await.unwrap())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        let (number, verdict) = task.await.unwrap();
        assert_eq!(verdict == Verdict::Right(carl()), number % 2 == 0);
    }
}

/// Needs no slapd: servers that do not behave.
#[tokio::test]
async fn a_server_that_says_nothing_or_nonsense_is_no_answer() {
    let nonsense: [&[u8]; 5] = [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        // A bind response in which nothing is what it should be.
        b"\x30\x05\x02\x01\x01\x61\x00",
        // An operation that there is not.
        b"\x30\x06\x02\x01\x01\x7e\x01\x00",
        b"\x30\x84\xff\xff\xff\xff",
    ];
    for answer in nonsense {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut open = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                let _ = socket.read(&mut [0; 512]).await;
                let _ = socket.write_all(answer).await;
                open.push(socket);
            }
        });
        for way in [bind(), search()] {
            let options = Options {
                servers: vec![format!("127.0.0.1:{port}")],
                encryption: Encryption::None,
                roots: Roots::none(),
                way,
                service: None,
                attributes: Attributes::default(),
                within: Duration::from_millis(300),
                connections_max: 1,
            };
            let ldap = LdapAuthority::new(options).unwrap();
            assert!(verify(&ldap, "carl", "primes").await.is_err(), "{answer:?}");
            assert!(ldap.look_up(&sought("carl")).await.is_err(), "{answer:?}");
        }
        server.abort();
    }
}

async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
