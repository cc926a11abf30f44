//! Texts with `{user}`, `{domain}` and `{address}` in them, in whose place values of strangers are
//! put.

use core_world::Sought;

/// A text with places for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    User,
    Domain,
    Address,
}

/// What the values get into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// A distinguished name (RFC 4514 §2.4).
    Dn,
    /// A search filter (RFC 4515 §3).
    Filter,
}

impl Template {
    /// Errors: what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a { without a }")?;
            pieces.push(Piece::Text(before.to_string()));
            pieces.push(match name {
                "user" => Piece::User,
                "domain" => Piece::Domain,
                "address" => Piece::Address,
                other => {
                    return Err(format!(
                        "there is no {{{other}}}, only {{user}}, {{domain}} and \
                                        {{address}}"
                    ));
                }
            });
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_string()));
        Ok(Template(pieces))
    }

    /// Does it depend on who is meant, so that not everybody gets the same?
    pub(crate) fn tells_people_apart(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::User | Piece::Address))
    }

    /// The text, with escaped values in their places. `None`: it wants a domain, and there is none.
    pub(crate) fn fill(&self, sought: &Sought, escape: Escape) -> Option<String> {
        let address = sought.address.as_deref();
        let domain = address.and_then(|address| address.rsplit_once('@')).map(|(_, domain)| domain);
        let mut text = String::new();
        for piece in &self.0 {
            let value = match piece {
                Piece::Text(piece) => {
                    text.push_str(piece);
                    continue;
                }
                Piece::User => &sought.user,
                Piece::Domain => domain?,
                // Where there is no domain yet, the name is all there is to look for.
                Piece::Address => address.unwrap_or(&sought.user),
            };
            match escape {
                Escape::Dn => escape_dn(value, &mut text),
                Escape::Filter => escape_filter(value, &mut text),
            }
        }
        Some(text)
    }
}

/// Every octet that means something in a filter, and every one that is not ASCII, as `\xx`.
fn escape_filter(value: &str, out: &mut String) {
    for octet in value.bytes() {
        match octet {
            b'*' | b'(' | b')' | b'\\' | 0..=0x1f | 0x7f.. => push_hex(octet, out),
            other => out.push(char::from(other)),
        }
    }
}

/// Every octet that means something in a DN, anywhere or at an end, and every one that is not
/// ASCII, as `\xx`.
fn escape_dn(value: &str, out: &mut String) {
    for (place, octet) in value.bytes().enumerate() {
        let is_end = place == 0 || place + 1 == value.len();
        match octet {
            b'"' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\' | b'/' => push_hex(octet, out),
            b'#' | b' ' if is_end => push_hex(octet, out),
            0..=0x1f | 0x7f.. => push_hex(octet, out),
            other => out.push(char::from(other)),
        }
    }
}

fn push_hex(octet: u8, out: &mut String) {
    out.push_str(&format!("\\{octet:02x}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sought(user: &str, address: Option<&str>) -> Sought {
        Sought { user: user.to_string(), address: address.map(str::to_string) }
    }

    #[test]
    fn values_are_put_in_their_places() {
        let filter = "(&(objectClass=person)(|(uid={user})(mail={address})(dc={domain})))";
        let template = Template::parse(filter).unwrap();
        assert_eq!(
            template.fill(&sought("ana", Some("ana@mired.org")), Escape::Filter).unwrap(),
            "(&(objectClass=person)(|(uid=ana)(mail=ana@mired.org)(dc=mired.org)))"
        );
        assert_eq!(template.fill(&sought("ana", None), Escape::Filter), None);
        let template = Template::parse("(|(uid={user})(mail={address}))").unwrap();
        let filled = template.fill(&sought("ana", None), Escape::Filter).unwrap();
        assert_eq!(filled, "(|(uid=ana)(mail=ana))");
        assert!(template.tells_people_apart());
        assert!(!Template::parse("ou={domain}").unwrap().tells_people_apart());
        for wrong in ["uid={name}", "uid={user", "uid={}", "{User}"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_that_a_stranger_writes_means_anything() {
        let filter = Template::parse("(uid={user})").unwrap();
        let dn = Template::parse("uid={user},ou=people,dc=mired,dc=org").unwrap();
        for (user, in_filter, in_dn) in [
            ("*", "(uid=\\2a)", "uid=*"),
            (
                "*)(uid=*))(|(uid=*",
                "(uid=\\2a\\29\\28uid=\\2a\\29\\29\\28|\\28uid=\\2a)",
                "uid=*)(uid\\3d*))(|(uid\\3d*",
            ),
            ("a\\2ab", "(uid=a\\5c2ab)", "uid=a\\5c2ab"),
            ("a\0b", "(uid=a\\00b)", "uid=a\\00b"),
            ("ana,ou=admins", "(uid=ana,ou=admins)", "uid=ana\\2cou\\3dadmins"),
            ("ana+cn=x", "(uid=ana+cn=x)", "uid=ana\\2bcn\\3dx"),
            (" #a ", "(uid= #a )", "uid=\\20#a\\20"),
            ("#", "(uid=#)", "uid=\\23"),
            (" ", "(uid= )", "uid=\\20"),
            ("\"<>;=", "(uid=\"<>;=)", "uid=\\22\\3c\\3e\\3b\\3d"),
            ("ñ", "(uid=\\c3\\b1)", "uid=\\c3\\b1"),
            ("a\r\nb", "(uid=a\\0d\\0ab)", "uid=a\\0d\\0ab"),
        ] {
            let sought = sought(user, None);
            let got = filter.fill(&sought, Escape::Filter).unwrap();
            assert_eq!(got, in_filter, "{user:?}");
            let got = dn.fill(&sought, Escape::Dn).unwrap();
            assert_eq!(got, format!("{in_dn},ou=people,dc=mired,dc=org"), "{user:?}");
        }
    }

    proptest! {
        #[test]
        fn any_value_reads_back_from_a_filter_and_from_a_dn(value in "\\PC{0,20}|.{0,20}") {
            for escape in [Escape::Filter, Escape::Dn] {
                let template = Template::parse("{user}").unwrap();
                let text = template.fill(&sought(&value, None), escape).unwrap();
                let meaning: &[char] = match escape {
                    Escape::Filter => &['*', '(', ')', '\0'],
                    Escape::Dn => &['"', '+', ',', ';', '<', '=', '>', '\0'],
                };
                prop_assert!(!text.contains(meaning), "{text}");
                prop_assert_eq!(unescape(&text), value.as_bytes());
                // What the library makes of a filter is one comparison with the very value.
                if escape == Escape::Filter {
                    let filter = format!("(uid={text})");
                    prop_assert!(ldap3::parse_filter(&filter).is_ok(), "{}", filter);
                }
            }
        }
    }

    fn unescape(text: &str) -> Vec<u8> {
        let (mut octets, mut rest) = (Vec::new(), text.as_bytes());
        while let [first, more @ ..] = rest {
            rest = match (first, more) {
                (b'\\', [high, low, rest @ ..]) => {
                    let hex = String::from_utf8(vec![*high, *low]).unwrap();
                    octets.push(u8::from_str_radix(&hex, 16).unwrap());
                    rest
                }
                (octet, rest) => {
                    octets.push(*octet);
                    rest
                }
            };
        }
        octets
    }
}
