//! Writing to a peer that may not read, without losing what it sends meanwhile.

use crate::stream::Stream;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// A peer that takes not one octet for so long is given up.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Octets read ahead at most while the peer does not read. A client that sends a long train of
/// commands before it reads the first reply would otherwise wait for us while we wait for it.
pub const AHEAD_MAX: usize = 256 * 1024;

/// What a peer has sent and no session has seen yet.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    pub bytes: Vec<u8>,
    /// The peer sends no more.
    pub ended: bool,
}

/// One write under way.
pub(crate) struct Write<'a> {
    pub stream: &'a mut Stream,
    pub ahead: &'a mut Ahead,
    pub timer: Pin<&'a mut Sleep>,
    pub head: &'a [u8],
    pub piece: &'a [u8],
}

impl Write<'_> {
    /// Writes all of head and piece, at the peer's pace.
    pub(crate) async fn all(mut self) -> io::Result<()> {
        let mut waiting = false;
        poll_fn(|cx| {
            let left = self.left();
            if let Poll::Ready(done) = self.poll_out(cx) {
                return Poll::Ready(done);
            }
            if !waiting || self.left() < left {
                waiting = true;
                self.timer.as_mut().reset(Instant::now() + WRITE_TIMEOUT);
            }
            if let Err(error) = self.read_ahead(cx) {
                return Poll::Ready(Err(error));
            }
            self.timer.as_mut().poll(cx).map(|()| Err(ErrorKind::TimedOut.into()))
        })
        .await
    }

    fn left(&self) -> usize {
        self.head.len() + self.piece.len()
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.left() > 0 {
            let count = std::task::ready!(self.stream.poll_write(cx, self.head, self.piece))?;
            let of_head = count.min(self.head.len());
            self.head = &self.head[of_head..];
            self.piece = &self.piece[count - of_head..];
        }
        self.stream.poll_flush(cx)
    }

    fn read_ahead(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.ahead.ended && self.ahead.bytes.len() < AHEAD_MAX {
            match self.stream.poll_take(cx, |bytes| self.ahead.bytes.extend_from_slice(bytes)) {
                Poll::Ready(Ok(0)) => self.ahead.ended = true,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        Ok(())
    }
}
