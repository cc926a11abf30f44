//! SCRAM (RFC 5802) with SHA-256 (RFC 7677) or SHA-1, the client's side.

use super::exchange::{Failure, saslname, written};
use super::{Credentials, Mechanism};
use crate::{Binding, Secret, base64};
use hmac::digest::Digest;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Most rounds of PBKDF2 that a server may ask for: more would keep a processor busy for a second.
const ITERATIONS_MAX: u32 = 1_000_000;
/// Longest salt, in octets.
const SALT_MAX: usize = 1024;
/// Longest nonce, in octets.
const NONCE_MAX: usize = 1024;

/// The hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => Sha1::digest(octets).to_vec(),
            Hash::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length, so this cannot fail.
        match self {
            Hash::Sha1 => Hmac::<Sha1>::new_from_slice(key)
                .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec()),
            Hash::Sha256 => Hmac::<Sha256>::new_from_slice(key)
                .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec()),
        }
        .unwrap_or_default()
    }

    fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Zeroizing<Vec<u8>> {
        match self {
            Hash::Sha1 => {
                let key = pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password, salt, iterations);
                Zeroizing::new(key.to_vec())
            }
            Hash::Sha256 => {
                let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, iterations);
                Zeroizing::new(key.to_vec())
            }
        }
    }
}

/// What the server must send next.
enum State {
    ServerFirst,
    ServerFinal { signature: Vec<u8> },
    Proven,
    Failed,
}

pub(super) struct Scram {
    hash: Hash,
    password: Secret,
    gs2_header: &'static str,
    /// cbind-input without the header.
    bound: Vec<u8>,
    nonce: String,
    bare: String,
    state: State,
}

impl Scram {
    pub fn new(
        hash: Hash,
        mechanism: Mechanism,
        credentials: &Credentials,
        binding: Binding,
        nonce: [u8; 18],
    ) -> Scram {
        // Whoever could bind and meets a server that did not offer it says so: if it had, somebody
        // between has changed the list (RFC 5802 §6). We say `n`, though: servers offer `-PLUS`
        // with other bindings than the one we have, and would take a `y` for an attack.
        let (gs2_header, bound) = match (mechanism, binding) {
            (Mechanism::ScramSha256Plus, Binding::TlsExporter(data)) => {
                ("p=tls-exporter,,", data.to_vec())
            }
            _ => ("n,,", Vec::new()),
        };
        let nonce = base64::encode(&nonce);
        let bare = format!("n={},r={nonce}", saslname(credentials.name()));
        Scram {
            hash,
            password: credentials.secret.clone(),
            gs2_header,
            bound,
            nonce,
            bare,
            state: State::ServerFirst,
        }
    }

    /// As the examples of the RFCs have it.
    #[cfg(test)]
    pub fn set_nonce(&mut self, nonce: &str) {
        self.bare = self.bare.replace(&self.nonce, nonce);
        self.nonce = nonce.to_string();
    }

    /// client-first-message.
    pub fn first(&self) -> Secret {
        written(Secret::new(format!("{}{}", self.gs2_header, self.bare).into_bytes()))
    }

    pub fn is_proven(&self) -> bool {
        matches!(self.state, State::Proven)
    }

    pub fn respond(&mut self, text: &str) -> Result<Secret, Failure> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::ServerFirst => self.prove(text),
            State::ServerFinal { signature } => self.check(text, &signature),
            State::Proven | State::Failed => {
                Err(Failure::Malformed("expected no further challenge"))
            }
        }
    }

    /// ```abnf
    /// server-first-message       = "r=" nonce "," "s=" base64 "," "i=" posit-number ["," extensions]
    /// client-final-without-proof = "c=" base64 "," "r=" nonce
    /// ```
    fn prove(&mut self, server_first: &str) -> Result<Secret, Failure> {
        let first = parse_first(server_first)?;
        // A server that takes our nonce for its own could replay what it heard elsewhere.
        if !first.nonce.starts_with(&self.nonce) || first.nonce.len() == self.nonce.len() {
            return Err(Failure::WrongServer);
        }
        let binding = [self.gs2_header.as_bytes(), &self.bound].concat();
        let without_proof = format!("c={},r={}", base64::encode(&binding), first.nonce);
        let message = format!("{},{server_first},{without_proof}", self.bare);

        let hash = self.hash;
        let salted = hash.salted(self.password.expose(), &first.salt, first.iterations);
        let client_key = Zeroizing::new(hash.hmac(&salted, b"Client Key"));
        let stored_key = hash.digest(&client_key);
        let client_signature = hash.hmac(&stored_key, message.as_bytes());
        let proof: Vec<u8> =
            client_key.iter().zip(&client_signature).map(|(key, sign)| key ^ sign).collect();
        let server_key = hash.hmac(&salted, b"Server Key");
        let signature = hash.hmac(&server_key, message.as_bytes());
        self.state = State::ServerFinal { signature };
        let text = format!("{without_proof},p={}", base64::encode(&proof));
        Ok(written(Secret::new(text.into_bytes())))
    }

    /// ```abnf
    /// server-final-message = ( "e=" server-error / "v=" base64 ) ["," extensions]
    /// ```
    fn check(&mut self, server_final: &str, signature: &[u8]) -> Result<Secret, Failure> {
        let verifier = server_final.split(',').next().and_then(|part| part.strip_prefix("v="));
        // `e=`: the server refuses; an empty answer brings the reply that says so.
        let Some(verifier) = verifier else { return Ok(Secret::new(Vec::new())) };
        let verifier = base64::decode(verifier.as_bytes()).unwrap_or_default();
        if !bool::from(verifier.ct_eq(signature)) {
            return Err(Failure::WrongServer);
        }
        self.state = State::Proven;
        Ok(Secret::new(Vec::new()))
    }
}

struct First<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

fn parse_first(text: &str) -> Result<First<'_>, Failure> {
    let expected = Failure::Malformed("expected r=, s= and i=");
    let mut attributes = text.split(',');
    let mut next =
        |name: &str| attributes.next().and_then(|part| part.strip_prefix(name)).ok_or(expected);
    let (nonce, salt, iterations) = (next("r=")?, next("s=")?, next("i=")?);
    if nonce.len() > NONCE_MAX || salt.len() > SALT_MAX {
        return Err(Failure::Malformed("expected a shorter nonce or salt"));
    }
    let salt = base64::decode(salt.as_bytes()).filter(|salt| !salt.is_empty()).ok_or(expected)?;
    let iterations = iterations.parse().ok().filter(|count| (1..=ITERATIONS_MAX).contains(count));
    let iterations = iterations.ok_or(Failure::Malformed("expected 1 to 1,000,000 rounds"))?;
    Ok(First { nonce, salt, iterations })
}
