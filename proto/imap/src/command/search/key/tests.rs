use super::*;
use crate::print::Utf8;

fn read(text: &str) -> Result<Keys, ParseError> {
    let mut cursor = Cursor::new(text.as_bytes(), Utf8::Off);
    let keys = Keys::parse(&mut cursor, Charset::default())?;
    cursor.end()?;
    Ok(keys)
}

#[test]
fn every_key_is_read() {
    for (text, want) in [
        ("all", "All"),
        ("UNSEEN", "NotFlag(Flags { system: 1, keywords: [] })"),
        ("answered", "Flag(Flags { system: 2, keywords: [] })"),
        ("KEYWORD $Junk", "Flag(Flags { system: 0, keywords: [Keyword(\"$Junk\")] })"),
        ("UNKEYWORD x", "NotFlag(Flags { system: 0, keywords: [Keyword(\"x\")] })"),
        ("NEW", "Recent(true)"),
        ("RECENT", "Recent(true)"),
        ("OLD", "Recent(false)"),
        ("FROM \"Ana B\"", "From(\"Ana B\")"),
        ("SUBJECT {4+}\r\naño", "Subject(\"año\")"),
        ("HEADER Message-ID <1@x>", "Header(\"Message-ID\", \"<1@x>\")"),
        ("BEFORE 2-Jan-1970", "Before(1)"),
        ("SENTSINCE \"2-Jan-1970\"", "SentSince(1)"),
        ("SAVEDON 1-Jan-1970", "SavedOn(0)"),
        ("SAVEDATESUPPORTED", "All"),
        ("LARGER 1000", "Larger(1000)"),
        ("OLDER 99999999999", "Older(4294967295)"),
        ("YOUNGER 60", "Younger(60)"),
        ("MODSEQ \"/flags/\\\\draft\" all 620162338", "ModSeq(ModSeq(620162338))"),
        ("MODSEQ 0", "ModSeq(ModSeq(0))"),
        ("EMAILID M12", "EmailId(\"M12\")"),
        ("THREADID T1", "ThreadId(\"T1\")"),
        ("1:3,*", "Numbers(Seq([(Some(1), Some(3)), (None, None)]))"),
        ("UID 5", "Numbers(Uid([(Some(5), Some(5))]))"),
        ("$", "Numbers(Saved)"),
        ("UID $", "Numbers(Saved)"),
        ("NOT ALL", "Not(All)"),
        ("OR ALL OLD", "Or(All, Recent(false))"),
        ("(ALL)", "All"),
        ("(ALL OLD) OLD", "And([And([All, Recent(false)]), Recent(false)])"),
        ("( ALL  OLD )", "And([All, Recent(false)])"),
    ] {
        let got = read(text);
        assert_eq!(got.map(|keys| format!("{:?}", keys.key)).as_deref().ok(), Some(want), "{text}");
    }
}

#[test]
fn only_modseq_is_modseq() {
    assert!(read("OR ALL (NOT MODSEQ 5)").unwrap().has_modseq);
    assert!(!read("ALL").unwrap().has_modseq);
}

#[test]
fn mistakes_are_told() {
    for text in
        ["", "FOO", "NOT", "OR ALL", "(ALL", "()", "ALL)", "FROM", "BEFORE x", "UID x", "HEADER a"]
    {
        assert!(matches!(read(text), Err(ParseError::Syntax(_))), "{text}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["(", "NOT ", "OR ALL "] {
        let deep = open.repeat(10_000);
        assert!(matches!(read(&deep), Err(ParseError::Refused(_))), "{open}");
    }
    assert!(read(&format!("{}ALL", "NOT ".repeat(SEARCH_DEPTH_MAX))).is_ok());
}
