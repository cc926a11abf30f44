//! An account elsewhere as a source of mail that moves in: what is lost on the way is asked again.

mod support;

use core_moving::{Folder, Item, OpenFolder, Source, SourceError};
use serve_collect::{Encryption, ImapSource};
use std::sync::Arc;
use support::{Script, Server, login};

const BEGIN: Script = &[
    ("", "* PREAUTH ready\n"),
    ("e1 LIST \"\" \"*\"\n", "* LIST () \".\" INBOX\n* LIST () \".\" INBOX.old\ne1 OK\n"),
    ("e2 LSUB \"\" \"*\"\n", "* LSUB () \".\" INBOX.old\ne2 OK\n"),
    ("e3 EXAMINE INBOX.old\n", "* 3 EXISTS\n* OK [UIDVALIDITY 9] v\ne3 OK\n"),
    (
        "e4 FETCH 1:3 (UID FLAGS INTERNALDATE RFC822.SIZE)\n",
        "* 1 FETCH (UID 4 RFC822.SIZE 3)\n* 2 FETCH (UID 5 RFC822.SIZE 3)\n\
         * 3 FETCH (UID 6 RFC822.SIZE 3)\ne4 OK\n",
    ),
    // The second message ends in the middle.
    (
        "e5 UID FETCH 4 (UID BODY.PEEK[])\ne6 UID FETCH 6 (UID BODY.PEEK[])\n",
        "* 1 FETCH (UID 4 BODY[] {3}\nabc)\ne5 OK\n* 3 FETCH (UID 6 BODY[] {3}\nx",
    ),
];

const AGAIN: Script = &[
    ("", "* PREAUTH ready\n"),
    ("e1 EXAMINE INBOX.old\n", "* 3 EXISTS\n* OK [UIDVALIDITY 9] v\ne1 OK\n"),
    ("e2 UID FETCH 6 (UID BODY.PEEK[])\n", "* 3 FETCH (UID 6 BODY[] {3}\nxyz)\ne2 OK\n"),
];

const OTHER: Script = &[
    ("", "* PREAUTH ready\n"),
    ("e1 EXAMINE INBOX.old\n", "* 1 EXISTS\n* OK [UIDVALIDITY 10] v\ne1 OK\n"),
];

async fn read(folder: &mut dyn OpenFolder, item: &Item) -> Result<String, SourceError> {
    let mut body = folder.body(item).await?;
    let mut text = String::new();
    while let Some(octets) = body.octets.next().await? {
        text += std::str::from_utf8(&octets).unwrap();
    }
    Ok(text)
}

async fn old(source: &mut ImapSource) -> Folder {
    let found = source.folders().await.unwrap();
    let names: Vec<_> = found.folders.iter().map(|f| (f.name.as_str(), f.subscribed)).collect();
    assert_eq!(names, [("INBOX", Some(false)), ("old", Some(true))]);
    found.folders[1].clone()
}

#[tokio::test]
async fn a_message_cut_short_is_no_message_and_comes_whole_the_next_time() {
    for piece_len in [1, 5, 4096] {
        let server = Arc::new(Server::new(&[BEGIN, AGAIN], piece_len));
        let mut source = ImapSource::new(server.clone(), login(Encryption::None));
        let place = old(&mut source).await;
        let mut folder = source.open(&place).await.unwrap();
        let items = folder.next(100).await.unwrap();
        assert_eq!(items.len(), 3);
        // Number 5 is here already.
        folder.expect(&[&items[0], &items[2]]);
        assert_eq!(read(&mut *folder, &items[0]).await.unwrap(), "abc");
        let cut = read(&mut *folder, &items[2]).await;
        assert!(matches!(cut, Err(SourceError::Temporary(_))), "{cut:?}");
        assert_eq!(read(&mut *folder, &items[2]).await.unwrap(), "xyz");
        assert!(folder.next(100).await.unwrap().is_empty());
        assert_eq!(server.left(), 0);
    }
}

#[tokio::test]
async fn a_mailbox_made_anew_is_not_taken_for_the_old_one() {
    let server = Arc::new(Server::new(&[BEGIN, OTHER], 4096));
    let mut source = ImapSource::new(server, login(Encryption::None));
    let place = old(&mut source).await;
    let mut folder = source.open(&place).await.unwrap();
    let items = folder.next(100).await.unwrap();
    folder.expect(&[&items[0], &items[2]]);
    assert_eq!(read(&mut *folder, &items[0]).await.unwrap(), "abc");
    assert!(read(&mut *folder, &items[2]).await.is_err());
    let other = read(&mut *folder, &items[2]).await;
    assert!(matches!(other, Err(SourceError::Failed(_))), "{other:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_a_temporary_trouble() {
    let mut source = ImapSource::new(Arc::new(Server::new(&[], 1)), login(Encryption::None));
    let away = source.folders().await.err();
    assert!(matches!(away, Some(SourceError::Temporary(_))), "{away:?}");
}
