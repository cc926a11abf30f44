//! Whose certificate will do: each kind of trust with the right certificate and wrong ones.

use crate::echo::{LIMIT, serve, tls_of};
use core_world::{Dial, DialError, DialTls, Dialer, Flaw, Tlsa, Trust};
use engine_net::{Certificate, Options, Roots, Security, TcpDialer, Tickets};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PublicKeyData,
    date_time_ymd,
};
use sha2::{Digest, Sha256, Sha512};
use std::net::{IpAddr, SocketAddr};

/// An authority, and the octets that records are made of.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: Vec<u8>,
    key: Vec<u8>,
}

/// A server's certificate.
struct Leaf {
    pem: String,
    secret: String,
    der: Vec<u8>,
    key: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Dates {
    Good,
    Past,
}

fn authority(name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = params.self_signed(&key).unwrap();
    let spki = key.subject_public_key_info();
    let issuer = Issuer::new(params, key);
    Authority { issuer, pem: made.pem(), der: made.der().to_vec(), key: spki }
}

fn leaf(by: Option<&Authority>, names: &[&str], dates: Dates) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    if let Dates::Past = dates {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    let made = match by {
        Some(authority) => params.signed_by(&key, &authority.issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    Leaf {
        pem: made.pem(),
        secret: key.serialize_pem(),
        der: made.der().to_vec(),
        key: key.subject_public_key_info(),
    }
}

/// A server that shows `leaf` with `chain` behind it.
fn server(leaf: &Leaf, chain: &str) -> SocketAddr {
    let pem = format!("{}{chain}", leaf.pem);
    let certificate = Certificate::from_pem(pem.as_bytes(), leaf.secret.as_bytes()).unwrap();
    let tls = tls_of(certificate, Tickets::None);
    let server = serve(Options { security: Security::Implicit(tls), ..Options::default() });
    let address = server.address;
    // It serves as long as the test's runtime does.
    std::mem::forget(server);
    address
}

fn dialer(believed: Option<&Authority>) -> TcpDialer {
    let Some(authority) = believed else { return TcpDialer::new(Roots::none()) };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &authority.pem).unwrap();
    TcpDialer::new(Roots::none().and(file.path()).unwrap())
}

/// To `address`, whatever the name says.
fn to(address: SocketAddr, trust: Trust) -> Dial {
    Dial {
        host: "mx.example".to_string(),
        address: Some(address.ip()),
        port: address.port(),
        source: None,
        tls: DialTls::Implicit,
        trust,
        within: LIMIT,
    }
}

async fn verdict(dialer: &TcpDialer, address: SocketAddr, trust: Trust) -> Result<(), Flaw> {
    match dialer.dial(&to(address, trust)).await {
        Ok(_) => Ok(()),
        Err(DialError::Untrusted { flaw, .. }) => Err(flaw),
        Err(error) => panic!("{error}"),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A record that describes the octets.
fn record(usage: u8, selector: u8, matching: u8, octets: &[u8]) -> Tlsa {
    let data = match matching {
        1 => Sha256::digest(octets).to_vec(),
        2 => Sha512::digest(octets).to_vec(),
        _ => octets.to_vec(),
    };
    Tlsa { usage, selector, matching, data }
}

fn dane(records: Vec<Tlsa>, for_names: &[&str]) -> Trust {
    Trust::Dane { records, names: names(for_names) }
}

#[tokio::test]
async fn anyone_is_taken_for_what_he_is() {
    let nobody = dialer(None);
    let stranger = leaf(None, &["elsewhere.example"], Dates::Past);
    let address = server(&stranger, "");
    assert_eq!(verdict(&nobody, address, Trust::Anyone).await, Ok(()));
    // A host that can be no name in TLS is no reason to go on in the clear.
    let dial = Dial { host: "-mx_1-.example..".to_string(), ..to(address, Trust::Anyone) };
    assert!(nobody.dial(&dial).await.is_ok());
    assert!(nobody.dial(&Dial { trust: Trust::Authorities, ..dial }).await.is_err());
}

#[tokio::test]
async fn names_need_an_authority_and_one_of_them() {
    let ours = authority("ours");
    let theirs = authority("theirs");
    let good = server(&leaf(Some(&ours), &["a.example", "*.mx.example"], Dates::Good), "");
    let past = server(&leaf(Some(&ours), &["a.example"], Dates::Past), "");
    let self_made = server(&leaf(None, &["a.example"], Dates::Good), "");
    let ours_believed = dialer(Some(&ours));
    for (dialer, address, wanted, verdict_wanted) in [
        (&ours_believed, good, &["a.example"][..], Ok(())),
        (&ours_believed, good, &["b.example", "A.Example."], Ok(())),
        (&ours_believed, good, &["one.mx.example"], Ok(())),
        (&ours_believed, good, &["one.two.mx.example"], Err(Flaw::Name)),
        (&ours_believed, good, &["b.example", "mx.example"], Err(Flaw::Name)),
        (&ours_believed, good, &[], Err(Flaw::Name)),
        (&ours_believed, good, &["not a name"], Err(Flaw::Name)),
        (&ours_believed, past, &["a.example"], Err(Flaw::Dates)),
        (&ours_believed, self_made, &["a.example"], Err(Flaw::Authority)),
        (&dialer(Some(&theirs)), good, &["a.example"], Err(Flaw::Authority)),
        (&dialer(None), good, &["a.example"], Err(Flaw::Authority)),
    ] {
        let got = verdict(dialer, address, Trust::Names(names(wanted))).await;
        assert_eq!(got, verdict_wanted, "{wanted:?}");
    }
}

#[tokio::test]
async fn dane_ee_asks_neither_for_names_nor_for_dates() {
    let nobody = dialer(None);
    let own = leaf(None, &["elsewhere.example"], Dates::Past);
    let other = leaf(None, &["mx.example"], Dates::Good);
    let address = server(&own, "");
    for matching in 0..=2 {
        for (selector, right, wrong) in [(0, &own.der, &other.der), (1, &own.key, &other.key)] {
            let of = |octets: &[u8]| record(3, selector, matching, octets);
            let right = dane(vec![of(wrong), of(right)], &["mx.example"]);
            assert_eq!(verdict(&nobody, address, right).await, Ok(()), "3 {selector} {matching}");
            let wrong = dane(vec![of(wrong)], &["mx.example"]);
            let verdict = verdict(&nobody, address, wrong).await;
            assert_eq!(verdict, Err(Flaw::Other), "3 {selector} {matching}");
        }
    }
}

#[tokio::test]
async fn dane_ta_asks_for_the_chain_the_name_and_the_dates() {
    let nobody = dialer(None);
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let good = leaf(Some(&ours), &["mx.example"], Dates::Good);
    let past = leaf(Some(&ours), &["mx.example"], Dates::Past);
    let (good, past) = (server(&good, &ours.pem), server(&past, &ours.pem));
    for matching in 0..=2 {
        for (selector, right, wrong) in [(0, &ours.der, &theirs.der), (1, &ours.key, &theirs.key)] {
            let right = record(2, selector, matching, right);
            let wrong = record(2, selector, matching, wrong);
            let what = format!("2 {selector} {matching}");
            for (address, record, name, wanted) in [
                (good, &right, "mx.example", Ok(())),
                (good, &right, "mx.other", Err(Flaw::Name)),
                (past, &right, "mx.example", Err(Flaw::Dates)),
            ] {
                let got = verdict(&nobody, address, dane(vec![record.clone()], &[name])).await;
                assert_eq!(got, wanted, "{what} {name}");
            }
            let two = dane(vec![right], &["mx.other", "mx.example"]);
            assert_eq!(verdict(&nobody, good, two).await, Ok(()), "{what}");
            let got = verdict(&nobody, good, dane(vec![wrong], &["mx.example"])).await;
            assert!(matches!(got, Err(Flaw::Other | Flaw::Authority)), "{what}: {got:?}");
        }
    }
}

/// The authority's certificate need not be shown when it stands whole in the record; a digest alone
/// proves nothing about an authority that is not shown. And an authority that merely stands in the
/// chain, without having signed, is none.
#[tokio::test]
async fn dane_ta_follows_signatures() {
    let nobody = dialer(None);
    let (ours, theirs) = (authority("same name"), authority("same name"));
    let own = leaf(Some(&ours), &["mx.example"], Dates::Good);
    let (bare, with_stranger) = (server(&own, ""), server(&own, &theirs.pem));
    let ours_whole = dane(vec![record(2, 0, 0, &ours.der)], &["mx.example"]);
    let ours_digest = dane(vec![record(2, 0, 1, &ours.der)], &["mx.example"]);
    let theirs_digest = dane(vec![record(2, 1, 1, &theirs.key)], &["mx.example"]);
    assert_eq!(verdict(&nobody, bare, ours_whole).await, Ok(()));
    assert_eq!(verdict(&nobody, bare, ours_digest).await, Err(Flaw::Other));
    assert_eq!(verdict(&nobody, with_stranger, theirs_digest).await, Err(Flaw::Authority));
}

#[tokio::test]
async fn a_chain_with_an_authority_between_leads_up() {
    let nobody = dialer(None);
    let root = authority("root");
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "between");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = params.signed_by(&key, &root.issuer).unwrap();
    let spki = key.subject_public_key_info();
    let (pem, der) = (made.pem(), made.der().to_vec());
    let between = Authority { issuer: Issuer::new(params, key), pem, der, key: spki };
    let own = leaf(Some(&between), &["mx.example"], Dates::Good);
    let address = server(&own, &format!("{}{}", between.pem, root.pem));
    for anchor in [&root, &between] {
        let trust = dane(vec![record(2, 1, 1, &anchor.key)], &["mx.example"]);
        assert_eq!(verdict(&nobody, address, trust).await, Ok(()));
    }
}

#[tokio::test]
async fn records_of_no_use_leave_tls_without_a_name() {
    let nobody = dialer(None);
    let own = leaf(None, &["elsewhere.example"], Dates::Past);
    let address = server(&own, "");
    let useless = vec![record(0, 1, 1, b"x"), record(1, 0, 1, b"x"), record(3, 1, 7, b"x")];
    let alone = dane(useless.clone(), &["mx.example"]);
    assert_eq!(verdict(&nobody, address, alone).await, Ok(()));
    // One that can be used decides alone.
    let with = |last: Tlsa| dane([useless.clone(), vec![last]].concat(), &["mx.example"]);
    let wrong = with(record(3, 1, 1, b"x"));
    assert_eq!(verdict(&nobody, address, wrong).await, Err(Flaw::Other));
    assert_eq!(verdict(&nobody, address, with(record(3, 1, 1, &own.key))).await, Ok(()));
}

#[tokio::test]
async fn a_connection_comes_from_the_address_that_was_said() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dialer = dialer(None);
    let source: IpAddr = "127.0.0.77".parse().unwrap();
    let plain = Dial { tls: DialTls::Later, ..to(address, Trust::Anyone) };
    let dial = Dial { source: Some(source), ..plain.clone() };
    let _wire = dialer.dial(&dial).await.unwrap();
    assert_eq!(listener.accept().await.unwrap().1.ip(), source);
    for (source, says) in [("::1", "can reach"), ("192.0.2.1", "not from 192.0.2.1")] {
        let dial = Dial { source: source.parse().ok(), ..plain.clone() };
        let Err(error) = dialer.dial(&dial).await else { panic!("from {source}") };
        assert!(error.to_string().contains(says), "{error}");
    }
}
