//! An account elsewhere as a [`Source`] of mail that moves in.

use crate::error::RemoteError;
use crate::folder::RemoteFolder;
use crate::imap::{Opened, RemoteImap};
use crate::line::Login;
use crate::names::{self, Named};
use core_moving::{Folder, Found, OpenFolder, Source, SourceError, SourceKind, SourceLater};
use core_world::Dialer;
use proto_imap::client::Listed;
use std::collections::HashMap;
use std::sync::Arc;
use words_mail::Uid;

/// The account. Connects when it is first asked, and again when the connection was lost.
pub struct ImapSource {
    dialer: Arc<dyn Dialer>,
    login: Login,
    remote: Option<RemoteImap>,
    /// Names as the server wrote them, by the place that [`Folder`] holds.
    names: HashMap<String, Vec<u8>>,
}

impl ImapSource {
    /// Reads the account that `login` tells of.
    pub fn new(dialer: Arc<dyn Dialer>, login: Login) -> ImapSource {
        ImapSource { dialer, login, remote: None, names: HashMap::new() }
    }

    /// The connection, made anew if there is none.
    pub(crate) async fn remote(&mut self) -> Result<&mut RemoteImap, RemoteError> {
        let remote = match self.remote.take() {
            Some(remote) => remote,
            None => RemoteImap::open(&*self.dialer, &self.login).await?,
        };
        Ok(self.remote.insert(remote))
    }

    /// Is there a connection?
    pub(crate) fn is_connected(&self) -> bool {
        self.remote.is_some()
    }

    /// Nothing more can be said on this connection.
    pub(crate) fn hang_up(&mut self) {
        self.remote = None;
    }

    /// Says goodbye.
    pub async fn close(&mut self) {
        if let Some(remote) = self.remote.take() {
            remote.log_out().await;
        }
    }

    /// What names a message for ever. Servers number alike, so that the account belongs to it: two
    /// that move into one mailbox must not be taken for one.
    pub(crate) fn key(&self, validity: u32, uid: Uid) -> Vec<u8> {
        let host = self.login.dial.host.to_ascii_lowercase();
        let mut key = format!("{host}\0{}\0", self.login.name).into_bytes();
        key.extend_from_slice(&validity.to_be_bytes());
        key.extend_from_slice(&uid.0.to_be_bytes());
        key
    }

    /// Opens a mailbox by its place.
    pub(crate) async fn examine(&mut self, place: &str) -> Result<Opened, RemoteError> {
        let name = self.names.get(place).cloned().unwrap_or_else(|| place.as_bytes().to_vec());
        self.remote().await?.examine(&name).await
    }

    async fn list(&mut self) -> Result<Vec<Listed>, RemoteError> {
        self.remote().await?.mailboxes().await
    }
}

/// What the core makes of a server's trouble: all that is no fault of one message.
pub(crate) fn trouble(error: &RemoteError) -> SourceError {
    match error.is_temporary() {
        true => SourceError::Temporary(format!("{error}; run this again: it goes on")),
        false => SourceError::Failed(error.to_string()),
    }
}

impl Source for ImapSource {
    fn kind(&self) -> SourceKind {
        SourceKind::Imap
    }

    fn folders(&mut self) -> SourceLater<'_, Found> {
        Box::pin(async move {
            let listed = self.list().await.map_err(|error| {
                self.hang_up();
                trouble(&error)
            })?;
            let mut found = Found::default();
            self.names.clear();
            for Named { name, renamed, listed } in names::of(listed) {
                let place = listed.text.clone();
                if renamed {
                    found
                        .remarks
                        .push(format!("{place} becomes {name}: its name is not possible here"));
                }
                if !listed.selectable {
                    continue;
                }
                self.names.insert(place.clone(), listed.name);
                found.folders.push(Folder {
                    name,
                    place,
                    subscribed: Some(listed.subscribed),
                    special_use: listed.special_use,
                });
            }
            Ok(found)
        })
    }

    fn open<'a>(&'a mut self, folder: &'a Folder) -> SourceLater<'a, Box<dyn OpenFolder + 'a>> {
        Box::pin(async move {
            let opened = match self.examine(&folder.place).await {
                // A connection that has slept may be gone; a new one tells.
                Err(error) if error.is_temporary() => {
                    self.hang_up();
                    self.examine(&folder.place).await
                }
                opened => opened,
            };
            let opened = opened.map_err(|error| {
                self.hang_up();
                trouble(&error)
            })?;
            let folder = RemoteFolder::new(self, folder.place.clone(), opened);
            Ok(Box::new(folder) as Box<dyn OpenFolder + 'a>)
        })
    }
}
