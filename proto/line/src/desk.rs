//! Where a session's questions are answered.

use crate::News;
use bytes::Bytes;
use std::future::Future;
use std::time::Duration;

/// The counter that one session stands at. `serve/…` implements it with calls of the core; it holds
/// what the core has handed out for this session (authority, open view) and no rule of its own.
pub trait Desk: Send {
    /// The session's questions.
    type Ask: Send;
    /// Their answers.
    type Answer: Send;
    /// A stretch of a stored body.
    type Stretch: Send + Sync;

    /// Answers one question. Never fails: a failed world is an answer too.
    fn answer(&mut self, ask: Self::Ask) -> impl Future<Output = Self::Answer> + Send;

    /// So long the answer just given is to be held back by the driver, with nothing read meanwhile:
    /// what was asked must not be asked again too soon. Asked once after each answer.
    fn delay(&mut self) -> Duration {
        Duration::ZERO
    }

    /// At most `len_max` octets of `stretch` from `offset` (in octets from its beginning);
    /// fewer only at its end; empty behind its end.
    fn read(
        &mut self,
        stretch: &Self::Stretch,
        offset: u64,
        len_max: usize,
    ) -> impl Future<Output = Result<Bytes, Broken>> + Send;

    /// Ends when there is news for the session; never ends if it watches nothing.
    /// May be dropped and called again without losing news.
    fn news(&mut self) -> impl Future<Output = News> + Send;
}

/// The stored body cannot be read on. The octets already promised to the peer cannot be kept, so
/// the connection must be closed; the desk has logged why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;
