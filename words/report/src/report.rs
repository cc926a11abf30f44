//! A report in the making: what stands before the returned message, and what behind it.

use crate::human::human_part;
use crate::status_part::status_part;
use crate::text::words;
use crate::{Language, quoted};
use words_base::Timestamp;
use words_mail::{Address, EnhancedStatus, OriginalRecipient};
use words_message::{DateTime, compose, encode_words};

/// Octets of the original subject that are repeated.
const SUBJECT_MAX: usize = 200;

/// What is reported of one message (RFC 3464).
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Our name.
    pub reporting_mta: &'a str,
    /// Whom it is for: the sender of the message.
    pub to: &'a Address,
    /// When it is made.
    pub at: Timestamp,
    /// Its own Message-ID, with angle brackets.
    pub message_id: &'a str,
    /// Its boundary: something that no message holds, of letters and digits.
    pub boundary: &'a str,
    /// In which language a person is told.
    pub language: Language,
    /// Its parts may have UTF-8 where others have ASCII (RFC 6533).
    pub utf8: bool,
    /// What it is about.
    pub original: Original<'a>,
    /// Of whom, at least one.
    pub recipients: &'a [Recipient],
    /// How much of the message is given back behind [`Report::opening`].
    pub returned: Returned,
}

/// The message that is reported on.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    /// Its id here: what our log and Received say.
    pub id: &'a str,
    /// `ENVID=`, decoded.
    pub envid: Option<&'a str>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Its subject, decoded.
    pub subject: &'a str,
    /// Its Message-ID, with angle brackets.
    pub message_id: Option<&'a str>,
}

/// What became of one recipient.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Who.
    pub address: Address,
    /// Whom the sender meant.
    pub orcpt: Option<OriginalRecipient>,
    /// What.
    pub action: Action,
    /// Its status.
    pub status: EnhancedStatus,
    /// The reply's code, if a peer gave one.
    pub code: Option<u16>,
    /// The exact words.
    pub text: String,
    /// Who said them, name first; `None`: we.
    pub by: Option<String>,
    /// When it was tried last.
    pub at: Timestamp,
}

/// What became of a recipient (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was given up at once.
    Failed,
    /// It was given up after so many seconds.
    Expired(u64),
    /// It is late.
    Delayed {
        /// Until when it is tried.
        until: Timestamp,
    },
    /// It is in the recipient's mailbox.
    Delivered,
    /// It was handed to a server that does not report.
    Relayed,
}

impl Action {
    /// The word of RFC 3464 §2.3.3.
    pub fn word(self) -> &'static str {
        match self {
            Action::Failed | Action::Expired(_) => "failed",
            Action::Delayed { .. } => "delayed",
            Action::Delivered => "delivered",
            Action::Relayed => "relayed",
        }
    }
}

/// How much of the message is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Its header: as [`crate::returned_header`] gives it.
    Header,
    /// All of it, as it is.
    Whole {
        /// Has it octets over 127?
        eight_bit: bool,
    },
}

impl Report<'_> {
    /// Everything up to the returned message, which follows at once.
    pub fn opening(&self) -> String {
        let mut out = self.header();
        let part = |out: &mut String, fields: &[&str]| {
            out.push_str(&format!("\r\n--{}\r\n", self.boundary));
            fields.iter().for_each(|field| {
                out.push_str(field);
                out.push_str("\r\n");
            });
            out.push_str("\r\n");
        };
        let language = format!("Content-Language: {}", self.language.code());
        part(
            &mut out,
            &[
                "Content-Type: text/plain; charset=utf-8",
                &language,
                "Content-Transfer-Encoding: quoted-printable",
            ],
        );
        out.push_str(&quoted::quoted_printable(&human_part(self)));
        part(&mut out, &self.status_fields());
        out.push_str(&status_part(self));
        part(&mut out, &self.returned_fields());
        out
    }

    /// What follows the returned message.
    pub fn closing(&self) -> String {
        format!("\r\n--{}--\r\n", self.boundary)
    }

    fn header(&self) -> String {
        let words = words(self.language);
        let mut out = compose::field("Date", &DateTime::utc(self.at).to_field());
        let from = format!("{} <postmaster@{}>", words.sender, self.reporting_mta);
        out.push_str(&compose::field("From", &from));
        out.push_str(&compose::field("To", &format!("<{}>", self.to)));
        out.push_str(&compose::field("Subject", &self.subject()));
        out.push_str(&compose::field("Message-ID", self.message_id));
        if let Some(message_id) = self.original.message_id {
            // Who shows conversations shows it beside the message.
            out.push_str(&compose::field("In-Reply-To", message_id));
            out.push_str(&compose::field("References", message_id));
        }
        // RFC 3834 §5: nobody's robot answers this.
        out.push_str("Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
        let eight_bit = self.utf8 || self.returned == Returned::Whole { eight_bit: true };
        if eight_bit {
            out.push_str("Content-Transfer-Encoding: 8bit\r\n");
        }
        out.push_str("Content-Type: multipart/report; report-type=delivery-status;\r\n");
        out.push_str(&format!(" boundary=\"{}\"\r\n", self.boundary));
        out
    }

    fn subject(&self) -> String {
        let words = words(self.language);
        let worst = |wanted: &str| self.recipients.iter().any(|r| r.action.word() == wanted);
        let template = match () {
            () if worst("failed") => words.subject_failed,
            () if worst("delayed") => words.subject_delayed,
            () => words.subject_delivered,
        };
        let subject = self.original.subject;
        let subject = &subject[..subject.floor_char_boundary(SUBJECT_MAX)];
        let subject = template.replace("{}", subject.trim());
        let subject: String =
            subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut encoded = Vec::new();
        encode_words(subject.trim_end_matches([' ', ':']).as_bytes(), &mut encoded);
        String::from_utf8_lossy(&encoded).into_owned()
    }

    fn status_fields(&self) -> Vec<&'static str> {
        match self.utf8 {
            false => vec!["Content-Type: message/delivery-status"],
            true => vec![
                "Content-Type: message/global-delivery-status",
                "Content-Transfer-Encoding: 8bit",
            ],
        }
    }

    fn returned_fields(&self) -> Vec<&'static str> {
        let mut fields = vec![match (self.returned, self.utf8) {
            (Returned::Header, false) => "Content-Type: text/rfc822-headers",
            (Returned::Header, true) => "Content-Type: message/global-headers",
            (Returned::Whole { .. }, false) => "Content-Type: message/rfc822",
            (Returned::Whole { .. }, true) => "Content-Type: message/global",
        }];
        if self.utf8 || self.returned == (Returned::Whole { eight_bit: true }) {
            fields.push("Content-Transfer-Encoding: 8bit");
        }
        fields
    }
}
