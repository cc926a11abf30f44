//! One connection from its first octet to its last.

use crate::connection::{Connection, End};
use crate::limit::{Full, Limit, Place};
use crate::listener::{Options, Security};
use crate::proxy::{self, Header, Proxies, ReceiveError};
use crate::session_id::SessionId;
use crate::stop::Stopping;
use crate::stream::Stream;
use crate::tls;
use proto_line::{Desk, Session};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpStream;
use tracing::{Instrument, error, info, info_span, warn};

/// Who came where.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The listener's name.
    pub listener: &'static str,
    /// The peer's address, IPv4 as such. Behind a proxy the one that the proxy tells, and the
    /// unspecified one if it knows none: that one is in no network that anybody trusts.
    pub address: SocketAddr,
    /// The address it came to.
    pub local: SocketAddr,
    /// The proxy that passed it on, if one did.
    pub proxy: Option<SocketAddr>,
    /// What the log calls this session.
    pub session: SessionId,
}

/// What a listener's connections have in common.
pub(crate) struct Door<O> {
    pub name: &'static str,
    pub local: SocketAddr,
    pub limit: Arc<Limit>,
    pub options: Options,
    pub open: O,
}

/// Why somebody was not let in.
enum Refusal {
    /// One too many.
    Full(Full),
    /// Only proxies may come here.
    NotProxy,
    /// The proxy did not say who is behind it.
    Header(ReceiveError),
}

/// Lets `address` in, if there is a place, and runs its session.
pub(crate) async fn converse<S, D, O>(
    mut tcp: TcpStream,
    address: SocketAddr,
    door: Arc<Door<O>>,
    stopping: Stopping,
) where
    S: Session,
    D: Desk<Ask = S::Ask, Answer = S::Answer, Stretch = S::Stretch>,
    O: Fn(Peer) -> (S, D),
{
    // Whoever stops the server waits until nobody holds one any more: until this has ended, that is,
    // and not only until it was told.
    let _held = stopping.clone();
    let (listener, local, session) = (door.name, door.local, SessionId::next());
    let mut peer = Peer { listener, address, local, proxy: None, session };
    let entered = match &door.options.proxies {
        None => door.limit.enter(address.ip()).map_err(Refusal::Full),
        Some(proxies) => Box::pin(door.enter_passed(&mut tcp, &mut peer, proxies)).await,
    };
    let proxy = peer.proxy.map(tracing::field::display);
    let span = info_span!("session", id = %peer.session, peer = %peer.address, proxy);
    match entered {
        Ok(place) => run(tcp, peer, place, &door, stopping).instrument(span).await,
        Err(refusal) => span.in_scope(|| door.refuse(&tcp, &refusal)),
    }
}

impl<O> Door<O> {
    /// A place for whoever is behind the proxy that is there, and who that is. Until that is known
    /// it counts among all alone, not by its address.
    async fn enter_passed(
        &self,
        tcp: &mut TcpStream,
        peer: &mut Peer,
        proxies: &Proxies,
    ) -> Result<Place, Refusal> {
        if !proxies.hold(peer.address.ip()) {
            return Err(Refusal::NotProxy);
        }
        let mut place = self.limit.enter_unknown().map_err(Refusal::Full)?;
        *peer = passed(*peer, proxy::receive(tcp).await.map_err(Refusal::Header)?);
        place.belongs_to(peer.address.ip()).map_err(Refusal::Full)?;
        Ok(place)
    }

    fn refuse(&self, tcp: &TcpStream, refusal: &Refusal) {
        let listener = self.name;
        match refusal {
            Refusal::Full(full) => {
                warn!(limit = ?full, "refused: too many connections");
                if !matches!(self.options.security, Security::Implicit(_)) {
                    // Whether it can still be said does not matter.
                    let _ = tcp.try_write(self.options.busy.as_bytes());
                }
            }
            Refusal::NotProxy => warn!(
                listener,
                "refused: not one of the proxies of this listener; name its network there, or connect to another port"
            ),
            Refusal::Header(error) => warn!(listener, %error, "refused"),
        }
    }
}

/// Who is there, by what the proxy says.
fn passed(direct: Peer, header: Header) -> Peer {
    let proxy = Some(direct.address);
    let canonical = |a: SocketAddr| SocketAddr::new(a.ip().to_canonical(), a.port());
    match header {
        Header::Local => direct,
        Header::Unknown => {
            let ip = match direct.address {
                SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            Peer { address: SocketAddr::new(ip, 0), proxy, ..direct }
        }
        Header::Passed { source, destination } => {
            Peer { address: canonical(source), local: canonical(destination), proxy, ..direct }
        }
    }
}

async fn run<S, D, O>(tcp: TcpStream, peer: Peer, place: Place, door: &Door<O>, stopping: Stopping)
where
    S: Session,
    D: Desk<Ask = S::Ask, Answer = S::Answer, Stretch = S::Stretch>,
    O: Fn(Peer) -> (S, D),
{
    info!(listener = peer.listener, "connected");
    // Without it only the pace suffers.
    let _ = tcp.set_nodelay(true);
    let open = &door.open;
    let connection = match &door.options.security {
        Security::Implicit(tls) => match Box::pin(tls.start(tcp)).await {
            Ok((stream, secured)) => {
                tls::log(&secured);
                let mut connection = Connection::new(open(peer), stream, None, stopping);
                connection.secured(secured);
                connection
            }
            Err(error) => return info!(%error, "TLS failed"),
        },
        Security::Start(tls) => {
            Connection::new(open(peer), Stream::Plain(tcp), Some(tls.clone()), stopping)
        }
        Security::None => Connection::new(open(peer), Stream::Plain(tcp), None, stopping),
    };
    let (end, counts) = connection.run().await;
    drop(place);
    match end {
        End::Panicked(_) => {
            error!(received = counts.received, sent = counts.sent, reason = %end, "disconnected");
        }
        _ => info!(received = counts.received, sent = counts.sent, reason = %end, "disconnected"),
    }
}
