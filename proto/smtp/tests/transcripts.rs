//! Plays every transcript below `tests/transcripts`, a folder for each kind of listener and peer.
//! With `UPDATE=1` the `S:` and `Q:` lines are rewritten as they really went.

mod scene;

use proto_line::play;
use scene::SmtpScene;
use std::path::Path;

fn check(kind: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(kind);
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("a folder of transcripts") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a transcript");
        assert!(text.starts_with("# "), "{} does not say what it shows", path.display());
        count += 1;
        let Err(why) = play(&SmtpScene::of(kind), &text) else { continue };
        match why.split_once("--- went:\n") {
            Some((_, went)) if std::env::var_os("UPDATE").is_some() => {
                std::fs::write(&path, went).expect("writing the transcript");
            }
            _ => failures.push(format!("{}: {why}", path.display())),
        }
    }
    assert!(count > 0 && failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn strangers_on_port_25_are_served_as_written() {
    check("relay");
}

#[test]
fn people_at_this_machine_are_served_as_written() {
    check("trusted");
}

#[test]
fn submission_is_served_as_written() {
    check("submission");
}

#[test]
fn lmtp_is_served_as_written() {
    check("lmtp");
}

#[test]
fn where_little_is_offered_the_rest_is_refused() {
    check("bare");
}

#[test]
fn whoever_comes_to_a_guarded_port_is_asked_about_first() {
    check("guarded");
}
