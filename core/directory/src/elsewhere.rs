//! People whom others know: they come in, and get mail, without having been entered here.

mod adopt;
mod paid;

use crate::Directory;
use crate::directory::unavailable;
use crate::key::{self, Name};
use crate::lookup::Lookup;
use crate::record::{NameRecord, Origin, OwnerRecord};
use crate::walk::split;
use core_store::{Batch, StoreError};
use core_world::{Authority, AuthorityError, Person, Sought, Verdict};
use std::sync::Arc;
use words_mail::{AccountId, Address, Domain, Refusal};

/// Addresses behind one forward-path about which authorities are asked; a list of people whom nobody
/// has seen yet is made with fewer.
const ASKED_MAX: usize = 100;
/// Longest name that an authority is asked about, in octets.
const USER_MAX: usize = 255;

/// Adds to the batch that makes an account what else it needs to exist: its mailboxes.
pub type Provision = Arc<dyn Fn(&mut Batch, AccountId) + Send + Sync>;

/// Those who know people whom the directory does not.
#[derive(Clone, Default)]
pub struct Elsewhere {
    /// In the order in which they are asked; each has a name of its own.
    pub authorities: Vec<Arc<dyn Authority>>,
    /// The domain of people whose authority knows of no addresses, and of names without a domain.
    /// `None`: that of the eldest account; before there is one, the first of our domains.
    pub domain: Option<Domain>,
    /// What else their accounts need when they are made.
    pub provision: Option<Provision>,
}

/// Whom a stranger has named.
pub(crate) struct Named {
    sought: Sought,
    /// Under which address, if it was one.
    address: Option<Address>,
}

impl Elsewhere {
    /// The authority of that name.
    fn named(&self, name: &str) -> Option<&Arc<dyn Authority>> {
        self.authorities.iter().find(|authority| authority.name() == name)
    }
}

impl Directory {
    /// The account that logs in as `name`: one of its own addresses; or a local-part that only it
    /// has; or the name by which an authority knows it.
    pub(crate) async fn login_name(
        &self,
        lookup: &Lookup,
        name: &str,
    ) -> Result<Option<AccountId>, StoreError> {
        if let Some(id) = lookup.login_name(name).await? {
            return Ok(Some(id));
        }
        if self.elsewhere.authorities.is_empty() {
            return Ok(None);
        }
        let Some(named) = self.named_at_login(lookup, name).await? else { return Ok(None) };
        let default = self.default_domain(lookup).await?;
        if named.address.is_some_and(|address| Some(address.domain()) != default.as_ref()) {
            return Ok(None);
        }
        for authority in &self.elsewhere.authorities {
            let Some(origin) = Origin::new(authority.name(), &named.sought.user) else { continue };
            if let Some(OwnerRecord(id)) = lookup.read(&key::origin(&origin)).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Whom authorities are to be asked about when somebody logs in as `name`, whom the directory
    /// does not know. `None`: nobody can have that name.
    pub(crate) async fn named_at_login(
        &self,
        lookup: &Lookup,
        name: &str,
    ) -> Result<Option<Named>, StoreError> {
        if name.is_empty() || name.len() > USER_MAX || name.contains(char::is_control) {
            return Ok(None);
        }
        if !name.contains('@') {
            // If several accounts have it, it is nobody's.
            if !lookup.page(key::shorts(name), 1).await?.is_empty() {
                return Ok(None);
            }
            let user = key::fold(name);
            let domain = self.default_domain(lookup).await?;
            let address = domain.and_then(|domain| Address::new(&user, domain).ok());
            let sought = Sought { user, address: address.map(|address| address.to_string()) };
            return Ok(Some(Named { sought, address: None }));
        }
        let Ok(address) = Address::parse(name) else { return Ok(None) };
        let Some(domain) = lookup.real_domain(address.domain()).await? else { return Ok(None) };
        // An alias has it.
        let name = Name::new(address.local_part(), &domain);
        if lookup.read::<NameRecord>(&name.key()).await?.is_some() {
            return Ok(None);
        }
        Ok(named(address.local_part(), domain))
    }

    /// The domain of people whose authority knows of no addresses.
    pub(crate) async fn default_domain(
        &self,
        lookup: &Lookup,
    ) -> Result<Option<Domain>, StoreError> {
        if let Some(domain) = &self.elsewhere.domain {
            return lookup.real_domain(domain).await;
        }
        if let Some(id) = lookup.first_account(None).await?
            && let Some(eldest) = lookup.account(id).await?
        {
            return Ok(Some(eldest.address.domain().clone()));
        }
        let first = lookup.page(key::domains(), 1).await?.into_iter().next();
        match first.and_then(|(key, _)| key::read_domain(&key)) {
            Some(domain) => lookup.real_domain(&domain).await,
            None => Ok(None),
        }
    }

    /// Asks about each of `missing`, but not about those in `asked`, to which they are added. Has
    /// anybody got an account by that, or an address? Errors: `Unavailable`, if an authority is.
    pub(crate) async fn welcome(
        &self,
        missing: Vec<Address>,
        asked: &mut Vec<Address>,
    ) -> Result<bool, Refusal> {
        let mut has_come = false;
        if self.elsewhere.authorities.is_empty() {
            return Ok(has_come);
        }
        for address in missing {
            if asked.contains(&address) || asked.len() >= ASKED_MAX {
                continue;
            }
            has_come |= self.welcome_one(&address).await?;
            asked.push(address);
        }
        Ok(has_come)
    }

    /// Asks who has `address`, or, if nobody has, who has it without its detail.
    pub(crate) async fn welcome_one(&self, address: &Address) -> Result<bool, Refusal> {
        let lookup = self.lookup().await.map_err(unavailable)?;
        let domain = lookup.real_domain(address.domain()).await.map_err(unavailable)?;
        // Nothing of the store is held on to while others are asked.
        drop(lookup);
        let Some(domain) = domain else { return Ok(false) };
        let (base, detail) = split(address.local_part(), self.options.separator);
        let whole = named(address.local_part(), domain.clone());
        let base = detail.and_then(|_| named(base, domain));
        for named in whole.into_iter().chain(base) {
            for authority in &self.elsewhere.authorities {
                let found = authority.look_up(&named.sought).await.map_err(silent)?;
                let Some(person) = found else { continue };
                if self.adopt(authority.name(), &person, By::Mail(&named)).await?.is_some() {
                    return Ok(true);
                }
                // Who knows them has the last word.
                break;
            }
        }
        Ok(false)
    }

    /// Whose password is it? Asks each authority, until one knows the name.
    async fn ask_all(
        &self,
        sought: &Sought,
        password: &[u8],
    ) -> Result<Option<(&str, Person)>, AuthorityError> {
        for authority in &self.elsewhere.authorities {
            match authority.verify(sought, password).await? {
                Verdict::Right(person) => return Ok(Some((authority.name(), person))),
                Verdict::Wrong => return Ok(None),
                Verdict::Unknown => {}
            }
        }
        Ok(None)
    }

    /// Lets in somebody whom the directory does not know, if an authority does; now it knows them.
    pub(crate) async fn login_newcomer(
        &self,
        named: &Named,
        password: &[u8],
    ) -> Result<Option<AccountId>, Refusal> {
        let question = self.ask_all(&named.sought, password);
        let Some((authority, person)) = self.at_full_cost(password, question).await? else {
            return Ok(None);
        };
        self.adopt(authority, &person, By::Login(named)).await
    }

    /// Is it the password of the account that comes from `origin`?
    pub(crate) async fn verify_elsewhere(
        &self,
        id: AccountId,
        origin: &Origin,
        address: &Address,
        password: &[u8],
    ) -> Result<bool, Refusal> {
        // Perhaps it was taken out of the configuration for a while. Nobody's password is wrong.
        let authority = self.elsewhere.named(&origin.authority).ok_or(Refusal::Unavailable)?;
        let sought = Sought { user: origin.user.clone(), address: Some(address.to_string()) };
        let question = async {
            Ok(match authority.verify(&sought, password).await? {
                Verdict::Right(person) => Some(person),
                Verdict::Wrong | Verdict::Unknown => None,
            })
        };
        let person = self.at_full_cost(password, question).await?;
        // Somebody else may have got the address there.
        let same = |person: &Person| key::fold(&person.user) == key::fold(&origin.user);
        let Some(person) = person.filter(same) else { return Ok(false) };
        // What is new of them can wait if it cannot be written.
        let _ = self.keep_up(id, &person).await;
        Ok(true)
    }
}

/// How somebody was named.
pub(crate) enum By<'a> {
    /// By who wants to send them mail: their addresses alone count.
    Mail(&'a Named),
    /// By who has given the password as well: the name that the authority knows them by does too.
    Login(&'a Named),
}

/// Somebody in one of our domains, which is no alias. `None`: the name is none to ask for.
fn named(local_part: &str, domain: Domain) -> Option<Named> {
    let user = key::fold(local_part);
    if user.is_empty() || user.len() > USER_MAX || user.contains(char::is_control) {
        return None;
    }
    let address = Address::new(&user, domain).ok()?;
    let sought = Sought { user, address: Some(address.to_string()) };
    Some(Named { sought, address: Some(address) })
}

/// The answer when an authority has none. Whoever runs it logs why.
pub(crate) fn silent(_: AuthorityError) -> Refusal {
    Refusal::Unavailable
}
