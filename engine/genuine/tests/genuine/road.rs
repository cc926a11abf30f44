//! Signed, sent, handed on and examined.

use crate::table::{self, Table};
use core_world::{Arrival, Examiner, KeyAlgorithm, Signer, SigningKey};
use engine_genuine::{Genuine, Notary};
use rules_sender::{DkimFlaw, DmarcPolicy, ResultWord, Verdicts, authentication_results};
use std::sync::Arc;
use words_mail::{Address, ReversePath};

const HEADER: &str = "From: Ana <ana@mired.org>\r\nTo: eva@exterior.test\r\nSubject: hola\r\n\
                      Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@mired.org>\r\n\r\n";
const BODY: &[u8] = b"Buenas  tardes,\r\n\r\nadi\xc3\xb3s\r\n \t\r\n\r\n";

async fn key(
    notary: &Notary,
    table: &mut Table,
    domain: &str,
    algorithm: KeyAlgorithm,
) -> Arc<SigningKey> {
    let new = notary.make_key(algorithm).await.unwrap();
    let selector = format!("{}-1", algorithm.as_str());
    table.key(domain, &selector, algorithm.as_str(), &new.public);
    Arc::new(SigningKey { domain: domain.to_string(), selector, algorithm, secret: new.secret })
}

fn sign(notary: &Notary, header: &str, body: &[u8], keys: &[Arc<SigningKey>]) -> String {
    let mut signing = notary.begin(header.as_bytes(), keys, table::NOW).unwrap();
    body.chunks(3).for_each(|piece| signing.body(piece));
    String::from_utf8(signing.finish()).unwrap() + header
}

async fn examine(table: &Table, ip: &str, from: &str, header: &str, body: &[u8]) -> Verdicts {
    let genuine = Genuine::new(Arc::new(table.clone()), Arc::new(table::Still));
    let mut examination = genuine.begin(Arrival {
        ip: ip.parse().unwrap(),
        helo: "asterix.mired.org".to_string(),
        reverse_path: ReversePath(Address::parse(from).ok()),
        host_name: "mx.exterior.test".to_string(),
        at: table::NOW,
    });
    examination.header(header.as_bytes());
    body.chunks(7).for_each(|piece| examination.body(piece));
    examination.finish().await
}

fn zone() -> Table {
    let mut table = Table::default();
    table.txt("mired.org", "v=spf1 mx -all");
    table.mx("mired.org", "asterix.mired.org");
    table.a("asterix.mired.org", "192.0.2.1");
    table.ptr("192.0.2.1", "asterix.mired.org");
    table.txt("_dmarc.mired.org", "v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@mired.org");
    table
}

#[tokio::test]
async fn both_kinds_of_signatures_hold() {
    let (notary, mut table) = (Notary::new(), zone());
    let keys = [
        key(&notary, &mut table, "mired.org", KeyAlgorithm::Rsa).await,
        key(&notary, &mut table, "mired.org", KeyAlgorithm::Ed25519).await,
    ];
    let signed = sign(&notary, HEADER, BODY, &keys);
    assert!(signed.lines().all(|line| line.len() < 120), "{signed}");
    let verdicts = examine(&table, "192.0.2.1", "ana@mired.org", &signed, BODY).await;
    assert_eq!(verdicts.dkim.len(), 2);
    assert!(verdicts.dkim.iter().all(|dkim| dkim.is_sound()), "{verdicts:#?}");
    assert_eq!(verdicts.spf.result, ResultWord::Pass);
    assert_eq!(verdicts.iprev.name.as_deref(), Some("asterix.mired.org"));
    assert_eq!(verdicts.dmarc.result, ResultWord::Pass);
    assert!(verdicts.dmarc.aligned.dkim && verdicts.dmarc.aligned.spf);
    let field = authentication_results("mx.exterior.test", &verdicts);
    for part in ["spf=pass", "dkim=pass header.d=mired.org", "header.s=ed25519-1", "dmarc=pass"] {
        assert!(field.contains(part), "{field}");
    }
    // Forwarded, SPF is lost; the signature stands for the author.
    let verdicts = examine(&table, "192.0.2.99", "ana@mired.org", &signed, BODY).await;
    assert_eq!((verdicts.spf.result, verdicts.dmarc.result), (ResultWord::Fail, ResultWord::Pass));
}

#[tokio::test]
async fn what_was_changed_is_seen() {
    let (notary, mut table) = (Notary::new(), zone());
    let keys = [key(&notary, &mut table, "mired.org", KeyAlgorithm::Ed25519).await];
    let signed = sign(&notary, HEADER, BODY, &keys);
    let result = async |header: &str, body: &[u8]| {
        let verdicts = examine(&table, "192.0.2.99", "ana@mired.org", header, body).await;
        (verdicts.dkim[0].result, verdicts.dmarc.result, verdicts.dmarc.policy)
    };
    let fails = (ResultWord::Fail, ResultWord::Fail, DmarcPolicy::Reject);
    assert_eq!(result(&signed, b"another").await, fails);
    assert_eq!(result(&signed.replace("hola", "adios"), BODY).await, fails);
    // Over-signed: nobody adds a second Subject or From.
    assert_eq!(result(&format!("Subject: x\r\n{signed}"), BODY).await, fails);
    // Blanks may change on the way, and empty lines at the end.
    let blanks = signed.replace("Subject: hola", "SUBJECT:   hola  ");
    let passes = (ResultWord::Pass, ResultWord::Pass, DmarcPolicy::None);
    assert_eq!(result(&blanks, b"Buenas tardes,\r\n\r\nadi\xc3\xb3s").await, passes);
}

#[tokio::test]
async fn a_second_from_and_a_length_are_flagged() {
    let (notary, mut table) = (Notary::new(), zone());
    let keys = [key(&notary, &mut table, "mired.org", KeyAlgorithm::Ed25519).await];
    let signed = format!("From: x@mired.org\r\n{}", sign(&notary, HEADER, BODY, &keys));
    let verdicts = examine(&table, "192.0.2.99", "ana@mired.org", &signed, BODY).await;
    assert!(verdicts.from_repeated);
    let limited =
        "DKIM-Signature: v=1; a=rsa-sha256; d=mired.org; s=x; l=2; h=from; bh=QUJD; b=QUJD\r\n";
    let header = format!("{limited}{HEADER}");
    let verdicts = examine(&table, "192.0.2.99", "ana@mired.org", &header, BODY).await;
    assert_eq!(verdicts.dkim[0].flaws, [DkimFlaw::BodyLonger]);
    assert_eq!(verdicts.dkim[0].result, ResultWord::Fail);
}

#[tokio::test]
async fn a_dns_that_does_not_answer_is_told() {
    let (notary, mut table) = (Notary::new(), zone());
    let keys = [key(&notary, &mut table, "mired.org", KeyAlgorithm::Ed25519).await];
    let signed = sign(&notary, HEADER, BODY, &keys);
    table.broken = true;
    let verdicts = examine(&table, "192.0.2.1", "ana@mired.org", &signed, BODY).await;
    let results = [
        verdicts.spf.result,
        verdicts.dkim[0].result,
        verdicts.dmarc.result,
        verdicts.iprev.result,
    ];
    assert_eq!(results, [ResultWord::TempError; 4]);
    assert_eq!(rules_sender::Policy::default().decide(&verdicts), rules_sender::Decision::Accept);
}

#[tokio::test]
async fn a_chain_of_seals_holds_and_breaks() {
    let (notary, mut table) = (Notary::new(), zone());
    let author = [key(&notary, &mut table, "mired.org", KeyAlgorithm::Rsa).await];
    let mut header = sign(&notary, HEADER, BODY, &author);
    for (n, sealer) in ["one.test", "two.test", "three.test"].into_iter().enumerate() {
        let verdicts = examine(&table, "192.0.2.1", "ana@mired.org", &header, BODY).await;
        let expected = if n == 0 { ResultWord::None } else { ResultWord::Pass };
        assert_eq!(verdicts.arc.result, expected, "{:?}\n{header}", verdicts.arc);
        let key = key(&notary, &mut table, sealer, KeyAlgorithm::Rsa).await;
        let mut sealing = notary.seal(header.as_bytes(), &key, table::NOW);
        sealing.body(BODY);
        let results = authentication_results(sealer, &verdicts);
        let fields = String::from_utf8(sealing.finish(&results, &verdicts.arc)).unwrap();
        header = fields + &header;
    }
    let verdicts = examine(&table, "192.0.2.99", "ana@mired.org", &header, BODY).await;
    assert_eq!(verdicts.arc.result, ResultWord::Pass, "{:?}\n{header}", verdicts.arc);
    assert_eq!(verdicts.arc.sealers, ["three.test", "two.test", "one.test"]);
    assert_eq!(verdicts.arc.dmarc_before, Some(ResultWord::Pass));
    let broken = header.replace("dmarc=pass", "dmarc=none");
    let verdicts = examine(&table, "192.0.2.99", "ana@mired.org", &broken, BODY).await;
    assert_eq!(verdicts.arc.result, ResultWord::Fail);
    // A list changed the body; its own seal says so, and behind that no other is put.
    let changed = b"changed\r\n";
    let verdicts = examine(&table, "192.0.2.99", "ana@mired.org", &header, changed).await;
    assert_eq!(verdicts.arc.result, ResultWord::Fail);
    let key = key(&notary, &mut table, "four.test", KeyAlgorithm::Ed25519).await;
    let seal = |header: &str| {
        let mut sealing = notary.seal(header.as_bytes(), &key, table::NOW);
        sealing.body(changed);
        String::from_utf8(
            sealing.finish("Authentication-Results: four.test; none\r\n", &verdicts.arc),
        )
        .unwrap()
    };
    let sealed = seal(&header);
    assert!(sealed.contains("i=4") && sealed.contains("cv=fail"), "{sealed}");
    assert_eq!(seal(&(sealed + &header)), "");
}
