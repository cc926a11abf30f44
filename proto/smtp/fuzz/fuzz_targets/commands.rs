//! What a client may say to our server: `cargo +nightly fuzz run commands`, from `proto/smtp`.
//! The first octet says what kind of listener it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proto_line::{Session, Step};
use proto_smtp::{
    Answer, Ask, Cleartext, Dsn, Finished, Mode, Options, Peer, RequireTls, SmtpSession, Standing,
    StartTls, reply,
};
use std::sync::Arc;
use std::time::Instant;
use words_mail::EnhancedStatus;

fuzz_target!(|octets: &[u8]| {
    let Some((how, says)) = octets.split_first() else { return };
    let mode = [Mode::Relay, Mode::Submission, Mode::Lmtp][usize::from(how % 3)];
    let mut options = Options::new("mail.mired.org", mode);
    options.starttls = StartTls::Offered;
    options.dsn = Dsn::Offered;
    options.requiretls = RequireTls::Offered;
    let standing = if how & 128 == 0 { Standing::Stranger } else { Standing::Trusted };
    let peer = Peer { standing, cleartext: Cleartext::Allowed };
    let mut session = SmtpSession::new(Arc::new(options), peer);
    let now = Instant::now();
    let mut recipients = 0;
    for piece in [&[][..]].into_iter().chain(says.chunks(100)) {
        session.input(piece);
        loop {
            match session.step(now) {
                Step::Send(buffer) => session.give_back(buffer),
                Step::Ask(ask) => session.answer(answer(ask, mode, &mut recipients)),
                Step::Stream(never) => match never {},
                Step::Wait { .. } => break,
                Step::StartTls | Step::Close => return,
            }
        }
    }
});

fn answer(ask: Ask, mode: Mode, recipients: &mut usize) -> Answer {
    let yes = || reply(250, EnhancedStatus(2, 0, 0), "kept");
    match ask {
        Ask::Login(_) => Answer::Refused(reply(535, EnhancedStatus(5, 7, 8), "wrong")),
        Ask::Finish if mode == Mode::Lmtp => {
            Answer::Finished(Finished::Each(vec![yes(); *recipients]))
        }
        Ask::Finish => Answer::Finished(Finished::All(yes())),
        Ask::Sender(_) => {
            *recipients = 0;
            Answer::Accepted
        }
        Ask::Recipient(_) => {
            *recipients += 1;
            Answer::Accepted
        }
        Ask::Come | Ask::SpokeEarly | Ask::Begin | Ask::Write(_) | Ask::Abort => Answer::Accepted,
    }
}
