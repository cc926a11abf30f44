//! From `estafeta queue` to a wish.

use crate::cli::{QueueCommand, Which};
use crate::request::{QueueAction, QueueRequest, QueueWhich, Request};
use anyhow::{Result, bail};

impl QueueCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        Ok(Request::Queue(match self {
            QueueCommand::List { which, at_most } => {
                QueueRequest::List { which: chosen(which), at_most }
            }
            QueueCommand::Summary => QueueRequest::Summary,
            QueueCommand::Show { id } => QueueRequest::Show { id },
            QueueCommand::Hold(which) => change(which, QueueAction::Hold)?,
            QueueCommand::Release(which) => change(which, QueueAction::Release)?,
            QueueCommand::Retry(which) => change(which, QueueAction::Retry)?,
            QueueCommand::Delete(which) => change(which, QueueAction::Delete)?,
            QueueCommand::Bounce(which) => change(which, QueueAction::Bounce)?,
            QueueCommand::Reroute { via, which } => change(which, QueueAction::Reroute { via })?,
        }))
    }
}

/// Whoever names nobody means everybody, perhaps; that is to be said.
fn change(which: Which, action: QueueAction) -> Result<QueueRequest> {
    let all = which.all;
    let which = chosen(which);
    if !all && which == QueueWhich::default() {
        bail!(
            "which? Give an id, or some of --to, --from, --domain, --older; --all for everything"
        );
    }
    Ok(QueueRequest::Change { which, action })
}

fn chosen(which: Which) -> QueueWhich {
    let Which { id, all: _, to, from, domain, older } = which;
    QueueWhich { id, to, from, domain, before: older.map(|at| at.millis()) }
}
