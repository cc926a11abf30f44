//! Argon2id and its PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.

use crate::memory::Memory;
use argon2::password_hash::{Ident, Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use core_world::{Maker, PasswordError};

/// Octets of a salt (RFC 9106 §3.1).
pub(crate) const SALT_LEN: usize = 16;
/// Octets of a hash.
const HASH_LEN: usize = 32;
/// KiB of memory, passes and lanes of what we make: the least cost that OWASP advises, since a mail
/// server verifies often and on small machines.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// KiB that a stored hash may make us use: an imported one could ask for all of the machine.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
/// Passes, as well.
const PASSES_MAX: u32 = 64;
/// KiB times passes: about a second.
const WORK_MAX: u64 = 1024 * 1024;
/// No stored hash or salt is longer.
const OUTPUT_MAX: usize = Output::MAX_LENGTH;

/// The PHC string of `password` with `salt`.
pub(crate) fn hash(
    password: &[u8],
    salt: &[u8; SALT_LEN],
    memory: &mut Memory,
) -> Result<String, PasswordError> {
    let (memory_kib, passes, lanes) = COST;
    let params = Params::new(memory_kib, passes, lanes, Some(HASH_LEN)).map_err(unknown)?;
    let params_string = ParamsString::try_from(&params).map_err(unknown)?;
    let mut octets = [0; HASH_LEN];
    fill(Algorithm::Argon2id, Version::V0x13, params, password, salt, &mut octets, memory)?;
    let salt = SaltString::encode_b64(salt).map_err(unknown)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params_string,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&octets).map_err(unknown)?),
    };
    Ok(hash.to_string())
}

/// Does `password` belong to the PHC string `hash`? Compares in constant time.
pub(crate) fn verify(
    hash: &str,
    password: &[u8],
    memory: &mut Memory,
) -> Result<bool, PasswordError> {
    let hash = PasswordHash::new(hash).map_err(unknown)?;
    let (Some(want), Some(salt)) = (hash.hash, hash.salt) else {
        return Err(PasswordError::UnknownHash);
    };
    let params = bounded(&hash)?;
    let mut salt_octets = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut salt_octets).map_err(unknown)?;
    let mut octets = [0; OUTPUT_MAX];
    let octets = octets.get_mut(..want.len()).ok_or(PasswordError::UnknownHash)?;
    let (algorithm, version) = (algorithm(hash.algorithm)?, version(hash.version)?);
    fill(algorithm, version, params, password, salt, octets, memory)?;
    let got = Output::new(octets).map_err(unknown)?;
    Ok(got == want)
}

/// Who made the PHC string `hash`? One that is weaker than ours, or of another kind of Argon2, is to
/// be replaced.
pub(crate) fn maker(hash: &str) -> Result<Maker, PasswordError> {
    let hash = PasswordHash::new(hash).map_err(unknown)?;
    if hash.hash.is_none() || hash.salt.is_none() {
        return Err(PasswordError::UnknownHash);
    }
    let params = bounded(&hash)?;
    let (memory_kib, passes, _) = COST;
    let is_strong = params.m_cost() >= memory_kib && params.t_cost() >= passes;
    let is_ours = algorithm(hash.algorithm)? == Algorithm::Argon2id && is_strong;
    Ok(if is_ours { Maker::Ours } else { Maker::Elsewhere })
}

/// The costs that `hash` asks for, if they can be paid.
fn bounded(hash: &PasswordHash<'_>) -> Result<Params, PasswordError> {
    let params = Params::try_from(hash).map_err(unknown)?;
    let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX || work > WORK_MAX {
        return Err(PasswordError::TooCostly);
    }
    Ok(params)
}

/// Runs Argon2 in `memory`, which is made as large as needed.
fn fill(
    algorithm: Algorithm,
    version: Version,
    params: Params,
    password: &[u8],
    salt: &[u8],
    octets: &mut [u8],
    memory: &mut Memory,
) -> Result<(), PasswordError> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(password, salt, octets, memory).map_err(unknown)
}

fn algorithm(ident: Ident<'_>) -> Result<Algorithm, PasswordError> {
    Algorithm::try_from(ident).map_err(unknown)
}

fn version(version: Option<u32>) -> Result<Version, PasswordError> {
    version.map_or(Ok(Version::V0x13), |version| Version::try_from(version).map_err(unknown))
}

/// Whatever cannot be read or computed is a hash that this build does not know.
fn unknown<E>(_: E) -> PasswordError {
    PasswordError::UnknownHash
}
