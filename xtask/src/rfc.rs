//! The list of standards against the code.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;

const STATUSES: &[&str] = &["yes", "partial", "planned", "no"];

struct Standard {
    status: String,
    crates: String,
}

/// Checks `docs/rfc.tsv`: statuses are known, every crate named exists, every RFC that the code
/// cites is listed.
pub fn run(root: &Path) -> Result<()> {
    let text = std::fs::read_to_string(root.join("docs/rfc.tsv")).context("docs/rfc.tsv")?;
    let standards = read(&text)?;
    let mut problems = Vec::new();
    for (number, standard) in &standards {
        let built = ["yes", "partial"].contains(&standard.status.as_str());
        if built && standard.crates.is_empty() {
            problems.push(format!("{number} is \"{}\" but names no crate", standard.status));
        }
        for room in standard.crates.split_whitespace() {
            if !root.join(room).join("Cargo.toml").exists() {
                problems.push(format!("{number} names {room}, which is no crate"));
            }
        }
    }
    for (number, place) in cited(root)? {
        if !standards.contains_key(&number) {
            problems.push(format!("{place} cites RFC {number}, which docs/rfc.tsv does not list"));
        }
    }
    problems.iter().for_each(|p| println!("{p}"));
    match problems.len() {
        0 => println!("rfc: {} standards, nothing found", standards.len()),
        n => bail!("rfc: {n} finding(s)"),
    }
    Ok(())
}

fn read(text: &str) -> Result<BTreeMap<String, Standard>> {
    let mut standards = BTreeMap::new();
    for (at, line) in text.lines().enumerate().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [number, _title, status, crates, _notes] = cells[..] else {
            bail!("docs/rfc.tsv:{}: expected 5 cells, found {}", at + 1, cells.len());
        };
        if !STATUSES.contains(&status) {
            bail!("docs/rfc.tsv:{}: status {status:?}, expected one of {STATUSES:?}", at + 1);
        }
        let standard = Standard { status: status.to_string(), crates: crates.to_string() };
        if standards.insert(number.to_string(), standard).is_some() {
            bail!("docs/rfc.tsv:{}: {number} stands there twice", at + 1);
        }
    }
    Ok(standards)
}

/// RFC numbers in the source, each with one place.
fn cited(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for floor in ["words", "proto", "rules", "core", "engine", "serve", "app", "sim"] {
        visit(root, &root.join(floor), &mut found)?;
    }
    Ok(found)
}

fn visit(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            visit(root, &path, found)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path)?;
            for (at, _) in text.match_indices("RFC ") {
                let digits: String =
                    text[at + 4..].chars().take_while(char::is_ascii_digit).collect();
                if digits.len() >= 3 {
                    let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                    found.entry(digits).or_insert(place);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_of_standards_is_true() {
        super::run(&crate::root()).unwrap();
    }
}
