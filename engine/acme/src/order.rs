//! One certificate, from the order to the chain.

use crate::answerer::Answers;
use crate::client::Client;
use crate::files::Files;
use crate::run::Options;
use engine_https::Https;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use std::fmt;
use std::io;
use std::time::Duration;

/// So long the authority may take to look, and again to sign.
const PATIENCE: Duration = Duration::from_secs(120);

/// How it is proved that a name is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// By a certificate at port 443 (RFC 8737).
    TlsAlpn,
    /// By a file at port 80 (RFC 8555 §8.3).
    Http,
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Challenge::TlsAlpn => "tls-alpn-01",
            Challenge::Http => "http-01",
        })
    }
}

/// Why there is no certificate; each says what to do.
#[derive(Debug)]
pub enum AcmeError {
    /// The authority refuses, or cannot be reached.
    Authority(Error),
    /// It does not offer the challenge for this name.
    NotOffered(String, Challenge),
    /// It has looked, and not found what it should; says which name and what it saw.
    NotProved(String, Challenge),
    /// Key or request cannot be made.
    Crypto(String),
    /// A file cannot be read or written.
    File(std::path::PathBuf, io::Error),
    /// What is kept of the account cannot be read.
    BadAccount(std::path::PathBuf),
}

impl fmt::Display for AcmeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcmeError::Authority(error) => write!(
                f,
                "the authority gives no certificate: {error}; look at acme.directory, the clock, and \
                 whether this machine reaches it"
            ),
            AcmeError::NotOffered(name, challenge) => write!(
                f,
                "the authority does not offer {challenge} for {name}; set another acme.challenge"
            ),
            AcmeError::NotProved(what, Challenge::TlsAlpn) => write!(
                f,
                "the authority has not found our answer: {what}; the names' addresses must lead to \
                 this machine, and their port 443 to acme.address"
            ),
            AcmeError::NotProved(what, Challenge::Http) => write!(
                f,
                "the authority has not found our answer: {what}; the names' addresses must lead to \
                 this machine, and their port 80 to acme.address"
            ),
            AcmeError::Crypto(why) => write!(f, "no key can be made: {why}; look at acme.names"),
            AcmeError::File(path, error) => {
                write!(f, "{}: {error}; the server must be able to write there", path.display())
            }
            AcmeError::BadAccount(path) => {
                write!(f, "{} holds no account; remove it, and a new one is made", path.display())
            }
        }
    }
}

impl std::error::Error for AcmeError {}

impl From<Error> for AcmeError {
    fn from(error: Error) -> AcmeError {
        AcmeError::Authority(error)
    }
}

/// Asks for a certificate and proves what must be proved; the key and the chain, in PEM.
pub(crate) async fn order(
    options: &Options,
    files: &Files,
    https: &Https,
    answers: &Answers,
) -> Result<String, AcmeError> {
    let account = account(options, files, https).await?;
    let names: Vec<Identifier> =
        options.names.iter().map(|name| Identifier::Dns(name.clone())).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    let proved = prove(&mut order, options.challenge, answers).await;
    answers.clear();
    proved?;
    let crypto = |error: rcgen::Error| AcmeError::Crypto(error.to_string());
    let key = KeyPair::generate().map_err(crypto)?;
    let mut params = CertificateParams::new(options.names.clone()).map_err(crypto)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(crypto)?;
    order.finalize_csr(request.der()).await?;
    let patience = RetryPolicy::default().timeout(PATIENCE);
    let chain = order.poll_certificate(&patience).await?;
    Ok(format!("{}{chain}", key.serialize_pem()))
}

async fn prove(
    order: &mut Order,
    challenge: Challenge,
    answers: &Answers,
) -> Result<(), AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let kind = match challenge {
            Challenge::TlsAlpn => ChallengeType::TlsAlpn01,
            Challenge::Http => ChallengeType::Http01,
        };
        let Some(mut asked) = authorization.challenge(kind) else {
            return Err(AcmeError::NotOffered(name, challenge));
        };
        let proof = asked.key_authorization();
        match challenge {
            Challenge::TlsAlpn => answers
                .give_certificate(&name, proof.digest().as_ref())
                .map_err(AcmeError::Crypto)?,
            Challenge::Http => answers.give_text(&asked.token, proof.as_str()),
        }
        asked.set_ready().await?;
    }
    match order.poll_ready(&RetryPolicy::default().timeout(PATIENCE)).await {
        Ok(OrderStatus::Ready | OrderStatus::Valid) => Ok(()),
        Ok(_) => Err(AcmeError::NotProved(failures(order).await, challenge)),
        // So it says that it has looked in vain.
        Err(Error::Api(problem)) => Err(AcmeError::NotProved(problem.to_string(), challenge)),
        Err(error) => Err(error.into()),
    }
}

/// What the authority says of names that it did not find proved.
async fn failures(order: &mut Order) -> String {
    let mut found = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        if let Ok(state) = authorization.refresh().await {
            let errors = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
            found.extend(errors.map(|error| format!("{name}: {error}")));
        }
    }
    if found.is_empty() { "it does not say why".to_string() } else { found.join("; ") }
}

/// The account that is kept, or a new one.
async fn account(options: &Options, files: &Files, https: &Https) -> Result<Account, AcmeError> {
    let path = files.account();
    let builder = Account::builder_with_http(Box::new(Client(https.clone())));
    let file = |error| AcmeError::File(path.clone(), error);
    if let Some(text) = files.read(&path).map_err(file)?
        && let Some(text) = text.strip_prefix(&account_mark(options))
    {
        let credentials: AccountCredentials =
            serde_json::from_str(text).map_err(|_| AcmeError::BadAccount(path.clone()))?;
        return Ok(builder.from_credentials(credentials).await?);
    }
    let contact: Vec<String> =
        options.contact.iter().map(|address| format!("mailto:{address}")).collect();
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let made = builder.create(&wanted, options.directory.clone(), None).await?;
    let text = serde_json::to_string(&made.1).map_err(|e| AcmeError::Crypto(e.to_string()))?;
    files.write(&path, &format!("{}{text}", account_mark(options))).map_err(file)?;
    tracing::info!(directory = %options.directory, "account at the authority made");
    Ok(made.0)
}

/// The line before the account: at which authority it is. With another one a new account is made.
fn account_mark(options: &Options) -> String {
    format!("# {}\n", options.directory)
}
