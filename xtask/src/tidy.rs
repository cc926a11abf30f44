//! What reviewers would say twice, said by a program.

mod arrows;
mod manifest;
mod source;

use anyhow::{Result, bail};
use std::path::Path;

/// Something that is not as the house wants it: where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// File, and line where there is one.
    pub place: String,
    /// What is wrong, ending with the next step.
    pub what: String,
}

/// Reads the whole tree and prints what it finds; an error if anything.
pub fn run(root: &Path) -> Result<()> {
    let findings = look(root)?;
    for Finding { place, what } in &findings {
        println!("{place}: {what}");
    }
    match findings.len() {
        0 => println!("tidy: nothing found"),
        n => bail!("tidy: {n} finding(s)"),
    }
    Ok(())
}

fn look(root: &Path) -> Result<Vec<Finding>> {
    let crates = manifest::read(root)?;
    let mut findings = arrows::look(&crates);
    findings.extend(manifest::look(root, &crates)?);
    findings.extend(source::look(root, &crates)?);
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let findings = super::look(&crate::root()).unwrap();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}
