//! The card that the lab prints when it opens.

use crate::data::Data;
use crate::lab::Town;
use crate::service::Service;
use crate::words::{Words, about};
use std::fmt::Write;
use std::net::SocketAddr;
use words_mail::Domain;

/// What is printed.
pub struct Card {
    /// All of it.
    pub text: String,
}

impl Card {
    /// The one of a lab.
    pub fn of(words: &Words, town: &Town) -> Card {
        let home = &town.home;
        let people: Vec<&str> = home.house.people.iter().map(|person| person.name).collect();
        let outside = town.outside.as_ref().map(|post| {
            let names = post.house.people.iter();
            let people = names.map(|person| format!("{}@{}", person.name, post.house.domain));
            let at = post.addresses.iter().find(|(service, _)| *service == Service::Imap);
            (people.collect::<Vec<_>>().join(", "), at.map(|(_, address)| *address))
        });
        let (domain, data) = (&home.house.domain, &home.data);
        Card { text: card(words, domain, &people, data, &home.addresses, outside) }
    }
}

/// Who lives outside, and where their mail can be read.
type Outside = (String, Option<SocketAddr>);

/// Everything somebody needs who wants to try it.
fn card(
    words: &Words,
    domain: &Domain,
    people: &[&str],
    data: &Data,
    addresses: &[(Service, SocketAddr)],
    outside: Option<Outside>,
) -> String {
    let mut card = String::new();
    let title = about(words.title, domain);
    let _ = writeln!(card, "Estafeta {}: {title}\n", env!("CARGO_PKG_VERSION"));
    let mut label = words.people;
    for name in people {
        let _ = writeln!(card, "  {label:<11} {name}@{domain}, {} {name}", words.password);
        label = "";
    }
    if let Some((people, at)) = outside {
        let at = at.map(|at| format!(" (imap {at})")).unwrap_or_default();
        let _ = writeln!(card, "  {:<11} {people}{at}", words.outside);
    }
    let _ = writeln!(card, "  {:<11} {}", words.data, data.path().display());
    for (service, address) in addresses {
        let tls = match service {
            Service::Lmtp => "",
            service if service.is_implicit_tls() => "TLS",
            Service::Pop3 => "STLS",
            _ => "STARTTLS",
        };
        let line = format!("  {:<11} {address:<21} {tls}", service.name());
        let _ = writeln!(card, "{}", line.trim_end());
    }
    let _ = writeln!(card, "  {}: {}\n", words.authority, data.ca_certificate().display());
    let _ = writeln!(card, "{}", words.try_it);
    for (service, what, lines) in sessions(words, domain) {
        if let Some((_, address)) = addresses.iter().find(|(s, _)| *s == service) {
            let _ = writeln!(card, "\n  {what}: telnet {} {}", address.ip(), address.port());
            lines.iter().for_each(|line| {
                let _ = writeln!(card, "{}", format!("    {line}").trim_end());
            });
        }
    }
    let option = match data.path() == std::path::Path::new("estafeta-lab") {
        true => String::new(),
        false => format!(" --data {}", data.path().display()),
    };
    let _ =
        writeln!(card, "\n{}:\n    estafeta account add carla@{domain}{option}", words.commands);
    let _ = writeln!(card, "\n{}", words.stop);
    card
}

/// The three sessions, in an order in which each finds what it looks for.
fn sessions(words: &Words, domain: &Domain) -> [(Service, &'static str, Vec<String>); 3] {
    let owned = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect::<Vec<_>>();
    let mut smtp = owned(&["EHLO me"]);
    smtp.push(format!("MAIL FROM:<ana@{domain}>"));
    smtp.push(format!("RCPT TO:<bob@{domain}>"));
    smtp.extend(owned(&["DATA"]));
    smtp.push(format!("Subject: {}", words.subject));
    smtp.extend([String::new(), words.body.to_string()]);
    smtp.extend(owned(&[".", "QUIT"]));
    let imap = owned(&[
        ". LOGIN bob bob",
        ". LIST \"\" \"*\"",
        ". STATUS INBOX (MESSAGES)",
        ". SELECT INBOX",
        ". FETCH 1:3 FLAGS",
        ". FETCH 1 FULL",
        ". FETCH 1 BODY[HEADER]",
        ". LOGOUT",
    ]);
    let pop3 = owned(&["USER bob", "PASS bob", "STAT", "LIST", "RETR 1", "DELE 1", "QUIT"]);
    [
        (Service::Smtp, words.write, smtp),
        (Service::Imap, words.read, imap),
        (Service::Pop3, words.fetch, pop3),
    ]
}
