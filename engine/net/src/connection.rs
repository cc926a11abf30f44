//! The driver: one session, at its desk, on one connection.

use crate::caught::{Caught, caught};
use crate::stop::Stopping;
use crate::stream::Stream;
use crate::tls::{self, Tls};
use crate::write::{Ahead, Write};
use proto_line::{Broken, Desk, News, Session, Step};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::mem::take;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// Small writes are gathered up to so many octets.
const GATHER_MAX: usize = 64 * 1024;
/// Octets of a stored body that are read at once.
const PIECE: usize = 64 * 1024;
/// A piece up to this size is gathered with what stands around it; a larger one is not copied.
const COPY_MAX: usize = 16 * 1024;
/// Even a session that wants to be stepped at once waits so long if nothing comes.
const WAIT_MIN: Duration = Duration::from_millis(10);
/// After our last octet, so long for the peer to read it and hang up.
const LINGER_TIME: Duration = Duration::from_secs(2);
/// Octets thrown away meanwhile, at most.
const LINGER_MAX: u64 = 1024 * 1024;
/// So long for the last words after a fault of ours.
const LAST_WORDS_TIME: Duration = Duration::from_secs(5);

/// Why a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The session closed it.
    Closed,
    /// The peer hung up.
    PeerEnded,
    /// The peer took nothing for too long.
    WriteTimeout,
    /// STARTTLS did not come to an end.
    HandshakeFailed(io::Error),
    /// A stored body could not be read on.
    BodyBroken,
    /// The transport failed.
    Failed(io::Error),
    /// A fault of ours; the message of the panic.
    Panicked(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        match error.kind() {
            ErrorKind::TimedOut => End::WriteTimeout,
            // Some clients do so after QUIT in place of a goodbye.
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => End::PeerEnded,
            _ => End::Failed(error),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Closed => f.write_str("closed by us"),
            End::PeerEnded => f.write_str("closed by the peer"),
            End::WriteTimeout => f.write_str("the peer read nothing for too long"),
            End::HandshakeFailed(error) => write!(f, "TLS failed: {error}"),
            End::BodyBroken => f.write_str("a stored body could not be read"),
            End::Failed(error) => write!(f, "connection failed: {error}"),
            End::Panicked(message) => write!(f, "a fault of this server: {message}"),
        }
    }
}

/// Octets, without those of TLS.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub received: u64,
    pub sent: u64,
}

/// One session on its way.
pub(crate) struct Connection<S, D> {
    session: S,
    desk: D,
    /// Nothing only while TLS is being started.
    stream: Option<Stream>,
    tls: Option<Tls>,
    /// To be sent at the next flush.
    gathered: Vec<u8>,
    ahead: Ahead,
    timer: Pin<Box<Sleep>>,
    /// Ends when the server goes down; gone when the session has been told.
    stopping: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    counts: Counts,
}

/// What a waiting session waited for.
enum Came {
    Bytes,
    End,
    News(News),
    Stopping,
    Time,
}

impl<S, D> Connection<S, D>
where
    S: Session,
    D: Desk<Ask = S::Ask, Answer = S::Answer, Stretch = S::Stretch>,
{
    /// `session` at `desk` over `stream`; `tls` for [`Step::StartTls`].
    pub(crate) fn new(
        (session, desk): (S, D),
        stream: Stream,
        tls: Option<Tls>,
        mut stopping: Stopping,
    ) -> Connection<S, D> {
        Connection {
            session,
            desk,
            stream: Some(stream),
            tls,
            gathered: Vec::new(),
            ahead: Ahead::default(),
            timer: Box::pin(sleep_until(Instant::now())),
            stopping: Some(Box::pin(async move { stopping.told().await })),
            counts: Counts::default(),
        }
    }

    /// Runs the session to its end.
    pub(crate) async fn run(mut self) -> (End, Counts) {
        // Boxed by itself, so that it is gone when the last words are said.
        let end = match Caught(Box::pin(self.steps())).await {
            Ok(Ok(())) => End::Closed,
            Ok(Err(end)) => end,
            Err(panic) => {
                // What it wanted to say stands half written; only the last words are sure.
                self.gathered = caught(|| self.session.last_words()).unwrap_or_default();
                let _ = timeout(LAST_WORDS_TIME, self.flush()).await;
                End::Panicked(panic)
            }
        };
        if matches!(end, End::Closed | End::Panicked(_)) {
            // Gone or not, it has ended.
            let _ = timeout(LINGER_TIME, self.linger()).await;
        }
        (end, self.counts)
    }

    /// Until the session closes.
    async fn steps(&mut self) -> Result<(), End> {
        loop {
            match self.session.step(Instant::now().into_std()) {
                Step::Send(bytes) => self.send(bytes).await?,
                Step::Stream(stretch) => self.copy(stretch).await?,
                Step::Ask(ask) => {
                    // Boxed: such a future may be large, and there is none while a session waits.
                    let answer = Box::pin(self.desk.answer(ask)).await;
                    let delay = self.desk.delay();
                    self.hold_back(delay).await?;
                    self.session.answer(answer);
                }
                Step::Wait { until } => self.wait(until.into()).await?,
                Step::StartTls => self.start_tls().await?,
                Step::Close => return self.flush().await,
            }
        }
    }

    /// Lets time pass before an answer; not when the server is to go down.
    async fn hold_back(&mut self, delay: Duration) -> Result<(), End> {
        if delay.is_zero() {
            return Ok(());
        }
        self.flush().await?;
        self.timer.as_mut().reset(Instant::now() + delay);
        let Connection { session, stopping, timer, .. } = self;
        let told = poll_fn(|cx| {
            if stopping.as_mut().is_some_and(|told| told.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(true);
            }
            timer.as_mut().poll(cx).map(|()| false)
        });
        if told.await {
            *stopping = None;
            session.news(News::ShuttingDown);
        }
        Ok(())
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), End> {
        if self.gathered.is_empty() && bytes.len() >= GATHER_MAX {
            self.write(&[], &bytes).await?;
        } else {
            self.gathered.extend_from_slice(&bytes);
        }
        self.session.give_back(bytes);
        self.flush_if_full().await
    }

    async fn copy(&mut self, stretch: S::Stretch) -> Result<(), End> {
        let mut offset = 0;
        loop {
            let piece = Box::pin(self.desk.read(&stretch, offset, PIECE)).await;
            let piece = piece.map_err(|Broken| End::BodyBroken)?;
            offset += piece.len() as u64;
            if piece.len() <= COPY_MAX {
                self.gathered.extend_from_slice(&piece);
                self.flush_if_full().await?;
            } else {
                let head = take(&mut self.gathered);
                self.write(&head, &piece).await?;
            }
            if piece.len() < PIECE {
                return Ok(());
            }
        }
    }

    async fn flush_if_full(&mut self) -> Result<(), End> {
        if self.gathered.len() >= GATHER_MAX { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), End> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let mut gathered = take(&mut self.gathered);
        self.write(&gathered, &[]).await?;
        gathered.clear();
        self.gathered = gathered;
        Ok(())
    }

    async fn write(&mut self, head: &[u8], piece: &[u8]) -> Result<(), End> {
        let Some(stream) = &mut self.stream else { return Err(End::PeerEnded) };
        let ahead_before = self.ahead.bytes.len();
        let write =
            Write { stream, ahead: &mut self.ahead, timer: self.timer.as_mut(), head, piece };
        write.all().await?;
        self.counts.sent += (head.len() + piece.len()) as u64;
        self.counts.received += (self.ahead.bytes.len() - ahead_before) as u64;
        Ok(())
    }

    /// Flushes, then waits for something to happen, and tells the session.
    async fn wait(&mut self, until: Instant) -> Result<(), End> {
        if self.hand_over() {
            return Ok(());
        }
        self.flush().await?;
        if self.hand_over() {
            return Ok(());
        }
        if self.ahead.ended {
            return Err(End::PeerEnded);
        }
        match self.came(until).await? {
            Came::Bytes | Came::Time => {}
            Came::News(news) => self.session.news(news),
            Came::Stopping => {
                self.stopping = None;
                self.session.news(News::ShuttingDown);
            }
            // Everything that came before has been answered, or the session would not wait.
            Came::End => return Err(End::PeerEnded),
        }
        Ok(())
    }

    /// Gives the session what was read ahead, if anything was.
    fn hand_over(&mut self) -> bool {
        let bytes = take(&mut self.ahead.bytes);
        if !bytes.is_empty() {
            self.session.input(&bytes);
        }
        !bytes.is_empty()
    }

    async fn came(&mut self, until: Instant) -> Result<Came, End> {
        if let Poll::Ready(came) = poll_fn(|cx| Poll::Ready(self.poll_bytes(cx))).await {
            return came;
        }
        // From here it may be long: keep nothing that is not needed.
        self.gathered = Vec::new();
        let until = until.max(Instant::now() + WAIT_MIN);
        if self.timer.deadline() != until || self.timer.is_elapsed() {
            self.timer.as_mut().reset(until);
        }
        let Connection { session, desk, stream, stopping, timer, counts, .. } = self;
        let Some(stream) = stream else { return Ok(Came::End) };
        let mut news = Box::pin(desk.news());
        poll_fn(|cx| {
            if let Poll::Ready(came) = poll_bytes(stream, session, counts, cx) {
                return Poll::Ready(came);
            }
            if let Poll::Ready(news) = news.as_mut().poll(cx) {
                return Poll::Ready(Ok(Came::News(news)));
            }
            if stopping.as_mut().is_some_and(|told| told.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(Ok(Came::Stopping));
            }
            timer.as_mut().poll(cx).map(|()| Ok(Came::Time))
        })
        .await
    }

    fn poll_bytes(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Result<Came, End>> {
        match &mut self.stream {
            Some(stream) => poll_bytes(stream, &mut self.session, &mut self.counts, cx),
            None => Poll::Ready(Ok(Came::End)),
        }
    }

    /// RFC 3207 §4.2: what was read and not used must not survive into TLS. What is read ahead
    /// here is dropped now; the session drops its own when told that it is secured.
    async fn start_tls(&mut self) -> Result<(), End> {
        self.flush().await?;
        self.ahead.bytes = Vec::new();
        let (Some(tls), Some(Stream::Plain(tcp))) = (&self.tls, self.stream.take()) else {
            return Err(End::HandshakeFailed(io::Error::other("TLS is not possible here")));
        };
        let started = Box::pin(tls.start(tcp)).await;
        let (stream, secured) = started.map_err(End::HandshakeFailed)?;
        tls::log(&secured);
        self.stream = Some(stream);
        self.session.secured(secured);
        Ok(())
    }

    /// Ends our side, and reads until the peer has ended its own: to hang up with octets unread
    /// would reset the connection, and the peer might never see our last ones.
    async fn linger(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        poll_fn(|cx| stream.poll_shutdown(cx)).await?;
        let mut dropped = 0;
        while !self.ahead.ended && dropped < LINGER_MAX {
            match poll_fn(|cx| stream.poll_take(cx, |_| {})).await? {
                0 => break,
                count => dropped += count as u64,
            }
        }
        Ok(())
    }

    /// TLS was there from the beginning.
    pub(crate) fn secured(&mut self, secured: proto_line::Secured) {
        self.session.secured(secured);
    }
}

/// Hands the session what comes.
fn poll_bytes<S: Session>(
    stream: &mut Stream,
    session: &mut S,
    counts: &mut Counts,
    cx: &mut std::task::Context<'_>,
) -> Poll<Result<Came, End>> {
    stream.poll_take(cx, |bytes| session.input(bytes)).map(|taken| match taken? {
        0 => Ok(Came::End),
        count => {
            counts.received += count as u64;
            Ok(Came::Bytes)
        }
    })
}
