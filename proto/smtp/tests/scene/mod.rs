//! How questions and answers of SMTP are written in transcripts.

use proto_line::Scene;
use proto_smtp::{
    Answer, Ask, BodyType, Cleartext, Dsn, Finished, MailParameters, Mode, Notify, Options, Peer,
    RcptParameters, Reply, RequireTls, SmtpSession, Standing, StartTls, reply,
};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use words_mail::EnhancedStatus;

/// A listener with small limits, and a peer.
pub struct SmtpScene {
    options: Arc<Options>,
    peer: Peer,
}

impl SmtpScene {
    /// `relay`: a stranger on port 25; `trusted`: the same port from this machine; `submission`;
    /// `lmtp`; `bare`: a stranger where little is offered.
    pub fn of(kind: &str) -> SmtpScene {
        let (mode, standing, cleartext) = match kind {
            "trusted" => (Mode::Relay, Standing::Trusted, Cleartext::Allowed),
            "submission" => (Mode::Submission, Standing::Stranger, Cleartext::Refused),
            "lmtp" => (Mode::Lmtp, Standing::Stranger, Cleartext::Refused),
            _ => (Mode::Relay, Standing::Stranger, Cleartext::Refused),
        };
        let mut options = Options::new("mail.mired.org", mode);
        options.starttls = StartTls::Offered;
        if kind != "bare" {
            options.dsn = Dsn::Offered;
            options.requiretls = RequireTls::Offered;
        }
        options.ask_who_comes = kind == "guarded";
        options.size_max = 1000;
        options.recipients_max = 3;
        options.messages_max = 3;
        options.errors_max = 4;
        SmtpScene { options: Arc::new(options), peer: Peer { standing, cleartext } }
    }
}

impl Scene for SmtpScene {
    type Session = SmtpSession;

    fn open(&self) -> SmtpSession {
        SmtpSession::new(self.options.clone(), self.peer)
    }

    fn question(&self, ask: &Ask) -> String {
        match ask {
            Ask::Come => "come".to_string(),
            Ask::SpokeEarly => "spoke early".to_string(),
            Ask::Login(proto_sasl::Ask::Password { authcid, authzid, password }) => {
                let password = String::from_utf8_lossy(password.expose());
                format!("login {authcid:?} as {authzid:?} with {password:?}")
            }
            Ask::Login(ask) => format!("login {ask:?}"),
            Ask::Sender(sender) => {
                let mail =
                    format!("{} {} {}", sender.reverse_path, sender.with, sender.client.name);
                format!("sender {mail}{}", mail_parameters(&sender.parameters))
            }
            Ask::Recipient(recipient) => {
                let parameters = rcpt_parameters(&recipient.parameters);
                format!("recipient {}{parameters}", recipient.forward_path)
            }
            Ask::Begin => "begin".to_string(),
            Ask::Write(octets) if octets.len() > 200 => format!("write {} octets", octets.len()),
            Ask::Write(octets) => format!("write {}", octets.escape_ascii()),
            Ask::Finish => "finish".to_string(),
            Ask::Abort => "abort".to_string(),
        }
    }

    fn answer(&self, text: &str) -> Result<Answer, String> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        Ok(match kind {
            "accepted" => Answer::Accepted,
            "greet" => Answer::GreetAfter(Duration::from_secs(
                rest.parse().map_err(|_| "expected seconds".to_string())?,
            )),
            "refused" => Answer::Refused(parse_reply(rest)?),
            "login" => Answer::Login(proto_sasl::Answer::Accepted),
            "finished" => Answer::Finished(Finished::All(parse_reply(rest)?)),
            "each" => {
                let replies: Result<_, _> = rest.split(" | ").map(parse_reply).collect();
                Answer::Finished(Finished::Each(replies?))
            }
            _ => return Err(format!("no such answer: {text}")),
        })
    }

    fn stretch(&self, stretch: &Infallible) -> Vec<u8> {
        match *stretch {}
    }
}

fn parse_reply(text: &str) -> Result<Reply, String> {
    let wrong = || format!("expected code, status and text: {text}");
    let mut words = text.splitn(3, ' ');
    let code = words.next().and_then(|w| w.parse().ok()).ok_or_else(wrong)?;
    let status: Option<Vec<u16>> =
        words.next().and_then(|w| w.split('.').map(|n| n.parse().ok()).collect());
    let Some(&[class, subject, detail]) = status.as_deref() else { return Err(wrong()) };
    let status = EnhancedStatus(class as u8, subject, detail);
    Ok(reply(code, status, words.next().ok_or_else(wrong)?.to_string()))
}

fn mail_parameters(parameters: &MailParameters) -> String {
    let mut text = String::new();
    if let Some(size) = parameters.size {
        text += &format!(" SIZE={size}");
    }
    match parameters.body {
        BodyType::SevenBit => {}
        body => text += &format!(" {body:?}"),
    }
    if parameters.smtputf8 {
        text += " SMTPUTF8";
    }
    if parameters.requiretls {
        text += " REQUIRETLS";
    }
    if let Some(ret) = parameters.ret {
        text += &format!(" RET={ret:?}");
    }
    if let Some(envid) = &parameters.envid {
        text += &format!(" ENVID={envid}");
    }
    if let Some(auth) = &parameters.auth {
        text += &format!(" AUTH={auth:?}");
    }
    text
}

fn rcpt_parameters(parameters: &RcptParameters) -> String {
    let mut text = String::new();
    if parameters.notify != Notify::Unsaid {
        text += &format!(" NOTIFY={}", parameters.notify);
    }
    if let Some(meant) = &parameters.orcpt {
        text += &format!(" ORCPT={};{}", meant.kind, meant.address);
    }
    text
}
