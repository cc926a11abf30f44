//! Whole sessions, typed in: every command once, with what it leaves behind.

mod support;

use proto_line::Desk;
use support::PostOffice;

const PLAIN: &str = "From: Ana <ana@mired.org>\nTo: bob@mired.org\nSubject: asunto\n\
    Date: Tue, 24 Nov 2026 08:29:44 +0100\nMessage-ID: <1@mired.org>\n\nTexto del mensaje\n";

#[test]
fn the_session_of_the_course_works() {
    let office = PostOffice::open();
    let mut ana = office.connect();
    assert!(ana.no("LOGIN ana wrong").starts_with("NO [AUTHENTICATIONFAILED]"));
    ana.ok("LOGIN ana@mired.org ana");
    let listed = ana.ok("LIST \"\" \"*\"");
    assert!(listed.starts_with("* LIST (") && listed.contains(" INBOX\r\n"), "{listed}");
    assert!(listed.contains("\\Sent"), "{listed}");
    ana.append("INBOX", "", PLAIN);
    assert_eq!(ana.ok("STATUS INBOX (MESSAGES)"), "* STATUS INBOX (MESSAGES 1)\r\n");
    let selected = ana.ok("SELECT INBOX");
    assert!(selected.contains("* 1 EXISTS\r\n") && selected.contains("[UIDNEXT 2]"), "{selected}");
    assert_eq!(ana.ok("FETCH 1:3 FLAGS"), "* 1 FETCH (FLAGS ())\r\n");
    let full = ana.ok("FETCH 1 FULL");
    assert!(full.contains("ENVELOPE (\"Tue, 24 Nov 2026 08:29:44 +0100\" \"asunto\" "), "{full}");
    let header = ana.ok("FETCH 1 BODY[HEADER]");
    assert!(
        header.contains("Subject: asunto\r\n") && header.contains("FLAGS (\\Seen)"),
        "{header}"
    );
    assert_eq!(ana.ok("FETCH 1 FLAGS"), "* 1 FETCH (FLAGS (\\Seen))\r\n");
    assert!(ana.say("LOGOUT").starts_with("* BYE"));
}

#[test]
fn every_section_is_exact() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    let nested = "Subject: outer\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n\
        --b\nContent-Type: text/plain\n\none\n\
        --b\nContent-Type: message/rfc822\n\nSubject: inner\nX-A: 1\n\ninner text\n\
        --b--\n";
    ana.append("INBOX", "", nested);
    ana.ok("SELECT INBOX");
    let whole = nested.replace('\n', "\r\n");
    let size = whole.len();
    let table = [
        ("BODY.PEEK[]", format!("BODY[] {{{size}}}\r\n{whole}")),
        ("BODY.PEEK[]<4.6>", "BODY[]<4> {6}\r\nect: o".to_string()),
        ("BODY.PEEK[]<9999.6>", "BODY[]<9999> \"\"".to_string()),
        ("BODY.PEEK[1]", "BODY[1] {3}\r\none".to_string()),
        ("BODY.PEEK[1]<0.393216>", "BODY[1]<0> {3}\r\none".to_string()),
        ("BODY.PEEK[1.MIME]", "BODY[1.MIME] {28}\r\nContent-Type: text/plain\r\n\r\n".to_string()),
        (
            "BODY.PEEK[2.MIME]",
            "BODY[2.MIME] {32}\r\nContent-Type: message/rfc822\r\n\r\n".to_string(),
        ),
        (
            "BODY.PEEK[2.HEADER]",
            "BODY[2.HEADER] {26}\r\nSubject: inner\r\nX-A: 1\r\n\r\n".to_string(),
        ),
        ("BODY.PEEK[2.TEXT]", "BODY[2.TEXT] {10}\r\ninner text".to_string()),
        ("BODY.PEEK[2.1]", "BODY[2.1] {10}\r\ninner text".to_string()),
        ("BODY.PEEK[3]", "BODY[3] NIL".to_string()),
        ("BODY.PEEK[1.HEADER]", "BODY[1.HEADER] NIL".to_string()),
        (
            "BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
            "BODY[HEADER.FIELDS (SUBJECT)] {18}\r\nSubject: outer\r\n\r\n".to_string(),
        ),
        (
            "BODY.PEEK[2.HEADER.FIELDS.NOT (subject)]",
            "BODY[2.HEADER.FIELDS.NOT (SUBJECT)] {10}\r\nX-A: 1\r\n\r\n".to_string(),
        ),
        ("RFC822.SIZE", format!("RFC822.SIZE {size}")),
    ];
    for (item, want) in table {
        assert_eq!(ana.ok(&format!("FETCH 1 {item}")), format!("* 1 FETCH ({want})\r\n"), "{item}");
    }
    assert_eq!(ana.ok("FETCH 1 FLAGS"), "* 1 FETCH (FLAGS ())\r\n", "PEEK leaves \\Seen alone");
}

#[test]
fn large_sections_are_streamed_octet_for_octet() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    let header = format!("Subject: large\nX-Long: {}\n\n", "h".repeat(100_000));
    let body: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    let text = header.clone() + &body;
    ana.append("INBOX", "", &text);
    ana.ok("SELECT INBOX");
    let [whole, header, body] = [&text, &header, &body].map(|text| text.replace('\n', "\r\n"));
    for (item, want) in [
        ("BODY[]", &whole[..]),
        ("BODY[HEADER]", &header[..]),
        ("BODY[TEXT]", &body[..]),
        ("BODY[1]", &body[..]),
        ("BODY[TEXT]<50000.70000>", &body[50_000..120_000]),
        ("BODY[TEXT]<50000.700>", &body[50_000..50_700]),
    ] {
        let heard = ana.ok(&format!("FETCH 1 {}", item.replace("BODY[", "BODY.PEEK[")));
        let name = item.split('.').next().unwrap();
        let name = if item.contains('<') { format!("{name}>") } else { name.to_string() };
        let want = format!("* 1 FETCH ({name} {{{}}}\r\n{want})\r\n", want.len());
        assert!(heard == want, "{item}: {} octets, not {}", heard.len(), want.len());
    }
}

#[test]
fn a_fetch_of_many_messages_comes_whole_over_its_pages() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    let message = |n: usize| format!("Subject: message {n}\n\n{}\n", "x".repeat(n % 7 * 500));
    let many: String = (0..200)
        .map(|n| message(n).replace('\n', "\r\n"))
        .map(|text| format!(" {{{}+}}\r\n{text}", text.len()))
        .collect();
    for _ in 0..3 {
        ana.ok(&format!("APPEND INBOX{many}"));
    }
    ana.ok("SELECT INBOX");
    for items in
        ["(UID FLAGS)", "ENVELOPE", "BODY.PEEK[]", "(ENVELOPE BODY.PEEK[HEADER.FIELDS (Subject)])"]
    {
        let heard = ana.ok(&format!("FETCH 1:* {items}"));
        let lines =
            heard.lines().filter(|line| line.starts_with("* ") && line.contains(" FETCH ("));
        let seqs: Vec<usize> =
            lines.map(|line| line[2..].split(' ').next().unwrap().parse().unwrap()).collect();
        assert_eq!(seqs, (1..=600).collect::<Vec<_>>(), "{items}");
    }
    let sparse = ana.ok("FETCH 3,300,302,599 ENVELOPE");
    for (seq, n) in [(3, 2), (300, 99), (302, 101), (599, 198)] {
        assert!(
            sparse.contains(&format!("* {seq} FETCH (ENVELOPE (NIL \"message {n}\"")),
            "{sparse}"
        );
    }
}

#[test]
fn an_envelope_of_thousands_of_addresses_is_told_whole() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    let to: String = (0..2000).map(|n| format!("person{n}@example.org,\n ")).collect();
    ana.append("INBOX", "", &format!("To: {to}last@x.org\nSubject: all\n\n"));
    ana.ok("SELECT INBOX");
    let envelope = ana.ok("FETCH 1 ENVELOPE");
    assert!(
        envelope.contains("(NIL NIL \"person1999\" \"example.org\")(NIL NIL \"last\" \"x.org\")")
    );
}

#[test]
fn store_and_expunge_tell_what_they_did() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    for _ in 0..4 {
        ana.append("INBOX", "", PLAIN);
    }
    ana.ok("SELECT INBOX");
    let flagged = ana.ok("STORE 2:3 +FLAGS (\\Deleted $Work)");
    assert!(
        flagged.contains("* 2 FETCH (") && flagged.contains("FLAGS (\\Deleted $Work))\r\n"),
        "{flagged}"
    );
    assert_eq!(flagged.matches("FETCH").count(), 2, "told once: {flagged}");
    assert!(flagged.contains("* FLAGS (") && flagged.contains("$Work)"), "{flagged}");
    assert_eq!(ana.ok("STORE 1 FLAGS.SILENT (\\Seen)"), "", "told by nobody");
    assert_eq!(ana.ok("UID EXPUNGE 3:9"), "* 3 EXPUNGE\r\n");
    assert_eq!(ana.ok("EXPUNGE"), "* 2 EXPUNGE\r\n");
    assert_eq!(ana.ok("UID FETCH 1:* FLAGS").matches("UID ").count(), 2);
    assert!(ana.ok("CLOSE").is_empty());
}

#[test]
fn copies_and_moves_tell_their_uids() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    for _ in 0..3 {
        ana.append("INBOX", "\\Flagged", PLAIN);
    }
    ana.ok("SELECT INBOX");
    let copied = ana.say("COPY 1:2 Work");
    assert!(copied.contains("OK [COPYUID ") && copied.contains(" 1:2 1:2]"), "{copied}");
    let moved = ana.say("UID MOVE 3 Work");
    assert!(moved.contains("COPYUID ") && moved.contains(" 3 3]"), "{moved}");
    assert!(moved.contains("* 3 EXPUNGE\r\n"), "{moved}");
    assert!(ana.no("COPY 1 Nowhere").contains("[TRYCREATE]"));
    // A UID that is long gone is no error (RFC 9051 §6.4.9).
    assert_eq!(ana.ok("UID MOVE 999 Work"), "");
    assert_eq!(ana.ok("UID FETCH 999:4294967295 FLAGS").matches("FETCH").count(), 0);
    ana.ok("SELECT Work");
    assert_eq!(ana.ok("UID SEARCH FLAGGED"), "* SEARCH 1 2 3\r\n");
}

#[test]
fn append_checks_before_it_invites() {
    let office = PostOffice::open_with(serve_imap::Options {
        size_max: 10_000,
        ..serve_imap::Options::default()
    });
    office.set_quota("ana", Some(4_000), Some(3));
    let mut ana = office.connect_as_ana();
    assert!(ana.no("APPEND Nowhere {10}").contains("[TRYCREATE]"));
    assert!(ana.no("APPEND INBOX {10001}").contains("[TOOBIG]"));
    assert!(ana.no("APPEND INBOX {4001}").contains("[OVERQUOTA]"));
    let text = format!("Subject: x\r\n\r\n{}", "x".repeat(1500));
    let one = format!(" {{{}+}}\r\n{text}", text.len());
    ana.ok(&format!("APPEND INBOX{one}{one}"));
    // All or none.
    assert!(ana.no(&format!("APPEND INBOX{one}{one}")).contains("[OVERQUOTA]"));
    assert_eq!(ana.ok("STATUS INBOX (MESSAGES)"), "* STATUS INBOX (MESSAGES 2)\r\n");
    let quota = ana.ok("GETQUOTAROOT INBOX");
    assert!(quota.contains("(STORAGE 3 3 MESSAGE 2 3)"), "{quota}");
    ana.ok("APPEND INBOX \"24-Nov-2026 08:29:44 +0100\" {1+}\r\nx");
    assert!(ana.no("APPEND INBOX {1}").contains("[OVERQUOTA]"));
    ana.ok("SELECT INBOX");
    let date = ana.ok("FETCH 3 INTERNALDATE");
    assert!(date.contains("24-Nov-2026 07:29:44 +0000"), "{date}");
}

#[test]
fn mailboxes_come_and_go() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    assert!(ana.say("CREATE \"Fruit/Apple/\"").contains("[MAILBOXID ("));
    ana.no("CREATE Fruit/Apple");
    ana.ok("RENAME Fruit Food");
    assert_eq!(ana.ok("LIST \"\" Food/%").matches("LIST").count(), 1);
    ana.ok("SUBSCRIBE Gone");
    assert!(ana.ok("LSUB \"\" *").contains("Gone"));
    ana.ok("UNSUBSCRIBE Gone");
    assert!(!ana.ok("LSUB \"\" *").contains("Gone"));
    ana.ok("DELETE Food");
    let listed = ana.ok("LIST \"\" *");
    assert!(listed.contains("\\Noselect") || listed.contains("\\NonExistent"), "{listed}");
    ana.no("SELECT Food");
    ana.ok("SELECT Food/Apple");
    let status = ana.ok("LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))");
    assert!(status.contains("* STATUS Work (MESSAGES 0 UNSEEN 0)\r\n"), "{status}");
}

#[test]
fn search_sort_and_thread_answer_in_the_numbers_asked_for() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    for (n, subject) in [(1, "banana"), (2, "apple"), (3, "Re: banana")] {
        ana.append("INBOX", "", &format!("Subject: {subject}\nMessage-ID: <{n}@x>\n\nbody {n}\n"));
        office.pass(3600);
    }
    ana.append("INBOX", "\\Seen", "Subject: zebra\n\nlast\n");
    ana.ok("SELECT INBOX");
    ana.ok("STORE 1 +FLAGS.SILENT \\Deleted");
    ana.ok("EXPUNGE");
    assert_eq!(ana.ok("SEARCH ALL"), "* SEARCH 1 2 3\r\n");
    assert_eq!(ana.ok("UID SEARCH SUBJECT banana"), "* SEARCH 3\r\n");
    assert_eq!(ana.ok("SEARCH UNSEEN NOT BODY \"body 2\""), "* SEARCH 2\r\n");
    assert_eq!(ana.ok("SEARCH YOUNGER 3599"), "* SEARCH 3\r\n");
    assert_eq!(ana.ok("SEARCH OLDER 3600"), "* SEARCH 1 2\r\n");
    assert_eq!(ana.ok("SEARCH ON 24-Nov-2026"), "* SEARCH 1 2 3\r\n");
    assert_eq!(ana.ok("SEARCH BEFORE 24-Nov-2026"), "* SEARCH\r\n");
    assert!(ana.ok("SEARCH MODSEQ 1").contains("(MODSEQ "));
    assert_eq!(ana.ok("SORT (REVERSE SUBJECT) UTF-8 ALL"), "* SORT 3 2 1\r\n");
    assert_eq!(ana.ok("UID SORT (SUBJECT) UTF-8 ALL"), "* SORT 2 3 4\r\n");
    assert_eq!(ana.ok("UID THREAD REFERENCES UTF-8 ALL"), "* THREAD (2)(3)(4)\r\n");
    let saved = ana.ok("UID SEARCH RETURN (SAVE) SUBJECT banana");
    assert!(!saved.contains("SEARCH 3"), "{saved}");
    assert_eq!(ana.ok("FETCH $ UID"), "* 2 FETCH (UID 3)\r\n");
    assert_eq!(ana.ok("UID SEARCH $ UNSEEN"), "* SEARCH 3\r\n");
    let id = ana.ok("FETCH 2 EMAILID");
    let id = id.split(['(', ')']).nth(2).unwrap().to_string();
    assert_eq!(ana.ok(&format!("SEARCH EMAILID {id}")), "* SEARCH 2\r\n");
}

#[test]
fn an_examined_mailbox_is_left_as_it_is() {
    let office = PostOffice::open();
    let mut ana = office.connect_as_ana();
    ana.append("INBOX", "", PLAIN);
    assert!(ana.say("EXAMINE INBOX").contains("[READ-ONLY]"));
    ana.ok("FETCH 1 BODY[]");
    ana.no("STORE 1 +FLAGS \\Seen");
    assert_eq!(ana.ok("FETCH 1 FLAGS"), "* 1 FETCH (FLAGS ())\r\n");
    ana.append("INBOX", "", PLAIN);
    assert!(
        ana.ok("NOOP").contains("EXISTS") || ana.ok("FETCH 1:* UID").matches("UID").count() == 2
    );
}

#[test]
fn one_session_more_than_allowed_is_told_why() {
    let options = serve_imap::Options { sessions_max: 2, ..serve_imap::Options::default() };
    let office = PostOffice::open_with(options);
    let first = office.connect_as_ana();
    let _second = office.connect_as_ana();
    let mut third = office.connect();
    assert!(third.no("LOGIN ana ana").starts_with("NO [LIMIT]"));
    third.ok("LOGIN bob bob");
    drop(first);
    office.connect_as_ana();
}

#[test]
fn whoever_is_disabled_or_removed_is_out_at_the_next_command() {
    let office = PostOffice::open();
    let gone = "* BYE The account may no longer log in, or its password was changed\r\n";
    for command in ["LIST \"\" *", "FETCH 1 BODY[]", "NOOP", "CREATE late", "SEARCH ALL", "IDLE"] {
        let mut ana = office.connect_as_ana();
        ana.append("INBOX", "", PLAIN);
        ana.ok("SELECT INBOX");
        office.set_disabled("bob", true);
        ana.ok("NOOP");
        office.set_disabled("ana", true);
        let heard = ana.say(command);
        assert!(heard.ends_with(gone) && !heard.contains("FETCH ("), "{command}: {heard}");
        assert!(office.connect().no("LOGIN ana ana").contains("AUTHENTICATIONFAILED"));
        office.set_disabled("ana", false);
        office.set_disabled("bob", false);
    }
    let mut ana = office.connect_as_ana();
    office.remove_account("ana");
    assert!(ana.say("CREATE zombie").ends_with(gone));
}

#[test]
fn who_guesses_passwords_is_soon_not_heard_even_with_the_right_one() {
    let office = PostOffice::open();
    let mut delays = Vec::new();
    for n in 0..serve_login::OF_PAIR.burst {
        let mut client = office.connect();
        let refused = client.no(&format!("LOGIN ana guess{n}"));
        assert!(refused.starts_with("NO [AUTHENTICATIONFAILED]"), "{n}: {refused}");
        delays.push(client.desk.delay().as_secs());
        assert!(client.desk.delay().is_zero(), "it is of one answer");
    }
    assert_eq!(delays, [0, 0, 0, 1, 2, 4, 8, 8, 8, 8]);
    let mut client = office.connect();
    let refused = client.no("LOGIN ana ana");
    assert!(refused.starts_with("NO [UNAVAILABLE]"), "nothing is said of it: {refused}");
    assert_eq!(client.desk.delay(), serve_login::DELAY_MAX);
    office.connect().ok("LOGIN bob bob");
    office.pass(serve_login::OF_PAIR.every.as_secs() as i64);
    office.connect().ok("LOGIN ana ana");
}

#[test]
fn a_new_password_ends_sessions_that_came_by_the_old_one_even_those_that_wait() {
    let office = PostOffice::open();
    let gone = "* BYE The account may no longer log in, or its password was changed\r\n";
    let mut busy = office.connect_as_ana();
    let mut idle = office.connect_as_ana();
    idle.ok("SELECT INBOX");
    let mut silent = office.connect_as_ana();
    let mut bob = office.connect();
    bob.ok("LOGIN bob bob");
    assert!(idle.say("IDLE").starts_with("+ idling"));
    for client in [&mut idle, &mut silent, &mut bob] {
        assert_eq!(client.news(), None);
    }
    office.set_password("ana", "new");
    assert!(busy.say("LIST \"\" *").ends_with(gone));
    assert_eq!(idle.news().as_deref(), Some(gone));
    assert_eq!(silent.news().as_deref(), Some(gone));
    assert_eq!(bob.news(), None);
    bob.ok("NOOP");
    assert!(office.connect().no("LOGIN ana ana").contains("AUTHENTICATIONFAILED"));
    let mut ana = office.connect();
    ana.ok("LOGIN ana new");
    assert_eq!(ana.news(), None);
    ana.ok("SELECT INBOX");
}

#[test]
fn a_revoked_device_is_out_and_the_others_stay() {
    let office = PostOffice::open();
    let phone = office.add_device("ana", "phone");
    let mut lost = office.connect();
    lost.ok(&format!("LOGIN ana {phone}"));
    let mut kept = office.connect_as_ana();
    assert_eq!((lost.news(), kept.news()), (None, None));
    office.remove_device("ana", "phone");
    assert!(lost.news().is_some_and(|heard| heard.starts_with("* BYE ")));
    assert_eq!(kept.news(), None);
    kept.ok("NOOP");
    assert!(office.connect().no(&format!("LOGIN ana {phone}")).contains("AUTHENTICATIONFAILED"));
}
