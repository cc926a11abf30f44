use super::*;

fn read_all(text: &[u8], size: usize) -> Vec<Read> {
    let mut input = Input::default();
    let mut reads = Vec::new();
    let limits = Limits { line_len_max: 40, literal_len_max: 20, command_len_max: 60 };
    for piece in text.chunks(size) {
        input.extend(piece);
        loop {
            match input.read(&limits, |command| command.ends_with(b" STREAM {9}")) {
                Read::More => break,
                Read::Hopeless => return reads,
                read => reads.push(read),
            }
        }
    }
    reads
}

#[test]
fn announcements_are_told_from_other_line_ends() {
    for (line, want) in [
        ("a {5}", Some((5, Sync::Waits, 2))),
        ("a {5+}", Some((5, Sync::Sends, 2))),
        ("a ~{5+}", Some((5, Sync::Sends, 2))),
        ("{0}", Some((0, Sync::Waits, 0))),
        ("{99999999999999999999999}", Some((u64::MAX, Sync::Waits, 0))),
        ("a {}", None),
        ("a {+}", None),
        ("a 5}", None),
        ("a {5", None),
        ("a {5} ", None),
        ("a {5-}", None),
    ] {
        let got = Literal::at_end_of(line.as_bytes()).map(|l| (l.len, l.sync, l.starts_at));
        assert_eq!(got, want, "{line}");
    }
}

#[test]
fn bytes_split_anywhere_give_the_same_commands() {
    let long = "x".repeat(50);
    let text = format!(
        "\r\na NOOP\r\n\nb LOGIN {{3}}\r\nana {{3+}}\r\nana\r\nc {long}\r\n\
         d X {{30+}}\r\n{}\r\ne X {{30}}\r\nf STREAM {{9}}\r\ng {{3+}}\r\na\r\n {{9+}}\r\n123456789\r\n\
         h {{20+}}\r\n12345678901234567890 {{20+}}\r\n12345678901234567890 {{20+}}\r\n12345678901234567890\r\ni\r\n",
        "\n".repeat(30)
    );
    let command = |text: &str| Read::Command(text.as_bytes().to_vec());
    let stream = Literal { len: 9, sync: Sync::Waits, starts_at: 9 };
    let want = [
        command("a NOOP"),
        Read::Invite,
        command("b LOGIN {3}\r\nana {3+}\r\nana"),
        Read::TooLong(Vec::new()),
        Read::Discarded,
        Read::TooBig(b"d".to_vec()),
        Read::Discarded,
        Read::TooBig(b"e".to_vec()),
        Read::Discarded,
        Read::Stream(b"f STREAM {9}".to_vec(), stream),
        command("g {3+}\r\na\r\n {9+}\r\n123456789"),
        Read::TooLong(b"h".to_vec()),
        Read::Discarded,
        command("i"),
    ];
    for size in (1..40).chain([text.len()]) {
        assert_eq!(read_all(text.as_bytes(), size), want, "pieces of {size}");
    }
}

#[test]
fn the_tag_of_a_long_line_is_remembered_and_the_line_is_not() {
    let mut input = Input::default();
    let mut reads = Vec::new();
    input.extend(b"tag1 ");
    for _ in 0..400 {
        input.extend(&[b'('; 65536]);
        match input.read(&Limits::AFTER_LOGIN, |_| false) {
            Read::More => {}
            read => reads.push(read),
        }
        assert!(input.buffer.unread().len() <= 2 * 65536);
    }
    input.extend(b"\r\nx NOOP\r\n");
    reads.push(input.read(&Limits::AFTER_LOGIN, |_| false));
    reads.push(input.read(&Limits::AFTER_LOGIN, |_| false));
    let tail = reads.split_off(reads.len() - 2);
    assert_eq!(reads.first(), Some(&Read::TooLong(b"tag1".to_vec())));
    assert!(tail.contains(&Read::Command(b"x NOOP".to_vec())), "{tail:?}");
}

#[test]
fn a_literal_too_large_to_drop_ends_it() {
    let mut input = Input::default();
    input.extend(b"a X {4294967296+}\r\n");
    assert_eq!(input.read(&Limits::AFTER_LOGIN, |_| false), Read::TooBig(b"a".to_vec()));
    assert_eq!(input.read(&Limits::AFTER_LOGIN, |_| false), Read::Hopeless);
}
