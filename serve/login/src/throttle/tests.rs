use super::*;
use words_mail::AccountId;

const ANA: Identity = Identity::Account(AccountId(1));
const BOB: Identity = Identity::Account(AccountId(2));

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

struct Scene(Arc<Throttle>);

impl Scene {
    fn new() -> Scene {
        Scene(Arc::default())
    }

    fn begin(&self, peer: &str, who: &Identity, now: Timestamp) -> Result<Attempt, Refusal> {
        let mut attempt = self.0.begin(peer, now)?;
        attempt.is_about(who, now)?;
        Ok(attempt)
    }

    /// Guesses with that password. Was it heard?
    fn guess(&self, peer: &str, who: &Identity, password: &str, now: Timestamp) -> bool {
        let attempt = self.begin(peer, who, now);
        attempt.map(|attempt| attempt.failed(Some(password.as_bytes()), now)).is_ok()
    }

    /// How many of `count` different guesses are heard.
    fn guesses(&self, peer: &str, who: &Identity, count: u32, now: Timestamp) -> u32 {
        let heard = |n: &u32| self.guess(peer, who, &format!("{}/{n}", now.millis()), now);
        (0..count).filter(heard).count() as u32
    }

    fn succeed(&self, peer: &str, who: &Identity, now: Timestamp) -> bool {
        self.begin(peer, who, now).map(|attempt| attempt.succeeded(now)).is_ok()
    }
}

#[test]
fn an_address_that_was_wrong_too_often_is_not_heard_for_a_while() {
    let scene = Scene::new();
    let nobody = |n: u32| Identity::Nobody(format!("name{n}"));
    for n in 0..OF_ADDRESS.burst {
        assert!(scene.guess(&format!("192.0.2.1:{n}"), &nobody(n), "x", at(0)), "{n}");
    }
    assert!(!scene.guess("192.0.2.1:7", &nobody(200), "x", at(5)));
    assert!(!scene.succeed("[::ffff:192.0.2.1]:7", &ANA, at(5)));
    assert!(!scene.succeed("192.0.2.1", &ANA, at(5)));
    assert!(scene.succeed("192.0.2.2:7", &ANA, at(5)), "another is heard");
    assert!(scene.succeed("192.0.2.1:7", &ANA, at(6)), "one in six seconds");
    assert!(scene.guess("192.0.2.1:7", &BOB, "x", at(6)));
    assert!(!scene.succeed("192.0.2.1:7", &ANA, at(6)), "a login of one's own pays for nothing");
    assert!(scene.succeed("192.0.2.1:7", &ANA, at(-1)), "a clock set back");
}

#[test]
fn a_name_is_guessed_at_slowly_from_one_address() {
    let scene = Scene::new();
    assert_eq!(scene.guesses("192.0.2.1:7", &ANA, 50, at(0)), OF_PAIR.burst);
    assert_eq!(scene.guesses("192.0.2.1:8", &ANA, 50, at(59)), 0);
    assert_eq!(scene.guesses("192.0.2.1:9", &ANA, 50, at(60)), 1);
    assert!(scene.succeed("192.0.2.1:9", &BOB, at(60)), "that is another name");
    assert!(scene.succeed("192.0.2.2:9", &ANA, at(60)), "and that another address");
    let day: u32 =
        (61..61 + 86_400).step_by(10).map(|s| scene.guesses("192.0.2.1", &ANA, 9, at(s))).sum();
    assert!(day <= 1_440, "{day} in a day");
}

#[test]
fn a_name_is_guessed_at_slowly_from_everywhere_together_and_its_owner_is_heard_all_the_same() {
    let scene = Scene::new();
    assert!(scene.succeed("203.0.113.5:1", &ANA, at(0)));
    let from = |n: u32| format!("198.51.{}.{}:1", n / 256, n % 256);
    let heard: u32 = (0..500).map(|n| scene.guesses(&from(n), &ANA, 1, at(1))).sum();
    assert_eq!(heard, OF_NAME.burst);
    assert!(!scene.succeed("203.0.113.6:1", &ANA, at(1)), "not from where nobody knows them");
    assert!(scene.succeed("203.0.113.5:1", &ANA, at(1)));
    assert!(scene.succeed("203.0.113.5:1", &ANA, at(2)), "as often as they like");
    assert!(scene.succeed("203.0.113.6:1", &BOB, at(1)), "nor is anybody else");
    assert!(scene.succeed("203.0.113.6:1", &ANA, at(11)), "it is mild");
    let month = 30 * 24 * 3600;
    let heard: u32 = (0..500).map(|n| scene.guesses(&from(n), &ANA, 1, at(month + 20))).sum();
    assert_eq!(heard, OF_NAME.burst);
    assert!(!scene.succeed("203.0.113.5:1", &ANA, at(month + 20)), "long ago");
}

#[test]
fn a_device_that_knows_an_old_password_locks_nobody_out() {
    let scene = Scene::new();
    assert!(scene.succeed("192.0.2.1:1", &ANA, at(0)));
    // The phone tries every ten seconds for half an hour, the laptop beside it once a minute.
    for second in (10..1_800).step_by(10) {
        let password = if second % 20 == 0 { "old" } else { "older" };
        assert!(scene.guess("192.0.2.1:2", &ANA, password, at(second)), "{second}");
        if second % 60 == 0 {
            assert!(scene.succeed("192.0.2.1:3", &ANA, at(second)), "{second}");
        }
    }
    // Nor where nobody has been let in before.
    for second in (0..3_600).step_by(10) {
        assert!(scene.guess("192.0.2.9:2", &ANA, "old", at(second)), "{second}");
    }
}

#[test]
fn a_known_address_may_be_wrong_more_often() {
    let scene = Scene::new();
    assert!(scene.succeed("192.0.2.1:1", &ANA, at(0)));
    assert_eq!(scene.guesses("192.0.2.1:1", &ANA, 50, at(0)), OF_KNOWN_PAIR.burst);
    assert!(!scene.succeed("192.0.2.1:1", &ANA, at(9)));
    assert!(scene.succeed("192.0.2.1:1", &ANA, at(10)));
    assert_eq!(scene.guesses("192.0.2.1:1", &ANA, 50, at(10)), OF_KNOWN_PAIR.burst);
}

#[test]
fn the_answer_to_a_wrong_password_comes_later_each_time() {
    let scene = Scene::new();
    let fail = |password: Option<&[u8]>| {
        scene.begin("192.0.2.1", &ANA, at(0)).unwrap().failed(password, at(0)).as_secs()
    };
    let texts: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    let delays: Vec<u64> = texts.iter().map(|text| fail(Some(text.as_bytes()))).collect();
    assert_eq!(delays, [0, 0, 0, 1, 2, 4, 8, 8, 8, 8]);
    assert!(scene.begin("192.0.2.1", &ANA, at(0)).is_err());
    let scene = Scene::new();
    let fail = || scene.begin("192.0.2.1", &ANA, at(0)).unwrap().failed(None, at(0)).as_secs();
    assert_eq!([(); 5].map(|()| fail()), [0, 0, 0, 1, 2], "proofs are never the same");
}

#[test]
fn programs_of_this_machine_are_counted_by_name_alone() {
    let scene = Scene::new();
    let nobody = |n: u32| Identity::Nobody(format!("name{n}"));
    assert!((0..1_000).all(|n| scene.guess("127.0.0.1:1", &nobody(n), "x", at(0))));
    assert_eq!(scene.guesses("127.0.0.1:1", &ANA, 50, at(0)), OF_PAIR.burst);
    assert_eq!(scene.guesses("[::1]:1", &BOB, 50, at(0)), OF_PAIR.burst);
    assert_eq!(scene.guesses("no address", &nobody(1_000), 500, at(0)), OF_NAME.burst);
}

#[test]
fn success_of_an_address_without_failures_leaves_one_entry() {
    let scene = Scene::new();
    assert!((0..200).all(|n| scene.succeed(&format!("192.0.2.1:{n}"), &ANA, at(0))));
    assert_eq!(scene.0.entries().len(), 1);
}

#[test]
fn one_address_cannot_have_everybody_wait() {
    let scene = Scene::new();
    let begin = |n: u32| scene.begin(&format!("[2001:db8::{n:x}]:25"), &ANA, at(0));
    let mut under_way: Vec<_> = (0..UNDER_WAY_MAX).map(|n| begin(n).unwrap()).collect();
    assert!(begin(99).is_err());
    under_way.pop();
    assert!(begin(99).is_ok());
}

#[test]
fn what_is_remembered_is_bounded_and_who_owes_much_is_not_forgotten() {
    let scene = Scene::new();
    assert!(scene.succeed("203.0.113.5:1", &BOB, at(0)));
    assert_eq!(scene.guesses("192.0.2.1:1", &ANA, 50, at(0)), OF_PAIR.burst);
    for n in 0..3 * ENTRIES_MAX as u32 {
        let (high, middle, low) = (n >> 16, n >> 8 & 255, n & 255);
        let nobody = Identity::Nobody(n.to_string());
        scene.guess(&format!("10.{high}.{middle}.{low}:1"), &nobody, "x", at(0));
        assert!(scene.0.entries().len() <= ENTRIES_MAX);
    }
    assert!(!scene.succeed("192.0.2.1:1", &ANA, at(59)), "ten failures outweigh one");
    let known = |identity: &Identity| {
        let name = scene.0.hasher.hash_one(identity);
        let key = Key::Pair(name, "203.0.113.5".parse().unwrap());
        scene.0.entries().get(&key).is_some_and(|entry| entry.is_known(at(0)))
    };
    assert!(known(&BOB));
}

#[test]
fn exchanges_held_open_give_no_more_guesses() {
    let scene = Scene::new();
    let open =
        || scene.begin("192.0.2.1:1", &ANA, at(0)).map(|attempt| attempt.charge(at(0))).is_ok();
    let held = (0..200).filter(|_| open()).count() as u32;
    assert_eq!(held, OF_PAIR.burst);
    let resume = || scene.0.resume("192.0.2.1:1", &ANA);
    assert_eq!(resume().failed(None, at(0)), DELAY_MAX);
    assert!(!open(), "what was charged is not charged again, nor forgotten");
    resume().succeeded(at(0));
    assert!((0..OF_KNOWN_PAIR.burst).all(|_| open()));
}

#[test]
fn an_exchange_that_ends_well_owes_nothing() {
    let scene = Scene::new();
    for n in 0..1_000 {
        let peer = format!("192.0.2.1:{n}");
        scene.begin(&peer, &ANA, at(0)).unwrap().charge(at(0));
        scene.0.resume(&peer, &ANA).succeeded(at(0));
    }
    let debts: Vec<_> = scene.0.entries().values().map(|entry| entry.debt).collect();
    assert!(debts.iter().all(|debt| *debt == Debt::default()), "{debts:?}");
}
