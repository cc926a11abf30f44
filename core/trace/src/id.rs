//! Names for messages on their way in.

use core_world::Random;
use words_base::Timestamp;

/// Digits of base 32 whose order is that of their octets (RFC 4648 §7), so that ids sort by time.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
/// Random bits: a million messages in one millisecond have one chance in two of one pair alike.
const RANDOM_BITS: u32 = 40;
/// Digits for 48 bits of milliseconds and the random ones.
const LEN: u32 = 18;

/// Octets of an id.
pub(crate) const ID_LEN: usize = LEN as usize;

/// A name that no other message has: sorts by `now`, short enough to be read out on the telephone.
pub fn new_id(now: Timestamp, random: &dyn Random) -> String {
    let mut chance = [0; 8];
    random.fill(&mut chance[3..]);
    id_of(now, u64::from_be_bytes(chance))
}

/// The least id of that moment.
pub(crate) fn first_id(at: Timestamp) -> String {
    id_of(at, 0)
}

fn id_of(at: Timestamp, chance: u64) -> String {
    let millis = (at.millis().max(0) as u128) & ((1 << 48) - 1);
    let number = millis << RANDOM_BITS | u128::from(chance);
    let digit = |place: u32| DIGITS[(number >> (5 * place)) as usize & 31] as char;
    (0..LEN).rev().map(digit).collect()
}

/// The id of the message that `id` names: a queue may name several that share one body, each by a
/// suffix. `None` if it is none.
pub(crate) fn message_of(id: &str) -> Option<&str> {
    let message = id.get(..ID_LEN)?;
    message.bytes().all(|b| DIGITS.contains(&b)).then_some(message)
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
        assert!(first_id(Timestamp::from_millis(1)) <= ids[2] && ids[2] < ids[3]);
    }

    #[test]
    fn a_suffix_names_the_same_message() {
        let id = id(1_795_508_984_000, 9);
        assert_eq!(message_of(&format!("{id}.2")), Some(&*id));
        assert_eq!(message_of(&id), Some(&*id));
        for wrong in ["", "short", "an id with blanks.", "ñññññññññññññññññññ"] {
            assert_eq!(message_of(wrong), None, "{wrong}");
        }
    }
}
