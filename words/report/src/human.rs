//! The part for people: what happened, what to do, and the exact words.

use crate::report::{Action, Recipient, Report, Returned};
use crate::text::{Words, explain, span, words};
use crate::{Cause, Language};
use words_message::DateTime;

/// Columns of the text: quoted-printable has room for them.
const WIDTH: usize = 74;

/// The text, its lines ending with `\n`.
pub(crate) fn human_part(report: &Report<'_>) -> String {
    let words = words(report.language);
    let mut out = fill(words.greeting, report.reporting_mta) + "\n";
    for (word, title) in [
        ("failed", words.failed),
        ("delayed", words.delayed),
        ("delivered", words.delivered),
        ("relayed", words.relayed),
    ] {
        let mut of_kind = report.recipients.iter().filter(|r| r.action.word() == word).peekable();
        if of_kind.peek().is_some() {
            out.push('\n');
            wrap("", title, &mut out);
        }
        of_kind.for_each(|recipient| tell(recipient, words, report.language, &mut out));
    }
    about(report, words, &mut out);
    out
}

fn tell(recipient: &Recipient, words: &Words, language: Language, out: &mut String) {
    out.push_str(&format!("\n  {}\n", recipient.address));
    match recipient.action {
        Action::Delivered | Action::Relayed => return,
        Action::Failed => {}
        Action::Expired(seconds) => {
            out.push_str(&format!("    {}\n", fill(words.tried_for, &span(words, seconds))));
        }
        Action::Delayed { until } => {
            let until = fill(words.tried_until, &DateTime::utc(until).to_field());
            out.push_str(&format!("    {until}\n"));
        }
    }
    let explanation = explain(language, Cause::of(recipient.status));
    wrap("    ", explanation.what, out);
    if !matches!(recipient.action, Action::Delayed { .. }) {
        wrap("    ", explanation.advice, out);
    }
    let said = match &recipient.by {
        Some(by) => fill(words.said, &printable(by)),
        None => words.said_here.to_string(),
    };
    out.push_str(&format!("\n    {said}\n"));
    let code = recipient.code.map(|code| format!("{code} ")).unwrap_or_default();
    wrap("      ", &format!("{code}{}", printable(&recipient.text)), out);
}

fn about(report: &Report<'_>, words: &Words, out: &mut String) {
    out.push('\n');
    let subject = printable(report.original.subject.trim());
    if !subject.is_empty() {
        wrap("", &fill(words.about_subject, &subject), out);
    }
    let date = DateTime::utc(report.original.accepted_at).to_field();
    out.push_str(&fill(words.about_date, &format!("{date} ({})", report.original.id)));
    let below = match report.returned {
        Returned::Header => words.below_headers,
        Returned::Whole { .. } => words.below_whole,
    };
    out.push_str(&format!("\n{below}\n"));
}

fn fill(template: &str, with: &str) -> String {
    template.replacen("{}", with, 1)
}

/// What strangers wrote, on one line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `text` on lines that begin with `indent`.
fn wrap(indent: &str, text: &str, out: &mut String) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            column = 0;
        }
        match column {
            0 => out.push_str(indent),
            _ => out.push(' '),
        }
        column = if column == 0 { indent.len() + width } else { column + 1 + width };
        out.push_str(word);
    }
    out.push('\n');
}
