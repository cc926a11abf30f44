//! Who gets a copy, and what each recipient's answer hangs on.

use crate::Recipient;
use core_directory::LocalRecipient;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use words_mail::{AccountId, Address, ForwardPath, Refusal};

/// Whose answers the peer hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replies {
    /// One for all recipients: SMTP.
    One,
    /// One for each: LMTP (RFC 2033 §4.2).
    Each,
}

/// What is to be filed for whom.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    /// One copy for each account.
    pub(crate) copies: Vec<Placement<'a>>,
    /// Where in `copies` an account's is.
    places: HashMap<AccountId, usize>,
    /// For each recipient.
    outcomes: Vec<Outcome>,
}

/// One account's copy.
#[derive(Debug)]
pub(crate) struct Placement<'a> {
    /// Whose.
    pub(crate) to: &'a LocalRecipient,
    /// By which recipient it got there first.
    pub(crate) named: &'a ForwardPath,
    /// What becomes of it if the quota is used up by the time it is filed.
    pub(crate) quota: Quota,
}

/// How the quota counts when a copy is filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quota {
    /// A copy over it is refused: the peer's reply is about nothing else, so it hears that.
    Counts,
    /// It was decided just before. One reply is about several copies: were just this one refused, either
    /// it would be lost without a word, or the others would come twice.
    Decided,
}

#[derive(Debug)]
enum Outcome {
    Refused(Refusal),
    /// That of these copies.
    Copies(Vec<usize>),
}

/// Recipients whose answers are one reply, and the accounts they lead to, each once.
pub(crate) struct Group<'a> {
    recipients: Range<usize>,
    /// Those that have not got the message before.
    pub(crate) members: Vec<&'a LocalRecipient>,
    /// Does it lead elsewhere too?
    has_elsewhere: bool,
}

impl Group<'_> {
    /// Is the reply about more than one copy?
    pub(crate) fn is_shared(&self) -> bool {
        self.members.len() + usize::from(self.has_elsewhere) > 1
    }
}

/// The groups of `recipients`. Who was delivered to before, as the message says, gets no copy
/// again.
pub(crate) fn groups<'a>(
    recipients: &'a [Recipient],
    replies: Replies,
    before: &HashSet<String>,
) -> Vec<Group<'a>> {
    let range = |range: Range<usize>| {
        let mut members: Vec<&LocalRecipient> = Vec::new();
        let mut seen = HashSet::new();
        for local in recipients[range.clone()].iter().flat_map(|r| &r.local) {
            if !is_loop(&local.address, before) && seen.insert(local.account.id) {
                members.push(local);
            }
        }
        let has_elsewhere = recipients[range.clone()].iter().any(|r| leads_elsewhere(r, before));
        Group { recipients: range, members, has_elsewhere }
    };
    match replies {
        Replies::One => vec![range(0..recipients.len())],
        Replies::Each => (0..recipients.len()).map(|n| range(n..n + 1)).collect(),
    }
}

impl<'a> Plan<'a> {
    /// Nothing for nobody, of so many recipients.
    pub(crate) fn new(recipients: usize) -> Plan<'a> {
        let nobody = || Outcome::Refused(Refusal::NoSuchRecipient);
        let outcomes = (0..recipients).map(|_| nobody()).collect();
        Plan { outcomes, ..Plan::default() }
    }

    /// Nobody of `group` gets a copy because of it.
    pub(crate) fn refuse(&mut self, group: &Group<'_>, refusal: &Refusal) {
        for outcome in &mut self.outcomes[group.recipients.clone()] {
            *outcome = Outcome::Refused(refusal.clone());
        }
    }

    /// Everybody of `group` gets a copy, if there is not one for them already.
    pub(crate) fn accept(&mut self, group: &Group<'a>, recipients: &'a [Recipient]) {
        let quota = if group.is_shared() { Quota::Decided } else { Quota::Counts };
        for member in &group.members {
            let place = *self.places.entry(member.account.id).or_insert_with(|| {
                let leads = |r: &&Recipient| r.local.iter().any(|l| std::ptr::eq(l, *member));
                let named = recipients[group.recipients.clone()].iter().find(leads);
                let named = named.map_or(&ForwardPath::Postmaster, |r| &r.forward_path);
                self.copies.push(Placement { to: member, named, quota });
                self.copies.len() - 1
            });
            if quota == Quota::Decided {
                self.copies[place].quota = quota;
            }
        }
        for n in group.recipients.clone() {
            self.outcomes[n] = self.outcome(group, &recipients[n]);
        }
    }

    /// What the answer for `recipient` hangs on. Who has got the message before has it: that alone
    /// spoils no reply about others, and is a loop if there are none.
    fn outcome(&self, group: &Group<'_>, recipient: &Recipient) -> Outcome {
        if group.members.is_empty() && !group.has_elsewhere {
            return Outcome::Refused(Refusal::Loop);
        }
        let places = recipient.local.iter().filter_map(|l| self.places.get(&l.account.id));
        Outcome::Copies(places.copied().collect())
    }

    /// Those of `recipients` that were not refused.
    pub(crate) fn accepted(&self, recipients: &'a [Recipient]) -> Vec<&'a Recipient> {
        let accepted = recipients.iter().zip(&self.outcomes);
        let accepted = accepted.filter(|(_, outcome)| matches!(outcome, Outcome::Copies(_)));
        accepted.map(|(recipient, _)| recipient).collect()
    }

    /// The answer for each recipient, when filing the copies gave `filed`.
    pub(crate) fn answers(self, filed: &[Result<(), Refusal>]) -> Vec<Result<(), Refusal>> {
        let answer = |outcome| match outcome {
            Outcome::Refused(refusal) => Err(refusal),
            Outcome::Copies(places) => places.into_iter().try_for_each(|place| {
                let filed = filed.get(place).unwrap_or(&Err(Refusal::Unavailable));
                filed.clone()
            }),
        };
        self.outcomes.into_iter().map(answer).collect()
    }
}

/// Does `recipient` lead elsewhere? What we have forwarded by its address before comes in a circle.
pub(crate) fn leads_elsewhere(recipient: &Recipient, before: &HashSet<String>) -> bool {
    let came_back = recipient.forward.as_ref().is_some_and(|f| is_loop(&f.alias, before));
    !recipient.elsewhere.is_empty() && !came_back
}

fn is_loop(address: &Address, before: &HashSet<String>) -> bool {
    !before.is_empty() && before.contains(&address.to_string().to_lowercase())
}
