//! Which backups go, and what goes with them.

use super::manifest::{File, Kind, Manifest};
use super::report::{BackupError, Tally};
use super::target::{BackupDirectory, NEW};
use std::collections::HashSet;
use std::time::Duration;

/// Which backups are kept. What neither rule keeps goes; without rules all stay. The newest stays in
/// any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The newest so many.
    pub count: Option<u64>,
    /// Those younger than this.
    pub age: Option<Duration>,
}

impl Keep {
    /// Of backups (number, begun in milliseconds), rising, those that go.
    fn outdated(&self, backups: &[(u64, u64)], now: u64) -> Vec<u64> {
        if self.count.is_none() && self.age.is_none() {
            return Vec::new();
        }
        let last = backups.len().saturating_sub(1);
        let is_kept = |nth: usize, begun: u64| {
            let among_newest = self.count.is_some_and(|count| ((last - nth) as u64) < count);
            let age = now.saturating_sub(begun);
            let is_young = self.age.is_some_and(|max| u128::from(age) <= max.as_millis());
            nth == last || among_newest || is_young
        };
        let outdated =
            backups.iter().enumerate().filter(|(nth, (_, begun))| !is_kept(*nth, *begun));
        outdated.map(|(_, (number, _))| *number).collect()
    }
}

impl BackupDirectory {
    /// Removes the backups that nobody wants to keep: first what makes them backups.
    pub(super) fn retire(&self, keep: &Keep, now: u64) -> Result<Vec<u64>, BackupError> {
        let mut backups = Vec::new();
        for number in self.numbers()? {
            // One that cannot be read is neither kept for its age nor counted.
            if let Ok(manifest) = self.manifest(number) {
                backups.push((number, manifest.begun));
            }
        }
        let outdated = keep.outdated(&backups, now);
        for number in &outdated {
            self.forget(*number)?;
        }
        Ok(outdated)
    }

    /// Removes every file that no backup names. `false` for the second if a manifest cannot be read:
    /// then nothing is removed.
    pub(super) fn sweep(&self) -> Result<Tally, BackupError> {
        let mut swept = Tally::default();
        let mut named: HashSet<(Kind, u64, u64, u32)> = HashSet::new();
        for number in self.numbers()? {
            match self.manifest(number) {
                Ok(Manifest { files, .. }) => named.extend(files.iter().map(name)),
                Err(BackupError::Damaged { .. }) => return Ok(swept),
                Err(error) => return Err(error),
            }
        }
        for kind in Kind::ALL {
            let directory = kind.directory();
            let failed = || self.failed("removing what no backup needs");
            let mut changed = false;
            for file in self.disk.list(directory).map_err(failed())? {
                let is_needed = match File::of_name(kind, &file) {
                    Some((number, from, crc)) => named.contains(&(kind, number, from, crc)),
                    // What is not ours stays.
                    None => !file.ends_with(NEW),
                };
                if !is_needed {
                    let path = format!("{directory}/{file}");
                    let len = self.disk.open(&path, crate::disk::Mode::Read).and_then(|f| f.len());
                    self.disk.remove(&path).map_err(failed())?;
                    swept.add(len.unwrap_or(0));
                    changed = true;
                }
            }
            if changed {
                self.disk.sync_dir(directory).map_err(failed())?;
            }
        }
        Ok(swept)
    }
}

fn name(file: &File) -> (Kind, u64, u64, u32) {
    (file.kind, file.number, file.from, file.crc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_neither_rule_keeps_goes() {
        let day = 24 * 60 * 60 * 1000;
        let backups: Vec<(u64, u64)> = (1..=10).map(|n| (n, n * day)).collect();
        let keep = |count, days: Option<u64>| Keep {
            count,
            age: days.map(|days| Duration::from_secs(days * 86_400)),
        };
        let now = 10 * day + 1000;
        let kept = |keep: Keep| 10 - keep.outdated(&backups, now).len();
        assert_eq!(kept(keep(None, None)), 10);
        assert_eq!(kept(keep(Some(3), None)), 3);
        assert_eq!(kept(keep(None, Some(5))), 5);
        assert_eq!(kept(keep(Some(3), Some(5))), 5);
        assert_eq!(kept(keep(Some(7), Some(5))), 7);
        // The newest stays whatever is asked.
        assert_eq!(kept(keep(Some(0), None)), 1);
        assert_eq!(kept(keep(None, Some(0))), 1);
        assert_eq!(keep(Some(2), None).outdated(&backups, now), (1..=8).collect::<Vec<_>>());
        assert!(keep(Some(2), None).outdated(&[], now).is_empty());
    }
}
