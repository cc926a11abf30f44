//! How the command line speaks to a running server: a Unix socket in the data directory, one
//! request a line, in JSON, and for each any number of lines about how far it is and one reply.

use crate::data::Data;
use crate::office::Office;
use crate::progress::{Progress, Tell};
use crate::request::{Reply, Request};
use anyhow::{Context, Result, anyhow};
use engine_net::Stopping;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader as AsyncBufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tracing::warn;

/// Octets of one request: a file of 100,000 accounts fits.
const REQUEST_MAX: u64 = 16 * 1024 * 1024;

/// Lines about progress that wait to be read; more are left out.
const PROGRESS_MAX: usize = 64;

/// One line from the server.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    /// How far it is.
    Progress(Progress),
    /// What came of it.
    Reply(Result<Reply, String>),
}

/// Takes commands until the server goes down. Removed from the disk when dropped.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Opens the socket. Whoever calls this has the store open, so that a socket that is there
    /// already was left behind by a server that is gone.
    pub fn open(data: &Data) -> Result<Control> {
        let path = data.control_socket();
        let open = || {
            let _ = fs::remove_file(&path);
            let listener = UnixListener::bind(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            Ok::<_, io::Error>(listener)
        };
        let listener = open().with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Control { listener, path })
    }

    /// Answers until told to stop.
    pub async fn serve(self, office: Office, mut stopping: Stopping) {
        loop {
            let stream = tokio::select! {
                () = stopping.told() => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        warn!(%error, "control socket");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        continue;
                    }
                },
            };
            let (office, mut stopping) = (office.clone(), stopping.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = stopping.told() => {}
                    result = answer(stream, &office) => {
                        if let Err(error) = result {
                            warn!(%error, "control socket");
                        }
                    }
                }
            });
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer(stream: UnixStream, office: &Office) -> io::Result<()> {
    // The file's mode keeps others out already; this holds where a file system ignores it.
    let (uid, own) = (stream.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
    if uid != own && uid != 0 {
        return Err(io::Error::other(format!("user {uid} may not give commands")));
    }
    let (read, mut write) = stream.into_split();
    let mut read = AsyncBufReader::new(read);
    loop {
        let mut line = Vec::new();
        (&mut read).take(REQUEST_MAX).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(());
        }
        let reply = match serde_json::from_slice::<Request>(&line) {
            Ok(request) => {
                let reply = fulfil(office, request, &mut write).await?;
                reply.map_err(|error| explain(office, error))
            }
            Err(error) => Err(format!("the server does not understand: {error}")),
        };
        say(&mut write, &Line::Reply(reply)).await?;
    }
}

/// Adds what to do where the kernel keeps the server from files that the operator may well reach.
fn explain(office: &Office, error: String) -> String {
    let is_confined = office.duty().is_some_and(|duty| duty.is_confined);
    match is_confined && error.to_lowercase().contains("permission denied") {
        true => format!(
            "{error}; the server may reach only the directories that its configuration names: add \
             this one to \"reach\", and start it anew"
        ),
        false => error,
    }
}

/// Does it; whoever has hung up cannot be told, and the job ends with it.
async fn fulfil(
    office: &Office,
    request: Request,
    write: &mut OwnedWriteHalf,
) -> io::Result<Result<Reply, String>> {
    let (sender, mut told) = mpsc::channel(PROGRESS_MAX);
    let tell: Tell = Arc::new(move |progress| {
        let _ = sender.try_send(progress);
    });
    let mut work = pin!(office.fulfil(request, &tell));
    loop {
        tokio::select! {
            reply = &mut work => return Ok(reply),
            Some(progress) = told.recv() => say(write, &Line::Progress(progress)).await?,
        }
    }
}

async fn say(write: &mut OwnedWriteHalf, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    write.write_all(&text).await
}

/// Asks a running server; `None` if none runs.
pub fn ask(data: &Data, request: &Request, tell: &Tell) -> Result<Option<Result<Reply, String>>> {
    exchange(data, request, tell, None)
}

/// The same, but it must say something at least every `patience`.
pub fn ask_within(
    data: &Data,
    request: &Request,
    tell: &Tell,
    patience: Duration,
) -> Result<Option<Result<Reply, String>>> {
    exchange(data, request, tell, Some(patience))
}

fn exchange(
    data: &Data,
    request: &Request,
    tell: &Tell,
    patience: Option<Duration>,
) -> Result<Option<Result<Reply, String>>> {
    let path = data.control_socket();
    let mut stream = match BlockingStream::connect(&path) {
        Ok(stream) => stream,
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(anyhow!(
                "cannot speak to the server at {}: {error}; run this as the user that runs it",
                path.display()
            ));
        }
    };
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    let mut exchange = || {
        let mut text = serde_json::to_vec(request)?;
        text.push(b'\n');
        stream.write_all(&text)?;
        for line in BufReader::new(&stream).lines() {
            match serde_json::from_str(&line?)? {
                Line::Progress(progress) => tell(progress),
                Line::Reply(reply) => return Ok(reply),
            }
        }
        Err(io::Error::other("it closed the connection"))
    };
    let reply = exchange().context("the server did not answer; see its log")?;
    Ok(Some(reply))
}
