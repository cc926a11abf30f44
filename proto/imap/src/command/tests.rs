use super::*;
use crate::options::Options;
use crate::print::Utf8;
use crate::state::{Selected, State};
use std::sync::Arc;
use words_mail::{MailboxName, ModSeq};

fn selected() -> State {
    let name = MailboxName::inbox();
    State::Selected(Selected { name, read_only: false, highest_modseq: ModSeq(1) })
}

fn read(text: &str, state: State, options: Options) -> Result<&'static Spec, ParseError> {
    let mut cx = Context::new(Arc::new(options));
    cx.state = state;
    let mut cursor = Cursor::new(text.as_bytes(), Utf8::Off);
    parse(&mut cursor, &cx).map(|(spec, _)| spec)
}

/// Was it refused for the state, whatever its arguments?
fn is_out_of_order(text: &str, state: State) -> bool {
    match read(text, state, Options::default()) {
        Err(ParseError::Refused(tagged)) => {
            let words = ["Log in first", "Logged in already", "Select a mailbox first"];
            words.contains(&tagged.text.as_ref())
        }
        _ => false,
    }
}

#[test]
fn every_command_is_refused_in_the_states_that_do_not_allow_it() {
    for spec in COMMANDS {
        let allowed = [
            (State::NotAuthenticated, [Stage::Any, Stage::NotAuthenticated].contains(&spec.stage)),
            (State::Authenticated, [Stage::Any, Stage::Authenticated].contains(&spec.stage)),
            (selected(), spec.stage != Stage::NotAuthenticated),
        ];
        for (state, is_allowed) in allowed {
            let said = format!("{} in {state:?}", spec.verb);
            assert_eq!(is_out_of_order(&spec.verb.to_lowercase(), state), !is_allowed, "{said}");
        }
    }
}

#[test]
fn every_command_stands_once_and_in_capitals() {
    for (i, spec) in COMMANDS.iter().enumerate() {
        assert_eq!(spec.verb, spec.verb.to_ascii_uppercase());
        assert!(COMMANDS[..i].iter().all(|earlier| earlier.verb != spec.verb), "{}", spec.verb);
    }
}

#[test]
fn messages_are_renumbered_by_no_command_that_names_them_by_number() {
    // RFC 3501 §7.4.1: not by FETCH, STORE and SEARCH, nor by what is like them.
    for verb in ["FETCH", "STORE", "SEARCH", "SORT", "THREAD"] {
        let sync =
            |verb: &str| COMMANDS.iter().find(|spec| spec.verb == verb).map(|spec| spec.sync);
        assert_eq!(sync(verb), Some(Some(Expunges::HoldBack)));
        assert_eq!(sync(&format!("UID {verb}")), Some(Some(Expunges::Tell)));
    }
}

#[test]
fn a_command_that_is_switched_off_is_not_known() {
    let capabilities_off = vec!["move".to_string()];
    let options = Options { capabilities_off, ..Options::default() };
    let read = |text, options: &Options| read(text, selected(), options.clone()).is_ok();
    assert!(read("UID MOVE 1 Trash", &Options::default()));
    assert!(!read("UID MOVE 1 Trash", &options));
    assert!(read("UID COPY 1 Trash", &options));
}
