//! The cold record: what is read of a message only when somebody looks at it.
//!
//! ```text
//! version 1 | prefix length 4 | prefix | summary of the header
//! ```

use crate::octets::Reader;
use bytes::Bytes;

/// The layout that is written now.
const VERSION: u8 = 1;

/// Most octets of a recipient's own trace fields. A row counts them in 16 bits.
pub(crate) const PREFIX_MAX: usize = 16 * 1024;

/// The record of a message with this prefix and this encoded summary.
pub(crate) fn encode(prefix: &[u8], summary: &[u8]) -> Bytes {
    let mut octets = Vec::with_capacity(5 + prefix.len() + summary.len());
    octets.push(VERSION);
    octets.extend_from_slice(&(prefix.len() as u32).to_be_bytes());
    octets.extend_from_slice(prefix);
    octets.extend_from_slice(summary);
    octets.into()
}

/// Prefix and summary of a record of any version; both share its octets. `None`: not one.
pub(crate) fn decode(record: &Bytes) -> Option<(Bytes, Bytes)> {
    let mut reader = Reader(record);
    if reader.u8()? != VERSION {
        return None;
    }
    let prefix_len = reader.u32()? as usize;
    let prefix = record.slice_ref(reader.take(prefix_len)?);
    Some((prefix, record.slice_ref(reader.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (prefix, summary) in
            [(&b""[..], &b""[..]), (b"Delivered-To: a\r\n", b"sum"), (b"p", b"")]
        {
            let (p, s) = decode(&encode(prefix, summary)).unwrap();
            assert_eq!((p.as_ref(), s.as_ref()), (prefix, summary));
        }
        assert_eq!(decode(&Bytes::from_static(&[1, 0, 0, 0, 9, 1])), None);
        assert_eq!(decode(&Bytes::from_static(&[9, 0, 0, 0, 0])), None);
    }
}
