//! THREAD (RFC 5256 §3).

use super::search::charset_then_keys;
use super::search::key::Keys;
use super::{Next, Parsed, Run, mismatch};
use crate::ask::{self, Answer, Ask, Order, ThreadAlgorithm};
use crate::context::Context;
use crate::cursor::{Cursor, Kind};
use crate::print;
use crate::tagged::Tagged;

struct Thread {
    search: ask::Search,
    has_modseq: bool,
}

/// `thread = "THREAD" SP thread-alg SP charset 1*(SP search-key)`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Seq)
}

/// `uid-thread = "UID" SP thread`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Uid)
}

fn parse_kind(cursor: &mut Cursor<'_>, kind: Kind) -> Parsed {
    cursor.space()?;
    let algorithm = if cursor.word("REFERENCES") {
        ThreadAlgorithm::References
    } else if cursor.word("ORDEREDSUBJECT") {
        ThreadAlgorithm::OrderedSubject
    } else {
        cursor.expected("REFERENCES or ORDEREDSUBJECT")?
    };
    let Keys { key, has_modseq } = charset_then_keys(cursor)?;
    let order = Order::Thread(algorithm);
    let search = ask::Search { key, order, uid: kind == Kind::Uid, save: false };
    Ok(Box::new(Thread { search, has_modseq }))
}

impl Run for Thread {
    fn start(&mut self, cx: &mut Context) -> Next {
        if self.has_modseq {
            cx.enable_condstore();
        }
        Next::Ask(Ask::Search(self.search.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Found(found) = answer else { mismatch(&answer) };
        cx.put("* THREAD");
        if !found.threads.is_empty() {
            cx.put(" ");
        }
        for thread in &found.threads {
            thread_list(thread, &mut cx.out);
        }
        cx.put("\r\n");
        dismantle(found.threads);
        Next::Done(Tagged::ok("That is all"))
    }
}

/// What is still to be printed.
enum Rest<'a> {
    List(&'a ask::Thread),
    Close,
}

/// ```abnf
/// thread-list    = "(" (thread-members / thread-nested) ")"
/// thread-members = nz-number *(SP nz-number) [SP thread-nested]
/// thread-nested  = 2*thread-list
/// ```
/// A stack of its own in place of calling itself: a conversation may be very deep.
fn thread_list(thread: &ask::Thread, out: &mut Vec<u8>) {
    let mut rest = vec![Rest::List(thread)];
    while let Some(next) = rest.pop() {
        match next {
            Rest::Close => out.push(b')'),
            Rest::List(thread) => {
                out.push(b'(');
                rest.push(Rest::Close);
                let forks = members(thread, out);
                rest.extend(forks.iter().rev().map(Rest::List));
            }
        }
    }
}

/// Prints a message, its only answer, the only answer to that, and so on, up to where the
/// conversation forks. A message that is missing is passed over.
fn members<'a>(thread: &'a ask::Thread, out: &mut Vec<u8>) -> &'a [ask::Thread] {
    let start = out.len();
    let mut thread = thread;
    loop {
        if thread.number > 0 {
            print::separate(out, start);
            print::number(out, u64::from(thread.number));
        }
        match thread.children.as_slice() {
            [only] => thread = only,
            forks => {
                if !forks.is_empty() {
                    print::separate(out, start);
                }
                return forks;
            }
        }
    }
}

/// Drops threads one by one, since dropping a deep one whole would take as deep a stack.
fn dismantle(mut threads: Vec<ask::Thread>) {
    while let Some(mut thread) = threads.pop() {
        threads.append(&mut thread.children);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u32, children: Vec<ask::Thread>) -> ask::Thread {
        ask::Thread { number, children }
    }

    fn printed(thread: ask::Thread) -> String {
        let mut out = Vec::new();
        thread_list(&thread, &mut out);
        dismantle(vec![thread]);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn threads_are_printed_as_rfc_5256_shows() {
        assert_eq!(printed(node(2, vec![])), "(2)");
        let deep = node(96, vec![]);
        let fork = vec![node(4, vec![node(23, vec![])]), node(44, vec![node(7, vec![deep])])];
        assert_eq!(printed(node(3, vec![node(6, fork)])), "(3 6 (4 23)(44 7 96))");
        assert_eq!(printed(node(0, vec![node(3, vec![]), node(5, vec![])])), "((3)(5))");
        assert_eq!(printed(node(0, vec![node(3, vec![])])), "(3)");
    }

    #[test]
    fn a_very_deep_thread_needs_no_deep_stack() {
        let mut thread = node(1, vec![]);
        for number in 2..200_000 {
            thread = node(number, vec![node(1, vec![]), thread]);
        }
        assert!(printed(thread).starts_with("(199999 (1)(199998 (1)("));
    }
}
