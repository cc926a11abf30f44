//! The client's side: as written in `tests/talks`, against our own server, and against noise.

mod noise;
mod our_server;
mod talk;

use std::path::Path;

/// Plays every talk below `tests/talks`. With `UPDATE=1` the lines of the client are rewritten as
/// they really went.
#[test]
fn the_client_talks_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/talks");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("a folder of talks") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a talk");
        assert!(text.starts_with("# "), "{} does not say what it shows", path.display());
        count += 1;
        let went = talk::play(&text);
        if went == text {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, went).expect("writing the talk");
        } else {
            failures.push(format!("{}:\n--- wanted:\n{text}\n--- went:\n{went}", path.display()));
        }
    }
    assert!(count > 0 && failures.is_empty(), "{}", failures.join("\n"));
}
