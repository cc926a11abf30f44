//! A conversation line by line, as somebody types it into telnet; all of it is kept, for the table of
//! `estafeta lab test`.

use anyhow::{Context, Result, bail};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Lines of one answer.
const LINES_MAX: usize = 10_000;

/// One line that crossed the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// We said it.
    Sent(String),
    /// The server said it.
    Heard(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Sent(line) => write!(f, "-> {line}"),
            Line::Heard(line) => write!(f, "<- {line}"),
        }
    }
}

/// A connection, and what has been said.
pub struct Talk {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    /// All that crossed the wire, in order.
    pub lines: Vec<Line>,
}

impl Talk {
    /// Connects; nothing is said yet.
    pub async fn open(address: SocketAddr) -> Result<Talk> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await;
        let stream = stream?.with_context(|| format!("nobody answers at {address}"))?;
        let (reader, writer) = stream.into_split();
        Ok(Talk { reader: BufReader::new(reader), writer, lines: Vec::new() })
    }

    /// Says a line.
    pub async fn say(&mut self, line: &str) -> Result<()> {
        self.writer.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.lines.push(Line::Sent(line.to_string()));
        Ok(())
    }

    /// Hears a line.
    pub async fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        let heard = timeout(PATIENCE, self.reader.read_line(&mut line)).await;
        if heard.context("no answer came in time")?? == 0 {
            bail!("the server hung up");
        }
        let line = line.trim_end().to_string();
        self.lines.push(Line::Heard(line.clone()));
        Ok(line)
    }

    /// Hears an SMTP reply: its last line.
    pub async fn reply(&mut self) -> Result<String> {
        for _ in 0..LINES_MAX {
            let line = self.hear().await?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line);
            }
        }
        bail!("the reply does not end")
    }

    /// Says a line and hears the reply.
    pub async fn ask(&mut self, line: &str) -> Result<String> {
        self.say(line).await?;
        self.reply().await
    }

    /// Says an IMAP command and hears all that it brings.
    pub async fn command(&mut self, line: &str) -> Result<Vec<String>> {
        self.say(&format!("a {line}")).await?;
        let mut answer = Vec::new();
        while answer.len() < LINES_MAX {
            let heard = self.hear().await?;
            let is_last = heard.starts_with("a ");
            answer.push(heard);
            if is_last {
                return Ok(answer);
            }
        }
        bail!("the answer does not end")
    }
}
