//! SORT (RFC 5256 §3), by display names too (RFC 5957), with RETURN (RFC 5267 ESORT).

use super::Parsed;
use super::search::result::Return;
use super::search::{Search, charset_then_keys};
use crate::ask::{Order, SortBy, SortKey};
use crate::cursor::{Cursor, Kind, ParseError};

const CRITERIA: [(&str, SortBy); 9] = [
    ("ARRIVAL", SortBy::Arrival),
    ("CC", SortBy::Cc),
    ("DATE", SortBy::Date),
    ("FROM", SortBy::From),
    ("SIZE", SortBy::Size),
    ("SUBJECT", SortBy::Subject),
    ("TO", SortBy::To),
    ("DISPLAYFROM", SortBy::DisplayFrom),
    ("DISPLAYTO", SortBy::DisplayTo),
];

/// `sort = "SORT" [SP search-return-opts] SP sort-criteria SP charset 1*(SP search-key)`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Seq)
}

/// `uid-sort = "UID" SP sort`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Uid)
}

fn parse_kind(cursor: &mut Cursor<'_>, kind: Kind) -> Parsed {
    cursor.space()?;
    let returned = Return::parse(cursor)?;
    let criteria = criteria(cursor)?;
    let keys = charset_then_keys(cursor)?;
    Ok(Box::new(Search::new(keys, Order::Sort(criteria), kind, returned)))
}

/// ```abnf
/// sort-criteria  = "(" sort-criterion *(SP sort-criterion) ")"
/// sort-criterion = ["REVERSE" SP] sort-key
/// ```
fn criteria(cursor: &mut Cursor<'_>) -> Result<Vec<SortKey>, ParseError> {
    let mut keys = Vec::new();
    let start = cursor.clone();
    cursor.list::<ParseError>(|cursor| {
        let reverse = cursor.word("REVERSE");
        if reverse {
            cursor.space()?;
        }
        match CRITERIA.iter().find(|(name, _)| cursor.word(name)) {
            Some((_, by)) => keys.push(SortKey { reverse, by: *by }),
            None => cursor.expected("a sort criterion like ARRIVAL")?,
        }
        Ok(())
    })?;
    if keys.is_empty() {
        start.expected("at least one sort criterion")?;
    }
    // A criterion decides nothing that an earlier mention of it has not.
    let mut once: Vec<SortKey> = Vec::new();
    keys.retain(|key| {
        let is_new = !once.iter().any(|earlier| earlier.by == key.by);
        once.extend(is_new.then_some(*key));
        is_new
    });
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::Utf8;

    #[test]
    fn criteria_keep_their_order_and_count_once() {
        let read = |text: &str| criteria(&mut Cursor::new(text.as_bytes(), Utf8::Off));
        let key = |reverse, by| SortKey { reverse, by };
        assert_eq!(
            read("(REVERSE DATE subject DATE)").unwrap(),
            [key(true, SortBy::Date), key(false, SortBy::Subject)]
        );
        for text in ["()", "(REVERSE)", "(FOO)", "DATE"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
