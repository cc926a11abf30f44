//! What the crates say of themselves.

use super::Finding;
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate of the workspace.
#[derive(Debug)]
pub struct Crate {
    /// Its folder from the root: `proto/smtp`.
    pub room: String,
    /// Its name.
    pub name: String,
    /// Rooms of the workspace that it uses outside of tests.
    pub uses: Vec<String>,
}

/// Asks cargo for the workspace's crates.
pub fn read(root: &Path) -> Result<Vec<Crate>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    packages.iter().map(|package| read_crate(root, package)).collect()
}

fn read_crate(root: &Path, package: &Value) -> Result<Crate> {
    let manifest = PathBuf::from(package["manifest_path"].as_str().context("no manifest")?);
    let folder = manifest.parent().context("no folder")?;
    let dependencies = package["dependencies"].as_array().context("no dependencies")?;
    let inside = dependencies.iter().filter(|d| d["kind"].as_str() != Some("dev"));
    let uses = inside.filter_map(|d| d["path"].as_str()).map(|path| room(root, Path::new(path)));
    Ok(Crate {
        room: room(root, folder),
        name: package["name"].as_str().context("no name")?.to_string(),
        uses: uses.collect(),
    })
}

fn room(root: &Path, folder: &Path) -> String {
    let root = root.canonicalize().unwrap_or(root.to_path_buf());
    let folder = folder.canonicalize().unwrap_or(folder.to_path_buf());
    folder.strip_prefix(root).unwrap_or(&folder).to_string_lossy().replace('\\', "/")
}

/// Names and reasons.
pub fn look(root: &Path, crates: &[Crate]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for c in crates {
        let place = format!("{}/Cargo.toml", c.room);
        let expected = c.room.replace('/', "-");
        if c.name != expected && c.room != "app" {
            let what = format!("is named {}; name it by its path, {expected}", c.name);
            findings.push(Finding { place: place.clone(), what });
        }
        let text = std::fs::read_to_string(root.join(&c.room).join("Cargo.toml"))?;
        findings.extend(without_reason(&text, &place, crates));
    }
    Ok(findings)
}

/// Outside dependencies whose line has no comment above it.
fn without_reason(text: &str, place: &str, crates: &[Crate]) -> Vec<Finding> {
    let (mut findings, mut section, mut above) = (Vec::new(), "", "");
    for (number, line) in text.lines().enumerate() {
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        let ours = crates.iter().any(|c| c.name == name);
        // The head of a section may hold one too: `[target.'cfg(target_os = "linux")'.dependencies]`.
        let is_entry = line.contains('=') && !line.starts_with(['#', '[']);
        let declares = section.contains("dependencies]") && is_entry;
        if declares && !ours && !above.starts_with('#') {
            let what = format!("{name} comes from outside; say in a comment above it why");
            findings.push(Finding { place: format!("{place}:{}", number + 1), what });
        }
        if line.starts_with('[') {
            section = line;
        }
        above = line;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let text = "[package]\nname = \"x\"\n[dependencies]\n# Fast.\nmemchr = \"2\"\nbytes = \"1\"\n\
             [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n# Locks.\nlandlock = \"1\"\n";
        let findings = without_reason(text, "x/Cargo.toml", &[]);
        let places: Vec<&str> = findings.iter().map(|f| f.place.as_str()).collect();
        assert_eq!(places, ["x/Cargo.toml:6", "x/Cargo.toml:8"]);
    }
}
