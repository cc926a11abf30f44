//! `estafeta config show`: each key with its value, its default and its meaning.

use super::document::{default, whole};
use super::{Config, reading, sections};
use serde_json::{Value as Json, json};

/// For people: a file that says everything.
pub fn show(config: &Config) -> String {
    whole(&config.present())
}

/// For programs. Of all keys, or of those of one section, or of one.
pub fn rows(config: &Config, chosen: Option<&str>) -> Vec<Json> {
    let sections = sections();
    let mut rows = Vec::new();
    for present in config.present() {
        let path = reading::join(&present.section, present.name);
        let section = sections.iter().find(|section| section.is_at(&present.section));
        let key = section.and_then(|s| s.keys.iter().find(|key| key.name == present.name));
        let Some(key) = key else { continue };
        if chosen.is_some_and(|chosen| !is_within(&path, chosen)) {
            continue;
        }
        rows.push(json!({
            "key": path,
            "value": present.value,
            "default": key.default,
            "default_meaning": default(key),
            "type": key.kind,
            "meaning": key.meaning,
            "live": key.when == super::When::Live,
        }));
    }
    rows
}

/// Is `path` this key, or one of this section?
fn is_within(path: &str, chosen: &str) -> bool {
    let is = |path: &str| {
        path.strip_prefix(chosen)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let without_index = path
        .split_once('[')
        .and_then(|(list, rest)| rest.split_once(']').map(|(_, key)| format!("{list}{key}")));
    is(path) || without_index.is_some_and(|path| is(&path))
}
