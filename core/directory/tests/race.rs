//! Two operators at once: whatever comes between another's reading and writing, the second meets
//! what the first did.

mod support;

use core_directory::{
    AccountChange, AdminError, Directory, NewAccount, NewDevice, NewPassword, Protocol, Protocols,
};
use core_store::{Batch, Committed, Later, Limits, MemoryStore, Snapshot, Store};
use std::sync::{Arc, Mutex};
use support::{Office, address, addresses, by, domain, now};

type Meanwhile = Box<dyn FnOnce() + Send>;

/// A store to which something happens just before the next commit.
struct Interrupted {
    store: Arc<MemoryStore>,
    meanwhile: Mutex<Option<Meanwhile>>,
}

impl Store for Interrupted {
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>> {
        self.store.snapshot()
    }

    fn commit(&self, batch: Batch) -> Later<'_, Committed> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        self.store.commit(batch)
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }
}

/// Lets `meanwhile` happen between what `first` reads and what it writes.
fn race<T>(
    office: &Arc<Office>,
    meanwhile: impl FnOnce(&Office) + Send + 'static,
    first: impl AsyncFnOnce(&Directory) -> T,
) -> T {
    let other = office.clone();
    let meanwhile: Meanwhile = Box::new(move || meanwhile(&other));
    let store = office.store.clone();
    let store = Arc::new(Interrupted { store, meanwhile: Mutex::new(Some(meanwhile)) });
    now(first(&Directory::new(store, office.outside.world(), Default::default())))
}

fn office() -> Arc<Office> {
    let office = Office::mired();
    office.add_domain("new.org");
    Arc::new(office)
}

fn remove_new_org(office: &Office) {
    now(office.directory.admin().remove_domain(&domain("new.org"))).unwrap();
}

#[test]
fn a_domain_is_not_removed_from_under_a_name_that_just_came() {
    let (new_org, ana) = (domain("new.org"), || address("ana@mired.org"));
    let remove = async |directory: &Directory| directory.admin().remove_domain(&new_org).await;

    let came = |office: &Office| _ = office.add_account("x@new.org", "x");
    let has_x =
        AdminError::DomainHasAccount { name: new_org.clone(), account: address("x@new.org") };
    assert_eq!(race(&office(), came, remove), Err(has_x));

    let came = |office: &Office| office.add_alias("x@new.org", &["ana@mired.org"]);
    let has_x = AdminError::DomainHasAlias { name: new_org.clone(), alias: address("x@new.org") };
    assert_eq!(race(&office(), came, remove), Err(has_x));

    let came = move |office: &Office| {
        let add_addresses = addresses(&["ana@new.org"]);
        let change = AccountChange { add_addresses, ..Default::default() };
        now(office.directory.admin().set_account(&ana(), &change)).unwrap();
    };
    let has_ana =
        AdminError::DomainHasAccount { name: new_org.clone(), account: address("ana@mired.org") };
    assert_eq!(race(&office(), came, remove), Err(has_ana));

    let came = |office: &Office| {
        let admin = office.directory.admin();
        now(admin.add_domain_alias(&domain("n.org"), &domain("new.org"))).unwrap();
    };
    let has_n = AdminError::DomainHasAliasDomain { name: new_org.clone(), alias: domain("n.org") };
    assert_eq!(race(&office(), came, remove), Err(has_n));
}

#[test]
fn nobody_comes_into_a_domain_that_was_just_removed() {
    let gone = AdminError::NoSuchDomain(domain("new.org"));
    let new = NewAccount::new(address("x@new.org"), None);
    let add = async |d: &Directory| d.admin().add_account(&new, |_, _| {}).await.map(drop);
    assert_eq!(race(&office(), remove_new_org, add), Err(gone.clone()));

    let targets = addresses(&["ana@mired.org"]);
    let add = async |d: &Directory| d.admin().add_alias(&new.address, &targets).await.map(drop);
    assert_eq!(race(&office(), remove_new_org, add), Err(gone.clone()));

    let change = AccountChange { add_addresses: vec![new.address.clone()], ..Default::default() };
    let set = async |d: &Directory| {
        d.admin().set_account(&address("ana@mired.org"), &change).await.map(drop)
    };
    assert_eq!(race(&office(), remove_new_org, set), Err(gone.clone()));

    let (n, of) = (domain("n.org"), domain("new.org"));
    let add = async |d: &Directory| d.admin().add_domain_alias(&n, &of).await.map(drop);
    assert_eq!(race(&office(), remove_new_org, add), Err(gone));
}

#[test]
fn one_address_is_given_to_one() {
    let new = NewAccount::new(address("x@new.org"), None);
    let add = async |d: &Directory| d.admin().add_account(&new, |_, _| {}).await.map(|a| a.id);
    let alias = |office: &Office| office.add_alias("X@new.org", &["ana@mired.org"]);
    assert_eq!(race(&office(), alias, add), Err(AdminError::IsAlias(address("x@new.org"))));
    let account = |office: &Office| _ = office.add_account("X@new.org", "x");
    assert_eq!(race(&office(), account, add), Err(AdminError::IsAccount(address("x@new.org"))));
    let another = |office: &Office| _ = office.add_account("y@mired.org", "y");
    assert_eq!(race(&office(), another, add), Ok(4), "the number was taken meanwhile");
}

#[test]
fn two_changes_of_one_account_are_both_kept() {
    let office = office();
    let ana = address("ana@mired.org");
    let disable = |office: &Office| {
        let change = AccountChange { disabled: Some(true), ..Default::default() };
        now(office.directory.admin().set_account(&address("ana@mired.org"), &change)).unwrap();
    };
    let change = AccountChange { size_max: Some(Some(9)), ..Default::default() };
    let set = async |d: &Directory| d.admin().set_account(&ana, &change).await.unwrap();
    let entry = race(&office, disable, set);
    assert_eq!((entry.disabled, entry.size_max), (true, Some(9)));

    let remove = |office: &Office| {
        now(office.directory.admin().remove_account(&address("ana@mired.org"))).unwrap();
    };
    let set = async |d: &Directory| d.admin().set_account(&ana, &change).await.map(drop);
    assert_eq!(race(&office, remove, set), Err(AdminError::NoSuchAccount(ana.clone())));
}

#[test]
fn a_secret_that_another_process_stored_first_is_used() {
    let office = office();
    let other = office.clone();
    let came = |office: &Office| drop(now(office.directory.scram_keys("nobody", Protocol::Imap)));
    let keys = async |d: &Directory| d.scram_keys("nobody", Protocol::Imap).await.unwrap();
    let keys = race(&office, came, keys);
    assert!(keys == now(other.directory.scram_keys("nobody", Protocol::Imap)).unwrap());
}

/// Ana's password is `secret`, and only another server's hash of it is known.
fn imported() -> Arc<Office> {
    let office = office();
    set_password(&office, NewPassword::Hash("foreign:secret".to_string()));
    office
}

fn set_password(office: &Office, password: NewPassword) {
    let change = AccountChange { password: Some(password), ..Default::default() };
    now(office.directory.admin().set_account(&address("ana@mired.org"), &change)).unwrap();
}

#[test]
fn a_hash_from_elsewhere_is_not_replaced_over_a_password_that_was_just_changed() {
    let login = async |d: &Directory| d.login("ana", b"secret", by(Protocol::Imap)).await.is_ok();
    let office = imported();
    let change = |office: &Office| set_password(office, NewPassword::Clear(b"new".to_vec()));
    assert!(race(&office, change, login), "it was right when it was asked");
    assert!(office.login("ana", b"new").is_ok());
    assert!(office.login("ana", b"secret").is_err());
    assert!(office.scram_login("ana").is_ok());

    let office = imported();
    let again = |office: &Office| set_password(office, NewPassword::Hash("foreign:x".to_string()));
    assert!(race(&office, again, login));
    assert!(office.login("ana", b"secret").is_err());
    assert!(office.login("ana", b"x").is_ok());
}

#[test]
fn two_first_logins_at_once_leave_one_hash_and_its_keys() {
    let login = async |d: &Directory| d.login("ana", b"secret", by(Protocol::Imap)).await.is_ok();
    let office = imported();
    let other = |office: &Office| assert!(office.login("ana", b"secret").is_ok());
    assert!(race(&office, other, login));
    assert!(office.login("ana", b"secret").is_ok() && office.scram_login("ana").is_ok());
    let entry = now(office.directory.admin().show_account(&address("ana@mired.org"))).unwrap();
    assert!(entry.has_password && !entry.has_foreign_hash);

    let office = imported();
    let remove = |office: &Office| {
        now(office.directory.admin().remove_account(&address("ana@mired.org"))).unwrap();
    };
    assert!(race(&office, remove, login));
    assert!(office.login("ana", b"secret").is_err());
}

fn phone() -> NewDevice {
    NewDevice { name: "phone".to_string(), protocols: Protocols::ANY, expires_at: None }
}

#[test]
fn a_device_and_a_new_password_at_once_are_both_kept() {
    let ana = address("ana@mired.org");
    let add = async |d: &Directory| d.admin().add_device(&ana, &phone()).await.unwrap().1;
    let office = office();
    let change = |office: &Office| set_password(office, NewPassword::Clear(b"new".to_vec()));
    let password = race(&office, change, add);
    assert!(office.login("ana", b"new").is_ok() && office.login("ana", b"ana").is_err());
    assert!(office.login("ana", password.as_bytes()).is_ok());
    let keys = now(office.directory.scram_keys("ana", Protocol::Imap)).unwrap();
    assert_eq!(keys.pairs.len(), 2);

    let set = async |d: &Directory| {
        let password = Some(NewPassword::Clear(b"newer".to_vec()));
        let change = AccountChange { password, ..Default::default() };
        d.admin().set_account(&ana, &change).await.is_ok()
    };
    let add = |office: &Office| {
        let tablet = NewDevice { name: "tablet".to_string(), ..phone() };
        now(office.directory.admin().add_device(&address("ana@mired.org"), &tablet)).unwrap();
    };
    assert!(race(&office, add, set));
    assert_eq!(now(office.directory.admin().list_devices(&ana)).unwrap().len(), 2);
    assert!(office.login("ana", b"newer").is_ok());
}

#[test]
fn no_device_outlives_its_account_and_its_last_use_not_the_device() {
    let ana = address("ana@mired.org");
    let office = office();
    let add = |office: &Office| {
        now(office.directory.admin().add_device(&address("ana@mired.org"), &phone())).unwrap();
    };
    let remove = async |d: &Directory| d.admin().remove_account(&ana).await.map(drop);
    assert_eq!(race(&office, add, remove), Ok(()));
    assert_eq!(support::count(&office, b"dV"), 0);

    let bob = address("bob@mired.org");
    let (_, password) = now(office.directory.admin().add_device(&bob, &phone())).unwrap();
    let remove = |office: &Office| {
        now(office.directory.admin().remove_device(&address("bob@mired.org"), "phone")).unwrap();
    };
    let login = async |d: &Directory| {
        d.login("bob", password.as_bytes(), by(Protocol::Imap)).await.unwrap()
    };
    let admitted = race(&office, remove, login);
    assert_eq!((support::count(&office, b"dV"), support::count(&office, b"dU")), (0, 0));
    assert!(now(office.directory.check(&admitted.pass)).is_err(), "out at the next command");
}
