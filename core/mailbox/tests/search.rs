//! Search, order and threads of messages that are really filed.

mod support;

use core_mailbox::{AddressField, Order, Query, SortBy, SortKey, ThreadAlgorithm, View};
use proptest::prelude::*;
use std::sync::Arc;
use support::{Office, flags, name};
use words_base::Timestamp;
use words_mail::{Flags, Keyword, NumberSet, SystemFlag};

/// INBOX with these messages; each is a header, an empty line, a body.
async fn inbox(office: &Office, texts: &[String]) -> Arc<View> {
    let view = office.ana().open(&name("INBOX")).await.unwrap();
    for texts in texts.chunks(100) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        office.append(view.mailbox().id, &texts).await.unwrap();
    }
    view.refresh().await.unwrap();
    view
}

/// UIDs of what matches, which are places plus one here.
async fn search(office: &Office, view: &View, query: &Query) -> Vec<usize> {
    let places = office.ana().search(view, &view.rows(), query).await.unwrap();
    places.iter().map(|place| place + 1).collect()
}

fn text(text: &str) -> String {
    text.to_string()
}

fn not(query: Query) -> Query {
    Query::Not(Box::new(query))
}

#[tokio::test]
async fn every_criterion_finds_what_the_rfc_says() {
    let office = Office::open().await;
    let texts = [
        "From: Ana <ana@mired.org>\r\nTo: bob@x.org\r\nSubject: =?utf-8?Q?Ma=C3=B1ana?= plan\r\n\
         Date: Tue, 24 Nov 2026 23:30:00 -0800\r\nMessage-ID: <1@x>\r\n\r\nHello World\r\n",
        "From: Bob <bob@x.org>\r\nTo: Team: ana@mired.org, carl@y.org;\r\nCc: Dora <dora@z.org>\r\n\
         Subject: Re: plan\r\nIn-Reply-To: <1@x>\r\nX-Mark: yes\r\n\r\nworld peace\r\n",
        "From: Bob <bob@x.org>\r\nBcc: ana@mired.org\r\nDate: Wed, 25 Nov 2026 07:30:00 +0000\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8gd29ybGQ=\r\n",
    ]
    .map(str::to_string);
    let view = inbox(&office, &texts).await;
    let address = |field, what| Query::Address(field, text(what));
    let header = |field, what| Query::Header(text(field), text(what));
    let day = |day: i64| Query::Sent(day..day + 1);
    let table: Vec<(Query, &[usize])> = vec![
        (Query::And(vec![]), &[1, 2, 3]),
        (Query::Or(vec![]), &[]),
        (Query::Subject(text("MAÑANA")), &[1]),
        (Query::Subject(text("plan")), &[1, 2]),
        (address(AddressField::From, "bob"), &[2, 3]),
        (address(AddressField::From, "ana <ana@mired.org>"), &[1]),
        (address(AddressField::To, "carl@"), &[2]),
        (address(AddressField::Cc, "dora"), &[2]),
        (address(AddressField::Bcc, "ana"), &[3]),
        (header("Message-ID", "<1@x>"), &[1]),
        (header("in-reply-to", "1@"), &[2]),
        (header("X-Mark", "YES"), &[2]),
        (header("X-Mark", ""), &[2]),
        (header("X-None", ""), &[]),
        (header("Subject", ""), &[1, 2]),
        // 2026-11-24 where the first was sent, although it was the 25th elsewhere.
        (day(20_781), &[1]),
        (day(20_782), &[3]),
        (Query::Body(text("hello world")), &[1, 3]),
        (Query::Body(text("plan")), &[]),
        (Query::Text(text("PLAN")), &[1, 2]),
        (Query::Text(text("world")), &[1, 2, 3]),
        (Query::Or(vec![Query::Text(text("peace")), Query::Subject(text("mañana"))]), &[1, 2]),
        (Query::And(vec![Query::Body(text("world")), not(Query::Subject(text("plan")))]), &[3]),
        (not(day(20_781)), &[2, 3]),
        (Query::Size(0..texts[2].len() as u64), &[]),
        (Query::Size(texts[2].len() as u64..texts[2].len() as u64 + 1), &[3]),
        (Query::Uids([2, 9].into_iter().collect()), &[2]),
        (Query::Blob(view.rows().get(1).unwrap().blob), &[2]),
    ];
    for (query, want) in table {
        assert_eq!(search(&office, &view, &query).await, want, "{query:?}");
    }
}

#[tokio::test]
async fn what_a_cut_summary_does_not_tell_the_header_does() {
    let office = Office::open().await;
    let many: String = (0..2000).map(|n| format!("person{n}@example.org,\r\n ")).collect();
    let long = format!("Subject: {}needle\r\nTo: {many}last@x.org\r\n\r\n", "x".repeat(4000));
    let view = inbox(&office, &[long, text("Subject: short\r\n\r\n")]).await;
    for (query, want) in [
        (Query::Address(AddressField::To, text("last@x.org")), vec![1]),
        (Query::Address(AddressField::To, text("person0@")), vec![1]),
        (Query::Address(AddressField::To, text("nobody")), vec![]),
        (Query::Subject(text("needle")), vec![1]),
        (Query::Subject(text("shorts")), vec![]),
    ] {
        assert_eq!(search(&office, &view, &query).await, want, "{query:?}");
    }
}

#[tokio::test]
async fn a_query_of_too_many_texts_is_a_limit() {
    let office = Office::open().await;
    let view = inbox(&office, &[]).await;
    let texts = |count: usize| Query::Or((0..count).map(|n| Query::Text(n.to_string())).collect());
    assert!(office.ana().search(&view, &view.rows(), &texts(64)).await.is_ok());
    assert!(office.ana().search(&view, &view.rows(), &texts(65)).await.is_err());
}

#[tokio::test]
async fn what_is_expunged_while_the_search_goes_on_is_not_found() {
    let office = Office::forgetful().await;
    let texts: Vec<String> = (0..3).map(|n| format!("Subject: {n}\r\n\r\nhello\r\n")).collect();
    let view = inbox(&office, &texts).await;
    let before = view.rows();
    office.ana().remove(&view, &NumberSet::from_range(2, 2)).await.unwrap();
    for query in [Query::Subject(text("")), Query::Body(text("hello"))] {
        let found = office.ana().search(&view, &before, &query).await.unwrap();
        assert_eq!(found, [0, 2], "{query:?}");
    }
}

/// A message of the model: which words are where, and what its row says.
#[derive(Clone, Debug)]
struct Model {
    subject: Option<usize>,
    from: usize,
    body: Vec<usize>,
    extra: Option<usize>,
    system: u8,
    keyword: bool,
    day: Option<u8>,
}

const WORDS: [&str; 5] = ["apple", "Banana", "cherry", "Ñandú", "straße"];

impl Model {
    fn text(&self) -> String {
        let mut out = format!("From: {} <{}@x.org>\r\n", WORDS[self.from % 3], self.from);
        if let Some(subject) = self.subject {
            out += &format!("Subject: a {} day\r\n", WORDS[subject]);
        }
        if let Some(day) = self.day {
            out += &format!("Date: {} Jan 2026 10:00:00 +0100\r\n", day);
        }
        if let Some(extra) = self.extra {
            out += &format!("X-Extra: {}\r\n", WORDS[extra]);
        }
        out += "Content-Type: text/plain; charset=utf-8\r\n\r\n";
        for word in &self.body {
            out += &format!("some {} here\r\n", WORDS[*word]);
        }
        out
    }

    fn flags(&self) -> Flags {
        let keywords = self.keyword.then(|| Keyword::parse("$Junk").unwrap());
        Flags::from_parts(self.system, keywords.into_iter().collect())
    }

    /// What the query means, told as plainly as possible.
    fn matches(&self, query: &Query, uid: u32) -> bool {
        let lower = |text: &str| text.to_lowercase().replace('ß', "ss");
        let has = |place: &str, text: &str| lower(place).contains(&lower(text));
        let subject = self.subject.map(|s| format!("a {} day", WORDS[s]));
        match query {
            Query::And(all) => all.iter().all(|q| self.matches(q, uid)),
            Query::Or(any) => any.iter().any(|q| self.matches(q, uid)),
            Query::Not(q) => !self.matches(q, uid),
            Query::Uids(uids) => uids.contains(uid),
            Query::Flags(flags) => {
                let mut both = self.flags();
                both.add(flags);
                both == self.flags()
            }
            Query::Sent(days) => self.day.is_some_and(|d| days.contains(&(20_453 + i64::from(d)))),
            Query::Subject(text) => subject.is_some_and(|s| has(&s, text)),
            Query::Address(AddressField::From, text) => {
                has(&format!("{} <{}@x.org>", WORDS[self.from % 3], self.from), text)
            }
            Query::Header(name, text) if name == "X-Extra" => {
                self.extra.is_some_and(|e| has(WORDS[e], text))
            }
            Query::Body(text) => self.body.iter().any(|b| has(WORDS[*b], text)),
            Query::Text(text) => has(&self.text(), text),
            other => panic!("the model knows nothing of {other:?}"),
        }
    }
}

fn models() -> impl Strategy<Value = Vec<Model>> {
    let word = 0..WORDS.len();
    let words = proptest::collection::vec(word.clone(), 0..3);
    let option = |s: std::ops::Range<usize>| proptest::option::of(s);
    let all = (
        option(word.clone()),
        0..6_usize,
        words,
        option(word),
        0..32_u8,
        any::<bool>(),
        proptest::option::of(1..9_u8),
    );
    let model = all.prop_map(|(subject, from, body, extra, system, keyword, day)| Model {
        subject,
        from,
        body,
        extra,
        system,
        keyword,
        day,
    });
    proptest::collection::vec(model, 0..40)
}

fn queries() -> impl Strategy<Value = Query> {
    let word = || (0..WORDS.len()).prop_map(|w| text(WORDS[w]));
    let leaf = prop_oneof![
        proptest::collection::vec(1..40_u32, 0..9)
            .prop_map(|n| Query::Uids(n.into_iter().collect())),
        (0..32_u8, any::<bool>()).prop_map(|(system, keyword)| {
            let keywords = keyword.then(|| Keyword::parse("$JUNK").unwrap());
            Query::Flags(Flags::from_parts(system & (system >> 1), keywords.into_iter().collect()))
        }),
        (1..9_i64, 0..4_i64)
            .prop_map(|(from, len)| Query::Sent(20_453 + from..20_453 + from + len)),
        word().prop_map(Query::Subject),
        word().prop_map(|w| Query::Address(AddressField::From, w)),
        word().prop_map(|w| Query::Header(text("X-Extra"), w)),
        Just(Query::Header(text("X-Extra"), String::new())),
        word().prop_map(Query::Body),
        word().prop_map(Query::Text),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Query::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Query::Or),
            inner.prop_map(not),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_search_finds_what_the_model_finds(
        models in models(),
        queries in proptest::collection::vec(queries(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let office = Office::open().await;
            let view = office.ana().open(&name("INBOX")).await.unwrap();
            let mut arrivals = Vec::new();
            for model in &models {
                let mut arrival = office.arrival(&model.text()).await;
                arrival.flags = model.flags();
                arrivals.push(arrival);
            }
            office.ana().append(view.mailbox().id, arrivals).await.unwrap();
            view.refresh().await.unwrap();
            for query in &queries {
                let all = models.iter().zip(1..);
                let want: Vec<usize> =
                    all.filter(|(m, uid)| m.matches(query, *uid)).map(|(_, uid)| uid as usize).collect();
                let found = search(&office, &view, query).await;
                assert_eq!(found, want, "{query:?}");
            }
        });
    }
}

#[tokio::test]
async fn a_search_lets_others_have_their_turn() {
    let office = Office::open().await;
    let texts: Vec<String> =
        (0..600).map(|n| format!("Subject: {n}\r\n\r\nbody {n}\r\n")).collect();
    let view = inbox(&office, &texts).await;
    for query in [Query::Subject(text("x")), Query::Body(text("x"))] {
        let (ana, rows) = (office.ana(), view.rows());
        let mut search = Box::pin(ana.search(&view, &rows, &query));
        let mut turns = 0;
        while support::poll_once(&mut search).await.is_none() {
            turns += 1;
        }
        assert!(turns >= 2, "{query:?}: {turns}");
    }
}

async fn sorted(office: &Office, view: &View, keys: &[(SortBy, Order)]) -> Vec<usize> {
    let keys: Vec<SortKey> =
        keys.iter().map(|(by, order)| SortKey { by: *by, order: *order }).collect();
    let places: Vec<usize> = (0..view.rows().len()).collect();
    let sorted = office.ana().sort(view, &view.rows(), &places, &keys).await.unwrap();
    sorted.iter().map(|place| place + 1).collect()
}

#[tokio::test]
async fn messages_are_sorted_by_every_criterion() {
    use Order::{Falling, Rising};
    use SortBy::*;
    let office = Office::open().await;
    let texts = [
        "From: Zoe <ana@x>\r\nTo: b@x\r\nCc: m@x\r\nSubject: Re: banana\r\n\
         Date: 3 Jan 2026 10:00:00 +0000\r\n\r\nlong body\r\n",
        "From: \"=?utf-8?Q?=C3=81gata?=\" <zed@x>\r\nTo: C@x\r\nSubject: [list] apple\r\n\
         Date: 3 Jan 2026 10:30:00 +0100\r\n\r\n",
        "From: bob@x\r\nTo: a@x\r\nSubject: Banana\r\n\r\nlong body, longer\r\n",
        "Subject: (fwd)\r\nDate: 1 Jan 2026 10:00:00 +0000\r\n\r\n",
    ];
    let view = inbox(&office, &texts.map(str::to_string)).await;
    type Row<'a> = (&'a [(SortBy, Order)], [usize; 4]);
    let table: &[Row] = &[
        (&[(Subject, Rising)], [4, 2, 1, 3]),
        (&[(Subject, Rising), (Size, Falling)], [4, 2, 1, 3]),
        (&[(Subject, Falling)], [1, 3, 2, 4]),
        // The third has no date: it came in November.
        (&[(Date, Rising)], [4, 2, 1, 3]),
        (&[(Date, Falling)], [3, 1, 2, 4]),
        (&[(From, Rising)], [4, 1, 3, 2]),
        (&[(To, Rising)], [4, 3, 1, 2]),
        (&[(Cc, Rising), (From, Rising)], [4, 3, 2, 1]),
        (&[(DisplayFrom, Rising)], [4, 3, 1, 2]),
        (&[(DisplayTo, Falling)], [2, 1, 3, 4]),
        (&[(Arrival, Rising)], [1, 2, 3, 4]),
        (&[(Arrival, Falling)], [1, 2, 3, 4]),
        (&[(Size, Rising)], [4, 3, 1, 2]),
        (&[], [1, 2, 3, 4]),
    ];
    for (keys, want) in table {
        assert_eq!(sorted(&office, &view, keys).await, want, "{keys:?}");
    }
}

#[tokio::test]
async fn messages_are_sorted_by_arrival() {
    let office = Office::open().await;
    let view = inbox(&office, &[]).await;
    let mut arrivals = Vec::new();
    for seconds in [30, 10, 20, 10] {
        let mut arrival = office.arrival("Subject: x\r\n\r\n").await;
        arrival.received_at = Timestamp::from_seconds(seconds);
        arrivals.push(arrival);
    }
    office.ana().append(view.mailbox().id, arrivals).await.unwrap();
    view.refresh().await.unwrap();
    assert_eq!(sorted(&office, &view, &[(SortBy::Arrival, Order::Rising)]).await, [2, 4, 3, 1]);
    assert_eq!(sorted(&office, &view, &[(SortBy::Arrival, Order::Falling)]).await, [1, 3, 2, 4]);
}

#[tokio::test]
async fn threads_are_made_of_what_is_filed() {
    let office = Office::open().await;
    let texts = [
        "Subject: hello\r\nMessage-ID: <1@x>\r\nDate: 1 Jan 2026 10:00:00 +0000\r\n\r\n",
        "Subject: Re: hello\r\nMessage-ID: <2@x>\r\nReferences: <\"1\"@x>\r\n\
         Date: 3 Jan 2026 10:00:00 +0000\r\n\r\n",
        "Subject: Re: hello\r\nMessage-ID: <3@x>\r\nIn-Reply-To: Your mail <1@x>\r\n\
         Date: 2 Jan 2026 10:00:00 +0000\r\n\r\n",
        "Subject: other\r\nMessage-ID: <4@x>\r\nDate: 1 Jan 2025 10:00:00 +0000\r\n\r\n",
    ];
    let view = inbox(&office, &texts.map(str::to_string)).await;
    let rows = view.rows();
    let threads = async |algorithm| {
        let threads = office.ana().thread(&view, &rows, &[0, 1, 2, 3], algorithm).await.unwrap();
        threads.iter().map(|t| (t.place.unwrap() + 1, t.depth)).collect::<Vec<_>>()
    };
    let want = [(4, 0), (1, 0), (3, 1), (2, 1)];
    assert_eq!(threads(ThreadAlgorithm::References).await, want);
    assert_eq!(threads(ThreadAlgorithm::OrderedSubject).await, want);
}

#[tokio::test]
async fn flags_are_looked_at_as_the_rows_have_them() {
    let office = Office::open().await;
    let view = inbox(&office, &[text("Subject: a\r\n\r\n"), text("Subject: b\r\n\r\n")]).await;
    let seen = Query::Flags(flags(&[SystemFlag::Seen]));
    assert!(search(&office, &view, &seen).await.is_empty());
    let change = core_mailbox::FlagChange::Add(flags(&[SystemFlag::Seen, SystemFlag::Flagged]));
    office.ana().store_flags(&view, &NumberSet::from_range(2, 2), &change, None).await.unwrap();
    view.refresh().await.unwrap();
    assert_eq!(search(&office, &view, &seen).await, [2]);
    let changed = view.rows().get(1).unwrap().modseq;
    assert_eq!(search(&office, &view, &Query::ModSeq(changed)).await, [2]);
}
