//! `estafeta version`: what this binary is.

use crate::print::{self, Output};
use crate::request::Reply;
use anyhow::Result;
use serde_json::json;
use std::env::consts::{ARCH, OS};
use std::process::ExitCode;

/// Its number.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What whoever built it calls this build, such as a package's revision.
const BUILD: Option<&str> = option_env!("ESTAFETA_BUILD");
/// The C library.
const LIBRARY: &str = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
/// How it was compiled.
const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "release" };
/// What it can do that not every build can.
const FEATURES: &[(&str, bool)] = &[
    ("landlock", cfg!(target_os = "linux")),
    ("socket-activation", cfg!(unix)),
    ("static", cfg!(target_feature = "crt-static")),
];

/// Prints it.
pub fn run(output: Output) -> Result<ExitCode> {
    let features = FEATURES.iter().filter(|(_, has)| *has).map(|(name, _)| *name);
    let features: Vec<&str> = features.collect();
    let build = BUILD.unwrap_or("own");
    let text = format!(
        "estafeta {VERSION}\nbuild     {build}, {PROFILE}, {ARCH}-{OS}-{LIBRARY}\nfeatures  {}",
        features.join(" ")
    );
    let value = json!({
        "version": VERSION,
        "build": BUILD,
        "profile": PROFILE,
        "target": format!("{ARCH}-{OS}-{LIBRARY}"),
        "features": features,
    });
    print::reply(&Reply::Report { text, value, good: true }, output)?;
    Ok(ExitCode::SUCCESS)
}
