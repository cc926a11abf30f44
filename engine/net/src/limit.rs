//! How many may come at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections of one listener, unless its options say otherwise.
pub const CONNECTIONS_MAX: usize = 20_000;
/// Connections of one address (of IPv6: one /64) to one listener, unless its options say otherwise.
/// A household behind one address with several devices, each with several connections, fits.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 200;
/// TLS handshakes under way in one listener; further ones are refused until some have ended.
pub const HANDSHAKES_MAX: usize = 2000;

/// Room for so many connections at all the listeners that have a clone of it. Each is an open file,
/// and files must be left for what is not a connection: the store, above all.
#[derive(Clone, Debug)]
pub struct Room(Arc<Semaphore>);

impl Room {
    /// Room for `connections_max`.
    pub fn new(connections_max: usize) -> Room {
        Room(Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))))
    }
}

/// Counts the connections of one listener.
#[derive(Debug)]
pub(crate) struct Limit {
    connections_max: usize,
    per_address_max: usize,
    room: Option<Room>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    limit: Arc<Limit>,
    /// Under which it is counted, once that is known.
    address: Option<IpAddr>,
    _of_room: Option<OwnedSemaphorePermit>,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Connections,
    ConnectionsPerAddress,
    Room,
}

impl Limit {
    pub(crate) fn new(
        connections_max: usize,
        per_address_max: usize,
        room: Option<Room>,
    ) -> Arc<Limit> {
        Arc::new(Limit { connections_max, per_address_max, room, counts: Mutex::default() })
    }

    /// A place for a connection from `address`. Those of this machine itself are counted among all,
    /// but not by their address, which programs that serve many people share.
    pub(crate) fn enter(self: &Arc<Limit>, address: IpAddr) -> Result<Place, Full> {
        let mut place = self.enter_unknown()?;
        place.belongs_to(address)?;
        Ok(place)
    }

    /// A place for a connection of which nobody knows yet whose it is.
    pub(crate) fn enter_unknown(self: &Arc<Limit>) -> Result<Place, Full> {
        let mut counts = self.counts();
        if counts.all >= self.connections_max {
            return Err(Full::Connections);
        }
        let room = self.room.as_ref().map(|Room(places)| places.clone().try_acquire_owned());
        let of_room = room.transpose().map_err(|_| Full::Room)?;
        counts.all += 1;
        Ok(Place { limit: self.clone(), address: None, _of_room: of_room })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// From now on it is counted as one of `address`, if that one may have one more.
    pub(crate) fn belongs_to(&mut self, address: IpAddr) -> Result<(), Full> {
        let address = household(address);
        let mut counts = self.limit.counts();
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        if here >= self.limit.per_address_max && !address.is_loopback() {
            return Err(Full::ConnectionsPerAddress);
        }
        counts.by_address.insert(address, here + 1);
        self.address = Some(address);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.limit.counts();
        counts.all -= 1;
        let Some(address) = self.address else { return };
        if let Some(here) = counts.by_address.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

/// What is counted as one address: a /64 of IPv6, since one peer commonly has all of it.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let limit = Limit::new(5, 2, None);
        let first = limit.enter(address("192.0.2.1")).unwrap();
        let _second = limit.enter(address("::ffff:192.0.2.1")).unwrap();
        assert_eq!(limit.enter(address("192.0.2.1")).unwrap_err(), Full::ConnectionsPerAddress);
        drop(first);
        let _third = limit.enter(address("192.0.2.1")).unwrap();
        let _a = limit.enter(address("2001:db8::1")).unwrap();
        let _b = limit.enter(address("2001:db8::ffff:2")).unwrap();
        assert_eq!(limit.enter(address("2001:db8::3")).unwrap_err(), Full::ConnectionsPerAddress);
        let _c = limit.enter(address("2001:db8:0:1::3")).unwrap();
        assert_eq!(limit.enter(address("198.51.100.1")).unwrap_err(), Full::Connections);
    }

    #[test]
    fn listeners_share_room() {
        let room = Some(Room::new(3));
        let [smtp, imap] = [room.clone(), room].map(|room| Limit::new(100, 100, room));
        let places = [&smtp, &smtp, &imap].map(|limit| limit.enter(address("::1")).unwrap());
        for limit in [&smtp, &imap] {
            assert_eq!(limit.enter(address("192.0.2.1")).unwrap_err(), Full::Room);
        }
        let counted = smtp.counts.lock().unwrap().all;
        assert_eq!(counted, 2, "who is turned away is not counted");
        drop(places);
        assert!(imap.enter(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn this_machine_is_not_counted_by_address() {
        let limit = Limit::new(100, 1, None);
        let places: Vec<_> = ["127.0.0.1", "127.0.0.1", "::1", "::1"]
            .map(|text| limit.enter(address(text)).unwrap())
            .into_iter()
            .collect();
        drop(places);
        assert!(limit.counts.lock().unwrap().by_address.is_empty());
    }
}
