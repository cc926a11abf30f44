//! One message for some recipients, and how it is written in commands.

use super::capabilities::Capabilities;
use super::outcome::{Dsn, Needed};
use std::io::Write as _;
use words_mail::{
    Address, BodyType, ForwardPath, Notify, OriginalRecipient, Ret, ReversePath, encode_xtext,
};

/// One message for some recipients. The octets themselves follow when the machine asks for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction {
    /// The address to report to.
    pub reverse_path: ReversePath,
    /// Its size in octets, if it is known: it is told to a server that wants to know, and not sent
    /// to one that takes less.
    pub size: Option<u64>,
    /// What octets it has. What the server does not offer is not sent; whoever knows that a message
    /// said to be 8BITMIME is ASCII says so here.
    pub body: BodyType,
    /// Does its header hold UTF-8? Needed for addresses beyond ASCII whatever is said here.
    pub smtputf8: bool,
    /// Must it never go on without TLS (RFC 8689)?
    pub requiretls: bool,
    /// `RET=`
    pub ret: Option<Ret>,
    /// `ENVID=`, not in xtext.
    pub envid: Option<String>,
    /// Who shall have it; at least one.
    pub recipients: Vec<Recipient>,
}

/// Who shall have a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    /// Where to.
    pub address: ForwardPath,
    /// `NOTIFY=`
    pub notify: Notify,
    /// `ORCPT=`
    pub orcpt: Option<OriginalRecipient>,
}

impl Recipient {
    /// With nothing said of reports.
    pub fn new(address: Address) -> Recipient {
        Recipient { address: ForwardPath::Address(address), notify: Notify::Unsaid, orcpt: None }
    }
}

impl Transaction {
    /// A message of 7-bit lines, with nothing special about it.
    pub fn new(reverse_path: ReversePath, recipients: Vec<Recipient>) -> Transaction {
        Transaction {
            reverse_path,
            size: None,
            body: BodyType::SevenBit,
            smtputf8: false,
            requiretls: false,
            ret: None,
            envid: None,
            recipients,
        }
    }

    fn needs_smtputf8(&self) -> bool {
        let sender = self.reverse_path.0.iter();
        let recipients = self.recipients.iter().filter_map(|recipient| match &recipient.address {
            ForwardPath::Address(address) => Some(address),
            ForwardPath::Postmaster => None,
        });
        self.smtputf8 || sender.chain(recipients).any(|address| !address.is_ascii())
    }

    /// What the server would have to offer and does not.
    pub(super) fn missing(&self, offered: &Capabilities) -> Option<Needed> {
        let missing = [
            (self.needs_smtputf8() && !offered.smtputf8, Needed::SmtpUtf8),
            (self.requiretls && !offered.requiretls, Needed::RequireTls),
            (self.body == BodyType::EightBitMime && !offered.eight_bit_mime, Needed::EightBitMime),
            (
                self.body == BodyType::BinaryMime && !(offered.binary_mime && offered.chunking),
                Needed::BinaryMime,
            ),
        ];
        let missing = missing.into_iter().find_map(|(missing, what)| missing.then_some(what));
        missing.or_else(|| {
            let size_max = offered.size_max?;
            self.size.filter(|size| *size > size_max).map(|_| Needed::Size { size_max })
        })
    }

    /// MAIL with what the server has offered. Nothing in it can end the line: addresses hold no
    /// control characters, and ENVID goes as xtext.
    pub(super) fn write_mail(&self, offered: &Capabilities, out: &mut Vec<u8>) {
        // A vector takes everything.
        let _ = write!(out, "MAIL FROM:{}", self.reverse_path);
        if let Some(size) = self.size.filter(|_| offered.size) {
            let _ = write!(out, " SIZE={size}");
        }
        if self.body != BodyType::SevenBit {
            let _ = write!(out, " BODY={}", self.body.name());
        }
        if self.needs_smtputf8() {
            out.extend_from_slice(b" SMTPUTF8");
        }
        if self.requiretls {
            out.extend_from_slice(b" REQUIRETLS");
        }
        if let Some(ret) = self.ret.filter(|_| offered.dsn) {
            let _ = write!(out, " RET={}", ret.name());
        }
        if let Some(envid) = self.envid.as_ref().filter(|e| offered.dsn && !e.is_empty()) {
            let _ = write!(out, " ENVID={}", encode_xtext(envid));
        }
        out.extend_from_slice(b"\r\n");
    }

    /// RCPT for the recipient at `index`.
    pub(super) fn write_rcpt(&self, index: usize, offered: &Capabilities, out: &mut Vec<u8>) {
        let Some(recipient) = self.recipients.get(index) else { return };
        let _ = write!(out, "RCPT TO:{}", recipient.address);
        if offered.dsn && recipient.notify != Notify::Unsaid {
            let _ = write!(out, " NOTIFY={}", recipient.notify);
        }
        if let Some(meant) = recipient.orcpt.as_ref().filter(|_| offered.dsn) {
            let written = meant.to_string();
            if written.len() <= OriginalRecipient::WRITTEN_MAX {
                let _ = write!(out, " ORCPT={written}");
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Do the parameters of RFC 3461 go along?
    pub(super) fn dsn(offered: &Capabilities) -> Dsn {
        if offered.dsn { Dsn::Passed } else { Dsn::NotOffered }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Capabilities {
        let mut all = Capabilities::default();
        for line in ["SIZE 1000", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "DSN"] {
            all.read_line(line);
        }
        all.read_line("REQUIRETLS");
        all
    }

    fn transaction(from: &str, to: &str) -> Transaction {
        let path = (!from.is_empty()).then(|| Address::parse(from).unwrap());
        Transaction::new(ReversePath(path), vec![Recipient::new(Address::parse(to).unwrap())])
    }

    fn written(transaction: &Transaction, offered: &Capabilities) -> String {
        let mut out = Vec::new();
        transaction.write_mail(offered, &mut out);
        transaction.write_rcpt(0, offered, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn parameters_are_written_only_where_they_were_offered() {
        let mut full = transaction("ana@x.org", "\"b b\"@y.org");
        full.size = Some(7);
        full.ret = Some(Ret::Headers);
        full.envid = Some("a+b \r\nQUIT".to_string());
        full.recipients[0].notify = Notify::Never;
        full.recipients[0].orcpt = OriginalRecipient::parse("rfc822;eva@y.org");
        let bare = "MAIL FROM:<ana@x.org>\r\nRCPT TO:<\"b b\"@y.org>\r\n";
        assert_eq!(written(&full, &Capabilities::default()), bare);
        full.body = BodyType::BinaryMime;
        full.requiretls = true;
        assert_eq!(
            written(&full, &everything()),
            "MAIL FROM:<ana@x.org> SIZE=7 BODY=BINARYMIME REQUIRETLS RET=HDRS \
             ENVID=a+2Bb+20+0D+0AQUIT\r\nRCPT TO:<\"b b\"@y.org> NOTIFY=NEVER \
             ORCPT=rfc822;eva@y.org\r\n"
        );
        let wide = transaction("", "ñ@y.org");
        assert_eq!(written(&wide, &everything()), "MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<ñ@y.org>\r\n");
    }

    #[test]
    fn what_is_needed_and_not_offered_is_named() {
        let plain = transaction("a@x", "b@y");
        let cases: [(Transaction, Option<Needed>); 7] = [
            (plain.clone(), None),
            (transaction("a@x", "ñ@y"), Some(Needed::SmtpUtf8)),
            (Transaction { smtputf8: true, ..plain.clone() }, Some(Needed::SmtpUtf8)),
            (Transaction { requiretls: true, ..plain.clone() }, Some(Needed::RequireTls)),
            (
                Transaction { body: BodyType::EightBitMime, ..plain.clone() },
                Some(Needed::EightBitMime),
            ),
            (Transaction { body: BodyType::BinaryMime, ..plain.clone() }, Some(Needed::BinaryMime)),
            (Transaction { size: Some(1000), ..plain.clone() }, None),
        ];
        for (transaction, needed) in cases {
            assert_eq!(transaction.missing(&Capabilities::default()), needed, "{transaction:?}");
            assert_eq!(transaction.missing(&everything()), None, "{transaction:?}");
        }
        let large = Transaction { size: Some(1001), ..plain };
        assert_eq!(large.missing(&everything()), Some(Needed::Size { size_max: 1000 }));
    }
}
