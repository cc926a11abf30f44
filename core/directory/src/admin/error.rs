//! Why the operator's wish was not done, and what to do next.

use core_store::StoreError;
use core_world::PasswordError;
use std::fmt;
use words_mail::{Address, DeliverTo, Domain};

/// Why nothing was changed. What it displays ends with the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminError {
    /// The domain is not ours.
    NoSuchDomain(Domain),
    /// The domain is ours already.
    DomainExists(Domain),
    /// The domain has no names of its own.
    DomainIsAlias {
        /// It.
        name: Domain,
        /// Whose names it has.
        of: Domain,
    },
    /// An account still has an address in the domain.
    DomainHasAccount {
        /// It.
        name: Domain,
        /// The account's main address.
        account: Address,
    },
    /// An alias is still in the domain.
    DomainHasAlias {
        /// It.
        name: Domain,
        /// The alias.
        alias: Address,
    },
    /// Another domain is still an alias of the domain.
    DomainHasAliasDomain {
        /// It.
        name: Domain,
        /// The other.
        alias: Domain,
    },
    /// No account has the address.
    NoSuchAccount(Address),
    /// No alias has the address.
    NoSuchAlias(Address),
    /// An account has the address already.
    IsAccount(Address),
    /// An alias has the address already.
    IsAlias(Address),
    /// The account does not have the address.
    NotItsAddress {
        /// The account's main address.
        account: Address,
        /// The one it does not have.
        address: Address,
    },
    /// The account's main address cannot be taken away.
    MainAddress(Address),
    /// The target is in a domain of ours, and nobody has it.
    NoSuchTarget(Address),
    /// An alias must lead somewhere.
    NoTargets(Address),
    /// An alias cannot lead to itself.
    AliasOfItself(Address),
    /// More than a limit allows.
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most.
        max: usize,
    },
    /// Empty, or longer than this many octets.
    PasswordLength {
        /// Octets.
        max: usize,
    },
    /// The address makes no name of a directory.
    NoPlace {
        /// Where mail was to go.
        deliver_to: DeliverTo,
        /// The account's main address.
        account: Address,
    },
    /// The password could not be hashed, or its hash is of no use.
    Password(PasswordError),
    /// The account has a device of that name already.
    DeviceExists {
        /// The account's main address.
        account: Address,
        /// The device.
        name: String,
    },
    /// The account has no device of that name.
    NoSuchDevice {
        /// The account's main address.
        account: Address,
        /// The device.
        name: String,
    },
    /// Empty, with control characters, or longer than this many octets.
    DeviceName {
        /// Octets.
        max: usize,
    },
    /// Whether somebody elsewhere has the address cannot be asked now.
    AuthoritySilent(Address),
    /// The account's password is not kept here.
    PasswordElsewhere {
        /// The account's main address.
        account: Address,
        /// Where it comes from: `ldap:ana`.
        origin: String,
    },
    /// Another account comes from there.
    OriginTaken {
        /// From where: `ldap:ana`.
        origin: String,
    },
    /// Not written as `ldap` or `ldap:ana`.
    BadOrigin(String),
    /// Others changed the same all the time.
    Busy,
    /// No key could be made.
    NoKey,
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use AdminError::*;
        match self {
            NoSuchDomain(name) => {
                write!(f, "no such domain {name}; add it with \"estafeta domain add {name}\"")
            }
            DomainExists(name) => {
                write!(f, "domain {name} exists; see it with \"estafeta domain show {name}\"")
            }
            DomainIsAlias { name, of } => {
                write!(f, "domain {name} is an alias of {of}; use an address in {of}")
            }
            DomainHasAccount { name, account } => write!(
                f,
                "domain {name} still has addresses of {account}; remove the account with \
                 \"estafeta account remove {account}\" or the addresses from it"
            ),
            DomainHasAlias { name, alias } => write!(
                f,
                "domain {name} still has the alias {alias}; remove it with \
                 \"estafeta alias remove {alias}\""
            ),
            DomainHasAliasDomain { name, alias } => write!(
                f,
                "domain {alias} is an alias of {name}; remove it first with \
                 \"estafeta domain remove {alias}\""
            ),
            NoSuchAccount(address) => write!(
                f,
                "no account has {address}; add it with \"estafeta account add {address}\""
            ),
            NoSuchAlias(address) => {
                write!(f, "no alias {address}; add it with \"estafeta alias add {address} TARGET\"")
            }
            IsAccount(address) => write!(
                f,
                "an account has {address} already; see it with \"estafeta account show {address}\""
            ),
            IsAlias(address) => write!(
                f,
                "{address} is an alias already; see it with \"estafeta alias show {address}\""
            ),
            NotItsAddress { account, address } => write!(
                f,
                "{address} is not an address of {account}; see them with \
                 \"estafeta account show {account}\""
            ),
            MainAddress(address) => write!(
                f,
                "{address} is the account's main address; make another one that, or remove the \
                 account with \"estafeta account remove {address}\""
            ),
            NoSuchTarget(address) => write!(
                f,
                "nobody has {address}; add it first with \"estafeta account add {address}\""
            ),
            NoTargets(address) => {
                write!(f, "alias {address} leads nowhere; name a target, or remove it")
            }
            AliasOfItself(address) => {
                write!(f, "alias {address} cannot lead to itself; name another target")
            }
            TooMany { what, max } => write!(f, "more than {max} {what}; use fewer"),
            NoPlace { deliver_to, account } => write!(
                f,
                "{account} makes no name of a directory in {deliver_to}; write the path without {{user}}"
            ),
            PasswordLength { max } => {
                write!(f, "a password has 1 to {max} octets; choose such a one")
            }
            Password(PasswordError::Busy) => {
                f.write_str("too many passwords are being hashed; try again in a moment")
            }
            Password(PasswordError::UnknownHash) => f.write_str(
                "no password hash that is read here: expected {SHA512-CRYPT}, {SHA256-CRYPT}, \
                 {BLF-CRYPT}, {CRYPT}, {SSHA}, {SSHA256}, {SSHA512}, {PBKDF2}, {ARGON2ID} or \
                 {PLAIN} and what belongs to it; or give a new password",
            ),
            Password(PasswordError::TooCostly) => f.write_str(
                "the password hash asks for more work or memory than one login may cost; give a \
                 new password",
            ),
            DeviceExists { account, name } => write!(
                f,
                "{account} has a device \"{name}\" already; choose another name, or revoke it with \
                 \"estafeta device remove {account} '{name}'\""
            ),
            NoSuchDevice { account, name } => write!(
                f,
                "{account} has no device \"{name}\"; see them with \"estafeta device list {account}\""
            ),
            DeviceName { max } => write!(
                f,
                "a device's name has 1 to {max} octets and no control characters; choose such a one"
            ),
            AuthoritySilent(address) => write!(
                f,
                "whoever may know {address} does not answer; try again when it does, or add it \
                 here with \"estafeta account add {address}\""
            ),
            PasswordElsewhere { account, origin } => write!(
                f,
                "the password of {account} is that of {origin}; change it there, or say first that \
                 it is kept here: \"estafeta account set {account} --authority none\""
            ),
            OriginTaken { origin } => write!(
                f,
                "{origin} has another account already; see it with \"estafeta account list\""
            ),
            BadOrigin(text) => write!(
                f,
                "not an authority and a name that it knows: {text:?}; write it as in ldap or ldap:ana"
            ),
            NoKey => f.write_str("no key could be made; is there memory left? Try again"),
            Busy => f.write_str("others change the same at the moment; try again"),
            Store(StoreError::OutcomeUnknown) => {
                f.write_str("the store did not say whether it was done; see whether it was")
            }
            Store(error) => write!(f, "the store failed: {error}; see the log"),
        }
    }
}

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AdminError::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> AdminError {
        AdminError::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_ends_with_the_next_step() {
        let domain = Domain::parse("mired.org").unwrap();
        let ana = Address::parse("ana@mired.org").unwrap();
        for (error, want) in [
            (
                AdminError::NoSuchDomain(domain.clone()),
                "no such domain mired.org; add it with \"estafeta domain add mired.org\"",
            ),
            (
                AdminError::DomainHasAccount { name: domain, account: ana.clone() },
                "domain mired.org still has addresses of ana@mired.org; remove the account with \
                 \"estafeta account remove ana@mired.org\" or the addresses from it",
            ),
            (
                AdminError::NoSuchAccount(ana),
                "no account has ana@mired.org; add it with \"estafeta account add ana@mired.org\"",
            ),
        ] {
            assert_eq!(error.to_string(), want);
        }
    }
}
