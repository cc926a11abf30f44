//! A policy as a domain publishes it on the web.

use crate::fields::is_name;
use std::fmt;
use std::time::Duration;

/// The longest policy that is read (RFC 8461 §3.3).
pub const POLICY_SIZE_MAX: usize = 64 * 1024;
/// So many patterns for hosts, at most.
pub const MX_MAX: usize = 256;
/// The longest time that a policy may be kept: a year, roughly (RFC 8461 §3.2). One that wants more
/// gets this.
pub const MAX_AGE_MAX: Duration = Duration::from_secs(31_557_600);

/// What a domain says of how it takes mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How seriously it is meant.
    pub mode: Mode,
    /// The hosts that take mail; none only in [`Mode::None`].
    pub mx: Vec<Pattern>,
    /// So long it may be kept.
    pub max_age: Duration,
}

/// How seriously a policy is meant (RFC 8461 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is delivered in another way.
    Enforce,
    /// Failures are reported, mail goes on.
    Testing,
    /// As if there were no policy.
    None,
}

impl Mode {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        }
    }
}

/// A host, or all that are one label below a domain; in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This host.
    Host(String),
    /// `*.` and this domain.
    Below(String),
}

/// Why a text is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// It is longer than [`POLICY_SIZE_MAX`].
    TooLong,
    /// It is not UTF-8.
    NotText,
    /// This line, from 1, is no field.
    BadLine(usize),
    /// This field has a value that it cannot have.
    BadValue(&'static str),
    /// This field is missing.
    Missing(&'static str),
    /// More than [`MX_MAX`] patterns.
    TooMany,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::TooLong => write!(f, "longer than {POLICY_SIZE_MAX} octets"),
            PolicyError::NotText => f.write_str("not UTF-8"),
            PolicyError::BadLine(line) => write!(f, "line {line} is not \"name: value\""),
            PolicyError::BadValue(name) => write!(f, "{name} has a value that it cannot have"),
            PolicyError::Missing(name) => write!(f, "{name} is missing"),
            PolicyError::TooMany => write!(f, "more than {MX_MAX} lines of mx"),
        }
    }
}

impl std::error::Error for PolicyError {}

/// Where the policy of `domain` is found (RFC 8461 §3.2).
pub fn policy_url(domain: &str) -> String {
    format!("https://mta-sts.{domain}/.well-known/mta-sts.txt")
}

/// Is it the one type that a policy may have? Else a web server that lets strangers put pages or
/// pictures anywhere would let them put policies there (RFC 8461 §3.2).
pub fn is_text_plain(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("text/plain")
}

impl Policy {
    /// ```text
    /// policy = field *(term field) [term]
    /// term   = LF / CRLF
    /// field  = name ":" *WSP value *WSP
    /// ```
    /// Fields that are not known are passed over; of those that stand twice, other than `mx`, the
    /// first counts (RFC 8461 §3.2).
    pub fn parse(text: &[u8]) -> Result<Policy, PolicyError> {
        if text.len() > POLICY_SIZE_MAX {
            return Err(PolicyError::TooLong);
        }
        let text = std::str::from_utf8(text).map_err(|_| PolicyError::NotText)?;
        let mut draft = Draft::default();
        let text = text.strip_suffix('\n').unwrap_or(text);
        for (i, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let (name, value) = field(line).ok_or(PolicyError::BadLine(i + 1))?;
            draft.take(name, value)?;
        }
        draft.finish()
    }

    /// As it is published; what [`Policy::parse`] reads as the same.
    pub fn print(&self) -> String {
        self.lines().into_iter().map(|line| line + "\r\n").collect()
    }

    /// Its lines, as reports quote them (RFC 8460 §4.4).
    pub fn lines(&self) -> Vec<String> {
        let head = ["version: STSv1".to_string(), format!("mode: {}", self.mode.as_str())];
        let mx = self.mx.iter().map(|pattern| format!("mx: {pattern}"));
        let age = format!("max_age: {}", self.max_age.as_secs());
        head.into_iter().chain(mx).chain([age]).collect()
    }

    /// May `host` take mail for the domain?
    pub fn allows(&self, host: &str) -> bool {
        self.mx.iter().any(|pattern| pattern.matches(host))
    }
}

impl Pattern {
    /// `["*."] domain`. Names in other scripts stand as A-labels.
    pub fn parse(text: &str) -> Option<Pattern> {
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        match text.strip_prefix("*.") {
            Some(domain) => is_domain(domain).then(|| Pattern::Below(domain.to_string())),
            None => is_domain(&text).then_some(Pattern::Host(text)),
        }
    }

    /// The star stands for exactly one label (RFC 8461 §4.1).
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self {
            Pattern::Host(name) => name.eq_ignore_ascii_case(host),
            Pattern::Below(domain) => host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && rest.eq_ignore_ascii_case(domain)
            }),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Host(name) => f.write_str(name),
            Pattern::Below(domain) => write!(f, "*.{domain}"),
        }
    }
}

fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim_matches([' ', '\t']);
    let good = is_name(name) && !value.is_empty() && !value.contains(|c: char| c.is_control());
    good.then_some((name, value))
}

/// A policy half read.
#[derive(Default)]
struct Draft {
    version: Option<()>,
    mode: Option<Mode>,
    mx: Vec<Pattern>,
    max_age: Option<Duration>,
}

impl Draft {
    fn take(&mut self, name: &str, value: &str) -> Result<(), PolicyError> {
        match name {
            "version" if self.version.is_none() => {
                self.version = Some((value == "STSv1").then_some(()).ok_or(BAD_VERSION)?);
            }
            "mode" if self.mode.is_none() => self.mode = Some(mode(value)?),
            "max_age" if self.max_age.is_none() => self.max_age = Some(max_age(value)?),
            "mx" if self.mx.len() == MX_MAX => return Err(PolicyError::TooMany),
            "mx" => self.mx.push(Pattern::parse(value).ok_or(PolicyError::BadValue("mx"))?),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Policy, PolicyError> {
        self.version.ok_or(PolicyError::Missing("version"))?;
        let mode = self.mode.ok_or(PolicyError::Missing("mode"))?;
        let max_age = self.max_age.ok_or(PolicyError::Missing("max_age"))?;
        if self.mx.is_empty() && mode != Mode::None {
            return Err(PolicyError::Missing("mx"));
        }
        Ok(Policy { mode, mx: self.mx, max_age })
    }
}

const BAD_VERSION: PolicyError = PolicyError::BadValue("version");

fn mode(value: &str) -> Result<Mode, PolicyError> {
    let all = [Mode::Enforce, Mode::Testing, Mode::None];
    all.into_iter().find(|mode| mode.as_str() == value).ok_or(PolicyError::BadValue("mode"))
}

/// `1*10DIGIT`, seconds.
fn max_age(value: &str) -> Result<Duration, PolicyError> {
    let digits = (1..=10).contains(&value.len()) && value.bytes().all(|c| c.is_ascii_digit());
    let seconds: Option<u64> = digits.then(|| value.parse().ok()).flatten();
    let seconds = seconds.ok_or(PolicyError::BadValue("max_age"))?;
    Ok(Duration::from_secs(seconds).min(MAX_AGE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8461 §3.2.
    const EXAMPLE: &str = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\n\
                           mx: backupmx.example.com\nmax_age: 604800\n";

    fn parse(text: &str) -> Result<Policy, PolicyError> {
        Policy::parse(text.as_bytes())
    }

    #[test]
    fn the_example_of_the_rfc() {
        let policy = parse(EXAMPLE).unwrap();
        assert_eq!((policy.mode, policy.mx.len()), (Mode::Enforce, 3));
        assert_eq!(policy.max_age, Duration::from_secs(604_800));
        for spelling in [
            EXAMPLE.replace('\n', "\r\n"),
            EXAMPLE.trim_end().to_string(),
            EXAMPLE.replace(": ", ":\t \t"),
            EXAMPLE.replace('\n', "  \n"),
            format!("{EXAMPLE}mode: none\nversion: STSv9\nmax_age: x\nx_y: später\n"),
            EXAMPLE.replace("mail.example.com", "MAIL.Example.com."),
        ] {
            assert_eq!(parse(&spelling), Ok(policy.clone()), "{spelling}");
        }
        assert_eq!(parse(&policy.print()), Ok(policy));
    }

    #[test]
    fn what_is_not_a_policy() {
        for (change, error) in [
            (("version: STSv1\n", ""), PolicyError::Missing("version")),
            (("STSv1", "STSv2"), PolicyError::BadValue("version")),
            (("STSv1", "stsv1"), PolicyError::BadValue("version")),
            (("mode: enforce\n", ""), PolicyError::Missing("mode")),
            (("enforce", "Enforce"), PolicyError::BadValue("mode")),
            (("max_age: 604800\n", ""), PolicyError::Missing("max_age")),
            (("604800", "-1"), PolicyError::BadValue("max_age")),
            (("604800", "12345678901"), PolicyError::BadValue("max_age")),
            (("604800", "1h"), PolicyError::BadValue("max_age")),
            (("*.example.net", "*example.net"), PolicyError::BadValue("mx")),
            (("*.example.net", "*.*.example.net"), PolicyError::BadValue("mx")),
            (("*.example.net", "a..b"), PolicyError::BadValue("mx")),
            (("*.example.net", "10.0.0.1:25"), PolicyError::BadValue("mx")),
            (("mode: ", "mode "), PolicyError::BadLine(2)),
            (("mode: enforce", ""), PolicyError::BadLine(2)),
            (("mode: enforce", "mode:"), PolicyError::BadLine(2)),
            (("mode", " mode"), PolicyError::BadLine(2)),
            (("enforce", "en\rforce"), PolicyError::BadLine(2)),
        ] {
            let text = EXAMPLE.replacen(change.0, change.1, 1);
            assert_eq!(parse(&text), Err(error), "{text}");
        }
        assert_eq!(Policy::parse(b""), Err(PolicyError::BadLine(1)));
        assert_eq!(Policy::parse(b"\xff"), Err(PolicyError::NotText));
        assert_eq!(Policy::parse(&[b'a'; POLICY_SIZE_MAX + 1]), Err(PolicyError::TooLong));
        let many = "mx: a.example\n".repeat(MX_MAX + 1);
        assert_eq!(parse(&format!("{many}{EXAMPLE}")), Err(PolicyError::TooMany));
    }

    #[test]
    fn only_none_needs_no_host() {
        let bare = |mode| parse(&format!("version: STSv1\nmode: {mode}\nmax_age: 9999999999"));
        assert_eq!(bare("enforce"), Err(PolicyError::Missing("mx")));
        assert_eq!(bare("testing"), Err(PolicyError::Missing("mx")));
        let none = bare("none").unwrap();
        assert_eq!((none.mode, none.max_age), (Mode::None, MAX_AGE_MAX));
        assert!(!none.allows("a.example"));
    }

    #[test]
    fn a_star_is_one_label() {
        for (pattern, host, matches) in [
            ("mx.example.com", "MX.example.com.", true),
            ("mx.example.com", "x.mx.example.com", false),
            ("*.example.com", "mx.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "mxexample.com", false),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(host), matches, "{pattern} {host}");
        }
    }

    #[test]
    fn a_policy_is_plain_text() {
        for good in ["text/plain", "Text/Plain; charset=utf-8", " text/plain ;x"] {
            assert!(is_text_plain(good), "{good}");
        }
        for bad in ["", "text/html", "text/plainly", "application/text", "text/html; text/plain"] {
            assert!(!is_text_plain(bad), "{bad}");
        }
    }
}
