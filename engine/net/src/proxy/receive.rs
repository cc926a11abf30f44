//! Taking a header from a socket.

use super::{Header, HeaderError, Progress, parse};
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// So long may a header take. A proxy sends it at once; a lost packet costs some seconds.
pub(crate) const HEADER_TIME: Duration = Duration::from_secs(10);

/// Why no header came.
#[derive(Debug)]
pub(crate) enum ReceiveError {
    /// What came is none.
    Header(HeaderError),
    /// The proxy hung up before its end.
    Ended,
    /// It took longer than [`HEADER_TIME`].
    TimedOut,
    /// The connection failed.
    Failed(io::Error),
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReceiveError::Header(error) => error.fmt(f),
            ReceiveError::Ended => f.write_str("hung up without a whole PROXY header"),
            ReceiveError::TimedOut => f.write_str("no whole PROXY header in time"),
            ReceiveError::Failed(error) => write!(f, "connection failed: {error}"),
        }
    }
}

/// Reads one header and not an octet more.
pub(crate) async fn receive(from: &mut (impl AsyncRead + Unpin)) -> Result<Header, ReceiveError> {
    timeout(HEADER_TIME, read(from)).await.unwrap_or(Err(ReceiveError::TimedOut))
}

async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Header, ReceiveError> {
    let mut bytes = Vec::new();
    loop {
        match parse(&bytes).map_err(ReceiveError::Header)? {
            Progress::Complete(header, _) => return Ok(header),
            Progress::More(count) => {
                let mut rest = (&mut *from).take(count as u64);
                if rest.read_buf(&mut bytes).await.map_err(ReceiveError::Failed)? == 0 {
                    return Err(ReceiveError::Ended);
                }
            }
        }
    }
}
