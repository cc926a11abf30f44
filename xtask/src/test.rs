//! The second command of the README: everything that CI tests.

use crate::packages::{self, PROGRAMS};
use anyhow::{Context, Result, bail};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long building, and how long the tests of one `cargo test` may take. They need a tenth of it:
/// whatever waits for ever is ended here, and the output above tells which test it was.
const TIME_MAX: Duration = Duration::from_secs(20 * 60);
/// How often that is looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Installs what is needed, runs all tests, tells what was skipped.
pub fn run(root: &Path) -> Result<()> {
    packages::install_missing();
    packages::unpack_missing(root);
    tests(root, &["--workspace", "--exclude", "estafeta"])?;
    // The binary's own tests measure memory and are killed under load: as it is shipped.
    tests(root, &["--release", "--package", "estafeta"])?;
    // The package as an administrator gets it; it says by itself when it cannot be tried here.
    watched(
        Command::new(root.join("dist/test-package")).stdin(Stdio::null()),
        "dist/test-package",
    )?;
    let missing = PROGRAMS.iter().filter(|p| !packages::installed(p.name));
    let missing: Vec<_> = missing.chain(packages::not_unpacked(root)).collect();
    for program in &missing {
        println!(
            "skipped: tests with {} (not installed; apt-get install {})",
            program.name, program.package
        );
    }
    println!("All tests passed; {} kind(s) skipped.", missing.len());
    Ok(())
}

/// Builds, then runs, so that each has its own time.
fn tests(root: &Path, which: &[&str]) -> Result<()> {
    cargo(root, &[&["test", "--no-run"], which].concat())?;
    cargo(root, &[&["test"], which].concat())
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    let name = format!("cargo {}", arguments.join(" "));
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    watched(command.args(arguments).current_dir(root), &name)
}

/// Runs it to its good end.
fn watched(command: &mut Command, name: &str) -> Result<()> {
    println!("{name}");
    // A person who waits has Ctrl-C, which a group of its own would not hear.
    let watched = std::env::var_os("CI").is_some();
    if watched {
        command.process_group(0);
    }
    let mut child = command.spawn().with_context(|| format!("cannot run {name}"))?;
    let status = if watched { within_time(child)? } else { child.wait()? };
    if !status.success() {
        bail!("{name} failed");
    }
    Ok(())
}

/// Its end, brought about with all that it has started when it takes too long.
fn within_time(mut child: Child) -> Result<ExitStatus> {
    let until = Instant::now() + TIME_MAX;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > until {
            println!("ended after {} minutes", TIME_MAX.as_secs() / 60);
            let group = format!("-{}", child.id());
            Command::new("kill").args(["-KILL", "--", &group]).status()?;
            return Ok(child.wait()?);
        }
        std::thread::sleep(GLANCE);
    }
}
