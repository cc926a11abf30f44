//! A client of SCRAM, the example of RFC 7677 §3, and everything that must fail.

use super::*;
use proptest::prelude::*;

const EXPORTER: [u8; 32] = [7; 32];

struct Client {
    salted: [u8; 32],
}

impl Client {
    fn new(password: &str, salt: &[u8], iterations: u32) -> Client {
        let mut salted = [0; 32];
        pbkdf2::pbkdf2::<Hmac<Sha256>>(password.as_bytes(), salt, iterations, &mut salted).unwrap();
        Client { salted }
    }

    fn client_key(&self) -> [u8; 32] {
        hmac(&self.salted, b"Client Key")
    }

    fn pair(&self) -> KeyPair {
        let stored_key = Sha256::digest(self.client_key()).into();
        KeyPair { stored_key, server_key: hmac(&self.salted, b"Server Key") }
    }

    fn keys(&self, salt: &[u8], iterations: u32) -> Keys {
        Keys { salt: salt.to_vec(), iterations, pairs: vec![self.pair()], nonce: [3; 18] }
    }

    fn prove(&self, bare: &str, server_first: &str, without_proof: &str) -> String {
        let stored: [u8; 32] = Sha256::digest(self.client_key()).into();
        let message = format!("{bare},{server_first},{without_proof}");
        let signature = hmac(&stored, message.as_bytes());
        let proof: Vec<u8> = self.client_key().iter().zip(signature).map(|(k, s)| k ^ s).collect();
        format!("{without_proof},p={}", base64::encode(&proof))
    }
}

fn text(turn: Turn) -> String {
    let Turn::Challenge(line) = turn else { panic!("{turn:?}") };
    String::from_utf8(base64::decode(line.as_bytes()).unwrap()).unwrap()
}

/// Plays a whole login as `header`, the client's binding data being `bound`.
fn login(
    mechanism: Mechanism,
    binding: Binding,
    header: &str,
    bound: &[u8],
    password: &str,
) -> Result<Turn, Failure> {
    let keys = Client::new("pencil", b"salt", 2).keys(b"salt", 2);
    login_with(keys, mechanism, binding, header, bound, password)
}

fn login_with(
    keys: Keys,
    mechanism: Mechanism,
    binding: Binding,
    header: &str,
    bound: &[u8],
    password: &str,
) -> Result<Turn, Failure> {
    let mut scram = Scram::new(mechanism, binding);
    let bare = "n=us=3De=2Cr,r=abcdefgh";
    let asked = scram.take(format!("{header}{bare}").as_bytes())?;
    assert_eq!(asked, Turn::Ask(Ask::Keys { authcid: "us=e,r".to_string() }));
    let server_first = text(scram.answer(Answer::Keys(keys)));
    let nonce = server_first[2..].split(',').next().unwrap();
    let c = base64::encode(&[header.as_bytes(), bound].concat());
    let proven =
        Client::new(password, b"salt", 2).prove(bare, &server_first, &format!("c={c},r={nonce}"));
    let turn = scram.take(proven.as_bytes())?;
    let Turn::Challenge(_) = turn else { return Ok(turn) };
    assert!(text(turn).starts_with("v="));
    scram.take(b"")
}

#[test]
fn the_example_of_rfc_7677_is_played() {
    let salt = base64::decode(b"W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let keys = Client::new("pencil", &salt, 4096).keys(&salt, 4096);
    let stored_key = keys.pairs[0].stored_key;
    let mut scram = Scram::new(Mechanism::ScramSha256, Binding::Unavailable);
    scram.take(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
    let State::AwaitingKeys(first) = std::mem::replace(&mut scram.state, State::Failing) else {
        panic!()
    };
    let challenge = text(scram.challenge(first, keys, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"));
    assert_eq!(
        challenge,
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    let turn = scram
        .take(b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        .unwrap();
    assert_eq!(text(turn), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    let (authcid, proof) = ("user".to_string(), Proof::Right { stored_key });
    let proven = Ask::Proven { authcid, authzid: String::new(), proof };
    assert_eq!(scram.take(b"").unwrap(), Turn::Ask(proven));
    assert_eq!(scram.answer(Answer::Accepted), Turn::Accepted);
}

/// By the key of `password`.
fn right(password: &str) -> Proof {
    Proof::Right { stored_key: Client::new(password, b"salt", 2).pair().stored_key }
}

#[test]
fn each_of_several_passwords_under_one_salt_is_told_from_the_others() {
    let passwords = ["pencil", "abcd-efgh", "wxyz-1234"];
    let pairs = passwords.map(|password| Client::new(password, b"salt", 2).pair());
    let keys =
        || Keys { salt: b"salt".to_vec(), iterations: 2, pairs: pairs.to_vec(), nonce: [3; 18] };
    let login = |keys, password| {
        login_with(keys, Mechanism::ScramSha256, Binding::Unavailable, "n,,", b"", password)
    };
    for password in passwords {
        assert_eq!(login(keys(), password), Ok(proven("", right(password))));
    }
    assert_eq!(login(keys(), "abcd"), Ok(proven("", Proof::Wrong)));
    assert_eq!(login(Keys { pairs: vec![], ..keys() }, ""), Ok(proven("", Proof::Wrong)));
}

fn proven(authzid: &str, proof: Proof) -> Turn {
    Turn::Ask(Ask::Proven { authcid: "us=e,r".to_string(), authzid: authzid.to_string(), proof })
}

#[test]
fn a_bound_login_needs_the_channels_own_data() {
    let bound = Binding::TlsExporter(EXPORTER);
    let plus =
        |data: &[u8]| login(Mechanism::ScramSha256Plus, bound, "p=tls-exporter,,", data, "pencil");
    assert_eq!(plus(&EXPORTER), Ok(proven("", right("pencil"))));
    assert_eq!(plus(&[8; 32]), Err(Failure::WrongBinding));
    assert_eq!(plus(b""), Err(Failure::WrongBinding));
}

#[test]
fn the_binding_flag_must_fit_the_mechanism() {
    use Mechanism::{ScramSha256 as Bare, ScramSha256Plus as Plus};
    let bound = Binding::TlsExporter(EXPORTER);
    let check = |mechanism, binding, header| login(mechanism, binding, header, b"", "pencil");
    assert_eq!(check(Bare, bound, "y,,"), Err(Failure::Downgrade));
    assert_eq!(check(Bare, Binding::Unavailable, "y,,"), Ok(proven("", right("pencil"))));
    assert_eq!(check(Bare, bound, "n,,"), Ok(proven("", right("pencil"))));
    assert_eq!(check(Bare, bound, "p=tls-exporter,,"), Err(Failure::WrongBinding));
    assert_eq!(check(Plus, bound, "n,,"), Err(Failure::WrongBinding));
    assert_eq!(check(Plus, bound, "p=tls-unique,,"), Err(Failure::WrongBinding));
    assert_eq!(check(Plus, Binding::Unavailable, "p=tls-exporter,,"), Err(Failure::WrongBinding));
}

#[test]
fn a_wrong_password_is_told_to_the_core_and_never_accepted() {
    let turn = login(Mechanism::ScramSha256, Binding::Unavailable, "n,a=bob,", b"", "pen");
    assert_eq!(turn, Ok(proven("bob", Proof::Wrong)));
    let mut scram = Scram::new(Mechanism::ScramSha256, Binding::Unavailable);
    scram.state = State::Failing;
    assert_eq!(scram.answer(Answer::Accepted), Turn::Failed(Failure::WrongProof));
}

#[test]
fn malformed_messages_fail() {
    for bad in [
        "",
        "n",
        "n,,",
        "n,,n=user",
        "n,,n=,r=abcdefgh",
        "n,,n=a=b,r=abcdefgh",
        "n,,m=x,n=u,r=abcdefgh",
        "n,,n=user,r=short",
        "n,,n=user,r=with space",
        "n,x,n=user,r=abcdefgh",
        "n,a=,n=user,r=abcdefgh",
        "z,,n=user,r=abcdefgh",
        "n,,n=u=2,r=abcdefgh",
        "n,,r=abcdefgh,n=user",
    ] {
        let mut scram = Scram::new(Mechanism::ScramSha256, Binding::Unavailable);
        assert!(scram.take(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn another_nonce_fails() {
    let keys = Client::new("pencil", b"salt", 2).keys(b"salt", 2);
    let mut scram = Scram::new(Mechanism::ScramSha256, Binding::Unavailable);
    scram.take(b"n,,n=ana,r=abcdefgh").unwrap();
    let server_first = text(scram.answer(Answer::Keys(keys)));
    let last = Client::new("pencil", b"salt", 2).prove(
        "n=ana,r=abcdefgh",
        &server_first,
        "c=biws,r=abcdefgh",
    );
    assert!(matches!(scram.take(last.as_bytes()), Err(Failure::Malformed(_))));
}

proptest! {
    #[test]
    fn a_name_is_read_back_from_its_escapes(text in "[ -~ñ]{1,40}") {
        let escaped = text.replace('=', "=3D").replace(',', "=2C");
        prop_assert_eq!(parse_saslname(&escaped), Ok(text));
    }

    #[test]
    fn no_message_panics(first in "\\PC{0,80}", last in "\\PC{0,80}") {
        let mut scram = Scram::new(Mechanism::ScramSha256, Binding::Unavailable);
        let _ = scram.take(first.as_bytes());
        let mut scram = Scram::new(Mechanism::ScramSha256, Binding::Unavailable);
        let keys = Client { salted: [1; 32] }.keys(b"salt", 2);
        scram.take(b"n,,n=ana,r=abcdefgh").unwrap();
        scram.answer(Answer::Keys(keys));
        let _ = scram.take(last.as_bytes());
    }
}
