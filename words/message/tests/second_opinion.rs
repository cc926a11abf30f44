//! Ordinary messages, read by us and by another parser: both must tell the same.

use mail_parser::{MessageParser, MimeHeaders, PartType};
use words_message::{
    CharsetDecoder, Content, Mailbox, Part, StructureScanner, Summary, TransferDecoder,
    TransferEncoding, decode_header,
};

const MESSAGES: &[&str] = &[
    "From: Ana Lopez <ana@mired.org>\r\nTo: bob@x.org, \"Lopez, C.\" <c@y.org>\r\nCc: d@z.org\r\n\
     Subject: plain\r\nDate: Tue, 24 Nov 2026 08:29:44 +0100\r\nMessage-ID: <1@x>\r\n\r\nhello\r\nworld\r\n",
    "From: =?utf-8?Q?A=C3=B1a?= <ana@mired.org>\r\nTo: friends: bob@x.org, c@y.org;\r\n\
     Subject: =?iso-8859-1?Q?a=F1o?= =?iso-8859-1?B?IG51ZXZv?=\r\nDate: 1 Jan 2000 00:00:00 -0330\r\n\
     Message-ID: <2@x>\r\nReferences: <0@x> <1@x>\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
     Content-Transfer-Encoding: quoted-printable\r\n\r\nMa=F1ana por la=\r\n tarde\r\n",
    "From: ana@mired.org\r\nSubject: parts\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <3@x>\r\n\
     MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"outer=_1\"\r\n\r\npreamble\r\n\
     --outer=_1\r\nContent-Type: multipart/alternative;\r\n boundary=inner\r\n\r\n\
     --inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ntext \u{f1}\r\n\
     --inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
     PGI+aGVsbG8g8J+YgDwvYj4=\r\n--inner--\r\n\
     --outer=_1\r\nContent-Type: application/pdf; name=\"a b.pdf\"\r\nContent-ID: <part@x>\r\n\
     Content-Disposition: attachment; filename=\"a b.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n\
     AAECAwQFBgc=\r\n--outer=_1\r\nContent-Type: message/rfc822\r\n\r\n\
     From: inner@x\r\nSubject: inner\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\ninner body\r\n\
     --outer=_1--\r\nepilogue\r\n",
];

fn texts(address: Option<&mail_parser::Address<'_>>) -> Vec<(Option<String>, String)> {
    let mailbox = |addr: &mail_parser::Addr<'_>| {
        (
            addr.name.as_ref().map(|n| n.to_string()),
            addr.address.clone().unwrap_or_default().to_string(),
        )
    };
    address.map(|a| a.iter().map(mailbox).collect()).unwrap_or_default()
}

fn our_texts(list: &[Mailbox]) -> Vec<(Option<String>, String)> {
    let text =
        |bytes: &Option<Vec<u8>>| String::from_utf8(bytes.clone().unwrap_or_default()).unwrap();
    let mailboxes = list.iter().filter(|m| m.host.is_some());
    mailboxes
        .map(|m| {
            (m.name.as_deref().map(decode_header), format!("{}@{}", text(&m.local), text(&m.host)))
        })
        .collect()
}

#[test]
fn both_parsers_tell_the_same_of_a_header() {
    for message in MESSAGES {
        let theirs = MessageParser::default().parse(message).unwrap();
        let ours = Summary::of_header(message.as_bytes());
        assert_eq!(ours.subject.as_deref().map(decode_header).as_deref(), theirs.subject());
        assert_eq!(ours.sent.map(|d| d.at.seconds()), theirs.date().map(|d| d.to_timestamp()));
        assert_eq!(our_texts(&ours.from), texts(theirs.from()));
        assert_eq!(our_texts(&ours.to), texts(theirs.to()));
        assert_eq!(our_texts(&ours.cc), texts(theirs.cc()));
        let references: Vec<String> =
            ours.references.iter().map(|id| String::from_utf8(id.clone()).unwrap()).collect();
        let their_references = theirs.references().as_text_list().unwrap_or_default();
        assert_eq!(references, their_references);
    }
}

/// The text of a leaf, both encodings undone.
fn decoded(part: &Part, message: &str) -> String {
    let body = &message.as_bytes()[part.body.start as usize..part.body.end as usize];
    let mut bytes = Vec::new();
    let mut transfer = TransferDecoder::new(TransferEncoding::of(&part.fields.encoding));
    transfer.feed(body, &mut bytes);
    transfer.finish(&mut bytes);
    let mut text = String::new();
    let mut charset = CharsetDecoder::new(part.content_type().param("charset"));
    charset.feed(&bytes, &mut text);
    charset.finish(&mut text);
    text
}

#[test]
fn both_parsers_find_the_same_parts() {
    MESSAGES.iter().for_each(|message| check_parts(message));
}

#[test]
fn composed_messages_are_taken_apart_as_they_were_put_together() {
    for seed in 1..=500 {
        let alike = seed % 2 == 0;
        let mut composer = Composer { seed, boundaries: 0, alike };
        let (message, expected) = composer.part(0);
        let mut scanner = StructureScanner::new();
        scanner.feed(message.as_bytes());
        assert_eq!(print(&scanner.finish().root, &message), expected, "{message}");
        // The other parser mistakes a boundary for one that begins with it, and does not look for
        // a message that is all of the body of a message.
        if !alike && !expected.contains("{{") {
            check_parts(&message);
        }
    }
}

/// Puts messages together at random.
struct Composer {
    seed: u64,
    boundaries: usize,
    /// Each boundary begins the next.
    alike: bool,
}

impl Composer {
    fn below(&mut self, limit: u64) -> u64 {
        // A linear congruential generator; its high bits are the better ones.
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % limit
    }

    /// A part with its header, and how it is printed.
    fn part(&mut self, depth: u32) -> (String, String) {
        match self.below(if depth < 4 { 6 } else { 3 }) {
            0 => leaf(
                "text/plain; charset=utf-8",
                "8bit",
                "a\u{f1}o\r\n--not a boundary",
                "a\u{f1}o\r\n--not a boundary",
            ),
            1 => leaf("text/html", "base64", "PGI+aGVs\r\nbG8\r\n=", "<b>hello"),
            2 => leaf("text/plain", "quoted-printable", "=61=\r\nb =3D", "ab ="),
            3 => self.message(depth),
            _ => self.multipart(depth),
        }
    }

    fn message(&mut self, depth: u32) -> (String, String) {
        let (part, printed) = self.part(depth + 1);
        let header = "Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\nSubject: in\r\n";
        (format!("{header}{part}"), format!("{{{printed}}}"))
    }

    fn multipart(&mut self, depth: u32) -> (String, String) {
        self.boundaries += 1;
        let boundary = match self.alike {
            true => "b".repeat(self.boundaries),
            false => format!("={}=", self.boundaries),
        };
        let mut message = format!(
            "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\nthis is for old readers\r\n"
        );
        let mut printed = Vec::new();
        for _ in 0..1 + self.below(4) {
            let (part, part_printed) = self.part(depth + 1);
            message.push_str(&format!("--{boundary}\r\n{part}\r\n"));
            printed.push(part_printed);
        }
        message.push_str(&format!("--{boundary}--\r\n"));
        (message, format!("[{}]", printed.join(", ")))
    }
}

fn leaf(content_type: &str, encoding: &str, body: &str, text: &str) -> (String, String) {
    let header =
        format!("Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n");
    (format!("{header}\r\n{body}"), format!("{text:?}"))
}

fn print(part: &Part, message: &str) -> String {
    match &part.content {
        Content::Leaf => format!("{:?}", decoded(part, message)),
        Content::Message { root, .. } => format!("{{{}}}", print(root, message)),
        Content::Multipart(children) => {
            let children: Vec<String> =
                children.iter().map(|child| print(child, message)).collect();
            format!("[{}]", children.join(", "))
        }
    }
}

fn check_parts(message: &str) {
    let theirs = MessageParser::default().parse(message).unwrap();
    let mut scanner = StructureScanner::new();
    scanner.feed(message.as_bytes());
    compare_all(&scanner.finish().root, &theirs, message);
}

/// Theirs keeps the parts of a message in the message apart.
fn compare_all(root: &Part, theirs: &mail_parser::Message<'_>, message: &str) {
    let mut ours = Vec::new();
    let mut waiting = vec![root];
    while let Some(part) = waiting.pop() {
        ours.push(part);
        waiting.extend(part.children().iter().rev());
    }
    assert_eq!(ours.len(), theirs.parts.len());
    ours.iter().zip(&theirs.parts).for_each(|(our, their)| compare(our, their, message));
}

fn compare(our: &Part, their: &mail_parser::MessagePart<'_>, message: &str) {
    assert_eq!(our.header.start, u64::from(their.offset_header));
    assert_eq!(our.body.start, u64::from(their.offset_body));
    if let Some(content_type) = their.content_type() {
        assert!(our.content_type().kind.eq_ignore_ascii_case(content_type.ctype()));
        assert_eq!(Some(our.content_type().subtype.as_str()), content_type.subtype());
    }
    assert_eq!(our.fields.id.as_deref().map(|id| id.trim_matches(['<', '>'])), their.content_id());
    match (&our.content, &their.body) {
        (Content::Multipart(ours), PartType::Multipart(theirs)) => {
            assert_eq!(ours.len(), theirs.len())
        }
        (Content::Message { root, .. }, PartType::Message(theirs)) => {
            compare_all(root, theirs, message)
        }
        (Content::Leaf, PartType::Text(text) | PartType::Html(text)) => {
            assert_eq!(decoded(our, message), text.as_ref());
        }
        (Content::Leaf, PartType::Binary(bytes)) => {
            assert_eq!(
                our.fields.disposition.as_ref().and_then(|d| d.param("filename")),
                their.attachment_name()
            );
            assert_eq!(decoded(our, message).as_bytes(), bytes.as_ref());
        }
        (our, their) => panic!("{our:?} is not {their:?}"),
    }
}
