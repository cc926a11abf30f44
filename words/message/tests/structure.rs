//! RFC 2045, RFC 2046 and RFC 9051 §6.4.5.1 and §7.5.2: the parts of messages, well-formed and nasty.

use words_message::{Content, DEPTH_MAX, PARTS_MAX, Part, Structure, StructureScanner};

fn scan(message: &[u8]) -> Structure {
    let mut scanner = StructureScanner::new();
    scanner.feed(message);
    scanner.finish()
}

/// `type/subtype "body"`, of a container with what is inside.
fn print(part: &Part, message: &[u8]) -> String {
    let content_type = part.content_type();
    let name = format!("{}/{}", content_type.kind, content_type.subtype);
    let range = part.body.start as usize..part.body.end as usize;
    match &part.content {
        Content::Leaf => format!("{name} {:?}", String::from_utf8_lossy(&message[range])),
        Content::Multipart(children) => {
            let children: Vec<String> =
                children.iter().map(|child| print(child, message)).collect();
            format!("{name}[{}]", children.join(", "))
        }
        Content::Message { root, .. } => format!("{name}{{{}}}", print(root, message)),
    }
}

fn check(message: &str, expected: &str) {
    let structure = scan(message.as_bytes());
    assert_eq!(print(&structure.root, message.as_bytes()), expected, "{message}");
    // The same with bare line feeds.
    let bare = message.replace("\r\n", "\n");
    let structure = scan(bare.as_bytes());
    assert_eq!(
        print(&structure.root, bare.as_bytes()),
        expected.replace("\\r\\n", "\\n"),
        "{bare}"
    );
}

/// A multipart with boundary `b`.
fn mixed(body: &str) -> String {
    format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}")
}

#[test]
fn a_message_without_mime_is_plain_text() {
    check("Subject: x\r\n\r\nhello\r\n", "text/plain \"hello\\r\\n\"");
    check("\r\nhello", "text/plain \"hello\"");
    check("", "text/plain \"\"");
    check("no header at all", "text/plain \"\"");
    check("Subject: x\r\n", "text/plain \"\"");
    check("Content-Type: nonsense\r\n\r\nx", "text/plain \"x\"");
}

#[test]
fn the_line_end_before_a_boundary_belongs_to_the_boundary() {
    check(&mixed("--b\r\n\r\nx\r\n--b--\r\n"), "multipart/mixed[text/plain \"x\"]");
    check(&mixed("--b\r\n\r\nx\r\n\r\n--b--\r\n"), "multipart/mixed[text/plain \"x\\r\\n\"]");
    check(&mixed("--b\r\n\r\n\r\n--b--\r\n"), "multipart/mixed[text/plain \"\"]");
    check(&mixed("--b\r\n\r\n--b--\r\n"), "multipart/mixed[text/plain \"\"]");
    check(&mixed("--b\r\nX: y\r\n--b--\r\n"), "multipart/mixed[text/plain \"\"]");
    check(&mixed("--b\r\n--b--\r\n"), "multipart/mixed[text/plain \"\"]");
}

#[test]
fn preamble_and_epilogue_are_nobodys() {
    check(
        &mixed("pre\r\n--b\r\n\r\n1\r\n--b \t\r\n\r\n2\r\n--b-- \r\npost\r\n--b\r\n\r\n3\r\n"),
        "multipart/mixed[text/plain \"1\", text/plain \"2\"]",
    );
}

#[test]
fn a_missing_close_delimiter_ends_with_what_is_around() {
    check(
        &mixed("--b\r\n\r\n1\r\n--b\r\n\r\n2"),
        "multipart/mixed[text/plain \"1\", text/plain \"2\"]",
    );
    check(&mixed("--b\r\n\r\n1\r\n--b--"), "multipart/mixed[text/plain \"1\"]");
    check(
        &mixed(
            "--b\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--",
        ),
        "multipart/mixed[multipart/x[text/plain \"1\"], text/plain \"2\"]",
    );
}

#[test]
fn a_boundary_that_begins_another_is_not_mistaken_for_it() {
    let inner =
        "--b\r\nContent-Type: multipart/x; boundary=bb\r\n\r\n--bb\r\n\r\n1\r\n--bbb\r\n--bb--\r\n";
    check(
        &mixed(&format!("{inner}--b\r\n\r\n2\r\n--b-\r\n--b--\r\n")),
        "multipart/mixed[multipart/x[text/plain \"1\\r\\n--bbb\"], text/plain \"2\\r\\n--b-\"]",
    );
    // The closing of one is the opening of the other: the innermost has it.
    check(
        &mixed(
            "--b\r\nContent-Type: multipart/x; boundary=\"b--\"\r\n\r\n--b--\r\n\r\n1\r\n--b----\r\n--b--\r\n",
        ),
        "multipart/mixed[multipart/x[text/plain \"1\"]]",
    );
}

#[test]
fn a_multipart_always_has_a_child() {
    check(&mixed(""), "multipart/mixed[text/plain \"\"]");
    check(&mixed("only a preamble\r\n"), "multipart/mixed[text/plain \"\"]");
    check(&mixed("--b--\r\n"), "multipart/mixed[text/plain \"\"]");
}

#[test]
fn a_multipart_without_a_usable_boundary_is_plain_text() {
    for params in ["", "; boundary=\"\"", &format!("; boundary={}", "b".repeat(257))] {
        check(
            &format!("Content-Type: multipart/mixed{params}\r\n\r\n--b\r\n"),
            "text/plain \"--b\\r\\n\"",
        );
    }
}

#[test]
fn a_message_in_a_message_has_its_own_parts() {
    check(
        &mixed(
            "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n--b\r\n\
             Content-Type: message/rfc822\r\n\r\n--b\r\nContent-Type: message/global\r\n--b--\r\n",
        ),
        "multipart/mixed[message/rfc822{text/plain \"body\"}, message/rfc822{text/plain \"\"}, \
         message/global{text/plain \"\"}]",
    );
    let message = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\nFrom: a@b\r\n\r\nbody";
    let structure = scan(message);
    assert_eq!(structure.root.summary().unwrap().subject(), Some(&b"in"[..]));
    assert_eq!(structure.root.octets(), 30);
    assert_eq!(structure.root.message().unwrap().octets(), 4);
}

#[test]
fn in_a_digest_a_part_without_a_type_is_a_message() {
    check(
        "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\nbody\r\n\
         --b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n",
        "multipart/digest[message/rfc822{text/plain \"body\"}, text/html \"x\"]",
    );
}

#[test]
fn nul_octets_eight_bits_and_long_lines_are_content() {
    let body = format!("\0\u{ff}{}", "x".repeat(5000));
    let structure = scan(mixed(&format!("--b\r\n\r\n{body}\r\n--b--\r\n")).as_bytes());
    assert_eq!(structure.find(&[1]).unwrap().octets(), body.len() as u64);
    // A boundary line with more blanks than anybody would write is content.
    let structure = scan(mixed(&format!("--b\r\n\r\n--b{}\r\n", " ".repeat(1000))).as_bytes());
    assert_eq!(structure.root.children().len(), 1);
}

#[test]
fn lines_are_line_feeds() {
    for (body, lines) in [("", 0), ("1", 0), ("1\r\n2", 1), ("1\r\n2\r\n", 2), ("\r\n", 1)] {
        let structure = scan(mixed(&format!("--b\r\n\r\n{body}\r\n--b--\r\n")).as_bytes());
        let part = structure.find(&[1]).unwrap();
        assert_eq!((part.lines, part.octets()), (lines, body.len() as u64), "{body:?}");
        let structure = scan(format!("\r\n{body}").as_bytes());
        assert_eq!(structure.root.lines, lines, "{body:?}");
    }
}

#[test]
fn sections_are_numbered_as_in_the_example_of_rfc_9051() {
    let text =
        |name: &str, body: &str| format!("--{name}\r\nContent-Type: text/plain\r\n\r\n{body}\r\n");
    let inner = format!(
        "Content-Type: multipart/mixed; boundary=i\r\n\r\n{}{}--i--\r\n",
        text("i", "3.1"),
        text("i", "3.2")
    );
    let alternative = format!(
        "--n\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n{}{}--a--\r\n",
        text("a", "4.2.2.1"),
        text("a", "4.2.2.2")
    );
    let nested = format!(
        "Content-Type: multipart/mixed; boundary=n\r\n\r\n{}{alternative}--n--\r\n",
        text("n", "4.2.1")
    );
    let part_4 = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=f\r\n\r\n{}--f\r\nContent-Type: message/rfc822\r\n\r\n{nested}\r\n--f--\r\n",
        text("f", "4.1")
    );
    let message = mixed(&format!(
        "{}{}--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n{part_4}\r\n--b--\r\n",
        text("b", "1"),
        text("b", "2")
    ));
    let structure = scan(message.as_bytes());
    let body = |section: &[u32]| {
        let part = structure.find(section)?;
        Some(&message[part.body.start as usize..part.body.end as usize])
    };
    for section in ["1", "2", "3.1", "3.2", "4.1", "4.2.1", "4.2.2.1", "4.2.2.2"] {
        let numbers: Vec<u32> = section.split('.').map(|n| n.parse().unwrap()).collect();
        assert_eq!(body(&numbers), Some(section), "{section}");
    }
    for section in
        [&[0][..], &[5], &[1, 1], &[3, 3], &[4, 3], &[4, 2, 3], &[4, 2, 2, 3], &[u32::MAX]]
    {
        assert_eq!(body(section), None, "{section:?}");
    }
    assert_eq!(structure.find(&[]).unwrap(), &structure.root);
    let inner_message = structure.find(&[3]).unwrap().message().unwrap();
    let header = inner_message.header.start as usize..inner_message.header.end as usize;
    assert!(message[header].starts_with("Content-Type: multipart/mixed; boundary=i"));
}

#[test]
fn the_only_part_of_a_message_is_part_1() {
    let structure = scan(b"Subject: x\r\n\r\nbody");
    assert_eq!(structure.find(&[1]), Some(&structure.root));
    assert_eq!(structure.find(&[1, 1]), None);
    assert_eq!(structure.find(&[2]), None);
    let structure = scan(b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody");
    assert_eq!(structure.find(&[1]), Some(&structure.root));
    assert_eq!(structure.find(&[1, 1]), structure.root.message());
}

#[test]
fn more_parts_than_the_limit_are_not_told_apart() {
    let message = mixed(&"--b\r\n\r\nx\r\n".repeat(PARTS_MAX + 10));
    let structure = scan(message.as_bytes());
    assert!(structure.cut);
    assert_eq!(structure.parts().len(), PARTS_MAX);
    assert!(!scan(mixed(&"--b\r\n\r\nx\r\n".repeat(10)).as_bytes()).cut);
}

#[test]
fn what_is_too_deep_is_octets() {
    let deep: String = (0..DEPTH_MAX + 10)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}x\r\n\r\n--b{n}x\r\n"))
        .collect();
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(DEPTH_MAX + 10);
    for message in [deep, messages] {
        let structure = scan(message.as_bytes());
        assert!(structure.cut);
        let parts = structure.parts();
        assert_eq!(parts.len(), DEPTH_MAX);
        assert!(parts.last().unwrap().content_type().is("application", "octet-stream"));
    }
}

#[test]
fn texts_of_all_parts_together_are_bounded() {
    let params: String = (0..60).map(|n| format!("; p{n}={}", "v".repeat(1000))).collect();
    let part = format!("--b\r\nContent-Type: image/png{params}\r\n\r\nx\r\n");
    let structure = scan(mixed(&part.repeat(200)).as_bytes());
    assert!(structure.cut);
    let kept: usize = structure
        .parts()
        .iter()
        .flat_map(|part| &part.content_type().params)
        .map(|param| param.name.len() + param.value.len())
        .sum();
    assert!(kept <= words_message::STRUCTURE_TEXT_MAX);
    assert_eq!(structure.parts().len(), 201);
    assert!(structure.root.children().iter().all(|part| part.content_type().is("image", "png")));
}
