//! Arrows fall: no crate may use one on a floor that its own may not look at.

use super::Finding;
use super::manifest::Crate;

/// For each floor, the floors or rooms that it may use. A room is named whole.
const MAY_USE: &[(&str, &[&str])] = &[
    ("words", &["words"]),
    ("proto", &["words", "proto"]),
    ("rules", &["words", "rules"]),
    ("core", &["words", "rules", "core"]),
    ("engine", &["words", "rules", "engine", "core/store", "core/world", "proto/line"]),
    ("serve", &["words", "proto", "rules", "core", "serve"]),
    ("app", &["words", "proto", "rules", "core", "engine", "serve"]),
    ("sim", &["words", "proto", "rules", "core", "engine", "serve"]),
    ("xtask", &[]),
];

/// Every arrow that climbs.
pub fn look(crates: &[Crate]) -> Vec<Finding> {
    let arrows = crates.iter().flat_map(|from| from.uses.iter().map(move |to| (from, to)));
    arrows.filter_map(|(from, to)| judge(&from.room, to)).collect()
}

fn judge(from: &str, to: &str) -> Option<Finding> {
    let floor = |room: &str| room.split('/').next().unwrap_or(room).to_string();
    let row = MAY_USE.iter().find(|(f, _)| *f == floor(from));
    let place = format!("{from}/Cargo.toml");
    let Some((_, may_use)) = row else {
        let what = format!("\"{}\" is no floor of the house; move the crate", floor(from));
        return Some(Finding { place, what });
    };
    if may_use.contains(&to) || may_use.contains(&floor(to).as_str()) {
        return None;
    }
    let what = format!(
        "the arrow from {from} to {to} climbs: {} may use {}; move the shared part down",
        floor(from),
        may_use.join(", ")
    );
    Some(Finding { place, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_that_climbs_is_refused() {
        for (from, to) in [
            ("words/mail", "proto/smtp"),
            ("proto/smtp", "core/directory"),
            ("core/mailbox", "proto/imap"),
            ("core/mailbox", "engine/net"),
            ("core/delivery", "serve/smtp"),
            ("engine/net", "core/mailbox"),
            ("serve/imap", "engine/net"),
            ("serve/imap", "app"),
            ("attic/x", "words/mail"),
        ] {
            assert!(judge(from, to).is_some(), "{from} -> {to}");
        }
    }

    #[test]
    fn an_arrow_that_falls_is_allowed() {
        for (from, to) in [
            ("app", "engine/net"),
            ("serve/imap", "proto/imap"),
            ("serve/imap", "core/mailbox"),
            ("engine/net", "proto/line"),
            ("engine/store-embedded", "core/store"),
            ("core/mailbox", "core/store"),
            ("proto/smtp", "words/mail"),
        ] {
            assert_eq!(judge(from, to), None, "{from} -> {to}");
        }
    }
}
