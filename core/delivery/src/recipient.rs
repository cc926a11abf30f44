//! Who is asked for, and where that leads.

use crate::delivery::{Road, check_size};
use crate::way_out::{original, without_success};
use core_directory::{LocalRecipient, Resolved};
use core_queue::NewRecipient;
use words_mail::{Address, ForwardPath, Notify, OriginalRecipient, Refusal, ReversePath};

/// A recipient as RCPT asks for it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Where to.
    pub path: &'a ForwardPath,
    /// `NOTIFY=`
    pub notify: Notify,
    /// `ORCPT=`
    pub orcpt: Option<&'a OriginalRecipient>,
    /// Who sends.
    pub reverse_path: &'a ReversePath,
    /// Octets of the message (0: not told).
    pub size: u64,
    /// Has the peer logged in, or is it in a configured network?
    pub trusted: bool,
}

impl<'a> Asked<'a> {
    /// A stranger asks for `path`, and says nothing more.
    pub fn new(path: &'a ForwardPath, reverse_path: &'a ReversePath) -> Asked<'a> {
        Asked { path, notify: Notify::Unsaid, orcpt: None, reverse_path, size: 0, trusted: false }
    }
}

/// A forward-path that was accepted, and where it leads.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// As the client named it.
    pub forward_path: ForwardPath,
    /// Accounts here.
    pub local: Vec<LocalRecipient>,
    /// Addresses elsewhere.
    pub elsewhere: Vec<Address>,
    /// By which address of ours it goes elsewhere; `None`: it is elsewhere itself.
    pub forward: Option<Forward>,
    /// `NOTIFY=`
    pub notify: Notify,
    /// `ORCPT=`
    pub orcpt: Option<OriginalRecipient>,
}

/// An address of ours that leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The address.
    pub alias: Address,
    /// Is it a rewritten reverse-path, to which a report comes back?
    pub comes_back: bool,
}

impl Recipient {
    fn targets(&self) -> usize {
        self.local.len() + self.elsewhere.len()
    }

    /// What those elsewhere are to report (RFC 3461 §5.2.7): an alias with one target passes on what
    /// was asked, one with several has delivered the message.
    pub(crate) fn notify_beyond(&self) -> Notify {
        match self.forward {
            Some(_) if self.targets() > 1 => without_success(self.notify),
            _ => self.notify,
        }
    }

    /// Whom the sender meant, in the words of a report.
    pub(crate) fn orcpt_beyond(&self) -> Option<OriginalRecipient> {
        let forwarded = self.forward.as_ref().filter(|forward| !forward.comes_back);
        self.orcpt.clone().or_else(|| forwarded.map(|forward| original(&forward.alias)))
    }

    /// Is its success to be told here?
    pub(crate) fn tells_success_here(&self) -> bool {
        let is_expanded = self.forward.is_some() && self.targets() > 1;
        self.notify.on_success() && (!self.local.is_empty() || is_expanded)
    }

    /// What is told of it then.
    pub(crate) fn success_here(&self) -> Option<NewRecipient> {
        let named = match &self.forward_path {
            ForwardPath::Address(address) => Some(address),
            ForwardPath::Postmaster => self.local.first().map(|local| &local.address),
        };
        let address = named?.clone();
        Some(NewRecipient { address, notify: self.notify, orcpt: self.orcpt.clone() })
    }
}

impl Road {
    /// See [`crate::Delivery::recipient`].
    pub(crate) async fn recipient(&self, asked: &Asked<'_>) -> Result<Recipient, Refusal> {
        check_size(asked.size, self.options.size_max)?;
        let (resolved, comes_back) = self.resolve(asked).await?;
        let own = match asked.path {
            ForwardPath::Address(address) => Some(address),
            ForwardPath::Postmaster => None,
        };
        let is_itself = own.is_some_and(|own| resolved.elsewhere.contains(own));
        if !resolved.elsewhere.is_empty() {
            if is_itself && !asked.trusted {
                return Err(Refusal::RelayDenied);
            }
            if self.way_out.is_none() {
                return Err(Refusal::NoRouteYet);
            }
        }
        for local in &resolved.local {
            check_size(asked.size, local.account.size_max.unwrap_or(u64::MAX))?;
            self.check_quota(&local.account, asked.size).await?;
        }
        let is_forwarded = !resolved.elsewhere.is_empty() && !is_itself;
        let alias = if is_forwarded { self.alias(own, &resolved) } else { None };
        let forward = alias.map(|alias| Forward { alias, comes_back });
        Ok(Recipient {
            forward_path: asked.path.clone(),
            local: resolved.local,
            elsewhere: resolved.elsewhere,
            forward,
            notify: asked.notify,
            orcpt: asked.orcpt.cloned(),
        })
    }

    /// Where a path leads, and whether it is a rewritten reverse-path.
    async fn resolve(&self, asked: &Asked<'_>) -> Result<(Resolved, bool), Refusal> {
        let resolved = self.directory.resolve(asked.path).await;
        let (Some(way_out), ForwardPath::Address(own)) = (&self.way_out, asked.path) else {
            return Ok((resolved?, false));
        };
        match &resolved {
            // Not a domain of ours: nobody's reverse-path that we have rewritten.
            Ok(found) if found.elsewhere.contains(own) => return Ok((resolved?, false)),
            Ok(_) | Err(Refusal::NoSuchRecipient) => {}
            Err(_) => return Ok((resolved?, false)),
        }
        // A catch-all must not swallow it.
        let (now, random) = (self.world.clock.now(), &*self.world.random);
        match way_out.back(own, now, random).await? {
            None => Ok((resolved?, false)),
            // Only reports take this way; whoever has seen the path may not write through us by it.
            Some(_) if !asked.reverse_path.is_null() => Err(Refusal::RelayDenied),
            Some(sender) => {
                let resolved = self.directory.resolve(&ForwardPath::Address(sender)).await?;
                Ok((resolved, true))
            }
        }
    }

    /// The address of ours that forwards.
    fn alias(&self, own: Option<&Address>, resolved: &Resolved) -> Option<Address> {
        let local = resolved.local.first().map(|l| l.account.address.domain().clone());
        let host = || words_mail::Domain::parse(&self.options.host_name).ok();
        let postmaster = || Address::new("postmaster", local.or_else(host)?).ok();
        own.cloned().or_else(postmaster).or_else(|| resolved.elsewhere.first().cloned())
    }
}
