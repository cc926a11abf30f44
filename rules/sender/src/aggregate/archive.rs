//! How reports travel: gzip, zip, or as they are (RFC 7489 §7.2.1.1).

use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::write::GzEncoder;
use std::io::{Read as _, Write as _};

/// Largest report, in octets of XML: a small archive may stand for terabytes.
pub const REPORT_MAX: usize = 10 << 20;
/// What stands before a file in a zip archive, without its name (APPNOTE.TXT §4.3.7).
const LOCAL_HEADER: usize = 30;

/// Packs a report.
pub fn compress(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text)?;
    encoder.finish()
}

/// Unpacks a report, whatever it is packed in; of a zip archive the first file.
/// `Err` says what is wrong with it.
pub fn unpack(octets: &[u8]) -> Result<Vec<u8>, &'static str> {
    match octets {
        [0x1f, 0x8b, ..] => read_all(MultiGzDecoder::new(octets)),
        [b'P', b'K', 3, 4, ..] => unzip(octets),
        plain if plain.len() <= REPORT_MAX => Ok(plain.to_vec()),
        _ => Err("the report is too large"),
    }
}

fn unzip(octets: &[u8]) -> Result<Vec<u8>, &'static str> {
    let short = "the archive ends too soon";
    let number =
        |at: usize| octets.get(at..at + 2).and_then(|o| o.try_into().ok()).map(u16::from_le_bytes);
    let flags = number(6).ok_or(short)?;
    let method = number(8).ok_or(short)?;
    let names = usize::from(number(26).ok_or(short)?) + usize::from(number(28).ok_or(short)?);
    let size = octets.get(18..22).and_then(|o| o.try_into().ok()).map(u32::from_le_bytes);
    let content = octets.get(LOCAL_HEADER + names..).ok_or(short)?;
    match method {
        _ if flags & 1 != 0 => Err("the archive is encrypted"),
        8 => read_all(DeflateDecoder::new(content)),
        0 => {
            let size = size.and_then(|size| usize::try_from(size).ok()).ok_or(short)?;
            let content = content.get(..size).ok_or(short)?;
            if size > REPORT_MAX { Err("the report is too large") } else { Ok(content.to_vec()) }
        }
        _ => Err("the archive is packed in a way that is not known"),
    }
}

fn read_all(packed: impl std::io::Read) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let most = u64::try_from(REPORT_MAX).unwrap_or(u64::MAX) + 1;
    packed.take(most).read_to_end(&mut out).map_err(|_| "the archive is damaged")?;
    if out.len() > REPORT_MAX { Err("the report is too large") } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    fn zip(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        let mut out = b"PK\x03\x04\x14\0\x08\0\x08\0".to_vec();
        out.resize(26, 0);
        out.extend_from_slice(b"\x05\0\0\0a.xml");
        out.extend(encoder.finish().unwrap());
        out.extend_from_slice(b"PK\x01\x02");
        out
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let zeros = vec![0; REPORT_MAX + 1];
        for packed in [compress(&zeros).unwrap(), zip(&zeros)] {
            assert!(packed.len() < 100_000);
            assert_eq!(unpack(&packed), Err("the report is too large"));
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(text in prop::collection::vec(any::<u8>(), 0..500)) {
            prop_assert_eq!(unpack(&compress(&text).unwrap()).unwrap(), text.clone());
            prop_assert_eq!(unpack(&zip(&text)).unwrap(), text);
        }

        #[test]
        fn nothing_breaks_it(mut octets in prop::collection::vec(any::<u8>(), 0..80), kind in 0..3) {
            let begin: &[u8] = [&b"\x1f\x8b\x08\0"[..], b"PK\x03\x04", b""][kind as usize];
            octets.splice(..begin.len().min(octets.len()), begin.iter().copied());
            let _ = unpack(&octets);
        }
    }
}
