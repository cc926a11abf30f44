//! Logins of every kind, counted together.

use core_directory::{AccountChange, Directory, NewAccount, NewDevice, NewPassword, Protocols};
use core_store::MemoryStore;
use core_store::suite::block_on;
use core_world::testing::TestWorld;
use proto_sasl::{Answer, Ask, Keys, Proof, Secret};
use serve_login::{DELAY_MAX, Guest, Login, OF_PAIR, Peer, Protocol, Refused};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use words_mail::{Address, Domain, Refusal};

/// mired.org with ana and bob, each with the password of that name.
struct Scene {
    outside: Arc<TestWorld>,
    directory: Arc<Directory>,
    login: Login,
}

impl Scene {
    fn new() -> Scene {
        let outside = TestWorld::new();
        let directory = Directory::new(MemoryStore::new(), outside.world(), Default::default());
        let directory = Arc::new(directory);
        let admin = directory.admin();
        block_on(admin.add_domain(&Domain::parse("mired.org").unwrap())).unwrap();
        for name in ["ana", "bob"] {
            let new = NewAccount::new(address(name), Some(name.as_bytes().to_vec()));
            block_on(admin.add_account(&new, |_, _| {})).unwrap();
        }
        let login = Login::new(directory.clone(), outside.world());
        Scene { outside, directory, login }
    }

    fn answer(
        &self,
        ask: Ask,
        from: &str,
        by: Protocol,
    ) -> Result<(Answer, Option<Guest>), Refused> {
        let peer = Peer { session: "1".to_string(), address: from.to_string(), protocol: "imaps" };
        // Each listener has its own clone.
        let login = self.login.clone();
        block_on(login.answer(ask, &peer, by)).map(|turn| (turn.answer, turn.guest))
    }

    fn password(&self, name: &str, password: &str, from: &str) -> Result<Guest, Refused> {
        self.answer(ask(name, password), from, Protocol::Imap).map(|(_, guest)| guest.unwrap())
    }

    fn keys(&self, name: &str, from: &str) -> Result<Keys, Refused> {
        let ask = Ask::Keys { authcid: name.to_string() };
        match self.answer(ask, from, Protocol::Imap)? {
            (Answer::Keys(keys), None) => Ok(keys),
            other => panic!("{:?}", other.0),
        }
    }

    fn proven(&self, name: &str, proof: Proof, from: &str) -> Result<Guest, Refused> {
        let (authcid, authzid) = (name.to_string(), String::new());
        let ask = Ask::Proven { authcid, authzid, proof };
        self.answer(ask, from, Protocol::Imap).map(|(_, guest)| guest.unwrap())
    }
}

fn address(name: &str) -> Address {
    Address::parse(&format!("{name}@mired.org")).unwrap()
}

fn ask(name: &str, password: &str) -> Ask {
    let password = Secret::new(password.as_bytes().to_vec());
    Ask::Password { authcid: name.to_string(), authzid: String::new(), password }
}

fn wrong(seconds: u64) -> Refused {
    Refused { refusal: Refusal::LoginFailed, delay: Duration::from_secs(seconds) }
}

const HOME: &str = "192.0.2.7:49152";
const AWAY: &str = "[2001:db8:1:2::3]:49152";

#[test]
fn guesses_by_every_protocol_spelling_and_mechanism_are_counted_together() {
    let scene = Scene::new();
    let guess = |n: u64, name: &str, by| match scene.answer(ask(name, &n.to_string()), HOME, by) {
        Err(refused) => refused,
        Ok(_) => panic!("let in"),
    };
    assert_eq!(guess(1, "ana", Protocol::Imap), wrong(0));
    assert_eq!(guess(2, "ANA@mired.org", Protocol::Pop3), wrong(0));
    assert_eq!(guess(3, "Ana", Protocol::Smtp), wrong(0));
    scene.keys("ana", HOME).unwrap();
    assert_eq!(scene.proven("ana", Proof::Wrong, HOME).unwrap_err(), wrong(1));
    assert_eq!(guess(5, "ana", Protocol::Imap), wrong(2));
    assert_eq!(guess(6, "ana", Protocol::Imap), wrong(4));
    for n in 7..=u64::from(OF_PAIR.burst) {
        assert_eq!(guess(n, "ana", Protocol::Imap), wrong(8));
    }
    let unheard = scene.outside.verified.load(SeqCst);
    for refused in [
        scene.password("ana", "ana", HOME).unwrap_err(),
        scene.keys("ana", HOME).map(|_| ()).unwrap_err(),
    ] {
        assert!(matches!(refused.refusal, Refusal::Limit(_)), "{refused:?}");
        assert_eq!(refused.delay, DELAY_MAX);
    }
    assert_eq!(scene.outside.verified.load(SeqCst), unheard, "nothing was verified");
    assert!(scene.password("ana", "ana", AWAY).is_ok());
    assert!(scene.password("bob", "bob", HOME).is_ok());
    scene.outside.pass_minutes(1);
    assert!(scene.password("ana", "ana", HOME).is_ok());
    assert_eq!(guess(99, "ana", Protocol::Imap), wrong(0), "success forgets");
}

#[test]
fn names_that_nobody_has_are_slowed_down_just_so() {
    let scene = Scene::new();
    let tell = |name: &str| {
        let guess = |n: u32| scene.password(name, &n.to_string(), HOME).unwrap_err();
        (0..12).map(guess).collect::<Vec<_>>()
    };
    assert_eq!(tell("ana"), tell("nobody"));
}

#[test]
fn what_is_not_the_clients_fault_is_not_counted() {
    let scene = Scene::new();
    scene.outside.busy.store(true, SeqCst);
    for _ in 0..50 {
        let refused = scene.password("ana", "ana", HOME).unwrap_err();
        assert_eq!(refused.delay, Duration::ZERO, "{refused:?}");
    }
    scene.outside.busy.store(false, SeqCst);
    let new = NewDevice { name: "x".into(), protocols: Protocol::Smtp.into(), expires_at: None };
    let device = block_on(scene.directory.admin().add_device(&address("ana"), &new)).unwrap().1;
    for _ in 0..50 {
        let refused = scene.password("ana", &device, HOME).unwrap_err();
        assert!(matches!(refused.refusal, Refusal::NotPermitted(_)), "{refused:?}");
    }
    assert!(scene.password("ana", "ana", HOME).is_ok());
}

#[test]
fn scram_lets_in_by_the_key_that_fits_and_only_as_long_as_the_account_has_it() {
    let scene = Scene::new();
    let new = NewDevice { name: "x".into(), protocols: Protocols::ANY, expires_at: None };
    block_on(scene.directory.admin().add_device(&address("ana"), &new)).unwrap();
    let keys = scene.keys("ana", HOME).unwrap();
    assert_eq!(keys.pairs.len(), 2);
    let right = |place: usize| Proof::Right { stored_key: keys.pairs[place].stored_key };
    for place in [0, 1] {
        assert!(scene.proven("ana", right(place), HOME).is_ok());
    }
    assert_eq!(scene.proven("bob", right(0), HOME).unwrap_err().refusal, Refusal::LoginFailed);
    let password = Some(NewPassword::Clear(b"new".to_vec()));
    let change = AccountChange { password, ..AccountChange::default() };
    block_on(scene.directory.admin().set_account(&address("ana"), &change)).unwrap();
    assert!(scene.proven("ana", right(0), HOME).is_err(), "changed while the proof was on its way");
    assert!(scene.proven("ana", right(1), HOME).is_ok());
}

#[test]
fn a_guest_is_looked_at_again_only_when_the_account_changed_or_the_password_is_out_of_date() {
    let scene = Scene::new();
    let at = core_world::testing::MORNING + Duration::from_secs(3600);
    let new = NewDevice { name: "x".into(), protocols: Protocols::ANY, expires_at: Some(at) };
    let device = block_on(scene.directory.admin().add_device(&address("ana"), &new)).unwrap().1;
    let mut guest = scene.password("ana", &device, HOME).unwrap();
    let check = |guest: &mut Guest| block_on(scene.login.check(guest));
    assert_eq!((check(&mut guest), check(&mut guest)), (Ok(()), Ok(())));
    let disabled = |yes| AccountChange { disabled: Some(yes), ..AccountChange::default() };
    let set = |name: &str, yes| {
        block_on(scene.directory.admin().set_account(&address(name), &disabled(yes))).unwrap();
    };
    set("bob", true);
    assert_eq!(check(&mut guest), Ok(()));
    set("ana", true);
    assert_eq!(check(&mut guest), Err(Refusal::LoginFailed));
    assert_eq!(check(&mut guest), Err(Refusal::LoginFailed));
    set("ana", false);
    assert_eq!(check(&mut guest), Ok(()));
    scene.outside.pass_minutes(60);
    assert_eq!(check(&mut guest), Err(Refusal::LoginFailed));
}

#[test]
fn nobody_logs_in_for_somebody_else() {
    let scene = Scene::new();
    let password = Secret::new(b"ana".to_vec());
    let (authcid, authzid) = ("ana".to_string(), "bob".to_string());
    let ask = Ask::Password { authcid, authzid, password };
    let refused = scene.answer(ask, HOME, Protocol::Imap).map(|_| ()).unwrap_err();
    assert_eq!(refused.refusal, Refusal::LoginFailed);
}
