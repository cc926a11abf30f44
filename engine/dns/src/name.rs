//! Which names can be asked.

use hickory_resolver::proto::rr::Name;

/// The most octets of a name in text (RFC 1035 §2.3.4: 255 on the wire, two of them for its ends).
const NAME_MAX: usize = 253;
/// The most octets of a label.
const LABEL_MAX: usize = 63;

/// A name to ask about. `None`: it cannot be in the DNS. Labels need not be those of host names:
/// what a macro of SPF makes of an address, or a list of bad addresses, has other signs too.
pub fn read(text: &str) -> Option<Name> {
    if text.is_empty() || text.len() > NAME_MAX {
        return None;
    }
    let labels: Vec<&[u8]> = text.split('.').map(str::as_bytes).collect();
    let is_label = |label: &&[u8]| {
        (1..=LABEL_MAX).contains(&label.len()) && label.iter().all(u8::is_ascii_graphic)
    };
    if !labels.iter().all(is_label) {
        return None;
    }
    let mut name = Name::from_labels(labels).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// A name as [`core_world`] writes it: lower case, no final dot, the root is empty. What would not
/// be read again, as a dot within a label, is written by its number.
pub fn write(name: &Name) -> String {
    let mut text = String::with_capacity(name.len());
    for (index, label) in name.iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        for octet in label {
            match octet {
                b'.' | b'\\' => text.push_str(&format!("\\{octet:03}")),
                octet if octet.is_ascii_graphic() => text.push(octet.to_ascii_lowercase().into()),
                octet => text.push_str(&format!("\\{octet:03}")),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_in_the_dns_is_refused() {
        let long = "a".repeat(64);
        let many = ["abcdefghi"; 26].join(".");
        for text in ["", ".", "a..b", ".a", "a.", "a b", "a\nb", "año.es", "a\0", &long, &many] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_other_name_is_read_and_written_alike() {
        let many = ["abcdefgh"; 28].join(".");
        for text in [
            "org",
            "mired.org",
            "_dmarc.mired.org",
            "xn--ao-zja.es",
            "ana+x=y._spf.mired.org",
            "0/25.2.0.192.in-addr.arpa",
            "*.mired.org",
            &many,
        ] {
            assert_eq!(read(text).map(|name| write(&name)).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_a_stranger_names_stays_on_one_line() {
        let name = Name::from_labels([b"A.b".as_slice(), b"c\n\\", b"org"]).unwrap();
        assert_eq!(write(&name), "a\\046b.c\\010\\092.org");
        assert_eq!(write(&Name::root()), "");
    }
}
