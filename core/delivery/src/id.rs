//! Names for messages on their way in.

use core_world::Random;
use words_base::Timestamp;

/// Digits of base 32 whose order is that of their octets (RFC 4648 §7), so that ids sort by time.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
/// Random bits: a million messages in one millisecond have one chance in two of one pair alike.
const RANDOM_BITS: u32 = 40;
/// Digits for 48 bits of milliseconds and the random ones.
const LEN: u32 = 18;

/// A name that no other message has: sorts by `now`, short enough to be read out on the telephone.
pub(crate) fn new_id(now: Timestamp, random: &dyn Random) -> String {
    let mut chance = [0; 8];
    random.fill(&mut chance[3..]);
    let millis = (now.millis().max(0) as u128) & ((1 << 48) - 1);
    let number = millis << RANDOM_BITS | u128::from(u64::from_be_bytes(chance));
    let digit = |place: u32| DIGITS[(number >> (5 * place)) as usize & 31] as char;
    (0..LEN).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    fn id(millis: i64, random: u8) -> String {
        new_id(Timestamp::from_millis(millis), &Fixed(random))
    }

    #[test]
    fn ids_are_short_and_sort_by_time_then_chance() {
        let ids = [
            id(-5, 0),
            id(0, 255),
            id(1, 0),
            id(1_795_508_984_000, 0),
            id(1_795_508_984_000, 1),
            id(1_795_508_984_001, 0),
            id((1 << 48) - 1, 255),
        ];
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 18));
        assert_eq!((&*ids[0], &*ids[6]), ("000000000000000000", "7VVVVVVVVVVVVVVVVV"));
    }
}
