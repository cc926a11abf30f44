//! The configuration as text that explains itself: the file that `estafeta init` writes, what
//! `config show` prints, and a chapter of the documentation.

use super::sections;
use super::table::{Form, Key, Present, Section, When};
use serde_json::Value as Json;
use std::fmt::Write;

/// Letters in a line of a comment.
const WIDTH: usize = 96;

/// The first words of a new file.
const HEAD: &str = "\
# Configuration of Estafeta. A key behind a \"#\" is shown with its default, or with an example.
# \"estafeta config check\" finds mistakes in it; SIGHUP to the running server, or
# \"systemctl reload estafeta\", makes it heed what has changed.

";

/// A file with every key: those of `values` with their values, the others commented out with their
/// defaults. Of each list of sections, one stands there commented out, and those of `values`.
pub fn file(values: &[Present]) -> String {
    let mut out = HEAD.to_string();
    for section in sections() {
        if section.form != Form::Top {
            comment(&mut out, section.about);
        }
        match section.form {
            Form::Top => keys(&mut out, &section, "", values),
            Form::Once => {
                let _ = writeln!(out, "{}", section.header());
                keys(&mut out, &section, &section.path, values);
            }
            Form::Each => {
                example(&mut out, &section);
                each(&mut out, &section, values);
            }
        }
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

/// The configuration with nothing left out or commented out but what has no value.
pub fn whole(values: &[Present]) -> String {
    let mut out = String::new();
    for section in sections() {
        match section.form {
            Form::Top => keys(&mut out, &section, "", values),
            Form::Once => {
                let _ = writeln!(out, "{}", section.header());
                keys(&mut out, &section, &section.path, values);
            }
            Form::Each => {
                if values.iter().any(|present| section.is_at(&present.section)) {
                    for key in &section.keys {
                        comment(&mut out, &format!("{}: {}", key.name, key.meaning));
                        comment(&mut out, &facts(key));
                    }
                }
                each(&mut out, &section, values);
            }
        }
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

/// Every key of a section, explained.
fn keys(out: &mut String, section: &Section, path: &str, values: &[Present]) {
    for key in &section.keys {
        comment(out, &key.meaning);
        comment(out, &facts(key));
        let _ = match find(values, path, key.name) {
            Some(value) => writeln!(out, "{} = {value}\n", key.name),
            None => writeln!(out, "#{} = {}\n", key.name, sample(key)),
        };
    }
}

/// The sections of a list.
fn each(out: &mut String, section: &Section, values: &[Present]) {
    for index in 0.. {
        let path = format!("{}[{index}]", section.path);
        if !values.iter().any(|present| present.section == path) {
            break;
        }
        let _ = writeln!(out, "{}", section.header());
        for key in &section.keys {
            if let Some(value) = find(values, &path, key.name) {
                let _ = writeln!(out, "{} = {value}", key.name);
            }
        }
        out.push('\n');
    }
}

/// One section of a list, commented out.
fn example(out: &mut String, section: &Section) {
    let _ = writeln!(out, "#{}", section.header());
    for key in &section.keys {
        comment(out, &key.meaning);
        comment(out, &facts(key));
        let _ = writeln!(out, "#{} = {}", key.name, sample(key));
    }
    out.push('\n');
}

fn find<'v>(values: &'v [Present], section: &str, name: &str) -> Option<&'v Json> {
    let is = |present: &&Present| present.section == section && present.name == name;
    values.iter().find(is).map(|present| &present.value).filter(|value| !value.is_null())
}

/// The default, or an example if there is none.
fn sample(key: &Key) -> String {
    if key.default.is_null() { key.example.to_string() } else { key.default.to_string() }
}

/// What may stand there, and what holds if nothing does.
pub fn facts(key: &Key) -> String {
    let kind = format!("{}{}", key.kind[..1].to_uppercase(), &key.kind[1..]);
    let when = match key.when {
        When::Live => "heeded at SIGHUP",
        When::Restart => "heeded at the next start",
    };
    format!("{kind}. Default: {}. A change is {when}.", default(key))
}

/// The default in words.
pub fn default(key: &Key) -> String {
    if key.unset.is_empty() { key.default.to_string() } else { key.unset.to_string() }
}

/// Writes `text` in lines that begin with `#`.
fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

/// The chapter of the documentation.
#[cfg(test)]
pub fn chapter() -> String {
    let mut out = String::from(CHAPTER);
    for section in sections() {
        let title = match section.form {
            Form::Top => "Before the first section".to_string(),
            _ => format!("`{}`", section.header()),
        };
        let _ = write!(out, "\n## {title}\n\n{}\n\n", section.about);
        out += "| Key | Meaning | Value | Default | A change is heeded |\n| --- | --- | --- | --- | --- |\n";
        for key in &section.keys {
            let when = match key.when {
                When::Live => "at SIGHUP",
                When::Restart => "at the next start",
            };
            let default = match key.unset {
                "" => format!("`{}`", key.default),
                unset => unset.to_string(),
            };
            let cells = [&key.meaning, &key.kind, &default].map(|text| text.replace('|', "\\|"));
            let [meaning, kind, default] = cells;
            let _ = writeln!(out, "| `{}` | {meaning} | {kind} | {default} | {when} |", key.name);
        }
    }
    out
}

#[cfg(test)]
const CHAPTER: &str = "\
# Configuration

One file in TOML: the one that `--config` or `ESTAFETA_CONFIG` names, or `/etc/estafeta/estafeta.toml`,
or `estafeta.toml` where the command is given. `estafeta init` writes one, `estafeta config check` finds
mistakes, `estafeta config show` prints what holds. An empty file is valid. A relative path begins at the
directory of the file. `SIGHUP` makes a running server read it again; what cannot change while it runs is
named in its log.

This page is made from the table of keys (`app/src/config/schema.rs`) and checked against it by a test;
`ESTAFETA_WRITE_DOCS=1 cargo test -p estafeta configuration` writes it anew.
";
