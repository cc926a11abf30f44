//! The operator's calls.

mod support;

use core_directory::{
    AccountChange, AccountEntry, AdminError, AliasEntry, DomainChange, DomainEntry, NewAccount,
    NewPassword, Protocol, Quota,
};
use core_store::Store;
use support::{Office, address, addresses, by, domain, now};

fn set(office: &Office, account: &str, change: &AccountChange) -> Result<AccountEntry, AdminError> {
    now(office.directory.admin().set_account(&address(account), change))
}

#[test]
fn an_account_is_made_with_what_else_it_needs_in_one_commit() {
    let office = Office::empty();
    office.add_domain("mired.org");
    let admin = office.directory.admin();
    let mut new = NewAccount::new(address("Ana@mired.org"), None);
    new.quota = Quota { bytes: Some(1_000), messages: Some(10) };
    let entry = now(admin.add_account(&new, |batch, id| {
        batch.put(&b"zother"[..], id.0.to_be_bytes().to_vec());
    }))
    .unwrap();
    let want = r#"{"id":1,"address":"Ana@mired.org","addresses":[],"quota_bytes":1000,"quota_messages":10,"size_max":null,"disabled":false,"has_password":false,"has_foreign_hash":false,"device_passwords_only":"none","deliver_to":null,"authority":null}"#;
    assert_eq!(serde_json::to_string(&entry).unwrap(), want);
    let snapshot = now(office.store.snapshot()).unwrap();
    assert_eq!(now(snapshot.get(b"zother")).unwrap().unwrap(), &1u32.to_be_bytes()[..]);
    assert_eq!(now(admin.show_account(&address("ana@MIRED.org"))).unwrap(), entry);
}

#[test]
fn a_conflict_is_planned_anew_and_tells_the_number_it_gets_in_the_end() {
    let office = Office::mired();
    office.store.conflict_next(0);
    let mut numbers = Vec::new();
    let new = NewAccount::new(address("carl@mired.org"), None);
    let entry =
        now(office.directory.admin().add_account(&new, |_, id| numbers.push(id.0))).unwrap();
    assert_eq!((entry.id, numbers), (3, vec![3, 3]));
}

#[test]
fn a_number_is_never_given_twice() {
    let office = Office::mired();
    let admin = office.directory.admin();
    now(admin.remove_account(&address("bob@mired.org"))).unwrap();
    assert_eq!(office.add_account("bob@mired.org", "bob"), 3);
    // Nothing of the first bob is left to the second.
    assert!(office.store.pairs().iter().all(|(key, _)| !key.ends_with(&2u32.to_be_bytes())));
}

#[test]
fn an_account_changes_its_name_in_one_call() {
    let office = Office::mired();
    office.add_domain("a.org");
    let change = AccountChange {
        add_addresses: addresses(&["anna@a.org"]),
        main_address: Some(address("Anna@a.org")),
        remove_addresses: addresses(&["ana@mired.org"]),
        quota_bytes: Some(Some(5)),
        size_max: Some(Some(9)),
        ..Default::default()
    };
    let entry = set(&office, "ana@mired.org", &change).unwrap();
    assert_eq!((entry.address.as_str(), entry.addresses.len()), ("anna@a.org", 0));
    assert_eq!((entry.quota_bytes, entry.size_max, entry.has_password), (Some(5), Some(9), true));
    assert_eq!(office.resolve("postmaster@a.org").unwrap(), ["anna@a.org at postmaster@a.org"]);
    assert_eq!(
        office.resolve("postmaster@mired.org").unwrap(),
        ["bob@mired.org at postmaster@mired.org"]
    );
    assert!(office.login("anna", b"ana").is_ok());
    assert!(office.login("ana", b"ana").is_err());
    assert_eq!(office.add_account("ana@mired.org", "x"), 3, "the old name is free");
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    use AdminError::*;
    let office = Office::mired();
    let admin = office.directory.admin();
    office.add_alias("team@mired.org", &["ana@mired.org"]);
    now(admin.add_domain_alias(&domain("m.org"), &domain("mired.org"))).unwrap();
    let before = office.store.pairs();
    let is_alias = || DomainIsAlias { name: domain("m.org"), of: domain("mired.org") };
    let a = address;

    let account =
        |name| now(admin.add_account(&NewAccount::new(a(name), None), |_, _| {})).unwrap_err();
    assert_eq!(account("ana@mired.org"), IsAccount(a("ana@mired.org")));
    assert_eq!(account("ANA@mired.org"), IsAccount(a("ANA@mired.org")));
    assert_eq!(account("team@mired.org"), IsAlias(a("team@mired.org")));
    assert_eq!(account("x@no.org"), NoSuchDomain(domain("no.org")));
    assert_eq!(account("x@m.org"), is_alias());

    let alias = |name, to: &[&str]| now(admin.add_alias(&a(name), &addresses(to))).unwrap_err();
    assert_eq!(alias("ana@mired.org", &["bob@mired.org"]), IsAccount(a("ana@mired.org")));
    assert_eq!(alias("team@mired.org", &["bob@mired.org"]), IsAlias(a("team@mired.org")));
    assert_eq!(alias("x@m.org", &["bob@mired.org"]), is_alias());
    assert_eq!(alias("x@mired.org", &[]), NoTargets(a("x@mired.org")));
    assert_eq!(alias("x@mired.org", &["X@m.org"]), AliasOfItself(a("x@mired.org")));
    assert_eq!(alias("x@mired.org", &["y@mired.org"]), NoSuchTarget(a("y@mired.org")));
    let many: Vec<String> = (0..201).map(|n| format!("{n}@elsewhere.org")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(alias("x@mired.org", &many), TooMany { what: "targets of one alias", max: 200 });

    let change = |change: AccountChange| set(&office, "ana@mired.org", &change).unwrap_err();
    let add = |name| AccountChange { add_addresses: vec![a(name)], ..Default::default() };
    assert_eq!(change(add("bob@mired.org")), IsAccount(a("bob@mired.org")));
    assert_eq!(change(add("Ana@mired.org")), IsAccount(a("Ana@mired.org")));
    assert_eq!(change(add("team@mired.org")), IsAlias(a("team@mired.org")));
    let remove = |name| AccountChange { remove_addresses: vec![a(name)], ..Default::default() };
    assert_eq!(change(remove("ana@mired.org")), MainAddress(a("ana@mired.org")));
    let not_its = NotItsAddress { account: a("ana@mired.org"), address: a("bob@mired.org") };
    assert_eq!(change(remove("bob@mired.org")), not_its);
    for password in [vec![], vec![b'x'; 1025]] {
        let password = Some(NewPassword::Clear(password));
        let error = change(AccountChange { password, ..Default::default() });
        assert_eq!(error, PasswordLength { max: 1024 });
    }
    let set_absent = |name| set(&office, name, &AccountChange::default()).unwrap_err();
    assert_eq!(set_absent("x@mired.org"), NoSuchAccount(a("x@mired.org")));
    assert_eq!(set_absent("team@mired.org"), IsAlias(a("team@mired.org")));

    let remove = |name| now(admin.remove_domain(&domain(name))).unwrap_err();
    let ana = a("ana@mired.org");
    assert_eq!(remove("mired.org"), DomainHasAccount { name: domain("mired.org"), account: ana });
    assert_eq!(remove("no.org"), NoSuchDomain(domain("no.org")));
    assert_eq!(now(admin.add_domain(&domain("m.org"))), Err(DomainExists(domain("m.org"))));
    let twice = now(admin.add_domain_alias(&domain("n.org"), &domain("m.org")));
    assert_eq!(twice, Err(is_alias()));
    let change = DomainChange { catch_all: Some(Some(a("y@mired.org"))), ..Default::default() };
    let catch_all = now(admin.set_domain(&domain("mired.org"), &change));
    assert_eq!(catch_all, Err(NoSuchTarget(a("y@mired.org"))));

    assert_eq!(office.store.pairs(), before);
}

#[test]
fn a_domain_is_removed_when_the_last_that_needs_it_is_gone() {
    let office = Office::mired();
    let admin = office.directory.admin();
    let mired = domain("mired.org");
    now(admin.add_domain_alias(&domain("m.org"), &mired)).unwrap();
    office.add_alias("team@mired.org", &["bob@mired.org"]);
    now(admin.remove_account(&address("ana@m.org"))).unwrap();
    now(admin.remove_account(&address("bob@mired.org"))).unwrap();
    let has_alias =
        AdminError::DomainHasAlias { name: mired.clone(), alias: address("team@mired.org") };
    assert_eq!(now(admin.remove_domain(&mired)), Err(has_alias));
    now(admin.remove_alias(&address("Team@m.org"))).unwrap();
    let has_domain =
        AdminError::DomainHasAliasDomain { name: mired.clone(), alias: domain("m.org") };
    assert_eq!(now(admin.remove_domain(&mired)), Err(has_domain));
    now(admin.remove_domain(&domain("m.org"))).unwrap();
    now(admin.remove_domain(&mired)).unwrap();
    let left: Vec<_> = office.store.pairs().into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, ["dC"], "only the counter stays");
}

#[test]
fn lists_come_in_pages_in_order() {
    let office = Office::empty();
    let admin = office.directory.admin();
    for name in ["b.org", "a.org"] {
        office.add_domain(name);
        let keep = NewAccount::new(address(&format!("keep@{name}")), None);
        now(admin.add_account(&keep, |_, _| {})).unwrap();
        for n in (0..300).rev() {
            office.add_alias(&format!("n{n:03}@{name}"), &[&format!("keep@{name}")]);
        }
    }
    let walk = |only: Option<&str>, step| {
        let only = only.map(domain);
        let mut all: Vec<AliasEntry> = Vec::new();
        loop {
            let after = all.last().map(|e| address(&e.address));
            let page = now(admin.list_aliases(only.as_ref(), after.as_ref(), step)).unwrap();
            assert!(page.len() <= step);
            if page.is_empty() {
                return all.into_iter().map(|e| e.address).collect::<Vec<_>>();
            }
            all.extend(page);
        }
    };
    let all = walk(None, 1_000);
    assert_eq!((all.len(), all[0].as_str()), (600, "n000@a.org"));
    assert!(
        all.iter().map(|a| address(a)).zip(all[1..].iter().map(|a| address(a))).all(|(a, b)| (
            a.domain(),
            a.local_part()
        ) < (
            b.domain(),
            b.local_part()
        ))
    );
    assert_eq!(walk(None, 7), all);
    assert_eq!(walk(Some("b.org"), 299), all[300..]);

    let accounts = now(admin.list_accounts(None, None, 10)).unwrap();
    assert_eq!(
        accounts.iter().map(|a| &a.address[..]).collect::<Vec<_>>(),
        ["keep@a.org", "keep@b.org"]
    );
    let behind = now(admin.list_accounts(None, Some(&address("keep@a.org")), 10)).unwrap();
    assert_eq!(behind, accounts[1..]);
    let domains = now(admin.list_domains(None, 10)).unwrap();
    assert_eq!(domains.iter().map(|d| &d.name[..]).collect::<Vec<_>>(), ["a.org", "b.org"]);
    assert_eq!(now(admin.list_domains(Some(&domain("a.org")), 10)).unwrap(), domains[1..]);
}

#[test]
fn entries_print_as_json_and_read_back() {
    let office = Office::mired();
    let admin = office.directory.admin();
    now(admin.add_domain_alias(&domain("m.org"), &domain("mired.org"))).unwrap();
    let domains = now(admin.list_domains(None, 10)).unwrap();
    let json = serde_json::to_string(&domains).unwrap();
    let want = r#"[{"name":"m.org","alias_of":"mired.org","catch_all":null,"postmaster":null},{"name":"mired.org","alias_of":null,"catch_all":null,"postmaster":null}]"#;
    assert_eq!(json, want);
    assert_eq!(serde_json::from_str::<Vec<DomainEntry>>(&json).unwrap(), domains);
}

#[test]
fn every_call_can_be_made_by_a_task_of_a_server() {
    fn check<T: Send>(future: T) -> T {
        future
    }
    let office = Office::mired();
    let (ana, admin) = (address("ana@mired.org"), office.directory.admin());
    now(check(office.directory.login("ana", b"ana", by(Protocol::Imap)))).unwrap();
    now(check(office.directory.scram_keys("ana", Protocol::Imap))).unwrap();
    now(check(admin.set_account(&ana, &AccountChange::default()))).unwrap();
    let new = NewAccount::new(address("x@mired.org"), None);
    now(check(admin.add_account(&new, |_, _| {}))).unwrap();
    now(check(admin.add_alias(&address("y@mired.org"), std::slice::from_ref(&ana)))).unwrap();
    now(check(admin.list_accounts(None, None, 9))).unwrap();
    now(check(admin.remove_account(&ana))).unwrap();
    let _ = now(check(admin.remove_domain(&domain("mired.org"))));
}
