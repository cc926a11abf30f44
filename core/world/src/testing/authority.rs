//! People elsewhere, as a test makes them.

use crate::{Authority, AuthorityError, Later, Person, Sought, Verdict};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// People whom a test enters. It looks for the name or for one of the addresses, as a search filter
/// of LDAP would.
pub struct TestAuthority {
    name: &'static str,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    people: Vec<(Person, String)>,
    is_gone: bool,
    asked: Vec<String>,
}

impl TestAuthority {
    /// Knows nobody yet.
    pub fn new(name: &'static str) -> Arc<TestAuthority> {
        Arc::new(TestAuthority { name, inner: Mutex::default() })
    }

    /// From now on it knows `person`, in the place of whoever had that name before.
    pub fn enter(&self, person: Person, password: &str) {
        self.forget(&person.user);
        self.inner().people.push((person, password.to_string()));
    }

    /// From now on it knows nobody of that name.
    pub fn forget(&self, user: &str) {
        self.inner().people.retain(|(person, _)| person.user != user);
    }

    /// Does it give no answer?
    pub fn set_gone(&self, is_gone: bool) {
        self.inner().is_gone = is_gone;
    }

    /// What it was asked since this was last called: `ana? (ana@mired.org)`, with `:` and the password
    /// if it was to verify one.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().asked)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(
        &self,
        sought: &Sought,
        asked: String,
    ) -> Result<Option<(Person, String)>, AuthorityError> {
        let mut inner = self.inner();
        inner.asked.push(asked);
        if inner.is_gone {
            return Err(AuthorityError("it is gone".to_string()));
        }
        let is_sought = |person: &Person| {
            let has = |address: &String| Some(address) == sought.address.as_ref();
            person.user.to_lowercase() == sought.user.to_lowercase()
                || person.addresses.iter().any(has)
        };
        Ok(inner.people.iter().find(|(person, _)| is_sought(person)).cloned())
    }
}

fn text(sought: &Sought) -> String {
    format!("{}? ({})", sought.user, sought.address.as_deref().unwrap_or_default())
}

impl Authority for TestAuthority {
    fn name(&self) -> &str {
        self.name
    }

    fn look_up<'a>(
        &'a self,
        sought: &'a Sought,
    ) -> Later<'a, Result<Option<Person>, AuthorityError>> {
        let found = self.find(sought, text(sought));
        Box::pin(ready(found.map(|found| found.map(|(person, _)| person))))
    }

    fn verify<'a>(
        &'a self,
        sought: &'a Sought,
        password: &'a [u8],
    ) -> Later<'a, Result<Verdict, AuthorityError>> {
        let password = String::from_utf8_lossy(password).into_owned();
        let found = self.find(sought, format!("{}: {password}", text(sought)));
        Box::pin(ready(found.map(|found| match found {
            None => Verdict::Unknown,
            Some((person, theirs)) if theirs == password => Verdict::Right(person),
            Some(_) => Verdict::Wrong,
        })))
    }
}
