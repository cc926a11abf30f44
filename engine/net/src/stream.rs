//! A connection's bytes, in plaintext or inside TLS.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Most octets taken from the peer at once.
const TAKE_MAX: usize = 64 * 1024;

/// Where the bytes go.
pub(crate) enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Hands what has come from the peer to `take`, once something has. The count of octets; 0 when
    /// the peer has ended. Needs no buffer while nothing comes: the one used lives on the stack of
    /// this call (or is the one that TLS decrypted into).
    pub(crate) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]),
    ) -> Poll<io::Result<usize>> {
        match self {
            Stream::Plain(tcp) => {
                let mut space = [const { MaybeUninit::uninit() }; TAKE_MAX];
                let mut buffer = ReadBuf::uninit(&mut space);
                ready!(Pin::new(tcp).poll_read(cx, &mut buffer))?;
                let bytes = buffer.filled();
                if !bytes.is_empty() {
                    take(bytes);
                }
                Poll::Ready(Ok(bytes.len()))
            }
            Stream::Secure(tls) => {
                let count = match ready!(Pin::new(&mut *tls).poll_fill_buf(cx)) {
                    Ok([]) => 0,
                    Ok(bytes) => {
                        take(bytes);
                        bytes.len()
                    }
                    // Many hang up without TLS's own goodbye. Nothing here is ended by the end of
                    // the connection alone, so nothing can be cut short unseen.
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
                    Err(error) => return Poll::Ready(Err(error)),
                };
                Pin::new(tls).consume(count);
                Poll::Ready(Ok(count))
            }
        }
    }

    /// Writes of `head` and then `piece` as much as the peer takes.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        head: &[u8],
        piece: &[u8],
    ) -> Poll<io::Result<usize>> {
        let both = [IoSlice::new(head), IoSlice::new(piece)];
        let parts = match (head.is_empty(), piece.is_empty()) {
            (true, _) => &both[1..],
            (_, true) => &both[..1],
            _ => &both[..],
        };
        let written = match self {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, parts),
            Stream::Secure(tls) => Pin::new(tls).poll_write_vectored(cx, parts),
        };
        match ready!(written) {
            Ok(0) => Poll::Ready(Err(ErrorKind::WriteZero.into())),
            written => Poll::Ready(written),
        }
    }

    /// Everything written has left for the peer.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(_) => Poll::Ready(Ok(())),
            Stream::Secure(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    /// Tells the peer that nothing more comes.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Secure(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
