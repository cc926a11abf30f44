//! The third driver of a session at its desk, beside `engine/net` and the transcript player: over a
//! simulated wire, in simulated time.

use crate::executor::World;
use crate::network::{End, WINDOW};
use proto_line::{Desk, News, Session, Step};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

/// Octets of a stored body that are read at once.
const PIECE: usize = 16 * 1024;
/// Octets that a session hands over at once, at most: what a connection may hold in memory.
const SEND_MAX: usize = 512 * 1024;

/// Ends when the server goes down.
pub type Stopping = std::rc::Rc<std::cell::RefCell<Stop>>;

/// Whether the server is going down, and who wants to know.
#[derive(Debug, Default)]
pub struct Stop {
    told: bool,
    waiting: Vec<std::task::Waker>,
}

impl Stop {
    /// Tells all.
    pub fn tell(&mut self) {
        self.told = true;
        self.waiting.drain(..).for_each(std::task::Waker::wake);
    }
}

enum Came {
    Octets(Vec<u8>),
    News(News),
    Stopping,
    Time,
}

/// Runs `session` at `desk` until one of them, or the peer, ends it.
pub async fn run<S, D>(world: World, mut session: S, mut desk: D, end: End, stopping: Stopping)
where
    S: Session,
    D: Desk<Ask = S::Ask, Answer = S::Answer, Stretch = S::Stretch>,
{
    let mut told = false;
    loop {
        match session.step(world.instant()) {
            Step::Send(octets) => {
                assert!(octets.len() <= SEND_MAX, "a session held {} octets", octets.len());
                send(&world, &end, &octets).await;
                session.give_back(octets);
            }
            Step::Stream(stretch) => {
                let mut offset = 0;
                loop {
                    let Ok(piece) = desk.read(&stretch, offset, PIECE).await else { return };
                    offset += piece.len() as u64;
                    send(&world, &end, &piece).await;
                    if piece.len() < PIECE {
                        break;
                    }
                }
            }
            Step::Ask(ask) => {
                let answer = desk.answer(ask).await;
                session.answer(answer);
                // Others may come between an answer and what follows from it.
                world.give_way().await;
            }
            Step::Wait { until } => {
                let stopping = (!told).then_some(&stopping);
                match came(&world, &mut desk, &end, until, stopping).await {
                    Came::Octets(octets) if octets.is_empty() => return,
                    Came::Octets(octets) => session.input(&octets),
                    Came::News(news) => session.news(news),
                    Came::Stopping => {
                        told = true;
                        session.news(News::ShuttingDown);
                    }
                    Came::Time => {}
                }
            }
            Step::StartTls | Step::Close => return,
        }
    }
}

async fn send(world: &World, end: &End, octets: &[u8]) {
    world.note_octets(octets);
    end.send(octets);
    if end.unread() > WINDOW {
        end.room().await;
    }
}

async fn came<D: Desk>(
    world: &World,
    desk: &mut D,
    end: &End,
    until: Instant,
    stopping: Option<&Stopping>,
) -> Came {
    let until = world.micros(until).max(world.now() + 10_000);
    let mut news = pin!(desk.news());
    poll_fn(|cx| {
        if let Poll::Ready(octets) = end.poll_read(cx) {
            return Poll::Ready(Came::Octets(octets));
        }
        if let Poll::Ready(news) = news.as_mut().poll(cx) {
            return Poll::Ready(Came::News(news));
        }
        if let Some(stopping) = stopping {
            let mut stopping = stopping.borrow_mut();
            if stopping.told {
                return Poll::Ready(Came::Stopping);
            }
            stopping.waiting.push(cx.waker().clone());
        }
        world.poll_until(until, cx).map(|()| Came::Time)
    })
    .await
}
