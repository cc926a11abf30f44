//! Whatever octets a foreign file holds, nothing here panics, and what is read and written again
//! says the same.

use proptest::prelude::*;
use words_archive::mbox::{FieldFilter, FromLine, unquote};
use words_archive::{
    KeywordList, MaildirName, UidEntry, UidList, alias, dovecot_conf, folder, passwd, subscriptions,
};

/// Texts that come near the grammars.
fn near() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9.,:;=!&%{}\"'<>|/\\\\ \t-]{0,6}",
        Just("\n".to_string()),
        Just("3 V1 N2\n".to_string()),
        Just("1 2 3\n".to_string()),
        Just("7 P1 :x:2,S\n".to_string()),
        Just("V\t2\n\n".to_string()),
        Just("From a Tue Nov 24 08:29:44 2026\n".to_string()),
        Just("X-IMAPbase: 1 2 ".to_string()),
        Just(",S=12".to_string()),
        Just(":2,".to_string()),
        Just("!include ".to_string()),
        Just("&APE-".to_string()),
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn read_everything(text: &str) {
    let name = MaildirName::parse(text);
    assert_eq!(MaildirName::parse(&name.to_string()).flags, name.flags);
    let list = UidList::parse(text);
    assert!(list.entries.is_sorted_by(|a, b| a.uid < b.uid));
    let lines: String = list.entries.iter().map(UidEntry::to_string).collect();
    let again = UidList::parse(&format!("{}{lines}", list.header));
    assert_eq!((again.header, again.entries), (list.header, list.entries));
    let keywords = KeywordList::parse(text);
    assert_eq!(KeywordList::parse(&keywords.to_text()).to_text(), keywords.to_text());
    if let Some(name) = folder::from_maildirpp(text) {
        let directory = folder::to_maildirpp(&name);
        assert!(directory.is_none_or(|d| !d.contains('/')));
    }
    let names = subscriptions::parse(text, '.');
    assert_eq!(subscriptions::parse(&subscriptions::to_text(&names), '.'), names);
    for form in [alias::AliasForm::Aliases, alias::AliasForm::Virtual, alias::AliasForm::of(text)] {
        let (aliases, _) = alias::parse(text, form);
        assert!(aliases.iter().all(|a| !a.name.is_empty() && !a.targets.is_empty()));
    }
    passwd::parse_passwd(text);
    passwd::parse_shadow(text);
    passwd::parse_passwd_file(text);
    dovecot_conf::parse(text);
    dovecot_conf::expand(text, "ana@mired.org", "/home/ana");
    let mut filter = FieldFilter::new();
    for line in text.split_inclusive('\n') {
        FromLine::parse(line.as_bytes());
        unquote(line.as_bytes());
        filter.feed(line.as_bytes());
    }
    filter.finish();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn texts_near_the_grammars_are_read(text in near()) {
        read_everything(&text);
    }

    #[test]
    fn random_octets_are_read(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&String::from_utf8_lossy(&octets));
    }
}
