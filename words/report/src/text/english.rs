//! English.

use super::Words;
use crate::Cause;

pub(super) const WORDS: Words = Words {
    sender: "Mail delivery",
    subject_failed: "Not delivered: {}",
    subject_delayed: "Delayed: {}",
    subject_delivered: "Delivered: {}",
    greeting: "This is the mail server {}.",
    failed: "Your message could NOT be delivered to:",
    delayed: "Your message has NOT been delivered YET to the following address. The server goes on \
              trying; you need not do anything, and need not send it again:",
    delivered: "Your message was delivered to:",
    relayed: "Your message was handed to the next server for the following address. That server does \
              not report any further:",
    tried_for: "It was tried for {}.",
    tried_until: "It is tried until {}.",
    said: "These are the exact words of {}:",
    said_here: "In the words of this server:",
    about_subject: "Subject of your message: {}",
    about_date: "Accepted by this server: {}",
    below_headers: "Its header is attached.",
    below_whole: "It is attached, whole.",
    days: ["day", "days"],
    hours: ["hour", "hours"],
    minutes: ["minute", "minutes"],
};

pub(super) fn explain(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::UnknownUser => (
            "There is no such address.",
            "Check how it is spelt, or ask the person for the right one in another way.",
        ),
        Cause::NoSuchDomain => (
            "Nothing takes mail for what stands behind the \"@\".",
            "Check how it is spelt. If it is right, its owner has to mend it.",
        ),
        Cause::MailboxFull => (
            "The mailbox is full.",
            "Send it again later, or tell the person in another way to make room.",
        ),
        Cause::MailboxDisabled => {
            ("The mailbox takes no mail at present.", "Reach the person in another way.")
        }
        Cause::TooLarge => (
            "The message is too large for the other side.",
            "Send it without attachments or with smaller ones, or share them as links.",
        ),
        Cause::Policy => (
            "The other side refuses this message by its own rules.",
            "Read its words below. If you see no reason, reach the person in another way and have \
             their server's postmaster asked.",
        ),
        Cause::NotGenuine => (
            "The other side does not believe that the message comes from your domain.",
            "Show this to your postmaster: SPF, DKIM or DMARC of the domain have to be mended.",
        ),
        Cause::TlsDemanded => (
            "The message may travel only over a secure connection, and there was none.",
            "Show this to your postmaster, or send something less confidential in another way.",
        ),
        Cause::Unreachable => (
            "No mail server of that domain could be reached.",
            "Check the part behind the \"@\". If it is right, the trouble is theirs; send it again \
             another day.",
        ),
        Cause::Loop => (
            "The message goes round in circles between servers.",
            "Show this to your postmaster: a forwarding or a DNS entry is wrong.",
        ),
        Cause::NotUnderstood => (
            "The other server does not understand messages of this kind.",
            "Send it as simple text to an address without accents, or attach the content as a file.",
        ),
        Cause::Trouble => ("The other server has trouble of its own.", "Send it again later."),
        Cause::Other => (
            "The other side did not take the message.",
            "Read its words below; if they do not help, show this to your postmaster.",
        ),
    }
}
