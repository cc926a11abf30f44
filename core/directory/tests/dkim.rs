//! Keys of domains: made, changed, retired, given up with their domain.

mod support;

use core_directory::{AdminError, Directory, KeyState, Rotated};
use core_world::{
    KeyAlgorithm, KeyError, Later, NewKey, Sealing, Secret, Signer, Signing, SigningKey,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::Duration;
use support::{Office, domain, now};
use words_base::Timestamp;

/// Keys that count.
#[derive(Default)]
struct Counting(AtomicU8);

impl Signer for Counting {
    fn begin(&self, _: &[u8], _: &[Arc<SigningKey>], _: Timestamp) -> Option<Box<dyn Signing>> {
        None
    }

    fn seal(&self, _: &[u8], _: &Arc<SigningKey>, _: Timestamp) -> Box<dyn Sealing> {
        unreachable!("nothing is sealed")
    }

    fn make_key(&self, _: KeyAlgorithm) -> Later<'static, Result<NewKey, KeyError>> {
        let number = self.0.fetch_add(1, SeqCst);
        let new = NewKey { secret: Secret(vec![number, 0xfe]), public: vec![number] };
        Box::pin(std::future::ready(Ok(new)))
    }
}

async fn states(directory: &Directory, name: &str) -> Vec<(String, KeyState)> {
    let keys = directory.admin().list_dkim_keys(&domain(name)).await.unwrap();
    keys.into_iter().map(|key| (key.selector, key.state)).collect()
}

#[test]
fn every_domain_gets_keys_and_changes_them() {
    now(every_domain_gets_keys_and_changes_them_later());
}

async fn every_domain_gets_keys_and_changes_them_later() {
    let office = Office::empty();
    let directory = &office.directory;
    let signer = Counting::default();
    let mired = domain("mired.org");
    directory.admin().add_domain(&mired).await.unwrap();
    directory.admin().add_domain_alias(&domain("otra.org"), &mired).await.unwrap();
    assert_eq!(directory.make_missing_keys(&signer).await.unwrap(), Some(mired.clone()));
    assert_eq!(directory.make_missing_keys(&signer).await.unwrap(), Some(domain("otra.org")));
    assert_eq!(directory.make_missing_keys(&signer).await.unwrap(), None);
    let keys = directory.signing_keys(&mired).await.unwrap();
    let selectors: Vec<_> = keys.iter().map(|key| key.selector.as_str()).collect();
    assert_eq!(selectors, ["ed25519-20781", "rsa-20781"]);
    assert_eq!(keys[1].secret, Secret(vec![0, 0xfe]));
    assert!(directory.signing_keys(&domain("exterior.test")).await.unwrap().is_empty());

    // First they are published, then they sign.
    let admin = directory.admin();
    assert_eq!(admin.rotate_dkim_keys(&mired, &signer).await.unwrap(), Rotated::Made);
    let next = states(directory, "mired.org").await;
    assert_eq!(next.iter().filter(|(_, state)| *state == KeyState::Next).count(), 2);
    assert_eq!(directory.signing_keys(&mired).await.unwrap(), keys);
    assert_eq!(admin.rotate_dkim_keys(&mired, &signer).await.unwrap(), Rotated::Changed);
    let signing: Vec<_> =
        directory.signing_keys(&mired).await.unwrap().iter().map(|k| k.selector.clone()).collect();
    assert_eq!(signing, ["ed25519-20781-2", "rsa-20781-2"]);
    let retired = states(directory, "mired.org").await;
    assert_eq!(retired.iter().filter(|(_, state)| *state == KeyState::Retired).count(), 2);

    // What was retired long ago is forgotten.
    office.outside.pass(Duration::from_secs(15 * 24 * 3600));
    admin.rotate_dkim_keys(&mired, &signer).await.unwrap();
    admin.rotate_dkim_keys(&mired, &signer).await.unwrap();
    let names: Vec<_> =
        states(directory, "mired.org").await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ed25519-20781-2", "ed25519-20796", "rsa-20781-2", "rsa-20796"]);
}

#[test]
fn keys_go_with_their_domain_and_are_not_printed() {
    now(keys_go_with_their_domain_and_are_not_printed_later());
}

async fn keys_go_with_their_domain_and_are_not_printed_later() {
    let office = Office::empty();
    let directory = &office.directory;
    let (admin, mired) = (directory.admin(), domain("mired.org"));
    admin.add_domain(&mired).await.unwrap();
    directory.make_missing_keys(&Counting::default()).await.unwrap();
    let printed = format!("{:?}", directory.signing_keys(&mired).await.unwrap());
    assert!(!printed.contains("254"), "{printed}");
    let shown = serde_json::to_string(&admin.list_dkim_keys(&mired).await.unwrap()).unwrap();
    assert!(!shown.contains("254") && !shown.contains("secret"), "{shown}");
    admin.remove_domain(&mired).await.unwrap();
    assert_eq!(directory.signing_keys(&mired).await.unwrap(), []);
    assert_eq!(
        admin.rotate_dkim_keys(&mired, &Counting::default()).await,
        Err(AdminError::NoSuchDomain(mired))
    );
}
