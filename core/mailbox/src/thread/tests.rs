//! Threads of made-up messages, one line each: `id < oldest … parent : subject @ date`.

use super::*;
use std::collections::BTreeSet;

/// `1 < 0 : Re: hello @ 5`; a part that is missing stands for its default.
fn facts(lines: &[&str]) -> Vec<Facts> {
    lines.iter().enumerate().map(|(place, line)| fact(place, line)).collect()
}

fn fact(place: usize, line: &str) -> Facts {
    let (line, date) = line.split_once(" @ ").unwrap_or((line, ""));
    let (line, subject) = line.split_once(" : ").unwrap_or((line, ""));
    let (id, ancestors) = line.split_once(" < ").unwrap_or((line, ""));
    let subject = base_subject(subject.as_bytes());
    Facts {
        place,
        sent: Timestamp::from_seconds(date.parse().unwrap_or(place as i64)),
        subject: subject.text,
        is_reply: subject.is_reply,
        id: id.trim().parse().ok(),
        ancestors: ancestors.split_whitespace().map(|id| id.parse().unwrap()).collect(),
    }
}

/// As THREAD prints it, with sequence numbers.
fn printed(threads: &[Threaded]) -> String {
    let mut out = String::new();
    let mut open = 0;
    for at in threads {
        while open > at.depth {
            out.push(')');
            open -= 1;
        }
        out.push('(');
        open += 1;
        if let Some(place) = at.place {
            out.push_str(&(place + 1).to_string());
        }
    }
    out + &")".repeat(open)
}

fn check(lines: &[&str], want: &str) {
    let threads = references::threads(&facts(lines));
    assert_eq!(printed(&threads), want, "{lines:#?}");
}

#[test]
fn answers_hang_below_what_they_answer() {
    check(&["1", "2 < 1", "3 < 1 2", "4 < 1"], "(1(2(3))(4))");
    check(&["3 < 1 2", "2 < 1", "1"], "(3(2(1)))");
}

#[test]
fn a_missing_message_between_others_is_left_out() {
    check(&["1", "3 < 1 2"], "(1(2))");
    check(&["3 < 1 2", "4 < 1 2"], "((1)(2))");
    check(&["3 < 1 2"], "(1)");
}

#[test]
fn a_messages_own_word_on_its_parent_counts() {
    // By its own word, the last message answers nobody, whatever the second one said.
    check(&["1", "3 < 1 2", "4 < 1 3", "2"], "(1)(4(2(3)))");
    check(&["9 < 7 8", "8 < 1", "1"], "(3(2(1)))");
}

#[test]
fn references_that_go_in_circles_end() {
    check(&["1 < 2", "2 < 1"], "(2(1))");
    check(&["1 < 1"], "(1)");
    check(&["1 < 2 3", "2 < 3 1", "3 < 1 2"], "(2(3(1)))");
}

#[test]
fn two_messages_of_one_identifier_are_two() {
    check(&["1", "1", "2 < 1"], "(1(3))(2)");
}

#[test]
fn threads_of_one_subject_become_one() {
    // An answer without references hangs below the original.
    check(&["1 : hello", "2 : Re: hello"], "(1(2))");
    check(&["2 : Re: hello", "1 : hello"], "(2(1))");
    // Two originals, or two answers, hang below one that is not there.
    check(&["1 : hello", "2 : hello"], "((1)(2))");
    check(&["1 : Re: hello", "2 : Re: hello", "3 : Re: hello"], "((1)(2)(3))");
    // Two threads of answers to missing messages.
    check(
        &["2 < 1 : hello", "3 < 1 : hello", "5 < 4 : Re: hello", "6 < 4 : Re: hello"],
        "((1)(2)(3)(4))",
    );
    // Messages without a subject are not gathered.
    check(&["1 : Re:", "2 : Re:", "3"], "(1)(2)(3)");
}

#[test]
fn threads_and_answers_stand_by_date() {
    check(&["1 @ 9", "2 @ 3", "3 < 1 @ 8", "4 < 1 @ 7"], "(2)(1(4)(3))");
    // A missing root has the date of its first child.
    check(&["2 < 1 @ 9", "3 < 1 @ 2", "4 @ 5"], "((2)(1))(3)");
}

#[test]
fn ordered_subject_puts_answers_side_by_side() {
    let lines = ["1 : a @ 4", "2 : b @ 2", "3 : Re: a @ 3", "4 : a @ 9", "5 : Re: b @ 7"];
    assert_eq!(printed(&by_subject(&facts(&lines))), "(2(5))(3(1)(4))");
}

#[test]
fn every_message_stands_in_one_thread_whatever_it_refers_to() {
    let mut seed = 5_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % below
    };
    for _ in 0..500 {
        let count = 1 + next(30) as usize;
        let facts: Vec<Facts> = (0..count)
            .map(|place| Facts {
                place,
                sent: Timestamp::from_seconds(next(20) as i64),
                subject: ["", "a", "b"][next(3) as usize].to_string(),
                is_reply: next(2) == 0,
                id: (next(5) > 0).then(|| next(20)),
                ancestors: (0..next(5)).map(|_| next(20)).collect(),
            })
            .collect();
        for threads in [references::threads(&facts), by_subject(&facts)] {
            let places: BTreeSet<usize> = threads.iter().filter_map(|t| t.place).collect();
            assert_eq!(places, (0..count).collect());
            assert_eq!(threads.iter().filter(|t| t.place.is_some()).count(), count);
            let mut last = 0;
            for (i, at) in threads.iter().enumerate() {
                assert!(at.depth <= if i == 0 { 0 } else { last + 1 });
                // One that is not here ties at least two.
                if at.place.is_none() {
                    let children = threads[i + 1..].iter().take_while(|t| t.depth > 0);
                    assert!(at.depth == 0 && children.filter(|t| t.depth == 1).count() >= 2);
                }
                last = at.depth;
            }
        }
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_messages_is_no_burden() {
    let chain = |order: &mut dyn Iterator<Item = u64>| -> Vec<Facts> {
        let fact = |(place, id): (usize, u64)| Facts {
            place,
            id: Some(id),
            ancestors: if id == 0 { [].into() } else { [id - 1].into() },
            ..Facts::default()
        };
        order.enumerate().map(fact).collect()
    };
    for facts in [chain(&mut (0..100_000)), chain(&mut (0..100_000).rev())] {
        let threads = references::threads(&facts);
        assert_eq!(threads.last().unwrap().depth, 99_999);
    }
}
