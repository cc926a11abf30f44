//! Lines of `/etc/aliases` (`name: target, target`) and of Postfix's virtual alias maps
//! (`name target, target`).

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AliasTarget {
    /// An address, or a name of this machine.
    Address(String),
    /// Something that only the machine's own delivery knows: a file, a command, a list in a file.
    Local(String),
}

/// One alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasLine {
    /// The number of its first line, from 1.
    pub line: usize,
    /// What is looked up: a name, an address, `@domain` for all names of a domain, or a domain.
    pub name: String,
    /// Where its mail goes.
    pub targets: Vec<AliasTarget>,
}

/// Which of the two forms a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasForm {
    /// `/etc/aliases`: the name ends at a colon.
    Aliases,
    /// A map of Postfix: the name ends at white space.
    Virtual,
}

impl AliasForm {
    /// Which form a text has: that of the first entry in it.
    pub fn of(text: &str) -> AliasForm {
        let entries = entries(text);
        let first = entries.first().map(|(_, entry)| entry.as_str()).unwrap_or_default();
        let (name, _) = take_name(first, |c| c == ':' || c.is_ascii_whitespace());
        match first.get(name.len()..).map(str::trim_start) {
            Some(rest) if rest.starts_with(':') && !name.is_empty() => AliasForm::Aliases,
            _ if first.starts_with('"') => AliasForm::Aliases,
            _ => AliasForm::Virtual,
        }
    }
}

/// The aliases of a file, and the numbers of lines that make no sense.
pub fn parse(text: &str, form: AliasForm) -> (Vec<AliasLine>, Vec<usize>) {
    let (mut aliases, mut senseless) = (Vec::new(), Vec::new());
    for (line, entry) in entries(text) {
        match parse_entry(&entry, form) {
            Some((name, targets)) => aliases.push(AliasLine { line, name, targets }),
            None => senseless.push(line),
        }
    }
    (aliases, senseless)
}

/// Entries with the number of their first line; lines that begin with white space go on.
fn entries(text: &str) -> Vec<(usize, String)> {
    let mut entries: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match entries.last_mut() {
            Some((_, entry)) if line.starts_with([' ', '\t']) => {
                entry.push(' ');
                entry.push_str(line.trim());
            }
            _ => entries.push((number + 1, line.trim_end().to_string())),
        }
    }
    entries
}

fn parse_entry(entry: &str, form: AliasForm) -> Option<(String, Vec<AliasTarget>)> {
    let (name, rest) = match form {
        AliasForm::Aliases => {
            let (name, rest) = take_name(entry, |c| c == ':');
            (name, rest.trim_start().strip_prefix(':')?)
        }
        AliasForm::Virtual => take_name(entry, |c| c.is_ascii_whitespace()),
    };
    let name = name.trim().to_string();
    let targets: Vec<AliasTarget> =
        split_targets(rest).into_iter().filter_map(|t| target(&t)).collect();
    (!name.is_empty() && !targets.is_empty()).then_some((name, targets))
}

/// What precedes the first character that ends a name, quotes taken off, and what follows.
fn take_name(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    if let Some((name, rest)) = text.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        return (name, rest);
    }
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// Targets divided by commas (in maps also by spaces) that do not stand in quotes. Quotes go.
fn split_targets(text: &str) -> Vec<String> {
    let (mut targets, mut target, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => target.extend(chars.next()),
            ',' if !quoted => targets.push(std::mem::take(&mut target)),
            c if c.is_ascii_whitespace() && !quoted && !is_command(&target) => {
                targets.push(std::mem::take(&mut target));
            }
            c => target.push(c),
        }
    }
    targets.push(target);
    targets.into_iter().map(|t| t.trim().to_string()).filter(|t| !t.is_empty()).collect()
}

fn is_command(target: &str) -> bool {
    target.starts_with('|') || target == ":include:"
}

fn target(text: &str) -> Option<AliasTarget> {
    // A backslash says that the name is not to be looked up again.
    let text = text.strip_prefix('\\').unwrap_or(text);
    if text.starts_with(['|', '/', ':']) {
        return Some(AliasTarget::Local(text.to_string()));
    }
    let inner = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or(text);
    (!inner.is_empty()).then(|| AliasTarget::Address(inner.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, form: AliasForm) -> Vec<String> {
        let (aliases, senseless) = parse(text, form);
        let mut shown: Vec<String> = aliases
            .iter()
            .map(|a| {
                let targets = a.targets.iter().map(|t| match t {
                    AliasTarget::Address(address) => address.clone(),
                    AliasTarget::Local(what) => format!("[{what}]"),
                });
                format!("{} {}={}", a.line, a.name, targets.collect::<Vec<_>>().join(";"))
            })
            .collect();
        shown.extend(senseless.iter().map(|line| format!("{line}?")));
        shown
    }

    #[test]
    fn aliases_are_read() {
        let text = "# mail\npostmaster: root\n\"odd name\" : ana, bob@x.org,\n\tcarla\n\n\
            list: \"|/bin/prog a, b\", /var/mail/x, :include:/etc/l\nroot: \\ana\nempty:\nnothing\n";
        assert_eq!(AliasForm::of(text), AliasForm::Aliases);
        assert_eq!(
            show(text, AliasForm::Aliases),
            [
                "2 postmaster=root",
                "3 odd name=ana;bob@x.org;carla",
                "6 list=[|/bin/prog a, b];[/var/mail/x];[:include:/etc/l]",
                "7 root=ana",
                "8?",
                "9?"
            ]
        );
    }

    #[test]
    fn virtual_maps_are_read() {
        let text = "x.org anything\ninfo@x.org ana@x.org, bob\n@y.org  carla@x.org\n  dora@x.org\n";
        assert_eq!(AliasForm::of(text), AliasForm::Virtual);
        assert_eq!(
            show(text, AliasForm::Virtual),
            ["1 x.org=anything", "2 info@x.org=ana@x.org;bob", "3 @y.org=carla@x.org;dora@x.org"]
        );
        assert_eq!(AliasForm::of(""), AliasForm::Virtual);
    }
}
