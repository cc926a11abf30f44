//! What is printed reads back.

use super::Cursor;
use crate::print::{self, Utf8};
use proptest::prelude::*;
use words_mail::{Flags, Keyword, MailboxName, NumberSet, SystemFlag};

const BOTH: [Utf8; 2] = [Utf8::Off, Utf8::Accepted];

fn flags() -> impl Strategy<Value = Flags> {
    (0u8..32, prop::collection::vec("[$A-Za-z0-9_.-]{1,12}", 0..5)).prop_map(|(system, words)| {
        let mut flags = Flags::from_parts(system, Vec::new());
        words.iter().filter_map(|word| Keyword::parse(word)).for_each(|k| flags.insert_keyword(k));
        flags
    })
}

proptest! {
    #[test]
    fn any_octets_as_a_string(octets in prop::collection::vec(any::<u8>(), 0..40)) {
        for utf8 in BOTH {
            let mut out = Vec::new();
            print::astring(&mut out, &octets, utf8);
            let mut cursor = Cursor::new(&out, utf8);
            prop_assert_eq!(cursor.astring("a string").unwrap().into_owned(), octets.clone());
            prop_assert!(cursor.is_at_end());
        }
    }

    #[test]
    fn any_mailbox_name(name in "\\PC{1,30}") {
        let Ok(name) = MailboxName::parse(&name) else { return Ok(()) };
        for utf8 in BOTH {
            let mut out = Vec::new();
            print::mailbox(&mut out, name.as_str(), utf8);
            prop_assert!(utf8 == Utf8::Accepted || out.is_ascii());
            prop_assert_eq!(Cursor::new(&out, utf8).mailbox().unwrap(), name.clone());
        }
    }

    #[test]
    fn any_flags(flags in flags()) {
        let mut out = Vec::new();
        print::flags(&mut out, &flags);
        prop_assert_eq!(Cursor::new(&out, Utf8::Off).flag_list().unwrap(), flags);
    }

    #[test]
    fn any_set(numbers in prop::collection::vec(1u32..200, 1..50)) {
        let set: NumberSet = numbers.iter().copied().collect();
        let mut out = Vec::new();
        print::set(&mut out, &set);
        prop_assert_eq!(Cursor::new(&out, Utf8::Off).known_set().unwrap(), set.clone());
        out.clear();
        print::runs(&mut out, set.iter());
        prop_assert_eq!(out, set.to_string().into_bytes());
    }
}

#[test]
fn every_system_flag_reads_back() {
    for flag in SystemFlag::ALL {
        let mut flags = Flags::new();
        flags.insert(flag);
        let mut out = Vec::new();
        print::flags(&mut out, &flags);
        assert_eq!(Cursor::new(&out, Utf8::Off).flag_list().unwrap(), flags);
    }
}
