//! From `estafeta dmarc` to a wish.

use crate::cli::DmarcCommand;
use crate::request::{DmarcRequest, Request};
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Read;
use std::path::Path;

/// Octets of all files of one command, as they travel: packed.
const FILES_MAX: u64 = 10 << 20;

impl DmarcCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Dmarc(match self {
            DmarcCommand::List => DmarcRequest::List,
            DmarcCommand::Import { files } => {
                let mut left = FILES_MAX;
                let reports = files.iter().map(|file| read(file, &mut left));
                DmarcRequest::Import { reports: reports.collect::<Result<_>>()? }
            }
        }))
    }
}

/// The file's name, and its octets in Base64.
fn read(path: &Path, left: &mut u64) -> Result<(String, String)> {
    let shown = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let mut octets = Vec::new();
    let count = file.take(*left + 1).read_to_end(&mut octets);
    let count = count.with_context(|| format!("cannot read {shown}"))? as u64;
    ensure!(count <= *left, "the files are too large together; give fewer of them at a time");
    *left -= count;
    Ok((shown.to_string(), STANDARD.encode(octets)))
}
