//! What is told of verdicts, and what follows from them.

use proptest::prelude::*;
use rules_sender::*;
use std::collections::HashMap;
use words_mail::ReversePath;

struct Nobody;

impl Verifier for Nobody {
    fn verify(&self, _: &Proof<'_>) -> Verified {
        Verified::No
    }
}

fn verdicts() -> Verdicts {
    Verdicts {
        iprev: IprevVerdict {
            result: ResultWord::Pass,
            address: "2001:db8::1".parse().unwrap(),
            name: Some("mx.exterior.test".to_string()),
            reason: String::new(),
        },
        spf: SpfVerdict {
            result: ResultWord::Pass,
            identity: Identity::MailFrom("eva@exterior.test".to_string()),
            reason: "exterior.test names it by mx".to_string(),
        },
        dkim: Vec::new(),
        dmarc: DmarcVerdict { from: "exterior.test".to_string(), ..DmarcVerdict::default() },
        arc: ArcVerdict::default(),
        from_repeated: false,
    }
}

fn fails(policy: DmarcPolicy) -> Verdicts {
    let mut verdicts = verdicts();
    verdicts.dmarc.result = ResultWord::Fail;
    verdicts.dmarc.policy = policy;
    verdicts
}

#[test]
fn a_field_as_rfc_8601_has_it() {
    let field = authentication_results("asterix.mired.org", &verdicts());
    let expected = "Authentication-Results: asterix.mired.org;\r\n \
                    iprev=pass policy.iprev=\"2001:db8::1\" (mx.exterior.test);\r\n \
                    spf=pass smtp.mailfrom=eva@exterior.test;\r\n dkim=none;\r\n \
                    dmarc=none header.from=exterior.test\r\n";
    assert_eq!(field, expected);
}

#[test]
fn who_claims_our_name() {
    for (value, claims) in [
        ("asterix.mired.org; spf=pass", true),
        ("  ASTERIX.mired.org.\r\n ; none", true),
        ("(a (nested) comment) asterix.mired.org 1; none", true),
        ("\"asterix.mired.org\"; none", true),
        ("(\\)) \"aster\\ix.mired.org\";", true),
        ("mx.exterior.test; spf=pass (asterix.mired.org)", false),
        ("asterix.mired.org.exterior.test; none", false),
        ("", false),
    ] {
        assert_eq!(claims_to_be_from(value.as_bytes(), "asterix.mired.org"), claims, "{value}");
    }
}

#[test]
fn what_follows() {
    let policy = Policy::default();
    let status = |verdicts: &Verdicts| match policy.decide(verdicts) {
        Decision::Accept => "accept".to_string(),
        Decision::Junk(_) => "junk".to_string(),
        Decision::Reject { status, .. } => status.to_string(),
    };
    assert_eq!(status(&verdicts()), "accept");
    assert_eq!(status(&fails(DmarcPolicy::None)), "accept");
    assert_eq!(status(&fails(DmarcPolicy::Quarantine)), "junk");
    assert_eq!(status(&fails(DmarcPolicy::Reject)), "5.7.26");
    assert_eq!(status(&Verdicts { from_repeated: true, ..verdicts() }), "5.7.1");
    let mut forged = verdicts();
    forged.spf.result = ResultWord::Fail;
    assert_eq!(status(&forged), "junk");
    forged.dmarc.aligned.dkim = true;
    assert_eq!(status(&forged), "accept");
    for result in [ResultWord::TempError, ResultWord::PermError, ResultWord::Pass] {
        let mut verdicts = fails(DmarcPolicy::Reject);
        verdicts.dmarc.result = result;
        assert_eq!(status(&verdicts), "accept", "{result}");
    }
}

#[test]
fn a_sealer_who_is_trusted_is_believed_and_no_other() {
    let policy = Policy { trusted_sealers: vec!["lists.test".to_string()], ..Policy::default() };
    let mut verdicts = fails(DmarcPolicy::Reject);
    verdicts.arc = ArcVerdict {
        result: ResultWord::Pass,
        sets: 1,
        sealers: vec!["Lists.test".to_string()],
        dmarc_before: Some(ResultWord::Pass),
        reason: String::new(),
    };
    assert_eq!(policy.decide(&verdicts), Decision::Accept);
    assert_ne!(Policy::default().decide(&verdicts), Decision::Accept);
    for spoil in [
        |arc: &mut ArcVerdict| arc.sealers.push("evil.test".to_string()),
        |arc: &mut ArcVerdict| arc.dmarc_before = Some(ResultWord::Fail),
        |arc: &mut ArcVerdict| arc.result = ResultWord::Fail,
    ] {
        let mut spoilt = verdicts.clone();
        spoil(&mut spoilt.arc);
        assert_ne!(policy.decide(&spoilt), Decision::Accept, "{:?}", spoilt.arc);
    }
}

#[test]
fn authors_of_several_domains_pass_for_none() {
    let header = b"From: a@one.test, b@two.test\r\n\r\n";
    let ip = "192.0.2.1".parse().unwrap();
    let check = Check::new(ip, "x.test", &ReversePath(None), "mx.test", header);
    let mut known = Known::default();
    loop {
        let needs = check.needs(&known);
        if needs.is_empty() {
            break;
        }
        needs.into_iter().for_each(|lookup| known.learn(lookup, Found::Nothing));
    }
    let verdicts = check.verdicts(&known, &HashMap::new(), &Nobody, 0).unwrap();
    assert_eq!(verdicts.dmarc.result, ResultWord::PermError);
    assert_eq!(author_domain(header), None);
    assert_eq!(author_domain(b"From: a@one.test, b@ONE.test\r\n"), Some("one.test".to_string()));
}

proptest! {
    #[test]
    fn what_strangers_write_stays_in_its_place(text in ".{0,40}|(\r|\n|\\(|\\)|\"|;|\\\\|a| ){0,300}") {
        let mut verdicts = verdicts();
        verdicts.spf = SpfVerdict {
            result: ResultWord::Fail,
            identity: Identity::Helo(text.clone()),
            reason: text.clone(),
        };
        verdicts.dmarc.from = text.clone();
        verdicts.dkim = vec![DkimVerdict {
            result: ResultWord::Fail,
            domain: text.clone(),
            selector: text.clone(),
            identity: Some(text.clone()),
            algorithm: text.clone(),
            signature: text.clone(),
            flaws: vec![DkimFlaw::BodyLonger],
            reason: text,
        }];
        let field = authentication_results("mx.test", &verdicts);
        let lines: Vec<_> = field.strip_suffix("\r\n").unwrap().split("\r\n").collect();
        // Every further line is folded, and no control character is left.
        prop_assert!(lines.iter().skip(1).all(|line| line.starts_with(' ') && line.trim() != ""));
        prop_assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{field}");
        // Outside of quotes and comments there are exactly our methods.
        let (mut quoted, mut depth, mut parts, mut escaped) = (false, 0, 0, false);
        for c in field.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' if depth == 0 => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                ';' if !quoted && depth == 0 => parts += 1,
                _ => {}
            }
        }
        prop_assert_eq!((parts, depth, quoted), (4, 0, false), "{}", field);
    }

    #[test]
    fn no_header_breaks_it(
        fields in prop::collection::vec(
            "(DKIM-Signature|ARC-Seal|ARC-Message-Signature|ARC-Authentication-Results|From): \
             (([vabcdhilstx]|bh|cv|i)=[a-z0-9.@=/: ]{0,12};?){0,8}\r\n|.{0,30}\r\n",
            0..8,
        ),
        answer in "(v=(DKIM1|spf1|DMARC1))?[a-z0-9=;: ]{0,30}",
    ) {
        let header = fields.concat();
        let ip = "192.0.2.1".parse().unwrap();
        let check = Check::new(ip, "x.test", &ReversePath(None), "mx.test", header.as_bytes());
        let bodies: HashMap<_, _> = check
            .body_hashes()
            .into_iter()
            .map(|kind| (kind, BodyHash::new(kind).finish()))
            .collect();
        let mut known = Known::default();
        for _ in 0..1_000 {
            let needs = check.needs(&known);
            if needs.is_empty() {
                break;
            }
            for lookup in needs {
                let found = match lookup.kind {
                    LookupKind::Txt => Found::Texts(vec![answer.clone().into_bytes()]),
                    LookupKind::A => Found::Addresses(vec![ip]),
                    LookupKind::Ptr(_) | LookupKind::Mx => Found::Names(vec!["x.test".to_string()]),
                    LookupKind::Aaaa => Found::Nothing,
                };
                known.learn(lookup, found);
            }
        }
        let verdicts = check.verdicts(&known, &bodies, &Nobody, 0).unwrap();
        prop_assert!(verdicts.dkim.iter().all(|dkim| dkim.result != ResultWord::Pass));
        authentication_results("mx.test", &verdicts);
    }
}
