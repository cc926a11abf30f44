//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), bound by `tls-exporter` (RFC 9266).

use crate::exchange::{Failure, Turn, name};
use crate::{Answer, Ask, Binding, KeyPair, Keys, Mechanism, Proof, base64};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Longest message of a client, in octets.
const MESSAGE_MAX: usize = 4096;
/// Shortest and longest nonce of a client, in octets. Shorter ones could be met twice by chance.
const NONCE_MIN: usize = 8;
const NONCE_MAX: usize = 512;

/// ```text
/// AwaitingFirst ─client-first─► AwaitingKeys ─keys─► AwaitingFinal ─client-final─┬► Sealing ─""─► Closing
///                                                                               └► Failing
/// ```
#[derive(Debug)]
pub(crate) struct Scram {
    mechanism: Mechanism,
    binding: Binding,
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitingFirst,
    /// The core looks for the keys.
    AwaitingKeys(First),
    /// The server's first message is out.
    AwaitingFinal {
        first: First,
        server_first: String,
        nonce: String,
        keys: Keys,
    },
    /// The proof was right and the server's signature is out.
    Sealing {
        first: First,
        stored_key: [u8; 32],
    },
    /// The core has the last word.
    Closing,
    /// The proof was wrong, and the core is told so.
    Failing,
}

/// What client-first-message said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct First {
    /// With its commas, as `c=` must repeat it.
    gs2_header: String,
    authzid: String,
    authcid: String,
    nonce: String,
    /// client-first-message-bare.
    bare: String,
}

impl Scram {
    pub fn new(mechanism: Mechanism, binding: Binding) -> Scram {
        Scram { mechanism, binding, state: State::AwaitingFirst }
    }

    pub fn take(&mut self, message: &[u8]) -> Result<Turn, Failure> {
        let text = std::str::from_utf8(message).ok().filter(|t| t.len() <= MESSAGE_MAX);
        let text = text.ok_or(Failure::Malformed("expected a SCRAM message in UTF-8"))?;
        match std::mem::replace(&mut self.state, State::Failing) {
            State::AwaitingFirst => self.take_first(text),
            State::AwaitingFinal { first, server_first, nonce, keys } => {
                self.take_final(text, first, &server_first, &nonce, &keys)
            }
            State::Sealing { first, stored_key } if text.is_empty() => {
                self.state = State::Closing;
                let First { authcid, authzid, .. } = first;
                let proof = Proof::Right { stored_key };
                Ok(Turn::Ask(Ask::Proven { authcid, authzid, proof }))
            }
            State::Sealing { .. } => Err(Failure::Malformed("expected an empty response")),
            State::AwaitingKeys(_) | State::Closing | State::Failing => {
                Err(Failure::Malformed("expected nothing more"))
            }
        }
    }

    pub fn answer(&mut self, answer: Answer) -> Turn {
        match (std::mem::replace(&mut self.state, State::Failing), answer) {
            (State::AwaitingKeys(first), Answer::Keys(keys)) => {
                let nonce = base64::encode(&keys.nonce);
                self.challenge(first, keys, &nonce)
            }
            (State::Closing, Answer::Accepted) => Turn::Accepted,
            _ => Turn::Failed(Failure::WrongProof),
        }
    }

    fn take_first(&mut self, text: &str) -> Result<Turn, Failure> {
        let first = parse_first(text)?;
        self.check_binding_flag(&first.gs2_header)?;
        let authcid = first.authcid.clone();
        self.state = State::AwaitingKeys(first);
        Ok(Turn::Ask(Ask::Keys { authcid }))
    }

    /// Does the client's gs2-cbind-flag fit the mechanism it chose (RFC 5802 §6)?
    fn check_binding_flag(&self, gs2_header: &str) -> Result<(), Failure> {
        let flag = gs2_header.split(',').next().unwrap_or_default();
        match (self.mechanism, flag, &self.binding) {
            (Mechanism::ScramSha256Plus, "p=tls-exporter", Binding::TlsExporter(_)) => Ok(()),
            (Mechanism::ScramSha256Plus, _, _) => Err(Failure::WrongBinding),
            (_, "n", _) | (_, "y", Binding::Unavailable) => Ok(()),
            (_, "y", Binding::TlsExporter(_)) => Err(Failure::Downgrade),
            _ => Err(Failure::WrongBinding),
        }
    }

    fn challenge(&mut self, first: First, keys: Keys, server_nonce: &str) -> Turn {
        let nonce = format!("{}{server_nonce}", first.nonce);
        let salt = base64::encode(&keys.salt);
        let server_first = format!("r={nonce},s={salt},i={}", keys.iterations);
        let turn = Turn::Challenge(base64::encode(server_first.as_bytes()));
        self.state = State::AwaitingFinal { first, server_first, nonce, keys };
        turn
    }

    fn take_final(
        &mut self,
        text: &str,
        first: First,
        server_first: &str,
        nonce: &str,
        keys: &Keys,
    ) -> Result<Turn, Failure> {
        let last = parse_final(text)?;
        if last.binding != self.expected_binding(&first.gs2_header) {
            return Err(Failure::WrongBinding);
        }
        if last.nonce != nonce {
            return Err(Failure::Malformed("expected the nonce of this exchange"));
        }
        let auth_message = format!("{},{server_first},{}", first.bare, last.without_proof);
        let Some(KeyPair { stored_key, server_key }) = proven(keys, &auth_message, &last.proof)
        else {
            let First { authcid, authzid, .. } = first;
            return Ok(Turn::Ask(Ask::Proven { authcid, authzid, proof: Proof::Wrong }));
        };
        let signature = hmac(server_key, auth_message.as_bytes());
        let server_final = format!("v={}", base64::encode(&signature));
        self.state = State::Sealing { first, stored_key: *stored_key };
        Ok(Turn::Challenge(base64::encode(server_final.as_bytes())))
    }

    /// cbind-input: the gs2-header, and behind it the channel's data if it is bound.
    fn expected_binding(&self, gs2_header: &str) -> Vec<u8> {
        let mut octets = gs2_header.as_bytes().to_vec();
        if let (Mechanism::ScramSha256Plus, Binding::TlsExporter(data)) =
            (self.mechanism, &self.binding)
        {
            octets.extend_from_slice(data);
        }
        octets
    }
}

/// ```abnf
/// client-first-message      = gs2-header client-first-message-bare
/// gs2-header                = gs2-cbind-flag "," [ "a=" saslname ] ","
/// gs2-cbind-flag            = ("p=" cb-name) / "n" / "y"
/// client-first-message-bare = [reserved-mext ","] "n=" saslname "," "r=" c-nonce ["," extensions]
/// ```
fn parse_first(text: &str) -> Result<First, Failure> {
    let mut parts = text.splitn(3, ',');
    let (Some(flag), Some(authzid), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Failure::Malformed("expected a gs2-header"));
    };
    let authzid_name = match authzid.strip_prefix("a=") {
        Some(saslname) => parse_saslname(saslname)?,
        None if authzid.is_empty() => String::new(),
        None => return Err(Failure::Malformed("expected \"a=\" and a name, or nothing")),
    };
    let mut attributes = bare.split(',');
    let authcid = attributes.next().and_then(|a| a.strip_prefix("n="));
    // A reserved-mext, `m=`, is an extension we must know, and we know none.
    let authcid = authcid.ok_or(Failure::Malformed("expected \"n=\" and a name"))?;
    let nonce = attributes.next().and_then(|a| a.strip_prefix("r="));
    let nonce =
        nonce.filter(|n| is_nonce(n)).ok_or(Failure::Malformed("expected \"r=\" and a nonce"))?;
    Ok(First {
        gs2_header: format!("{flag},{authzid},"),
        authzid: authzid_name,
        authcid: parse_saslname(authcid)?,
        nonce: nonce.to_string(),
        bare: bare.to_string(),
    })
}

/// `printable = %x21-2B / %x2D-7E`, of sensible length.
fn is_nonce(text: &str) -> bool {
    (NONCE_MIN..=NONCE_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// In a saslname, `=2C` is a comma and `=3D` an equals sign; no other `=` may stand there.
fn parse_saslname(text: &str) -> Result<String, Failure> {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('=');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (c, rest) = match (piece.strip_prefix("2C"), piece.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(Failure::Malformed("expected =2C or =3D after \"=\" in a name")),
        };
        out.push(c);
        out.push_str(rest);
    }
    name(out.as_bytes())
}

/// What client-final-message said.
struct Final<'a> {
    binding: Vec<u8>,
    nonce: &'a str,
    without_proof: &'a str,
    proof: [u8; 32],
}

/// ```abnf
/// client-final-message               = client-final-message-without-proof "," proof
/// client-final-message-without-proof = "c=" base64 "," "r=" nonce ["," extensions]
/// proof                              = "p=" base64
/// ```
fn parse_final(text: &str) -> Result<Final<'_>, Failure> {
    let expected = Failure::Malformed("expected c=, r= and p=");
    let (without_proof, proof) = text.rsplit_once(",p=").ok_or(expected)?;
    let proof = base64::decode(proof.as_bytes()).and_then(|p| p.try_into().ok()).ok_or(expected)?;
    let mut attributes = without_proof.split(',');
    let binding = attributes.next().and_then(|a| a.strip_prefix("c=")).ok_or(expected)?;
    let binding = base64::decode(binding.as_bytes()).ok_or(expected)?;
    let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(expected)?;
    Ok(Final { binding, nonce, without_proof, proof })
}

/// The keys of the password that the proof is of. All are compared, whichever it is: salt and rounds
/// are all that a client was told, so that one account may have several passwords.
fn proven<'a>(keys: &'a Keys, auth_message: &str, proof: &[u8; 32]) -> Option<&'a KeyPair> {
    keys.pairs.iter().fold(None, |found, pair| {
        if is_proof(&pair.stored_key, auth_message, proof) { Some(pair) } else { found }
    })
}

/// ClientProof XOR ClientSignature is ClientKey, and H(ClientKey) must be StoredKey.
fn is_proof(stored_key: &[u8; 32], auth_message: &str, proof: &[u8; 32]) -> bool {
    let signature = hmac(stored_key, auth_message.as_bytes());
    let mut client_key = [0; 32];
    for (out, (p, s)) in client_key.iter_mut().zip(proof.iter().zip(signature)) {
        *out = p ^ s;
    }
    let hash: [u8; 32] = Sha256::digest(client_key).into();
    hash.ct_eq(stored_key).into()
}

fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
