//! The pool, and hashes made elsewhere.

use core_world::{PasswordError, Passwords};
use engine_password::{Argon2Passwords, WAITING_MAX};
use engine_system::SystemRandom;
use std::sync::Arc;

fn passwords(parallel_max: usize) -> Argon2Passwords {
    Argon2Passwords::with_parallel_max(Arc::new(SystemRandom), parallel_max)
}

#[tokio::test]
async fn a_hash_takes_its_own_password_alone() {
    let passwords = passwords(2);
    let (one, two) = (passwords.hash(b"ana").await.unwrap(), passwords.hash(b"ana").await.unwrap());
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
    assert_ne!(one, two, "a fresh salt each time");
    assert_eq!(passwords.verify(&one, b"ana").await, Ok(true));
    assert_eq!(passwords.verify(&two, b"ana").await, Ok(true));
    assert_eq!(passwords.verify(&one, b"bob").await, Ok(false));
    assert_eq!(passwords.verify(&one, b"").await, Ok(false));
}

#[tokio::test]
async fn hashes_of_other_makers_and_costs_are_read() {
    // From the reference implementation's tests (phc-winner-argon2, test.c), in PHC form.
    let passwords = passwords(1);
    for (hash, password, want) in [
        (
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "password",
            Ok(true),
        ),
        (
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "password",
            Ok(true),
        ),
        (
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
            "password",
            Ok(true),
        ),
        (
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "passwore",
            Ok(false),
        ),
        ("$1$abcdefgh$ABCDEFGHIJKLMNOPQRSTUV", "x", Err(())),
        ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", "x", Err(())),
        ("{LANMAN}x", "x", Err(())),
        ("", "", Err(())),
    ] {
        let got = passwords.verify(hash, password.as_bytes()).await;
        assert_eq!(got, want.map_err(|()| PasswordError::UnknownHash), "{hash}");
    }
}

#[tokio::test]
async fn one_too_many_is_told_to_come_again_and_those_who_give_up_make_room() {
    let passwords = passwords(1);
    let cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAA";
    let mut waiting: Vec<_> = (0..WAITING_MAX + 2).map(|_| passwords.verify(cheap, b"x")).collect();
    let busy = poll_each(&mut waiting).await;
    assert_eq!(busy, 1);
    waiting.truncate(2);
    for verdict in waiting {
        assert_eq!(verdict.await, Ok(false));
    }
    assert_eq!(passwords.verify(cheap, b"x").await, Ok(false));
}

/// Polls each once; how many were refused.
async fn poll_each(waiting: &mut [core_world::Later<'_, Result<bool, PasswordError>>]) -> usize {
    std::future::poll_fn(|cx| {
        let polls = waiting.iter_mut().map(|verdict| verdict.as_mut().poll(cx));
        std::task::Poll::Ready(
            polls
                .filter(|poll| match poll {
                    std::task::Poll::Ready(verdict) => *verdict == Err(PasswordError::Busy),
                    std::task::Poll::Pending => false,
                })
                .count(),
        )
    })
    .await
}
