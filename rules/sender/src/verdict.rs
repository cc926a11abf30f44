//! What was found, in the words of RFC 8601 §2.7.

use std::fmt;
use std::net::IpAddr;

/// A result, as Authentication-Results writes it (RFC 8601 §2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ResultWord {
    /// There was nothing to check.
    #[default]
    None,
    /// It is genuine.
    Pass,
    /// It is not.
    Fail,
    /// SPF alone: probably not.
    SoftFail,
    /// Nothing can be said.
    Neutral,
    /// Genuine by the letter, but not in a way that we believe.
    Policy,
    /// The DNS could not be asked: later it may be another.
    TempError,
    /// What is published, or signed, cannot be understood.
    PermError,
}

impl ResultWord {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            ResultWord::None => "none",
            ResultWord::Pass => "pass",
            ResultWord::Fail => "fail",
            ResultWord::SoftFail => "softfail",
            ResultWord::Neutral => "neutral",
            ResultWord::Policy => "policy",
            ResultWord::TempError => "temperror",
            ResultWord::PermError => "permerror",
        }
    }

    /// Reads it. `None`: no such word.
    pub fn parse(word: &str) -> Option<ResultWord> {
        use ResultWord::*;
        let all = [None, Pass, Fail, SoftFail, Neutral, Policy, TempError, PermError];
        all.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for ResultWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All that was found about the sender of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// Does the peer's address have a name that leads back to it?
    pub iprev: IprevVerdict,
    /// May the peer send for the domain of the reverse-path?
    pub spf: SpfVerdict,
    /// One for each signature looked at, in the order of the header.
    pub dkim: Vec<DkimVerdict>,
    /// May the author's domain be believed?
    pub dmarc: DmarcVerdict,
    /// What those who handed the message on have sealed.
    pub arc: ArcVerdict,
    /// Is there more than one From field (RFC 5322 §3.6)? A reader may show the other one.
    pub from_repeated: bool,
}

/// RFC 8601 §3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IprevVerdict {
    /// `pass`, `fail`, `temperror`, `permerror` (no name at all).
    pub result: ResultWord,
    /// The peer.
    pub address: IpAddr,
    /// The name that was found, if it leads back.
    pub name: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// Which identity SPF checked (RFC 7208 §2.3, §2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The address of MAIL FROM.
    MailFrom(String),
    /// The name of HELO, since the reverse-path was null.
    Helo(String),
}

impl Identity {
    /// The domain that was asked.
    pub fn domain(&self) -> &str {
        match self {
            Identity::MailFrom(address) => address.rsplit_once('@').map_or(address, |(_, d)| d),
            Identity::Helo(name) => name,
        }
    }
}

/// RFC 7208 §2.6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpfVerdict {
    /// Never `policy`.
    pub result: ResultWord,
    /// Whom it is about.
    pub identity: Identity,
    /// The mechanism that matched, or what went wrong.
    pub reason: String,
}

/// What is suspicious about a signature that may be right by the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DkimFlaw {
    /// `l=`: more was written behind what is signed (RFC 6376 §8.2).
    BodyLonger,
    /// `l=`: more could have been written behind what is signed.
    BodyLimited,
    /// A second From, not signed, stands beside the signed one (RFC 6376 §8.15).
    FromRepeated,
    /// Its owner says that it is a test (`t=y`).
    Testing,
}

impl DkimFlaw {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            DkimFlaw::BodyLonger => "more follows the signed part of the body",
            DkimFlaw::BodyLimited => "only a length of the body is signed",
            DkimFlaw::FromRepeated => "there is a From that is not signed",
            DkimFlaw::Testing => "the key is for tests",
        }
    }
}

/// One signature (RFC 6376 §3.9, §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimVerdict {
    /// Never `softfail`.
    pub result: ResultWord,
    /// Who signed: `d=`; empty if that could not be read.
    pub domain: String,
    /// By which key: `s=`.
    pub selector: String,
    /// For whom: `i=`, if it is written.
    pub identity: Option<String>,
    /// `a=`, as written.
    pub algorithm: String,
    /// The beginning of `b=`, which tells signatures apart (RFC 6008).
    pub signature: String,
    /// What is suspicious about it.
    pub flaws: Vec<DkimFlaw>,
    /// Why, in words.
    pub reason: String,
}

impl DkimVerdict {
    /// Is it right, and does nothing take its worth away? Only such a one speaks for DMARC.
    pub fn is_sound(&self) -> bool {
        let spoils = |flaw: &DkimFlaw| {
            matches!(flaw, DkimFlaw::BodyLonger | DkimFlaw::FromRepeated | DkimFlaw::Testing)
        };
        self.result == ResultWord::Pass && !self.flaws.iter().any(spoils)
    }
}

/// What a domain asks to be done with what is not from it (RFC 7489 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DmarcPolicy {
    /// Nothing.
    #[default]
    None,
    /// To be put aside.
    Quarantine,
    /// To be refused.
    Reject,
}

impl DmarcPolicy {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            DmarcPolicy::None => "none",
            DmarcPolicy::Quarantine => "quarantine",
            DmarcPolicy::Reject => "reject",
        }
    }

    /// Reads it. `None`: no such policy.
    pub fn parse(word: &str) -> Option<DmarcPolicy> {
        let all = [DmarcPolicy::None, DmarcPolicy::Quarantine, DmarcPolicy::Reject];
        all.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word))
    }

    /// The next milder one, for a domain that is still testing (`t=y`).
    pub fn milder(self) -> DmarcPolicy {
        match self {
            DmarcPolicy::Reject => DmarcPolicy::Quarantine,
            DmarcPolicy::Quarantine | DmarcPolicy::None => DmarcPolicy::None,
        }
    }
}

/// Which of the two stands for the author's domain (RFC 7489 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Aligned {
    /// A sound signature of it.
    pub dkim: bool,
    /// A reverse-path of it, from where it may come.
    pub spf: bool,
}

/// RFC 7489.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DmarcVerdict {
    /// `none`, `pass`, `fail`, `temperror`, `permerror`.
    pub result: ResultWord,
    /// The author's domain; empty if there is no single one.
    pub from: String,
    /// What the domain asks for, if `fail`: the policy for this domain, made milder if it tests.
    pub policy: DmarcPolicy,
    /// Who stood for it.
    pub aligned: Aligned,
    /// Where the record was found, and the record: for reports.
    pub published: Option<crate::DmarcPublished>,
    /// Why, in words.
    pub reason: String,
}

/// RFC 8617 §4.4, §5.2.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ArcVerdict {
    /// `none`, `pass`, `fail`; `temperror` while a key could not be asked for.
    pub result: ResultWord,
    /// How many sets there are.
    pub sets: u32,
    /// Who sealed, the latest first, if `pass`.
    pub sealers: Vec<String>,
    /// The DMARC result that the earliest sealer saw, if `pass` and it told one.
    pub dmarc_before: Option<ResultWord>,
    /// Why, in words.
    pub reason: String,
}
