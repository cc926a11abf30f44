//! The wish for a backup.

use super::Reply;
use crate::backup::report;
use crate::office::Office;
use crate::progress::{Progress, Tell};
use engine_store_embedded::{BackupOptions, Keep, Linking};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tracing::{info, warn};

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// Take one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BackupRequest {
    /// To here, from the root.
    pub directory: PathBuf,
    /// The newest so many are kept.
    pub keep: Option<u64>,
    /// Those of so many days are kept.
    pub keep_days: Option<u64>,
    /// Is every octet copied?
    pub copy: bool,
    /// Octets a second at most.
    pub rate: Option<u64>,
}

/// Tells a job on another thread to stop when nobody waits for it any more.
struct Leash(Arc<AtomicBool>);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: BackupRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    let stop = Arc::new(AtomicBool::new(false));
    let leash = Leash(stop.clone());
    let (store, tell) = (office.store.clone(), tell.clone());
    let options = BackupOptions {
        keep: Keep { count: request.keep, age: request.keep_days.map(days) },
        linking: if request.copy { Linking::No } else { Linking::Yes },
        rate: request.rate,
        now: SystemTime::now(),
    };
    let directory = request.directory;
    let work = move || {
        let mut watch = |progress: engine_store_embedded::Progress<'_>| {
            tell(told(progress));
            !stop.load(Ordering::Relaxed)
        };
        let taken = store.backup(&directory, &options, &mut watch);
        (directory, taken)
    };
    let (directory, taken) =
        tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    drop(leash);
    match taken {
        Ok(taken) => {
            let (number, seconds) = (taken.number, taken.took.as_secs());
            info!(directory = %directory.display(), number, seconds, "backup taken");
            for finding in &taken.damage {
                warn!(%finding, "damage met by the backup");
            }
            Ok(report(&directory, &taken))
        }
        Err(error) => {
            warn!(directory = %directory.display(), %error, "no backup was taken");
            Err(error.to_string())
        }
    }
}

fn days(days: u64) -> Duration {
    DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX))
}

/// As a terminal shows it.
pub fn told(progress: engine_store_embedded::Progress<'_>) -> Progress {
    Progress {
        what: progress.what.to_string(),
        done: progress.done >> 10,
        all: progress.all.map(|all| all >> 10),
        unit: "KiB".to_string(),
    }
}
