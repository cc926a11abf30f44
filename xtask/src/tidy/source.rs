//! What the code says.

use super::Finding;
use super::manifest::Crate;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Doors to the outside, which only `engine`, `app`, `sim` and `xtask` may open.
const OUTSIDE: &[(&str, &str)] = &[
    ("SystemTime::now", "ask core/world's Clock"),
    ("Instant::now", "take the time from the caller"),
    ("std::net::Tcp", "open sockets in engine/"),
    ("tokio::net", "open sockets in engine/"),
    ("std::fs::", "open files in engine/"),
    ("thread::spawn", "let app/ run it"),
    ("tokio::spawn", "let app/ run it"),
    ("thread::sleep", "wait in engine/"),
    ("tokio::time", "wait in engine/"),
];

/// What stands for code that is still to be written. In pieces, so that this file may name them.
const UNFINISHED: &[&str] =
    &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!(")];

const FREE_FLOORS: &[&str] = &["engine", "app", "sim", "xtask"];

/// Reads every source file of every crate.
pub fn look(root: &Path, crates: &[Crate]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for c in crates {
        let source = root.join(&c.room).join("src");
        let files = files(&source)?;
        findings.extend(unused(root, &source, &files)?);
        for file in &files {
            let text = std::fs::read_to_string(file)?;
            let place = file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned();
            findings.extend(look_at(&c.room, &place, &text));
        }
    }
    Ok(findings)
}

fn look_at(room: &str, place: &str, text: &str) -> Vec<Finding> {
    let free = FREE_FLOORS.iter().any(|f| room == *f || room.starts_with(&format!("{f}/")));
    let mut findings = Vec::new();
    let mut asks = 0;
    for (number, line) in text.lines().enumerate() {
        // Tests stand last in a file, and may do what they need.
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        // A line may ask for leave with its reason: `// tidy: …`.
        if line.contains("// tidy: ") {
            continue;
        }
        let code = line.split("//").next().unwrap_or_default();
        let mut find = |what: String| {
            findings.push(Finding { place: format!("{place}:{}", number + 1), what });
        };
        for (word, instead) in OUTSIDE.iter().filter(|(word, _)| !free && code.contains(word)) {
            find(format!("{word} does not belong on this floor; {instead}"));
        }
        if UNFINISHED.iter().any(|word| code.contains(word)) {
            find("is not finished; finish it".to_string());
        }
        asks = depth_after(code, asks, "match ask {");
        if asks == 1 && code.trim_start().starts_with("_ =>") && room.starts_with("serve/") {
            find("a `_` arm over Ask hides a question; name every one".to_string());
        }
    }
    findings
}

/// The depth of nesting after this line inside a block that `opener` begins; 0 outside of one.
fn depth_after(code: &str, depth: i32, opener: &str) -> i32 {
    if depth == 0 && !code.contains(opener) {
        return 0;
    }
    let count = |c| code.matches(c).count() as i32;
    (depth + count('{') - count('}')).max(0)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Files that no `mod` names.
fn unused(root: &Path, source: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if ["lib", "main"].contains(&stem.as_str()) || file.parent() == Some(&source.join("bin")) {
            continue;
        }
        let folder =
            if stem == "mod" { file.parent().and_then(Path::parent) } else { file.parent() };
        let stem = if stem == "mod" {
            let name = file.parent().and_then(Path::file_name).unwrap_or_default();
            name.to_string_lossy().into_owned()
        } else {
            stem
        };
        let folder = folder.unwrap_or(source);
        let mut parents = vec![folder.join("mod.rs"), folder.with_extension("rs")];
        if folder == source {
            parents.extend([source.join("lib.rs"), source.join("main.rs")]);
        }
        let named = parents
            .iter()
            .filter_map(|p| std::fs::read_to_string(p).ok())
            .any(|text| text.lines().any(|l| l.trim_end().ends_with(&format!("mod {stem};"))));
        if !named {
            let place = file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned();
            findings.push(Finding { place, what: "no mod names this file; remove it".to_string() });
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_the_core_is_found() {
        let text = "fn now() {\n    std::time::SystemTime::now()\n}\n";
        assert_eq!(look_at("core/mailbox", "f.rs", text).len(), 1);
        assert_eq!(look_at("engine/net", "f.rs", text).len(), 0);
    }

    #[test]
    fn a_wildcard_over_ask_is_found() {
        let text = "match ask {\n    Ask::Open => match x {\n        _ => 1,\n    },\n    _ => 2,\n}\n_ => 3\n";
        let findings = look_at("serve/pop3", "f.rs", text);
        assert_eq!(findings.iter().map(|f| f.place.as_str()).collect::<Vec<_>>(), ["f.rs:5"]);
    }
}
