//! Random and mutated messages: nothing panics, every cut gives the same result, and every place
//! lies inside of the place around it.

use words_message::{
    Content, Header, HeaderCollector, Part, Scope, Structure, StructureScanner, Summary,
    SummaryRef, TextSearcher, addresses, base_subject, decode_header, message_ids,
};

/// A small generator of numbers (xorshift), so that a failure can be repeated by its seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// What nasty messages are made of.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"--",
    b"-",
    b"--b",
    b"--b--",
    b"--c",
    b"--c--",
    b"\r\n--b\r\n",
    b"\r\n--c\r\n",
    b"\n--b--\n",
    b"Content-Type: ",
    b"multipart/mixed; boundary=b\r\n",
    b"multipart/digest; boundary=\"c\"\r\n",
    b"message/rfc822\r\n",
    b"text/plain; charset=utf-8\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Subject: ",
    b"From: ",
    b"To: ",
    b"Date: ",
    b"References: ",
    b"=?utf-8?Q?a=C3?=",
    b"=?",
    b"?=",
    b"<",
    b">",
    b"@",
    b",",
    b";",
    b":",
    b"\"",
    b"(",
    b")",
    b"\\",
    b"a",
    b"needle",
    b"=",
    b"=C3=B1",
    b"\0",
    b"\xff",
    b"\xc3\xb1",
    b"24 Nov 2026 08:29:44 +0100",
    b"x.org",
    b"YWJj",
    b"boundary=",
    b"*=",
    b"%",
    b"[",
    b"]",
    b"Re: ",
    b"(fwd)",
];

fn random_message(numbers: &mut Numbers) -> Vec<u8> {
    (0..numbers.below(60)).flat_map(|_| PIECES[numbers.below(PIECES.len())].to_vec()).collect()
}

const ORDINARY: &[u8] = b"From: Ana <ana@x.org>\r\nTo: g: b@y, \"c d\"@z;\r\nSubject: Re: =?utf-8?Q?a?=\r\n\
    Date: Tue, 24 Nov 2026 08:29:44 +0100\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\
    needle\r\n--b\r\nContent-Type: multipart/digest; boundary=c\r\n\r\n--c\r\n\r\nSubject: in\r\n\r\nx\r\n\
    --c--\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nbmVlZGxl\r\n--b--\r\n";

fn mutated_message(numbers: &mut Numbers) -> Vec<u8> {
    let mut message = ORDINARY.to_vec();
    for _ in 0..numbers.below(6) {
        let at = numbers.below(message.len());
        match numbers.below(3) {
            0 => message[at] = numbers.below(256) as u8,
            1 => drop(message.drain(at..(at + numbers.below(20)).min(message.len() - 1).max(at))),
            _ => drop(message.splice(at..at, PIECES[numbers.below(PIECES.len())].iter().copied())),
        }
    }
    message
}

/// Feeds the message in pieces of random length.
fn in_pieces(message: &[u8], numbers: &mut Numbers, mut feed: impl FnMut(&[u8])) {
    let mut rest = message;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(1 + numbers.below(rest.len()).min(numbers.below(20)));
        feed(now);
        rest = later;
    }
}

fn structure(feed: impl FnOnce(&mut StructureScanner)) -> Structure {
    let mut scanner = StructureScanner::new();
    feed(&mut scanner);
    scanner.finish()
}

fn is_found(scope: Scope, feed: impl FnOnce(&mut TextSearcher)) -> bool {
    let mut searcher = TextSearcher::new("needle", scope);
    feed(&mut searcher);
    searcher.finish()
}

fn check_places(part: &Part, inside: std::ops::Range<u64>, message: &[u8]) {
    assert!(inside.start <= part.header.start && part.header.start <= part.header.end);
    assert_eq!(part.header.end, part.body.start);
    assert!(
        part.body.start <= part.body.end && part.body.end <= inside.end,
        "{part:?} in {inside:?}"
    );
    let body = &message[part.body.start as usize..part.body.end as usize];
    assert_eq!(part.lines, body.iter().filter(|b| **b == b'\n').count() as u64);
    match &part.content {
        Content::Leaf => {
            assert_ne!(part.content_type().kind, "multipart");
            assert!(!part.content_type().is("message", "rfc822"));
        }
        Content::Multipart(children) => {
            assert!(!children.is_empty());
            let mut start = part.body.start;
            for child in children {
                check_places(child, start..part.body.end, message);
                start = child.body.end;
            }
        }
        Content::Message { root, .. } => {
            assert_eq!((root.header.start, root.body.end), (part.body.start, part.body.end));
            assert!(part.summary().is_some());
            check_places(root, part.body.clone(), message);
        }
    }
}

fn check(message: &[u8], numbers: &mut Numbers) {
    let whole = structure(|scanner| scanner.feed(message));
    let cut = structure(|scanner| in_pieces(message, numbers, |piece| scanner.feed(piece)));
    assert_eq!(whole, cut);
    assert_eq!((whole.root.header.start, whole.root.body.end), (0, message.len() as u64));
    check_places(&whole.root, 0..message.len() as u64, message);

    let mut collector = HeaderCollector::new();
    in_pieces(message, numbers, |piece| assert!(collector.feed(piece).is_ok()));
    assert_eq!(collector.bytes().len() as u64, whole.root.header.end);
    check_header(collector.bytes());

    for scope in [Scope::Text, Scope::Body] {
        let found = is_found(scope, |searcher| {
            searcher.feed(message);
        });
        let found_in_pieces = is_found(scope, |searcher| {
            in_pieces(message, numbers, |piece| {
                searcher.feed(piece);
            });
        });
        assert_eq!(found, found_in_pieces);
    }
}

fn check_header(header: &[u8]) {
    let raw: Vec<u8> = Header::new(header).fields().flat_map(|field| field.raw.to_vec()).collect();
    assert!(header.starts_with(&raw) && header.len() - raw.len() <= 2);
    let summary = Summary::of_header(header);
    let encoded = summary.encode();
    assert_eq!(Summary::decode(&encoded), Some(summary));
    assert_eq!(SummaryRef::new(&encoded).unwrap().to_summary().encode(), encoded);
    for field in Header::new(header).fields() {
        addresses(field.value);
        base_subject(field.value);
        decode_header(field.value);
        message_ids(field.value).count();
    }
}

fn check_many(make: impl Fn(&mut Numbers) -> Vec<u8>) {
    for seed in 1..=4000 {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let message = make(&mut numbers);
        let result = std::panic::catch_unwind(|| check(&message, &mut Numbers(seed)));
        assert!(result.is_ok(), "seed {seed}: {:?}", String::from_utf8_lossy(&message));
    }
}

#[test]
fn random_messages_are_read_the_same_however_cut() {
    check_many(random_message);
}

#[test]
fn mutated_messages_are_read_the_same_however_cut() {
    check_many(mutated_message);
}

#[test]
fn an_ordinary_message_cut_at_each_octet_is_the_same() {
    let whole = structure(|scanner| scanner.feed(ORDINARY));
    for at in 0..ORDINARY.len() {
        let cut = structure(|scanner| {
            scanner.feed(&ORDINARY[..at]);
            scanner.feed(&ORDINARY[at..]);
        });
        assert_eq!(whole, cut, "cut at {at}");
    }
}
