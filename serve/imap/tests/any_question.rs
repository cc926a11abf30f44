//! Whatever a session asks, in whatever order, a desk has an answer.

mod support;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use proto_imap::ask::{
    Ask, Expunges, Fetch, FetchCursor, FetchItems, List, Moving, Numbers, Order, Qresync, Search,
    SearchKey, SectionItem, SectionText, Select, SortBy, SortKey, Store, StoreMode,
    ThreadAlgorithm, Watching,
};
use std::sync::Arc;
use support::{PostOffice, mailbox};
use words_mail::{Flags, ModSeq, NumberSet, UidValidity};

/// A question without anything to choose in it.
fn always(ask: fn() -> Ask) -> impl Strategy<Value = Ask> {
    Just(()).prop_map(move |()| ask())
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..12_u32, 1 => Just(u32::MAX), 1 => Just(u32::MAX - 1), 1 => any::<u32>()]
}

fn large() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..100_u64, 1 => Just(u64::MAX), 1 => any::<u64>()]
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let end = || proptest::option::weighted(0.8, number());
    let set = || proptest::collection::vec((end(), end()), 1..5);
    prop_oneof![
        3 => set().prop_map(Numbers::Seq),
        3 => set().prop_map(Numbers::Uid),
        1 => Just(Numbers::Saved),
    ]
}

fn number_set() -> impl Strategy<Value = NumberSet> {
    proptest::collection::vec((number(), number()), 0..4).prop_map(|ranges| {
        let mut set = NumberSet::new();
        ranges.into_iter().for_each(|(a, b)| set.insert_range(a.min(b), a.max(b)));
        set
    })
}

fn flags() -> impl Strategy<Value = Flags> {
    any::<u8>().prop_map(|bits| Flags::from_parts(bits, Vec::new()))
}

fn names() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("INBOX"), 1 => Just("Work"), 1 => Just("a/b"), 1 => Just("c")]
}

fn items() -> impl Strategy<Value = FetchItems> {
    let text = prop_oneof![
        Just(SectionText::All),
        Just(SectionText::Header),
        Just(SectionText::Text),
        Just(SectionText::Mime),
        Just(SectionText::HeaderFields(vec!["Subject".to_string()])),
        Just(SectionText::HeaderFieldsNot(vec!["Subject".to_string()])),
    ];
    let part = proptest::collection::vec(number(), 0..3);
    let section = (part, text, proptest::option::of((large(), large())))
        .prop_map(|(part, text, partial)| SectionItem { part, text, partial });
    let sections = proptest::collection::vec(section, 0..4);
    (any::<bool>(), any::<bool>(), any::<bool>(), sections).prop_map(
        |(envelope, structure, set_seen, sections)| FetchItems {
            envelope,
            structure,
            set_seen,
            sections,
            ..FetchItems::default()
        },
    )
}

fn keys() -> impl Strategy<Value = SearchKey> {
    let text = || "[a-z]{0,2}";
    let leaf = prop_oneof![
        Just(SearchKey::All),
        numbers().prop_map(SearchKey::Numbers),
        flags().prop_map(SearchKey::NotFlag),
        text().prop_map(SearchKey::Text),
        text().prop_map(SearchKey::From),
        (text(), text()).prop_map(|(name, text)| SearchKey::Header(name, text)),
        any::<i32>().prop_map(SearchKey::On),
        any::<i32>().prop_map(SearchKey::SentOn),
        any::<u32>().prop_map(SearchKey::Older),
        any::<u32>().prop_map(SearchKey::Younger),
        large().prop_map(SearchKey::Larger),
        large().prop_map(|n| SearchKey::ModSeq(ModSeq(n))),
        text().prop_map(SearchKey::EmailId),
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(SearchKey::And),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| SearchKey::Or(Box::new(a), Box::new(b))),
            inner.prop_map(|key| SearchKey::Not(Box::new(key))),
        ]
    })
}

fn orders() -> impl Strategy<Value = Order> {
    let sort = |by| Order::Sort(vec![SortKey { reverse: true, by }]);
    prop_oneof![
        Just(Order::Mailbox),
        Just(sort(SortBy::Subject)),
        Just(sort(SortBy::Date)),
        Just(Order::Thread(ThreadAlgorithm::References)),
        Just(Order::Thread(ThreadAlgorithm::OrderedSubject)),
    ]
}

fn fetches() -> impl Strategy<Value = Ask> {
    let since = proptest::option::of(large().prop_map(ModSeq));
    let cursor = proptest::option::of(large().prop_map(FetchCursor));
    (numbers(), items(), since, any::<bool>(), cursor).prop_map(
        |(numbers, items, changed_since, vanished, cursor)| {
            let items = Arc::new(items);
            Ask::Fetch(Fetch { numbers, items, changed_since, vanished, cursor })
        },
    )
}

fn selects() -> impl Strategy<Value = Ask> {
    let seq_match = proptest::option::of((number_set(), number_set()));
    let qresync = (1..3_u32, large(), proptest::option::of(number_set()), seq_match).prop_map(
        |(validity, modseq, known_uids, seq_match)| Qresync {
            uid_validity: UidValidity(validity),
            modseq: ModSeq(modseq),
            known_uids,
            seq_match,
        },
    );
    (names(), any::<bool>(), proptest::option::of(qresync)).prop_map(
        |(name, read_only, qresync)| {
            Ask::Select(Select { name: mailbox(name), read_only, qresync })
        },
    )
}

fn stores() -> impl Strategy<Value = Ask> {
    let mode = prop_oneof![Just(StoreMode::Set), Just(StoreMode::Add), Just(StoreMode::Remove)];
    let since = proptest::option::of(large().prop_map(ModSeq));
    (numbers(), mode, flags(), since).prop_map(|(numbers, mode, flags, unchanged_since)| {
        Ask::Store(Store { numbers, mode, flags, unchanged_since })
    })
}

fn appends() -> impl Strategy<Value = Ask> {
    prop_oneof![
        names().prop_map(|name| Ask::AppendBegin(mailbox(name))),
        (flags(), large()).prop_map(|(flags, size)| Ask::AppendMessage {
            flags,
            received_at: None,
            size,
        }),
        "[a-z :\r\n]{0,30}".prop_map(|text| Ask::AppendWrite(text.into_bytes())),
        always(|| Ask::AppendMessageEnd),
        always(|| Ask::AppendCommit),
        always(|| Ask::AppendAbort),
    ]
}

fn mailbox_asks() -> impl Strategy<Value = Ask> {
    prop_oneof![
        names().prop_map(|name| Ask::Create(mailbox(name), None)),
        names().prop_map(|name| Ask::Delete(mailbox(name))),
        (names(), names()).prop_map(|(a, b)| Ask::Rename(mailbox(a), mailbox(b))),
        (names(), any::<bool>()).prop_map(|(name, on)| Ask::Subscribe(mailbox(name), on)),
        names().prop_map(|name| Ask::Status(mailbox(name))),
        ("[a-c/%*]{0,4}", any::<bool>()).prop_map(|(pattern, lsub)| {
            let patterns = vec![pattern];
            Ask::List(List { patterns, lsub, return_status: true, ..List::default() })
        }),
        always(|| Ask::Quota),
    ]
}

fn asks() -> impl Strategy<Value = Ask> {
    let moving = prop_oneof![Just(Moving::Stay), Just(Moving::Leave)];
    prop_oneof![
        3 => selects(),
        1 => always(|| Ask::Unselect),
        4 => appends(),
        4 => fetches(),
        3 => stores(),
        2 => (numbers(), names(), moving)
            .prop_map(|(numbers, to, moving)| Ask::Copy { numbers, to: mailbox(to), moving }),
        1 => proptest::option::of(numbers()).prop_map(Ask::Expunge),
        3 => (keys(), orders(), any::<bool>(), any::<bool>())
            .prop_map(|(key, order, uid, save)| Ask::Search(Search { key, order, uid, save })),
        2 => always(|| Ask::Sync(Expunges::Tell)),
        1 => always(|| Ask::Sync(Expunges::HoldBack)),
        1 => always(|| Ask::Watch(Watching::Begin)),
        1 => always(|| Ask::Watch(Watching::End)),
        2 => mailbox_asks(),
    ]
}

#[test]
fn every_question_has_an_answer() {
    let office = PostOffice::open();
    let message = "Subject: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: b\r\n\r\ntwo\r\n--b--\r\n";
    let mut runner = TestRunner::new(ProptestConfig::with_cases(200));
    let done = runner.run(&proptest::collection::vec(asks(), 1..60), |asks| {
        let mut asker = office.ask_as_ana();
        asker.append("INBOX", message);
        asker.select_inbox();
        for ask in asks {
            asker.ask(ask);
        }
        Ok(())
    });
    done.unwrap();
}

#[test]
fn who_is_not_logged_in_learns_nothing() {
    let office = PostOffice::open();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
    let done = runner.run(&asks(), |ask| {
        let mut desk = office.desk();
        let harmless = matches!(ask, Ask::Unselect | Ask::AppendAbort | Ask::Sync(_))
            || matches!(ask, Ask::Watch(Watching::End));
        let answer = support::now(proto_line::Desk::answer(&mut desk, ask));
        let refused = matches!(answer, proto_imap::Answer::Refused(_));
        prop_assert!(refused || harmless, "{answer:?}");
        Ok(())
    });
    done.unwrap();
}
