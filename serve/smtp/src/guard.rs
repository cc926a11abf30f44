//! The door of the counter: who may come, how long they wait, and how much one's own people send.

use crate::log;
use core_directory::Account;
use core_guard::{
    Allowed, Blocklists, Doorkeeper, Greylist, Judgement, Offence, SenderBook, SenderLimits, Sent,
    Turned, Welcome,
};
use core_world::Clock;
use proto_smtp::{Answer, Reply, reply};
use std::net::IpAddr;
use std::sync::Arc;
use words_mail::{Address, EnhancedStatus, Refusal, ReversePath};

/// Stands at the door of every counter. Shared by all sessions.
pub struct Guard {
    /// How strangers have behaved.
    pub keeper: Arc<Doorkeeper>,
    /// Lists of others that are asked.
    pub lists: Blocklists,
    /// Who comes for the first time comes again; `None`: nobody has to.
    pub greylist: Option<Greylist>,
    /// What our own people have sent,
    pub senders: SenderBook,
    /// and may send.
    pub limits: SenderLimits,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Guard {
    /// May they come, and how long do they wait for the greeting?
    pub(crate) async fn come(&self, address: IpAddr) -> Answer {
        let delay = match self.keeper.arrive(address, self.clock.now()) {
            Welcome::Come { greeting_after } => greeting_after,
            Welcome::Turned(turned) => return Answer::Refused(turn_away(address, turned)),
        };
        match self.lists.look_up(address).await {
            None => Answer::GreetAfter(delay),
            Some(listed) => {
                let why = listed.text.unwrap_or_default();
                log::turned_away(address, &format!("listed by {}", listed.zone));
                let text = format!("{address} is listed by {} {why}", listed.zone);
                Answer::Refused(reply(554, EnhancedStatus(5, 7, 1), text.trim_end().to_string()))
            }
        }
    }

    /// They have waited for the greeting, and speak like a mail server.
    pub(crate) fn waited(&self, address: IpAddr) {
        self.keeper.waited(address, self.clock.now());
    }

    /// They have misbehaved. `Some` if that was once too often: goodbye.
    pub(crate) fn offend(&self, address: IpAddr, offence: Offence) -> Option<Reply> {
        let until = self.keeper.offend(address, offence, self.clock.now())?;
        log::banned(address, offence.what(), until);
        Some(turn_away(address, Turned::Banned { offence, until }))
    }

    /// May they name one more recipient?
    pub(crate) fn recipient(&self, address: IpAddr) -> Result<(), Refusal> {
        match self.keeper.recipient(address, self.clock.now()) {
            true => Ok(()),
            false => Err(Refusal::Limit("recipients of your network, try again later")),
        }
    }

    /// Have they waited, as strangers must? `None`: yes.
    pub(crate) async fn judge(
        &self,
        address: IpAddr,
        path: &ReversePath,
        to: &Address,
    ) -> Option<Reply> {
        let list = self.greylist.as_ref()?;
        match list.judge(address, path, to, self.clock.now()).await {
            Ok(Judgement::Pass) => None,
            Ok(Judgement::Wait(span)) => {
                let text = format!("you are new here, come again in {} seconds", span.as_secs());
                Some(reply(451, EnhancedStatus(4, 7, 1), text))
            }
            // To know nobody is no reason to refuse anybody.
            Err(_) => None,
        }
    }

    /// What an account has sent. Errors: `Unavailable`.
    pub(crate) async fn sent(&self, account: &Account) -> Result<Sent, Refusal> {
        let sent = self.senders.sent(account.id, self.clock.now()).await;
        sent.map_err(|_| Refusal::Unavailable)
    }

    /// May an account that has sent so much send to `more`?
    pub(crate) fn may_send(&self, account: &Account, sent: Sent, more: u64) -> Result<(), Refusal> {
        let refusal = match self.limits.allow(sent, more) {
            Allowed::Yes => return Ok(()),
            Allowed::NotThisHour => Refusal::Limit("recipients in one hour"),
            Allowed::NotToday => Refusal::Limit("recipients in one day"),
        };
        log::sends_too_much(&account.address, &refusal);
        Err(refusal)
    }
}

fn turn_away(address: IpAddr, turned: Turned) -> Reply {
    let text = match turned {
        Turned::TooOften => format!("{address} comes too often, try again later"),
        Turned::Banned { offence, .. } => {
            format!("{address} {}, try again later", offence.what())
        }
    };
    reply(421, EnhancedStatus(4, 7, 0), text)
}
