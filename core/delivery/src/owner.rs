//! Whose a message is, when nothing but the message tells.

use core_directory::Directory;
use words_mail::{AccountId, Address, Domain, ForwardPath, Refusal};
use words_message::{Header, parse_addresses};

/// Most addresses that are looked up for one message.
const LOOKED_UP_MAX: usize = 64;

/// The account that a message with this header was most likely for: who it was delivered to, whom it
/// was received for, to whom it is written, who wrote it; else whoever is postmaster.
pub async fn owner(directory: &Directory, header: &[u8]) -> Result<Option<AccountId>, Refusal> {
    for address in named(header) {
        if let Some(account) = account(directory, ForwardPath::Address(address)).await? {
            return Ok(Some(account));
        }
    }
    account(directory, ForwardPath::Postmaster).await
}

async fn account(directory: &Directory, path: ForwardPath) -> Result<Option<AccountId>, Refusal> {
    match directory.resolve(&path).await {
        Ok(resolved) => Ok(resolved.local.first().map(|local| local.account.id)),
        Err(Refusal::Unavailable) => Err(Refusal::Unavailable),
        Err(_) => Ok(None),
    }
}

/// The addresses that a header names, the likeliest first.
fn named(header: &[u8]) -> Vec<Address> {
    let header = Header::new(header);
    let mut named = Vec::new();
    let mut add = |text: &str| {
        if named.len() < LOOKED_UP_MAX {
            named.extend(Address::parse(text.trim()).ok());
        }
    };
    for name in ["Delivered-To", "X-Original-To"] {
        header.find_all(name).for_each(|field| add(&String::from_utf8_lossy(&field.unfolded())));
    }
    for field in header.find_all("Received") {
        let unfolded = field.unfolded();
        let text = String::from_utf8_lossy(&unfolded).replace(char::is_whitespace, " ");
        if let Some((_, rest)) = text.split_once(" for <")
            && let Some((address, _)) = rest.split_once('>')
        {
            add(address);
        }
    }
    for name in ["To", "Cc", "Bcc", "From"] {
        for field in header.find_all(name) {
            parse_addresses(&field.unfolded(), |mailbox| {
                if let (Some(local), Some(host)) = (&mailbox.local, &mailbox.host)
                    && let (Ok(local), Ok(host)) = (str::from_utf8(local), str::from_utf8(host))
                    && let Ok(domain) = Domain::parse(host)
                    && let Ok(address) = Address::new(local, domain)
                {
                    named.push(address);
                }
                named.len() < LOOKED_UP_MAX
            });
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_comes_first() {
        let header = "Received: from a by b with SMTP id x\r\n\tfor <bob@mired.org>; Tue, 1 Jan\r\n\
            From: Eve <eve@elsewhere.org>\r\nTo: List <list@elsewhere.org>, \"a a\"@mired.org\r\n\
            Delivered-To: ana@mired.org\r\nCc: not an address\r\n\r\nDelivered-To: body@x\r\n";
        let named: Vec<String> = named(header.as_bytes()).iter().map(Address::to_string).collect();
        assert_eq!(
            named,
            [
                "ana@mired.org",
                "bob@mired.org",
                "list@elsewhere.org",
                "\"a a\"@mired.org",
                "eve@elsewhere.org"
            ]
        );
    }

    #[test]
    fn a_header_that_makes_no_sense_names_nobody() {
        for header in [&b""[..], b"\xff\xfe", b"To: ,,,<>;\r\n\r\n", b"Received: for <\r\n"] {
            assert_eq!(named(header), []);
        }
    }
}
