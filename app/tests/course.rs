//! The sessions with telnet that a course teaches, played to the octet.

mod support;

use support::Lab;
use support::script::play;

const SMTP: &str = include_str!("course/smtp.txt");
const IMAP: &str = include_str!("course/imap.txt");
const POP3: &str = include_str!("course/pop3.txt");

#[test]
fn three_messages_by_smtp_are_seen_by_imap_and_taken_by_pop3() {
    let lab = Lab::start();
    (0..3).for_each(|_| play(lab.port("smtp"), SMTP));
    play(lab.port("imap"), IMAP);
    play(lab.port("pop3"), POP3);
    // The one that POP3 marked is gone.
    let left = "S: +OK asterix.mired.org POP3 server ready\nC: USER ana\nS: +OK now the \
                password, with PASS\nC: PASS ana\nS: +OK 2 messages ($sum octets)\n";
    play(lab.port("pop3"), left);
}

#[test]
fn a_line_of_the_log_shows_that_a_message_arrived() {
    let lab = Lab::start();
    play(lab.port("smtp"), SMTP);
    let line = lab.logged("ARRIVED");
    for part in ["from <bob@mired.org>", "for <ana@mired.org>", "octets, on disk"] {
        assert!(line.contains(part), "{part} missing in {line}");
    }
}

#[test]
fn the_card_says_what_to_type() {
    let lab = Lab::start();
    lab.logged("Ctrl-C stops it.");
    let card = lab.log();
    for service in ["smtp", "imap", "pop3"] {
        let line = format!("telnet 127.0.0.1 {}", lab.port(service));
        assert!(card.contains(&line), "{line} missing in {card}");
    }
    assert!(card.contains("ana@mired.org") && card.contains("bob@mired.org"), "{card}");
}
