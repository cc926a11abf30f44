//! What the sender of a message wants to be told, and how (RFC 3461); what octets it has.

use std::fmt;
use words_base::SyntaxError;

/// When to report on a recipient: `NOTIFY=` of RCPT (RFC 3461 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Notify {
    /// Nothing was said: failures are reported, and delays.
    #[default]
    Unsaid,
    /// `NEVER`
    Never,
    /// At these, and only these.
    On {
        /// `SUCCESS`
        success: bool,
        /// `FAILURE`
        failure: bool,
        /// `DELAY`
        delay: bool,
    },
}

impl Notify {
    /// Reads the value of `NOTIFY=`, in any case.
    ///
    /// ```abnf
    /// notify-esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )
    /// ```
    ///
    /// ```
    /// # use words_mail::Notify;
    /// let notify = Notify::parse("success,DELAY").unwrap();
    /// assert!(notify.on_success() && !notify.on_failure() && notify.on_delay());
    /// assert_eq!(notify.to_string(), "SUCCESS,DELAY");
    /// assert!(Notify::parse("NEVER,DELAY").is_err());
    /// ```
    pub fn parse(value: &str) -> Result<Notify, SyntaxError> {
        if value.eq_ignore_ascii_case("NEVER") {
            return Ok(Notify::Never);
        }
        let (mut success, mut failure, mut delay) = (false, false, false);
        let mut at = 0;
        for word in value.split(',') {
            match word {
                w if w.eq_ignore_ascii_case("SUCCESS") => success = true,
                w if w.eq_ignore_ascii_case("FAILURE") => failure = true,
                w if w.eq_ignore_ascii_case("DELAY") => delay = true,
                _ => return Err(SyntaxError::new(at, "NEVER, or some of SUCCESS,FAILURE,DELAY")),
            }
            at += word.len() + 1;
        }
        Ok(Notify::On { success, failure, delay })
    }

    /// Shall a report say that the message was delivered?
    pub fn on_success(self) -> bool {
        matches!(self, Notify::On { success: true, .. })
    }

    /// Shall a report say that the message was not delivered, and will not be?
    pub fn on_failure(self) -> bool {
        matches!(self, Notify::Unsaid | Notify::On { failure: true, .. })
    }

    /// Shall a report say that the message is late?
    pub fn on_delay(self) -> bool {
        matches!(self, Notify::Unsaid | Notify::On { delay: true, .. })
    }

    /// As one octet of a record.
    pub fn to_octet(self) -> u8 {
        match self {
            Notify::Unsaid => 0,
            Notify::Never => 1,
            Notify::On { success, failure, delay } => {
                1 | u8::from(success) << 1 | u8::from(failure) << 2 | u8::from(delay) << 3
            }
        }
    }

    /// What [`Notify::to_octet`] has written; `None` for any other octet.
    pub fn from_octet(octet: u8) -> Option<Notify> {
        match octet {
            0 => Some(Notify::Unsaid),
            1 => Some(Notify::Never),
            3..=15 if octet & 1 == 1 => Some(Notify::On {
                success: octet & 2 != 0,
                failure: octet & 4 != 0,
                delay: octet & 8 != 0,
            }),
            _ => None,
        }
    }
}

/// The value of `NOTIFY=`; nothing if nothing was said.
impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (success, failure, delay) = match *self {
            Notify::Unsaid => return Ok(()),
            Notify::On { success, failure, delay } if success || failure || delay => {
                (success, failure, delay)
            }
            Notify::Never | Notify::On { .. } => return f.write_str("NEVER"),
        };
        let words = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
        for (i, (_, word)) in words.into_iter().filter(|(said, _)| *said).enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            f.write_str(word)?;
        }
        Ok(())
    }
}

/// How much of the message a report of failure gives back: `RET=` of MAIL (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ret {
    /// `FULL`
    Full,
    /// `HDRS`
    Headers,
}

impl Ret {
    /// As it is written in MAIL.
    pub fn name(self) -> &'static str {
        match self {
            Ret::Full => "FULL",
            Ret::Headers => "HDRS",
        }
    }
}

/// What kind of octets a message has: `BODY=` of MAIL (RFC 6152, RFC 3030 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BodyType {
    /// `7BIT`, or nothing said.
    #[default]
    SevenBit,
    /// `8BITMIME`
    EightBitMime,
    /// `BINARYMIME`: not lines at all.
    BinaryMime,
}

impl BodyType {
    /// As it is written in MAIL.
    pub fn name(self) -> &'static str {
        match self {
            BodyType::SevenBit => "7BIT",
            BodyType::EightBitMime => "8BITMIME",
            BodyType::BinaryMime => "BINARYMIME",
        }
    }
}

/// Whom the sender meant: `ORCPT=` of RCPT (RFC 3461 §4.2), its xtext decoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginalRecipient {
    /// The type of address, such as `rfc822`.
    pub kind: String,
    /// The address.
    pub address: String,
}

impl OriginalRecipient {
    /// Longest value of `ORCPT=` as it is written (RFC 3461 §4.2), in octets.
    pub const WRITTEN_MAX: usize = 500;

    /// Reads the value of `ORCPT=`; `None` if it is none.
    ///
    /// ```abnf
    /// original-recipient-address = addr-type ";" xtext
    /// ```
    ///
    /// ```
    /// # use words_mail::OriginalRecipient;
    /// let meant = OriginalRecipient::parse("rfc822;Bob+2Bx@y.org").unwrap();
    /// assert_eq!((meant.kind.as_str(), meant.address.as_str()), ("rfc822", "Bob+x@y.org"));
    /// assert_eq!(meant.to_string(), "rfc822;Bob+2Bx@y.org");
    /// ```
    pub fn parse(value: &str) -> Option<OriginalRecipient> {
        let (kind, address) = value.split_once(';')?;
        let atom = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if value.len() > Self::WRITTEN_MAX || kind.is_empty() || !kind.bytes().all(atom) {
            return None;
        }
        let address = decode_xtext(address)?;
        Some(OriginalRecipient { kind: kind.to_string(), address })
    }
}

/// The value of `ORCPT=`: octets of an address in UTF-8 are written as xtext does (RFC 6533 §3
/// `utf-8-addr-xtext` is for those who may not use SMTPUTF8, and is kept as it came).
impl fmt::Display for OriginalRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{}", self.kind, encode_xtext(&self.address))
    }
}

/// Decodes xtext (RFC 3461 §4); `None` if it is not, or not UTF-8, or has control characters.
///
/// ```abnf
/// xtext   = *( xchar / hexchar )
/// hexchar = "+" 2(%x30-39 / %x41-46)
/// ```
pub fn decode_xtext(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        match b {
            b'+' => out.push(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?),
            b'=' | 0..=b' ' | 0x7f => return None,
            b => out.push(b),
        }
    }
    String::from_utf8(out).ok().filter(|t| !t.chars().any(char::is_control))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|d| d as u8)
}

/// Writes xtext (RFC 3461 §4): ASCII, whatever the text has.
pub fn encode_xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'!'..=b'~' if b != b'+' && b != b'=' => out.push(char::from(b)),
            b => out.push_str(&format!("+{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notify_is_read_as_it_is_written_and_kept() {
        for text in
            ["NEVER", "SUCCESS", "FAILURE", "DELAY", "SUCCESS,FAILURE", "SUCCESS,FAILURE,DELAY"]
        {
            let notify = Notify::parse(text).unwrap();
            assert_eq!(notify.to_string(), text);
            assert_eq!(Notify::parse(&text.to_lowercase()), Ok(notify));
            assert_eq!(Notify::from_octet(notify.to_octet()), Some(notify));
        }
        assert_eq!(Notify::from_octet(Notify::Unsaid.to_octet()), Some(Notify::Unsaid));
        let known = (0..=255).filter(|o| Notify::from_octet(*o).is_some()).count();
        assert_eq!(known, 9);
        for (text, at) in [("", 0), ("NEVER,DELAY", 0), ("DELAY,", 6), ("DELAY, FAILURE", 6)] {
            assert_eq!(Notify::parse(text).unwrap_err().at, at, "{text}");
        }
    }

    #[test]
    fn nothing_said_means_failures_and_delays() {
        for (notify, success, failure, delay) in [
            (Notify::Unsaid, false, true, true),
            (Notify::Never, false, false, false),
            (Notify::parse("SUCCESS").unwrap(), true, false, false),
        ] {
            let found = (notify.on_success(), notify.on_failure(), notify.on_delay());
            assert_eq!(found, (success, failure, delay), "{notify:?}");
        }
    }

    #[test]
    fn xtext_is_decoded_and_written() {
        assert_eq!(decode_xtext("a+2Bb+3dc").as_deref(), Some("a+b=c"));
        for bad in ["+", "+2", "+GG", "a=b", "+00", "+FF", "a b"] {
            assert_eq!(decode_xtext(bad), None, "{bad}");
        }
        for text in ["", "a+b=c", "ñ@x", "two words"] {
            let written = encode_xtext(text);
            assert!(written.bytes().all(|b| b.is_ascii_graphic()), "{written}");
            assert_eq!(decode_xtext(&written).as_deref(), Some(text));
        }
    }

    #[test]
    fn whom_the_sender_meant_has_a_type() {
        for bad in ["", "a@b", ";a@b", "rf c;a", "rfc822;a b", "rfc822;+"] {
            assert_eq!(OriginalRecipient::parse(bad), None, "{bad}");
        }
        assert_eq!(OriginalRecipient::parse(&format!("rfc822;{}", "a".repeat(494))), None);
        assert!(OriginalRecipient::parse(&format!("rfc822;{}", "a".repeat(493))).is_some());
    }
}
