//! Damage in the words of those whose mail it is: account, mailbox, message.

use crate::office::Office;
use crate::progress::{Progress, Tell};
use core_mailbox::{Examined, Place};
use core_store::BlobId;
use std::collections::BTreeSet;
use words_mail::{AccountId, Refusal};

/// Damages that are listed.
const LISTED_MAX: usize = 1_000;

/// What became of a walk over all records.
#[derive(Debug, Default)]
pub struct Examination {
    /// A line for each damaged record, and for each message whose body is damaged.
    pub lines: Vec<String>,
    /// More than are listed.
    pub unlisted: u64,
    /// Why the walk did not come to its end, if so.
    pub broken_off: Option<String>,
}

/// Reads all records; names those that cannot be read, and whoever holds one of `blobs`.
pub async fn examine(office: &Office, blobs: &BTreeSet<BlobId>, tell: &Tell) -> Examination {
    let mut examination = Examination::default();
    let (mut damaged, mut holders) = (Vec::new(), Vec::new());
    let (mut rest, mut records) = (None, 0);
    loop {
        let mut note = |list: &mut Vec<Place>, place| match list.len() < LISTED_MAX {
            true => list.push(place),
            false => examination.unlisted += 1,
        };
        let mut meet = |examined| {
            records += 1;
            match examined {
                Examined::Damaged(place) => note(&mut damaged, place),
                Examined::Holds(blob, place) if blobs.contains(&blob) => note(&mut holders, place),
                Examined::Holds(..) => {}
            }
        };
        match office.mail.examine_page(rest, &mut meet).await {
            Ok(Some(more)) => rest = Some(more),
            Ok(None) => break,
            Err(refusal) => {
                let why = format!("the records cannot be read to their end: {refusal}");
                examination.broken_off = Some(why);
                break;
            }
        }
        let what = "messages examined".to_string();
        tell(Progress { what, done: records, all: None, unit: "messages".to_string() });
    }
    for (places, what) in [(damaged, "its record is damaged"), (holders, "its body is damaged")] {
        for place in places {
            let account = name_of(office, place.account).await;
            let described = office.mail.describe(&place).await;
            examination.lines.push(format!("{account}: {described}: {what}"));
        }
    }
    examination
}

/// The address of an account, or its number.
async fn name_of(office: &Office, account: AccountId) -> String {
    match office.directory.account(account).await {
        Ok(account) => account.address.to_string(),
        Err(Refusal::LoginFailed) => format!("account number {} (removed or disabled)", account.0),
        Err(_) => format!("account number {}", account.0),
    }
}
