//! After going back to an older moment, what clients know of later ones means nothing else.

mod support;

use core_mailbox::View;
use support::{ANA, Office, audit, name};
use words_mail::{ModSeq, Uid};

async fn inbox(mail: &core_mailbox::Mail) -> std::sync::Arc<View> {
    mail.account(ANA).open(&name("INBOX")).await.unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn numbers_given_since_the_backup_are_not_given_again() {
    let office = Office::open().await;
    let inbox_id = inbox(&office.mail).await.mailbox().id;
    office.append(inbox_id, &["Subject: a\r\n\r\na", "Subject: b\r\n\r\nb"]).await.unwrap();
    let before = office.mail.modseq(ANA).await.unwrap();
    // Whoever opens the restored store has nothing in memory.
    office.another().account(ANA).skip_numbers().await.unwrap();
    let restored = office.another();
    let view = inbox(&restored).await;
    let uids: Vec<Uid> = view.rows().iter_from(0).map(|(_, row)| row.uid).collect();
    assert_eq!(uids, [Uid(1), Uid(2)], "messages keep their UIDs");
    assert!(view.uid_next() > Uid(1 << 20));
    assert!(view.highest_modseq() > ModSeq(before.0 + (1 << 29)));
    // Every client has to look at everything.
    for since in [0, before.0, before.0 + 1000] {
        assert_eq!(view.vanished_since(ModSeq(since)).await.unwrap(), None, "{since}");
        assert_eq!(restored.account(ANA).log_since(ModSeq(since), 10).await.unwrap(), None);
    }
    let now = restored.modseq(ANA).await.unwrap();
    assert_eq!(restored.account(ANA).log_since(now, 10).await.unwrap(), Some(Vec::new()));
    // And it goes on from there.
    let arrival = office.arrival("Subject: c\r\n\r\nc").await;
    let appended = restored.account(ANA).append(inbox_id, vec![arrival]).await.unwrap();
    assert!(appended.uids[0] > Uid(1 << 20) && appended.modseq > now);
    assert_eq!(view.refresh().await.unwrap().len(), 3);
    assert_eq!(restored.account(ANA).log_since(now, 10).await.unwrap().unwrap().len(), 1);
    let afresh = Office { mail: office.another(), ..office };
    audit(&afresh).await;
    assert!(afresh.mail.trim_page(ANA).await.unwrap(), "nothing is left of the log to be trimmed");
}
