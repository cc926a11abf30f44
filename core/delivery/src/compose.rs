//! The header of an arriving message, as it is kept.

use crate::Origin;
use std::collections::HashSet;
use words_base::Timestamp;
use words_mail::{Address, ReversePath};
use words_message::{DateTime, Field, Header, compose};

/// Fields that a submission loses: what only the sender should see, and what final delivery alone
/// writes (RFC 6409 §8, RFC 5321 §4.4).
const SUBMISSION_DROPS: [&str; 3] = ["Bcc", "Resent-Bcc", "Return-Path"];

/// Where verdicts about the sender stand.
const AUTHENTICATION_RESULTS: &str = "Authentication-Results";

/// What is read of a header on the way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// How many servers it came through.
    pub(crate) received: usize,
    /// Its Message-ID, given by us or before.
    pub(crate) message_id: Option<String>,
}

/// What we know of a message besides its octets.
pub(crate) struct Coming<'a> {
    /// Where from.
    pub(crate) origin: &'a Origin,
    /// Its id here.
    pub(crate) id: &'a str,
    /// Our name.
    pub(crate) host_name: &'a str,
    /// When.
    pub(crate) at: Timestamp,
    /// Who sends, if that is not just who the message says.
    pub(crate) sender: Option<&'a Address>,
}

impl Coming<'_> {
    /// The header as it is kept, empty line and all, of the `fields` that came: our trace in front;
    /// a submission completed behind and cleaned; a stranger's message only without Return-Path.
    pub(crate) fn compose(&self, fields: &[u8]) -> (Vec<u8>, Facts) {
        let mut facts = Facts::default();
        let mut has = Has::default();
        let mut out = Vec::with_capacity(fields.len() + 512);
        out.extend_from_slice(self.received().as_bytes());
        for field in Header::new(fields).fields() {
            if self.drops(&field) {
                continue;
            }
            has.note(&field, &mut facts);
            out.extend_from_slice(field.raw);
        }
        if let Some((_, address)) = &self.origin.submitter {
            self.complete(address, &has, &mut facts, &mut out);
        }
        out.extend_from_slice(b"\r\n");
        (out, facts)
    }

    fn received(&self) -> String {
        let recipient = self.origin.only_recipient.as_ref().map(Address::to_string);
        let peer = self.origin.peer.strip_prefix("IPv6:").unwrap_or(&self.origin.peer);
        compose::Received {
            helo: &self.origin.helo,
            client_name: None,
            client_address: (!peer.is_empty()).then_some(peer),
            by: self.host_name,
            with: self.origin.protocol,
            tls: self.origin.tls.as_deref(),
            id: self.id,
            recipient: recipient.as_deref(),
            at: DateTime::utc(self.at),
        }
        .to_field()
    }

    fn drops(&self, field: &Field<'_>) -> bool {
        // Only what we have found out ourselves may say so in our name (RFC 8601 §5).
        if field.name.len() == AUTHENTICATION_RESULTS.len()
            && field.is_named(AUTHENTICATION_RESULTS)
            && rules_sender::claims_to_be_from(&field.unfolded(), self.host_name)
        {
            return true;
        }
        match self.origin.submitter {
            Some(_) => {
                SUBMISSION_DROPS.iter().any(|name| field.is_named(name))
                    || (self.sender.is_some() && field.is_named("Sender"))
            }
            None => field.is_named("Return-Path"),
        }
    }

    /// Adds what a submission must have and does not (RFC 6409 §8, RFC 5322 §3.6).
    fn complete(&self, address: &Address, has: &Has, facts: &mut Facts, out: &mut Vec<u8>) {
        let mut add = |name, value: &str| {
            out.extend_from_slice(compose::field(name, value).as_bytes());
        };
        if !has.from {
            add("From", &address.to_string());
        }
        // RFC 6409 §8.1: whoever writes in another's name is named as well.
        if let Some(sender) = self.sender {
            add("Sender", &sender.to_string());
        }
        if !has.date {
            add("Date", &DateTime::utc(self.at).to_field());
        }
        if !has.message_id {
            let message_id = format!("<{}@{}>", self.id, self.host_name);
            add("Message-ID", &message_id);
            facts.message_id = Some(message_id);
        }
    }
}

/// Which fields a header has.
#[derive(Default)]
struct Has {
    from: bool,
    date: bool,
    message_id: bool,
}

impl Has {
    fn note(&mut self, field: &Field<'_>, facts: &mut Facts) {
        // One comparison for most fields: the length tells nearly all apart.
        match field.name.len() {
            4 if field.is_named("From") => self.from = true,
            4 if field.is_named("Date") => self.date = true,
            8 if field.is_named("Received") => facts.received += 1,
            10 if field.is_named("Message-ID") && !self.message_id => {
                self.message_id = true;
                let value = field.unfolded();
                let text = String::from_utf8_lossy(value.trim_ascii());
                facts.message_id = Some(text.chars().filter(|c| !c.is_control()).collect());
            }
            _ => {}
        }
    }
}

/// The fields that are one recipient's alone, in front of all others; `results` are whole fields.
pub(crate) fn prefix(reverse_path: &ReversePath, address: &Address, results: &str) -> Vec<u8> {
    let path = reverse_path.0.as_ref().map(Address::to_string).unwrap_or_default();
    let mut prefix = compose::return_path(&path).into_bytes();
    prefix.extend_from_slice(compose::delivered_to(&address.to_string()).as_bytes());
    prefix.extend_from_slice(results.as_bytes());
    prefix
}

/// The addresses, letters lower, to which `header` says that the message was delivered before.
pub(crate) fn delivered_before(header: &[u8]) -> HashSet<String> {
    let fields = Header::new(header).find_all("Delivered-To");
    fields.map(|f| String::from_utf8_lossy(f.unfolded().trim_ascii()).to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use words_mail::AccountId;

    fn origin(submitter: Option<&str>) -> Origin {
        let address = |text: &str| Address::parse(text).unwrap();
        Origin {
            reverse_path: ReversePath(Some(address("x@elsewhere.org"))),
            helo: "client.example".to_string(),
            peer: "IPv6:::1".to_string(),
            protocol: "ESMTPS",
            tls: Some("TLS1.3 TLS13_AES_256_GCM_SHA384".to_string()),
            submitter: submitter.map(|text| (AccountId(1), address(text))),
            only_recipient: Some(address("bob@mired.org")),
            ..Origin::default()
        }
    }

    /// What became of `fields`, without our Received field.
    fn compose(origin: &Origin, fields: &str) -> (String, Facts) {
        let at = Timestamp::from_seconds(1_795_508_984);
        let coming = Coming { origin, id: "ID", host_name: "mail.mired.org", at, sender: None };
        let (header, facts) = coming.compose(fields.as_bytes());
        let received = coming.received();
        assert!(header.starts_with(received.as_bytes()));
        (String::from_utf8_lossy(&header[received.len()..]).into_owned(), facts)
    }

    #[test]
    fn the_trace_tells_where_from_how_and_when() {
        let origin = origin(None);
        let at = Timestamp::from_seconds(1_795_508_984);
        let coming =
            Coming { origin: &origin, id: "ID", host_name: "mail.mired.org", at, sender: None };
        assert_eq!(
            coming.received(),
            "Received: from client.example ([IPv6:::1]) by mail.mired.org with ESMTPS\r\n \
             (TLS1.3 TLS13_AES_256_GCM_SHA384) id ID for <bob@mired.org>;\r\n \
             Tue, 24 Nov 2026 08:29:44 +0000\r\n"
        );
    }

    #[test]
    fn a_strangers_message_loses_only_its_return_path() {
        let fields = "Return-Path: <evil@x>\r\nBcc: bob@x\r\nX: é\r\n y\r\nRETURN-path:\r\n z\r\n";
        let (header, facts) = compose(&origin(None), fields);
        assert_eq!(header, "Bcc: bob@x\r\nX: é\r\n y\r\n\r\n");
        assert_eq!(facts, Facts::default());
        assert_eq!(compose(&origin(None), "").0, "\r\n");
    }

    #[test]
    fn a_submission_is_completed_and_cleaned() {
        let ana = origin(Some("ana@mired.org"));
        let (header, facts) = compose(
            &ana,
            "Subject: hi\r\nbcc: bob@x,\r\n\tcarl@x\r\nResent-Bcc: d@x\r\nReturn-Path: <a@x>\r\nTo: e@x\r\n",
        );
        assert_eq!(
            header,
            "Subject: hi\r\nTo: e@x\r\nFrom: ana@mired.org\r\n\
             Date: Tue, 24 Nov 2026 08:29:44 +0000\r\nMessage-ID: <ID@mail.mired.org>\r\n\r\n"
        );
        assert_eq!(facts.message_id.as_deref(), Some("<ID@mail.mired.org>"));
        let whole = "FROM: Ana <ana@mired.org>\r\ndate: today\r\nMessage-Id:\r\n <1@x>\r\n";
        let (header, facts) = compose(&ana, whole);
        assert_eq!(header, format!("{whole}\r\n"));
        assert_eq!(facts.message_id.as_deref(), Some("<1@x>"));
    }

    #[test]
    fn verdicts_in_our_name_are_removed_and_others_stay() {
        let others = "Authentication-Results: mail.other.org; spf=pass\r\n\
            X-Authentication-Results: mail.mired.org; spf=pass\r\n";
        let ours = "authentication-RESULTS:\r\n (a comment)\tMAIL.mired.org 1;\r\n dkim=pass\r\n\
            Authentication-Results: mail.mired.org; none\r\n";
        for origin in [origin(None), origin(Some("ana@mired.org"))] {
            let (header, _) = compose(&origin, &format!("From: a@x\r\n{ours}{others}"));
            assert!(header.contains(others) && !header.contains("dkim=pass"), "{header}");
            assert!(!header.contains("none"), "{header}");
        }
    }

    #[test]
    fn servers_that_it_came_through_are_counted() {
        let fields = "Received: a\r\nX-Received: b\r\nRECEIVED: c\r\n d\r\nReceived : e\r\n";
        assert_eq!(compose(&origin(None), fields).1.received, 3);
    }

    #[test]
    fn a_recipients_own_fields_stand_in_front() {
        let bob = Address::parse("bob@mired.org").unwrap();
        let null = prefix(&ReversePath(None), &bob, "");
        assert_eq!(null, b"Return-Path: <>\r\nDelivered-To: bob@mired.org\r\n");
        assert_eq!(delivered_before(&null), HashSet::from(["bob@mired.org".to_string()]));
        let header = "Delivered-To:\r\n BOB@mired.org \r\nX-Delivered-To: x\r\n\
            Delivered-To: Ñ@x\r\n\r\nDelivered-To: body@x\r\n";
        assert_eq!(
            delivered_before(header.as_bytes()),
            HashSet::from(["bob@mired.org", "ñ@x"].map(str::to_string))
        );
    }
}
