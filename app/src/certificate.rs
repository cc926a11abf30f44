//! This machine's own certificate authority, and the server's certificate by it.

use crate::data::{self, Data};
use anyhow::{Context, Result};
use engine_net::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{SystemTime, UNIX_EPOCH};
use time::{Duration, OffsetDateTime};

/// The authority's validity: nobody should have to import it twice.
const CA_DAYS: i64 = 20 * 365;
/// The server's: phones refuse more than 398 days.
const SERVER_DAYS: i64 = 390;
/// It is made anew when less is left.
const RENEW_DAYS: i64 = 60;

/// Programs on this machine may name it by this address.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The server's certificate for `host_names` and `addresses`; made, or made anew, when there is none,
/// it is for other names, or its end is near.
pub fn open(data: &Data, host_names: &[String], addresses: &[IpAddr]) -> Result<Certificate> {
    let mut names = host_names.to_vec();
    for address in [&[LOOPBACK], addresses].concat() {
        if !address.is_unspecified() && !names.contains(&address.to_string()) {
            names.push(address.to_string());
        }
    }
    let now = now();
    let kept = match (data::read(&data.certificate())?, data::read(&data.key())?) {
        (Some(chain), Some(key)) if is_good(&chain, &names, now) => Some((chain, key)),
        _ => None,
    };
    let (chain, key) = match kept {
        Some(kept) => kept,
        None => make(data, &names, now)?,
    };
    Certificate::from_pem(chain.as_bytes(), key.as_bytes()).with_context(|| {
        format!("{}; remove it, and a new one is made", data.certificate().display())
    })
}

/// The one that was made already, if it is there and can be read.
pub fn present(data: &Data) -> Option<Certificate> {
    let (chain, key) = (data::read(&data.certificate()).ok()??, data::read(&data.key()).ok()??);
    Certificate::from_pem(chain.as_bytes(), key.as_bytes()).ok()
}

/// The line before the certificate that tells what it is for, so that nobody need parse it.
fn note(names: &[String], until: i64) -> String {
    format!("For {} until {until}", names.join(" "))
}

fn is_good(chain: &str, names: &[String], now: OffsetDateTime) -> bool {
    let first = chain.lines().next().unwrap_or_default();
    let until = first.rsplit_once(' ').and_then(|(_, until)| until.parse::<i64>().ok());
    until.is_some_and(|until| {
        first == note(names, until)
            && until - now.unix_timestamp() > Duration::days(RENEW_DAYS).whole_seconds()
    })
}

fn make(data: &Data, names: &[String], now: OffsetDateTime) -> Result<(String, String)> {
    let issuer = authority(data, now)?;
    let mut params = CertificateParams::new(names)?;
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(SERVER_DAYS);
    params.distinguished_name = name(names.first().map_or("localhost", String::as_str));
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    let note = note(names, params.not_after.unix_timestamp());
    let chain = format!("{note}\n{}", certificate.pem());
    let key = key.serialize_pem();
    data::write(&data.key(), &key, 0o600)?;
    data::write(&data.certificate(), &chain, 0o644)?;
    Ok((chain, key))
}

/// The authority, made if there is none.
fn authority(data: &Data, now: OffsetDateTime) -> Result<Issuer<'static, KeyPair>> {
    let params = authority_params(now)?;
    if let (Some(_), Some(key)) = (data::read(&data.ca_certificate())?, data::read(&data.ca_key())?)
    {
        let key = KeyPair::from_pem(&key).with_context(|| {
            format!(
                "{} holds no key; remove it and ca.pem, and new ones are made",
                data.ca_key().display()
            )
        })?;
        return Ok(Issuer::new(params, key));
    }
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    data::write(&data.ca_key(), &key.serialize_pem(), 0o600)?;
    data::write(&data.ca_certificate(), &certificate.pem(), 0o644)?;
    Ok(Issuer::new(params, key))
}

fn authority_params(now: OffsetDateTime) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(CA_DAYS);
    params.distinguished_name = name("Estafeta, of this machine alone");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn now() -> OffsetDateTime {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds.min(i64::MAX as u64) as i64)
}
