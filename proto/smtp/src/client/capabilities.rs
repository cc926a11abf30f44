//! What a server offers: the reply to EHLO (RFC 5321 §4.1.1.1).

use super::reply::Reply;

/// Most mechanisms of AUTH that are looked at.
const MECHANISMS_MAX: usize = 32;

/// What a server offers. Everything is off after HELO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `PIPELINING` (RFC 2920).
    pub pipelining: bool,
    /// `CHUNKING` (RFC 3030).
    pub chunking: bool,
    /// `BINARYMIME` (RFC 3030).
    pub binary_mime: bool,
    /// `8BITMIME` (RFC 6152).
    pub eight_bit_mime: bool,
    /// `SMTPUTF8` (RFC 6531).
    pub smtputf8: bool,
    /// `STARTTLS` (RFC 3207).
    pub starttls: bool,
    /// `REQUIRETLS` (RFC 8689).
    pub requiretls: bool,
    /// `DSN` (RFC 3461).
    pub dsn: bool,
    /// `ENHANCEDSTATUSCODES` (RFC 2034).
    pub enhanced_status_codes: bool,
    /// `SIZE` (RFC 1870).
    pub size: bool,
    /// The most octets of a message, if `SIZE` names them; `SIZE 0` names none.
    pub size_max: Option<u64>,
    /// Most recipients of a transaction (RFC 9422 `RCPTMAX`).
    pub recipients_max: Option<u64>,
    /// Most transactions of a session (RFC 9422 `MAILMAX`).
    pub messages_max: Option<u64>,
    /// The mechanisms of `AUTH` (RFC 4954), in upper case.
    pub mechanisms: Vec<String>,
}

impl Capabilities {
    /// Reads the reply to EHLO; its first line is a greeting.
    pub(super) fn read(reply: &Reply) -> Capabilities {
        let mut capabilities = Capabilities::default();
        reply.lines.iter().skip(1).for_each(|line| capabilities.read_line(line));
        capabilities
    }

    /// Keywords are read in any case, with blanks anywhere, and `AUTH=` as servers older than
    /// RFC 2554 have it. What is not known is passed over.
    pub(super) fn read_line(&mut self, line: &str) {
        let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else { return };
        match keyword.to_ascii_uppercase().as_str() {
            "PIPELINING" => self.pipelining = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary_mime = true,
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "STARTTLS" => self.starttls = true,
            "REQUIRETLS" => self.requiretls = true,
            "DSN" => self.dsn = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "SIZE" => {
                self.size = true;
                let octets = words.next().and_then(|word| word.parse().ok());
                self.size_max = octets.filter(|octets| *octets > 0);
            }
            "AUTH" => words.for_each(|word| self.add_mechanism(word)),
            "LIMITS" => self.read_limits(line),
            _ => {}
        }
    }

    fn add_mechanism(&mut self, word: &str) {
        let name = word.to_ascii_uppercase();
        if self.mechanisms.len() < MECHANISMS_MAX && !self.mechanisms.contains(&name) {
            self.mechanisms.push(name);
        }
    }

    /// ```abnf
    /// limits = "LIMITS" 1*( SP limit-name "=" limit-value )
    /// ```
    fn read_limits(&mut self, line: &str) {
        for word in line.split_ascii_whitespace().skip(1) {
            let Some((name, value)) = word.split_once('=') else { continue };
            let value = value.parse().ok().filter(|count| *count > 0);
            match name.to_ascii_uppercase().as_str() {
                "RCPTMAX" => self.recipients_max = value,
                "MAILMAX" => self.messages_max = value,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_real_lines_are_read() {
        let read = |lines: &[&str]| {
            let mut capabilities = Capabilities::default();
            lines.iter().for_each(|line| capabilities.read_line(line));
            capabilities
        };
        let none = Capabilities::default;
        for (lines, want) in [
            (&["pipelining", "XFORWARD NAME", ""][..], Capabilities { pipelining: true, ..none() }),
            (&["SIZE"], Capabilities { size: true, ..none() }),
            (&["SIZE 0"], Capabilities { size: true, ..none() }),
            (&["SIZE  x"], Capabilities { size: true, ..none() }),
            (&["Size 52428800 "], Capabilities { size: true, size_max: Some(52428800), ..none() }),
            (
                &["AUTH=LOGIN PLAIN", "AUTH plain CRAM-MD5"],
                Capabilities {
                    mechanisms: ["LOGIN", "PLAIN", "CRAM-MD5"].map(String::from).to_vec(),
                    ..none()
                },
            ),
            (
                &["LIMITS RCPTMAX=50 MAILMAX=0 RCPTDOMAINMAX=1 x"],
                Capabilities { recipients_max: Some(50), ..none() },
            ),
            (&["8BITMIME extra words"], Capabilities { eight_bit_mime: true, ..none() }),
        ] {
            assert_eq!(read(lines), want, "{lines:?}");
        }
    }
}
