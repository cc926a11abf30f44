//! What is read from the file on the way to a [`super::Config`]: mistakes are gathered, and it is
//! remembered where each key stands, so that what is found out later can be shown there too.

use super::mistake::{Mistake, Severity};
use super::table::{Section, Table};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One value of the file.
pub struct Item<'a> {
    /// What is written.
    pub value: &'a DeValue<'a>,
    /// Where.
    pub span: Range<usize>,
    /// The whole name of its key, as in `limits.message_size` or `listener[0].port`.
    pub path: String,
}

impl<'a> Item<'a> {
    fn new(value: &'a Spanned<DeValue<'a>>, path: String) -> Item<'a> {
        Item { value: value.get_ref(), span: value.span(), path }
    }

    /// The entries, if it is a list.
    pub fn entries(&self) -> Option<Vec<Item<'a>>> {
        let DeValue::Array(array) = self.value else { return None };
        let entry = |(index, value)| Item::new(value, format!("{}[{index}]", self.path));
        Some(array.iter().enumerate().map(entry).collect())
    }

    /// What is written, in words.
    fn found(&self) -> String {
        match self.value {
            DeValue::String(text) => format!("the text {:?}", text.as_ref()),
            DeValue::Integer(number) => format!("the number {}", number.as_str()),
            DeValue::Float(number) => format!("the number {}", number.as_str()),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date".to_string(),
            DeValue::Array(_) => "a list".to_string(),
            DeValue::Table(_) => "a section".to_string(),
        }
    }
}

/// What has been seen so far.
#[derive(Debug, Default)]
pub struct Reading {
    mistakes: Vec<Mistake>,
    /// Where the file is no TOML: what was read there means nothing.
    unreadable: Vec<Range<usize>>,
    places: BTreeMap<String, Range<usize>>,
}

impl Reading {
    /// The file is no TOML at `span`, and nothing is to be made of what stands in `all`.
    pub fn unreadable(&mut self, span: Range<usize>, all: Range<usize>, why: &str) {
        let (what, mend) = match why {
            "duplicate key" => ("this stands here for the second time", "remove one of the two"),
            _ => (
                "this is not TOML",
                "mend the line; \"estafeta config show\" prints how each key is written",
            ),
        };
        self.mistake(span, format!("{what}: {why}"), mend);
        self.unreadable.push(all);
    }

    /// Something is wrong in this part of the file.
    pub fn mistake(&mut self, span: Range<usize>, what: String, mend: impl Into<String>) {
        if self.unreadable.iter().any(|broken| overlap(broken, &span)) {
            return;
        }
        let (span, mend) = (Some(span), mend.into());
        self.mistakes.push(Mistake { span, severity: Severity::Mistake, what, mend });
    }

    /// Something is wrong about a key, whether it is in the file or not.
    pub fn mistake_at(&mut self, path: &str, what: String, mend: impl Into<String>) {
        let (span, mend) = (self.place(path), mend.into());
        self.mistakes.push(Mistake { span, severity: Severity::Mistake, what, mend });
    }

    /// Something about a key is probably not as it was meant.
    pub fn warning_at(&mut self, path: &str, what: String, mend: impl Into<String>) {
        let (span, mend) = (self.place(path), mend.into());
        self.mistakes.push(Mistake { span, severity: Severity::Warning, what, mend });
    }

    /// A value is of another kind than its key wants.
    pub fn wrong_kind(&mut self, item: &Item<'_>, kind: &str, mend: impl Into<String>) {
        self.mistake(item.span.clone(), format!("expected {kind}, not {}", item.found()), mend);
    }

    /// Where a key stands: its value, or the section that should have it.
    fn place(&self, path: &str) -> Option<Range<usize>> {
        let parent = || path.rsplit_once('.').and_then(|(parent, _)| self.places.get(parent));
        self.places.get(path).or_else(parent).cloned()
    }

    /// Is something wrong with the value of this key?
    pub fn is_wrong(&self, path: &str) -> bool {
        let Some(place) = self.places.get(path) else { return false };
        let spans = self.mistakes.iter().filter_map(|mistake| mistake.span.as_ref());
        spans.into_iter().any(|span| overlap(place, span))
    }

    /// Is this key in the file?
    pub fn is_set(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Have mistakes been found that keep a server from starting?
    pub fn is_good(&self) -> bool {
        self.mistakes.iter().all(|mistake| mistake.severity == Severity::Warning)
    }

    /// All that was found, in the order of the file; what is about no line of it comes last.
    pub fn into_mistakes(mut self) -> Vec<Mistake> {
        let at = |mistake: &Mistake| mistake.span.as_ref().map_or(usize::MAX, |span| span.start);
        self.mistakes.sort_by_key(at);
        self.mistakes
    }

    /// Reads a section into `table`.
    pub fn table<T: Table>(
        &mut self,
        table: &mut T,
        from: &DeTable<'_>,
        path: &str,
        sections: &[Section],
    ) {
        for (key, value) in from.iter() {
            let name: &str = key.get_ref();
            if T::NAMES.contains(&name) {
                let item = Item::new(value, join(path, name));
                self.places.insert(item.path.clone(), item.span.clone());
                table.set(name, &item, self, sections);
            } else {
                let (what, mend) = match is_section(value.get_ref()) {
                    true => unknown_section(name, path, sections),
                    false => unknown::<T>(name, path, sections),
                };
                self.mistake(key.span(), what, mend);
            }
        }
    }

    /// Reads what must be a section.
    pub fn section<T: Table>(&mut self, table: &mut T, item: &Item<'_>, sections: &[Section]) {
        match item.value {
            DeValue::Table(from) => self.table(table, from, &item.path, sections),
            _ => {
                let mend = format!("write it as a section of its own: [{}]", item.path);
                self.wrong_kind(item, "a section", mend);
            }
        }
    }

    /// Reads what must be a list of sections.
    pub fn sections<T: Table>(&mut self, item: &Item<'_>, sections: &[Section]) -> Vec<T> {
        let mend = format!("begin each with a line [[{}]]", item.path);
        let Some(entries) = item.entries() else {
            self.wrong_kind(item, "a list of sections", mend);
            return Vec::new();
        };
        let mut all = Vec::new();
        for entry in entries {
            self.places.insert(entry.path.clone(), entry.span.clone());
            let mut table = T::default();
            match entry.value {
                DeValue::Table(from) => self.table(&mut table, from, &entry.path, sections),
                _ => self.wrong_kind(&entry, "a section", mend.clone()),
            }
            all.push(table);
        }
        all
    }
}

/// The name of a key in a section.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

/// Do two parts of the file have something in common? One without length does with what it is in, or
/// stands at an end of.
fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start <= other.end && other.start <= one.end
}

fn is_section(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(array) => array.iter().any(|entry| entry.get_ref().is_table()),
        _ => false,
    }
}

/// What to say of a section that nobody knows.
fn unknown_section(name: &str, path: &str, sections: &[Section]) -> (String, String) {
    let path = join(path, name);
    let names: Vec<&str> = sections.iter().map(|section| section.path.as_str()).collect();
    let near = nearest(&path, &names).and_then(|near| sections.iter().find(|s| s.path == near));
    let mend = match near {
        Some(section) => format!("did you mean {}?", section.header()),
        None => {
            let headers = sections.iter().skip(1).map(Section::header);
            format!("there are: {}", headers.collect::<Vec<_>>().join(", "))
        }
    };
    (format!("there is no section {path:?}"), mend)
}

/// What to say of a key that nobody knows.
fn unknown<T: Table>(name: &str, path: &str, sections: &[Section]) -> (String, String) {
    let here = match sections.iter().find(|section| section.is_at(path)) {
        Some(section) if !section.path.is_empty() => section.header(),
        _ => "the part before the first section".to_string(),
    };
    let what = format!("there is no key {name:?} in {here}");
    if let Some(near) = nearest(name, T::NAMES) {
        return (what, format!("did you mean {near:?}?"));
    }
    let has = |section: &&Section| section.keys.iter().any(|key| key.name == name);
    let mend = match sections.iter().find(has) {
        Some(section) if section.path.is_empty() => {
            format!("{name:?} belongs before the first section, at the top of the file")
        }
        Some(section) => format!("{name:?} belongs in {}", section.header()),
        None => format!("there are: {}", T::NAMES.join(", ")),
    };
    (what, mend)
}

/// The one of `names` that was probably meant.
pub fn nearest<'n>(name: &str, names: &[&'n str]) -> Option<&'n str> {
    let spelling = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let distance = |other: &str| strsim::damerau_levenshtein(&spelling(name), &spelling(other));
    let near = names.iter().map(|other| (distance(other), *other)).min()?;
    (near.0 <= (near.1.len() / 3).max(1)).then_some(near.1)
}
