//! What is known of a domain before the DNS is asked.

use rules_sender::DmarcPolicy;
use std::fmt;
use std::net::IpAddr;

/// A domain and the server of its mail.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The domain; ASCII, lower case, no final dot, as all names here.
    pub domain: String,
    /// The name of the server.
    pub host: String,
    /// The addresses that it is reached at, and sends from.
    pub addresses: Vec<IpAddr>,
    /// Who answers for the zone; empty: the server itself.
    pub name_servers: Vec<String>,
    /// The keys that mail is signed with.
    pub dkim: Vec<DkimKey>,
    /// What is asked of others with mail that fails.
    pub dmarc: DmarcPolicy,
    /// Where others send their reports.
    pub reports: String,
    /// The version of the policy of MTA-STS, if one is published.
    pub mta_sts: Option<String>,
    /// SHA-256 of the public key of each certificate that the server shows.
    pub certificates: Vec<[u8; 32]>,
    /// What people's programs find.
    pub services: Vec<Port>,
    /// Who may issue certificates; empty: nothing is said of that.
    pub issuers: Vec<String>,
    /// Lists that the addresses should not be on.
    pub blocklists: Vec<String>,
    /// For how many seconds others keep the records.
    pub ttl: u32,
}

impl Facts {
    /// A domain of which only its server is known.
    pub fn new(domain: &str, host: &str) -> Facts {
        let name = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
        let domain = name(domain);
        Facts {
            reports: format!("postmaster@{domain}"),
            domain,
            host: name(host),
            addresses: Vec::new(),
            name_servers: Vec::new(),
            dkim: Vec::new(),
            dmarc: DmarcPolicy::Quarantine,
            mta_sts: None,
            certificates: Vec::new(),
            services: Vec::new(),
            issuers: Vec::new(),
            blocklists: Vec::new(),
            ttl: 3600,
        }
    }

    /// Is this name the domain or below it?
    pub fn is_inside(&self, name: &str) -> bool {
        name == self.domain || name.strip_suffix(&self.domain).is_some_and(|n| n.ends_with('.'))
    }

    /// A name below the domain.
    pub fn below(&self, label: &str) -> String {
        format!("{label}.{}", self.domain)
    }
}

/// A key that mail is signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimKey {
    /// Which one it is of the domain's.
    pub selector: String,
    /// How it signs.
    pub algorithm: DkimAlgorithm,
    /// RSA: SubjectPublicKeyInfo in DER (RFC 6376 §3.6.1); Ed25519: the 32 octets (RFC 8463 §4).
    pub public: Vec<u8>,
}

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DkimAlgorithm {
    /// RSA.
    Rsa,
    /// Ed25519.
    Ed25519,
}

impl DkimAlgorithm {
    /// As the tag `k=` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            DkimAlgorithm::Rsa => "rsa",
            DkimAlgorithm::Ed25519 => "ed25519",
        }
    }
}

/// A service and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Which.
    pub service: Service,
    /// At this port.
    pub port: u16,
}

/// A service that programs find by SRV records (RFC 6186, RFC 8314 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// IMAP with STARTTLS.
    Imap,
    /// IMAP over TLS.
    Imaps,
    /// POP3 over TLS.
    Pop3s,
    /// Submission with STARTTLS.
    Submission,
    /// Submission over TLS.
    Submissions,
}

impl Service {
    /// All of them, those to be preferred first.
    pub const ALL: [Service; 5] =
        [Service::Submissions, Service::Imaps, Service::Pop3s, Service::Submission, Service::Imap];

    /// Lower ones are tried first: encrypted from the first octet is better (RFC 8314 §5.1).
    pub fn priority(self) -> u16 {
        match self {
            Service::Submissions | Service::Imaps => 0,
            Service::Submission | Service::Imap | Service::Pop3s => 10,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Service::Imap => "imap",
            Service::Imaps => "imaps",
            Service::Pop3s => "pop3s",
            Service::Submission => "submission",
            Service::Submissions => "submissions",
        })
    }
}

/// The policy that is to be served at `https://mta-sts.DOMAIN/.well-known/mta-sts.txt` (RFC 8461
/// §3.2), and its version: another one when the policy is another.
pub fn mta_sts_policy(host: &str) -> (String, String) {
    let policy = format!("version: STSv1\r\nmode: enforce\r\nmx: {host}\r\nmax_age: 604800\r\n");
    // FNV-1a: no secret, only another number for another text.
    let hash = policy.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    });
    (policy, format!("{hash:016x}"))
}
