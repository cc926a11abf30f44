//! Reports as they are written: pages to look at, and read back by our own reader.

use std::time::Duration;
use words_base::Timestamp;
use words_mail::{Address, EnhancedStatus, OriginalRecipient};
use words_report::{
    Action, Language, Original, Recipient, Report, Returned, read_report, returned_header,
};

const AT: Timestamp = Timestamp::from_seconds(1_795_514_400);

fn recipient(address: &str, action: Action, status: (u8, u16, u16)) -> Recipient {
    Recipient {
        address: Address::parse(address).unwrap(),
        orcpt: None,
        action,
        status: EnhancedStatus(status.0, status.1, status.2),
        code: None,
        text: String::new(),
        by: None,
        at: AT,
    }
}

fn recipients() -> Vec<Recipient> {
    let refused = Recipient {
        code: Some(550),
        text: "5.1.1 <bob@far.org>: no such user here, see https://far.org/help".into(),
        by: Some("mx.far.org [192.0.2.1]".into()),
        orcpt: OriginalRecipient::parse("rfc822;Bob+2Bold@far.org"),
        ..recipient("bob@far.org", Action::Failed, (5, 1, 1))
    };
    let expired = Recipient {
        text: "connect to mx.dead.test [192.0.2.9]: no answer in time".into(),
        ..recipient("eva@dead.test", Action::Expired(5 * 86_400), (4, 4, 1))
    };
    let until = AT + Duration::from_secs(4 * 86_400);
    let delayed = Recipient {
        code: Some(452),
        text: "4.2.2 mailbox full".into(),
        by: Some("mx.full.test [192.0.2.3]".into()),
        ..recipient("joan@full.test", Action::Delayed { until }, (4, 2, 2))
    };
    let delivered = recipient("ana@mired.org", Action::Delivered, (2, 1, 5));
    let relayed = Recipient {
        code: Some(250),
        text: "2.0.0 queued as 42".into(),
        by: Some("mx.old.test [192.0.2.4]".into()),
        ..recipient("pau@old.test", Action::Relayed, (2, 0, 0))
    };
    vec![refused, expired, delayed, delivered, relayed]
}

struct Page {
    language: Language,
    recipients: Vec<Recipient>,
    subject: &'static str,
    utf8: bool,
    returned: Returned,
}

impl Page {
    fn write(&self, message: &[u8]) -> String {
        let to = Address::parse("carme@mired.org").unwrap();
        let report = Report {
            reporting_mta: "mail.mired.org",
            to: &to,
            at: AT,
            message_id: "<dsn.1@mail.mired.org>",
            boundary: "b0123456789abcdef",
            language: self.language,
            utf8: self.utf8,
            original: Original {
                id: "0D4RD2E000ABCDEFGH",
                envid: Some("QQ314159"),
                accepted_at: AT,
                subject: self.subject,
                message_id: Some("<1@mired.org>"),
            },
            recipients: &self.recipients,
            returned: self.returned,
        };
        let mut page = report.opening().into_bytes();
        match self.returned {
            Returned::Header => page.extend(returned_header(message, self.utf8)),
            Returned::Whole { .. } => page.extend_from_slice(message),
        }
        page.extend(report.closing().into_bytes());
        String::from_utf8_lossy(&page).into_owned()
    }
}

const MESSAGE: &[u8] =
    b"From: carme@mired.org\r\nSubject: Reuni\xc3\xb3\r\nMessage-ID: <1@mired.org>\r\n\r\nHola.\r\n";

/// Compares with the page kept; `UPDATE=1` keeps this one instead.
fn check(name: &str, page: &str) {
    assert!(page.replace("\r\n", "").find(['\r', '\n']).is_none(), "{page}");
    assert!(page.split("\r\n").all(|line| line.len() <= 998));
    let path = format!("{}/tests/snapshots/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let page = page.replace("\r\n", "\n");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(page, kept, "{name} is another page; look at it with UPDATE=1");
}

fn page(language: Language) -> Page {
    let returned = Returned::Header;
    Page { language, recipients: recipients(), subject: "Reunió", utf8: false, returned }
}

#[test]
fn a_report_in_each_language() {
    for language in [Language::English, Language::Spanish, Language::Catalan] {
        let page = page(language).write(MESSAGE);
        assert!(page.is_ascii());
        check(language.code(), &page);
    }
}

#[test]
fn a_report_that_gives_the_message_back() {
    let returned = Returned::Whole { eight_bit: true };
    let mut page = Page { returned, ..page(Language::English) };
    page.recipients.truncate(1);
    check("whole", &page.write(MESSAGE));
}

#[test]
fn a_report_in_utf8() {
    let mut page = Page { utf8: true, ..page(Language::Spanish) };
    page.recipients = vec![Recipient {
        code: Some(550),
        text: "5.1.1 no existe señor".into(),
        by: Some("mx.ñandú.test".into()),
        ..recipient("begoña@ñandú.test", Action::Failed, (5, 1, 1))
    }];
    check("utf8", &page.write(MESSAGE));
    // Where UTF-8 may not be, it is written in ASCII.
    page.utf8 = false;
    let ascii = page.write(MESSAGE);
    assert!(ascii.is_ascii());
    assert!(
        ascii.contains("Final-Recipient: utf-8;bego\\x{F1}a@\\x{F1}and\\x{FA}.test\r\n"),
        "{ascii}"
    );
}

#[test]
fn what_is_written_is_read_back() {
    let report = read_report(page(Language::Catalan).write(MESSAGE).as_bytes()).unwrap();
    assert_eq!(report.reporting_mta.as_deref(), Some("mail.mired.org"));
    assert_eq!(report.envid.as_deref(), Some("QQ314159"));
    assert_eq!(report.message_id.as_deref(), Some("<1@mired.org>"));
    assert_eq!(report.recipients.len(), recipients().len());
    for (read, written) in report.recipients.iter().zip(recipients()) {
        assert_eq!(read.final_recipient, written.address.to_string());
        assert_eq!(read.action, written.action.word());
        assert_eq!(read.status, Some(written.status));
    }
    assert_eq!(report.recipients[0].original_recipient.as_deref(), Some("Bob+old@far.org"));
}

#[test]
fn no_words_of_strangers_make_a_field_or_a_part() {
    let evil = "x\r\n\r\n--b0123456789abcdef--\r\nEvil: 1\r\n\0".repeat(200);
    let mut page = page(Language::English);
    for recipient in &mut page.recipients {
        recipient.text = evil.clone();
        recipient.by = Some(evil.clone());
    }
    let written = page.write(MESSAGE);
    let report = read_report(written.as_bytes()).unwrap();
    assert_eq!(report.recipients.len(), recipients().len());
    assert_eq!(written.matches("\r\n--b0123456789abcdef--").count(), 1);
    let (_, fields) = written.split_once("message/delivery-status").unwrap();
    assert!(!fields.contains("\r\nEvil:"));
}

#[test]
fn a_returned_header_is_bounded() {
    let huge = format!("A: b\r\n{}\r\n\r\nbody", "X: ".to_string() + &"y".repeat(100_000));
    assert_eq!(returned_header(huge.as_bytes(), false), b"A: b\r\n");
    assert_eq!(returned_header(b"A: \xff\r\n\r\nbody", false), b"A: ?\r\n");
    assert_eq!(returned_header(b"A: b", true), b"A: b\r\n");
}
