//! Our tools, each one command: `cargo xtask NAME`.

mod packages;
mod rfc;
mod test;
mod tidy;

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask NAME

  test     everything that CI tests: installs what the tests need (Debian, as root), runs them all,
           and names what was skipped and why
  tidy     reads the tree: arrows between crates, clocks and sockets where they do not belong,
           dependencies without a reason
  rfc      checks docs/rfc.tsv against the code
";

fn main() -> ExitCode {
    let name = std::env::args().nth(1);
    match run(name.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: Option<&str>) -> Result<()> {
    let root = root();
    match name {
        Some("test") => test::run(&root),
        Some("tidy") => tidy::run(&root),
        Some("rfc") => rfc::run(&root),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => bail!("no tool named {other}; \"cargo xtask help\" lists them"),
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}
