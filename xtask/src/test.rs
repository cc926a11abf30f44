//! The second command of the README: everything that CI tests.

use crate::packages::{self, PROGRAMS};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Installs what is needed, runs all tests, tells what was skipped.
pub fn run(root: &Path) -> Result<()> {
    packages::install_missing();
    cargo(root, &["test", "--workspace", "--exclude", "estafeta"])?;
    // The binary's own tests measure memory and are killed under load: as it is shipped.
    cargo(root, &["test", "--release", "--package", "estafeta"])?;
    let missing: Vec<_> = PROGRAMS.iter().filter(|p| !packages::installed(p.name)).collect();
    for program in &missing {
        println!(
            "skipped: tests with {} (not installed; apt-get install {})",
            program.name, program.package
        );
    }
    println!("All tests passed; {} kind(s) skipped.", missing.len());
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    println!("cargo {}", arguments.join(" "));
    let status = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(arguments)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}
