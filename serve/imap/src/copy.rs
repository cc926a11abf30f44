//! COPY and MOVE (RFC 9051 §6.4.7, RFC 6851).

use crate::append::allowance;
use crate::desk::ImapDesk;
use crate::log::LoggedSet;
use proto_imap::ask::{Answer, Moving, Numbers};
use tracing::info;
use words_mail::{MailboxName, ModSeq, Refusal};

impl ImapDesk {
    pub(crate) async fn copy(
        &mut self,
        numbers: &Numbers,
        to: &MailboxName,
        moving: Moving,
    ) -> Result<Answer, Refusal> {
        let mailboxes = self.mailboxes()?;
        let allowance = allowance(self.login()?.account.quota);
        let selected = match moving {
            Moving::Stay => self.selected()?,
            Moving::Leave => self.writable()?,
        };
        let target = mailboxes.find(to).await?;
        let uids = selected.places(numbers).uids(&selected.known);
        if uids.is_empty() {
            let (uid_validity, uids) = (target.uid_validity, Vec::new());
            return Ok(Answer::Copied { uid_validity, uids, modseq: ModSeq(0) });
        }
        let copied = match moving {
            Moving::Stay => {
                mailboxes.copy_within(&selected.view, &uids, target.id, allowance).await?
            }
            Moving::Leave => mailboxes.move_to(&selected.view, &uids, target.id).await?,
        };
        let what = match moving {
            Moving::Stay => "copy",
            Moving::Leave => "move",
        };
        info!(mailbox = %selected.name, %to, messages = copied.uids.len(), uids = %LoggedSet(&uids), "{what}");
        // It is done: whatever happens to the source from here on is no reason to say otherwise.
        let modseq = match selected.view.refresh().await {
            Ok(rows) => rows.highest_modseq(),
            Err(_) => selected.view.highest_modseq(),
        };
        Ok(Answer::Copied { uid_validity: copied.uid_validity, uids: copied.uids, modseq })
    }
}
