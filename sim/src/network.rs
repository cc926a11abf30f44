//! A simulated wire: octets arrive cut anywhere and later, and any connection may break anywhere.

use crate::executor::{Micros, World};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Octets under way to one who does not read, at most; then the writer waits.
pub const WINDOW: usize = 64 * 1024;
/// How long a piece is under way at most, mostly and sometimes.
const DELAY: Micros = 3_000;
const DELAY_LONG: Micros = 400_000;

/// One end of a wire. Dropping it breaks the wire.
pub struct End {
    world: World,
    wire: Rc<RefCell<Wire>>,
    side: usize,
}

#[derive(Default)]
struct Wire {
    /// What each side has still to read.
    ways: [Way; 2],
    /// Octets after which it breaks.
    breaks_after: Option<u64>,
    written: u64,
    cut: usize,
}

#[derive(Default)]
struct Way {
    pieces: VecDeque<(Micros, Vec<u8>)>,
    len: usize,
    last: Micros,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Way {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

/// A new wire; `breaks_after` so many octets, counted both ways.
pub fn wire(world: &World, breaks_after: Option<u64>) -> (End, End) {
    // Some networks deliver whole packets, some hardly more than an octet.
    let cut = [4, 60, 1_400, 60_000, 60_000][world.below(5) as usize];
    let wire = Rc::new(RefCell::new(Wire { breaks_after, cut, ..Wire::default() }));
    let end = |side| End { world: world.clone(), wire: wire.clone(), side };
    (end(0), end(1))
}

impl End {
    /// Sends octets; those behind the break are lost.
    pub fn send(&self, octets: &[u8]) {
        let mut wire = self.wire.borrow_mut();
        let mut rest = octets;
        if let Some(most) = wire.breaks_after {
            rest = &rest[..rest.len().min((most - wire.written.min(most)) as usize)];
        }
        let breaks = rest.len() < octets.len();
        wire.written += rest.len() as u64;
        // A long message in tiny pieces would tell nothing new.
        let cut = wire.cut.max(rest.len() / 12);
        let way = &mut wire.ways[1 - self.side];
        if way.ended {
            return;
        }
        while !rest.is_empty() {
            let len = (1 + self.world.below(cut as u64 * 2) as usize).min(rest.len());
            let delay = if self.world.once_in(200) { DELAY_LONG } else { DELAY };
            let at = way.last.max(self.world.now() + self.world.below(delay));
            way.last = at;
            way.len += len;
            way.pieces.push_back((at, rest[..len].to_vec()));
            rest = &rest[len..];
        }
        way.wake();
        if breaks {
            wire.ways.iter_mut().for_each(|way| {
                way.ended = true;
                way.wake();
            });
        }
    }

    /// Waits until there is room for more on the way.
    pub async fn room(&self) {
        poll_fn(|cx| {
            let mut wire = self.wire.borrow_mut();
            let way = &mut wire.ways[1 - self.side];
            if way.ended || way.len <= WINDOW {
                return Poll::Ready(());
            }
            way.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Octets that the other side has not read.
    pub fn unread(&self) -> usize {
        self.wire.borrow().ways[1 - self.side].len
    }

    /// The next octets; empty at the end.
    pub fn poll_read(&self, cx: &mut Context<'_>) -> Poll<Vec<u8>> {
        let mut wire = self.wire.borrow_mut();
        let way = &mut wire.ways[self.side];
        match way.pieces.front() {
            None if way.ended => Poll::Ready(Vec::new()),
            None => {
                way.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            Some((at, _)) => {
                let at = *at;
                if self.world.poll_until(at, cx).is_pending() {
                    way.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                let (_, piece) = way.pieces.pop_front().unwrap_or_default();
                way.len -= piece.len();
                way.writer.take().into_iter().for_each(Waker::wake);
                Poll::Ready(piece)
            }
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut wire = self.wire.borrow_mut();
        // What was sent may still arrive, or not.
        let kept = self.world.below(4);
        for (side, way) in wire.ways.iter_mut().enumerate() {
            if kept == 0 && side != self.side {
                let left = self.world.below(way.pieces.len() as u64 + 1) as usize;
                way.pieces.truncate(left);
                way.len = way.pieces.iter().map(|(_, piece)| piece.len()).sum();
            }
            way.ended = true;
            way.wake();
        }
    }
}
