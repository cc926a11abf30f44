//! Signs for our domains.

use crate::key::{SecretKey, make};
use core_world::{KeyAlgorithm, KeyError, Later, NewKey, Sealing, Signer, Signing, SigningKey};
use rules_sender::{
    ArcDraft, ArcVerdict, BodyHash, BodyHashKind, DkimDraft, FieldIndex, SignAs, SignatureAlgorithm,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use words_base::Timestamp;

/// Keys that are held ready; with more they are read anew.
const READY_MAX: usize = 1000;

/// Signs, seals and makes keys. Reading an RSA key takes longer than signing with it, so the keys that
/// were used are held ready.
#[derive(Default)]
pub struct Notary {
    ready: Mutex<HashMap<(String, String), Ready>>,
}

struct Ready {
    key: Arc<SigningKey>,
    secret: Arc<SecretKey>,
}

impl Notary {
    /// With no key ready.
    pub fn new() -> Notary {
        Notary::default()
    }

    fn ready(&self, key: &Arc<SigningKey>) -> Option<Arc<SecretKey>> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (key.domain.clone(), key.selector.clone());
        if let Some(known) = ready.get(&name)
            && (Arc::ptr_eq(&known.key, key) || known.key == *key)
        {
            return Some(known.secret.clone());
        }
        let secret = Arc::new(SecretKey::read(key)?);
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        ready.insert(name, Ready { key: key.clone(), secret: secret.clone() });
        Some(secret)
    }
}

impl Signer for Notary {
    fn begin(
        &self,
        header: &[u8],
        keys: &[Arc<SigningKey>],
        at: Timestamp,
    ) -> Option<Box<dyn Signing>> {
        let fields = FieldIndex::new(header);
        if fields.count("from") == 0 {
            return None;
        }
        let draft = |key: &Arc<SigningKey>| {
            Some((DkimDraft::new(&fields, sign_as(key, at))?, self.ready(key)?))
        };
        let drafts: Vec<_> = keys.iter().filter_map(draft).collect();
        if drafts.is_empty() {
            return None;
        }
        Some(Box::new(Signatures { drafts, body: BodyHash::new(BodyHashKind::RELAXED_SHA256) }))
    }

    fn seal(&self, header: &[u8], key: &Arc<SigningKey>, at: Timestamp) -> Box<dyn Sealing> {
        let draft = ArcDraft::new(&FieldIndex::new(header), sign_as(key, at));
        let draft = draft.zip(self.ready(key));
        Box::new(Seal { draft, body: BodyHash::new(BodyHashKind::RELAXED_SHA256) })
    }

    fn make_key(&self, algorithm: KeyAlgorithm) -> Later<'static, Result<NewKey, KeyError>> {
        let (tell, made) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("key maker".to_string());
        // Nobody may be there to hear it any more.
        let begun = thread.spawn(move || drop(tell.send(make(algorithm))));
        Box::pin(async move {
            begun.map_err(|_| KeyError)?;
            made.await.unwrap_or(Err(KeyError))
        })
    }
}

fn sign_as(key: &SigningKey, at: Timestamp) -> SignAs {
    SignAs {
        domain: key.domain.clone(),
        selector: key.selector.clone(),
        algorithm: match key.algorithm {
            KeyAlgorithm::Rsa => SignatureAlgorithm::RsaSha256,
            KeyAlgorithm::Ed25519 => SignatureAlgorithm::Ed25519Sha256,
        },
        at: u64::try_from(at.millis() / 1000).unwrap_or_default(),
    }
}

struct Signatures {
    drafts: Vec<(DkimDraft, Arc<SecretKey>)>,
    body: BodyHash,
}

impl Signing for Signatures {
    fn body(&mut self, piece: &[u8]) {
        self.body.feed(piece);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        let body = self.body.finish();
        let sign = |(draft, secret): (DkimDraft, Arc<SecretKey>)| {
            draft.finish(&body, &|digest| secret.sign(digest))
        };
        self.drafts.into_iter().filter_map(sign).collect::<String>().into_bytes()
    }
}

struct Seal {
    draft: Option<(ArcDraft, Arc<SecretKey>)>,
    body: BodyHash,
}

impl Sealing for Seal {
    fn body(&mut self, piece: &[u8]) {
        self.body.feed(piece);
    }

    fn finish(self: Box<Self>, results: &str, arc: &ArcVerdict) -> Vec<u8> {
        let body = self.body.finish();
        let Some((draft, secret)) = self.draft else { return Vec::new() };
        let fields = draft.finish(&body, results, arc, &|digest| secret.sign(digest));
        fields.unwrap_or_default().into_bytes()
    }
}
