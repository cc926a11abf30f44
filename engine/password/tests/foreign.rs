//! Hashes that other programs made: `doveadm pw`, `openssl passwd` and crypt(3).

use core_world::{Maker, PasswordError, Passwords};
use engine_password::Argon2Passwords;
use engine_system::SystemRandom;
use std::process::{Command, Stdio};
use std::sync::Arc;

const PASSWORD: &str = "corréct hörse";

/// All of [`PASSWORD`].
const HASHES: [&str; 24] = [
    "{SHA512-CRYPT}$6$XUo.Ut/UPg2oScZO$5wz2Tl1qkgkxLFN43kFtsGX1IvR31NbYk0tdNxNJtBqYHVlqFh671VTXy/5Hdhchc1J657GnVHf9hQ5ya/AKw0",
    "{SHA512-CRYPT}$6$rounds=7000$lN8JVXq.50q0cyXd$Wlrce2F77DsQrT3v4cx/xfAXTelXHm4dov4WijINPLOxRvFJ2eojJuCQ.lwjpsMH2zE65iAH.g97HyxZbaPLs.",
    "{sha512-crypt}$6$abcdefgh$2WGBVJ0laAeN9.xWGtqbAQyI.rmGdiEKzhmeJWDkXtCyiySerUlKILGbqsOZV.5S3Le8yKjm2M8Ikt.sFDX000",
    "$6$abcdefgh$2WGBVJ0laAeN9.xWGtqbAQyI.rmGdiEKzhmeJWDkXtCyiySerUlKILGbqsOZV.5S3Le8yKjm2M8Ikt.sFDX000",
    "{SHA256-CRYPT}$5$K5JzaILvvNvt88co$u2.KxePOEt/1PN0COsTCm7ko9gsS9ltevFERBa/m5AC",
    "{BLF-CRYPT}$2y$05$CbXwn5kOSfwEtP3rGWroD.eShX20obFl1PKGJMe.Fio.NZrIEe4i.",
    "{BLF-CRYPT}$2b$06$ZEJt5t7tRGjFV9nrNuOtvu7g1GzUd.U9soD.kn1bEJRAVqzTTSTz2",
    "$2a$06$ZEJt5t7tRGjFV9nrNuOtvu7g1GzUd.U9soD.kn1bEJRAVqzTTSTz2",
    "{CRYPT}$2y$05$pf/ofGkMBskyCwKjopGQiep3J0X8.GZZWKrqLNOfxzoNa87wsMejW",
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$FSLFRm43ej8sEbGTHWMG4Noo/OUcydBpTXhBmJjdRX3",
    "{CRYPT}$y$j75$abcdefghijklmnop$BxwZV8xyQ1.DrLsei7R19wirkSDEzNRlpOHozaPXulB",
    "{CRYPT}$y$jC5$0123456789abcdef$o7HcR3KVJi9V/hr5808qH0sbpGtJ31N02T3z0S8gtp4",
    "{CRYPT}$5$K5JzaILvvNvt88co$u2.KxePOEt/1PN0COsTCm7ko9gsS9ltevFERBa/m5AC",
    "{SSHA}unonuMGw3CQnuZgFpmuH5vk9OJxmgYy6",
    "{SSHA256}gETjn7ngWaUPoe226BqFoO7i+B4jbV9xWKVjVk71zDTUY5cN",
    "{SSHA256.HEX}057d972331f79744abd7dbdc41ed54e23fc3d8c652c7e76cbff063700c2adfd85aaa3b87",
    "{SSHA512}PLxY8bpv/0FWfUQmxBBX8Mzu9ryrjYCM1bFF0uvuxFHBmzwSjbCe3Moki04WztxZLqHYMgCUUmXJSYviuaLycW7Zv+Q=",
    "{SSHA512.b64}B9m+RS5aw0RvfxYDPEqrlSBTGULF0N9qK3Hm3+nzyKnxuPWMpDVYZwDFDcIMRoskkRyuZl3EPtNirhJSpqSa1A2qIZs=",
    "{SHA}PSDoIyQwY94MQ7rMYucf9kg24lI=",
    "{SHA256}AyyyxCypzpJJsDar15dr2tjB3zVwAYOJ8I/fsJ/uPwA=",
    "{SHA512}9PGHpNGRaSF8gtUK8AT7SN1Mywg736s3QttuHgql79RJZk6Oszu/3YClJDxuGt6ltPh/AFSOV8U0mZLv1rhyrg==",
    "{PBKDF2}$1$lwAK9rXPKjro0lc.$5000$f1362cd20bc35b7625a4207e8c703c1af0c7caca",
    "{PBKDF2}$1$Z82KVQ9u5TQfQzL9$1000$d9dc2d8f333120fa69b5d407c8b72187ee4e318a",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$9nRvzW5M+b/DRm0zUM73bA$quTungMHJvkPiKVT810ls2tl41uZeBQpDESMkeI/8bU",
];

fn passwords() -> Argon2Passwords {
    Argon2Passwords::with_parallel_max(Arc::new(SystemRandom), 2)
}

#[tokio::test]
async fn hashes_of_other_servers_take_their_own_password_alone() {
    let passwords = passwords();
    for hash in HASHES {
        assert_eq!(passwords.verify(hash, PASSWORD.as_bytes()).await, Ok(true), "{hash}");
        for wrong in ["corréct hörs"] {
            assert_eq!(passwords.verify(hash, wrong.as_bytes()).await, Ok(false), "{hash} {wrong}");
        }
        let maker = passwords.maker(hash).unwrap();
        let is_strong = hash.contains("$argon2id$");
        assert!(maker == if is_strong { Maker::Ours } else { Maker::Elsewhere }, "{hash}");
    }
}

/// One octet altered anywhere is another hash, or none, but never lets the password in. Not so in
/// the padding bits at the end of base64, of crypt(3)'s sums, and the letter of bcrypt's version.
#[tokio::test]
async fn an_altered_hash_lets_nobody_in() {
    let passwords = passwords();
    for hash in HASHES.into_iter().filter(|hash| !hash.contains("argon2")) {
        let sum = hash.len() - 24;
        for place in sum..sum + 2 {
            let mut altered = hash.as_bytes().to_vec();
            altered[place] = if altered[place] == b'0' { b'1' } else { b'0' };
            let altered = String::from_utf8(altered).unwrap();
            let verdict = passwords.verify(&altered, PASSWORD.as_bytes()).await;
            assert_ne!(verdict, Ok(true), "{altered}");
        }
    }
}

#[tokio::test]
async fn a_password_in_the_clear_is_told_as_such() {
    let passwords = passwords();
    for text in [
        "{PLAIN}a {b}:c",
        "{CLEARTEXT}a {b}:c",
        "{plain.b64}YSB7Yn06Yw==",
        "{CLEAR.hex}61207b627d3a63",
    ] {
        assert!(passwords.maker(text) == Ok(Maker::Nobody(b"a {b}:c".to_vec())), "{text}");
        assert_eq!(passwords.verify(text, b"a {b}:c").await, Ok(true));
        assert_eq!(passwords.verify(text, b"a {b}:").await, Ok(false));
    }
}

#[tokio::test]
async fn costs_are_bounded_before_they_are_paid() {
    let passwords = passwords();
    let bcrypt = "$2y$31$CbXwn5kOSfwEtP3rGWroD.eShX20obFl1PKGJMe.Fio.NZrIEe4i.";
    let crypt = HASHES[1].replace("7000", "999999999");
    for hash in [
        bcrypt,
        &crypt,
        "{PBKDF2}$1$lwAK9rXPKjro0lc.$4000000000$f1362cd20bc35b7625a4207e8c703c1af0c7caca",
        "$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=262144,t=64,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ] {
        assert!(passwords.maker(hash) == Err(PasswordError::TooCostly), "{hash}");
        assert_eq!(passwords.verify(hash, b"x").await, Err(PasswordError::TooCostly), "{hash}");
    }
}

#[tokio::test]
async fn weak_or_odd_argon2_is_to_be_replaced() {
    let passwords = passwords();
    let rest = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    for (costs, want) in [
        ("argon2id$v=19$m=19456,t=2,p=1", Maker::Ours),
        ("argon2id$v=19$m=19456,t=1,p=1", Maker::Elsewhere),
        ("argon2id$v=19$m=256,t=2,p=1", Maker::Elsewhere),
        ("argon2i$v=19$m=19456,t=2,p=1", Maker::Elsewhere),
    ] {
        assert!(passwords.maker(&format!("${costs}${rest}")) == Ok(want), "{costs}");
    }
    let ours = passwords.hash(b"x").await.unwrap();
    assert!(passwords.maker(&ours) == Ok(Maker::Ours));
}

/// What Dovecot itself makes today, of a password with everything that a scheme could stumble over.
#[tokio::test]
async fn what_doveadm_makes_is_read() {
    let passwords = passwords();
    let password = "ñ{PLAIN}$6$:%&\\ 0";
    for scheme in [
        "SHA512-CRYPT",
        "SHA256-CRYPT",
        "BLF-CRYPT",
        "SSHA",
        "SSHA256",
        "SSHA512",
        "SHA512.hex",
        "PBKDF2",
        "ARGON2ID",
        "PLAIN",
        "PLAIN.b64",
        "CRYPT",
    ] {
        let made = Command::new("timeout")
            .args(["--kill-after=5", "60", "doveadm", "pw", "-s", scheme, "-p", password])
            .stdin(Stdio::null())
            .output();
        let Some(made) = made.ok().filter(|made| made.status.success()) else {
            eprintln!("skipped: doveadm makes no {scheme} here");
            continue;
        };
        let hash = String::from_utf8(made.stdout).unwrap();
        let verdict = passwords.verify(hash.trim_end(), password.as_bytes()).await;
        assert_eq!(verdict, Ok(true), "{hash}");
        assert_eq!(passwords.verify(hash.trim_end(), b"x").await, Ok(false), "{hash}");
    }
}
