use super::v2::{SIGNATURE, checksum};
use super::{Header, HeaderError, Progress, parse, receive};
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

fn passed(source: &str, destination: &str) -> Header {
    Header::Passed { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

/// A header of version 2, with its length filled in.
fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u16).to_be_bytes();
    [&SIGNATURE[..], &[command, family], &len, body].concat()
}

fn addresses(source: SocketAddr, destination: SocketAddr) -> (u8, Vec<u8>) {
    let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
    match (source, destination) {
        (SocketAddr::V4(a), SocketAddr::V4(b)) => {
            (0x11, [&a.ip().octets()[..], &b.ip().octets(), &ports].concat())
        }
        (a, b) => {
            let v6 = |x: SocketAddr| match x {
                SocketAddr::V6(x) => x.ip().octets(),
                SocketAddr::V4(x) => x.ip().to_ipv6_mapped().octets(),
            };
            (0x21, [&v6(a)[..], &v6(b), &ports].concat())
        }
    }
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

/// `body` and a checksum that fits, as the last TLV.
fn summed(family: u8, body: &[u8]) -> Vec<u8> {
    let mut header = binary(0x21, family, &[body, &tlv(3, &[0; 4])].concat());
    let at = header.len() - 4;
    let sum = checksum(&header, at).to_be_bytes();
    header[at..].copy_from_slice(&sum);
    header
}

#[test]
fn lines_are_read() {
    for (line, want) in [
        (
            "PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n",
            passed("192.0.2.7:56324", "198.51.100.1:25"),
        ),
        (
            "PROXY TCP4 255.255.255.255 0.0.0.0 0 65535\r\n",
            passed("255.255.255.255:0", "0.0.0.0:65535"),
        ),
        ("PROXY TCP6 2001:db8::7 ::1 56324 993\r\n", passed("[2001:db8::7]:56324", "[::1]:993")),
        (
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            passed(
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
            ),
        ),
        ("PROXY UNKNOWN\r\n", Header::Unknown),
        ("PROXY UNKNOWN what ever stands here\r\n", Header::Unknown),
    ] {
        assert_eq!(parse(line.as_bytes()), Ok(Progress::Complete(want, line.len())), "{line}");
        let more = format!("{line}EHLO x\r\n");
        assert_eq!(parse(more.as_bytes()), Ok(Progress::Complete(want, line.len())), "{line}");
    }
}

#[test]
fn lines_that_are_wrong_are_refused() {
    for line in [
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 25 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 25 26\r\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 56324 25\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 56324 25\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 56324 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 056324 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +5 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 -5 25\r\n",
        "PROXY TCP4 ::1 ::1 5 25\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 5 25\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 5 25\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 5 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 5 25\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 5 25\rx",
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY unknown\r\n",
        "PROXY TCP4 \u{661}.0.2.7 198.51.100.1 5 25\r\n",
    ] {
        let parsed = parse(line.as_bytes());
        assert!(matches!(parsed, Err(HeaderError::Syntax(_))), "{line:?}: {parsed:?}");
    }
    for other in ["EHLO x\r\n", "proxy TCP4", "PROXYTCP4 ", "\r\n\r\nQ", "\x16\x03\x01\x02"] {
        assert_eq!(parse(other.as_bytes()), Err(HeaderError::Missing), "{other:?}");
    }
    let long = format!("PROXY UNKNOWN {}", "x".repeat(200));
    for end in [106, 107, 108, 200] {
        assert_eq!(parse(&long.as_bytes()[..end]), Err(HeaderError::TooLong), "{end}");
    }
    let longest = format!("{}\r\n", &long[..105]);
    assert_eq!(parse(longest.as_bytes()), Ok(Progress::Complete(Header::Unknown, 107)));
    let over = format!("{}\r\n", &long[..106]);
    assert_eq!(parse(over.as_bytes()), Err(HeaderError::TooLong));
}

#[test]
fn binary_headers_are_read() {
    let [a, b] = ["192.0.2.7:56324", "198.51.100.1:25"].map(|text| text.parse().unwrap());
    let (family, body) = addresses(a, b);
    let here = Header::Passed { source: a, destination: b };
    for (header, want) in [
        (binary(0x21, family, &body), here),
        (
            binary(
                0x21,
                family,
                &[&body[..], &tlv(0x04, &[0; 9]), &tlv(0x20, b"\x01abc")].concat(),
            ),
            here,
        ),
        (summed(family, &body), here),
        (summed(family, &[&body[..], &tlv(0xea, b"vpce")].concat()), here),
        (binary(0x20, 0x00, b""), Header::Local),
        (binary(0x20, family, &body), Header::Local),
        (binary(0x20, 0x77, b"what ever stands here"), Header::Local),
        (binary(0x21, 0x00, b"what ever stands here"), Header::Unknown),
        (binary(0x21, 0x31, &[7; 216]), Header::Unknown),
    ] {
        assert_eq!(parse(&header), Ok(Progress::Complete(want, header.len())), "{header:x?}");
    }
    // Octet by octet, as the specification draws it.
    let drawn = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x21\x21\x00\x24\
        \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xdc\x04\x03\xe1";
    let want = passed("[2001:db8::7]:56324", "[::1]:993");
    assert_eq!(parse(drawn), Ok(Progress::Complete(want, drawn.len())));
}

#[test]
fn binary_headers_that_are_wrong_are_refused() {
    let (family, body) = addresses("192.0.2.7:1".parse().unwrap(), "192.0.2.8:2".parse().unwrap());
    let with = |tail: &[u8]| binary(0x21, family, &[&body[..], tail].concat());
    for (what, header) in [
        ("version 1", binary(0x11, family, &body)),
        ("version 3", binary(0x31, family, &body)),
        ("a command that is none", binary(0x22, family, &body)),
        ("UDP", binary(0x21, 0x12, &body)),
        ("UDP over IPv6", binary(0x21, 0x22, &[0; 36])),
        ("datagrams of a machine", binary(0x21, 0x32, &[0; 216])),
        ("a family that is none", binary(0x21, 0x41, &body)),
        ("short addresses", binary(0x21, family, &body[..11])),
        ("no addresses", binary(0x21, family, b"")),
        ("short addresses of IPv6", binary(0x21, 0x21, &[0; 35])),
        ("short unix", binary(0x21, 0x31, &[0; 215])),
        ("half a TLV", with(&[0x04])),
        ("half a TLV's length", with(&[0x04, 0])),
        ("a TLV over the end", with(&[0x04, 0, 3, 1, 2])),
        ("a checksum of three octets", with(&tlv(3, &[0; 3]))),
        ("a checksum of none", with(&tlv(3, &[]))),
    ] {
        let parsed = parse(&header);
        assert!(matches!(parsed, Err(HeaderError::Syntax(_))), "{what}: {parsed:?}");
    }
    assert_eq!(parse(&with(&tlv(3, &[0; 4]))), Err(HeaderError::Checksum));
    // Refused by its length alone, before anything is kept of it.
    let long = binary(0x21, family, &[0; 4081]);
    assert_eq!(parse(&long[..16]), Err(HeaderError::TooLong));
    let longest = [&body[..], &tlv(0x04, &[0; 4080 - 12 - 3])].concat();
    assert!(matches!(parse(&binary(0x21, family, &longest)), Ok(Progress::Complete(_, 4096))));
}

#[test]
fn one_flipped_bit_is_seen_by_the_checksum() {
    let (family, body) = addresses("192.0.2.7:1".parse().unwrap(), "192.0.2.8:2".parse().unwrap());
    let header = summed(family, &body);
    for bit in 16 * 8..28 * 8 {
        let mut flipped = header.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(parse(&flipped), Err(HeaderError::Checksum), "bit {bit}");
    }
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        any::<(u32, u16)>().prop_map(|(ip, port)| (Ipv4Addr::from(ip), port).into()),
        any::<(u128, u16)>().prop_map(|(ip, port)| (Ipv6Addr::from(ip), port).into()),
    ]
}

fn same_family() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    (any_address(), any_address()).prop_filter("one family", |(a, b)| a.is_ipv4() == b.is_ipv4())
}

/// A header of either version, and what it says.
fn any_header() -> impl Strategy<Value = (Vec<u8>, Header)> {
    let tail =
        proptest::collection::vec((4_u8.., proptest::collection::vec(any::<u8>(), 0..40)), 0..4);
    (same_family(), tail, 0..3).prop_map(|((a, b), tail, form)| {
        let header = Header::Passed { source: a, destination: b };
        let (family, mut body) = addresses(a, b);
        body.extend(tail.iter().flat_map(|(kind, value)| tlv(*kind, value)));
        let bytes = match form {
            0 => {
                let family = if a.is_ipv4() { "TCP4" } else { "TCP6" };
                let (from, to) = ((a.ip(), a.port()), (b.ip(), b.port()));
                format!("PROXY {family} {} {} {} {}\r\n", from.0, to.0, from.1, to.1).into_bytes()
            }
            1 => binary(0x21, family, &body),
            _ => summed(family, &body),
        };
        (bytes, header)
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read((bytes, header) in any_header(), rest in any::<Vec<u8>>()) {
        let all = [&bytes[..], &rest].concat();
        prop_assert_eq!(parse(&all), Ok(Progress::Complete(header, bytes.len())));
    }

    /// Cut anywhere, a header is unfinished, and no octet behind it is asked for.
    #[test]
    fn no_more_is_asked_for_than_the_header_has((bytes, _) in any_header()) {
        for cut in 0..bytes.len() {
            let Ok(Progress::More(more)) = parse(&bytes[..cut]) else {
                return Err(TestCaseError::fail(format!("cut at {cut}")));
            };
            prop_assert!(more > 0 && cut + more <= bytes.len(), "cut at {}: {} more", cut, more);
        }
    }

    #[test]
    fn nonsense_is_refused_or_unfinished(bytes in any::<Vec<u8>>(), begin in 0..4_usize) {
        let begins: [&[u8]; 4] = [b"", b"PROXY ", b"PROXY TCP6 ", SIGNATURE];
        let all = [begins[begin], &bytes].concat();
        if let Ok(Progress::Complete(_, len)) = parse(&all) {
            prop_assert!(len <= all.len());
        }
    }

    /// Whatever the pieces in which it arrives, what stands behind the header is left for others.
    #[test]
    fn what_stands_behind_the_header_is_left_alone(
        (bytes, header) in any_header(),
        pieces in proptest::collection::vec(1..40_usize, 1..40),
    ) {
        let all = [&bytes[..], b"EHLO client.example\r\n"].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut from = Pieces { bytes: &all, pieces: pieces.into_iter().cycle().take(10_000).collect() };
            prop_assert_eq!(receive(&mut from).await.ok(), Some(header));
            prop_assert_eq!(from.bytes, &b"EHLO client.example\r\n"[..]);
            Ok(())
        })?;
    }
}

/// A peer whose octets arrive in pieces.
struct Pieces<'a> {
    bytes: &'a [u8],
    pieces: std::collections::VecDeque<usize>,
}

impl tokio::io::AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let piece = self.pieces.pop_front().unwrap_or(1);
        let (now, later) = self.bytes.split_at(piece.min(self.bytes.len()).min(buffer.remaining()));
        buffer.put_slice(now);
        self.bytes = later;
        std::task::Poll::Ready(Ok(()))
    }
}
