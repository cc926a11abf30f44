//! Mistakes in the configuration, and how they are shown: where, what, and how it is mended.

use serde::Serialize;
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The server does not start with it.
    Mistake,
    /// It starts, but something will not be as it was meant.
    Warning,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Octets of the file that it is about; `None` if it is about what is not in the file.
    pub span: Option<Range<usize>>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub mend: String,
}

/// A mistake for programs.
#[derive(Debug, Serialize)]
pub struct Told<'a> {
    /// From 1; `null` if it is about what is not in the file.
    line: Option<usize>,
    /// From 1, in characters.
    column: Option<usize>,
    /// How bad it is.
    severity: Severity,
    /// What is wrong.
    what: &'a str,
    /// What to do.
    mend: &'a str,
}

/// Where in a text an octet is: its line and column, and the line itself.
struct Place<'a> {
    line: usize,
    column: usize,
    text: &'a str,
}

fn place(text: &str, at: usize) -> Place<'_> {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (before, after) = text.split_at(at);
    let begin = before.rfind('\n').map_or(0, |end| end + 1);
    let end = at + after.find('\n').unwrap_or(after.len());
    Place {
        line: before.matches('\n').count() + 1,
        column: text[begin..at].chars().count() + 1,
        text: text[begin..end].trim_end_matches('\r'),
    }
}

/// All of them for people, in the order of the file: the line itself, what is wrong in it marked.
pub fn render(file: &Path, text: &str, mistakes: &[Mistake]) -> String {
    let mut out = String::new();
    for mistake in mistakes {
        if !out.is_empty() {
            out.push('\n');
        }
        render_one(&mut out, file, text, mistake);
    }
    out
}

fn render_one(out: &mut String, file: &Path, text: &str, mistake: &Mistake) {
    let Mistake { span, severity, what, mend } = mistake;
    let file = file.display();
    let warning = if *severity == Severity::Warning { "warning: " } else { "" };
    // Writing to a string does not fail.
    let _ = match span {
        None => writeln!(out, "{file}: {warning}{what}"),
        Some(span) => {
            let Place { line, column, text: shown } = place(text, span.start);
            let room = shown.chars().count() + 1 - column.min(shown.chars().count() + 1);
            let marked = text.get(span.clone()).and_then(|marked| marked.lines().next());
            let width = marked.map_or(1, |marked| marked.chars().count()).clamp(1, room.max(1));
            // Tabs stay tabs, so that the mark stands under what it marks.
            let indent = shown.chars().take(column - 1);
            let indent: String = indent.map(|c| if c == '\t' { c } else { ' ' }).collect();
            let margin = " ".repeat(line.to_string().len());
            writeln!(out, "{file}:{line}:{column}: {warning}{what}")
                .and_then(|()| writeln!(out, "  {line} | {shown}"))
                .and_then(|()| writeln!(out, "  {margin} | {indent}{}", "^".repeat(width)))
        }
    };
    let _ = writeln!(out, "    {mend}");
}

/// The same for programs.
pub fn told<'a>(text: &str, mistakes: &'a [Mistake]) -> Vec<Told<'a>> {
    let told = |mistake: &'a Mistake| {
        let place = mistake.span.as_ref().map(|span| place(text, span.start));
        Told {
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
            severity: mistake.severity,
            what: &mistake.what,
            mend: &mistake.mend,
        }
    };
    mistakes.iter().map(told).collect()
}
