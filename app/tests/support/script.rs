//! Sessions written down, played over TCP.

use super::client::Client;
use std::collections::HashMap;

/// Plays a script on a port: `C:` lines are sent, `S:` lines must come, to the octet, but that a
/// word `$name` stands for any word (the same each time). `#` begins a comment.
pub fn play(port: u16, script: &str) {
    let mut client = Client::connect(port);
    let mut bound: HashMap<String, String> = HashMap::new();
    for line in script.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        if let Some(text) = line.strip_prefix("C:") {
            client.send(text.strip_prefix(' ').unwrap_or(text));
            continue;
        }
        let want = line.strip_prefix("S:").expect("C: or S:");
        let want = want.strip_prefix(' ').unwrap_or(want);
        if want == "<close>" {
            assert_eq!(client.read_line(), None, "the server does not close");
            continue;
        }
        let got = client.read_line().unwrap_or_else(|| panic!("closed; wanted {want}"));
        assert!(matches(want, &got, &mut bound), "wanted {want}\ngot    {got}\nin:\n{script}");
    }
}

fn matches(want: &str, got: &str, bound: &mut HashMap<String, String>) -> bool {
    let (a, b): (Vec<_>, Vec<_>) = (want.split(' ').collect(), got.split(' ').collect());
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| word_matches(a, b, bound))
}

/// `$name` may have a fixed beginning and end: `<$id@mired.org>`.
fn word_matches(want: &str, got: &str, bound: &mut HashMap<String, String>) -> bool {
    let Some((before, rest)) = want.split_once('$') else { return want == got };
    let end = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let Some(value) = got.strip_prefix(before).and_then(|g| g.strip_suffix(after)) else {
        return false;
    };
    !value.is_empty() && bound.entry(name.to_string()).or_insert(value.to_string()) == value
}
